//! Content Description Lists (section 2.2.4): names, types and values, found by their lengths.

use core::fmt;

use nom::bytes::complete::tag;
use nom::character::complete::{char, u16 as small, u32 as number};
use nom::combinator::{map_res, opt};
use nom::multi::length_data;
use nom::sequence::terminated;
use nom::{IResult, Parser};

use crate::error::{DecodeError, Reason};

/// The type of a value (OLE variant numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DescriptionType(pub u16);

impl DescriptionType {
    /// A number of 32 bits with a sign.
    pub const I4: Self = Self(3);
    /// Text.
    pub const LPWSTR: Self = Self(31);
}

/// One name with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The name.
    pub name: &'a str,
    /// The type of the value.
    pub kind: DescriptionType,
    /// The value, always as text; it may hold commas and line breaks.
    pub value: &'a str,
}

impl fmt::Display for Pair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, value } = self;
        write!(f, "{},{name},{},{},{value}", name.len(), kind.0, value.len())
    }
}

/// One list: as received and checked, or the caller's.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Description<'a> {
    /// As received.
    Wire(&'a [u8]),
    /// The caller's.
    Slice(&'a [Pair<'a>]),
}

impl<'a> Description<'a> {
    /// The pairs in order.
    pub fn pairs(&self) -> impl Iterator<Item = Pair<'a>> + 'a {
        let (mut rest, slice) = match *self {
            Self::Wire(bytes) => (bytes, [].as_slice()),
            Self::Slice(pairs) => (&[][..], pairs),
        };
        let wire = core::iter::from_fn(move || {
            let (behind, found) = pair(rest).ok()?;
            rest = behind.strip_prefix(b",").unwrap_or(behind);
            Some(found)
        });
        wire.chain(slice.iter().copied())
    }

    /// The value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.pairs().find(|pair| pair.name == name).map(|pair| pair.value)
    }
}

impl PartialEq for Description<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.pairs().eq(other.pairs())
    }
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for pair in self.pairs() {
            write!(f, "{separator}{pair}")?;
            separator = ",";
        }
        f.write_str("\r\n")
    }
}

/// The lists of a message, one behind the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Descriptions<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Descriptions<'a> {
    /// Over lists as received, which start `offset` bytes into their message.
    #[must_use]
    pub fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes, offset }
    }
}

impl fmt::Display for Descriptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.flatten().try_for_each(|description| description.fmt(f))
    }
}

impl<'a> Iterator for Descriptions<'a> {
    type Item = Result<Description<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match list(self.rest) {
            Ok((behind, found)) => {
                self.offset = self.offset.saturating_add(self.rest.len().saturating_sub(behind.len()));
                self.rest = behind;
                Some(Ok(Description::Wire(found)))
            }
            Err(_) => {
                self.rest = &[];
                Some(Err(DecodeError::new(Reason::Description, self.offset)))
            }
        }
    }
}

fn list(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let mut rest = input;
    loop {
        // every pair takes at least the digits of its lengths
        let (behind, _) = pair(rest)?;
        let (behind, comma) = opt(char(',')).parse_complete(behind)?;
        rest = behind;
        if comma.is_none() {
            break;
        }
    }
    let len = input.len().saturating_sub(rest.len());
    let (behind, _) = tag(&b"\r\n"[..]).parse_complete(rest)?;
    Ok((behind, input.get(..len).unwrap_or_default()))
}

fn pair(input: &[u8]) -> IResult<&[u8], Pair<'_>> {
    let (input, name) = sized(input)?;
    let (input, kind) = (char(','), terminated(small, char(','))).parse_complete(input)?;
    let (input, value) = sized(input)?;
    Ok((input, Pair { name, kind: DescriptionType(kind.1), value }))
}

fn sized(input: &[u8]) -> IResult<&[u8], &str> {
    let counted = terminated(number, char(','));
    map_res(length_data(counted), core::str::from_utf8).parse_complete(input)
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Description<'_>>, DecodeError> {
        Descriptions::new(bytes, 100).collect()
    }

    #[test]
    fn lengths_rule_and_commas_do_not() {
        let pairs = [
            Pair { name: "language", kind: DescriptionType::LPWSTR, value: "" },
            Pair { name: "title", kind: DescriptionType::LPWSTR, value: "a,b\r\n9,\u{e9}" },
            Pair { name: "", kind: DescriptionType(999), value: "1" },
        ];
        let one = Description::Slice(&pairs);
        let text = one.to_string();
        assert_eq!(text, "8,language,31,0,,5,title,31,9,a,b\r\n9,\u{e9},0,,999,1,1\r\n");
        let twice = text.repeat(2);
        let found = all(twice.as_bytes()).unwrap();
        assert_eq!(found, [one, one]);
        assert_eq!(found[0].get("title"), Some("a,b\r\n9,\u{e9}"));
    }

    #[test]
    fn wrong_lengths_are_errors_with_their_place() {
        let error = Err(DecodeError::new(Reason::Description, 100));
        for bad in [
            "7,language,31,0,\r\n",
            "8,language,31,1,\r\n",
            "8,language,31,0,",
            "8,language,x,0,\r\n",
            "4294967295,a,31,0,\r\n",
            "99999999999,a,31,0,\r\n",
            "1,a,31,0,,\r\n",
            "x",
            "-1,,1,0,\r\n",
        ] {
            assert_eq!(all(bad.as_bytes()), error, "{bad:?}");
        }
        assert_eq!(all(b"1,a,31,0,\r\nx").unwrap_err().offset, 111);
        assert!(all(b"1,\xFF,31,0,\r\n").is_err());
    }
}
