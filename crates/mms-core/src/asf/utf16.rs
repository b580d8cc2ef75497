//! Text in objects: UTF-16LE, borrowed (section 2.1).

use core::char::{DecodeUtf16, REPLACEMENT_CHARACTER, decode_utf16};
use core::fmt::{self, Write};

use crate::error::BufferTooSmall;

/// UTF-16LE text as it stands in an object, converted only when somebody asks.
///
/// The text ends at the first NUL or at the end of its bytes; an odd last byte is ignored.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Utf16<'a>(&'a [u8]);

impl<'a> Utf16<'a> {
    /// Text over the bytes of a field.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Text written into a buffer with a NUL behind it, for objects that are to be written.
    ///
    /// # Errors
    /// If the buffer is too small; two bytes for each unit and for the NUL are needed.
    pub fn encode(text: &str, out: &'a mut [u8]) -> Result<Self, BufferTooSmall> {
        let units = || text.encode_utf16().chain([0]);
        let needed = units().fold(0usize, |len, _| len.saturating_add(2));
        let out = out.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        for (place, unit) in out.chunks_exact_mut(2).zip(units()) {
            place.copy_from_slice(&unit.to_le_bytes());
        }
        Ok(Self(out))
    }

    /// The bytes of the field, with what stands behind the first NUL.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// True if there is no character before the first NUL.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.chars().next().is_none()
    }

    /// The characters, with U+FFFD in place of unpaired surrogates.
    #[must_use]
    pub fn chars(self) -> Chars<'a> {
        Chars(decode_utf16(Units(self.0)))
    }
}

impl fmt::Display for Utf16<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| f.write_char(c))
    }
}

impl fmt::Debug for Utf16<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.chars().flat_map(char::escape_debug).try_for_each(|c| f.write_char(c))?;
        f.write_char('"')
    }
}

impl PartialEq<str> for Utf16<'_> {
    fn eq(&self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

/// The characters of a [`Utf16`].
#[derive(Clone, Debug)]
pub struct Chars<'a>(DecodeUtf16<Units<'a>>);

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        self.0.next().map(|unit| unit.unwrap_or(REPLACEMENT_CHARACTER))
    }
}

#[derive(Clone, Debug)]
struct Units<'a>(&'a [u8]);

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let (unit, rest) = self.0.split_first_chunk()?;
        let unit = u16::from_le_bytes(*unit);
        self.0 = if unit == 0 { &[] } else { rest };
        (unit != 0).then_some(unit)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn text_ends_at_the_first_nul_and_ignores_an_odd_last_byte() {
        assert_eq!(Utf16::new(b"a\0b\0\0\0c\0").to_string(), "ab");
        assert_eq!(Utf16::new(b"a\0b\0c").to_string(), "ab");
        assert!(Utf16::new(b"\0\0a\0").is_empty() && Utf16::new(b"").is_empty());
    }

    #[test]
    fn unpaired_surrogates_become_the_replacement_character() {
        assert_eq!(Utf16::new(&[0x3d, 0xd8, 0x00, 0xde]).to_string(), "\u{1f600}");
        assert_eq!(Utf16::new(&[0x3d, 0xd8, 0x41, 0x00, 0x00, 0xde]).to_string(), "\u{fffd}A\u{fffd}");
    }
}
