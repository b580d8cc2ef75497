//! What a request head asks for (digest 5.1).

use core::ops::Range;

use super::config::Config;
use crate::wmsp::wire::{
    BodyLen, ByteRange, Connection, ContentType, Decimal, Method, NOT_GIVEN, Offset, Pragma, Product,
    ProductName, RequestHead, Status, SwitchPlan, Version, field_ranges, path_range, same, value_range,
};

/// The kinds of requests (section 2.2.2); the last two are not in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestKind {
    /// The header is wanted.
    Describe,
    /// Media is wanted.
    Play,
    /// Headers of the response only, for caching proxies.
    GetContentInfo,
    /// The client lives.
    KeepAlive,
    /// The client's log.
    Log,
    /// Another selection.
    SelectStream,
    /// An event of the client's.
    SendEvent,
    /// No more media.
    Stop,
    /// `OPTIONS *`.
    Options,
    /// Plain HTTP.
    Plain,
}

/// Where playing starts (section 3.2.5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Beginning,
    Time(u32),
    Packet(u32),
    Offset(u64),
}

/// A request as the session remembers it.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) kind: RequestKind,
    pub(super) agent: Product,
    pub(super) version: Version,
    /// the body of the response is left out
    pub(super) head_only: bool,
    pub(super) keep_alive: bool,
    pub(super) client_id: Option<u32>,
    pub(super) start: Start,
    pub(super) max_duration: u32,
    pub(super) plan: Option<SwitchPlan>,
    pub(super) speed: Option<Decimal>,
    pub(super) acceleration: Option<(u32, u32)>,
    pub(super) range: Option<ByteRange>,
    pub(super) body: BodyLen,
    pub(super) name: Range<usize>,
    pub(super) host: Option<Range<usize>>,
    pub(super) authorization: Option<Range<usize>>,
    pub(super) log_line: Option<Range<usize>>,
}

impl Exchange {
    /// For a reply to something that could not be read.
    pub(super) fn unknown() -> Self {
        Self {
            kind: RequestKind::Plain,
            agent: Product::new(ProductName::Other, [0; 4]),
            version: Version::Http10,
            head_only: false,
            keep_alive: false,
            client_id: None,
            start: Start::Beginning,
            max_duration: 0,
            plan: None,
            speed: None,
            acceleration: None,
            range: None,
            body: BodyLen::Unstated,
            name: 0..0,
            host: None,
            authorization: None,
            log_line: None,
        }
    }

    pub(super) fn is_streaming_client(&self) -> bool {
        self.agent.is_client()
    }

    /// Whether the host must open something for it.
    pub(super) fn needs_content(&self) -> bool {
        matches!(self.kind, RequestKind::Describe | RequestKind::Play | RequestKind::Plain)
    }

    /// Reads a whole head.
    pub(super) fn read(bytes: &[u8], config: &Config) -> Result<Self, Status> {
        let head = RequestHead::decode(bytes).map_err(|_| Status::BAD_REQUEST)?;
        let agent = head.fields.get("User-Agent").map_or(Self::unknown().agent, Product::parse);
        let body = BodyLen::of(head.fields).map_err(|_| Status::BAD_REQUEST)?;
        match body {
            BodyLen::UnknownCoding => return Err(Status::NOT_IMPLEMENTED),
            BodyLen::Exact(len) if len > u64::from(config.body_bytes) => {
                return Err(Status::PAYLOAD_TOO_LARGE);
            }
            _ => {}
        }
        let pragma = Pragma::of(head.fields);
        let kind = classify(&head, &agent, &pragma, body, config)?;
        let connection = Connection::of(head.fields);
        // clients of the protocol wait for the close of a Describe connection (digest 4.1, 16.1)
        let by_default = head.version == Version::Http11 && !agent.is_client();
        let keep_alive = !connection.close && (connection.keep_alive || by_default);
        let range = head.fields.get("Range").and_then(ByteRange::parse);
        Ok(Self {
            kind,
            agent,
            version: head.version,
            head_only: head.method == Method::Head,
            keep_alive: keep_alive && kind != RequestKind::Play,
            client_id: pragma.client_id,
            start: start(&pragma),
            max_duration: pragma.max_duration.unwrap_or(0),
            plan: pragma.stream_switch_entry.map(|entries| entries.plan()),
            speed: pragma.speed.filter(|speed| speed.0 > 0),
            acceleration: pragma
                .accel_bw
                .zip(pragma.accel_duration)
                .filter(|(rate, time)| *rate > 0 && *time > 0),
            // never a part for a client of the protocol: FFmpeg sends `Range: bytes=0-` (digest 2)
            // nor behind If-Range: there is no validator here that could match (RFC 9110, section 13.1.5)
            range: range.filter(|_| {
                kind == RequestKind::Plain
                    && head.method == Method::Get
                    && head.fields.get("If-Range").is_none()
            }),
            body,
            name: path_range(bytes, &head).ok_or(Status::BAD_REQUEST)?,
            host: value_range(bytes, "Host"),
            authorization: value_range(bytes, "Authorization"),
            log_line: log_line(bytes),
        })
    }
}

fn classify(
    head: &RequestHead<'_>,
    agent: &Product,
    pragma: &Pragma<'_>,
    body: BodyLen,
    config: &Config,
) -> Result<RequestKind, Status> {
    let has_body = !matches!(body, BodyLen::Unstated | BodyLen::Exact(0));
    match head.method {
        Method::Get | Method::Head if has_body => Err(Status::BAD_REQUEST),
        Method::Get | Method::Head if !agent.is_client() => Ok(RequestKind::Plain),
        Method::Get | Method::Head => get(pragma),
        Method::Post if !agent.is_client() => Err(Status::METHOD_NOT_ALLOWED),
        Method::Post => post(head, pragma, has_body, config),
        Method::Options => Ok(RequestKind::Options),
        Method::Other("PUT" | "DELETE" | "PATCH" | "TRACE" | "CONNECT") => Err(Status::METHOD_NOT_ALLOWED),
        Method::Other(_) => Err(Status::NOT_IMPLEMENTED),
    }
}

fn get(pragma: &Pragma<'_>) -> Result<RequestKind, Status> {
    if pragma.pipeline_request == Some(true) {
        // never offered, so never asked for in good faith
        Err(Status::NOT_IMPLEMENTED)
    } else if pragma.x_play_strm == Some(true) {
        Ok(RequestKind::Play)
    } else if pragma.x_play_next_entry == Some(true) {
        Err(Status::NOT_IMPLEMENTED)
    } else if pragma.stream_switch_entry.is_some() {
        Ok(RequestKind::SelectStream)
    } else {
        Ok(RequestKind::Describe)
    }
}

fn post(
    head: &RequestHead<'_>,
    pragma: &Pragma<'_>,
    has_body: bool,
    config: &Config,
) -> Result<RequestKind, Status> {
    let content_type = head.fields.get("Content-Type").map(ContentType);
    if pragma.x_stop_strm == Some(true) && !has_body {
        Ok(RequestKind::Stop)
    } else if pragma.log_line.is_some() || content_type == Some(ContentType::LOG_STATS) {
        Ok(RequestKind::Log)
    } else if content_type == Some(ContentType::SEND_EVENT) {
        Ok(RequestKind::SendEvent)
    } else if content_type == Some(ContentType::GET_CONTENT_INFO) && has_body {
        // version 4 does not know it, and proxies know that (digest 5.3)
        if config.product.is_modern_server() {
            Ok(RequestKind::GetContentInfo)
        } else {
            Err(Status::BAD_REQUEST)
        }
    } else if has_body {
        Err(Status::BAD_REQUEST)
    } else if pragma.x_keep_alive_in_pause == Some(true) {
        Ok(RequestKind::KeepAlive)
    } else if pragma.stream_switch_entry.is_some() {
        Ok(RequestKind::SelectStream)
    } else if pragma.client_id.is_some() {
        Ok(RequestKind::KeepAlive)
    } else {
        Err(Status::BAD_REQUEST)
    }
}

/// The order of section 3.2.5.6.
fn start(pragma: &Pragma<'_>) -> Start {
    let time = pragma.stream_time.filter(|time| !matches!(*time, 0 | NOT_GIVEN));
    let packet = pragma.packet_num.filter(|number| *number != NOT_GIVEN);
    let offset = pragma.stream_offset.filter(|offset| *offset != Offset::NOT_GIVEN);
    match (time, packet, offset) {
        (Some(time), ..) => Start::Time(time),
        (None, Some(packet), _) => Start::Packet(packet),
        (None, None, Some(Offset(offset))) => Start::Offset(offset),
        (None, None, None) => Start::Beginning,
    }
}

/// Where the log of an old player lies; it is passed on as it is.
fn log_line(head: &[u8]) -> Option<Range<usize>> {
    const NAME: usize = "log-line=".len();
    field_ranges(head).filter(|(name, _)| same(name, "Pragma")).find_map(|(_, range)| {
        let value = head.get(range.clone())?;
        let starts = value.get(..NAME)?.eq_ignore_ascii_case(b"log-line=");
        starts.then(|| range.start.saturating_add(NAME)..range.end)
    })
}
