//! A server's connection for the page of states.

use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use super::*;
use crate::states::{Did, Machine, name};

pub(crate) const ABOUT: &str = "`mms_core::wmsp::server::Session` with its default settings: one connection. Requests keep the connection \
     (`Connection: Keep-Alive`), except for Play, whose stream ends with it.";

/// A connection, and the input that it has not taken yet.
#[derive(Clone)]
pub(crate) struct Explored {
    session: Session,
    now: Instant,
    input: Vec<u8>,
}

const MEDIA: Media = Media {
    header_len: 1000,
    packet_size: 2000,
    packet_count: Some(10),
    file_len: Some(21_000),
    seekable: true,
    streams: 0b110,
};

impl Explored {
    pub(crate) fn new() -> Self {
        let now = Instant::from_millis(1000);
        Self { session: Session::new(Config::default(), [7; 16], now), now, input: Vec::new() }
    }

    /// `None` if it is not read now.
    fn client_says(&mut self, request: &str, did: &mut Did) -> Option<()> {
        let is_read = matches!(self.session.state, State::Head);
        if !is_read || !self.input.is_empty() {
            return None;
        }
        self.input.extend(request.bytes());
        self.read(did);
        Some(())
    }

    fn read(&mut self, did: &mut Did) {
        // without input too: the next request begins when the connection is looked at
        while let Ok(handled) = self.session.handle_input(self.now, &self.input) {
            let told = handled.event.map(|event| name(&format!("{event:?}")));
            let is_stuck = told.is_none() && handled.consumed == 0;
            did.tells.extend(told);
            let consumed = handled.consumed;
            self.input.drain(..consumed);
            if is_stuck {
                break;
            }
        }
    }

    fn request(input: &str) -> Option<String> {
        let player = |lines: &str| {
            let (first, rest) = lines.split_once('\n').unwrap_or((lines, ""));
            let rest: String = rest.lines().map(|line| format!("{line}\r\n")).collect();
            format!("{first}\r\nUser-Agent: NSPlayer/7.1.0.3055\r\nConnection: Keep-Alive\r\n{rest}\r\n")
        };
        Some(match input {
            "Describe" => player("GET /a.wma HTTP/1.0"),
            "Play" => player("GET /a.wma HTTP/1.0\nPragma: xPlayStrm=1"),
            "Play (from a time)" => player("GET /a.wma HTTP/1.0\nPragma: xPlayStrm=1,stream-time=5000"),
            "SelectStream" => {
                player("GET /a.wma HTTP/1.0\nPragma: client-id=1\nPragma: stream-switch-entry=ffff:1:0")
            }
            "Log" => {
                player("POST /a.wma HTTP/1.0\nContent-Type: application/x-wms-Logstats\nContent-Length: 3")
                    + "abc"
            }
            "Stop" => player("POST /a.wma HTTP/1.0\nPragma: xStopStrm=1,client-id=1\nContent-Length: 0"),
            "download" => "GET /a.wma HTTP/1.1\r\nHost: h\r\n\r\n".into(),
            "download (head only)" => "HEAD /a.wma HTTP/1.1\r\nHost: h\r\n\r\n".into(),
            "a method that is not known" => "BREW /a.wma HTTP/1.1\r\nHost: h\r\n\r\n".into(),
            "what is no request" => "no request\r\n\r\n".into(),
            _ => return None,
        })
    }

    /// What the host does; `None` if it cannot now.
    fn host(&mut self, input: &str) -> Option<()> {
        let (now, session) = (self.now, &mut self.session);
        let orders = Orders { version: 1, selection: Selection::ALL, stop: false };
        let asks = matches!(session.state, State::Asking);
        match input {
            "opened(): media" => session.opened(Content::Media(MEDIA)).ok()?,
            "opened(): text" => session.opened(Content::Text { len: 100, content_type: "text/html" }).ok()?,
            "opened(): elsewhere" => {
                session.opened(Content::Moved(Location::new("mms://other/x").unwrap())).ok()?
            }
            "refused()" => session.refused(Status::NOT_FOUND).ok()?,
            "the table grants" if asks => {
                session.answered(now, Answer::Granted { client_id: Some(1), reset: false, orders });
            }
            "the table refuses" if asks => session.answered(now, Answer::Refused(Status::CONFLICT)),
            "orders: stop" if session.orders.is_some_and(|orders| !orders.stop) => {
                session.orders(now, Orders { version: 2, stop: true, ..orders });
            }
            "located()" => session.located(4).ok()?,
            "the header is sent" => {
                let MediaWish::Header { len, .. } = session.wish()? else { return None };
                session.frame_header(len)?;
            }
            "a packet is sent" => {
                session.frame(now, 0, 100)?;
            }
            "the file or text is sent" => {
                let MediaWish::Bytes { from, to } = session.wish()? else { return None };
                session.send_bytes(to - from);
            }
            "end_of_media()" if session.is_streaming() => session.end_of_media(),
            "content_failed()" => session.content_failed(Hresult::NS_E_FILE_READ),
            "shut_down()" => session.shut_down(),
            "end of the connection" => {
                session.handle_eof();
            }
            _ => return None,
        }
        Some(())
    }
}

impl Machine for Explored {
    const INPUTS: &'static [&'static str] = &[
        "Describe",
        "Play",
        "Play (from a time)",
        "SelectStream",
        "Log",
        "Stop",
        "download",
        "download (head only)",
        "a method that is not known",
        "what is no request",
        "opened(): media",
        "opened(): text",
        "opened(): elsewhere",
        "refused()",
        "the table grants",
        "the table refuses",
        "the header is sent",
        "located()",
        "a packet is sent",
        "the file or text is sent",
        "end_of_media()",
        "orders: stop",
        "content_failed()",
        "shut_down()",
        "end of the connection",
        "time-out",
    ];

    fn state(&self) -> String {
        name(&format!("{:?}", self.session.state))
    }

    fn text(&self) -> String {
        format!("{:?} {}", self.session, self.input.is_empty())
    }

    fn put(&mut self, input: &str) -> Option<Did> {
        let mut did = Did::default();
        let wish = self.session.wish();
        match input {
            "time-out" if self.session.poll_timeout() == Instant::MAX => return None,
            "time-out" => {
                self.now = self.session.poll_timeout();
                self.session.handle_timeout(self.now);
            }
            input => match Self::request(input) {
                Some(request) => self.client_says(&request, &mut did)?,
                None => self.host(input)?,
            },
        }
        let mut out = vec![0; 8192];
        while let Some(len) = self.session.poll_transmit(self.now, &mut out).unwrap() {
            let status = out[..len].split(|byte| *byte == b' ').nth(1).filter(|_| out.starts_with(b"HTTP/"));
            did.says.push(status.map_or("$E".into(), |status| String::from_utf8_lossy(status).into_owned()));
        }
        // the head of a request is given back when it is answered
        self.read(&mut did);
        self.session.take_discard();
        let kind = |wish: Option<MediaWish>| wish.map(|wish| name(&format!("{wish:?}")));
        if kind(self.session.wish()) != kind(wish) {
            did.tells.extend(kind(self.session.wish()).map(|wish| format!("wish {wish}")));
        }
        Some(did)
    }
}
