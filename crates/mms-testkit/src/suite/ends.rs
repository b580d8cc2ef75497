//! How sessions end: sides that close, peers that vanish or fall silent, clocks that jump; over TCP and over HTTP.
#![allow(clippy::missing_panics_doc, reason = "tests")]

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use mms_core::client::Event;
use mms_core::error::{Error, TimerName};
use mms_core::server::Outcome;
use mms_core::time::Instant;
use mms_media::{IoLimits, ManualClock};

use super::peers::{End, SCHEMES};
use super::tests::{SHORT, fail, memory, with_scheme};
use super::{Adapter, Log, Memory, peers, unpaced, wait_until};
use crate::content::Content;

/// A half-closed connection of a client ends, and the client can still read what was said.
pub fn a_client_that_closes_its_side_is_done<A: Adapter>() {
    let content = Content::testdata(SHORT);
    let by_mms = peers::said_until(&content, "Opened").by_client;
    for (said, whole) in [(by_mms, &b""[..]), (b"GET /x HTTP/1.0\r\n\r\n".to_vec(), content.bytes())] {
        let host = memory();
        let log = host.log();
        let server = A::serve(host, unpaced());
        let stream = peers::client(server.address, &said);
        let bytes = peers::close_and_read(stream).unwrap();
        assert!(!bytes.is_empty() && bytes.ends_with(whole));
        wait_until("the host is told", || log.ended().len() == 1);
        assert_eq!(log.ended()[0].report.outcome, Outcome::Closed);
    }
}

/// A half-closed connection of a server ends the session with an error in mid-stream, without one at its end.
pub fn a_server_that_closes_its_side_ends_the_session<A: Adapter>() {
    let content = Content::testdata(SHORT);
    for scheme in SCHEMES {
        let whole = peers::media_said(scheme, &content).len();
        for (len, is_whole) in [(whole, true), (whole / 2, false), (20, false), (0, false)] {
            let peer = peers::Peer::new(scheme, &content, len, End::Closes);
            let mut media = Vec::new();
            let result = A::fetch(with_scheme(peer.address, scheme, "content.wmv"), &mut |driver| {
                if let Some(Event::Packet { bytes, .. }) = driver.event() {
                    media.extend_from_slice(bytes);
                }
            });
            assert_eq!(result.is_ok(), is_whole, "{scheme} {len}: {result:?}");
            assert!(content.media().starts_with(&media));
            assert_eq!(media.len() == content.media().len(), is_whole);
            peer.join();
        }
    }
}

/// The time for the first bytes is over.
pub fn a_client_that_says_nothing_is_closed<A: Adapter>() {
    let (host, hand) = (memory(), ManualClock::default());
    let log = host.log();
    let mut options = unpaced();
    options.clock = hand.clone().into();
    let server = A::serve(host, options);
    let mut stream = peers::client(server.address, &[]);
    thread::scope(|scope| {
        let read = scope.spawn(|| stream.read(&mut [0]).unwrap());
        wait_until("the connection is closed", || {
            hand.advance(Duration::from_secs(1));
            log.ended().len() == 1
        });
        assert_eq!(read.join().unwrap(), 0);
    });
    assert_eq!(log.ended()[0].report.outcome, Outcome::Failed(Error::TimedOut(TimerName::Sniff)));
}

/// The server stops reading files when the client stops reading, and closes after a while.
pub fn a_client_that_never_reads_is_closed<A: Adapter>() {
    for scheme in SCHEMES {
        let (host, hand) = (memory().endless(), ManualClock::default());
        let log = host.log();
        let mut options = unpaced();
        options.clock = hand.clone().into();
        let server = A::serve(host, options);
        let _stream = peers::client(server.address, &peers::player(scheme));
        let batches = all_batches(&log);
        assert_eq!(log.ended().len(), 0);
        hand.advance(Duration::from_secs(61));
        wait_until("the connection is closed", || log.ended().len() == 1);
        assert_eq!(log.batches(), batches);
        assert_eq!(log.ended()[0].report.outcome, Outcome::Failed(Error::TimedOut(TimerName::Stall)));
    }
}

/// Batches of packets that were given out when the server stopped sending.
fn all_batches(log: &Log) -> usize {
    let (mut batches, mut equal) = (0, 0);
    // a pause may be that of a busy machine, five in a row are not
    wait_until("the server stops sending", || {
        thread::sleep(Duration::from_millis(100));
        let before = core::mem::replace(&mut batches, log.batches());
        equal = if batches == before && batches > 0 { equal + 1 } else { 0 };
        equal == 5
    });
    batches
}

/// An application that is busy for an hour with each packet finds the others in its socket: the server was not silent.
pub fn a_client_that_was_busy_finds_what_came_meanwhile<A: Adapter>() {
    for scheme in SCHEMES {
        let (host, hand) = (memory(), ManualClock::default());
        let (log, content) = (host.log(), Content::testdata(SHORT));
        let server = A::serve(host, unpaced());
        let mut fetching = with_scheme(server.address, scheme, "x");
        fetching.clock = hand.clone().into();
        fetching.io = IoLimits { read: 1000, ..IoLimits::default() };
        let mut media = Vec::new();
        A::fetch(fetching, &mut |driver| {
            if let Some(Event::Packet { bytes, .. }) = driver.event() {
                if media.is_empty() {
                    all_batches(&log);
                }
                media.extend_from_slice(bytes);
                hand.advance(Duration::from_secs(3600));
            }
        })
        .unwrap();
        assert_eq!(media, content.media());
    }
}

/// A client that waits for an answer gives up.
pub fn a_server_that_says_nothing_is_given_up<A: Adapter>() {
    for scheme in SCHEMES {
        let hand = ManualClock::default();
        let connected = Arc::new(AtomicBool::new(false));
        let (address, peer) = peers::server({
            let connected = Arc::clone(&connected);
            move |mut stream| {
                connected.store(true, Ordering::Release);
                // ends when the client closes
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        let mut fetching = with_scheme(address, scheme, "x");
        fetching.clock = hand.clone().into();
        let over = AtomicBool::new(false);
        let error = thread::scope(|scope| {
            scope.spawn(|| {
                wait_until("the client gives up", || {
                    if connected.load(Ordering::Acquire) {
                        hand.advance(Duration::from_secs(1));
                    }
                    over.load(Ordering::Acquire)
                });
            });
            let error = fail::<A>(fetching);
            over.store(true, Ordering::Release);
            error
        });
        assert!(matches!(error, Error::TimedOut(_)), "{scheme} {error:?}");
        peer.join().unwrap();
    }
}

/// A connection that is reset in mid-stream; another one goes on.
pub fn a_client_that_vanishes_is_noticed<A: Adapter>() {
    for scheme in SCHEMES {
        let host = memory().endless();
        let log = host.log();
        let server = A::serve(host, unpaced());
        let said = peers::player(scheme);
        let mut stream = peers::client(server.address, &said);
        let mut other = peers::client(server.address, &said);
        stream.read_exact(&mut [0; 100_000]).unwrap();
        // bytes that were not read make it a reset
        drop(stream);
        wait_until("the host is told", || log.ended().len() == 1);
        other.read_exact(&mut vec![0; 10_000_000]).unwrap();
        assert_eq!(log.ended().len(), 1);
    }
}

/// The connection is reset before and after the first bytes.
pub fn a_server_that_vanishes_is_noticed<A: Adapter>() {
    let content = Content::testdata(SHORT);
    for scheme in SCHEMES {
        for len in [peers::media_said(scheme, &content).len() / 2, 0] {
            let peer = peers::Peer::new(scheme, &content, len, End::Resets);
            let error = fail::<A>(with_scheme(peer.address, scheme, "content.wmv"));
            let is_told = matches!(error, Error::ConnectionFailed | Error::PeerMisbehaved(_));
            assert!(is_told, "{scheme} {len}: {error:?}");
            peer.join();
        }
    }
}

/// Both clocks jump with every packet, forward by five seconds or back by three.
pub fn a_clock_that_jumps_to_and_fro_loses_nothing<A: Adapter>() {
    for scheme in SCHEMES {
        let hand = ManualClock::default();
        hand.set(Instant::from_millis(3_600_000));
        let content = Content::testdata("made/seek-125s.wmv");
        let mut options = unpaced();
        options.connection = Default::default();
        // on a busy machine the clock may jump far before a task of the server runs again
        options.connection.stall_timeout = Duration::MAX;
        options.connection.mms.handshake_timeout = Duration::MAX;
        options.connection.http.head_timeout = Duration::MAX;
        options.connection.sniff_timeout = Duration::MAX;
        options.connection.mms.unanswered_pings = u32::MAX;
        options.clock = hand.clone().into();
        let server = A::serve(Memory::new(content.clone()), options);
        let mut fetching = with_scheme(server.address, scheme, "x");
        fetching.options.mms.silence_timeout = Duration::MAX;
        fetching.options.mms.reply_timeout = Duration::MAX;
        fetching.options.http.silence_timeout = Duration::MAX;
        fetching.options.http.reply_timeout = Duration::MAX;
        fetching.options.connect_timeout = Duration::MAX;
        fetching.options.open_timeout = Duration::MAX;
        fetching.options.header_timeout = Duration::MAX;
        fetching.options.media_timeout = Duration::MAX;
        fetching.clock = hand.clone().into();
        let (mut forward, mut media) = (false, Vec::new());
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            // what is due is sent in the end, however far back the clock was set
            scope.spawn(|| {
                wait_until("the stream ends", || {
                    hand.advance(Duration::from_millis(5));
                    over.load(Ordering::Acquire)
                });
            });
            A::fetch(fetching, &mut |driver| {
                if let Some(Event::Packet { bytes, .. }) = driver.event() {
                    media.extend_from_slice(bytes);
                    forward = !forward;
                    match forward {
                        true => hand.advance(Duration::from_secs(5)),
                        false => hand.set(hand.now().before(Duration::from_secs(3))),
                    }
                }
            })
            .unwrap();
            over.store(true, Ordering::Release);
        });
        assert!(media == content.media());
    }
}

/// A clock that jumps by a year may end the session, but nothing else.
pub fn a_clock_that_jumps_far_ends_at_most_its_session<A: Adapter>() {
    for scheme in SCHEMES {
        let hand = ManualClock::default();
        let content = Content::testdata("made/seek-125s.wmv");
        let mut options = unpaced();
        options.connection = Default::default();
        options.clock = hand.clone().into();
        let server = A::serve(Memory::new(content.clone()), options);
        let mut fetching = with_scheme(server.address, scheme, "x");
        fetching.clock = hand.clone().into();
        let (mut jumped, mut media) = (false, Vec::new());
        let result = A::fetch(fetching, &mut |driver| {
            if let Some(Event::Packet { bytes, .. }) = driver.event() {
                media.extend_from_slice(bytes);
                if !core::mem::replace(&mut jumped, true) {
                    hand.advance(Duration::from_secs(365 * 86_400));
                }
            }
        });
        assert!(jumped && content.media().starts_with(&media));
        assert!(result.is_err() || media == content.media(), "{result:?}");
        let mut fetching = with_scheme(server.address, scheme, "x");
        fetching.options.play = None;
        A::fetch(fetching, &mut |driver| {
            if let Some(Event::HeaderPart { last: true, .. }) = driver.event() {
                driver.close();
            }
        })
        .unwrap();
    }
}
