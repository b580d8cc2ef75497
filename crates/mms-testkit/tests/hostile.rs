//! Input that broke other programs, one test or more for each row of the list of such input that concerns MMS.
//!
//! Each test asserts the kind of the error and its place, that a good client fetches the same content meanwhile,
//! and that the heap stays within a limit that has a name: see [`mms_testkit::hostile`].
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "hostile/header.rs"]
mod header;
#[path = "hostile/media.rs"]
mod media;
#[path = "hostile/messages.rs"]
mod messages;
#[path = "hostile/observers.rs"]
mod observers;
#[path = "hostile/servers.rs"]
mod servers;
#[path = "hostile/table.rs"]
mod table;

use mms_alloc_test::Counting;
use mms_core::client::Options;
use mms_core::error::{Error, LimitName, Reason};
use mms_testkit::content::Content;
use mms_testkit::hostile::{Attack, Fate, attack_client, attack_server, unpaced};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What the host publishes.
fn content() -> Content {
    Content::testdata("made/av-256.wmv")
}

/// The fate of a client that meets these replies, within its heap.
fn client_meets(chunks: &[Vec<u8>]) -> Fate {
    client_under(&Attack::new(chunks))
}

fn client_under(attack: &Attack<'_>) -> Fate {
    let fate = attack_client(&content(), Options::default(), attack);
    fate.assert_client_heap();
    fate
}

/// The fate of a connection that meets these requests, within its heap.
fn server_meets(chunks: &[Vec<u8>]) -> Fate {
    server_under(&Attack::new(chunks))
}

fn server_under(attack: &Attack<'_>) -> Fate {
    let fate = attack_server(&content(), unpaced(), attack);
    fate.assert_server_heap();
    fate
}

/// Bytes of all pieces: the place in the connection where the next one begins.
fn len(chunks: &[Vec<u8>]) -> usize {
    chunks.iter().map(Vec::len).sum()
}

fn invalid(reason: Reason, offset: usize) -> Option<Error> {
    Some(Error::InvalidMessage { reason, offset: offset as u64 })
}

fn limit(limit: LimitName, found: u32, allowed: u32) -> Option<Error> {
    Some(Error::Limit { limit, found, allowed })
}

/// Pieces with one more behind them.
fn and(mut chunks: Vec<Vec<u8>>, more: Vec<u8>) -> Vec<Vec<u8>> {
    chunks.push(more);
    chunks
}

/// A number of 32 bits, put into bytes.
fn put(bytes: &mut [u8], offset: usize, value: u32) {
    bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
}
