//! What a client tries, in order (digest 4).

use super::asx::{Asx, Entry, Item, Items, Refs};
use super::lines::{Lines, LinesKind, References};
use super::sniff::{Kind, sniff};
use super::value::Value;
use super::{BYTES_LIMIT, ENTRIES_LIMIT, Mode, REFS_LIMIT, REPEATED_LIMIT};
use crate::error::{DecodeError, Reason};

/// A metafile of any kind but NSC.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Metafile<'a> {
    /// ASX.
    Asx(Asx<'a>),
    /// A metafile of lines.
    Lines(Lines<'a>),
}

impl<'a> Metafile<'a> {
    /// Takes a text of any kind that [`Kind::is_metafile`] names; see [`to_text`](super::to_text).
    ///
    /// # Errors
    /// `NotMetafile`, `MetafileBytes`; in strict mode the first fault of ASX.
    pub fn parse(text: &'a str, mode: Mode) -> Result<Self, DecodeError> {
        if text.len() > BYTES_LIMIT {
            return Err(DecodeError::new(Reason::MetafileBytes, BYTES_LIMIT));
        }
        let kind = match sniff(text.as_bytes()) {
            Kind::Asx => return Asx::parse(text, mode).map(Self::Asx),
            Kind::Reference => LinesKind::Reference,
            Kind::OneLine => LinesKind::OneLine,
            Kind::Pls => LinesKind::Pls,
            Kind::M3u | Kind::UrlList => LinesKind::UrlList,
            Kind::Asf | Kind::Frames | Kind::Nsc | Kind::Html | Kind::Unknown => {
                return Err(DecodeError::new(Reason::NotMetafile, 0));
            }
        };
        Lines::parse(text, kind).map(Self::Lines)
    }

    /// What a client tries, in order.
    #[must_use]
    pub fn candidates(&self) -> Candidates<'a> {
        let source = match self {
            Self::Asx(asx) => Source::Asx { sequence: Sequence::new(asx.items()), current: None },
            Self::Lines(lines) => Source::Lines { references: lines.references(), kind: lines.kind() },
        };
        Candidates { source, entry: 0, alternative: 0 }
    }
}

/// What a candidate leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CandidateKind {
    /// Media, or whatever the server sends instead.
    Media,
    /// Another metafile, whose entries belong here (ENTRYREF).
    Metafile,
}

/// A place to try.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The number of the entry in playing order, from 0: once one of them opened, the others of this number are over.
    pub entry: u32,
    /// The number of the alternative in the entry, from 0.
    pub alternative: u32,
    /// What it leads to.
    pub kind: CandidateKind,
    /// The URL as written, see [`resolve`](super::resolve) and [`Value::url`].
    pub href: Value<'a>,
    /// Where to start, in milliseconds.
    pub start_time_ms: Option<u32>,
    /// How much to play, in milliseconds; 0 plays nothing.
    pub duration_ms: Option<u32>,
    /// The entry of ASX, for its title and the like; in an included metafile one with
    /// [`skip_if_ref`](Entry::skip_if_ref) is to be left out.
    pub clip: Option<Entry<'a>>,
}

/// The candidates of a [`Metafile`] in playing order: events left out, at most [`ENTRIES_LIMIT`](super::ENTRIES_LIMIT)
/// entries. The first REPEAT is expanded until it added [`REPEATED_LIMIT`](super::REPEATED_LIMIT) entries or
/// [`BYTES_LIMIT`](super::BYTES_LIMIT) bytes were read again; one for ever is played once, see
/// [`Asx::repeats_forever`].
#[derive(Clone, Debug)]
pub struct Candidates<'a> {
    source: Source<'a>,
    entry: u32,
    alternative: u32,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is no heap to put the larger one on")]
enum Source<'a> {
    Asx { sequence: Sequence<'a>, current: Option<Current<'a>> },
    Lines { references: References<'a>, kind: LinesKind },
}

#[derive(Clone, Debug)]
struct Current<'a> {
    clip: Entry<'a>,
    refs: Refs<'a>,
    start_time_ms: Option<u32>,
    duration_ms: Option<u32>,
}

impl<'a> Iterator for Candidates<'a> {
    type Item = Candidate<'a>;

    fn next(&mut self) -> Option<Candidate<'a>> {
        if self.entry >= ENTRIES_LIMIT {
            return None;
        }
        match &mut self.source {
            Source::Asx { sequence, current } => {
                Self::next_of_asx(sequence, current, &mut self.entry, &mut self.alternative)
            }
            Source::Lines { references, kind: LinesKind::Reference } => {
                let alternative = self.alternative;
                self.alternative = alternative.saturating_add(1);
                let href = references.next().filter(|_| alternative < REFS_LIMIT)?;
                Some(Candidate::of(0, alternative, href))
            }
            Source::Lines { references, .. } => {
                let entry = self.entry;
                self.entry = entry.saturating_add(1);
                Some(Candidate::of(entry, 0, references.next()?))
            }
        }
    }
}

impl<'a> Candidates<'a> {
    fn next_of_asx(
        sequence: &mut Sequence<'a>,
        current: &mut Option<Current<'a>>,
        entry: &mut u32,
        alternative: &mut u32,
    ) -> Option<Candidate<'a>> {
        loop {
            if let Some(at) = current {
                if let Some(found) = at.refs.next()
                    && let Some(href) = found.href
                {
                    let number = *alternative;
                    *alternative = number.saturating_add(1);
                    return Some(Candidate {
                        start_time_ms: found.start_time_ms.or(at.start_time_ms),
                        duration_ms: found.duration_ms.or(at.duration_ms),
                        clip: Some(at.clip.clone()),
                        ..Candidate::of(*entry, number, href)
                    });
                }
                *current = None;
                // An entry without REF is none.
                *entry = entry.saturating_add(u32::from(*alternative > 0));
                *alternative = 0;
                if *entry >= ENTRIES_LIMIT {
                    return None;
                }
            }
            match sequence.next()? {
                Step::Entry(clip) => {
                    let details = clip.details();
                    *current = Some(Current {
                        refs: clip.refs(),
                        start_time_ms: details.start_time_ms(),
                        duration_ms: details.duration_ms(),
                        clip,
                    });
                }
                Step::EntryRef(href) => {
                    let number = *entry;
                    *entry = number.saturating_add(1);
                    return Some(Candidate {
                        kind: CandidateKind::Metafile,
                        ..Candidate::of(number, 0, href)
                    });
                }
            }
        }
    }
}

impl<'a> Candidate<'a> {
    const fn of(entry: u32, alternative: u32, href: Value<'a>) -> Self {
        Self {
            entry,
            alternative,
            kind: CandidateKind::Media,
            href,
            start_time_ms: None,
            duration_ms: None,
            clip: None,
        }
    }
}

#[derive(Clone, Debug)]
enum Step<'a> {
    Entry(Entry<'a>),
    EntryRef(Value<'a>),
}

/// The entries in playing order.
#[derive(Clone, Debug)]
struct Sequence<'a> {
    items: Items<'a>,
    /// No end of an event lies ahead: one that is left open hides nothing.
    no_event_end: bool,
    repeat: Repeat<'a>,
    /// Bytes that may be read again for repetitions, so that a small count of large gaps costs no more.
    bytes_left: usize,
}

#[derive(Clone, Debug)]
enum Repeat<'a> {
    Ahead,
    Inside { start: Items<'a>, left: u32, nested: u32, found: u32, added: u32 },
    Over,
}

impl<'a> Sequence<'a> {
    const fn new(items: Items<'a>) -> Self {
        Self { items, no_event_end: false, repeat: Repeat::Ahead, bytes_left: BYTES_LIMIT }
    }

    fn next(&mut self) -> Option<Step<'a>> {
        loop {
            let step = match self.items.next() {
                None => {
                    if !self.repeat_ends(true) {
                        return None;
                    }
                    continue;
                }
                Some(Item::Entry(entry)) => Step::Entry(entry),
                Some(Item::Ref(only)) if only.href.is_some() => Step::Entry(Entry::of_ref(only)),
                Some(Item::EntryRef(href)) => Step::EntryRef(href),
                Some(Item::Event(event)) => {
                    if !event.empty {
                        self.skip_event();
                    }
                    continue;
                }
                Some(Item::RepeatStart { count }) => {
                    self.repeat_starts(count.unwrap_or(0));
                    continue;
                }
                Some(Item::RepeatEnd) => {
                    self.repeat_ends(false);
                    continue;
                }
                Some(_) => continue,
            };
            if let Repeat::Inside { found, .. } = &mut self.repeat {
                *found = found.saturating_add(1);
            }
            return Some(step);
        }
    }

    fn skip_event(&mut self) {
        if self.no_event_end {
            return;
        }
        let mut at = self.items.clone();
        while let Some(item) = at.next() {
            if matches!(item, Item::EventEnd) {
                self.items = at;
                return;
            }
        }
        self.no_event_end = true;
    }

    fn repeat_starts(&mut self, count: u32) {
        match &mut self.repeat {
            Repeat::Ahead => {
                let start = self.items.clone();
                self.repeat = Repeat::Inside { start, left: count, nested: 0, found: 0, added: 0 };
            }
            Repeat::Inside { nested, .. } => *nested = nested.saturating_add(1),
            Repeat::Over => {}
        }
    }

    /// Goes back to the start of the REPEAT, if it is to be played again.
    fn repeat_ends(&mut self, text_ends: bool) -> bool {
        let Repeat::Inside { start, left, nested, found, added } = &mut self.repeat else { return false };
        if let Some(outer) = nested.checked_sub(1)
            && !text_ends
        {
            *nested = outer;
            return false;
        }
        let cost = self.items.offset().saturating_sub(start.offset());
        let total = added.saturating_add(*found);
        match (left.checked_sub(1), self.bytes_left.checked_sub(cost)) {
            (Some(fewer), Some(bytes_left)) if *found > 0 && total <= REPEATED_LIMIT => {
                self.items = start.clone();
                self.bytes_left = bytes_left;
                (*left, *nested, *found, *added) = (fewer, 0, 0, total);
                true
            }
            _ => {
                self.repeat = Repeat::Over;
                false
            }
        }
    }
}
