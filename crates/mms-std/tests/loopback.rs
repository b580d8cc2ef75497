//! Server and client on loopback.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use mms_core::client::{Event, Options};
use mms_core::error::Error;
use mms_core::mmsp::server::Pace;
use mms_media::{Catalogue, Feed, IoLimits};
use mms_std::{Client, Server, ServerOptions, Stopper};
use mms_testkit::content::{Content, testdata};

struct Running {
    address: SocketAddr,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(io: IoLimits) -> Self {
        let (catalogue, _) = Catalogue::scan(&[testdata().join("made")]).unwrap();
        let mut options = ServerOptions::default();
        options.connection.mms.pace = Pace::Off;
        options.io = io;
        let server = Server::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))], options).unwrap();
        let address = server.local_addrs().unwrap()[0];
        let stopper = server.stopper();
        let feed = Feed::new(Arc::new(catalogue));
        let thread = std::thread::spawn(move || server.serve(feed).unwrap());
        Self { address, stopper, thread: Some(thread) }
    }

    fn client(&self, name: &str) -> Client {
        Client::new(&format!("mmst://{}/{name}", self.address), Options::default()).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A file as a client should get it: header and packets, without what stands behind them.
fn streamed(content: &Content) -> Vec<u8> {
    [content.header(), content.media()].concat()
}

fn names() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(testdata().join("made")).unwrap();
    let is_asf = |path: &PathBuf| std::fs::read(path).unwrap().starts_with(&[0x30, 0x26, 0xB2, 0x75]);
    folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).filter(is_asf).collect()
}

#[test]
fn every_file_arrives_as_it_was_sent() {
    let server = Running::start(IoLimits::default());
    let paths = names();
    assert!(paths.len() >= 18);
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let content = Content::new(std::fs::read(&path).unwrap());
        let mut bytes = Vec::new();
        server.client(name).into_reader().read_to_end(&mut bytes).unwrap();
        let header = content.header().len();
        assert!(bytes[header..] == *content.media(), "{name}: packets differ");
        if name != "live-pipe.asf" {
            assert!(bytes == streamed(&content), "{name}: header differs");
        }
    }
}

#[test]
fn a_file_arrives_when_each_call_moves_one_byte() {
    let one = IoLimits { read: 1, write: 1 };
    let server = Running::start(one);
    let content = Content::testdata("made/av-256.wmv");
    let mut bytes = Vec::new();
    server.client("av-256.wmv").with_io_limits(one).into_reader().read_to_end(&mut bytes).unwrap();
    assert!(bytes == streamed(&content));
}

#[test]
fn clients_at_the_same_time_get_their_files() {
    let server = Running::start(IoLimits::default());
    let content = Content::testdata("made/seek-125s.wmv");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut bytes = Vec::new();
                server.client("seek-125s.wmv").into_reader().read_to_end(&mut bytes).unwrap();
                assert!(bytes == streamed(&content));
            });
        }
    });
}

#[test]
fn a_name_that_is_not_there_is_refused() {
    let server = Running::start(IoLimits::default());
    let mut client = server.client("nothing.wmv");
    let error = loop {
        match client.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Refused(_)), "{error}");
}

#[test]
fn nobody_listening_is_a_failed_connection() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut client = Client::new(&format!("mmst://{free}/x"), Options::default()).unwrap();
    assert_eq!(client.next().unwrap_err(), Error::ConnectionFailed);
}

#[test]
fn a_closer_ends_the_session_in_order() {
    let server = Running::start(IoLimits::default());
    let mut options = Options::default();
    options.play = None;
    let mut client = Client::new(&format!("mmst://{}/one-packet.wma", server.address), options).unwrap();
    let closer = client.closer();
    let mut last = false;
    while let Some(event) = client.next().unwrap() {
        if let Event::HeaderPart { last: true, .. } = event {
            last = true;
            let closer = closer.clone();
            std::thread::spawn(move || closer.close());
        }
    }
    assert!(last);
}
