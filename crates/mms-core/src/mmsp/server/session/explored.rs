//! A server's session for the page of states.

use core::time::Duration;
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use super::*;
use crate::hresult::Hresult;
use crate::mmsp::wire::{self, CancelReadBlock, ClientLog, Message, StartPlaying, encode_packet};
use crate::states::{Did, Machine, name, talk};

pub(crate) const ABOUT: &str = "`mms_core::mmsp::server::Session` with its default settings, on a host that can send datagrams \
     and has an index for key frames.";

/// A session, and the message that waits for the host's answer.
#[derive(Clone)]
pub(crate) struct Explored {
    session: Session,
    now: Instant,
    waits: Vec<u8>,
}

const CONTENT: Content = Content {
    header_len: 1000,
    packet_size: 2000,
    packet_count: Some(10),
    duration: Some(Duration::from_secs(10)),
    bit_rate: 10_000,
    seekable: true,
    stridable: true,
};

impl Explored {
    pub(crate) fn new() -> Self {
        let now = Instant::from_millis(1000);
        let mut session = Session::new(Config::default(), [7; 16], now);
        session.enable_udp();
        Self { session, now, waits: Vec::new() }
    }

    fn client_says(&mut self, message: &Message<'_>, did: &mut Did) -> Option<()> {
        if !self.waits.is_empty() {
            return None;
        }
        let mut bytes = vec![0; 8192];
        let len = encode_packet(message, 0, &mut bytes).unwrap();
        bytes.truncate(len);
        let is_read = self.input(bytes, did);
        is_read.then_some(())
    }

    /// False if the bytes are not read now.
    fn input(&mut self, mut bytes: Vec<u8>, did: &mut Did) -> bool {
        let mut is_read = false;
        while let Ok(handled) = self.session.handle_input(self.now, &bytes) {
            did.tells.extend(handled.event.map(|event| name(&format!("{event:?}"))));
            let consumed = handled.consumed;
            is_read |= consumed > 0;
            bytes.drain(..consumed);
            if bytes.is_empty() || consumed == 0 {
                break;
            }
        }
        if matches!(self.session.state, State::Opening { .. }) {
            self.waits = bytes;
        }
        is_read || self.session.error().is_some()
    }

    /// The host answered OpenFile: its message is done with.
    fn answered(&mut self, result: Result<usize, Error>) -> Option<()> {
        self.waits.drain(..result.ok()?);
        assert!(self.waits.is_empty());
        Some(())
    }

    fn message(input: &str) -> Option<Message<'static>> {
        let by = |location_id, position| {
            let start = talk::start_fields(10);
            Message::StartPlaying(StartPlaying { location_id, position, ..start })
        };
        Some(match input {
            "Connect" => talk::connect("NSPlayer/9.0.0.2980"),
            "FunnelInfo" => talk::funnel_info(wire::MMS_DISABLE_PACKET_PAIR),
            "ConnectFunnel (TCP)" => talk::connect_funnel(r"\\192.0.2.1\TCP\1755"),
            "ConnectFunnel (UDP)" => talk::connect_funnel(r"\\192.0.2.1\UDP\5002"),
            "ConnectFunnel (nonsense)" => talk::connect_funnel("nonsense"),
            "OpenFile" => talk::open_file(9, "film.wmv"),
            "ReadBlock" => talk::read_block(1),
            "CancelReadBlock" => Message::CancelReadBlock(CancelReadBlock { play_incarnation: 1 }),
            "StreamSwitch" => talk::switch(&[]),
            "StartPlaying (from a packet)" => by(3, wire::POSITION_NOT_USED),
            "StartPlaying (from a time)" => by(u32::MAX, 5.0),
            "StartStriding" => talk::stride(10, 5.0),
            "StopPlaying" => talk::stop(10),
            "Logging" => Message::Logging(ClientLog::default()),
            "Pong" => Message::Pong,
            "CloseFile" => talk::close_file(),
            _ => return None,
        })
    }

    /// What the host does; `None` if it cannot now.
    fn host(&mut self, input: &str) -> Option<()> {
        let (now, session) = (self.now, &mut self.session);
        match input {
            "opened()" => {
                let result = session.opened(CONTENT);
                return self.answered(result);
            }
            "refused()" => {
                let result = session.refused(Hresult::NS_E_FILE_NOT_FOUND);
                return self.answered(result);
            }
            "located()" => session.located(4).ok()?,
            "content_failed()" => session.content_failed(now, Hresult::NS_E_FILE_READ),
            "a fragment of the header is sent" => {
                session.frame_header(now, 1)?;
            }
            "the last fragment of the header is sent" => {
                let MediaWish::Header { len, .. } = session.wish()? else { return None };
                session.frame_header(now, u16::try_from(len).unwrap())?;
            }
            "a packet is sent" => {
                session.frame(now, 0, 100)?;
            }
            "end_of_media()" if session.is_streaming() => session.end_of_media(now),
            "shut_down()" => session.shut_down(),
            "end of the connection" => session.handle_eof(),
            _ => return None,
        }
        Some(())
    }
}

impl Machine for Explored {
    const INPUTS: &'static [&'static str] = &[
        "Connect",
        "FunnelInfo",
        "ConnectFunnel (TCP)",
        "ConnectFunnel (UDP)",
        "ConnectFunnel (nonsense)",
        "OpenFile",
        "opened()",
        "refused()",
        "ReadBlock",
        "a fragment of the header is sent",
        "the last fragment of the header is sent",
        "CancelReadBlock",
        "StreamSwitch",
        "StartPlaying (from a packet)",
        "StartPlaying (from a time)",
        "located()",
        "StartStriding",
        "a packet is sent",
        "end_of_media()",
        "StopPlaying",
        "Logging",
        "Pong",
        "CloseFile",
        "content_failed()",
        "shut_down()",
        "end of the connection",
        "time-out",
    ];

    fn state(&self) -> String {
        let state = name(&format!("{:?}", self.session.state));
        if self.session.error().is_some() && self.session.is_closed() { "Failed".into() } else { state }
    }

    fn text(&self) -> String {
        format!("{:?}", self.session)
    }

    fn put(&mut self, input: &str) -> Option<Did> {
        let mut did = Did::default();
        let wish = self.session.wish();
        match input {
            "time-out" if self.session.poll_timeout() == Instant::MAX => return None,
            "time-out" => {
                self.now = self.session.poll_timeout();
                // an error is the next state
                let _ = self.session.handle_timeout(self.now, false);
            }
            input => match Self::message(input) {
                Some(message) => self.client_says(&message, &mut did)?,
                None => self.host(input)?,
            },
        }
        let mut out = vec![0; 8192];
        while let Some(len) = self.session.poll_transmit(self.now, &mut out).unwrap() {
            let (message, _) = Message::decode(&out[TcpMessageHeader::LEN..len]).unwrap();
            // the result stands first in all but Ping
            let hr =
                out[TcpMessageHeader::LEN + 8..].first_chunk().map(|hr| Hresult(u32::from_le_bytes(*hr)));
            let is_error = message != Message::Ping && hr.is_some_and(Hresult::is_failure);
            let error = if is_error { " (error)" } else { "" };
            did.says.push(format!("{}{error}", message.mid().name().unwrap()));
        }
        self.session.take_discard();
        let kind = |wish: Option<MediaWish>| wish.map(|wish| name(&format!("{wish:?}")));
        if kind(self.session.wish()) != kind(wish) {
            did.tells.extend(kind(self.session.wish()).map(|wish| format!("wish {wish}")));
        }
        Some(did)
    }
}
