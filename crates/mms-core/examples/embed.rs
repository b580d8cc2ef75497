//! A client and a server on one thread, over non-blocking sockets of the standard library and no runtime.
use core::error::Error;
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;

use mms_core::asf::{HeaderLimits, HeaderWalker, packet_count};
use mms_core::client::{self, Client, Event, FileBytes, Options};
use mms_core::hresult::Hresult;
use mms_core::server::{self, Accepted, Ask, Config, Connection, Opened, Refusal, Wish};
use mms_core::time::Instant;

/// What came of one call on a socket: `None` means that it is not ready.
fn ready(result: io::Result<usize>) -> Option<io::Result<usize>> {
    match result {
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => None,
        result => Some(result),
    }
}

struct Fetch {
    driver: Client<Vec<u8>>,
    socket: Option<TcpStream>,
    bytes: FileBytes,
    file: Vec<u8>,
}

/// What became of a turn.
#[derive(PartialEq)]
enum Turn {
    Moved,
    Idle,
    Done,
}

impl Fetch {
    fn new(url: &str) -> Result<Self, mms_core::error::Error> {
        let storage = client::Storage {
            receive: vec![0; Client::<Vec<u8>>::RECEIVE_BYTES],
            send: vec![0; Client::<Vec<u8>>::SEND_BYTES],
        };
        let driver = Client::new(url, Options::default(), storage)?;
        Ok(Self { driver, socket: None, bytes: FileBytes::default(), file: Vec::new() })
    }

    fn turn(&mut self, now: Instant) -> Turn {
        match self.driver.step(now) {
            client::Step::Connect(id) => {
                // This blocks. To connect in the background, begin it here and answer in a later turn.
                let wanted = self.driver.wanted(id);
                match connect(wanted.host, wanted.port) {
                    Ok((socket, local)) => {
                        self.socket = Some(socket);
                        self.driver.connected(id, local);
                    }
                    Err(_) => self.driver.connection_failed(id),
                }
            }
            client::Step::Close(_) => self.socket = None,
            client::Step::Event => self.keep(),
            client::Step::Storage { needed } => {
                self.driver.replace_storage(vec![0; needed]);
            }
            client::Step::Wait { read, write, .. } => return self.transfer(read, write),
            client::Step::Done => return Turn::Done,
            // a step of a later version; this ends the session with an error
            _ => self.driver.no_progress(),
        }
        Turn::Moved
    }

    fn keep(&mut self) {
        let Some(event) = self.driver.event() else { return };
        if let Event::EndOfStream { .. } = event {
            println!("the stream ended");
        }
        let packet_size = self.driver.header().map_or(0, |header| header.packet_size());
        let mut part = [0; 4096];
        // 0 bytes: the event holds no more, or cannot be a part of a file
        while let Ok(count @ 1..) = self.bytes.read(&event, packet_size, None, &mut part) {
            self.file.extend_from_slice(&part[..count]);
        }
    }

    fn transfer(&mut self, read: client::Sockets, write: client::Sockets) -> Turn {
        let (id, mut turn) = (client::SocketId::CONTROL, Turn::Idle);
        let Some(socket) = &mut self.socket else { return turn };
        if read.contains(id)
            && let Some(result) = ready(socket.read(self.driver.space(id)))
        {
            turn = Turn::Moved;
            match result {
                Ok(0) => self.driver.end_of_stream(id),
                Ok(count) => self.driver.filled(id, count),
                Err(_) => self.driver.connection_failed(id),
            }
        }
        if write.contains(id)
            && let Some(result) = ready(socket.write(self.driver.pending(id)))
        {
            turn = Turn::Moved;
            match result {
                Ok(count) => self.driver.written(id, count),
                Err(_) => self.driver.connection_failed(id),
            }
        }
        turn
    }
}

fn connect(host: &str, port: u16) -> io::Result<(TcpStream, SocketAddr)> {
    let socket = TcpStream::connect((host, port))?;
    socket.set_nonblocking(true)?;
    socket.set_nodelay(true)?;
    let local = socket.local_addr()?;
    Ok((socket, local))
}

struct Serve<'a> {
    driver: Connection<Vec<u8>, &'a [u8]>,
    socket: TcpStream,
    film: &'a Film,
}

impl<'a> Serve<'a> {
    fn new(
        socket: TcpStream,
        peer: SocketAddr,
        film: &'a Film,
        now: Instant,
    ) -> Result<Self, Box<dyn Error>> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let storage = server::Storage {
            receive: vec![0; Connection::<Vec<u8>, &[u8]>::RECEIVE_BYTES],
            send: vec![0; Connection::<Vec<u8>, &[u8]>::SEND_BYTES],
        };
        // a real server takes unpredictable bytes from its system
        let accepted = Accepted { peer, random: [7; 16] };
        Ok(Self { driver: Connection::new(Config::default(), storage, accepted, now)?, socket, film })
    }

    fn turn(&mut self, now: Instant) -> Turn {
        match self.driver.step(now) {
            server::Step::Event => {}
            server::Step::Storage { needed } => {
                self.driver.replace_storage(vec![0; needed]);
            }
            server::Step::Wait { read, write, .. } => {
                let film = self.film;
                if let Some(answer) = self.driver.next_wish().map(|wish| film.answer(&wish)) {
                    answer.give(&mut self.driver, now);
                    return Turn::Moved;
                }
                return self.transfer(now, read, write);
            }
            server::Step::Done => return Turn::Done,
        }
        Turn::Moved
    }

    fn transfer(&mut self, now: Instant, read: bool, write: bool) -> Turn {
        let mut turn = Turn::Idle;
        if read && let Some(result) = ready(self.socket.read(self.driver.space())) {
            turn = Turn::Moved;
            match result {
                Ok(0) => self.driver.end_of_stream(),
                Ok(count) => self.driver.filled(count),
                Err(_) => self.driver.connection_failed(),
            }
        }
        if write {
            let mut slices = [&[][..]; 16];
            let used = self.driver.pending(&mut slices);
            let slices = slices.map(IoSlice::new);
            if let Some(result) = ready(self.socket.write_vectored(&slices[..used])) {
                turn = Turn::Moved;
                match result {
                    Ok(count) => self.driver.written(now, count),
                    Err(_) => self.driver.connection_failed(),
                }
            }
        }
        turn
    }
}

struct Film {
    bytes: Vec<u8>,
    opened: Opened,
}

enum Answer<'a> {
    Opened(server::Ticket, Opened),
    Refused(server::Ticket),
    Header(server::Ticket, &'a [u8]),
    Packets(server::Ticket, u32, &'a [u8]),
    Failed(server::Ticket),
}

impl Film {
    fn new(bytes: Vec<u8>) -> Result<Self, Box<dyn Error>> {
        let mut walker = HeaderWalker::new(HeaderLimits::default());
        walker.feed(&bytes).map_err(|_| "not an ASF file")?;
        let header = walker.summary().ok_or("the header is cut")?;
        let opened = Opened {
            header_len: u32::try_from(header.header_len)?,
            packet_size: header.packet_size(),
            packet_count: Some(u32::try_from(packet_count(bytes.len() as u64, header))?),
            duration: Some(header.file_properties.content_duration()),
            bit_rate: header.bit_rate,
            seekable: false,
            stridable: false,
            file_len: Some(bytes.len() as u64),
            streams: header.streams.bits(),
        };
        Ok(Self { bytes, opened })
    }

    fn answer(&self, wish: &Wish<'_>) -> Answer<'_> {
        let (ticket, header_len) = (wish.ticket, self.opened.header_len as usize);
        match wish.ask {
            Ask::Open { name, .. } if name.chars().eq("film.wmv".chars()) => {
                Answer::Opened(ticket, self.opened)
            }
            Ask::Open { .. } => Answer::Refused(ticket),
            Ask::Header { offset, max_bytes } => {
                let (start, most) = (offset as usize, max_bytes as usize);
                Answer::Header(ticket, &self.bytes[start..header_len.min(start + most)])
            }
            Ask::Packets { from, max_bytes, .. } => {
                let size = self.opened.packet_size as usize;
                let packets = self.bytes[header_len..].chunks_exact(size).len();
                let start = from as usize;
                let end = packets.min(start + (max_bytes as usize / size).max(1));
                Answer::Packets(ticket, from, &self.bytes[header_len + start * size..header_len + end * size])
            }
            // it is not seekable, so nobody asks for the packet of a time
            _ => Answer::Failed(ticket),
        }
    }
}

impl<'a> Answer<'a> {
    /// `false` of these calls means that the wish was withdrawn, which is no error.
    fn give(self, driver: &mut Connection<Vec<u8>, &'a [u8]>, now: Instant) -> bool {
        match self {
            Self::Opened(ticket, opened) => driver.opened(ticket, opened),
            Self::Refused(ticket) => driver.refused(ticket, Refusal(Hresult::NS_E_FILE_NOT_FOUND)),
            Self::Header(ticket, bytes) => driver.header(ticket, bytes),
            Self::Packets(ticket, first, bytes) => driver.packets(ticket, first, bytes),
            Self::Failed(ticket) => driver.failed(now, ticket, Hresult::E_INVALIDARG),
        }
    }
}

/// Serves a file and fetches it at the same time; returns what was fetched.
pub(crate) fn run(file: Vec<u8>) -> Result<Vec<u8>, Box<dyn Error>> {
    let film = Film::new(file)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let mut fetch = Fetch::new(&format!("mmst://{}/film.wmv", listener.local_addr()?))?;
    let mut connections = Vec::new();
    let clock = std::time::Instant::now();
    let mut is_done = false;
    while !is_done || !connections.is_empty() {
        let now = Instant::ZERO + clock.elapsed();
        let mut is_idle = true;
        if let Ok((socket, peer)) = listener.accept() {
            connections.push(Serve::new(socket, peer, &film, now)?);
        }
        connections.retain_mut(|connection| {
            let turn = connection.turn(now);
            is_idle &= turn == Turn::Idle;
            turn != Turn::Done
        });
        if !is_done {
            let turn = fetch.turn(now);
            is_idle &= turn == Turn::Idle;
            is_done = turn == Turn::Done;
        }
        if is_idle {
            sleep(Duration::from_millis(1));
        }
    }
    match fetch.driver.error() {
        Some(error) => Err(error.into()),
        None => Ok(fetch.file),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("which ASF file?")?;
    let file = std::fs::read(path)?;
    let fetched = run(file.clone())?;
    // behind the packets a file may have an index, which is not streamed
    let is_equal = file.starts_with(&fetched);
    println!("{} of {} bytes fetched, equal: {is_equal}", fetched.len(), file.len());
    if is_equal { Ok(()) } else { Err("they differ".into()) }
}
