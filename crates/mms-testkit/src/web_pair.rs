//! A client and a server over HTTP in memory: connections as the client wants them, joined by the server's table of
//! sessions, on one virtual clock.

use core::time::Duration;
use std::collections::VecDeque;

use mms_core::client::{self, Client, Options, SocketId};
use mms_core::server::{self, Accepted, Connection, Key, Record, Table};
use mms_core::time::Instant;

use crate::content::{Content, Slice};
use crate::pair::{Seen, peer, seen};

/// One connection, as the server has it.
#[derive(Debug)]
struct End {
    server: Connection<Vec<u8>, Slice>,
    socket: SocketId,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    client_closed: bool,
    server_closed: bool,
    told: bool,
}

/// Two peers.
#[derive(Debug)]
pub struct WebPair {
    /// The client.
    pub client: Client<Vec<u8>>,
    /// The virtual clock.
    pub now: Instant,
    /// Everything that the client reported.
    pub seen: Vec<Seen>,
    /// Connections in all.
    pub connections: usize,
    content: Content,
    config: server::Config,
    table: Table<[Record; 8]>,
    ends: Vec<End>,
    step: usize,
    is_done: bool,
}

impl WebPair {
    /// A client for a URL; at most `step` bytes move at a time.
    ///
    /// # Panics
    /// If URL or options are refused.
    #[must_use]
    pub fn new(url: &str, content: Content, options: Options, config: server::Config, step: usize) -> Self {
        let storage = client::Storage {
            receive: vec![0; Client::<Vec<u8>>::RECEIVE_BYTES],
            send: vec![0; Client::<Vec<u8>>::HTTP_SEND_BYTES],
        };
        Self {
            client: Client::new(url, options, storage).unwrap(),
            now: Instant::from_micros(1_000_000),
            seen: Vec::new(),
            connections: 0,
            content,
            config,
            table: Table::new([Record::FREE; 8], Duration::from_secs(75)),
            ends: Vec::new(),
            step,
            is_done: false,
        }
    }

    /// Runs until the client is done.
    ///
    /// # Panics
    /// If nothing moves any more before that.
    pub fn run(&mut self) {
        while !self.turn() {}
    }

    /// Runs until the client has reported an event whose text begins like this.
    ///
    /// # Panics
    /// If it is done before that.
    pub fn run_until(&mut self, wanted: &str) {
        let from = self.seen.len();
        while !self.seen[from..].iter().any(|seen| seen.what.starts_with(wanted)) {
            assert!(!self.turn(), "done before {wanted}");
        }
    }

    /// The bytes of the media packets.
    #[must_use]
    pub fn media(&self) -> Vec<u8> {
        let packets = self.seen.iter().filter(|seen| seen.what.starts_with("Packet "));
        packets.flat_map(|seen| seen.bytes.iter().copied()).collect()
    }

    /// Whether the client has said that all is over; one round of everybody before that.
    ///
    /// # Panics
    /// If nothing moves any more.
    pub fn turn(&mut self) -> bool {
        if self.is_done {
            return true;
        }
        let (mut until, mut moved) = self.step_client();
        for index in 0..self.ends.len() {
            let (server_until, server_moved) = self.step_server(index);
            until = until.min(server_until);
            moved |= server_moved;
        }
        if !moved && !self.is_done {
            assert!(until > self.now && until != Instant::MAX, "nothing moves and no timer runs");
            self.now = until;
        }
        self.is_done
    }

    fn step_client(&mut self) -> (Instant, bool) {
        match self.client.step(self.now) {
            client::Step::Connect(socket) => self.connect(socket),
            client::Step::Close(socket) => self.hang_up(socket),
            client::Step::Event => {
                self.seen.push(seen(&self.client.event().expect("an event was announced")))
            }
            client::Step::Storage { needed } => drop(self.client.replace_storage(vec![0; needed])),
            client::Step::Wait { read, write, until } => {
                let mut moved = until <= self.now;
                for end in self.ends.iter_mut().filter(|end| !end.client_closed) {
                    if write.contains(end.socket) {
                        let bytes = self.client.pending(end.socket);
                        let count = bytes.len().min(self.step);
                        end.to_server.extend(&bytes[..count]);
                        self.client.written(end.socket, count);
                        moved |= count > 0;
                    }
                    if read.contains(end.socket) {
                        let space = self.client.space(end.socket);
                        let count = space.len().min(end.to_client.len()).min(self.step);
                        for (slot, byte) in space.iter_mut().zip(end.to_client.drain(..count)) {
                            *slot = byte;
                        }
                        if count > 0 {
                            self.client.filled(end.socket, count);
                            moved = true;
                        } else if end.server_closed && end.to_client.is_empty() && !end.told {
                            end.told = true;
                            self.client.end_of_stream(end.socket);
                            moved = true;
                        }
                    }
                }
                return (until, moved);
            }
            client::Step::Done => self.is_done = true,
            other => panic!("{other:?}"),
        }
        (Instant::MAX, true)
    }

    fn connect(&mut self, socket: SocketId) {
        self.hang_up(socket);
        let storage = server::Storage {
            receive: vec![0; Connection::<Vec<u8>, Slice>::RECEIVE_BYTES],
            send: vec![0; Connection::<Vec<u8>, Slice>::SEND_BYTES],
        };
        let mut random = *b"0123456789abcdef";
        random[0] = self.connections as u8;
        let accepted = Accepted { peer: peer(), random };
        let mut server = Connection::new(self.config.clone(), storage, accepted, self.now).unwrap();
        server.allow_http();
        self.ends.push(End {
            server,
            socket,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            client_closed: false,
            server_closed: false,
            told: false,
        });
        self.connections += 1;
        self.client.connected(socket, peer());
    }

    fn hang_up(&mut self, socket: SocketId) {
        let open = self.ends.iter_mut().filter(|end| end.socket == socket);
        open.for_each(|end| end.client_closed = true);
    }

    fn step_server(&mut self, index: usize) -> (Instant, bool) {
        let Self { ends, table, content, now, step, .. } = self;
        let (now, key) = (*now, Key(index as u64));
        let end = &mut ends[index];
        if end.server_closed {
            return (Instant::MAX, false);
        }
        let mut woken = Vec::new();
        let (until, moved) = match end.server.step(now) {
            server::Step::Event => (Instant::MAX, true),
            server::Step::Storage { needed } => {
                end.server.replace_storage(vec![0; needed]);
                (Instant::MAX, true)
            }
            server::Step::Wait { read, write, until } => {
                let mut moved = false;
                let answer = end.server.next_wish().map(|wish| content.answer(wish));
                if let Some(answer) = answer {
                    answer(&mut end.server, now);
                    moved = true;
                }
                if end.server.wants_session() {
                    woken.extend(end.server.attend(now, key, table).into_iter().flatten());
                    moved = true;
                }
                if read {
                    let space = end.server.space();
                    let count = space.len().min(end.to_server.len()).min(*step);
                    for (slot, byte) in space.iter_mut().zip(end.to_server.drain(..count)) {
                        *slot = byte;
                    }
                    end.server.filled(count);
                    moved |= count > 0;
                    if count == 0 && end.client_closed && !space_is_empty(&mut end.server) {
                        end.server.end_of_stream();
                        moved = true;
                    }
                }
                if write {
                    let mut slices = [&[][..]; 16];
                    let used = end.server.pending(&mut slices);
                    let room = (1 << 14_usize).min(*step);
                    let bytes: Vec<u8> = slices[..used].concat().into_iter().take(room).collect();
                    end.server.written(now, bytes.len());
                    if !end.client_closed {
                        end.to_client.extend(&bytes);
                    }
                    moved |= !bytes.is_empty();
                }
                (until, moved)
            }
            server::Step::Done => {
                end.server_closed = true;
                let wakes = table.released(now, key);
                woken.extend(wakes.into_iter().flatten());
                (Instant::MAX, true)
            }
        };
        for key in woken {
            let other = &mut ends[key.0 as usize];
            let _ = other.server.attend(now, key, table);
        }
        (until, moved)
    }
}

fn space_is_empty(server: &mut Connection<Vec<u8>, Slice>) -> bool {
    server.space().is_empty()
}
