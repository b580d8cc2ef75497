//! A client's session for the page of states.

use core::net::SocketAddr;
use core::time::Duration;
use std::path::Path;
use std::string::String;
use std::sync::OnceLock;
use std::vec::Vec;
use std::{format, vec};

use super::*;
use crate::hresult::Hresult;
use crate::mmsp::client::{Play, Position};
use crate::mmsp::wire::{
    self, Data, FileAttributes, Message, RedirectType, ReportDisconnectedFunnel, ReportRedirect,
    ReportStartStriding, SecurityChallenge, encode_packet,
};
use crate::selection::Thinning;
use crate::states::{Did, Machine, name, talk};
use crate::text::Text;

pub(crate) const ABOUT: &str = "`mms_core::mmsp::client::Session` with its default settings.";
pub(crate) const ABOUT_UDP: &str = "The same session when it was told to ask for media in datagrams; fragments of the header and packets come there.";

/// Before anything was played.
const NO_PLAY: u8 = 0xFD;
const TARGET: Target<'_> = Target { host: "h", path: "a.wmv", url: "mms://h/a.wmv" };

/// A session, and the incarnations of its last requests.
#[derive(Clone)]
pub(crate) struct Explored {
    session: Session,
    now: Instant,
    header_incarnation: u8,
    play_incarnation: u8,
}

/// The header of a file: all that is streamed before the packets.
fn header() -> &'static [u8] {
    static HEADER: OnceLock<Vec<u8>> = OnceLock::new();
    HEADER.get_or_init(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/made/one-packet.wma");
        let mut file = std::fs::read(file).unwrap();
        let mut walker = HeaderWalker::new(Default::default());
        walker.feed(&file).unwrap();
        file.truncate(usize::try_from(walker.summary().unwrap().header_len).unwrap());
        file
    })
}

impl Explored {
    pub(crate) fn over_tcp() -> Self {
        let session = Session::new(Config::default());
        let mut new = Self {
            session,
            now: Instant::from_millis(1000),
            header_incarnation: 0,
            play_incarnation: NO_PLAY,
        };
        new.session.set_local(SocketAddr::from(([192, 0, 2, 1], 5000)));
        new.transmit(&mut Did::default());
        new
    }

    pub(crate) fn over_udp() -> Self {
        let mut session = Session::new(Config::default());
        session.set_local(SocketAddr::from(([192, 0, 2, 1], 5000)));
        session.select_udp(SocketAddr::from(([192, 0, 2, 1], 5002)));
        let mut new = Self {
            session,
            now: Instant::from_millis(1000),
            header_incarnation: 0,
            play_incarnation: NO_PLAY,
        };
        new.transmit(&mut Did::default());
        new
    }

    /// Takes what it wants to say.
    fn transmit(&mut self, did: &mut Did) {
        let mut out = vec![0; 8192];
        while let Some(len) = self.session.poll_transmit(self.now, &TARGET, &mut out).unwrap() {
            let (message, _) = Message::decode(&out[TcpMessageHeader::LEN..len]).unwrap();
            match message {
                Message::ReadBlock(read) => {
                    [self.header_incarnation, ..] = read.play_incarnation.to_le_bytes()
                }
                Message::StartPlaying(start) => {
                    [self.play_incarnation, ..] = start.play_incarnation.to_le_bytes();
                }
                Message::StartStriding(start) => {
                    [self.play_incarnation, ..] = start.play_incarnation.to_le_bytes();
                }
                _ => {}
            }
            did.says.push(message.mid().name().unwrap().into());
        }
        while self.session.poll_udp_order().is_some() {}
    }

    fn message(&mut self, message: &Message<'_>, did: &mut Did) {
        let mut bytes = vec![0; 8192];
        let len = encode_packet(message, 0, &mut bytes).unwrap();
        self.input(&bytes[..len], did);
    }

    fn data(&mut self, location: u32, incarnation: u8, af_flags: u8, payload: &[u8], did: &mut Did) {
        let head = DataHeader::for_payload(location, incarnation, af_flags, payload.len()).unwrap();
        self.input(&[&head.encode()[..], payload].concat(), did);
    }

    /// False if the bytes are not read now.
    fn input(&mut self, bytes: &[u8], did: &mut Did) {
        let mut rest = bytes;
        while let Ok(handled) = self.session.handle_input(self.now, rest) {
            did.tells.extend(handled.event.map(|event| name(&format!("{event:?}"))));
            rest = &rest[handled.consumed..];
            if rest.is_empty() || handled.consumed == 0 {
                break;
            }
        }
    }

    fn incarnation(&self) -> u32 {
        u32::from(self.play_incarnation)
    }

    /// What a server says; `None` for what is no message of it.
    fn server_says(&mut self, input: &str, did: &mut Did) -> Option<()> {
        const PAIR_OFF: u32 = wire::MMS_DISABLE_PACKET_PAIR;
        let (ok, refused) = (Hresult::S_OK, Hresult::NS_E_FILE_NOT_FOUND);
        let incarnation = self.incarnation();
        let message = match input {
            "ReportConnectedEX" => talk::connected("9.1.1.3841", None),
            "ReportFunnelInfo" => talk::report_funnel_info(PAIR_OFF, &[]),
            "ReportConnectedFunnel" => talk::connected_funnel(),
            "ReportDisconnectedFunnel" => Message::ReportDisconnectedFunnel(ReportDisconnectedFunnel {
                hr: Hresult::NS_E_UDP_DISABLED,
                play_incarnation: 0,
            }),
            "ReportOpenFile" => {
                talk::report_open(ok, FileAttributes::CANSEEK | FileAttributes::CANSTRIDE, 100)
            }
            "ReportOpenFile (refused)" => talk::report_open(refused, FileAttributes::CANSEEK, 100),
            "SecurityChallenge" => {
                Message::SecurityChallenge(SecurityChallenge { play_incarnation: 9, cookie: 1, token: &[] })
            }
            "ReportRedirect" => Message::ReportRedirect(ReportRedirect {
                hr: ok,
                redirect_type: RedirectType::URL,
                location: Text::Str("mms://other/a"),
            }),
            "ReportReadBlock" => talk::report_read_block(ok),
            "ReportReadBlock (refused)" => talk::report_read_block(refused),
            "ReportStreamSwitch" => talk::switched(),
            "ReportStartedPlaying" => talk::started(ok, incarnation),
            "ReportStartedPlaying (refused)" => talk::started(refused, incarnation),
            "ReportStartStriding" => {
                Message::ReportStartStriding(ReportStartStriding { hr: ok, play_incarnation: incarnation })
            }
            "ReportEndOfStream" => talk::end(ok, incarnation),
            "ReportEndOfStream (another entry follows)" => talk::end(Hresult::S_FALSE, incarnation),
            "ReportStreamChange" => talk::change(),
            "Ping" => Message::Ping,
            _ => return None,
        };
        self.message(&message, did);
        Some(())
    }

    /// Media on the connection, or in datagrams.
    fn media(&mut self, input: &str, did: &mut Did) -> Option<()> {
        let header = header();
        let last = input == "last fragment of the header";
        let half = header.len() / 2;
        // of a header of which nothing came, the last fragment is the whole
        let part = match (last, self.session.header_received > 0) {
            (false, _) => &header[..half],
            (true, false) => header,
            (true, true) => &header[half..],
        };
        let is_entry = self.session.state == State::EntryChange;
        let incarnation = if is_entry { wire::STREAM_CHANGE_INCARNATION } else { self.header_incarnation };
        match input {
            "fragment of the header" | "last fragment of the header" if self.session.is_udp() => {
                let event = self.session.datagram_header(self.now, part, last).ok()?;
                did.tells.extend(event.map(|event| name(&format!("{event:?}"))));
            }
            "fragment of the header" | "last fragment of the header" => {
                let flags = if last { wire::AF_HEADER_LAST } else { wire::AF_HEADER_MORE };
                let fragment = self.session.fragment;
                self.data(fragment, incarnation, flags, part, did);
            }
            "packet" if self.session.is_udp() => {
                let head = Data {
                    location_id: 0,
                    play_incarnation: self.play_incarnation,
                    af_flags: 0,
                    payload: &[0; 16],
                };
                let event = self.session.datagram_packet(self.now, &head).ok()?;
                did.tells.extend(event.map(|event| name(&format!("{event:?}"))));
            }
            "packet" => self.data(0, self.play_incarnation, 0, &[0; 16], did),
            "all datagrams are there" if self.session.is_ending() => {
                let event = self.session.datagrams_ended();
                did.tells.extend(event.map(|event| name(&format!("{event:?}"))));
            }
            "header timer" if self.session.is_udp() => self.session.read_header_again(),
            _ => return None,
        }
        Some(())
    }
}

impl Machine for Explored {
    const INPUTS: &'static [&'static str] = &[
        "ReportConnectedEX",
        "ReportFunnelInfo",
        "ReportConnectedFunnel",
        "ReportDisconnectedFunnel",
        "ReportOpenFile",
        "ReportOpenFile (refused)",
        "SecurityChallenge",
        "ReportRedirect",
        "ReportReadBlock",
        "ReportReadBlock (refused)",
        "fragment of the header",
        "last fragment of the header",
        "header timer",
        "ReportStreamSwitch",
        "ReportStartedPlaying",
        "ReportStartedPlaying (refused)",
        "ReportStartStriding",
        "packet",
        "ReportEndOfStream",
        "ReportEndOfStream (another entry follows)",
        "all datagrams are there",
        "ReportStreamChange",
        "Ping",
        "end of the connection",
        "time-out",
        "play()",
        "play() at five times the speed",
        "stop()",
        "pause()",
        "resume()",
        "seek()",
        "switch_stream()",
        "close()",
    ];

    fn state(&self) -> String {
        if self.session.error().is_some() {
            "Failed".into()
        } else {
            name(&format!("{:?}", self.session.state))
        }
    }

    fn text(&self) -> String {
        // every field has to be named; those left out are numbers and texts, which nothing here changes
        let Session {
            config: Config { packet_pair, .. },
            state,
            receive: Receive { deframer: _, in_packet: _, messages: _, position: _, pings: _, ping_window: _ },
            local: _,
            seq: _,
            outbox,
            timers,
            version: _,
            content,
            open_file_id: _,
            walker,
            header_received,
            fragment: _,
            header_incarnation,
            play_incarnation: _,
            next_header_incarnation: _,
            next_play_incarnation: _,
            play: Play { rate, .. },
            last_packet,
            last_send_time: _,
            wanted_packet,
            early: _,
            statistics: _,
            logged: _,
            first_send_time: _,
            switch_sent,
            change_announced,
            scheme: _,
            funnel_infos: _,
            funnel,
            failed,
        } = &self.session;
        let is_entry = *header_incarnation == wire::STREAM_CHANGE_INCARNATION;
        let header = (*header_received > 0, walker.is_complete(), is_entry, content.is_some());
        let packets = (last_packet.is_some(), wanted_packet.is_some());
        let said = (switch_sent, change_announced, packet_pair, outbox.iter().flatten().count());
        format!("{state:?} {timers:?} {header:?} {rate:?} {packets:?} {said:?} {funnel:?} {failed:?}")
    }

    fn put(&mut self, input: &str) -> Option<Did> {
        let mut did = Did::default();
        let before = self.clone();
        let session = &mut self.session;
        let command = match input {
            "play()" => session.play(Play::all()),
            "play() at five times the speed" => session.play(Play { rate: Some(5.0), ..Play::all() }),
            "stop()" => session.stop(),
            "pause()" => session.pause(),
            "resume()" => session.resume(),
            "seek()" => session.seek(Position::Time(Duration::from_secs(1))),
            "switch_stream()" => session.switch_stream(1, Thinning::KeyFrames),
            "close()" => {
                session.close();
                Ok(())
            }
            "end of the connection" => {
                let event = session.handle_eof().ok().flatten();
                did.tells.extend(event.map(|event| name(&format!("{event:?}"))));
                Ok(())
            }
            "time-out" if session.poll_timeout() == Instant::MAX => return None,
            "time-out" => {
                self.now = session.poll_timeout();
                // an error is the next state
                let _ = session.handle_timeout(self.now);
                Ok(())
            }
            other => {
                if self.server_says(other, &mut did).is_none() {
                    self.media(other, &mut did)?;
                }
                Ok(())
            }
        };
        if command.is_err() {
            assert!(before.text() == self.text(), "{input} is refused and changes something");
            return None;
        }
        self.transmit(&mut did);
        Some(did)
    }
}
