//! Media and frames of the worked examples (digest chapter 15), and a client that tests drive.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, reason = "each test uses its part")]

pub mod host;

use std::collections::VecDeque;

use mms_core::error::Error;
use mms_core::time::Instant;
use mms_core::wmsp::client::{Config, ConnectionId, ConnectionWish, Event, Session, Target};

pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digits = core::str::from_utf8(&digits).unwrap();
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// `$H` of 15.1, 356 bytes.
pub fn header_frame() -> Vec<u8> {
    hex("24 48 60 01 00 00 00 00 00 0c 60 01 30 26 b2 75 8e 66 cf 11 a6 d9 00 aa 00 62 ce 6c 26 01 00 00
         00 00 00 00 03 00 00 00 01 02 a1 dc ab 8c 47 a9 cf 11 8e e4 00 c0 0c 20 53 65 68 00 00 00 00 00
         00 00 33 22 11 00 55 44 77 66 88 99 aa bb cc dd ee ff 58 07 00 00 00 00 00 00 00 80 c3 d2 f0 2a
         c5 01 03 00 00 00 00 00 00 00 f0 d0 1e 02 00 00 00 00 70 0d 55 00 00 00 00 00 b8 0b 00 00 00 00
         00 00 02 00 00 00 00 02 00 00 00 02 00 00 30 56 00 00 b5 03 bf 5f 2e a9 cf 11 8e e3 00 c0 0c 20
         53 65 2e 00 00 00 00 00 00 00 11 d2 d3 ab ba a9 cf 11 8e e6 00 c0 0c 20 53 65 06 00 00 00 00 00
         91 07 dc b7 b7 a9 cf 11 8e e6 00 c0 0c 20 53 65 72 00 00 00 00 00 00 00 40 9e 69 f8 4d 5b cf 11
         a8 fd 00 80 5f 5c 44 2b 50 cd c3 bf 8f 61 cf 11 8b b2 00 aa 00 b4 e2 20 00 00 00 00 00 00 00 00
         1c 00 00 00 08 00 00 00 01 00 00 00 00 00 61 01 02 00 22 56 00 00 c6 09 00 00 d1 01 10 00 0a 00
         00 00 00 00 01 00 00 00 00 00 01 d1 01 d1 01 01 00 00 36 26 b2 75 8e 66 cf 11 a6 d9 00 aa 00 62
         ce 6c 32 06 00 00 00 00 00 00 33 22 11 00 55 44 77 66 88 99 aa bb cc dd ee ff 03 00 00 00 00 00
         00 00 01 01")
}

/// The header itself.
pub fn header() -> Vec<u8> {
    header_frame().split_off(12)
}

/// The live variant of 15.2.
pub fn live_header() -> Vec<u8> {
    let mut frame = header_frame();
    for (at, bytes) in [
        (0x52, hex("58 01 00 00 00 00 00 00")),
        (0x62, hex("ff ff ff ff 00 00 00 00")),
        (0x6a, vec![0; 16]),
        (0x82, hex("09 00 00 00")),
        (0x142, hex("32 00 00 00 00 00 00 00")),
        (0x15a, vec![0; 8]),
    ] {
        frame[at..at + bytes.len()].copy_from_slice(&bytes);
    }
    frame.split_off(12)
}

/// The three packets of 15.1.
pub fn packet(number: u8) -> Vec<u8> {
    let (send, time) = [(0_u32, 0x0BB8_u32), (0xBA, 0x0C72), (0x174, 0x0D2C)][usize::from(number)];
    let mut packet = hex("82 00 00 08 5d 14");
    packet.extend(send.to_le_bytes());
    packet.extend([0xBA, 0, 0x81, number, 0, 0, 0, 0, 8, 0xD1, 1, 0, 0]);
    packet.extend(time.to_le_bytes());
    packet.extend([0x30 + number; 465]);
    packet.resize(512, 0);
    packet
}

pub fn frame(id: u8, location_id: u32, af_flags: u8, payload: &[u8]) -> Vec<u8> {
    let size = u16::try_from(payload.len() + 8).unwrap().to_le_bytes();
    let mut frame = vec![b'$', id, size[0], size[1]];
    frame.extend(location_id.to_le_bytes());
    frame.extend([0, af_flags, size[0], size[1]]);
    frame.extend(payload);
    frame
}

pub fn data(number: u8) -> Vec<u8> {
    frame(b'D', number.into(), number, &packet(number))
}

pub fn end(reason: u32) -> Vec<u8> {
    let mut frame = hex("24 45 04 00");
    frame.extend(reason.to_le_bytes());
    frame
}

pub const CHANGE: &[u8] = b"$C\x04\0\0\0\0\0";

/// A response with these lines and this body.
pub fn response(lines: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = lines.trim().lines().map(|line| format!("{}\r\n", line.trim())).collect::<String>();
    bytes.push_str("\r\n");
    [bytes.as_bytes(), body].concat()
}

pub const DESCRIBED: &str = "HTTP/1.0 200 OK
    Server: Cougar/9.01.01.3814
    Content-Type: application/vnd.ms.wms-hdr.asfv1
    Pragma: no-cache, client-id=1953501979, features=\"seekable\", timeout=60000
    Cache-Control: no-cache, x-wms-content-size=1880";

pub const BROADCAST: &str = "HTTP/1.0 200 OK
    Content-type: application/octet-stream
    Server: Cougar 4.1.0.3921
    Pragma: no-cache
    Pragma: client-id=20177
    Pragma: features=\"broadcast\"
    Connection: close";

/// One scripted answer: its bytes, and whether the server closes behind them.
pub struct Answer(pub Vec<u8>, pub bool);

/// What came of a run: events as text, requests in order.
#[derive(Debug, Default, PartialEq)]
pub struct Run {
    pub events: Vec<String>,
    pub requests: Vec<String>,
    pub media: Vec<u8>,
    pub error: Option<Error>,
}

impl Run {
    pub fn names(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.split(['(', ' ', '{']).next().unwrap()).collect()
    }
}

/// Drives a session against answers, which are delivered `step` bytes at a time. Plays when the header is
/// there, and ends when nothing moves any more.
pub fn drive(config: Config, target: Target<'_>, answers: Vec<Answer>, step: usize, play: bool) -> Run {
    Driven::new(config, answers, step).run(target, play)
}

pub struct Driven {
    pub session: Session,
    answers: VecDeque<Answer>,
    open: [Option<Answer>; 2],
    input: [Vec<u8>; 2],
    step: usize,
    pub now: Instant,
    pub run: Run,
}

fn index(id: ConnectionId) -> usize {
    usize::from(id == ConnectionId::Short)
}

impl Driven {
    pub fn new(config: Config, answers: Vec<Answer>, step: usize) -> Self {
        let session = Session::new(config);
        let input = [Vec::new(), Vec::new()];
        let now = Instant::from_millis(1);
        Self { session, answers: answers.into(), open: [None, None], input, step, now, run: Run::default() }
    }

    pub fn add(&mut self, answer: Answer) {
        self.answers.push_back(answer);
    }

    pub fn run(mut self, target: Target<'_>, play: bool) -> Run {
        self.turn(target, play);
        self.run
    }

    pub fn turn(&mut self, target: Target<'_>, play: bool) {
        for _ in 0..2_000_000 {
            match self.round(target, play) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    self.run.error = Some(error);
                    return;
                }
            }
        }
        panic!("no end");
    }

    fn round(&mut self, target: Target<'_>, play: bool) -> Result<bool, Error> {
        let mut moved = false;
        while let Some(wish) = self.session.poll_connection() {
            moved = true;
            match wish {
                ConnectionWish::Open(id) => {
                    self.open[index(id)] = Some(Answer(Vec::new(), false));
                    self.input[index(id)].clear();
                    self.session.connected(self.now, id);
                }
                ConnectionWish::Close(id) => self.open[index(id)] = None,
                other => panic!("{other:?}"),
            }
        }
        while let Some(event) = self.session.poll_event() {
            self.note(&event);
            moved = true;
        }
        for id in [ConnectionId::Streaming, ConnectionId::Short] {
            let mut out = vec![0; 8192];
            if let Some(len) = self.session.poll_transmit(id, &target, &mut out).unwrap() {
                self.run.requests.push(String::from_utf8(out[..len].to_vec()).unwrap());
                self.open[index(id)] = self.answers.pop_front();
                moved = true;
            }
            moved |= self.receive(id, play)?;
        }
        Ok(moved)
    }

    fn receive(&mut self, id: ConnectionId, play: bool) -> Result<bool, Error> {
        let at = index(id);
        let Some(answer) = self.open[at].as_mut() else { return Ok(false) };
        let count = self.step.min(answer.0.len());
        self.input[at].extend(answer.0.drain(..count));
        let ended = answer.0.is_empty() && answer.1;
        let mut moved = count > 0;
        loop {
            while let Some(event) = self.session.poll_event() {
                self.note(&event);
            }
            let len = self.session.arrange(id, &mut self.input[at])?;
            self.input[at].truncate(len);
            let input = core::mem::take(&mut self.input[at]);
            let result = self.session.handle_input(self.now, id, &input);
            let (consumed, event) = match result {
                Ok(handled) => (handled.consumed, handled.event),
                Err(error) => return Err(error),
            };
            if let Some(event) = event {
                self.note(&event);
                let complete = matches!(event, Event::HeaderPart { last: true, .. });
                if complete && play && self.session.is_ready() {
                    self.session.play(mms_core::wmsp::client::Play::all()).unwrap();
                }
            }
            self.input[at] = input[consumed..].to_vec();
            if consumed == 0 && event.is_none() {
                break;
            }
            moved = true;
        }
        if ended && !moved {
            self.open[at] = None;
            if let Some(event) = self.session.handle_eof(id)? {
                self.note(&event);
            }
            let rest = core::mem::take(&mut self.input[at]);
            let handled = self.session.handle_input(self.now, id, &rest)?;
            if let Some(event) = handled.event {
                self.note(&event);
                if let Some(event) = self.session.handle_eof(id)? {
                    self.note(&event);
                }
            }
            moved = true;
        }
        Ok(moved)
    }

    fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::HeaderPart { bytes, offset, last } => {
                self.run.media.extend(*bytes);
                // how the header of a file is cut is up to how it arrives
                let is_file = self.run.events.iter().any(|event| event.starts_with("File"));
                if !is_file || *last {
                    self.run.events.push(format!("HeaderPart {offset} {} {last}", bytes.len()));
                }
            }
            Event::Packet { location_id, bytes, .. } => {
                self.run.media.extend(*bytes);
                self.run.events.push(format!("Packet {location_id} {}", bytes.len()));
            }
            // how a file is cut is up to how it arrives
            Event::FilePart { bytes, .. } => self.run.media.extend(*bytes),
            Event::TextPart { bytes, last, .. } => {
                self.run.media.extend(*bytes);
                if *last {
                    self.run.events.push("Text".into());
                }
            }
            other => self.run.events.push(format!("{other:?}")),
        }
    }
}
