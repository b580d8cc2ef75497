//! How far a client follows from metafile to metafile (digest 7).

use core::fmt;

use super::{DEPTH_LIMIT, METAFILES_LIMIT};

/// The metafiles on the way from the first URL to the present one. URLs are kept as 64-bit hashes: two that
/// collide cost an entry, never safety.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    path: [u64; PLACES],
    depth: usize,
    fetched: usize,
}

const PLACES: usize = DEPTH_LIMIT + 1;

/// Why a client goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrailEnd {
    /// The metafile is on the way already.
    Loop,
    /// More than [`DEPTH_LIMIT`] metafiles below the first.
    Depth,
    /// More than [`METAFILES_LIMIT`] metafiles in all.
    Count,
}

impl fmt::Display for TrailEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loop => "metafile refers to itself",
            Self::Depth => "metafiles refer to each other too deeply",
            Self::Count => "too many metafiles",
        })
    }
}

impl core::error::Error for TrailEnd {}

impl Trail {
    /// A way that begins.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes into the metafile at an absolute URL, to be called before it is fetched, and again for each redirect, with
    /// one [`leave`](Self::leave) for each that succeeded.
    ///
    /// # Errors
    /// The client should skip this one; the trail is as before.
    pub fn enter(&mut self, url: &str) -> Result<(), TrailEnd> {
        let hash = hash(url);
        if self.path.iter().take(self.depth).any(|place| *place == hash) {
            return Err(TrailEnd::Loop);
        }
        if self.fetched >= METAFILES_LIMIT {
            return Err(TrailEnd::Count);
        }
        *self.path.get_mut(self.depth).ok_or(TrailEnd::Depth)? = hash;
        self.depth = self.depth.saturating_add(1);
        self.fetched = self.fetched.saturating_add(1);
        Ok(())
    }

    /// Comes back from the metafile that was entered last.
    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

/// FNV-1a without the fragment.
fn hash(url: &str) -> u64 {
    let bytes = url.bytes().take_while(|byte| *byte != b'#');
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn six_files_deep_is_allowed_and_the_seventh_is_not() {
        let mut trail = Trail::new();
        for n in 0..6 {
            assert_eq!(trail.enter(&format!("http://h/{n}")), Ok(()));
        }
        assert_eq!(trail.enter("http://h/6"), Err(TrailEnd::Depth));
        trail.leave();
        assert_eq!(trail.enter("http://h/6"), Ok(()));
    }

    #[test]
    fn a_file_on_the_way_is_a_loop_and_one_left_is_not() {
        let mut trail = Trail::new();
        assert_eq!(trail.enter("http://h/a"), Ok(()));
        assert_eq!(trail.enter("http://h/b"), Ok(()));
        assert_eq!(trail.enter("http://h/a#x"), Err(TrailEnd::Loop));
        trail.leave();
        assert_eq!(trail.enter("http://h/b"), Ok(()));
    }

    #[test]
    fn sixteen_files_in_all_are_the_limit() {
        let mut trail = Trail::new();
        for n in 0..METAFILES_LIMIT {
            assert_eq!(trail.enter(&format!("http://h/{n}")), Ok(()));
            trail.leave();
        }
        assert_eq!(trail.enter("http://h/x"), Err(TrailEnd::Count));
    }
}
