//! What `mms info` tells of a metafile.

use core::fmt::{self, Write};
use core::time::Duration;

use mms_core::asf::Header;
use mms_core::error::DecodeError;
use mms_core::metafile::{
    Candidate, CandidateKind, Details, Encoding, Item, Kind, Metafile, Mode, Value, nsc, player_code,
};
use serde::Serialize;

use crate::address::redacted;
use crate::metafile::{Document, Origin, Place, place, shown, unspoken};
use crate::text::{clock, count, printable};

/// What `mms info --json` prints of a metafile.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct MetafileInfo {
    source: String,
    /// `asx`, `reference`, `one_line`, `pls`, `m3u`, `url_list` or `nsc`.
    metafile: &'static str,
    encoding: &'static str,
    file_bytes: usize,
    #[serde(flatten)]
    details: DetailsInfo,
    /// Whether a REPEAT without end is in it; entries are told once then.
    repeats_forever: bool,
    params: Vec<Pair>,
    /// In playing order.
    entries: Vec<EntryInfo>,
    /// What a strict player says of an ASX file; `null` for other metafiles.
    strict: Option<Strict>,
    /// Of an announcement of a multicast.
    fields: Vec<Pair>,
    formats: Vec<FormatInfo>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct DetailsInfo {
    title: Option<String>,
    author: Option<String>,
    copyright: Option<String>,
    #[serde(rename = "abstract")]
    abstract_text: Option<String>,
    more_info: Option<String>,
    banner: Option<String>,
    base: Option<String>,
    log_url: Option<String>,
    preview_seconds: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Clone, Debug, Serialize)]
struct EntryInfo {
    #[serde(flatten)]
    details: DetailsInfo,
    /// Whether the user may skip it.
    client_skip: bool,
    /// Whether it is left out where another metafile includes this one.
    skip_if_ref: bool,
    params: Vec<Pair>,
    /// Alternatives, in the order in which they are tried.
    references: Vec<ReferenceInfo>,
}

#[derive(Clone, Debug, Serialize)]
struct ReferenceInfo {
    /// As written.
    href: String,
    /// Whether it is said to be another metafile.
    is_metafile: bool,
    /// Absolute; `null` if it leads to a file or nowhere.
    url: Option<String>,
    file: Option<String>,
    start_seconds: Option<f64>,
    duration_seconds: Option<f64>,
    /// Why `mms get` skips it.
    skipped: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Strict {
    valid: bool,
    fault: Option<Fault>,
}

#[derive(Clone, Debug, Serialize)]
struct Fault {
    reason: String,
    /// The number that Silverlight reported.
    code: Option<u16>,
    /// Bytes of the text in UTF-8 before it.
    offset: usize,
    line: usize,
    column: usize,
}

#[derive(Clone, Debug, Serialize)]
struct FormatInfo {
    id: Option<u32>,
    header_bytes: usize,
    streams: Vec<String>,
    problem: Option<String>,
}

impl MetafileInfo {
    pub(crate) fn new(source: String, origin: &Origin, document: &Document) -> Result<Self, DecodeError> {
        let mut info = Self {
            source,
            metafile: kind(document.kind),
            encoding: match document.encoding {
                Encoding::Utf8 => "UTF-8",
                Encoding::Utf16Le => "UTF-16LE",
                Encoding::Utf16Be => "UTF-16BE",
                _ => "Windows-1252",
            },
            file_bytes: document.bytes,
            ..Self::default()
        };
        if document.kind == Kind::Nsc {
            info.announcement(&nsc::Nsc::parse(&document.text)?);
            return Ok(info);
        }
        let metafile = Metafile::parse(&document.text, Mode::Lenient)?;
        if let Metafile::Asx(asx) = &metafile {
            info.details = details(&asx.details());
            info.repeats_forever = asx.repeats_forever();
            info.params = params(asx.items());
            let verdict = Metafile::parse(&document.text, Mode::Strict);
            let fault = verdict.err().map(|error| Fault::new(error, &document.text));
            info.strict = Some(Strict { valid: fault.is_none(), fault });
        }
        let mut last = None;
        for candidate in metafile.candidates() {
            if last.replace(candidate.entry) != Some(candidate.entry) {
                info.entries.push(entry(&candidate));
            }
            if let Some(entry) = info.entries.last_mut() {
                entry.references.push(reference(origin, &candidate));
            }
        }
        Ok(info)
    }

    fn announcement(&mut self, announcement: &nsc::Nsc<'_>) {
        for (name, value) in announcement.fields() {
            let value = match nsc::integer(value) {
                Some(number) => number.to_string(),
                None => nsc::string(value).collect(),
            };
            // the headers are told below
            if !name.to_ascii_lowercase().starts_with("format") {
                self.fields.push(Pair { name: name.to_owned(), value });
            }
        }
        self.formats = announcement.formats().map(format).collect();
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Asx => "asx",
        Kind::Reference => "reference",
        Kind::OneLine => "one_line",
        Kind::Pls => "pls",
        Kind::M3u => "m3u",
        Kind::Nsc => "nsc",
        _ => "url_list",
    }
}

fn details(details: &Details<'_>) -> DetailsInfo {
    DetailsInfo {
        title: shown(details.title()),
        author: shown(details.author()),
        copyright: shown(details.copyright()),
        abstract_text: shown(details.abstract_text()),
        more_info: shown(details.more_info().and_then(|link| link.href)),
        banner: shown(details.banner().and_then(|banner| banner.href)),
        base: shown(details.base()),
        log_url: shown(details.log_url()),
        preview_seconds: details.preview_duration_ms().map(seconds),
    }
}

fn params<'a>(items: impl Iterator<Item = Item<'a>>) -> Vec<Pair> {
    let text = |value: Option<Value<'_>>| shown(value).unwrap_or_default();
    items
        .filter_map(|item| match item {
            Item::Param(param) => Some(Pair { name: text(param.name), value: text(param.value) }),
            _ => None,
        })
        .collect()
}

fn entry(candidate: &Candidate<'_>) -> EntryInfo {
    let clip = candidate.clip.as_ref();
    EntryInfo {
        details: clip.map(|clip| details(&clip.details())).unwrap_or_default(),
        client_skip: clip.is_none_or(|clip| clip.client_skip()),
        skip_if_ref: clip.is_some_and(|clip| clip.skip_if_ref()),
        params: clip.map(|clip| params(clip.items())).unwrap_or_default(),
        references: Vec::new(),
    }
}

fn reference(origin: &Origin, candidate: &Candidate<'_>) -> ReferenceInfo {
    let (mut url, mut file) = (None, None);
    let skipped = match place(origin, candidate.href) {
        Ok(Place::Url(found)) => {
            let skipped = unspoken(&found);
            url = Some(redacted(&found));
            skipped
        }
        Ok(Place::File(found)) => {
            let skipped = match Document::read(&found) {
                Ok(Ok(document)) if document.kind != Kind::Nsc => None,
                Ok(_) => Some("the file is no metafile".to_owned()),
                Err(error) => Some(error.to_string()),
            };
            file = Some(found.display().to_string());
            skipped
        }
        Err(error) => Some(error.to_string()),
    };
    ReferenceInfo {
        href: candidate.href.url().collect(),
        is_metafile: candidate.kind == CandidateKind::Metafile,
        url,
        file,
        start_seconds: candidate.start_time_ms.map(seconds),
        duration_seconds: candidate.duration_ms.map(seconds),
        skipped,
    }
}

fn seconds(ms: u32) -> f64 {
    Duration::from_millis(u64::from(ms)).as_secs_f64()
}

impl Fault {
    fn new(error: DecodeError, text: &str) -> Self {
        let offset = usize::try_from(error.offset).unwrap_or(usize::MAX);
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            reason: error.reason.to_string(),
            code: player_code(error.reason),
            offset,
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

/// A header in an announcement.
fn format(block: Result<nsc::Block<'_>, DecodeError>) -> FormatInfo {
    let block = match block {
        Ok(block) => block,
        Err(error) => {
            let problem = Some(error.to_string());
            return FormatInfo { id: None, header_bytes: 0, streams: Vec::new(), problem };
        }
    };
    let mut bytes: Vec<u8> = block.data().collect();
    let header_bytes = bytes.len();
    // an announcement leaves the head of the Data Object out
    let header = Header::decode(&bytes).is_ok();
    if !header {
        bytes.extend_from_slice(&mms_core::asf::Guid::DATA.0);
        bytes.extend_from_slice(&50_u64.to_le_bytes());
        bytes.resize(header_bytes + mms_core::asf::DATA_OBJECT_LEN, 0);
    }
    let decoded = Header::decode(&bytes);
    let streams = decoded
        .as_ref()
        .map(|header| header.streams().map(|stream| format!("{} {}", stream.number, stream.kind)).collect());
    FormatInfo {
        id: Some(block.key()),
        header_bytes,
        streams: streams.unwrap_or_default(),
        problem: decoded.err().map(|error| error.to_string()),
    }
}

/// For people.
pub(crate) fn text(info: &MetafileInfo) -> String {
    let mut out = String::new();
    // a String takes all that is written
    let _ = write(&mut out, info);
    out
}

fn write(out: &mut String, info: &MetafileInfo) -> fmt::Result {
    writeln!(out, "{}", info.source)?;
    let bytes = u64::try_from(info.file_bytes).unwrap_or(u64::MAX);
    writeln!(out, "  metafile   {}, {}, {}", info.metafile, info.encoding, count(bytes, "byte"))?;
    match &info.strict {
        Some(Strict { fault: Some(fault), .. }) => {
            let code = fault.code.map(|code| format!(" (code {code})")).unwrap_or_default();
            let (line, column) = (fault.line, fault.column);
            writeln!(out, "  strict     line {line}, column {column}: {}{code}", fault.reason)?;
        }
        Some(_) => writeln!(out, "  strict     no fault")?,
        None => {}
    }
    write_details(out, &info.details, &info.params)?;
    if info.repeats_forever {
        writeln!(out, "  repeats    for ever")?;
    }
    for pair in &info.fields {
        writeln!(out, "  {} = {}", printable(&pair.name), printable(&pair.value))?;
    }
    for format in &info.formats {
        let id = format.id.map(|id| id.to_string()).unwrap_or_default();
        let what = format.problem.clone().unwrap_or_else(|| format.streams.join(", "));
        writeln!(out, "  format {id:<4} {} bytes: {what}", format.header_bytes)?;
    }
    for (number, entry) in info.entries.iter().enumerate() {
        writeln!(out, "  entry {}", number + 1)?;
        let mut inner = String::new();
        write_details(&mut inner, &entry.details, &entry.params)?;
        if !entry.client_skip {
            writeln!(inner, "  skipping   not allowed")?;
        }
        if entry.skip_if_ref {
            writeln!(inner, "  skipping   where another metafile includes it")?;
        }
        entry.references.iter().try_for_each(|reference| write_reference(&mut inner, reference))?;
        inner.lines().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    Ok(())
}

fn write_details(out: &mut String, details: &DetailsInfo, params: &[Pair]) -> fmt::Result {
    let texts = [
        ("title", &details.title),
        ("author", &details.author),
        ("copyright", &details.copyright),
        ("abstract", &details.abstract_text),
        ("more", &details.more_info),
        ("banner", &details.banner),
        ("base", &details.base),
        ("log", &details.log_url),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            writeln!(out, "  {name:<10} {}", printable(text))?;
        }
    }
    for pair in params {
        writeln!(out, "  param      {} = {}", printable(&pair.name), printable(&pair.value))?;
    }
    Ok(())
}

fn write_reference(out: &mut String, reference: &ReferenceInfo) -> fmt::Result {
    let target = reference.url.as_ref().or(reference.file.as_ref()).unwrap_or(&reference.href);
    let name = if reference.is_metafile { "metafile" } else { "media" };
    write!(out, "  {name:<10} {}", printable(target))?;
    let time = |seconds: f64| clock(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    if let Some(start) = reference.start_seconds {
        write!(out, ", from {}", time(start))?;
    }
    if let Some(duration) = reference.duration_seconds {
        write!(out, ", for {}", time(duration))?;
    }
    if let Some(skipped) = &reference.skipped {
        write!(out, " (skipped: {skipped})")?;
    }
    writeln!(out)
}
