//! The client session against the server session, over connections in memory.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod wmsp;

use core::time::Duration;
use std::collections::BTreeMap;

use mms_core::selection::Thinning;
use mms_core::time::Instant;
use mms_core::wmsp::client::{Config, ConnectionId, ConnectionWish, Event, Play, Position, Session, Target};
use mms_core::wmsp::server::Content;
use mms_core::wmsp::wire::{Credentials, Product};
use wmsp::host::Host;

struct Pair {
    host: Host,
    client: Session,
    links: BTreeMap<bool, (u64, usize, Vec<u8>)>,
    media: Vec<u8>,
    events: Vec<String>,
    target: Target<'static>,
}

impl Pair {
    fn new(config: Config, target: Target<'static>) -> Self {
        let client = Session::new(config);
        Self {
            host: Host::new(),
            client,
            links: BTreeMap::new(),
            media: Vec::new(),
            events: Vec::new(),
            target,
        }
    }

    /// Runs until nothing moves; one byte at a time goes to the client, so that each cut is met.
    fn run(&mut self) {
        for _ in 0..1_000_000 {
            if !self.round() {
                return;
            }
        }
        panic!("no end");
    }

    fn now(&self) -> Instant {
        self.host.now
    }

    fn round(&mut self) -> bool {
        let mut moved = false;
        while let Some(wish) = self.client.poll_connection() {
            moved = true;
            match wish {
                ConnectionWish::Open(id) => {
                    let key = self.host.connect(b"");
                    self.links.insert(id == ConnectionId::Short, (key, 0, Vec::new()));
                    self.client.connected(self.now(), id);
                }
                ConnectionWish::Close(id) => {
                    if let Some((key, ..)) = self.links.remove(&(id == ConnectionId::Short)) {
                        self.host.hang_up(key);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        while let Some(event) = self.client.poll_event() {
            self.events.push(format!("{event:?}"));
            moved = true;
        }
        for id in [ConnectionId::Streaming, ConnectionId::Short] {
            moved |= self.exchange(id);
        }
        moved
    }

    fn exchange(&mut self, id: ConnectionId) -> bool {
        let short = id == ConnectionId::Short;
        let Some((key, read, input)) = self.links.get_mut(&short) else { return false };
        let mut out = [0; 4096];
        if let Some(len) = self.client.poll_transmit(id, &self.target, &mut out).unwrap() {
            self.host.send(*key, &out[..len]);
            return true;
        }
        let (now, output) = (self.host.now, self.host.output(*key));
        let fresh = output.get(*read..(*read + 9).min(output.len())).unwrap_or_default();
        *read += fresh.len();
        input.extend(fresh);
        let over = self.host.is_over(*key) && fresh.is_empty();
        let handled = self.client.handle_input(now, id, input).unwrap();
        let mut moved = handled.consumed > 0 || !fresh.is_empty();
        let consumed = handled.consumed;
        match handled.event {
            Some(Event::HeaderPart { bytes, last, .. }) => {
                self.media.extend(bytes);
                if last {
                    self.events.push("Header".into());
                }
            }
            Some(Event::Packet { bytes, location_id, .. }) => {
                self.media.extend(bytes);
                self.events.push(format!("Packet {location_id}"));
            }
            Some(Event::TextPart { bytes, .. } | Event::FilePart { bytes, .. }) => self.media.extend(bytes),
            Some(other) => self.events.push(format!("{other:?}")),
            None => {}
        }
        moved |= handled.event.is_some();
        input.drain(..consumed);
        if !moved && over {
            self.links.remove(&short);
            if let Some(event) = self.client.handle_eof(id).unwrap() {
                self.events.push(format!("{event:?}"));
            }
            return true;
        }
        moved
    }

    fn play(&mut self, play: Play) {
        self.client.play(play).unwrap();
        self.run();
    }

    fn packets(&self) -> Vec<&str> {
        self.events.iter().filter_map(|event| event.strip_prefix("Packet ")).collect()
    }
}

const TARGET: Target<'_> = Target::new("h", "a.wma", "http://h/a.wma");

#[test]
fn what_arrives_is_what_was_sent_and_it_is_logged() {
    for (server, player) in [("Cougar/4.1.0.3930", 7), ("Cougar/9.01.01.3841", 7), ("Cougar/9.01.01.3841", 9)]
    {
        let mut config = Config::default();
        config.player.version = [player, 1, 0, 3055];
        let mut pair = Pair::new(config, TARGET);
        pair.host.config.product = Product::parse(server);
        pair.run();
        assert!(pair.client.is_ready());
        pair.play(Play::all());
        assert_eq!(pair.media, pair.host.file, "{server} {player}");
        assert_eq!(pair.events.last().unwrap(), "EndOfStream { hr: Hresult(0), more: false }");
        let log = &pair.host.connections.values().last().unwrap().log;
        assert!(!log.is_empty(), "{server} {player}");
        let content = pair.client.content().unwrap();
        assert_eq!((content.packet_count, content.packet_size), (Some(3), 512));
        pair.client.close();
        pair.run();
        assert!(pair.client.is_closed());
    }
}

#[test]
fn seeks_pauses_and_stops_find_their_place_again() {
    let mut pair = Pair::new(Config::default(), TARGET);
    pair.host.config.burst = Duration::ZERO;
    pair.run();
    pair.play(Play::from(Position::Time(Duration::from_millis(200))));
    assert_eq!(pair.packets(), ["1"]);
    pair.client.seek(Position::Beginning).unwrap();
    pair.run();
    assert_eq!(pair.packets(), ["1", "0"]);
    pair.client.pause(pair.host.now).unwrap();
    pair.run();
    assert_eq!(pair.events.last().unwrap(), "Stopped");
    pair.host.advance(Duration::from_secs(30));
    pair.client.resume().unwrap();
    pair.run();
    assert_eq!(pair.packets(), ["1", "0", "1"]);
    pair.host.advance(Duration::from_millis(186));
    pair.run();
    assert_eq!(pair.packets(), ["1", "0", "1", "2"]);
    // one session all the time
    assert_eq!(pair.host.table.len(pair.host.now), 1);
}

#[test]
fn a_selection_reaches_the_stream_that_runs() {
    let mut pair = Pair::new(Config::default(), TARGET);
    pair.host.config.product = Product::parse("Cougar/9.01.01.3841");
    pair.host.available = 1;
    pair.run();
    pair.play(Play::all());
    pair.client.switch_stream(1, Thinning::Nothing).unwrap();
    pair.run();
    assert_eq!(pair.events.last().unwrap(), "StreamsSwitched { hr: Hresult(0) }");
    let stream = pair.host.connections.values().find(|connection| connection.session.is_streaming()).unwrap();
    assert_eq!(stream.session.selection().level(1), Thinning::Nothing);
    pair.host.available = 3;
    pair.host.advance(Duration::from_secs(1));
    pair.run();
    assert_eq!(pair.packets(), ["0", "1", "2"]);
}

#[test]
fn credentials_texts_and_refusals_go_their_way() {
    let secret = Target {
        credentials: Some(Credentials { user: "me", password: "pass" }),
        ..Target::new("h", "secret.wma", "http://h/secret.wma")
    };
    let mut config = Config::default();
    config.has_credentials = true;
    let mut pair = Pair::new(config, secret);
    pair.run();
    pair.play(Play::all());
    assert_eq!(pair.media, pair.host.file);
    let mut pair = Pair::new(Config::default(), Target::new("h", "", "http://h/"));
    pair.run();
    assert_eq!(pair.media, wmsp::host::PAGE);
    let mut pair = Pair::new(Config::default(), Target::new("h", "moved", "http://h/moved"));
    pair.run();
    assert_eq!(pair.events, ["Redirected { kind: Url, location: \"mms://other/x\" }"]);
    assert!(matches!(Content::Text { len: 0, content_type: "" }, Content::Text { .. }));
}

#[test]
fn the_sessions_have_a_known_size() {
    // no part of a message is kept in them
    assert!(size_of::<Session>() < 4096, "{}", size_of::<Session>());
    let server = size_of::<mms_core::wmsp::server::Session>();
    assert!(server < 2048, "{server}");
    assert!(size_of::<mms_core::wmsp::server::Record>() <= 128);
}
