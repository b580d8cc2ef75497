//! Peers that say what two ends in memory said, and then do something else.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use mms_core::client::Options;
use mms_core::mmsp::wire::{
    Message, StreamEntries, StreamSwitch, StreamSwitchEntry, TcpMessageHeader, encode_packet,
};

use super::unpaced;
use crate::content::Content;
use crate::pair::{Network, Pair, UdpPlan};

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
