//! `mms demo`: the main job on a sample, by each transport, on this machine alone.

use core::net::{Ipv4Addr, SocketAddr};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use mms_core::asf::{Header, packet_count, restore_padding};
use mms_core::client::{Event, Play, Transports};
use mms_core::mmsp::server::Pace;
use mms_media::{Catalogue, Feed};
use mms_std::Client;
use mms_tokio::{Server, ServerOptions};
use tokio::sync::oneshot;

use crate::address::{Address, url_of};
use crate::client;
use crate::exit::{Failure, Kind};
use crate::serve::runtime;
use crate::stdout::print;

/// Video and audio of three seconds, made for this project.
const SAMPLE: &[u8] = include_bytes!("../assets/sample.wmv");
const NAME: &str = "sample.wmv";

/// How the sample is fetched.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// By the transport of a scheme.
    Scheme(&'static str),
    /// By a program that knows nothing of streams.
    Plain,
    /// By `mms`, where the server lets HTTP pass only.
    Rollover,
}

const WAYS: [(&str, Way); 5] = [
    ("MMS/TCP", Way::Scheme("mmst")),
    ("MMS/UDP", Way::Scheme("mmsu")),
    ("MMS over HTTP", Way::Scheme("mmsh")),
    ("plain HTTP", Way::Plain),
    ("mms:// to HTTP", Way::Rollover),
];

/// A header and packets of one size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Stream {
    header: Vec<u8>,
    packets: Vec<Vec<u8>>,
}

/// What fetching by one transport showed.
struct Row {
    transport: &'static str,
    packets: usize,
    bytes: usize,
    finding: Result<(), String>,
    seconds: f64,
}

pub(crate) fn run() -> Result<(), Failure> {
    let source = Stream::of_file(SAMPLE)
        .ok_or_else(|| Failure::new(Kind::Local, "the sample inside of this program is damaged"))?;
    let rows = with_server(|address| {
        WAYS.iter().map(|(transport, way)| fetch(transport, *way, address, &source)).collect()
    })?;
    print(&table(&rows, source.packets.len()))?;
    let unequal: Vec<&str> =
        rows.iter().filter(|row| row.finding.is_err()).map(|row| row.transport).collect();
    if unequal.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Kind::Local, format!("what was fetched by {} is not what was sent", unequal.join(", ")))
        .with_hint("this should never happen: please report it with the output of RUST_LOG=debug mms demo"))
}

/// Serves the sample on a free loopback port as long as `work` runs.
fn with_server(work: impl FnOnce(SocketAddr) -> Vec<Row>) -> Result<Vec<Row>, Failure> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| Failure::new(Kind::Local, format!("{what}: {error}"))
    };
    let folder = tempfile::tempdir().map_err(failed("no temporary folder"))?;
    let file = folder.path().join(NAME);
    fs::write(&file, SAMPLE).map_err(failed("the sample cannot be written"))?;
    let (catalogue, _) =
        Catalogue::scan(&[file]).map_err(|error| Failure::new(Kind::Local, error.to_string()))?;
    let runtime = runtime()?;
    let mut options = ServerOptions::default();
    options.connection.mms.pace = Pace::Off;
    options.connection.http.pace = Pace::Off;
    let (server, address) = {
        let _context = runtime.enter();
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::bind(&[local], options).map_err(failed("no loopback port"))?;
        let addresses = server.local_addrs().map_err(failed("no loopback address"))?;
        (server, addresses.first().copied().unwrap_or(local))
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = runtime.spawn(server.serve(Feed::new(Arc::new(catalogue)), async {
        // an error means that nobody needs the server any more
        drop(stopped.await);
    }));
    let rows = work(address);
    drop(stop);
    let ended = runtime.block_on(serving);
    runtime.shutdown_background();
    ended.map_err(|error| Failure::new(Kind::Local, format!("the server failed: {error}")))?;
    Ok(rows)
}

fn fetch(transport: &'static str, way: Way, address: SocketAddr, source: &Stream) -> Row {
    let begun = Instant::now();
    let fetched = match way {
        Way::Scheme(scheme) => Stream::of_url(&url_of(scheme, address, NAME)),
        Way::Plain => Stream::of_web(address),
        Way::Rollover => door(address)
            .map_err(|error| Failure::new(Kind::Local, format!("no loopback port: {error}")))
            .and_then(|door| Stream::of_url(&url_of("mms", door, NAME))),
    };
    let seconds = begun.elapsed().as_secs_f64();
    let (packets, bytes, finding) = match &fetched {
        Ok(stream) => (stream.packets.len(), stream.bytes(), compare(source, stream)),
        Err(failure) => (0, 0, Err(failure.message.clone())),
    };
    Row { transport, packets, bytes, finding, seconds }
}

/// A door to the server through which only HTTP passes, as through many a firewall. It lasts as long as the program.
fn door(server: SocketAddr) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for inside in listener.incoming().flatten() {
            thread::spawn(move || pass(inside, server));
        }
    });
    Ok(address)
}

/// Passes bytes both ways, unless the first one is that of MMS.
fn pass(mut inside: TcpStream, server: SocketAddr) -> io::Result<()> {
    let mut first = [0];
    inside.read_exact(&mut first)?;
    if first == [1] {
        return inside.shutdown(Shutdown::Both);
    }
    let mut outside = TcpStream::connect(server)?;
    outside.write_all(&first)?;
    let (mut reader, mut writer) = (inside.try_clone()?, outside.try_clone()?);
    // requests end with the connection
    thread::spawn(move || io::copy(&mut reader, &mut writer));
    io::copy(&mut outside, &mut inside)?;
    inside.shutdown(Shutdown::Both)
}

impl Stream {
    fn of_file(file: &[u8]) -> Option<Self> {
        let header = Header::decode(file).ok()?;
        let summary = header.summary();
        let size = usize::try_from(summary.packet_size()).ok()?;
        let count = usize::try_from(packet_count(u64::try_from(file.len()).ok()?, summary)).ok()?;
        let (header, media) = file.split_at_checked(usize::try_from(summary.header_len).ok()?)?;
        let packets = media.chunks_exact(size).take(count).map(<[u8]>::to_vec).collect();
        Some(Self { header: header.to_vec(), packets })
    }

    /// The file as a web browser gets it.
    fn of_web(address: SocketAddr) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::new(Kind::Connection, error.to_string());
        let mut stream = TcpStream::connect(address).map_err(failed)?;
        let request = format!("GET /{NAME} HTTP/1.0\r\nHost: {address}\r\nUser-Agent: mms-demo\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(failed)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(failed)?;
        let body = answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at.saturating_add(4));
        body.and_then(|at| Self::of_file(answer.get(at..)?))
            .ok_or_else(|| Failure::new(Kind::Protocol, "the answer holds no file"))
    }

    fn of_url(url: &str) -> Result<Self, Failure> {
        let address = Address::parse(url)?;
        let failed = |error| Failure::of_session(error, &address, false);
        let mut options = client::options(&address, Transports::DEFAULT)?;
        options.play = Some(Play::all());
        // this machine needs none
        options.proxy = None;
        let mut client = Client::new(address.url(), options).map_err(failed)?;
        let mut stream = Self::default();
        loop {
            let packet_size = client.driver().header().map_or(0, |header| header.packet_size());
            match client.next().map_err(failed)? {
                Some(Event::HeaderPart { bytes, .. }) => stream.header.extend_from_slice(bytes),
                Some(Event::Packet { bytes, .. }) => {
                    let restored = restore_padding(bytes, packet_size)
                        .map_err(|error| Failure::new(Kind::Protocol, error.to_string()))?;
                    let mut packet = restored.slices().concat();
                    packet.resize(restored.total_len(), 0);
                    stream.packets.push(packet);
                }
                Some(_) => {}
                None => return Ok(stream),
            }
        }
    }

    fn bytes(&self) -> usize {
        self.packets.iter().map(Vec::len).fold(self.header.len(), usize::saturating_add)
    }
}

/// Compares header and packets one by one.
fn compare(sent: &Stream, got: &Stream) -> Result<(), String> {
    if sent.header != got.header {
        return Err("the header differs".to_owned());
    }
    if let Some(number) = sent.packets.iter().zip(&got.packets).position(|(sent, got)| sent != got) {
        return Err(format!("packet {number} differs"));
    }
    if sent.packets.len() != got.packets.len() {
        return Err(format!("{} packets instead of {}", got.packets.len(), sent.packets.len()));
    }
    Ok(())
}

fn table(rows: &[Row], packets: usize) -> String {
    let mut text =
        format!("{:<14} {:>9} {:>10} {:>7} {:>10}\n", "transport", "packets", "bytes", "equal", "time");
    for row in rows {
        let equal = if row.finding.is_ok() { "yes" } else { "NO" };
        let count = format!("{}/{packets}", row.packets);
        let time = format!("{:.1} ms", row.seconds * 1000.0);
        text.push_str(&format!("{:<14} {count:>9} {:>10} {equal:>7} {time:>10}\n", row.transport, row.bytes));
    }
    for row in rows {
        if let Err(finding) = &row.finding {
            text.push_str(&format!("{}: {finding}\n", row.transport));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_planted_difference_is_found() {
        let source = Stream::of_file(SAMPLE).unwrap();
        assert_eq!(compare(&source, &source.clone()), Ok(()));
        let mut header = source.clone();
        header.header[40] ^= 1;
        let mut packet = source.clone();
        packet.packets[3].last_mut().map(|byte| *byte ^= 1).unwrap();
        let mut short = source.clone();
        short.packets.pop();
        let mut swapped = source.clone();
        swapped.packets.swap(1, 2);
        let mut doubled = source.clone();
        doubled.packets.push(source.packets[0].clone());
        for planted in [&header, &packet, &short, &swapped, &doubled, &Stream::default()] {
            assert!(compare(&source, planted).is_err());
        }
        assert_eq!(compare(&source, &packet), Err("packet 3 differs".to_owned()));
    }

    #[test]
    fn the_table_tells_a_difference() {
        let row = |finding| Row { transport: "MMS/TCP", packets: 2, bytes: 9, finding, seconds: 0.5 };
        assert!(table(&[row(Ok(()))], 2).contains(" yes "));
        let told = table(&[row(Err("packet 1 differs".to_owned()))], 2);
        assert!(told.contains(" NO ") && told.contains("MMS/TCP: packet 1 differs"));
    }
}
