//! The stream selection (section 2.2.1.4.27).

use core::fmt;

use nom::bytes::complete::take_while_m_n;
use nom::character::complete::char;
use nom::combinator::{all_consuming, map_res};
use nom::{IResult, Parser};

use crate::selection::{Selection, Thinning};

/// "No stream" as source or destination.
pub const NO_STREAM: u16 = 0xFFFF;
/// Entries that are looked at; there are 127 streams, and each may be named as source and as destination.
const MAX_ENTRIES: usize = 254;

/// How stream numbers are written: FFmpeg, libmms and xine write decimal ones (digest 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Base {
    /// As the document says.
    Hexadecimal,
    /// As many clients do.
    Decimal,
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchEntry {
    /// The stream that is replaced, or [`NO_STREAM`].
    pub src: u16,
    /// The stream that is wanted instead; Moonlight writes [`NO_STREAM`] to turn `src` off.
    pub dst: u16,
    /// 0 everything, 1 key frames, 2 nothing.
    pub level: u8,
}

impl SwitchEntry {
    /// The entry that gives a stream this level: `ffff:n:0`, `n:n:1` or `ffff:n:2`.
    #[must_use]
    pub fn for_stream(stream: u16, level: Thinning) -> Self {
        match level {
            Thinning::Full => Self { src: NO_STREAM, dst: stream, level: 0 },
            Thinning::KeyFrames => Self { src: stream, dst: stream, level: 1 },
            Thinning::Nothing => Self { src: NO_STREAM, dst: stream, level: 2 },
        }
    }
}

impl fmt::Display for SwitchEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}:{:x}:{}", self.src, self.dst, self.level)
    }
}

/// A list of entries: as received, or the caller's.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SwitchEntries<'a> {
    /// As received.
    Text(&'a str),
    /// The caller's.
    Slice(&'a [SwitchEntry]),
}

impl<'a> SwitchEntries<'a> {
    /// The entries; received ones that are malformed are left out.
    #[must_use]
    pub fn iter(&self, base: Base) -> SwitchEntryIter<'a> {
        match *self {
            Self::Text(text) => SwitchEntryIter { text, slice: [].iter(), base, left: MAX_ENTRIES },
            Self::Slice(slice) => SwitchEntryIter { text: "", slice: slice.iter(), base, left: MAX_ENTRIES },
        }
    }

    /// What the list changes, in both readings.
    #[must_use]
    pub fn plan(&self) -> SwitchPlan {
        let hexadecimal = Change::of(self.iter(Base::Hexadecimal));
        SwitchPlan { hexadecimal, decimal: Change::of(self.iter(Base::Decimal)) }
    }
}

impl PartialEq for SwitchEntries<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter(Base::Hexadecimal).eq(other.iter(Base::Hexadecimal))
    }
}

impl fmt::Display for SwitchEntries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.iter(Base::Hexadecimal).enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            entry.fmt(f)?;
        }
        Ok(())
    }
}

/// The entries of a list.
#[derive(Clone, Debug)]
pub struct SwitchEntryIter<'a> {
    text: &'a str,
    slice: core::slice::Iter<'a, SwitchEntry>,
    base: Base,
    left: usize,
}

impl Iterator for SwitchEntryIter<'_> {
    type Item = SwitchEntry;

    fn next(&mut self) -> Option<SwitchEntry> {
        loop {
            self.left = self.left.checked_sub(1)?;
            if let Some(entry) = self.slice.next() {
                return Some(*entry);
            }
            let text = self.text.trim_start_matches([' ', '\t']);
            if text.is_empty() {
                return None;
            }
            let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
            self.text = rest;
            if let Ok((_, found)) = entry(self.base, word) {
                return Some(found);
            }
        }
    }
}

fn entry(base: Base, word: &str) -> IResult<&str, SwitchEntry> {
    let parts = (|text| stream(base, text), char(':'), |text| stream(base, text), char(':'), level);
    let (rest, (src, _, dst, _, level)) = all_consuming(parts).parse_complete(word)?;
    Ok((rest, SwitchEntry { src, dst, level }))
}

fn stream(base: Base, text: &str) -> IResult<&str, u16> {
    let number = |digits: &str| match base {
        _ if digits.eq_ignore_ascii_case("ffff") => Ok(NO_STREAM),
        Base::Hexadecimal => u16::from_str_radix(digits, 16),
        Base::Decimal => digits.parse(),
    };
    map_res(take_while_m_n(1, 5, |c: char| c.is_ascii_hexdigit()), number).parse_complete(text)
}

fn level(text: &str) -> IResult<&str, u8> {
    map_res(take_while_m_n(1, 3, |c: char| c.is_ascii_digit()), str::parse::<u8>).parse_complete(text)
}

/// What one reading of a list changes: fixed state, so that it can wait for the content's streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    touched: u128,
    full: u128,
    key_frames: u128,
    /// whether every stream that is named can exist
    possible: bool,
    named: u128,
}

impl Change {
    fn of(entries: SwitchEntryIter<'_>) -> Self {
        let mut change = Self { possible: true, ..Self::default() };
        for entry in entries {
            for number in [entry.src, entry.dst] {
                if number != NO_STREAM {
                    change.named |= bit(number);
                    change.possible &= (1..=127).contains(&number);
                }
            }
            if entry.src != entry.dst && entry.src != NO_STREAM {
                change.put(entry.src, Thinning::Nothing);
            }
            if entry.dst != NO_STREAM {
                let level = match entry.level {
                    0 => Thinning::Full,
                    1 => Thinning::KeyFrames,
                    _ => Thinning::Nothing,
                };
                change.put(entry.dst, level);
            }
        }
        change
    }

    fn put(&mut self, stream: u16, level: Thinning) {
        let bit = bit(stream);
        self.touched |= bit;
        self.full &= !bit;
        self.key_frames &= !bit;
        match level {
            Thinning::Full => self.full |= bit,
            Thinning::KeyFrames => self.key_frames |= bit,
            Thinning::Nothing => {}
        }
    }

    fn fits(&self, streams: u128) -> bool {
        self.possible && self.named & !streams == 0
    }
}

/// A list of entries in both readings; the content's streams decide which one holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SwitchPlan {
    hexadecimal: Change,
    decimal: Change,
}

impl SwitchPlan {
    /// The selection after the change. `streams` has bit n for each stream n of the content. Numbers are
    /// decimal only if the content has all of them then, and not all of them otherwise.
    #[must_use]
    pub fn apply(&self, before: Selection, streams: u128) -> Selection {
        let decimal = !self.hexadecimal.fits(streams) && self.decimal.fits(streams);
        let change = if decimal { &self.decimal } else { &self.hexadecimal };
        let mut after = before;
        for stream in 1..=127 {
            let bit = bit(stream);
            if change.touched & bit != 0 {
                let level = if change.full & bit != 0 {
                    Thinning::Full
                } else if change.key_frames & bit != 0 {
                    Thinning::KeyFrames
                } else {
                    Thinning::Nothing
                };
                after.set(stream, level);
            }
        }
        after
    }
}

fn bit(stream: u16) -> u128 {
    if stream > 127 { 0 } else { 1_u128.checked_shl(u32::from(stream)).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    fn streams(numbers: &[u16]) -> u128 {
        numbers.iter().fold(0, |all, number| all | bit(*number))
    }

    fn apply(text: &str, before: Selection, numbers: &[u16]) -> Vec<Thinning> {
        let after = SwitchEntries::Text(text).plan().apply(before, streams(numbers));
        numbers.iter().map(|number| after.level(*number)).collect()
    }

    #[test]
    fn each_form_of_an_entry_does_what_the_digest_says() {
        use Thinning::{Full, KeyFrames, Nothing};
        assert_eq!(apply("ffff:1:0 ffff:2:2 ", Selection::NONE, &[1, 2]), [Full, Nothing]);
        assert_eq!(apply("1:1:1", Selection::ALL, &[1, 2]), [KeyFrames, Full]);
        assert_eq!(apply("1:3:0", Selection::ALL.with(3, Nothing), &[1, 3]), [Nothing, Full]);
        assert_eq!(apply("2:ffff:0", Selection::ALL, &[1, 2]), [Full, Nothing]);
        assert_eq!(apply("junk ::: 1:2 FFFF:1:2", Selection::ALL, &[1]), [Nothing]);
    }

    #[test]
    fn decimal_numbers_are_read_when_only_they_fit() {
        use Thinning::{Full, Nothing};
        // FFmpeg writes stream 10 as 10, the document as a
        assert_eq!(apply("ffff:9:0 ffff:10:0", Selection::NONE, &[9, 10]), [Full, Full]);
        assert_eq!(apply("ffff:9:0 ffff:a:0", Selection::NONE, &[9, 10]), [Full, Full]);
        assert_eq!(apply("ffff:10:0", Selection::NONE, &[10, 16]), [Nothing, Full]);
        assert_eq!(apply("ffff:77:0", Selection::NONE, &[1]), [Nothing]);
    }

    #[test]
    fn entries_are_written_in_hexadecimal() {
        let list =
            [SwitchEntry::for_stream(10, Thinning::Full), SwitchEntry::for_stream(1, Thinning::KeyFrames)];
        assert_eq!(SwitchEntries::Slice(&list).to_string(), "ffff:a:0 1:1:1");
    }

    #[test]
    fn more_entries_than_streams_are_not_looked_at() {
        let text = "ffff:1:0 ".repeat(100_000);
        assert_eq!(SwitchEntries::Text(&text).iter(Base::Decimal).count(), MAX_ENTRIES);
    }
}
