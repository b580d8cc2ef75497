//! A client or a server connection that meets any bytes, commands and moments.

use core::time::Duration;
use std::sync::OnceLock;

use mms_core::client::{self, Client, Event, Options, Play, Position, SocketId};
use mms_core::error::Error;
use mms_core::mmsp::wire::DataHeader;
use mms_core::selection::Thinning;
use mms_core::server::{self, Accepted, Ask, Connection, Outcome};
use mms_core::time::Instant;

use super::Control;
use crate::build::{good, header, packet};
use crate::content::{Content, Slice};
use crate::hostile::unpaced;
use crate::pair::peer;
use crate::{scripted, talk};

/// Steps without progress that a driver may take in one go.
const MOST_STEPS: usize = 100_000;

/// Content of a few packets.
pub(super) fn content() -> &'static Content {
    static CONTENT: OnceLock<Content> = OnceLock::new();
    CONTENT.get_or_init(|| {
        let packets: Vec<u8> = (0..20).flat_map(|number| packet(number * 100)).collect();
        Content::new([header(&good()), packets].concat())
    })
}

fn replies() -> &'static [Vec<u8>] {
    static REPLIES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    REPLIES.get_or_init(|| {
        let mut chunks = scripted::server_starts(content().header(), 100);
        chunks.extend(scripted::media(&[packet(0), packet(100)]));
        chunks.push(scripted::end_of_stream());
        chunks.push(scripted::packet(&mms_core::mmsp::wire::Message::Ping));
        chunks
    })
}

fn requests() -> &'static [Vec<u8>] {
    static REQUESTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    REQUESTS.get_or_init(|| {
        let mut chunks = scripted::client_plays();
        let others = [talk::stop(10), talk::close_file(), mms_core::mmsp::wire::Message::Pong];
        chunks.extend(others.iter().map(scripted::packet));
        chunks
    })
}

/// What must hold of the events of a client, one after the other.
#[derive(Debug, Default)]
struct Monitor {
    header: u64,
    is_whole: bool,
    is_opened: bool,
    packets: u64,
    packet_size: usize,
}

impl Monitor {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Opened(_) => {
                assert!(!self.is_opened, "opened twice");
                self.is_opened = true;
            }
            Event::HeaderPart { offset, bytes, last } => {
                assert!(self.is_opened && !self.is_whole);
                assert_eq!(*offset, self.header, "parts follow each other");
                self.header += bytes.len() as u64;
                self.is_whole = *last;
            }
            Event::StreamChange { .. } => (self.header, self.is_whole) = (0, false),
            Event::Packet { bytes, .. } => {
                assert!(self.is_whole, "a packet before the header");
                assert!(bytes.len() <= self.packet_size.min(DataHeader::MAX_PAYLOAD));
                self.packets += 1;
            }
            Event::Redirected { .. } => *self = Self::default(),
            _ => {}
        }
    }
}

fn is_our_fault(error: Error) -> bool {
    matches!(error, Error::Bug(_) | Error::ApiMisuse(_))
}

struct ClientRun {
    client: Client<Vec<u8>>,
    monitor: Monitor,
    now: Instant,
    reads: bool,
    is_done: bool,
    storage: usize,
}

/// Control bytes say what happens next: bytes of the input, good replies, commands, time.
pub fn session_client(data: &[u8]) {
    let mut control = Control(data);
    let storage = client::Storage {
        receive: vec![0; Client::<Vec<u8>>::RECEIVE_BYTES],
        send: vec![0; Client::<Vec<u8>>::SEND_BYTES],
    };
    let mut options = Options::default();
    let flags = control.byte();
    options.mms.packet_pair = flags & 1 != 0;
    options.mms.funnel_info = flags & 2 == 0;
    options.close_at_end = flags & 4 == 0;
    options.play = (flags & 8 == 0).then(Play::all);
    let limit = options.storage_bytes as usize;
    let mut run = ClientRun {
        client: Client::new("mmst://server/a", options, storage).unwrap(),
        monitor: Monitor::default(),
        now: Instant::from_micros(1_000_000),
        reads: false,
        is_done: false,
        storage: Client::<Vec<u8>>::RECEIVE_BYTES,
    };
    let mut script = 0;
    while !control.is_empty() && !run.is_done {
        run.settle();
        let what = control.byte();
        let argument = usize::from(what >> 3);
        match what & 7 {
            0 => {
                let bytes = replies()[script % replies().len()].clone();
                script += 1 + argument % 2;
                run.receive(&bytes, usize::MAX);
            }
            1 => {
                let bytes = control.bytes(argument + 1);
                run.receive(bytes, usize::MAX);
            }
            2 => {
                let bytes = control.bytes((argument + 1) * 64);
                run.receive(bytes, 1 + argument);
            }
            3 => run.command(argument),
            4 => run.now = run.now + Duration::from_millis(10 << (argument % 16)),
            5 => run.write(1 + argument * 8),
            6 => {
                let mut bytes = replies()[argument % replies().len()].clone();
                let at = control.size() % bytes.len();
                bytes[at] ^= control.byte();
                run.receive(&bytes, 50);
            }
            _ if argument == 0 => run.client.end_of_stream(SocketId::CONTROL),
            _ if argument == 1 => run.client.connection_failed(SocketId::CONTROL),
            _ => drop(run.client.replace_storage(vec![0; 1024 * argument])),
        }
        assert!(run.storage <= limit, "{} bytes of storage", run.storage);
    }
    run.settle();
    run.finish();
}

impl ClientRun {
    /// Steps until the client waits.
    fn settle(&mut self) {
        let mut same = 0;
        for _ in 0..MOST_STEPS {
            let step = self.client.step(self.now);
            match step {
                client::Step::Connect(socket) => self.client.connected(socket, peer()),
                client::Step::Close(_) => {}
                client::Step::Event => {
                    self.monitor.packet_size =
                        self.client.header().map_or(0, |header| header.packet_size() as usize);
                    self.monitor.event(&self.client.event().expect("an event was announced"));
                }
                client::Step::Storage { needed } => {
                    self.storage = needed;
                    drop(self.client.replace_storage(vec![0; needed]));
                }
                client::Step::Wait { read, until, .. } => {
                    same += 1;
                    // a moment of the past asks for another step, and is not to do so for ever
                    if until > self.now || same > 1000 {
                        assert!(until > self.now, "a timer of the past does nothing");
                        self.reads = read.contains(SocketId::CONTROL);
                        return;
                    }
                }
                client::Step::Done => {
                    self.is_done = true;
                    return;
                }
                other => panic!("unknown step {other:?}"),
            }
        }
        panic!("the client does not come to rest");
    }

    fn receive(&mut self, mut bytes: &[u8], most: usize) {
        while !bytes.is_empty() && self.reads && !self.is_done {
            let space = self.client.space(SocketId::CONTROL);
            assert!(!space.is_empty(), "it wants to read into nothing");
            let count = space.len().min(bytes.len()).min(most);
            space[..count].copy_from_slice(&bytes[..count]);
            self.client.filled(SocketId::CONTROL, count);
            bytes = &bytes[count..];
            self.settle();
        }
    }

    fn write(&mut self, most: usize) {
        let count = self.client.pending(SocketId::CONTROL).len().min(most);
        self.client.written(SocketId::CONTROL, count);
    }

    fn command(&mut self, which: usize) {
        let before = self.client.error();
        let client = &mut self.client;
        let result = match which {
            0 => client.play(Play::all()),
            1 => client.stop(),
            2 => client.pause(),
            3 => client.resume(),
            4 => client.seek(Position::Packet(3)),
            5 => client.seek(Position::Time(Duration::from_millis(500))),
            6 => client.seek(Position::Offset(1000)),
            7 => client.switch_stream(1, Thinning::KeyFrames),
            8 => client.switch_stream(0xFFFF, Thinning::Nothing),
            9 => client.play(Play { rate: Some(-2.0), ..Play::all() }),
            10 => client.play(Play { rate: Some(f64::NAN), ..Play::all() }),
            31 => {
                client.close();
                Ok(())
            }
            _ => {
                self.write(usize::MAX);
                Ok(())
            }
        };
        if let Err(error) = result {
            assert!(matches!(error, Error::ApiMisuse(_) | Error::PeerIncompatible(_)), "{error}");
        }
        assert_eq!(self.client.error(), before, "a command that is refused changes nothing");
    }

    fn finish(&mut self) {
        if let Some(error) = self.client.error() {
            assert!(!is_our_fault(error), "{error}");
            // a session that a refusal ends still says goodbye, for a while
            self.now = self.now + Options::default().close_timeout;
            self.settle();
            assert!(self.is_done);
        }
        let statistics = self.client.statistics();
        assert!(statistics.packets_received >= self.monitor.packets || self.monitor.packets == 0);
        if self.is_done {
            assert_eq!(self.client.step(self.now), client::Step::Done, "the end is final");
        }
    }
}

struct ServerRun {
    server: Connection<Vec<u8>, Slice, 8>,
    now: Instant,
    reads: bool,
    is_done: bool,
    answers: bool,
    sent: Vec<u8>,
    storage: usize,
}

/// The same for a connection of a server.
pub fn session_server(data: &[u8]) {
    let mut control = Control(data);
    let now = Instant::from_micros(1_000_000);
    let storage = server::Storage {
        receive: vec![0; Connection::<Vec<u8>, Slice, 8>::RECEIVE_BYTES],
        send: vec![0; Connection::<Vec<u8>, Slice, 8>::SEND_BYTES],
    };
    let flags = control.byte();
    let mut config = if flags & 1 == 0 { unpaced() } else { server::Config::default() };
    config.mms.burst = Duration::from_millis(300);
    config.mms.quirks.one_reply_per_write = flags & 2 == 0;
    config.mms.max_bit_rate = (flags & 4 != 0).then_some(10_000);
    config.batch_bytes = if flags & 8 == 0 { 65_536 } else { 250 };
    let limit = config.mms.command_bytes as usize;
    let accepted = Accepted { peer: peer(), random: [7; 16] };
    let mut run = ServerRun {
        server: Connection::new(config, storage, accepted, now).unwrap(),
        now,
        reads: false,
        is_done: false,
        answers: true,
        sent: Vec::new(),
        storage: Connection::<Vec<u8>, Slice, 8>::RECEIVE_BYTES,
    };
    let mut script = 0;
    while !control.is_empty() && !run.is_done {
        run.settle();
        let what = control.byte();
        let argument = usize::from(what >> 3);
        match what & 7 {
            0 => {
                let bytes = requests()[script % requests().len()].clone();
                script += 1 + argument % 2;
                run.receive(&bytes, usize::MAX);
            }
            1 => {
                let bytes = control.bytes(argument + 1);
                run.receive(bytes, usize::MAX);
            }
            2 => {
                let bytes = control.bytes((argument + 1) * 64);
                run.receive(bytes, 1 + argument);
            }
            3 => run.write(argument * 40),
            4 => run.now = run.now + Duration::from_millis(10 << (argument % 20)),
            5 => run.answers = argument % 2 == 0,
            6 => {
                let mut bytes = requests()[argument % requests().len()].clone();
                let at = control.size() % bytes.len();
                bytes[at] ^= control.byte();
                run.receive(&bytes, 50);
            }
            _ if argument == 0 => run.server.end_of_stream(),
            _ if argument == 1 => run.server.connection_failed(),
            _ if argument == 2 => run.server.shut_down(run.now),
            _ => run.fails(),
        }
        assert!(run.storage <= limit, "{} bytes of storage", run.storage);
    }
    run.settle();
    run.finish();
}

impl ServerRun {
    fn settle(&mut self) {
        let mut same = 0;
        for _ in 0..MOST_STEPS {
            match self.server.step(self.now) {
                server::Step::Event => assert!(self.server.event().is_some()),
                server::Step::Storage { needed } => {
                    self.storage = needed;
                    drop(self.server.replace_storage(vec![0; needed]));
                }
                server::Step::Wait { read, until, .. } => {
                    if self.answers {
                        let answer = self.server.next_wish().map(|wish| content().answer(wish));
                        if let Some(answer) = answer {
                            assert!(answer(&mut self.server, self.now), "the wish was raised just now");
                            continue;
                        }
                    }
                    same += 1;
                    if until > self.now || same > 1000 {
                        assert!(until > self.now, "a timer of the past does nothing");
                        self.reads = read;
                        return;
                    }
                }
                server::Step::Done => {
                    self.is_done = true;
                    return;
                }
            }
        }
        panic!("the connection does not come to rest");
    }

    fn receive(&mut self, mut bytes: &[u8], most: usize) {
        while !bytes.is_empty() && self.reads && !self.is_done {
            let space = self.server.space();
            assert!(!space.is_empty(), "it wants to read into nothing");
            let count = space.len().min(bytes.len()).min(most);
            space[..count].copy_from_slice(&bytes[..count]);
            self.server.filled(count);
            bytes = &bytes[count..];
            self.settle();
        }
    }

    /// Takes some of what waits, all with 0.
    fn write(&mut self, most: usize) {
        let mut slices = [&[][..]; 3];
        let used = self.server.pending(&mut slices);
        let mut bytes = slices[..used].concat();
        if most > 0 {
            bytes.truncate(most);
        }
        self.server.written(self.now, bytes.len());
        self.sent.extend(bytes);
    }

    /// The host cannot answer what it is asked.
    fn fails(&mut self) {
        let ticket = self.server.next_wish().map(|wish| {
            assert!(!matches!(wish.ask, Ask::Packets { max_bytes: 0, .. }));
            wish.ticket
        });
        if let Some(ticket) = ticket {
            self.server.failed(self.now, ticket, mms_core::hresult::Hresult::NS_E_FILE_READ);
        }
    }

    fn finish(&mut self) {
        check_sent(&self.sent);
        let outcome = self.server.report().outcome;
        if let Outcome::Failed(error) = outcome {
            assert!(!is_our_fault(error), "{error}");
        }
        if self.is_done {
            assert!(outcome != Outcome::Open);
            assert_eq!(self.server.step(self.now), server::Step::Done, "the end is final");
        }
    }
}

/// A server sends whole packets of the content it publishes, and messages that decode.
fn check_sent(sent: &[u8]) {
    let mut deframer = mms_core::mmsp::wire::Deframer::client(mms_core::mmsp::wire::FrameLimits::default());
    let (mut rest, mut header, mut is_header) = (sent, 0, true);
    loop {
        use mms_core::mmsp::wire::{Frame, Message};
        match deframer.next(rest).expect("a server sends packets") {
            Frame::Incomplete { .. } => return,
            Frame::Command { total } => {
                let (message, used) = Message::decode(&rest[32..total]).expect("a server sends messages");
                assert_eq!(used + 32, total);
                assert!(!message.mid().from_client());
                // a refusal changes nothing of what flows
                match message {
                    Message::ReportReadBlock(report) if !report.hr.is_failure() => {
                        (header, is_header) = (0, true);
                    }
                    Message::ReportStartedPlaying(report) if !report.hr.is_failure() => is_header = false,
                    _ => {}
                }
                rest = &rest[total..];
            }
            Frame::Data { header: head, total } => {
                let payload = &rest[8..total];
                if is_header {
                    assert_eq!(payload, &content().header()[header..header + payload.len()]);
                    header += payload.len();
                } else {
                    assert_eq!(payload, content().packet(head.location_id));
                }
                rest = &rest[total..];
            }
            other => panic!("{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::panics;
    use super::*;

    #[test]
    fn scripts_alone_reach_the_end_of_a_session() {
        // every reply in turn, each followed by a write
        let mut data = vec![0];
        for _ in 0..replies().len() - 1 {
            data.extend([0, 3 | 20 << 3]);
        }
        session_client(&data);
        let mut data = vec![0];
        for _ in 0..requests().len() {
            data.extend([0, 3, 3, 3]);
        }
        session_server(&data);
    }

    #[test]
    fn header_parts_out_of_order_are_caught() {
        let part = |offset, last| Event::HeaderPart { offset, bytes: &[0; 10], last };
        let mut monitor = Monitor { is_opened: true, ..Monitor::default() };
        monitor.event(&part(0, false));
        monitor.event(&part(10, true));
        for (whole, offset) in [(false, 20), (false, 0), (true, 10)] {
            assert!(panics(move || {
                let mut monitor =
                    Monitor { is_opened: true, header: 10, is_whole: whole, ..Monitor::default() };
                monitor.event(&part(offset, false));
            }));
        }
    }

    #[test]
    fn packets_that_are_too_long_or_too_early_are_caught() {
        for (is_whole, size, good) in [(true, 100, true), (true, 99, false), (false, 100, false)] {
            let caught = panics(move || {
                let mut monitor = Monitor { is_whole, packet_size: size, ..Monitor::default() };
                monitor.event(&Event::Packet { location_id: 0, af_flags: 0, bytes: &[0; 100] });
            });
            assert_eq!(caught, !good);
        }
    }

    #[test]
    fn a_server_that_sends_wrong_bytes_is_caught() {
        let mut good = scripted::server_starts(content().header(), 100).concat();
        good.extend(scripted::data(3, 10, 0, content().packet(3)));
        check_sent(&good);
        for at in [good.len() - 1, good.len() - 108, 32] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(panics(move || check_sent(&bad)), "{at}");
        }
    }
}
