//! Ranges of a file, for clients of plain HTTP.

use core::fmt;

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case};
use nom::character::complete::{char, space0, u64 as decimal};
use nom::combinator::{all_consuming, map, opt, value};
use nom::sequence::{delimited, preceded, separated_pair};
use nom::{IResult, Parser};

/// The one range of a Range field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ByteRange {
    /// From an offset to another, both included; without the second to the end.
    From(u64, Option<u64>),
    /// The last so many bytes.
    Last(u64),
}

impl ByteRange {
    /// A field that holds one range of bytes; `None` for any other, which is then ignored.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let one = preceded((tag_no_case("bytes"), space0, char('=')), delimited(space0, byte_range, space0));
        let (_, range) = all_consuming(one).parse_complete(value.trim()).ok()?;
        match range {
            Self::From(first, Some(last)) if last < first => None,
            range => Some(range),
        }
    }

    /// First offset and offset behind the last in a file of `len` bytes; `None` if the file has none of it.
    #[must_use]
    pub fn resolve(self, len: u64) -> Option<(u64, u64)> {
        let (first, end) = match self {
            Self::From(first, last) => (first, last.map_or(len, |last| last.saturating_add(1)).min(len)),
            Self::Last(count) => (len.saturating_sub(count), len),
        };
        (first < end).then_some((first, end))
    }
}

fn byte_range(input: &str) -> IResult<&str, ByteRange> {
    alt((
        map((decimal, char('-'), opt(decimal)), |(first, _, last)| ByteRange::From(first, last)),
        map(preceded(char('-'), decimal), ByteRange::Last),
    ))
    .parse_complete(input)
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(first, Some(last)) => write!(f, "bytes={first}-{last}"),
            Self::From(first, None) => write!(f, "bytes={first}-"),
            Self::Last(count) => write!(f, "bytes=-{count}"),
        }
    }
}

/// Which part of a file a response carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// First offset and offset behind the last; `None` if the range could not be had.
    pub range: Option<(u64, u64)>,
    /// Bytes of the file, if known.
    pub len: Option<u64>,
}

impl ContentRange {
    /// Decodes a field.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (_, (range, len)) = all_consuming(content_range).parse_complete(text.trim()).ok()?;
        let range = match range {
            Some((first, last)) if first <= last => Some((first, last.checked_add(1)?)),
            Some(_) => return None,
            None => None,
        };
        Some(Self { range, len })
    }
}

/// First and last offset, and the length of the file.
type RangeOfFile = (Option<(u64, u64)>, Option<u64>);

fn content_range(input: &str) -> IResult<&str, RangeOfFile> {
    let range = alt((map(separated_pair(decimal, char('-'), decimal), Some), value(None, char('*'))));
    let len = alt((map(decimal, Some), value(None, char('*'))));
    preceded((tag_no_case("bytes"), tag(" ")), separated_pair(range, char('/'), len)).parse_complete(input)
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            Some((first, end)) => write!(f, "bytes {first}-{}/", end.saturating_sub(1))?,
            None => f.write_str("bytes */")?,
        }
        match self.len {
            Some(len) => write!(f, "{len}"),
            None => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_anything_else_is_none() {
        assert_eq!(ByteRange::parse("bytes=0-"), Some(ByteRange::From(0, None)));
        assert_eq!(ByteRange::parse("Bytes = 5-9 "), Some(ByteRange::From(5, Some(9))));
        assert_eq!(ByteRange::parse("bytes=-7"), Some(ByteRange::Last(7)));
        for other in
            ["bytes=0-1,5-6", "bytes=9-5", "bytes=", "items=0-1", "bytes=-", "bytes=0-18446744073709551616"]
        {
            assert_eq!(ByteRange::parse(other), None, "{other}");
        }
    }

    #[test]
    fn ranges_are_cut_at_the_end_of_the_file() {
        assert_eq!(ByteRange::From(5, Some(u64::MAX)).resolve(10), Some((5, 10)));
        assert_eq!(ByteRange::From(10, None).resolve(10), None);
        assert_eq!(ByteRange::Last(99).resolve(10), Some((0, 10)));
        assert_eq!(ByteRange::Last(0).resolve(10), None);
        assert_eq!(ByteRange::From(0, None).resolve(0), None);
    }
}
