//! Text on the wire: UTF-16LE, borrowed, converted only when somebody asks.

use core::char::{DecodeUtf16, DecodeUtf16Error, REPLACEMENT_CHARACTER};
use core::fmt;
use core::slice;
use core::str::EncodeUtf16;

use crate::error::BufferTooSmall;

/// A string as it came from the wire or as the caller has it; it ends at its first NUL.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Text<'a> {
    /// UTF-16LE as received; an odd last byte does not count.
    Wire(&'a [u8]),
    /// A string of the caller's.
    Str(&'a str),
    /// Several strings of the caller's, one after the other.
    Parts(&'a [&'a str]),
}

impl<'a> Text<'a> {
    /// The text at the start of `bytes`: up to the first NUL code unit or the end, without an odd last byte.
    #[must_use]
    pub fn from_wire(bytes: &'a [u8]) -> Self {
        let (units, _odd) = bytes.as_chunks::<2>();
        let text = units.split(|unit| *unit == [0, 0]).next().unwrap_or_default();
        Self::Wire(text.as_flattened())
    }

    /// The UTF-16 code units up to the first NUL.
    #[must_use]
    pub fn units(&self) -> Units<'a> {
        let source = match *self {
            Self::Wire(bytes) => Source::Wire(bytes.as_chunks::<2>().0.iter()),
            Self::Str(text) => Source::Parts(text.encode_utf16(), [].iter()),
            Self::Parts(parts) => Source::Parts("".encode_utf16(), parts.iter()),
        };
        Units { source, ended: false }
    }

    /// The characters; an unpaired surrogate becomes U+FFFD.
    #[must_use]
    pub fn chars(&self) -> Chars<'a> {
        Chars { inner: self.try_chars() }
    }

    /// The characters; an unpaired surrogate is an error, and the iterator goes on behind it.
    #[must_use]
    pub fn try_chars(&self) -> TryChars<'a> {
        TryChars { inner: char::decode_utf16(self.units()) }
    }

    /// Whether there is no character.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units().next().is_none()
    }

    /// Bytes of the UTF-16LE form, without a NUL.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.units().count().saturating_mul(2)
    }

    /// Writes the UTF-16LE form without a NUL and returns its length.
    ///
    /// # Errors
    ///
    /// `out` is too small; nothing was written.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let room = out.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        for (place, unit) in room.as_chunks_mut::<2>().0.iter_mut().zip(self.units()) {
            *place = unit.to_le_bytes();
        }
        Ok(needed)
    }

    /// Whether the text is `other`, compared by code units.
    #[must_use]
    pub fn eq_str(&self, other: &str) -> bool {
        self.units().eq(Text::Str(other).units())
    }
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self::Str("")
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Str(text)
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.units().eq(other.units())
    }
}

impl Eq for Text<'_> {}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| fmt::Write::write_char(f, c))
    }
}

/// The UTF-16 code units of a [`Text`].
#[derive(Clone, Debug)]
pub struct Units<'a> {
    source: Source<'a>,
    ended: bool,
}

#[derive(Clone, Debug)]
enum Source<'a> {
    Wire(slice::Iter<'a, [u8; 2]>),
    Parts(EncodeUtf16<'a>, slice::Iter<'a, &'a str>),
}

impl Source<'_> {
    fn next(&mut self) -> Option<u16> {
        match self {
            Self::Wire(units) => units.next().map(|unit| u16::from_le_bytes(*unit)),
            Self::Parts(part, parts) => loop {
                if let Some(unit) = part.next() {
                    return Some(unit);
                }
                *part = parts.next()?.encode_utf16();
            },
        }
    }
}

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.ended {
            return None;
        }
        let unit = self.source.next().filter(|unit| *unit != 0);
        self.ended = unit.is_none();
        unit
    }
}

impl core::iter::FusedIterator for Units<'_> {}

/// The characters of a [`Text`], unpaired surrogates replaced.
#[derive(Clone, Debug)]
pub struct Chars<'a> {
    inner: TryChars<'a>,
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        self.inner.next().map(|c| c.unwrap_or(REPLACEMENT_CHARACTER))
    }
}

/// The characters of a [`Text`], unpaired surrogates reported.
#[derive(Clone, Debug)]
pub struct TryChars<'a> {
    inner: DecodeUtf16<Units<'a>>,
}

impl Iterator for TryChars<'_> {
    type Item = Result<char, DecodeUtf16Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next()
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Text<'a> {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        if u.arbitrary()? {
            let text: &'a str = u.arbitrary()?;
            Ok(Self::Str(text.split('\0').next().unwrap_or_default()))
        } else {
            Ok(Self::from_wire(u.arbitrary()?))
        }
    }
}

/// Text built in place; writing more than fits is an error.
#[derive(Debug)]
pub(crate) struct Fixed<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Default for Fixed<N> {
    fn default() -> Self {
        Self { bytes: [0; N], len: 0 }
    }
}

impl<const N: usize> Fixed<N> {
    pub(crate) fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Write for Fixed<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len.saturating_add(text.len());
        let target = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        target.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// The text of bytes up to the first that is no UTF-8.
#[must_use]
pub fn utf8_prefix(bytes: &[u8]) -> &str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => bytes
            .get(..error.valid_up_to())
            .and_then(|valid| core::str::from_utf8(valid).ok())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::*;

    #[test]
    fn wire_text_ends_at_the_first_nul_unit_and_drops_an_odd_byte() {
        assert!(Text::from_wire(b"a\0b\0\0\0c\0").eq_str("ab"));
        assert!(Text::from_wire(b"a\0b\0c").eq_str("ab"));
        assert!(Text::from_wire(b"a\0\0b\0\0").eq_str("a\u{6200}"));
        assert!(Text::from_wire(b"\0\0").is_empty() && Text::from_wire(b"").is_empty());
        assert!(Text::Wire(b"a\0\0\0c\0").eq_str("a"));
    }

    #[test]
    fn the_three_forms_of_one_text_are_equal() {
        let parts = Text::Parts(&["\u{1F3B5}", "", "é"]);
        let wire = Text::from_wire(&[0x3C, 0xD8, 0xB5, 0xDF, 0xE9, 0]);
        assert_eq!(parts, wire);
        assert_eq!(parts, Text::Str("\u{1F3B5}é"));
        assert_ne!(parts, Text::Str("\u{1F3B5}e"));
        assert_eq!(wire.to_string(), "\u{1F3B5}é");
        assert_eq!(parts.encoded_len(), 6);
    }

    #[test]
    fn text_of_the_caller_ends_at_nul_in_every_measure() {
        for text in [Text::Str("ab\0cd"), Text::Parts(&["ab\0", "cd"])] {
            assert_eq!((text.encoded_len(), text.units().count()), (4, 2));
            assert!(text.eq_str("ab"));
        }
        assert!(Text::Parts(&[]).is_empty() && Text::Parts(&["", ""]).is_empty());
    }

    #[test]
    fn the_units_stay_ended_behind_a_nul() {
        let mut units = Text::Wire(b"a\0\0\0c\0").units();
        assert_eq!([units.next(), units.next(), units.next()], [Some(0x61), None, None]);
    }

    #[test]
    fn broken_surrogates_are_replaced_or_reported() {
        let text = Text::from_wire(&[0x00, 0xDC, b'a', 0, 0x00, 0xD8]);
        assert_eq!(text.chars().collect::<String>(), "\u{FFFD}a\u{FFFD}");
        let strict: Vec<_> = text.try_chars().map(|c| c.map_err(|e| e.unpaired_surrogate())).collect();
        assert_eq!(strict, [Err(0xDC00), Ok('a'), Err(0xD800)]);
    }

    #[test]
    fn encode_writes_exactly_or_nothing() {
        let mut out = [0xAA; 5];
        assert_eq!(Text::Str("abc").encode(&mut out), Err(BufferTooSmall { needed: 6 }));
        assert_eq!(out, [0xAA; 5]);
        assert_eq!(Text::Parts(&["a", "é"]).encode(&mut out), Ok(4));
        assert_eq!(out, [b'a', 0, 0xE9, 0, 0xAA]);
    }
}
