//! `mms get` of a metafile, on this machine or fetched: one output for each entry.

use core::time::Duration;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use mms_core::metafile::{Candidate, CandidateKind, Kind, Metafile, Mode, Trail};
use serde::Serialize;

use super::interrupt::Interrupt;
use super::summary::Summary;
use super::{Found, attempt, say};
use crate::address::{Address, redacted};
use crate::args::GetArgs;
use crate::exit::{self, Failure, line};
use crate::metafile::{Document, Origin, Place, place, shown, unspoken};
use crate::stdout::print_json;
use crate::text::printable;

/// An entry with its alternatives, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
struct Entry {
    title: Option<String>,
    ways: Vec<Way>,
}

#[derive(Clone, Debug)]
enum Way {
    Stream {
        url: String,
        start: Option<Duration>,
        duration: Option<Duration>,
    },
    /// Another metafile, whose entries take the place of this one.
    Metafile(Vec<Entry>),
    Skipped {
        what: String,
        reason: String,
    },
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    metafile: String,
    /// Each stream that was tried, in order.
    streams: Vec<Summary>,
    skipped: Vec<Skipped>,
    /// Whether every entry that was asked for is there.
    complete: bool,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Skipped {
    reference: String,
    reason: String,
}

/// The first metafile.
pub(super) enum Source<'a> {
    File(&'a Path),
    Found(Found),
}

pub(super) fn run(args: &GetArgs, interrupt: &Interrupt, source: Source<'_>) -> Result<(), Failure> {
    let origin = match &source {
        Source::File(path) => Origin::File((*path).to_owned()),
        Source::Found(found) => Origin::Url(found.url.clone()),
    };
    let report = Report {
        metafile: origin.shown(),
        streams: Vec::new(),
        skipped: Vec::new(),
        complete: false,
        error: None,
    };
    let planner = Planner { trail: Trail::new(), depth: 0 };
    let mut fetcher = Fetcher { args, planner, interrupt, written: HashSet::new(), report };
    let entries = match source {
        Source::File(path) => fetcher.planner.entries(path),
        Source::Found(found) => fetcher.planner.entries_of(&found),
    };
    let result = entries.map_err(|reason| unusable(&origin, &reason)).and_then(|entries| {
        let result = fetcher.all(&origin, &entries);
        fetcher.planner.leave(&origin);
        result
    });
    if args.json {
        fetcher.report.complete = result.is_ok();
        fetcher.report.error = result.as_ref().err().map(|failure| failure.message.clone());
        print_json(&fetcher.report)?;
    }
    result
}

fn unusable(origin: &Origin, reason: &str) -> Failure {
    let kind = match origin {
        Origin::File(_) => exit::Kind::Usage,
        Origin::Url(_) => exit::Kind::Refused,
    };
    Failure::new(kind, format!("{}: {reason}", printable(&origin.shown())))
        .with_hint("`mms info` explains files and metafiles")
}

/// Reads metafiles, as deep as they may refer to each other.
struct Planner {
    trail: Trail,
    depth: usize,
}

impl Planner {
    fn entries(&mut self, path: &Path) -> Result<Vec<Entry>, String> {
        let name = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.trail.enter(&format!("file://{}", name.display())).map_err(|end| end.to_string())?;
        let entries = self.read(path);
        self.trail.leave();
        entries
    }

    /// Those of a metafile that was fetched; the way goes on from it until [`leave`](Self::leave).
    fn entries_of(&mut self, found: &Found) -> Result<Vec<Entry>, String> {
        self.trail.enter(&found.url).map_err(|end| end.to_string())?;
        let origin = Origin::Url(found.url.clone());
        self.plan(&origin, &found.document).inspect_err(|_| self.trail.leave())
    }

    fn leave(&mut self, origin: &Origin) {
        if matches!(origin, Origin::Url(_)) {
            self.trail.leave();
        }
    }

    fn read(&mut self, path: &Path) -> Result<Vec<Entry>, String> {
        match Document::read(path).map_err(|error| format!("it cannot be read: {error}"))? {
            Ok(document) => self.plan(&Origin::File(path.to_owned()), &document),
            Err(Kind::Asf) => Err("it is a file on this machine, not a URL or a metafile".to_owned()),
            Err(_) => Err("it is no metafile".to_owned()),
        }
    }

    fn plan(&mut self, origin: &Origin, document: &Document) -> Result<Vec<Entry>, String> {
        if document.kind == Kind::Nsc {
            return Err("it announces a multicast, which is not spoken yet".to_owned());
        }
        let metafile = Metafile::parse(&document.text, Mode::Lenient).map_err(|error| error.to_string())?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut last = None;
        for candidate in metafile.candidates() {
            if last.replace(candidate.entry) != Some(candidate.entry) {
                let title = candidate.clip.as_ref().and_then(|clip| shown(clip.details().title()));
                entries.push(Entry { title, ways: Vec::new() });
            }
            let way = self.way(origin, &candidate);
            if candidate.kind == CandidateKind::Metafile
                && let Way::Metafile(included) = way
            {
                entries.pop();
                entries.extend(included);
            } else if let Some(entry) = entries.last_mut() {
                entry.ways.push(way);
            }
        }
        if entries.is_empty() && self.depth == 0 {
            return Err("it names nothing to fetch".to_owned());
        }
        Ok(entries)
    }

    fn way(&mut self, origin: &Origin, candidate: &Candidate<'_>) -> Way {
        let written: String = candidate.href.url().collect();
        let skipped = |reason: String| Way::Skipped { what: redacted(&written), reason };
        if self.depth > 0 && candidate.clip.as_ref().is_some_and(|clip| clip.skip_if_ref()) {
            return skipped("it is left out where another metafile includes it".to_owned());
        }
        if candidate.duration_ms == Some(0) {
            return skipped("its duration is 0".to_owned());
        }
        match place(origin, candidate.href) {
            Ok(Place::Url(url)) => match unspoken(&url) {
                Some(reason) => skipped(reason),
                None => {
                    let time = |ms: Option<u32>| ms.map(|ms| Duration::from_millis(u64::from(ms)));
                    let (start, duration) = (time(candidate.start_time_ms), time(candidate.duration_ms));
                    Way::Stream { url, start, duration }
                }
            },
            Ok(Place::File(file)) => {
                self.depth += 1;
                let entries = self.entries(&file);
                self.depth -= 1;
                entries.map_or_else(skipped, Way::Metafile)
            }
            Err(error) => skipped(error.to_string()),
        }
    }
}

/// Fetches entry by entry.
struct Fetcher<'a> {
    args: &'a GetArgs,
    planner: Planner,
    interrupt: &'a Interrupt,
    /// Files that this run wrote.
    written: HashSet<PathBuf>,
    report: Report,
}

impl Fetcher<'_> {
    /// Fetches all entries, or the first where all would go to the same output. Tells the first failure.
    fn all(&mut self, origin: &Origin, entries: &[Entry]) -> Result<(), Failure> {
        let mut first = None;
        for (number, entry) in entries.iter().enumerate() {
            let title = entry.title.as_ref().map(|title| format!(" {title:?}")).unwrap_or_default();
            if entries.len() > 1 {
                self.say(&format!("entry {} of {}{title}", number + 1, entries.len()));
            }
            match self.entry(origin, entry) {
                Ok(()) => {}
                Err(failure) if is_final(failure.kind) => return Err(failure),
                Err(failure) if first.is_none() => first = Some(failure),
                Err(failure) => Failure::warn(&failure.message),
            }
            if self.args.output.is_some() {
                if entries.len() > 1 {
                    self.say("only the first entry goes to -o; without -o each gets a file of its own");
                }
                break;
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Tries the alternatives of an entry until one opened.
    fn entry(&mut self, origin: &Origin, entry: &Entry) -> Result<(), Failure> {
        let mut last = None;
        for (number, way) in entry.ways.iter().enumerate() {
            let result = match way {
                Way::Skipped { what, reason } => {
                    self.say(&format!("skipped {what}: {reason}"));
                    let (reference, reason) = (what.clone(), reason.clone());
                    self.report.skipped.push(Skipped { reference, reason });
                    continue;
                }
                Way::Metafile(entries) => self.all(origin, entries).map_err(|failure| (failure, false)),
                Way::Stream { url, start, duration } => self.stream(origin, url, *start, *duration),
            };
            match result {
                Ok(()) => return Ok(()),
                Err((failure, media_began)) if media_began || is_final(failure.kind) => return Err(failure),
                Err((failure, _)) => {
                    if number + 1 < entry.ways.len() {
                        Failure::warn(&format!("{}; trying the next alternative", failure.message));
                    }
                    last = Some(failure);
                }
            }
        }
        Err(last.unwrap_or_else(|| unusable(origin, "no alternative of an entry can be fetched")))
    }

    /// Fetches a stream; tells with a failure whether media had begun.
    fn stream(
        &mut self,
        origin: &Origin,
        url: &str,
        start: Option<Duration>,
        duration: Option<Duration>,
    ) -> Result<(), (Failure, bool)> {
        let mut args = self.args.clone();
        url.clone_into(&mut args.url);
        args.start = args.start.or(start);
        args.duration = args.duration.or(duration);
        if args.output.is_none() {
            args.output = Some(self.name(origin, url).map_err(|failure| (failure, false))?);
        }
        let (summary, result) = attempt(&args, self.interrupt);
        let result = match result {
            Ok(Some(found)) => return self.included(&found).map_err(|failure| (failure, false)),
            Ok(None) => Ok(()),
            Err(failure) => Err(failure),
        };
        say(&summary, &result, args.quiet);
        let media_began = summary.packets_received > 0;
        self.written.extend(args.output.filter(|_| summary.output.is_some()));
        self.report.streams.push(summary);
        result.map_err(|failure| (failure, media_began))
    }

    /// Fetches what a metafile names that came instead of media.
    fn included(&mut self, found: &Found) -> Result<(), Failure> {
        let origin = Origin::Url(found.url.clone());
        self.say(&format!("{} is a metafile", origin.shown()));
        self.planner.depth += 1;
        let result = match self.planner.entries_of(found) {
            Ok(entries) => {
                let result = match entries.as_slice() {
                    [] => Err(unusable(&origin, "it names nothing to fetch")),
                    entries => self.all(&origin, entries),
                };
                self.planner.leave(&origin);
                result
            }
            Err(reason) => Err(unusable(&origin, &reason)),
        };
        self.planner.depth -= 1;
        result
    }

    /// The name that the URL gives, or that of the metafile; with a number if this run wrote it already.
    fn name(&self, origin: &Origin, url: &str) -> Result<PathBuf, Failure> {
        let name = Address::parse(url)?.file_name().unwrap_or_else(|| format!("{}.asf", origin.stem()));
        let first = PathBuf::from(&name);
        if !self.written.contains(&first) {
            return Ok(first);
        }
        let stem = first.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let extension = first
            .extension()
            .map(|extension| format!(".{}", extension.to_string_lossy()))
            .unwrap_or_default();
        let free = (2_usize..)
            .map(|number| PathBuf::from(format!("{stem}-{number}{extension}")))
            .find(|name| !self.written.contains(name));
        Ok(free.unwrap_or(first))
    }

    fn say(&self, text: &str) {
        if !self.args.quiet {
            line(&printable(text));
        }
    }
}

/// Whether another alternative would meet the same.
fn is_final(kind: exit::Kind) -> bool {
    matches!(kind, exit::Kind::Interrupted | exit::Kind::OutputClosed | exit::Kind::Local)
}
