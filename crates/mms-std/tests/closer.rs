//! What only blocking calls need: closing from another thread.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use core::net::SocketAddr;
use std::thread;

use mms_core::client::{Event, Options};
use mms_std::{Client, Server, ServerOptions};
use mms_testkit::content::Content;
use mms_testkit::suite::Memory;

#[test]
fn a_closer_ends_the_session_in_order() {
    let host = Memory::new(Content::testdata("made/one-packet.wma"));
    let server = Server::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))], ServerOptions::default()).unwrap();
    let (address, stopper) = (server.local_addrs().unwrap()[0], server.stopper());
    let serving = thread::spawn(move || server.serve(host).unwrap());
    let mut options = Options::default();
    options.play = None;
    let mut client = Client::new(&format!("mmst://{}/one-packet.wma", address), options).unwrap();
    let closer = client.closer();
    let mut last = false;
    while let Some(event) = client.next().unwrap() {
        if let Event::HeaderPart { last: true, .. } = event {
            last = true;
            let closer = closer.clone();
            thread::spawn(move || closer.close());
        }
    }
    assert!(last);
    stopper.stop();
    serving.join().unwrap();
}
