//! Server and client on loopback.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mms_core::client::{Event, Options};
use mms_core::error::Error;
use mms_core::mmsp::server::Pace;
use mms_media::{Catalogue, Feed, IoLimits};
use mms_testkit::content::{Content, testdata};
use mms_tokio::{Client, Server, ServerOptions};
use tokio::io::AsyncReadExt as _;
use tokio::sync::oneshot;

fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), test).await.unwrap() })
}

fn start(io: IoLimits) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let (catalogue, _) = Catalogue::scan(&[testdata().join("made")]).unwrap();
    let mut options = ServerOptions::default();
    options.connection.mms.pace = Pace::Off;
    options.io = io;
    let server = Server::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))], options).unwrap();
    let address = server.local_addrs().unwrap()[0];
    let (stop, stopped) = oneshot::channel();
    let feed = Feed::new(Arc::new(catalogue));
    let task = tokio::spawn(server.serve(feed, async move {
        let _ = stopped.await;
    }));
    (address, stop, task)
}

fn client(address: SocketAddr, name: &str) -> Client {
    Client::new(&format!("mmst://{address}/{name}"), Options::default()).unwrap()
}

fn streamed(content: &Content) -> Vec<u8> {
    [content.header(), content.media()].concat()
}

#[test]
fn a_file_arrives_as_it_was_sent() {
    run(async {
        let (address, stop, task) = start(IoLimits::default());
        for name in ["av-wmv2-wmav2.wmv", "av-64000.wmv", "one-packet.wma", "key-frames-512.wmv"] {
            let content = Content::testdata(&format!("made/{name}"));
            let mut bytes = Vec::new();
            client(address, name).into_reader().read_to_end(&mut bytes).await.unwrap();
            assert!(bytes == streamed(&content), "{name}");
        }
        stop.send(()).unwrap();
        task.await.unwrap();
    });
}

#[test]
fn a_file_arrives_when_each_call_moves_one_byte() {
    run(async {
        let one = IoLimits { read: 1, write: 1 };
        let (address, _stop, _) = start(one);
        let content = Content::testdata("made/av-256.wmv");
        let mut bytes = Vec::new();
        let mut reader = client(address, "av-256.wmv").with_io_limits(one).into_reader();
        reader.read_to_end(&mut bytes).await.unwrap();
        assert!(bytes == streamed(&content));
    });
}

#[test]
fn clients_at_the_same_time_get_their_files() {
    run(async {
        let (address, _stop, _) = start(IoLimits::default());
        let content = Arc::new(Content::testdata("made/seek-125s.wmv"));
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let content = Arc::clone(&content);
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    client(address, "seek-125s.wmv").into_reader().read_to_end(&mut bytes).await.unwrap();
                    assert!(bytes == streamed(&content));
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_next_that_is_dropped_at_any_await_loses_nothing() {
    run(async {
        let (address, _stop, _) = start(IoLimits { read: 97, write: 301 });
        let content = Content::testdata("made/av-256.wmv");
        let mut client = client(address, "av-256.wmv");
        let mut media = Vec::new();
        let mut dropped = 0;
        loop {
            let next = tokio::select! {
                biased;
                next = client.next() => next.unwrap(),
                () = std::future::ready(()) => {
                    dropped += 1;
                    tokio::task::yield_now().await;
                    continue;
                }
            };
            match next {
                Some(Event::Packet { bytes, .. }) => media.extend_from_slice(bytes),
                Some(_) => {}
                None => break,
            }
        }
        assert!(dropped > 10, "{dropped}");
        assert!(media == content.media());
    });
}

#[test]
fn a_stream_ends_with_shutdown_when_the_server_stops() {
    run(async {
        let (catalogue, _) = Catalogue::scan(&[testdata().join("made")]).unwrap();
        let server =
            Server::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))], ServerOptions::default()).unwrap();
        let address = server.local_addrs().unwrap()[0];
        let (stop, stopped) = oneshot::channel::<()>();
        let feed = Feed::new(Arc::new(catalogue));
        let task = tokio::spawn(server.serve(feed, async move {
            let _ = stopped.await;
        }));
        let mut client = client(address, "seek-125s.wmv");
        let mut stop = Some(stop);
        let error = loop {
            match client.next().await {
                Ok(Some(Event::Packet { .. })) => {
                    if let Some(stop) = stop.take() {
                        stop.send(()).unwrap();
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => panic!("no error"),
                Err(error) => break error,
            }
        };
        assert_eq!(error, Error::Refused(mms_core::hresult::Hresult::NS_E_SHUTDOWN));
        task.await.unwrap();
    });
}
