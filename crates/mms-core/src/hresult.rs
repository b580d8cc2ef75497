//! HRESULT values that Windows Media peers report.

use core::fmt;

/// A result code; the top bit says failure. Unknown values stay what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hresult(pub u32);

macro_rules! results {
    ($($(#[$meta:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        impl Hresult {
            $($(#[$meta])* #[doc = $text] pub const $name: Self = Self($value);)*

            /// Name and meaning of a known value.
            #[must_use]
            pub const fn known(self) -> Option<(&'static str, &'static str)> {
                match self {
                    $(Self::$name => Some((stringify!($name), $text)),)*
                    _ => None,
                }
            }
        }

        #[cfg(any(test, feature = "arbitrary"))]
        pub(crate) const KNOWN: &[Hresult] = &[$(Hresult::$name),*];
    };
}

results! {
    S_OK = 0x0000_0000, "success; send exactly 0, some clients take anything else for a failure";
    S_FALSE = 0x0000_0001, "plain information: in ReportEndOfStream, more follows";
    NS_E_FILE_NOT_FOUND = 0xC00D_001A, "path unknown";
    ERROR_FILE_NOT_FOUND = 0x8007_0002, "path unknown, as a Win32 error";
    ERROR_PATH_NOT_FOUND = 0x8007_0003, "path unknown, as a Win32 error";
    E_ACCESSDENIED = 0x8007_0005, "access refused or authentication failed";
    E_INVALIDARG = 0x8007_0057, "bad parameter";
    E_UNEXPECTED = 0x8000_FFFF, "open failed for another reason";
    NS_E_NETWORK_BUSY = 0xC00D_000E, "overloaded";
    NS_E_TOO_MANY_SESS = 0xC00D_000F, "session limit";
    NS_E_MAX_CLIENTS = 0xC00D_0049, "client limit";
    NS_E_INSUFFICIENT_BANDWIDTH = 0xC00D_002C, "bandwidth limit";
    NS_E_OPEN_FILE_LIMIT = 0xC00D_0031, "too many open files";
    NS_E_PROTOCOL_MISMATCH = 0xC00D_0012, "peer too old or too new";
    NS_E_TIMEOUT = 0xC00D_0013, "timed out";
    NS_E_INVALID_NAME = 0xC00D_001C, "malformed path";
    NS_E_FILE_OPEN_FAILED = 0xC00D_001D, "file cannot be opened";
    NS_E_FILE_PLAY_FAILED = 0xC00D_0020, "file cannot be played";
    NS_E_FILE_READ = 0xC00D_0019, "reading failed while streaming";
    NS_E_INTERNAL = 0xC00D_0024, "internal error";
    NS_E_CONNECTION_FAILURE = 0xC00D_0029, "upstream lost";
    NS_E_SHUTDOWN = 0xC00D_002A, "server is going down";
    NS_E_INVALID_REQUEST = 0xC00D_002B, "message not allowed in this state";
    NS_E_INVALID_DATA = 0xC00D_002F, "invalid data";
    NS_E_NO_STREAM = 0xC00D_0033, "unknown stream, or no source";
    NS_E_STREAM_END = 0xC00D_0034, "no more data";
    NS_E_INVALID_STREAM = 0xC00D_003C, "invalid stream";
    NS_E_INVALID_PORT = 0xC00D_0043, "bad port in the funnel name";
    NS_E_STRIDE_REFUSED = 0xC00D_0045, "fast forward and rewind are impossible";
    NS_E_MAX_BITRATE = 0xC00D_0047, "content rate above the limit";
    NS_E_UDP_DISABLED = 0xC00D_00D1, "media over UDP is disabled";
    NS_E_TCP_DISABLED = 0xC00D_00D2, "media over TCP is disabled";
    NS_E_NOCONNECTION = 0xC00D_0005, "no connection";
}

impl Hresult {
    /// Whether the top bit says failure.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        self.0 & 0x8000_0000 != 0
    }

    /// The value for an HTTP status, in the facility that Windows keeps for them.
    #[must_use]
    pub fn from_http(status: u16) -> Self {
        Self(0x8019_0000 | u32::from(status))
    }

    /// The HTTP status that the value wraps, if it does.
    #[must_use]
    pub const fn http(self) -> Option<u32> {
        if self.0 >> 16 == 0x8019 { Some(self.0 & 0xFFFF) } else { None }
    }

    /// The Winsock error that the value wraps (0x8007_2711 and above), if it does.
    #[must_use]
    pub const fn winsock(self) -> Option<u32> {
        if self.0 >= 0x8007_2711 && self.0 <= 0x8007_2AFC { Some(self.0 & 0xFFFF) } else { None }
    }
}

impl fmt::Display for Hresult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.known(), self.winsock(), self.http()) {
            (Some((name, text)), ..) => write!(f, "0x{:08X} {name}, {text}", self.0),
            (None, Some(code), _) => write!(f, "0x{:08X} Winsock error {code}", self.0),
            (None, None, Some(status)) => write!(f, "0x{:08X} HTTP status {status}", self.0),
            (None, None, None) => write!(f, "0x{:08X}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn names_are_shown_and_unknown_values_stay_numbers() {
        assert_eq!(Hresult::NS_E_FILE_NOT_FOUND.to_string(), "0xC00D001A NS_E_FILE_NOT_FOUND, path unknown");
        assert_eq!(Hresult(0x8007_274C).to_string(), "0x8007274C Winsock error 10060");
        assert_eq!(Hresult(0xA000_0001).to_string(), "0xA0000001");
        assert_eq!(Hresult::from_http(404).to_string(), "0x80190194 HTTP status 404");
        assert!(Hresult(0xA000_0001).is_failure() && !Hresult::S_FALSE.is_failure());
        assert!(KNOWN.iter().all(|hr| hr.known().is_some()));
    }
}
