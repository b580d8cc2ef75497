//! The Supported field (section 2.2.1.7).

use core::fmt;

use bitflags::bitflags;

use super::text::same;

bitflags! {
    /// Features that a peer of version 9 and up lists. Names that are unknown are left out.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Supported: u8 {
        /// The packet-pair experiment.
        const SRVPPAIR = 1;
        /// SelectStream.
        const SSWITCH = 2;
        /// Predictive stream selection between playlist entries.
        const PREDSTRM = 4;
        /// The Speed token.
        const FASTCACHE = 8;
        /// X-StartupProfile.
        const STARTUPPROFILE = 16;
    }
}

const NAMES: [(&str, Supported); 5] = [
    ("com.microsoft.wm.srvppair", Supported::SRVPPAIR),
    ("com.microsoft.wm.sswitch", Supported::SSWITCH),
    ("com.microsoft.wm.predstrm", Supported::PREDSTRM),
    ("com.microsoft.wm.fastcache", Supported::FASTCACHE),
    ("com.microsoft.wm.startupprofile", Supported::STARTUPPROFILE),
];

impl Supported {
    /// What a client assumes of a server before any field is seen.
    pub const ASSUMED_OF_SERVER: Self = Self::SRVPPAIR.union(Self::SSWITCH).union(Self::PREDSTRM);
    /// What a server assumes of a client.
    pub const ASSUMED_OF_CLIENT: Self = Self::SSWITCH.union(Self::PREDSTRM);

    /// The features of a comma list.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split(',')
            .filter_map(|name| NAMES.iter().find(|(known, _)| same(known, name.trim())))
            .fold(Self::empty(), |all, (_, one)| all | *one)
    }
}

impl fmt::Display for Supported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, _) in NAMES.iter().filter(|(_, flag)| self.contains(*flag)) {
            write!(f, "{separator}{name}")?;
            separator = ", ";
        }
        Ok(())
    }
}
