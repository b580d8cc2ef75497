//! Heads of requests and responses: where they end, and what they hold.

use core::fmt;
use core::ops::Range;

use crate::error::{DecodeError, Error, LimitName, Reason};

use super::status::Status;
use super::text::{Clean, RequestTarget, utf8_prefix};

/// Header lines that a head can have at most, whatever the limits say.
pub const MAX_HEADERS: usize = 128;
/// Empty lines before the first line that are forgiven.
const BLANK_LINES: u8 = 4;

/// What a peer may send in one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the whole head.
    pub head_bytes: u32,
    /// Bytes of one line; a log line is the longest.
    pub line_bytes: u32,
    /// Header lines, at most [`MAX_HEADERS`].
    pub headers: u16,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { head_bytes: 16_384, line_bytes: 8192, headers: 100 }
    }
}

/// Why bytes are not a head that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// Not HTTP.
    Invalid(DecodeError),
    /// The first line is too long.
    FirstLine {
        /// Bytes allowed.
        allowed: u32,
    },
    /// Another line is too long.
    Line {
        /// Bytes allowed.
        allowed: u32,
    },
    /// The head is too long.
    Bytes {
        /// Bytes allowed.
        allowed: u32,
    },
    /// There are too many header lines.
    Headers {
        /// Lines allowed.
        allowed: u16,
    },
}

impl HeadError {
    /// The status with which a server answers.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Invalid(_) => Status::BAD_REQUEST,
            Self::FirstLine { .. } => Status::URI_TOO_LONG,
            Self::Line { .. } | Self::Bytes { .. } | Self::Headers { .. } => Status::HEADER_TOO_LARGE,
        }
    }

    /// The error of a session, whose head starts at `position` of the peer's stream.
    #[must_use]
    pub fn at(self, position: u64) -> Error {
        let over =
            |limit, allowed: u32| Error::limit(limit, u64::from(allowed).saturating_add(1), allowed.into());
        match self {
            Self::Invalid(error) => Error::invalid(error, position),
            Self::FirstLine { allowed } | Self::Line { allowed } => over(LimitName::LineBytes, allowed),
            Self::Bytes { allowed } => over(LimitName::HeadBytes, allowed),
            Self::Headers { allowed } => over(LimitName::HeadLines, allowed.into()),
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at(0).fmt(f)
    }
}

impl core::error::Error for HeadError {}

/// What is at the start of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadStep {
    /// The head goes on.
    Incomplete {
        /// Bytes wanted in all, counted from the start of the head.
        needed: usize,
    },
    /// The head is there with its empty line.
    Complete {
        /// Bytes of the head.
        total: usize,
    },
}

/// Finds the end of a head; it holds no bytes and looks at each one once.
///
/// Give it everything from the start of the head. An error is final.
#[derive(Clone, Debug)]
pub struct HeadScanner {
    limits: HeadLimits,
    scanned: usize,
    line_start: usize,
    lines: u16,
    blank: u8,
    failed: Option<HeadError>,
}

impl HeadScanner {
    /// For the next head of a connection.
    #[must_use]
    pub fn new(limits: HeadLimits) -> Self {
        Self { limits, scanned: 0, line_start: 0, lines: 0, blank: 0, failed: None }
    }

    /// Looks at the head at the start of `input`, which holds at least as much as in the last call.
    ///
    /// # Errors
    ///
    /// A limit, known as soon as the byte beyond it is there.
    pub fn next(&mut self, input: &[u8]) -> Result<HeadStep, HeadError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.scan(input);
        if let Err(error) = result {
            self.failed = Some(error);
        } else if let Ok(HeadStep::Complete { .. }) = result {
            *self = Self::new(self.limits);
        }
        result
    }

    fn scan(&mut self, input: &[u8]) -> Result<HeadStep, HeadError> {
        loop {
            let fresh = input.get(self.scanned..).unwrap_or_default();
            let found = fresh.iter().position(|byte| *byte == b'\n');
            let end = match found {
                Some(at) => self.scanned.saturating_add(at),
                None => input.len(),
            };
            self.check(end)?;
            if found.is_none() {
                self.scanned = input.len();
                return Ok(HeadStep::Incomplete { needed: input.len().saturating_add(1) });
            }
            let line = input.get(self.line_start..end).unwrap_or_default();
            self.scanned = end.saturating_add(1);
            self.line_start = self.scanned;
            if !matches!(line, b"" | b"\r") {
                self.lines = self.lines.saturating_add(1);
                if self.lines.saturating_sub(1) > self.limits.headers {
                    return Err(HeadError::Headers { allowed: self.limits.headers });
                }
            } else if self.lines > 0 {
                return Ok(HeadStep::Complete { total: self.scanned });
            } else {
                self.blank = self.blank.saturating_add(1);
                if self.blank > BLANK_LINES {
                    return Err(HeadError::Invalid(DecodeError::new(Reason::HttpHead, end)));
                }
            }
        }
    }

    /// The limit that lies first in the stream speaks, however the bytes arrive.
    fn check(&self, end: usize) -> Result<(), HeadError> {
        let size = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let line_end = self.line_start.saturating_add(size(self.limits.line_bytes));
        let head_end = size(self.limits.head_bytes);
        if end > line_end && line_end < head_end {
            let allowed = self.limits.line_bytes;
            return Err(if self.lines == 0 {
                HeadError::FirstLine { allowed }
            } else {
                HeadError::Line { allowed }
            });
        }
        if end >= head_end {
            return Err(HeadError::Bytes { allowed: self.limits.head_bytes });
        }
        Ok(())
    }
}

/// The version of a message; digits behind the first count as 1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

impl Version {
    fn from_minor(minor: Option<u8>) -> Self {
        if minor == Some(0) { Self::Http10 } else { Self::Http11 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        })
    }
}

/// What a request wants done (section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method<'a> {
    /// GET.
    Get,
    /// HEAD; not in the document, but browsers and tools use it.
    Head,
    /// POST.
    Post,
    /// OPTIONS.
    Options,
    /// Any other.
    Other(&'a str),
}

impl<'a> Method<'a> {
    /// The method of this name; names are case-sensitive.
    #[must_use]
    pub fn from_name(name: &'a str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "OPTIONS" => Self::Options,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Options => "OPTIONS",
            Self::Other(name) => name,
        })
    }
}

/// The header lines of a head that was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    block: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The lines with their names and values, in order; what is no header line is left out.
    #[must_use]
    pub fn iter(&self) -> FieldIter<'a> {
        FieldIter { rest: self.block }
    }

    /// The value of the first line of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| utf8_prefix(value))
    }
}

impl<'a> IntoIterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);
    type IntoIter = FieldIter<'a>;

    fn into_iter(self) -> FieldIter<'a> {
        self.iter()
    }
}

/// The lines of [`Fields`].
#[derive(Clone, Debug)]
pub struct FieldIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for FieldIter<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
            let (line, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest.get(1..).unwrap_or_default();
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
            let value = line.get(colon..).and_then(|value| value.get(1..)).unwrap_or_default();
            let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
            if let Some(name) = core::str::from_utf8(name).ok().filter(is_name) {
                return Some((name, value.trim_ascii()));
            }
        }
        None
    }
}

impl core::iter::FusedIterator for FieldIter<'_> {}

/// The head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHead<'a> {
    /// What to do.
    pub method: Method<'a>,
    /// The request-target as written: a path with its query, an absolute URL, or `*`.
    pub target: &'a str,
    /// The version.
    pub version: Version,
    /// The header lines.
    pub fields: Fields<'a>,
}

impl<'a> RequestHead<'a> {
    /// Decodes a whole head.
    ///
    /// # Errors
    ///
    /// The bytes are no request, or hold more header lines than [`MAX_HEADERS`].
    pub fn decode(head: &'a [u8]) -> Result<Self, DecodeError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            _ => return Err(DecodeError::new(Reason::HttpHead, 0)),
        }
        Ok(Self {
            method: Method::from_name(request.method.unwrap_or_default()),
            target: request.path.unwrap_or_default(),
            version: Version::from_minor(request.version),
            fields: Fields { block: header_block(head) },
        })
    }

    /// The path of the target with its query, without the leading slash.
    #[must_use]
    pub fn path(&self) -> &'a str {
        let path = match self.target.split_once("://") {
            Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or_default()
            }
            _ => self.target,
        };
        path.strip_prefix('/').unwrap_or(path)
    }
}

/// The head of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead<'a> {
    /// The version.
    pub version: Version,
    /// The status code.
    pub status: Status,
    /// The reason phrase, which may be empty.
    pub reason: &'a str,
    /// The header lines.
    pub fields: Fields<'a>,
}

impl<'a> ResponseHead<'a> {
    /// Decodes a whole head. Header lines that are none are left out, since real servers send such.
    ///
    /// # Errors
    ///
    /// The bytes are no response, or hold more header lines than [`MAX_HEADERS`].
    pub fn decode(head: &'a [u8]) -> Result<Self, DecodeError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let mut config = httparse::ParserConfig::default();
        config
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        match config.parse_response(&mut response, head) {
            Ok(httparse::Status::Complete(_)) => {}
            _ => return Err(DecodeError::new(Reason::HttpHead, 0)),
        }
        Ok(Self {
            version: Version::from_minor(response.version),
            status: Status(response.code.unwrap_or_default()),
            reason: response.reason.unwrap_or_default(),
            fields: Fields { block: header_block(head) },
        })
    }
}

/// What stands behind the first line that is not empty.
fn header_block(head: &[u8]) -> &[u8] {
    let mut rest = head;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, behind) = rest.split_at(at);
        rest = behind.get(1..).unwrap_or_default();
        if !matches!(line, b"" | b"\r") {
            return rest;
        }
    }
    rest
}

/// The lines of a whole head with the places of their values.
pub(crate) fn field_ranges(head: &[u8]) -> impl Iterator<Item = (&str, Range<usize>)> {
    let mut lines = Fields { block: header_block(head) }.iter();
    core::iter::from_fn(move || {
        let (name, value) = lines.next()?;
        let line_end = head.len().checked_sub(lines.rest.len())?;
        let end = head.get(..line_end)?.trim_ascii_end().len();
        Some((name, end.checked_sub(value.len())?..end))
    })
}

/// Where in a whole head the value of the first line of this name lies.
pub(crate) fn value_range(head: &[u8], name: &str) -> Option<Range<usize>> {
    field_ranges(head).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, range)| range)
}

/// Where in a whole head the path of a request lies, without its leading slash.
pub(crate) fn path_range(head: &[u8], request: &RequestHead<'_>) -> Option<Range<usize>> {
    let blank = head.len().checked_sub(head.trim_ascii_start().len())?;
    let line = head.get(blank..)?;
    let method = line.iter().position(|byte| *byte == b' ')?.checked_add(1)?;
    let end = blank.checked_add(method)?.checked_add(request.target.len())?;
    Some(end.checked_sub(request.path().len())?..end)
}

/// The first line of a request, for [`encode_text`](super::encode_text); header lines and an empty one follow.
#[derive(Clone, Copy, Debug)]
pub struct RequestLine<'a>(pub Method<'a>, pub &'a str, pub Version);

impl fmt::Display for RequestLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}\r\n", self.0, RequestTarget(self.1), self.2)
    }
}

/// The first line of a response; the reason phrase is never left out, since libmms needs one (digest 6.2).
#[derive(Clone, Copy, Debug)]
pub struct StatusLine(pub Version, pub Status);

impl fmt::Display for StatusLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}\r\n", self.0, self.1.0, self.1.phrase())
    }
}

/// A header line.
#[derive(Clone, Copy, Debug)]
pub struct HeaderLine<'a>(pub &'static str, pub &'a str);

impl fmt::Display for HeaderLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\r\n", self.0, Clean(self.1))
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn limits() -> HeadLimits {
        HeadLimits { head_bytes: 64, line_bytes: 20, headers: 3 }
    }

    /// The outcome must not depend on how the bytes arrive.
    fn scan(bytes: &[u8], limits: HeadLimits) -> Result<HeadStep, HeadError> {
        let whole = HeadScanner::new(limits).next(bytes);
        let mut scanner = HeadScanner::new(limits);
        let mut last = Ok(HeadStep::Incomplete { needed: 1 });
        for end in 1..=bytes.len() {
            last = scanner.next(&bytes[..end]);
            if !matches!(last, Ok(HeadStep::Incomplete { .. })) {
                break;
            }
        }
        assert_eq!(whole, last);
        whole
    }

    #[test]
    fn the_end_of_a_head_is_found_with_either_line_end() {
        for head in
            ["GET / HTTP/1.0\r\nA: b\r\n\r\n", "GET / HTTP/1.0\nA: b\n\n", "\r\n\nGET / HTTP/1.0\r\n\r\n"]
        {
            let mut bytes = Vec::from(head);
            bytes.extend(b"body");
            assert_eq!(scan(&bytes, limits()), Ok(HeadStep::Complete { total: head.len() }), "{head:?}");
        }
        assert_eq!(scan(b"GET / HTTP/1.0\r\n", limits()), Ok(HeadStep::Incomplete { needed: 17 }));
    }

    #[test]
    fn every_limit_is_told_by_name() {
        let long = [b'a'; 100];
        assert_eq!(scan(&long, limits()), Err(HeadError::FirstLine { allowed: 20 }));
        let second = [b"GET /\r\n".as_slice(), &long].concat();
        assert_eq!(scan(&second, limits()), Err(HeadError::Line { allowed: 20 }));
        let many = b"GET /\r\na:b\r\na:b\r\na:b\r\na:b\r\n\r\n";
        assert_eq!(scan(many, limits()), Err(HeadError::Headers { allowed: 3 }));
        let bytes = HeadLimits { headers: 100, ..limits() };
        assert_eq!(scan(&b"a:b\r\n".repeat(20), bytes), Err(HeadError::Bytes { allowed: 64 }));
        assert_eq!(scan(&b"\r\n".repeat(20), limits()).unwrap_err().status(), Status::BAD_REQUEST);
        // of two limits the one that lies first in the stream
        let both = [b"GET /\r\n".as_slice(), &b"a: bbbbbbbbbbbbbbb\r\n".repeat(2), &long].concat();
        assert_eq!(scan(&both, limits()), Err(HeadError::Bytes { allowed: 64 }));
    }

    #[test]
    fn a_target_may_be_absolute() {
        let path = |target: &str| {
            let head = std::format!("GET {target} HTTP/1.0\r\n\r\n");
            std::string::String::from(RequestHead::decode(head.as_bytes()).unwrap().path())
        };
        assert_eq!(path("/a/b?c=http://d"), "a/b?c=http://d");
        assert_eq!(path("http://host:80/a"), "a");
        assert_eq!(path("http://host"), "");
        assert_eq!(path("*"), "*");
    }

    #[test]
    fn the_place_of_a_value_is_found() {
        let head = b"HTTP/1.0 302 Found\r\nA: b\r\nlocation:  http://h/x \t\r\nB: c\r\n\r\n";
        assert_eq!(&head[value_range(head, "Location").unwrap()], b"http://h/x");
        assert_eq!(value_range(head, "None"), None);
        let head = b"\r\nGET http://h/a/b?c HTTP/1.0\r\nA: b\r\n\r\n";
        let request = RequestHead::decode(head).unwrap();
        assert_eq!(&head[path_range(head, &request).unwrap()], b"a/b?c");
    }

    #[test]
    fn smuggling_by_the_form_of_lines_is_refused_in_requests() {
        for head in [
            "GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\r\n Content-Length: 5\r\n\r\n",
            "GET / HTTP/1.1\r\n: b\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\rContent-Length: 5\r\n\r\n",
            "GET / HTTP/1.1\r\nA\0: b\r\n\r\n",
            "GET /\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
        ] {
            assert!(RequestHead::decode(head.as_bytes()).is_err(), "{head:?}");
        }
    }

    #[test]
    fn responses_are_read_generously() {
        let head = b"HTTP/1.0 200\r\nServer : Cougar/9.0\r\nnonsense\r\nPragma: a\r\n\r\n";
        let head = ResponseHead::decode(head).unwrap();
        assert_eq!((head.status, head.reason), (Status::OK, ""));
        assert_eq!(head.fields.get("server"), Some("Cougar/9.0"));
        assert_eq!(head.fields.iter().count(), 2);
    }
}
