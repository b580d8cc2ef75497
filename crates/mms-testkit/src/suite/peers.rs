//! Peers that say what two ends in memory said, and then do something else.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use mms_core::client::Options;
use mms_core::mmsp::wire::{
    Message, StreamEntries, StreamSwitch, StreamSwitchEntry, TcpMessageHeader, encode_packet,
};

use super::{unpaced, wait_until};
use crate::content::Content;
use crate::pair::{Network, Pair, UdpPlan};
use crate::web;

/// What was said in memory until the client reported an event.
pub(super) struct Said {
    pub(super) by_client: Vec<u8>,
    pub(super) by_server: Vec<u8>,
}

/// A session in memory up to the event whose text begins like this.
pub(super) fn said_until(content: &Content, event: &str) -> Said {
    let mut pair = pair(content);
    pair.run_until(|what| what.starts_with(event));
    Said { by_client: pair.to_server_log, by_server: pair.to_client_log }
}

/// A whole session in memory.
pub(super) fn pair(content: &Content) -> Pair {
    let config = unpaced().connection;
    Pair::with_url(
        "mmst://127.0.0.1/content.wmv",
        content.clone(),
        Options::default(),
        config,
        Network::default(),
    )
}

/// A whole session in memory with media in datagrams.
pub(super) fn pair_over_udp(content: &Content) -> Pair {
    let config = unpaced().connection;
    let url = "mmsu://127.0.0.1/content.wmv";
    Pair::over_udp(url, content.clone(), Options::default(), config, UdpPlan::new(1))
}

/// How a session can be asked for on a connection.
pub(super) const SCHEMES: [&str; 2] = ["mmst", "mmsh"];

/// What a client says until media comes.
pub(super) fn player(scheme: &str) -> Vec<u8> {
    match scheme {
        "mmsh" => super::http::play("x", "").into_bytes(),
        _ => said_until(&Content::testdata(super::tests::SHORT), "Started").by_client,
    }
}

/// What a server says on the connection that has the media.
pub(super) fn media_said(scheme: &str, content: &Content) -> Vec<u8> {
    if scheme == "mmsh" {
        let [_, plays] = web::streaming(content).try_into().unwrap();
        return plays.bytes;
    }
    let mut whole = pair(content);
    whole.run();
    whole.to_client_log
}

/// What a peer does when it has said its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Closes,
    Resets,
}

/// A server that says the first bytes of a session's media connection, and then ends it.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Peer {
    pub(super) fn new(scheme: &str, content: &Content, len: usize, end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut said = media_said(scheme, content);
        said.truncate(len);
        let [describes, _] = web::streaming(content).try_into().unwrap();
        // what was not read makes a reset of the end, so nothing is dropped before all is over unless it shall be one
        let thread = std::thread::spawn(move || {
            let mut held = Vec::new();
            loop {
                let mut stream = listener.accept().unwrap().0;
                let asked = first_words(&stream);
                let has_media = asked.contains("xPlayStrm=1") || !asked.contains("HTTP/");
                let answer = match asked.split(' ').next() {
                    Some("") => return,
                    _ if has_media => &said,
                    Some("GET") => &describes.bytes,
                    _ => &b"HTTP/1.0 204 No Content\r\n\r\n"[..],
                };
                // a client may be done before it has read all
                let _ = stream.write_all(answer);
                if !has_media || end == End::Closes {
                    let _ = stream.shutdown(Shutdown::Write);
                    held.push(stream);
                }
            }
        });
        Self { address, thread }
    }

    /// Ends with a connection that says nothing.
    pub(super) fn join(self) {
        drop(TcpStream::connect(self.address));
        self.thread.join().unwrap();
    }
}

/// The head of a request, or the first bytes of anything else; they stay unread.
fn first_words(stream: &TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let (mut bytes, mut text) = ([0; 4096], String::new());
    wait_until("the head of a request", || {
        let count = stream.peek(&mut bytes).unwrap();
        text = String::from_utf8_lossy(&bytes[..count]).into_owned();
        !text.starts_with(|first: char| first.is_ascii_uppercase()) || text.contains("\r\n\r\n")
    });
    text
}

/// A client's requests of a stream that is already being sent.
pub(super) fn requests(count: u16) -> Vec<u8> {
    let entries = [StreamSwitchEntry { src_stream_number: 0xFFFF, dst_stream_number: 1, thinning_level: 0 }];
    let request = Message::StreamSwitch(StreamSwitch { entries: StreamEntries::new(&entries) });
    (0..count).flat_map(|number| packet(&request, number)).collect()
}

/// A server's pings.
pub(super) fn pings(count: u16) -> Vec<u8> {
    (0..count).flat_map(|number| packet(&Message::Ping, number)).collect()
}

fn packet(message: &Message<'_>, number: u16) -> Vec<u8> {
    let mut bytes = vec![0; TcpMessageHeader::LEN + message.encoded_len()];
    let len = encode_packet(message, number, &mut bytes).unwrap();
    bytes.truncate(len);
    bytes
}

/// A server that serves one connection as it is told.
pub(super) fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || serve(listener.accept().unwrap().0));
    (address, thread)
}

/// A client that sent this and now does something else.
pub(super) fn client(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// Closes our side and reads what the other still says.
pub(super) fn close_and_read(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    stream.shutdown(Shutdown::Write)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How often the bytes of `part` are in `bytes`.
pub(super) fn occurrences(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).filter(|window| *window == part).count()
}
