//! Files as the host of a connection.

use core::fmt;
use core::time::Duration;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::ClientLog;
use mms_core::selection::Selection;
use mms_core::server::{Opened, Order, Outcome, Report};
use mms_core::wmsp::server::RequestKind;
use mms_core::wmsp::wire::Credentials;
use tracing::{debug, info};

use crate::catalogue::Catalogue;
use crate::host::{Answer, Ended, Host, HttpQuery, Query, Question};
use crate::packets::{Buffers, Packets};
use crate::page;
use crate::probe::{Media, Unservable};
use crate::selected::{Run, Selected};

/// Most characters of a requested name that are logged.
const LOGGED_CHARS: usize = 256;

/// Answers the questions of one connection from the files of a catalogue.
///
/// A file that is replaced, cut or written to while it is served ends its session with an error.
#[derive(Debug)]
pub struct Feed {
    catalogue: Arc<Catalogue>,
    buffers: Arc<Buffers>,
    guard: Option<Arc<Guard>>,
    open: Option<Open>,
    /// a page or ASX that is being sent
    text: Option<Packets>,
    /// the name to log: that of the entry, or what was asked for in vain
    name: Option<String>,
    is_refused: bool,
}

/// Who may come in.
struct Guard {
    user: String,
    password: String,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Guard {
    fn lets_in(&self, authorization: Option<&str>) -> bool {
        let mut room = [0; 1024];
        let Some(found) = authorization.and_then(|value| Credentials::decode(value, &mut room)) else {
            return false;
        };
        // both are compared, so that time tells nothing about either
        let user = is_equal(found.user.as_bytes(), self.user.as_bytes());
        is_equal(found.password.as_bytes(), self.password.as_bytes()) & user
    }
}

/// Takes as long for strings that begin alike as for others.
fn is_equal(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b));
    a.len() == b.len() && differences == 0
}

/// What there is under a name.
enum Found {
    Media(Opened),
    Text { len: u64, content_type: &'static str },
}

#[derive(Debug)]
struct Open {
    media: Media,
    path: PathBuf,
    selected: Selected,
    buffers: Arc<Buffers>,
}

impl Clone for Feed {
    /// The clone serves the same catalogue and has no file open.
    fn clone(&self) -> Self {
        Self {
            buffers: Arc::clone(&self.buffers),
            guard: self.guard.clone(),
            ..Self::new(Arc::clone(&self.catalogue))
        }
    }
}

impl Feed {
    /// A feed for one connection.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self {
            catalogue,
            buffers: Arc::default(),
            guard: None,
            open: None,
            text: None,
            name: None,
            is_refused: false,
        }
    }

    /// Lets in only who knows the password, by Basic authentication. That is part of HTTP: clients of other transports
    /// are refused.
    #[must_use]
    pub fn guarded(self, user: String, password: String) -> Self {
        Self { guard: Some(Arc::new(Guard { user, password })), ..self }
    }

    /// What a client may have under a name: media, and over HTTP a page and an ASX for each name.
    fn find(&mut self, request: &str, http: Option<&HttpQuery>) -> Result<Found, Hresult> {
        self.text = None;
        let authorization = http.and_then(|http| http.authorization.as_deref());
        if self.guard.as_ref().is_some_and(|guard| !guard.lets_in(authorization)) {
            self.forget(request);
            return Err(Hresult::E_ACCESSDENIED);
        }
        let Some(http) = http else {
            return self.open(request).map(|media| Found::Media(media.info().content()));
        };
        let path = request.split('?').next().unwrap_or_default();
        let authority = page::authority(http.host.as_deref());
        if path.is_empty() {
            let text = page::page(&self.catalogue, authority);
            return Ok(self.found_text("/".to_owned(), text, page::PAGE_TYPE));
        }
        let found = self.open(request).map(|media| Found::Media(media.info().content()));
        if !matches!(found, Err(Hresult::NS_E_FILE_NOT_FOUND)) {
            return found;
        }
        let bare = path.len().checked_sub(page::ASX_SUFFIX.len()).and_then(|at| path.split_at_checked(at));
        let bare = bare.filter(|(_, suffix)| suffix.eq_ignore_ascii_case(page::ASX_SUFFIX));
        let Some(entry) = bare.and_then(|(bare, _)| self.catalogue.find(bare).ok()) else { return found };
        let text = page::asx(entry, authority);
        let name = format!("{}{}", entry.name, page::ASX_SUFFIX);
        Ok(self.found_text(name, text, page::ASX_TYPE))
    }

    fn found_text(&mut self, name: String, text: String, content_type: &'static str) -> Found {
        self.open = None;
        self.is_refused = false;
        self.name = Some(name);
        let len = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.text = Some(text.into_bytes().into());
        Found::Text { len, content_type }
    }

    fn forget(&mut self, request: &str) {
        self.open = None;
        self.is_refused = true;
        self.name = Some(request.chars().take(LOGGED_CHARS).collect());
    }

    /// Bytes of the file or text as it is, at least one.
    fn bytes(&self, offset: u64, max_bytes: u32) -> Result<Packets, Hresult> {
        let Some(text) = &self.text else { return self.opened()?.bytes(offset, max_bytes) };
        let rest =
            usize::try_from(offset).ok().and_then(|start| text.as_ref().get(start..)).unwrap_or_default();
        let len = rest.len().min(usize::try_from(max_bytes).unwrap_or(usize::MAX));
        let part = rest.get(..len).filter(|part| !part.is_empty()).ok_or(Hresult::E_INVALIDARG)?;
        Ok(part.to_vec().into())
    }

    pub(crate) fn open(&mut self, request: &str) -> Result<&Media, Hresult> {
        self.forget(request);
        let entry = self.catalogue.find(request)?;
        self.name = Some(entry.name.clone());
        let media = self.catalogue.open(entry).map_err(|error| {
            debug!(target: "mms::session", name = ?entry.name, %error, "cannot be opened");
            result_of(&error)
        })?;
        self.is_refused = false;
        let open = {
            let selected = Selected::new(&media, Selection::ALL);
            let buffers = Arc::clone(&self.buffers);
            self.open.insert(Open { media, path: entry.path().to_owned(), selected, buffers })
        };
        Ok(&open.media)
    }

    pub(crate) fn header(&self, offset: u32, max_bytes: u32) -> Result<Packets, Hresult> {
        self.opened()?.header(offset, max_bytes)
    }

    pub(crate) fn packets(&self, from: u32, max_bytes: u32) -> Result<Packets, Hresult> {
        self.opened()?.packets(from, max_bytes)
    }

    pub(crate) fn locate(&mut self, time: Duration, selection: Selection) -> Result<u32, Hresult> {
        let open = self.open.as_mut().ok_or(Hresult::NS_E_INVALID_REQUEST)?;
        let located = open.selected.locate(&open.media, time, selection);
        open.untouched(located)
    }

    fn run(&mut self, place: (u32, Order), max_bytes: u32, selection: Selection) -> Result<Run, Hresult> {
        let open = self.open.as_mut().ok_or(Hresult::NS_E_INVALID_REQUEST)?;
        let run = open.selected.run(&open.media, place, max_bytes, selection);
        open.untouched(run)
    }

    fn again(&self, packet: u32) -> Result<Option<Packets>, Hresult> {
        let open = self.opened()?;
        let size = open.media.info().packet_size;
        match open.untouched(open.selected.again(&open.media, packet))? {
            Run::AsStored => open.packets(packet, size).map(Some),
            Run::Rewritten { packets, .. } => Ok(Some(packets.into())),
            Run::Ended => Ok(None),
        }
    }

    fn opened(&self) -> Result<&Open, Hresult> {
        self.open.as_ref().ok_or(Hresult::NS_E_INVALID_REQUEST)
    }
}

/// What the client is told about a file that was fine when it was scanned.
fn result_of(error: &Unservable) -> Hresult {
    match error {
        Unservable::Unreadable(error) if error.kind() == io::ErrorKind::NotFound => {
            Hresult::NS_E_FILE_NOT_FOUND
        }
        Unservable::Unreadable(_) | Unservable::Changing | Unservable::NotAFile | Unservable::Outside => {
            Hresult::NS_E_FILE_OPEN_FAILED
        }
        _ => Hresult::NS_E_FILE_PLAY_FAILED,
    }
}

impl Open {
    fn header(&self, offset: u32, max_bytes: u32) -> Result<Packets, Hresult> {
        let left = self.media.info().header_len.saturating_sub(offset);
        let len = left.min(max_bytes);
        if len == 0 {
            return Err(Hresult::E_INVALIDARG);
        }
        self.read(u64::from(len), |bytes| self.media.read_header(offset, bytes))
    }

    /// Bytes of the file as they are stored, at least one.
    fn bytes(&self, offset: u64, max_bytes: u32) -> Result<Packets, Hresult> {
        let len = self.media.info().file_len.saturating_sub(offset).min(u64::from(max_bytes));
        if len == 0 {
            return Err(Hresult::E_INVALIDARG);
        }
        self.read(len, |bytes| self.media.read_file(offset, bytes))
    }

    /// Whole packets, at least one.
    fn packets(&self, from: u32, max_bytes: u32) -> Result<Packets, Hresult> {
        let info = self.media.info();
        let left = info.packet_count.saturating_sub(from);
        let wanted = max_bytes.checked_div(info.packet_size).unwrap_or(0).max(1);
        if left == 0 {
            return Err(Hresult::NS_E_STREAM_END);
        }
        let len = u64::from(left.min(wanted)) * u64::from(info.packet_size);
        self.read(len, |bytes| self.media.read_packets(from, bytes))
    }

    /// The same packets, if they are in the system's cache and the client wants them as they stand in the file.
    fn packets_at_once(&mut self, from: u32, max_bytes: u32, selection: Selection) -> Option<Packets> {
        if !self.selected.is_as_stored(selection) {
            return None;
        }
        let info = self.media.info();
        let wanted = max_bytes.checked_div(info.packet_size).unwrap_or(0).max(1);
        let left = info.packet_count.saturating_sub(from);
        let len = u64::from(left.min(wanted)) * u64::from(info.packet_size);
        let len = usize::try_from(len).ok().filter(|len| *len > 0)?;
        let packets = self.read_at_once(len, |bytes| self.media.read_packets_at_once(from, bytes))?;
        // reads nothing: it notes where the client is
        matches!(self.selected.run(&self.media, (from, Order::All), max_bytes, selection), Ok(Run::AsStored))
            .then_some(packets)
    }

    /// The bytes of the file, if they are in the system's cache.
    fn bytes_at_once(&self, offset: u64, max_bytes: u32) -> Option<Packets> {
        let len = self.media.info().file_len.saturating_sub(offset).min(u64::from(max_bytes));
        let len = usize::try_from(len).ok().filter(|len| *len > 0)?;
        self.read_at_once(len, |bytes| self.media.read_file_at_once(offset, bytes))
    }

    /// Whatever is wrong is found again where waiting is allowed, and answered there.
    fn read_at_once(&self, len: usize, fill: impl FnOnce(&mut [u8]) -> io::Result<()>) -> Option<Packets> {
        Packets::read(&self.buffers, len, fill).ok().filter(|_| self.media.is_untouched(&self.path))
    }

    fn read(&self, len: u64, fill: impl FnOnce(&mut [u8]) -> io::Result<()>) -> Result<Packets, Hresult> {
        let len = usize::try_from(len).map_err(|_| Hresult::NS_E_INTERNAL)?;
        self.untouched(Packets::read(&self.buffers, len, fill))
    }

    /// Checked behind the read: what was read before somebody wrote is right, the rest is not given out.
    fn untouched<T>(&self, read: io::Result<T>) -> Result<T, Hresult> {
        match read {
            Ok(value) if self.media.is_untouched(&self.path) => Ok(value),
            Ok(_) => {
                debug!(target: "mms::session", path = ?self.path, "changed while it was served");
                Err(Hresult::NS_E_FILE_READ)
            }
            Err(error) => {
                debug!(target: "mms::session", path = ?self.path, %error, "cannot be read");
                Err(Hresult::NS_E_FILE_READ)
            }
        }
    }
}

impl Host for Feed {
    type Packets = Packets;

    fn answer_at_once(&mut self, question: Question) -> Result<Answer<Packets>, Question> {
        let Some(open) = &mut self.open else { return Err(question) };
        match *question.query() {
            Query::Packets { from, max_bytes, selection, order: Order::All } => {
                match open.packets_at_once(from, max_bytes, selection) {
                    Some(packets) => Ok(question.packets(from, packets)),
                    None => Err(question),
                }
            }
            Query::Bytes { offset, max_bytes } if self.text.is_none() => {
                match open.bytes_at_once(offset, max_bytes) {
                    Some(bytes) => Ok(question.bytes(bytes)),
                    None => Err(question),
                }
            }
            _ => Err(question),
        }
    }

    fn answer(&mut self, question: Question) -> Answer<Packets> {
        if let Query::Open { name, http } = question.query() {
            return match self.find(name, http.as_deref()) {
                Ok(Found::Media(content)) => question.opened(content),
                Ok(Found::Text { len, content_type }) => question.opened_text(len, content_type),
                Err(hr) => {
                    debug!(target: "mms::session", peer = %question.peer(), name = ?name, result = %hr, "refused");
                    question.refused(hr)
                }
            };
        }
        match *question.query() {
            Query::Header { offset, max_bytes } => match self.header(offset, max_bytes) {
                Ok(bytes) => question.header(bytes),
                Err(hr) => question.failed(hr),
            },
            Query::Locate { time, selection } => match self.locate(time, selection) {
                Ok(packet) => question.located(packet),
                Err(hr) => question.failed(hr),
            },
            Query::Packets { from, max_bytes, selection, order } => {
                match self.run((from, order), max_bytes, selection) {
                    Ok(Run::Rewritten { first, packets }) => question.packets(first, packets.into()),
                    Ok(Run::Ended) => question.ended(),
                    Ok(Run::AsStored) => match self.packets(from, max_bytes) {
                        Ok(packets) => question.packets(from, packets),
                        Err(hr) => question.failed(hr),
                    },
                    Err(hr) => question.failed(hr),
                }
            }
            Query::Bytes { offset, max_bytes } => match self.bytes(offset, max_bytes) {
                Ok(bytes) => question.bytes(bytes),
                Err(hr) => question.failed(hr),
            },
            Query::Again { packet, .. } => match self.again(packet) {
                Ok(Some(bytes)) => question.packets(packet, bytes),
                Ok(None) => question.ended(),
                Err(hr) => question.failed(hr),
            },
            Query::Open { .. } | Query::Unknown => question.failed(Hresult::NS_E_INTERNAL),
        }
    }

    fn ended(&mut self, ended: &Ended) {
        let report = &ended.report;
        info!(
            target: "mms::session",
            peer = %ended.peer,
            transport = %report.transport,
            name = %Logged(self.name.as_deref()),
            packets = %report.packets,
            bytes = %report.bytes,
            start = %Start(report.started_at),
            duration = %format_args!("{:.3}", ended.duration.as_secs_f64()),
            outcome = %Word { report, is_refused: self.is_refused },
        );
        self.open = None;
        self.text = None;
    }

    fn log_part(&mut self, kind: RequestKind, bytes: &[u8], last: bool) {
        let text = String::from_utf8_lossy(bytes);
        debug!(target: "mms::session", name = %Logged(self.name.as_deref()), ?kind, ?text, last, "client log");
    }

    fn client_log(&mut self, log: &ClientLog<'_>) {
        debug!(target: "mms::session", name = %Logged(self.name.as_deref()), ?log, "client log");
    }
}

/// A name in one word, or in quotes: requested names are the client's, and may try to look like fields.
struct Logged<'a>(Option<&'a str>);

impl fmt::Display for Logged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needs_quotes = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | '\\');
        match self.0 {
            None => f.write_str("-"),
            Some(name) if name.is_empty() || name.contains(needs_quotes) => write!(f, "{name:?}"),
            Some(name) => f.write_str(name),
        }
    }
}

struct Start(Option<u32>);

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => write!(f, "{number}"),
            None => f.write_str("-"),
        }
    }
}

/// The outcome in a word, or the text of an error.
struct Word<'a> {
    report: &'a Report,
    is_refused: bool,
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.report.outcome {
            Outcome::Closed if self.report.completed => f.write_str("completed"),
            Outcome::Closed if self.report.started_at.is_some() || self.report.bytes > 0 => {
                f.write_str("stopped")
            }
            Outcome::Closed if self.is_refused => f.write_str("refused"),
            Outcome::Closed => f.write_str("closed"),
            Outcome::ShutDown => f.write_str("shutdown"),
            Outcome::Failed(error) => write!(f, "\"{error}\""),
            _ => f.write_str("open"),
        }
    }
}
