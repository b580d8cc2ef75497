//! What the tests with many clients share: a film, clients that compare what comes, and a look at the server's process.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use mms_core::client::{Event, Options};
use mms_testkit::asf::Recipe;
use mms_tokio::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::support::process::Scratch;
use crate::support::server::Server;

/// Bytes of a packet of films.
pub(crate) const PACKET: usize = 3200;

/// A number from the environment, for longer runs than those of CI.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    }
}

/// Threads for clients.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A film on disk and in memory.
#[derive(Clone)]
pub(crate) struct Film {
    pub(crate) path: PathBuf,
    bytes: Arc<Vec<u8>>,
    header: usize,
}

impl Film {
    /// So many packets, 25 ms each.
    pub(crate) fn make(scratch: &Scratch, name: &str, packets: u32) -> Self {
        let recipe = Recipe {
            packet_size: PACKET,
            send_times: (0..packets).map(|number| number * 25).collect(),
            streams: 1,
            duration: Duration::from_millis(25) * packets,
            bit_rate: 1_024_000,
            ..Recipe::default()
        };
        let (path, bytes) = (scratch.file(name), recipe.bake());
        fs::write(&path, &bytes).unwrap();
        Self { path, bytes: Arc::new(bytes), header: recipe.header_len }
    }

    pub(crate) fn packets(&self) -> u32 {
        u32::try_from((self.bytes.len() - self.header) / PACKET).unwrap()
    }

    /// Whether this is what the film has there.
    pub(crate) fn has_header(&self, offset: u64, bytes: &[u8]) -> bool {
        let offset = usize::try_from(offset).unwrap();
        self.bytes.get(offset..offset + bytes.len()).is_some_and(|part| part == bytes)
    }

    /// Whether this is the packet of that number.
    pub(crate) fn has_packet(&self, number: u32, bytes: &[u8]) -> bool {
        let start = self.header + number as usize * PACKET;
        self.bytes.get(start..start + PACKET).is_some_and(|part| part == bytes)
    }
}

/// Fetches the whole film and compares every byte.
pub(crate) async fn fetch(url: &str, film: &Film) -> Result<(), String> {
    let mut client = Client::new(url, Options::default()).map_err(|error| error.to_string())?;
    let mut next = 0;
    let mut header = 0;
    while let Some(event) = client.next().await.map_err(|error| format!("{error} after {next} packets"))? {
        match event {
            Event::HeaderPart { offset, bytes, .. } => {
                if offset != header || !film.has_header(offset, bytes) {
                    return Err(format!("the header differs at {offset}"));
                }
                header += bytes.len() as u64;
            }
            Event::Packet { location_id, bytes, .. } => {
                if location_id != next || !film.has_packet(location_id, bytes) {
                    return Err(format!("packet {location_id} came, or differs, where {next} was expected"));
                }
                next += 1;
            }
            _ => {}
        }
    }
    if next == film.packets() { Ok(()) } else { Err(format!("{next} of {} packets", film.packets())) }
}

/// Downloads the file as it is, as a program that knows nothing of streams, and compares every byte.
pub(crate) async fn download(address: SocketAddr, film: &Film) -> Result<(), String> {
    let said = |error: io::Error| error.to_string();
    let name = film.path.file_name().and_then(|name| name.to_str()).unwrap();
    let mut stream = TcpStream::connect(address).await.map_err(said)?;
    stream.write_all(format!("GET /{name} HTTP/1.0\r\n\r\n").as_bytes()).await.map_err(said)?;
    let mut buffer = vec![0; 65_536];
    let (mut head, mut next) = (Vec::new(), None);
    loop {
        let count = stream.read(&mut buffer).await.map_err(said)?;
        let mut part = &buffer[..count];
        if next.is_none() {
            head.extend_from_slice(part);
            let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
                if count == 0 {
                    return Err("closed without an answer".to_owned());
                }
                continue;
            };
            if !head.starts_with(b"HTTP/1.0 200 ") {
                return Err(String::from_utf8_lossy(&head).into_owned());
            }
            (part, next) = (&head[end + 4..], Some(0));
        }
        let place = next.unwrap_or(0);
        if count == 0 {
            let len = film.bytes.len();
            return if place == len { Ok(()) } else { Err(format!("{place} of {len} bytes")) };
        }
        if film.bytes.get(place..place + part.len()) != Some(part) {
            return Err(format!("the file differs behind {place}"));
        }
        next = Some(place + part.len());
    }
}

/// A process, as Linux tells of it.
#[derive(Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    /// The server itself, which is a child of the program that bounds its time.
    pub(crate) fn of(server: &mut Server) -> Self {
        let parent = server.id();
        let is_child = |id: &u32| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let behind_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
            behind_name.split(' ').nth(1).and_then(|field| field.parse().ok()) == Some(parent)
        };
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Self(ids.into_iter().find(is_child).expect("the server runs"))
    }

    /// A line of the status, in bytes.
    fn status(self, key: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).expect(key);
        line.trim().strip_suffix(" kB").expect("kB").parse::<u64>().unwrap() * 1024
    }

    /// The most that was resident at any time.
    pub(crate) fn peak(self) -> u64 {
        self.status("VmHWM")
    }

    /// Memory of its own that is resident now.
    pub(crate) fn anonymous(self) -> u64 {
        self.status("RssAnon")
    }

    pub(crate) fn descriptors(self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0)).unwrap().count()
    }
}
