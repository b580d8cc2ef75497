//! Opens sessions in memory and steps them while they are idle: `idle_steps SESSIONS STEPS [timers]`.
//!
//! The loop is that of a server on one thread: a table, a step for each token that is ready. Without `timers` a token is ready
//! because something woke it, and nothing is there; with it, because its time has come, and a Ping goes out. `benches/idle.sh`
//! counts the instructions.
#![allow(clippy::unwrap_used, missing_docs, reason = "a program that measures")]

use core::future::{Ready, ready};
use core::net::SocketAddr;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::net::UdpSocket;

use mms_core::client::Options;
use mms_media::adapter::{
    Answered, Datagrams, Doors, ServerOptions, Session, Stream, Table, Turn, UdpPort, answer,
};
use mms_media::{GateLimits, ManualClock};
use mms_testkit::content::Content;
use mms_testkit::pair::{Network, Pair};
use mms_testkit::suite::Memory;

/// A socket that has received something, and takes everything.
struct Wire {
    input: Vec<u8>,
    written: usize,
}

struct NoDatagrams;

impl Datagrams for NoDatagrams {
    fn try_recv_from(&mut self, _: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn try_send_to(&mut self, datagram: &[u8], _: SocketAddr) -> io::Result<usize> {
        Ok(datagram.len())
    }
}

impl Stream for Wire {
    type Datagrams = NoDatagrams;

    fn datagrams(&self, _: UdpSocket) -> io::Result<NoDatagrams> {
        Ok(NoDatagrams)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(peer())
    }

    fn poll_read(&mut self, _: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        let count = space.len().min(self.input.len());
        if count == 0 {
            return Poll::Pending;
        }
        space[..count].copy_from_slice(&self.input[..count]);
        self.input.drain(..count);
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let count = slices.iter().map(|slice| slice.len()).sum();
        self.written += count;
        Poll::Ready(Ok(count))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(peer())
    }
}

fn peer() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1755))
}

type Link = (Box<Session<Memory, Ready<Answered<Memory>>>>, Wire);

fn turn((session, wire): &mut Link) -> Turn {
    let mut cx = Context::from_waker(Waker::noop());
    session.turn(&mut cx, wire, |host, question| ready(answer(host, question)))
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next().unwrap().parse::<usize>().unwrap();
    let (sessions, steps) = (number(), number());
    let timers = arguments.next().is_some();

    let content = Content::testdata("made/av-256.wmv");
    let hand = ManualClock::default();
    let mut options = ServerOptions::default();
    options.gate = GateLimits { total: usize::MAX, per_address: usize::MAX, ..GateLimits::default() };
    options.clock = hand.clone().into();
    options.connection.mms.unanswered_pings = u32::MAX;
    options.connection.mms.idle_timeout = Duration::MAX;
    let config = options.connection.clone();
    let client = Options::default();
    let mut pair = Pair::with_url("mmst://127.0.0.1/a", content.clone(), client, config, Network::default());
    pair.run_until(|what| what.starts_with("StreamsSwitched"));
    let said = pair.to_server_log;

    let port = UdpPort::listen(SocketAddr::from(([127, 0, 0, 1], 0)), true).unwrap().1.unwrap();
    let doors = Doors::new(options, Memory::new(content));
    let mut table: Table<Link> = Table::new(0);
    for _ in 0..sessions {
        let session = doors.admit(peer(), Some(&port)).unwrap();
        let token = table.vacant();
        table.insert(token, (session, Wire { input: said.clone(), written: 0 }));
        // opening takes a few turns
        for _ in 0..100 {
            match turn(table.get(token).unwrap()) {
                Turn::Yield => {}
                Turn::Sleep(until) => {
                    table.sleep(token, until);
                    break;
                }
                Turn::Over => panic!("the session ended"),
            }
        }
        let (_, wire) = table.get(token).unwrap();
        assert!(wire.input.is_empty() && wire.written >= pair.to_client_log.len(), "{}", wire.written);
        hand.advance(Duration::from_micros(1));
    }
    let written = |table: &mut Table<Link>| -> usize {
        (0..sessions).map(|token| table.get(token).unwrap().1.written).sum()
    };
    let before = written(&mut table);
    for step in 0..steps {
        if timers {
            hand.set(table.wake_at());
            table.expire(hand.now());
        } else {
            table.queue(step % sessions);
        }
        let token = table.pop_ready().unwrap();
        match turn(table.get(token).unwrap()) {
            Turn::Sleep(until) => table.sleep(token, until),
            other => panic!("{other:?}"),
        }
    }
    let after = written(&mut table);
    assert_eq!(after > before, timers && steps > 0, "only timers say something");
}
