//! `fetch URL FILE`: fetches a stream over MMS or HTTP and writes it as an ASF file.
#![allow(clippy::std_instead_of_core, reason = "kept as its writer left it")]
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use mms_core::asf::{HeaderPatch, HeaderSummary};
use mms_core::client::{Client, Event, FileBytes, Options, SocketId, Sockets, Step, Storage};
use mms_core::time::Instant;

/// The longest sleep between two looks at the sockets, which std cannot wait for together.
const NAP: Duration = Duration::from_millis(2);
/// Steps in a row that neither moved anything nor let us sleep.
const MOST_IDLE_STEPS: u32 = 10_000;

struct Fetch {
    client: Client<Vec<u8>>,
    sockets: [Option<TcpStream>; SocketId::COUNT],
    connect_timeout: Duration,
    /// What the system said last; the driver knows only that it failed.
    io_error: Option<io::Error>,
    out: BufWriter<File>,
    written: u64,
    bytes: FileBytes,
    summary: Option<HeaderSummary>,
    /// The header as it came, to be corrected at the end.
    header: Vec<u8>,
    packets: u64,
    text: Vec<u8>,
    ended: bool,
}

impl Fetch {
    fn new(url: &str, path: &str) -> Result<Self, Box<dyn Error>> {
        let options = Options::default();
        let connect_timeout = options.connect_timeout;
        let storage = Storage { receive: vec![0; 65536], send: vec![0; Client::<Vec<u8>>::HTTP_SEND_BYTES] };
        let client = Client::new(url, options, storage).map_err(|error| format!("{url}: {error}"))?;
        let file = File::create(path).map_err(|error| format!("{path}: {error}"))?;
        Ok(Self {
            client,
            sockets: [const { None }; SocketId::COUNT],
            connect_timeout,
            io_error: None,
            out: BufWriter::new(file),
            written: 0,
            bytes: FileBytes::default(),
            summary: None,
            header: Vec::new(),
            packets: 0,
            text: Vec::new(),
            ended: false,
        })
    }

    fn run(&mut self) -> Result<(), Box<dyn Error>> {
        let clock = std::time::Instant::now();
        let mut idle_steps = 0;
        loop {
            let now = Instant::ZERO + clock.elapsed();
            match self.client.step(now) {
                Step::Connect(id) => self.connect(id),
                Step::Close(id) => self.sockets[id.index()] = None,
                Step::Event => self.keep()?,
                Step::Storage { needed } => drop(self.client.replace_storage(vec![0; needed])),
                Step::Wait { read, write, until } => {
                    let pause = until.since(now).min(NAP);
                    if self.transfer(read, write) {
                        idle_steps = 0;
                    } else if pause > Duration::ZERO {
                        idle_steps = 0;
                        thread::sleep(pause);
                    } else {
                        idle_steps += 1;
                        if idle_steps > MOST_IDLE_STEPS {
                            self.client.no_progress();
                        }
                    }
                }
                Step::Done => return self.finish(),
                // Bind, which needs with_udp, or a step of a later version
                _ => self.client.no_progress(),
            }
        }
    }

    /// Blocks, since nobody else waits; the driver's own time-out bounds it.
    fn connect(&mut self, id: SocketId) {
        let wanted = self.client.wanted(id);
        match connect(wanted.host, wanted.port, self.connect_timeout) {
            Ok((socket, local)) => {
                self.sockets[id.index()] = Some(socket);
                self.client.connected(id, local);
            }
            Err(error) => self.fail(id, error),
        }
    }

    fn fail(&mut self, id: SocketId, error: io::Error) {
        self.io_error = Some(error);
        self.client.connection_failed(id);
    }

    /// Serves both directions of all sockets once; `false` if nothing was ready.
    fn transfer(&mut self, read: Sockets, write: Sockets) -> bool {
        let mut moved = false;
        for id in SocketId::CONNECTIONS {
            let Some(socket) = &mut self.sockets[id.index()] else { continue };
            if write.contains(id) {
                match socket.write(self.client.pending(id)) {
                    Ok(count) => {
                        self.client.written(id, count);
                        moved = true;
                    }
                    Err(error) if is_not_ready(&error) => {}
                    Err(error) => {
                        self.fail(id, error);
                        return true;
                    }
                }
            }
            if read.contains(id) {
                match socket.read(self.client.space(id)) {
                    Ok(0) => self.client.end_of_stream(id),
                    Ok(count) => self.client.filled(id, count),
                    Err(error) if is_not_ready(&error) => continue,
                    Err(error) => self.fail(id, error),
                }
                moved = true;
            }
        }
        moved
    }

    fn keep(&mut self) -> Result<(), Box<dyn Error>> {
        let Some(event) = self.client.event() else { return Ok(()) };
        match event {
            Event::HeaderPart { bytes, last, .. } => {
                self.header.extend_from_slice(bytes);
                if last {
                    self.summary = self.client.header().cloned();
                }
            }
            Event::Packet { .. } => self.packets += 1,
            Event::FilePart { .. } | Event::Started | Event::Opened(_) | Event::Bandwidth { .. } => {}
            Event::TextPart { bytes, .. } => self.text.extend_from_slice(bytes),
            Event::EndOfStream { hr, .. } if hr.is_failure() => {
                return Err(format!("the server ended the stream: {:?}", hr.known()).into());
            }
            Event::EndOfStream { more, .. } => {
                self.ended = true;
                if more {
                    // an ASF file has one header: only the first entry of a playlist is kept
                    eprintln!("more entries follow; only the first one is kept");
                    self.client.close();
                }
                return Ok(());
            }
            Event::RolledOver { .. } | Event::Redirected { .. } => {
                eprintln!("{event:?}");
                // all begins anew
                self.bytes = FileBytes::default();
                (self.summary, self.packets, self.written) = (None, 0, 0);
                self.header.clear();
                self.out.seek(SeekFrom::Start(0))?;
                self.out.get_ref().set_len(0)?;
                return Ok(());
            }
            other => eprintln!("{other:?}"),
        }
        let packet_size = self.client.header().map_or(0, |header| header.packet_size());
        let mut part = [0; 8192];
        while let count @ 1.. = self.bytes.read(&event, packet_size, None, &mut part)? {
            self.out.write_all(&part[..count])?;
            self.written += count as u64;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Box<dyn Error>> {
        if let Some(error) = self.client.error() {
            return Err(match &self.io_error {
                Some(io_error) => format!("{error}: {io_error}").into(),
                None => error.into(),
            });
        }
        if !self.text.is_empty() {
            let text = String::from_utf8_lossy(&self.text[..self.text.len().min(300)]);
            return Err(format!("no media, but a text: {text}").into());
        }
        let summary = self.summary.as_ref().ok_or("no ASF header came")?;
        // a live stream, or a header that promises other packets than came
        if summary.file_properties.is_broadcast() || summary.data_packets != self.packets {
            let seekable = summary.streams.is_seekable(false);
            let patch = HeaderPatch::finished(summary, self.packets, None, None, self.written, seekable);
            patch.apply(0, &mut self.header);
            self.out.seek(SeekFrom::Start(0))?;
            self.out.write_all(&self.header)?;
        }
        self.out.flush()?;
        if self.ended { Ok(()) } else { Err("the session was over before the end of the stream".into()) }
    }
}

fn is_not_ready(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<(TcpStream, SocketAddr)> {
    let mut failure = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(socket) => {
                socket.set_nonblocking(true)?;
                socket.set_nodelay(true)?;
                let local = socket.local_addr()?;
                return Ok((socket, local));
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, path] = &arguments[..] else {
        eprintln!("usage: fetch URL FILE");
        return ExitCode::from(2);
    };
    let result = Fetch::new(url, path).and_then(|mut fetch| {
        let result = fetch.run();
        println!("{} packets, {} bytes", fetch.packets, fetch.written);
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fetch: {error}");
            ExitCode::FAILURE
        }
    }
}
