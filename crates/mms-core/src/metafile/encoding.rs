//! Character sets of metafiles (digest 2.2): UTF-8 if valid or marked, UTF-16, otherwise Windows-1252.

use core::char::REPLACEMENT_CHARACTER;

use crate::error::BufferTooSmall;

/// The character set of a metafile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, ASCII included.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Windows-1252, the fallback for text that is not UTF-8.
    Windows1252,
}

/// The characters of 0x80 to 0x9F; the five that the code page leaves out stand for themselves.
const HIGH: [char; 32] = [
    '\u{20AC}', '\u{81}', '\u{201A}', '\u{192}', '\u{201E}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2C6}',
    '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8D}', '\u{17D}', '\u{8F}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201C}', '\u{201D}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2DC}', '\u{2122}', '\u{161}',
    '\u{203A}', '\u{153}', '\u{9D}', '\u{17E}', '\u{178}',
];

impl Encoding {
    /// The character set and the bytes behind the byte order mark. UTF-16 without a mark is told by its first
    /// character, which is ASCII in every metafile.
    pub(super) fn split(bytes: &[u8]) -> (Self, &[u8]) {
        match bytes {
            [0xEF, 0xBB, 0xBF, rest @ ..] => (Self::Utf8, rest),
            [0xFF, 0xFE, rest @ ..] => (Self::Utf16Le, rest),
            [0xFE, 0xFF, rest @ ..] => (Self::Utf16Be, rest),
            [1..=0x7F, 0, ..] => (Self::Utf16Le, bytes),
            [0, 1..=0x7F, ..] => (Self::Utf16Be, bytes),
            _ if core::str::from_utf8(bytes).is_ok() => (Self::Utf8, bytes),
            _ => (Self::Windows1252, bytes),
        }
    }
}

/// Bytes of buffer that [`to_text`] needs: 0 if the text can be borrowed.
#[must_use]
pub fn text_len(bytes: &[u8]) -> usize {
    let (encoding, rest) = Encoding::split(bytes);
    if encoding == Encoding::Utf8 && core::str::from_utf8(rest).is_ok() {
        return 0;
    }
    decoded(encoding, rest).fold(0usize, |sum, c| sum.saturating_add(c.len_utf8()))
}

/// The text of a metafile without its byte order mark: borrowed if it is UTF-8, else written to `out`.
///
/// # Errors
/// `out` is shorter than [`text_len`]; it holds nothing of use then.
pub fn to_text<'a>(bytes: &'a [u8], out: &'a mut [u8]) -> Result<(Encoding, &'a str), BufferTooSmall> {
    let (encoding, rest) = Encoding::split(bytes);
    if encoding == Encoding::Utf8
        && let Ok(text) = core::str::from_utf8(rest)
    {
        return Ok((encoding, text));
    }
    let mut len = 0usize;
    for c in decoded(encoding, rest) {
        let end = len.saturating_add(c.len_utf8());
        match out.get_mut(len..end) {
            Some(place) => c.encode_utf8(place),
            None => return Err(BufferTooSmall { needed: text_len(bytes) }),
        };
        len = end;
    }
    let text = out.get(..len).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or_default();
    Ok((encoding, text))
}

fn decoded(encoding: Encoding, bytes: &[u8]) -> impl Iterator<Item = char> + '_ {
    let (pairs, utf8, single) = match encoding {
        Encoding::Utf8 => (&[][..], bytes, &[][..]),
        Encoding::Utf16Le | Encoding::Utf16Be => (bytes.as_chunks::<2>().0, &[][..], &[][..]),
        Encoding::Windows1252 => (&[][..], &[][..], bytes),
    };
    let unit = move |pair: &[u8; 2]| match encoding {
        Encoding::Utf16Be => u16::from_be_bytes(*pair),
        _ => u16::from_le_bytes(*pair),
    };
    let wide = char::decode_utf16(pairs.iter().map(unit)).map(|c| c.unwrap_or(REPLACEMENT_CHARACTER));
    let marked = utf8.utf8_chunks().flat_map(|chunk| {
        let broken = (!chunk.invalid().is_empty()).then_some(REPLACEMENT_CHARACTER);
        chunk.valid().chars().chain(broken)
    });
    let narrow = single.iter().map(|byte| match byte {
        0x80..=0x9F => HIGH.get(usize::from(byte & 0x1F)).copied().unwrap_or(REPLACEMENT_CHARACTER),
        byte => char::from(*byte),
    });
    wide.chain(marked).chain(narrow)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn text(bytes: &[u8]) -> (Encoding, std::string::String) {
        let mut out = std::vec![0; text_len(bytes)];
        let (encoding, text) = to_text(bytes, &mut out).unwrap();
        (encoding, text.into())
    }

    #[test]
    fn utf_8_is_borrowed_and_loses_its_mark() {
        assert_eq!(to_text("é<".as_bytes(), &mut []), Ok((Encoding::Utf8, "é<")));
        assert_eq!(to_text(b"\xEF\xBB\xBF<ASX>", &mut []), Ok((Encoding::Utf8, "<ASX>")));
        assert_eq!(text(b"\xEF\xBB\xBFa\xFFb"), (Encoding::Utf8, "a\u{FFFD}b".into()));
    }

    #[test]
    fn utf_16_is_read_with_and_without_its_mark() {
        let le: Vec<u8> = "<é\u{1F3B5}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "<é\u{1F3B5}".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text(&le), (Encoding::Utf16Le, "<é\u{1F3B5}".into()));
        assert_eq!(text(&be), (Encoding::Utf16Be, "<é\u{1F3B5}".into()));
        assert_eq!(text(&[&[0xFF, 0xFE], &le[..]].concat()), (Encoding::Utf16Le, "<é\u{1F3B5}".into()));
        assert_eq!(text(b"\xFE\xFF\xD8\x00\0a\0"), (Encoding::Utf16Be, "\u{FFFD}a".into()));
    }

    #[test]
    fn other_bytes_are_windows_1252() {
        let high: Vec<u8> =
            (0x80..=0xA0).filter(|byte| ![0x81, 0x8D, 0x8F, 0x90, 0x9D].contains(byte)).collect();
        let expected = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ\u{A0}";
        assert_eq!(text(&high), (Encoding::Windows1252, expected.into()));
        assert_eq!(text(b"\xE9\xFF\x81"), (Encoding::Windows1252, "éÿ\u{81}".into()));
    }

    #[test]
    fn a_short_buffer_says_how_much_is_needed() {
        let mut out = [0; 6];
        assert_eq!(to_text(b"<\x80\x80", &mut out[..6]), Err(BufferTooSmall { needed: 7 }));
    }
}
