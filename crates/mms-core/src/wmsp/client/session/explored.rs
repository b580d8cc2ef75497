//! A client over HTTP for the page of states.

use std::path::Path;
use std::string::String;
use std::sync::OnceLock;
use std::vec::Vec;
use std::{format, vec};

use super::*;
use crate::states::{Did, Machine, name};

pub(crate) const ABOUT: &str = "`mms_core::wmsp::client::Session` with its default settings, but without logs: with \
     them, Log goes out on the short connection whenever playing ends. The short connection is there as soon as it is \
     wanted. Bodies end with their connection. Another server is one that does not call itself one of Windows Media; its \
     answer to Describe may be the stream.";

/// A session, and the input of the streaming connection that it has not taken yet.
#[derive(Clone)]
pub(crate) struct Explored {
    session: Session,
    now: Instant,
    input: Vec<u8>,
}

impl Explored {
    pub(crate) fn new() -> Self {
        let config = Config { logging: false, ..Config::default() };
        let mut new =
            Self { session: Session::new(config), now: Instant::from_millis(1000), input: Vec::new() };
        new.settle(&mut Did::default());
        new
    }

    /// Takes what it wants of connections, and what it says.
    fn settle(&mut self, did: &mut Did) {
        let session = &mut self.session;
        while let Some(wish) = session.poll_connection() {
            did.tells.push(format!("{wish:?}"));
            match wish {
                ConnectionWish::Open(ConnectionId::Short) => session.connected(self.now, ConnectionId::Short),
                ConnectionWish::Open(_) | ConnectionWish::Close(ConnectionId::Streaming) => {
                    self.input.clear()
                }
                ConnectionWish::Close(_) => {}
            }
        }
        let mut out = vec![0; 8192];
        let target = Target::new("server", "a", "http://server/a");
        for id in [ConnectionId::Streaming, ConnectionId::Short] {
            while let Some(len) = session.poll_transmit(id, &target, &mut out).unwrap() {
                let text = str::from_utf8(&out[..len]).unwrap();
                let kinds = [("xPlayStrm", "Play"), ("xKeepAlive", "KeepAlive"), ("POST", "SelectStream")];
                let kind = kinds.into_iter().find(|(word, _)| text.contains(word));
                did.says.push(kind.map_or("Describe", |(_, kind)| kind).into());
            }
        }
    }

    fn read(&mut self, did: &mut Did) {
        while let Some(event) = self.session.poll_event() {
            did.tells.push(name(&format!("{event:?}")));
        }
        while !self.input.is_empty()
            && let Ok(handled) = self.session.handle_input(self.now, ConnectionId::Streaming, &self.input)
        {
            let told = handled.event.map(|event| name(&format!("{event:?}")));
            let is_stuck = told.is_none() && handled.consumed == 0;
            did.tells.extend(told);
            self.input.drain(..handled.consumed);
            if is_stuck {
                break;
            }
        }
    }

    /// What a server says on the streaming connection; `None` for what is none of it.
    fn server_says(input: &str) -> Option<Vec<u8>> {
        let head = |line: &str| {
            let server = if input == "200 (another server)" { "VLC" } else { "Cougar/9.1.1.3841" };
            let pragma = "Pragma: client-id=1, timeout=60000, features=\"seekable\"";
            format!("HTTP/1.0 {line}\r\nServer: {server}\r\n{pragma}\r\n\r\n").into_bytes()
        };
        let frame = |id: u8, flags: u8, payload: &[u8]| {
            let [low, high] = u16::try_from(payload.len() + 8).unwrap().to_le_bytes();
            [&[b'$', id, low, high, 0, 0, 0, 0, 0, flags, low, high][..], payload].concat()
        };
        Some(match input {
            "200" | "200 (another server)" => head("200 OK"),
            "302" => head("302 Found\r\nLocation: http://other/a"),
            "401" => head("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\""),
            "404" => head("404 Not Found"),
            "$H" => frame(b'H', 0x0C, header()),
            "$D" => frame(b'D', 0, &[0; 16]),
            "$E" => b"$E\x04\0\0\0\0\0".to_vec(),
            "$E (another entry follows)" => b"$E\x04\0\x01\0\0\0".to_vec(),
            "$C" => b"$C\x04\0\0\0\0\0".to_vec(),
            "a plain file" => file().to_vec(),
            "a text" => b"[Reference]\r\nRef1=http://other/a\r\n".to_vec(),
            _ => return None,
        })
    }

    /// What the host and the application do; `None` if they cannot now.
    fn host(&mut self, input: &str, did: &mut Did) -> Option<()> {
        let (now, session) = (self.now, &mut self.session);
        let left = !self.input.is_empty();
        let short = session.short.is_live() && session.short.sent;
        match input {
            "connected" if session.streaming.socket == Socket::Opening => {
                session.connected(now, ConnectionId::Streaming);
            }
            "the connection fails" if session.streaming.is_needed() => {
                session.connection_failed(ConnectionId::Streaming);
            }
            "end of the connection" if session.streaming.is_live() && !session.is_waiting(left) => {
                let event = session.handle_eof(ConnectionId::Streaming).ok().flatten();
                did.tells.extend(event.map(|event| name(&format!("{event:?}"))));
            }
            "short connection: 200" if short => {
                let answer = b"HTTP/1.0 200 OK\r\n\r\n";
                session.handle_input(now, ConnectionId::Short, answer).ok()?;
            }
            "short connection: failed" if short => session.connection_failed(ConnectionId::Short),
            "play()" => session.play(Play::all()).ok()?,
            "stop()" => session.stop().ok()?,
            "pause()" => session.pause(now).ok()?,
            "resume()" => session.resume().ok()?,
            "seek()" => session.seek(Position::Time(Duration::from_secs(1))).ok()?,
            "switch_stream()" => session.switch_stream(1, Thinning::KeyFrames).ok()?,
            "close()" => session.close(),
            "time-out" if session.poll_timeout() < Instant::MAX => {
                self.now = session.poll_timeout();
                // an error is the next state
                let _ = session.handle_timeout(self.now);
            }
            _ => return None,
        }
        Some(())
    }
}

/// A small file.
fn file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/made/one-packet.wma");
        std::fs::read(path).unwrap()
    })
}

/// Its header, as far as it is streamed.
fn header() -> &'static [u8] {
    let mut walker = HeaderWalker::new(Default::default());
    walker.feed(file()).unwrap();
    &file()[..usize::try_from(walker.total_len().unwrap()).unwrap()]
}

impl Machine for Explored {
    const INPUTS: &'static [&'static str] = &[
        "connected",
        "the connection fails",
        "200",
        "200 (another server)",
        "302",
        "401",
        "404",
        "$H",
        "$D",
        "$E",
        "$E (another entry follows)",
        "$C",
        "a plain file",
        "a text",
        "end of the connection",
        "short connection: 200",
        "short connection: failed",
        "time-out",
        "play()",
        "stop()",
        "pause()",
        "resume()",
        "seek()",
        "switch_stream()",
        "close()",
    ];

    fn state(&self) -> String {
        match self.session.error() {
            Some(_) => "Failed".into(),
            None => name(&format!("{:?}", self.session.state)),
        }
    }

    fn text(&self) -> String {
        format!("{:?} {}", self.session, self.input.is_empty())
    }

    fn put(&mut self, input: &str) -> Option<Did> {
        let mut did = Did::default();
        if let Some(bytes) = Self::server_says(input) {
            let link = &self.session.streaming;
            let is_head = input.starts_with(|first: char| first.is_ascii_digit());
            // what is unread is looked at again before more comes
            if !link.is_live()
                || !link.sent
                || !self.input.is_empty()
                || is_head != matches!(link.body, Body::Head)
            {
                return None;
            }
            self.input = bytes;
        } else {
            let before = self.text();
            if self.host(input, &mut did).is_none() {
                assert!(before == self.text(), "{input} is refused and changes something");
                return None;
            }
        }
        self.read(&mut did);
        self.settle(&mut did);
        // what a connection that was given up leaves behind is not read
        self.read(&mut did);
        Some(did)
    }
}
