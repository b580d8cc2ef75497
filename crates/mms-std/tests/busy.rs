//! An application that was busy between two events: what came meanwhile is in the socket, and the server was not silent.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use mms_core::client::Event;
use mms_core::error::{Error, TimerName};
use mms_media::ManualClock;
use mms_std::Client;
use mms_testkit::content::Content;

/// Packets that come before the application is busy.
const BEFORE: usize = 3;

/// A plain download from a server that sends the rest when it is told to; all packets that came, and how it ended.
fn fetch(content: &Content, sends_rest: bool, asks_again: bool) -> (Vec<u8>, Result<(), Error>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let (go_on, told) = mpsc::channel();
    let (sent, rest_sent) = mpsc::channel();
    let hand = ManualClock::default();
    let mut media = Vec::new();
    let result = thread::scope(|scope| {
        scope.spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(&stream).lines();
            while !lines.next().unwrap().unwrap().is_empty() {}
            let bytes = content.bytes();
            let (front, back) = bytes.split_at(content.header().len() + BEFORE * content.packet(0).len());
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: video/x-ms-asf\r\nContent-Length: {}\r\n\r\n",
                bytes.len()
            );
            (&stream).write_all(&[head.as_bytes(), front].concat()).unwrap();
            told.recv().unwrap();
            if sends_rest {
                (&stream).write_all(back).unwrap();
            }
            sent.send(()).unwrap();
            // ends when the client closes
            let _ = lines.next();
        });
        let mut client = Client::new(&url, Default::default()).unwrap().with_clock(hand.clone().into());
        let mut count = 0;
        loop {
            match client.next() {
                Ok(Some(Event::Packet { bytes, .. })) => {
                    media.extend_from_slice(bytes);
                    count += 1;
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(error),
            }
            if count == BEFORE && client.would_wait() {
                count += 1;
                go_on.send(()).unwrap();
                rest_sent.recv().unwrap();
                hand.advance(Duration::from_secs(3600));
                if asks_again {
                    client.would_wait();
                }
            }
        }
    });
    (media, result)
}

#[test]
fn what_came_to_the_socket_while_the_application_was_busy_is_in_time() {
    let content = Content::testdata("made/av-256.wmv");
    for asks_again in [false, true] {
        let (media, result) = fetch(&content, true, asks_again);
        assert_eq!((media.as_slice(), result), (content.media(), Ok(())), "{asks_again}");
    }
}

#[test]
fn a_server_that_was_silent_meanwhile_is_given_up() {
    let content = Content::testdata("made/av-256.wmv");
    let (media, result) = fetch(&content, false, false);
    assert_eq!(media, content.media()[..media.len()]);
    assert_eq!(result, Err(Error::TimedOut(TimerName::Silence)));
}
