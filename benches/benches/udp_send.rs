//! A server that sends datagrams as fast as it can, against a loop that does nothing but send the same bytes, one
//! datagram for each call on both sides; alternating runs in one process, and the ratio of the medians.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use core::net::SocketAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Instant;

use mms_core::client::{Client, Options, SocketId, Step, Storage, UdpStorage};
use mms_core::mmsp::server::Pace;
use mms_media::{Answer, Catalogue, Clock, Ended, Feed, Host, Question};
use mms_testkit::asf::Recipe;
use mms_tokio::{Server, ServerOptions};

const PACKET: usize = 1400;
const HEAD: usize = 8;
const RUNS: u64 = 5;

/// ASF content of so many packets, in a file.
fn content(packets: u32) -> (PathBuf, Vec<u8>) {
    let recipe = Recipe {
        packet_size: PACKET,
        send_times: (0..packets).collect(),
        streams: 1,
        duration: Duration::from_millis(packets.into()),
        bit_rate: 11_200_000,
        ..Recipe::default()
    };
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("udp_send.asf");
    let bytes = recipe.bake();
    std::fs::write(&file, &bytes).unwrap();
    (file, bytes)
}

/// Datagrams to a socket that nobody reads: what the system does with them then is the same for both.
fn bare(content: &[u8], packets: u32) -> f64 {
    let sink = UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = sink.local_addr().unwrap();
    let begun = Instant::now();
    for datagram in content.windows(HEAD + PACKET).step_by(PACKET).take(packets as usize) {
        assert_eq!(socket.send_to(datagram, to).unwrap(), datagram.len());
    }
    f64::from(packets) / begun.elapsed().as_secs_f64()
}

/// A client up to the moment when packets come; from then on it only looks for the end of the stream.
fn served(server: SocketAddr, packets: u32) -> f64 {
    let storage = Storage {
        receive: vec![0; Client::<Vec<u8>>::RECEIVE_BYTES],
        send: vec![0; Client::<Vec<u8>>::SEND_BYTES],
    };
    let udp = UdpStorage { slots: vec![0; 1 << 20], header: vec![0; 1 << 17] };
    let url = format!("mmsu://{server}/udp_send.asf");
    let mut client = Client::with_udp(&url, Options::default(), storage, udp).unwrap();
    client.set_peer(server);
    let sink = UdpSocket::bind("127.0.0.1:0").unwrap();
    sink.set_nonblocking(true).unwrap();
    let mut control = None;
    let clock = Clock::start();
    loop {
        let now = clock.now();
        match client.step(now) {
            Step::Connect(socket) => {
                let stream = TcpStream::connect(server).unwrap();
                stream.set_nodelay(true).unwrap();
                stream.set_nonblocking(true).unwrap();
                client.connected(socket, server);
                control = Some(stream);
            }
            Step::Bind(socket) => client.bound(socket, sink.local_addr().unwrap()),
            Step::Event if format!("{:?}", client.event()).contains("Started") => break,
            Step::Event => {}
            Step::Wait { .. } => {
                let control = control.as_mut().unwrap();
                let len = client.pending(SocketId::CONTROL).len();
                if len > 0 {
                    let written = control.write(client.pending(SocketId::CONTROL)).unwrap();
                    client.written(SocketId::CONTROL, written);
                }
                if let Ok(count) = control.read(client.space(SocketId::CONTROL)) {
                    assert!(count > 0, "the server closed");
                    client.filled(SocketId::CONTROL, count);
                }
                let space = client.space(SocketId::MEDIA);
                if !space.is_empty()
                    && let Ok((count, from)) = sink.recv_from(space)
                {
                    client.datagram_received(now, count, from);
                }
                let len = client.pending(SocketId::MEDIA).len();
                client.written(SocketId::MEDIA, len);
            }
            step => panic!("{step:?}: {:?}", client.error()),
        }
    }
    let mut control = control.unwrap();
    control.set_nonblocking(false).unwrap();
    control.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let begun = Instant::now();
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    // ReportEndOfStream
    while !said.windows(4).any(|mid| mid == [0x1E, 0, 4, 0]) {
        let count = control.read(&mut buffer).unwrap();
        assert!(count > 0, "the server closed before the end of the stream");
        said.extend_from_slice(&buffer[..count]);
    }
    f64::from(packets) / begun.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// A host that adds up the packets that left.
#[derive(Clone)]
struct Counted(Feed, Arc<AtomicU64>);

impl Host for Counted {
    type Packets = <Feed as Host>::Packets;

    fn answer(&mut self, question: Question) -> Answer<Self::Packets> {
        self.0.answer(question)
    }

    fn answer_at_once(&mut self, question: Question) -> Result<Answer<Self::Packets>, Question> {
        self.0.answer_at_once(question)
    }

    fn ended(&mut self, ended: &Ended) {
        self.1.fetch_add(ended.report.packets, Ordering::Release);
    }
}

fn main() {
    let short = std::env::args().any(|argument| argument == "--test");
    let (packets, runs) = if short { (2_000, 1) } else { (150_000, RUNS) };
    let (file, bytes) = content(packets);
    let (catalogue, _) = Catalogue::scan(&[file]).unwrap();
    let mut options = ServerOptions::default();
    options.connection.mms.pace = Pace::Off;
    let sent = Arc::default();
    let host = Counted(Feed::new(Arc::new(catalogue)), Arc::clone(&sent));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _context = runtime.enter();
    let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], options).unwrap();
    let address = server.local_addrs().unwrap()[0];
    runtime.spawn(server.serve(host, core::future::pending::<()>()));
    let (mut bares, mut serveds) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        bares.push(bare(&bytes, packets));
        serveds.push(served(address, packets));
        while sent.load(Ordering::Acquire) < run * u64::from(packets) {
            sleep(Duration::from_millis(1));
        }
        assert_eq!(sent.load(Ordering::Acquire), run * u64::from(packets));
    }
    println!("datagrams/s of {} bytes, {packets} of them, alternating runs", HEAD + PACKET);
    println!("bare    {bares:.0?}");
    println!("server  {serveds:.0?}");
    let (bare, served) = (median(bares), median(serveds));
    println!("medians {bare:.0} and {served:.0}: ratio {:.2}", served / bare);
}
