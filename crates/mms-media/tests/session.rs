//! Whole sessions in memory: a client, a connection and a feed on a virtual clock.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use mms_core::client::{self, Client, Event, Options, Play, Position, SocketId};
use mms_core::error::Error;
use mms_core::hresult::Hresult;
use mms_core::server::{self, Accepted, Connection, Outcome};
use mms_core::time::Instant;
use mms_media::{Catalogue, Ended, Feed, Host, Packets, Question};
use tracing::field::{Field, Visit};
use tracing::span;

fn made() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/made")
}

fn feed(path: PathBuf) -> Feed {
    Feed::new(Arc::new(Catalogue::scan(&[path]).unwrap().0))
}

/// Keeps the fields of the session lines as they would be printed.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "mms::session" && *metadata.level() == tracing::Level::INFO
    }
    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn core::fmt::Debug) {
        self.0 += &format!("{}{field}={value:?}", if self.0.is_empty() { "" } else { " " });
    }
}

#[derive(Debug, Default)]
struct Fetched {
    header: Vec<u8>,
    media: Vec<u8>,
    first: Option<u32>,
    end: Option<Hresult>,
    error: Option<Error>,
    outcome: Option<Outcome>,
    line: String,
}

/// Plays `name`; `touch` is called for every packet with its number.
fn fetch(mut feed: Feed, name: &str, from: Position, mut touch: impl FnMut(u32)) -> Fetched {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let begin = Instant::from_millis(1000);
    let mut now = begin;
    let mut options = Options::default();
    options.play = Some(Play::from(from));
    let storage = client::Storage { receive: vec![0; 1 << 17], send: vec![0; 4096] };
    let mut client = Client::new(&format!("mms://h/{name}"), options, storage).unwrap();
    let storage = server::Storage { receive: vec![0; 4096], send: vec![0; 4096] };
    let accepted = Accepted { peer, random: [7; 16] };
    let mut server: Connection<Vec<u8>, Packets> =
        Connection::new(server::Config::default(), storage, accepted, now).unwrap();
    let mut fetched = Fetched::default();
    let (mut is_client_done, mut is_server_done) = (false, false);
    for _ in 0..1_000_000 {
        if is_client_done && is_server_done {
            break;
        }
        let mut until = Instant::MAX;
        let step = if is_client_done { client::Step::Done } else { client.step(now) };
        let mut moved = !matches!(step, client::Step::Wait { .. } | client::Step::Done);
        match step {
            client::Step::Connect(id) => client.connected(id, peer),
            client::Step::Close(_) => server.end_of_stream(),
            client::Step::Event => note(client.event().unwrap(), &mut fetched, &mut touch),
            client::Step::Wait { read, until: moment, .. } => {
                until = until.min(moment);
                let bytes = client.pending(SocketId::CONTROL);
                let space = server.space();
                let len = bytes.len().min(space.len());
                space[..len].copy_from_slice(&bytes[..len]);
                server.filled(len);
                client.written(SocketId::CONTROL, len);
                moved |= len > 0 || (read.is_empty() && moment <= now);
            }
            client::Step::Done => {
                moved = !is_client_done;
                is_client_done = true;
            }
            other => panic!("{other:?}"),
        }
        let step = if is_server_done { server::Step::Done } else { server.step(now) };
        while let Some(wish) = server.next_wish() {
            let question = Question::new(&wish, peer);
            assert!(feed.answer(question).give(&mut server, now));
            moved = true;
        }
        match step {
            server::Step::Wait { until: moment, .. } => {
                until = until.min(moment);
                let len = {
                    let mut slices: [&[u8]; 16] = [&[]; 16];
                    let count = server.pending(&mut slices);
                    let bytes = slices[..count].concat();
                    let space = client.space(SocketId::CONTROL);
                    let len = bytes.len().min(space.len());
                    space[..len].copy_from_slice(&bytes[..len]);
                    client.filled(SocketId::CONTROL, len);
                    len
                };
                server.written(now, len);
                moved |= len > 0;
            }
            server::Step::Done => {
                client.end_of_stream(SocketId::CONTROL);
                is_server_done = true;
            }
            _ => moved = true,
        }
        if !moved && until != Instant::MAX {
            now = now.max(until);
        }
    }
    assert!(is_client_done && is_server_done, "the session hangs: {fetched:?}");
    fetched.error = client.error();
    fetched.outcome = Some(server.report().outcome);
    feed.ended(&Ended { peer, duration: Duration::from_millis(1234), report: server.report() });
    fetched.line = lines.0.lock().unwrap().concat();
    fetched
}

fn note(event: Event<'_>, fetched: &mut Fetched, touch: &mut impl FnMut(u32)) {
    match event {
        Event::HeaderPart { bytes, .. } => fetched.header.extend_from_slice(bytes),
        Event::Packet { location_id, bytes, .. } => {
            fetched.first.get_or_insert(location_id);
            fetched.media.extend_from_slice(bytes);
            touch(location_id);
        }
        Event::EndOfStream { hr, .. } => fetched.end = Some(hr),
        _ => {}
    }
}

#[test]
fn a_session_fetches_the_file_and_leaves_one_line() {
    let file = fs::read(made().join("av-wmv2-wmav2.wmv")).unwrap();
    let fetched = fetch(feed(made()), "av-wmv2-wmav2.wmv", Position::Beginning, |_| {});
    assert_eq!(fetched.end, Some(Hresult::S_OK));
    let media_end = fetched.header.len() + fetched.media.len();
    assert!(file.starts_with(&[fetched.header, fetched.media].concat()));
    let info = feed_info("av-wmv2-wmav2.wmv");
    assert_eq!(media_end, info.header_len as usize + (info.packet_count * info.packet_size) as usize);
    let packets = info.packet_count;
    assert_eq!(
        fetched.line,
        format!(
            "peer=192.0.2.7:4711 transport=MMS/TCP name=av-wmv2-wmav2.wmv packets={packets} bytes=0 start=0 \
             duration=1.234 outcome=completed"
        )
    );
}

fn feed_info(name: &str) -> mms_media::MediaInfo {
    Catalogue::scan(&[made().join(name)]).unwrap().0.entries()[0].media
}

#[test]
fn a_start_by_time_begins_with_the_packet_of_that_time() {
    let from = Position::Time(Duration::from_secs(60));
    let fetched = fetch(feed(made()), "seek-125s.wmv", from, |_| {});
    let info = feed_info("seek-125s.wmv");
    let first = fetched.first.unwrap();
    assert!(first > info.packet_count / 3 && first < info.packet_count * 2 / 3, "{first}");
    assert!(fetched.line.contains(&format!(" start={first} ")), "{}", fetched.line);
}

#[test]
fn an_unknown_name_is_refused_and_logged_in_quotes_if_it_looks_like_fields() {
    let fetched = fetch(feed(made()), "x%20outcome=completed", Position::Beginning, |_| {});
    assert!(fetched.error.is_some());
    assert!(
        fetched.line.ends_with(
            "name=\"x outcome=completed\" packets=0 bytes=0 start=- duration=1.234 outcome=refused"
        ),
        "{}",
        fetched.line
    );
}

#[test]
fn a_file_replaced_while_it_is_served_ends_the_session_with_an_error_and_no_wrong_byte() {
    let folder = std::env::temp_dir().join(format!("mms-media-session-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a.wmv");
    let file = fs::read(made().join("seek-125s.wmv")).unwrap();
    fs::write(&path, &file).unwrap();
    let mut mixed = file.clone();
    mixed.reverse();
    let fetched = fetch(feed(path.clone()), "a.wmv", Position::Beginning, |number| {
        if number == 20 {
            fs::write(folder.join("new"), &mixed).unwrap();
            fs::rename(folder.join("new"), &path).unwrap();
        }
    });
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(fetched.end, Some(Hresult::NS_E_FILE_READ));
    assert!(matches!(fetched.outcome, Some(Outcome::Failed(Error::ContentFailed(Hresult::NS_E_FILE_READ)))));
    assert!(!fetched.media.is_empty());
    assert!(file.starts_with(&[fetched.header, fetched.media].concat()));
    assert!(fetched.line.contains(" name=a.wmv ") && !fetched.line.contains("completed"), "{}", fetched.line);
}
