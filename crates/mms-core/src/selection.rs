//! Which streams a client wants, and how much of each.

/// How much of a stream is sent (\[MS-MMSP\] section 2.2.4.28.1, wThinningLevel).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Thinning {
    /// Everything.
    #[default]
    Full,
    /// Key frames only.
    KeyFrames,
    /// Nothing.
    Nothing,
}

/// A thinning level for each of the 127 possible streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Selection {
    full: u128,
    key_frames: u128,
}

impl Selection {
    /// Every stream in full.
    pub const ALL: Self = Self { full: !0, key_frames: 0 };
    /// No stream.
    pub const NONE: Self = Self { full: 0, key_frames: 0 };

    /// Sets the level of one stream; numbers above 127 are ignored.
    pub fn set(&mut self, stream: u16, level: Thinning) {
        let Some(bit) = bit(stream) else { return };
        self.full &= !bit;
        self.key_frames &= !bit;
        match level {
            Thinning::Full => self.full |= bit,
            Thinning::KeyFrames => self.key_frames |= bit,
            Thinning::Nothing => {}
        }
    }

    /// The level of one stream.
    #[must_use]
    pub fn level(&self, stream: u16) -> Thinning {
        let bit = bit(stream).unwrap_or(0);
        if self.full & bit != 0 {
            Thinning::Full
        } else if self.key_frames & bit != 0 {
            Thinning::KeyFrames
        } else {
            Thinning::Nothing
        }
    }

    /// The same selection with one stream changed.
    #[must_use]
    pub fn with(mut self, stream: u16, level: Thinning) -> Self {
        self.set(stream, level);
        self
    }
}

impl Default for Selection {
    fn default() -> Self {
        Self::ALL
    }
}

fn bit(stream: u16) -> Option<u128> {
    if stream > 127 { None } else { 1_u128.checked_shl(u32::from(stream)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_replaces_the_level_before() {
        let mut selection = Selection::ALL;
        selection.set(2, Thinning::KeyFrames);
        selection.set(127, Thinning::Nothing);
        selection.set(128, Thinning::Nothing);
        assert_eq!(selection.level(1), Thinning::Full);
        assert_eq!(selection.level(2), Thinning::KeyFrames);
        assert_eq!(selection.level(127), Thinning::Nothing);
        assert_eq!(selection.level(128), Thinning::Nothing);
        assert_eq!(selection.with(2, Thinning::Nothing).level(2), Thinning::Nothing);
    }
}
