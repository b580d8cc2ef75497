//! NSC: the announcement of a multicast ([MS-MSB] section 2.2.1, digest 8).

use nom::Parser;
use nom::bytes::complete::{tag_no_case, take_while_m_n};
use nom::combinator::all_consuming;
use nom::sequence::preceded;

use super::is_space;
use super::lines::Rows;
use super::value::space;
use crate::error::{DecodeError, Reason};

/// Most bytes of an announcement.
pub const BYTES_LIMIT: usize = 1024 * 1024;
/// Most formats of an announcement.
pub const FORMATS_LIMIT: u32 = 32;
/// Bytes in front of the data of a [`Block`]: CRC, Key, Length.
const BLOCK_HEAD: usize = 9;

/// An announcement.
#[derive(Clone, Copy, Debug)]
pub struct Nsc<'a> {
    text: &'a str,
}

impl<'a> Nsc<'a> {
    /// Takes a text that begins with `[Address]`.
    ///
    /// # Errors
    /// `NotMetafile`, `MetafileBytes`.
    pub fn parse(text: &'a str) -> Result<Self, DecodeError> {
        if text.len() > BYTES_LIMIT {
            return Err(DecodeError::new(Reason::MetafileBytes, BYTES_LIMIT));
        }
        let first: Result<_, nom::Err<nom::error::Error<&str>>> =
            tag_no_case("[Address]").parse_complete(space(text));
        first.map(|_| Self { text }).map_err(|_| DecodeError::new(Reason::NotMetafile, 0))
    }

    /// The names and values in the order of the lines, sections and empty values left out.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields { rows: Rows { rest: self.text } }
    }

    /// The first value of a name in any case that is not empty, as written.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a str> {
        self.fields().find(|(written, _)| written.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The ASF headers (Format1, Format2, ...), at most [`FORMATS_LIMIT`].
    ///
    /// Each is told as a block, whose key is the format id, or as the fault in it.
    #[must_use]
    pub fn formats(&self) -> Formats<'a> {
        Formats { fields: self.fields(), left: FORMATS_LIMIT }
    }
}

/// The fields of an [`Nsc`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rows: Rows<'a>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.find_map(|row| {
            let (name, value) = row.split_once('=')?;
            let (name, value) = (name.trim_matches(is_space), value.trim_matches(is_space));
            (!name.is_empty() && !value.is_empty() && !name.starts_with('[')).then_some((name, value))
        })
    }
}

/// The formats of an [`Nsc`].
#[derive(Clone, Debug)]
pub struct Formats<'a> {
    fields: Fields<'a>,
    left: u32,
}

impl<'a> Iterator for Formats<'a> {
    type Item = Result<Block<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let is_format = |name: &str| {
            let (word, number) = name.split_at_checked("Format".len())?;
            let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            (word.eq_ignore_ascii_case("Format") && numbered).then_some(())
        };
        self.fields.find_map(|(name, value)| is_format(name).map(|()| Block::parse(value)))
    }
}

/// The value of an integer field: `0x` and one to eight hexadecimal digits.
#[must_use]
pub fn integer(value: &str) -> Option<u32> {
    let digits = take_while_m_n(1, 8, |c: char| c.is_ascii_hexdigit());
    let parsed: Result<(&str, &str), nom::Err<nom::error::Error<&str>>> =
        all_consuming(preceded(tag_no_case("0x"), digits)).parse_complete(value);
    parsed.ok().and_then(|(_, digits)| u32::from_str_radix(digits, 16).ok())
}

/// The characters of a string field: plain, or UTF-16LE in a block. A value that begins like a block and is none is
/// plain.
pub fn string(value: &str) -> impl Iterator<Item = char> + Clone + '_ {
    let block = Block::parse(value).ok();
    let plain = if block.is_some() { "" } else { value };
    let units = block.into_iter().flat_map(|block| Units { data: block.data() });
    let wide = char::decode_utf16(units.take_while(|unit| *unit != 0));
    wide.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).chain(plain.chars())
}

/// An encoded block: `02`, then CRC, Key, Length and data, six bits to a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    characters: &'a str,
    key: u32,
    len: usize,
}

impl<'a> Block<'a> {
    /// Checks a block as a whole.
    ///
    /// # Errors
    /// `Value` (no `02`, a character outside the alphabet, or too few or many of them), `NestedLength`
    /// (Length is not what is there), `Checksum`.
    pub fn parse(value: &'a str) -> Result<Self, DecodeError> {
        let characters = value.strip_prefix("02").ok_or(DecodeError::new(Reason::Value, 0))?;
        if let Some(at) = characters.bytes().position(|byte| six_bits(byte).is_none()) {
            return Err(DecodeError::new(Reason::Value, at.saturating_add(2)));
        }
        let mut bytes = Bytes::new(characters);
        let crc = bytes.next().ok_or(DecodeError::new(Reason::Truncated, 2))?;
        let mut sum = 0u8;
        let mut word = || {
            let mut word = [0; 4];
            for place in &mut word {
                *place = bytes.next().ok_or(DecodeError::new(Reason::Truncated, 2))?;
                sum ^= *place;
            }
            Ok(u32::from_be_bytes(word))
        };
        let (key, length) = (word()?, word()?);
        let len = usize::try_from(length).unwrap_or(usize::MAX);
        // The characters that so many bytes take, zero bits filling the last.
        let expected =
            len.checked_add(BLOCK_HEAD).and_then(|all| all.checked_mul(8)).map(|bits| bits.div_ceil(6));
        if expected != Some(characters.len()) {
            return Err(DecodeError::new(Reason::NestedLength, 2));
        }
        sum = bytes.take(len).fold(sum, |sum, byte| sum ^ byte);
        if sum != crc {
            return Err(DecodeError::new(Reason::Checksum, 2));
        }
        Ok(Self { characters, key, len })
    }

    /// Key: the format id of a header, 0 otherwise.
    #[must_use]
    pub const fn key(&self) -> u32 {
        self.key
    }

    /// Length of the data in bytes.
    #[must_use]
    pub const fn data_len(&self) -> usize {
        self.len
    }

    /// The data.
    #[must_use]
    pub fn data(&self) -> Data<'a> {
        let mut bytes = Bytes::new(self.characters);
        for _ in 0..BLOCK_HEAD {
            bytes.next();
        }
        Data { bytes, left: self.len }
    }
}

/// The data of a [`Block`].
#[derive(Clone, Debug)]
pub struct Data<'a> {
    bytes: Bytes<'a>,
    left: usize,
}

impl Iterator for Data<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        self.bytes.next()
    }
}

/// The value of a character: `0-9`, `A-Z`, `a-z`, `{`, `}`.
const fn six_bits(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => byte.checked_sub(b'0'),
        b'A'..=b'Z' => byte.checked_sub(b'A' - 10),
        b'a'..=b'z' => byte.checked_sub(b'a' - 36),
        b'{' => Some(62),
        b'}' => Some(63),
        _ => None,
    }
}

#[derive(Clone, Debug)]
struct Bytes<'a> {
    characters: core::str::Bytes<'a>,
    bits: u16,
    count: u32,
}

impl<'a> Bytes<'a> {
    fn new(characters: &'a str) -> Self {
        Self { characters: characters.bytes(), bits: 0, count: 0 }
    }
}

impl Iterator for Bytes<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        while self.count < 8 {
            let six = self.characters.next().and_then(six_bits)?;
            self.bits = self.bits.wrapping_shl(6) | u16::from(six);
            self.count = self.count.saturating_add(6);
        }
        self.count = self.count.saturating_sub(8);
        let [_, byte] = self.bits.wrapping_shr(self.count).to_be_bytes();
        Some(byte)
    }
}

#[derive(Clone, Debug)]
struct Units<'a> {
    data: Data<'a>,
}

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.data.next()?, self.data.next()?]))
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_vectors_of_the_digest_decode() {
        for (value, text) in [
            ("029G0000000008Cm0k0300000", "3.0"),
            ("020W0000000002000", ""),
            ("029m0000000006I01f0000", "Hi"),
            ("MY_COMPUTER, bpp", "MY_COMPUTER, bpp"),
            ("02 is no block", "02 is no block"),
        ] {
            assert_eq!(string(value).collect::<String>(), text, "{value}");
        }
        let block = Block::parse("02zm000IC00004C2QoTG").unwrap();
        assert_eq!((block.key(), block.data_len()), (0x123, 4));
        assert_eq!(block.data().collect::<Vec<_>>(), [0x30, 0x26, 0xB2, 0x75]);
    }

    #[test]
    fn an_announcement_gives_its_fields_and_formats() {
        let nsc = Nsc::parse(
            "[Address]\r\nNSC Format Version = 3.0\r\nIP Address=239.192.48.179\r\nIP Port=0x00004A41\r\n\
             Log URL=\r\n[Formats]\r\nFormat1=02zm000IC00004C2QoTG\r\nFormat2=02zm\r\nFormatX=1\r\n",
        )
        .unwrap();
        assert_eq!(nsc.field("ip address"), Some("239.192.48.179"));
        assert_eq!(nsc.field("IP Port").and_then(integer), Some(0x4A41));
        assert_eq!(nsc.field("Log URL"), None);
        let keys: Vec<_> = nsc.formats().map(|format| format.map(|block| block.key())).collect();
        assert_eq!(keys, [Ok(0x123), Err(DecodeError::new(Reason::Truncated, 2))]);
        assert_eq!(Nsc::parse("[Formats]").unwrap_err().reason, Reason::NotMetafile);
    }

    #[test]
    fn integers_are_hexadecimal_and_no_longer_than_eight_digits() {
        assert_eq!(integer("0XffFFffFF"), Some(u32::MAX));
        for text in ["", "0x", "10", "0x123456789", "0x1g", "0x+1", "-0x1"] {
            assert_eq!(integer(text), None, "{text}");
        }
    }
}
