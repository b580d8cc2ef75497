//! Metafiles of lines: `[Reference]`, `ASF url`, PLS and plain lists (digest 5).

use nom::bytes::complete::{tag_no_case, take_while, take_while1};
use nom::character::complete::{char, digit0};
use nom::combinator::{not, rest};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::value::Value;
use super::{BYTES_LIMIT, is_space};
use crate::error::{DecodeError, Reason};

/// What the lines of a metafile are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinesKind {
    /// `RefN=url` in `[Reference]`: alternatives of one clip.
    Reference,
    /// `ASF url`.
    OneLine,
    /// `FileN=url` in `[playlist]`.
    Pls,
    /// One URL on each line; `#` begins a comment.
    UrlList,
}

/// A metafile of lines.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    text: &'a str,
    kind: LinesKind,
}

impl<'a> Lines<'a> {
    /// Takes a text; what cannot be understood is skipped.
    ///
    /// # Errors
    /// `MetafileBytes`.
    pub fn parse(text: &'a str, kind: LinesKind) -> Result<Self, DecodeError> {
        if text.len() > BYTES_LIMIT {
            return Err(DecodeError::new(Reason::MetafileBytes, BYTES_LIMIT));
        }
        Ok(Self { text, kind })
    }

    /// What the lines are.
    #[must_use]
    pub const fn kind(&self) -> LinesKind {
        self.kind
    }

    /// The references, in the order of the lines whatever their numbers.
    #[must_use]
    pub fn references(&self) -> References<'a> {
        References { lines: Rows { rest: self.text }, kind: self.kind, inside: false }
    }
}

/// The references of [`Lines`].
#[derive(Clone, Debug)]
pub struct References<'a> {
    lines: Rows<'a>,
    kind: LinesKind,
    inside: bool,
}

impl<'a> Iterator for References<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        loop {
            let line = self.lines.next()?;
            if line.starts_with('[') {
                let section = match self.kind {
                    LinesKind::Pls => "[playlist]",
                    _ => "[reference]",
                };
                self.inside =
                    line.get(..section.len()).is_some_and(|name| name.eq_ignore_ascii_case(section));
            }
            let found = match self.kind {
                LinesKind::Reference | LinesKind::Pls if !self.inside => continue,
                LinesKind::Reference => numbered("ref", line),
                LinesKind::Pls => numbered("file", line),
                LinesKind::OneLine => one_line(line),
                LinesKind::UrlList => plain(line),
            };
            if let Ok((_, found)) = found
                && !found.is_empty()
            {
                return Some(Value::verbatim(found));
            }
        }
    }
}

/// `RefN = url`, the number and the blanks being optional.
fn numbered<'a>(key: &'static str, line: &'a str) -> IResult<&'a str, &'a str> {
    let equals = (take_while(is_space), char('='), take_while(is_space));
    preceded((tag_no_case(key), digit0, equals), rest).parse_complete(line)
}

/// `ASF url`.
fn one_line(line: &str) -> IResult<&str, &str> {
    preceded((tag_no_case("asf"), take_while1(is_space)), rest).parse_complete(line)
}

/// A URL; `#` begins a comment.
fn plain(line: &str) -> IResult<&str, &str> {
    preceded(not(char('#')), rest).parse_complete(line)
}

/// The lines of a text without white space around them; CR, LF and both end a line.
#[derive(Clone, Debug)]
pub(super) struct Rows<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Iterator for Rows<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_once(['\r', '\n']).unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(line.trim_matches(is_space))
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn found(text: &'static str, kind: LinesKind) -> Vec<&'static str> {
        Lines::parse(text, kind).unwrap().references().map(|value| value.raw()).collect()
    }

    #[test]
    fn references_are_found_in_every_way_of_writing() {
        for text in [
            "[Reference]\r\nRef1=http://h/a?MSWMExt=.asf\r\nRef2=http://h/b\r\n",
            "[reference]\rref1=http://h/a?MSWMExt=.asf\rREF02 = http://h/b",
            "\n[REFERENCE]\n\n Ref1\t=http://h/a?MSWMExt=.asf\nx=y\nRef=http://h/b\n[Other]\nRef3=http://h/c",
        ] {
            assert_eq!(
                found(text, LinesKind::Reference),
                ["http://h/a?MSWMExt=.asf", "http://h/b"],
                "{text}"
            );
        }
        assert!(found("Ref1=x", LinesKind::Reference).is_empty());
        assert!(found("[Reference]\nRef1=\nReferrer=x\nRef1 x", LinesKind::Reference).is_empty());
    }

    #[test]
    fn the_other_kinds_have_their_own_lines() {
        assert_eq!(
            found("ASF http://h/a b\nASFx\nasf\tmms://h", LinesKind::OneLine),
            ["http://h/a b", "mms://h"]
        );
        assert_eq!(found("[playlist]\nFile1=http://h/a\nTitle1=x", LinesKind::Pls), ["http://h/a"]);
        assert_eq!(found("#EXTM3U\n\n mms://h/a \r\n#x\nb.asf", LinesKind::UrlList), ["mms://h/a", "b.asf"]);
    }
}
