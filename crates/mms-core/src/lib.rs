//! The Sans-IO core of **mms**, a memory-safe Microsoft Media Server stack.
//!
//! It does no I/O, allocates nothing and never reads a clock: bytes, time and randomness come in as
//! arguments, bytes to write and events go out as values.
//!
//! ```toml
//! [dependencies]
//! mms-core = "0.1"
//! ```
//!
//! Rust 1.88 or later; any edition will do, while the examples are written in edition 2024. The feature `http` is on by default; a
//! device that speaks MMS only does without it (`default-features = false`). `arbitrary` is for fuzzing.
//!
//! # When do I call what
//!
//! ```text
//!            your loop                               client::Client
//!   ┌──────────────────────────┐   step(now)   ┌────────────────────────┐
//!   │ Connect, Close           │ ◄──────────── │ what the host does now │
//!   │   connected, .._failed ──┼─────────────► │                        │
//!   │ Wait, socket readable    │               │                        │
//!   │   read into space()    ──┼─ filled(n) ─► │ deframer ► session ─┐  │
//!   │ Wait, socket writable    │               │                     │  │
//!   │   write pending()      ──┼─ written(n) ► │ requests ◄──────────┤  │
//!   │ Event                    │               │                     │  │
//!   │   look at event()      ◄─┼────────────── │ borrows the input ◄─┘  │
//!   │ Storage: replace_storage │               │                        │
//!   │ Done: error()?           │               │                        │
//!   └──────────────────────────┘               └────────────────────────┘
//! ```
//!
//! [`client::Client::step`] says what comes next, and is called again after it was done. An event is lent
//! until the next step. Always wait for both directions at once. A server's [`server::Connection`] has the
//! same shape; beside it hands out wishes (open this name, packets from n) that its host answers at once or
//! later.
//!
//! - [`client`] says what each step wants of a client's host, in tables, with a whole session that runs
//! - [`server`] says the same of a server's host, and what it answers to each wish
//! - [`FileBytes`](client::FileBytes) makes a file of what a client gets; [`asf`] takes packets and headers apart
//! - the tutorial *Embed mms in your own runtime* (`embedding` in these pages) has both sides over sockets
//!
//! A whole client over one blocking socket. It breaks the rule of both directions, since a blocking socket waits for one; it
//! gets through because the requests of a client are small. The adapters `mms-std` and `mms-tokio` and the tutorial keep the
//! rule. It takes `mmst` only: HTTP may want a second socket.
//!
//! ```no_run
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! use mms_core::client::{Client, Event, Options, SocketId, Step, Storage};
//! use mms_core::time::Instant;
//!
//! let began = std::time::Instant::now();
//! let storage = Storage { receive: vec![0; 65536], send: vec![0; 4096] };
//! let mut client = Client::new("mmst://media.example.com/music.wma", Options::default(), storage)?;
//! let mut socket = None;
//! let mut bytes = 0;
//! loop {
//!     let now = Instant::from_millis(u64::try_from(began.elapsed().as_millis())?);
//!     match client.step(now) {
//!         Step::Connect(id) => {
//!             let wanted = client.wanted(id);
//!             match TcpStream::connect((wanted.host, wanted.port)) {
//!                 Ok(stream) => {
//!                     client.connected(id, stream.local_addr()?);
//!                     socket = Some(stream);
//!                 }
//!                 Err(_) => client.connection_failed(id),
//!             }
//!         }
//!         Step::Close(_) => socket = None,
//!         Step::Event => match client.event() {
//!             Some(Event::Packet { bytes: packet, .. }) => bytes += packet.len(),
//!             Some(other) => println!("{other:?}"),
//!             None => {}
//!         },
//!         Step::Storage { needed } => drop(client.replace_storage(vec![0; needed])),
//!         Step::Wait { read, write, until } => {
//!             let (Some(stream), id) = (&mut socket, SocketId::CONTROL) else { continue };
//!             if write.contains(id) {
//!                 match stream.write(client.pending(id)) {
//!                     Ok(count) => client.written(id, count),
//!                     Err(_) => client.connection_failed(id),
//!                 }
//!             } else if read.contains(id) {
//!                 // a moment in the past means at once; a time-out of zero is not allowed
//!                 let patience = until.since(now).clamp(core::time::Duration::from_millis(1), core::time::Duration::from_secs(60));
//!                 stream.set_read_timeout(Some(patience))?;
//!                 match stream.read(client.space(id)) {
//!                     Ok(0) => client.end_of_stream(id),
//!                     Ok(count) => client.filled(id, count),
//!                     Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
//!                     Err(_) => client.connection_failed(id),
//!                 }
//!             }
//!         }
//!         Step::Done => break,
//!         _ => client.no_progress(),
//!     }
//! }
//! match client.error() {
//!     None => println!("{bytes} bytes of media"),
//!     Some(error) => return Err(error.into()),
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
#![no_std]
#![cfg_attr(
    not(test),
    warn(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic,
        clippy::expect_used,
        clippy::unreachable,
        clippy::todo
    )
)]
#![cfg_attr(
    not(feature = "http"),
    allow(dead_code, unused_imports, reason = "what only HTTP uses; with it everything is used")
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

#[cfg(test)]
extern crate self as mms_core;
#[cfg(test)]
extern crate std;

pub mod asf;
mod buffer;
pub mod client;
#[cfg(all(doc, not(doctest)))]
#[doc = include_str!("../embedding.md")]
pub mod embedding {}
pub mod error;
pub mod hresult;
pub mod metafile;
pub mod mmsp;
pub mod rollover;
pub mod selection;
pub mod server;
#[cfg(test)]
mod states;
pub mod text;
pub mod time;
mod timer;
pub mod url;
#[cfg(feature = "http")]
pub mod wmsp;
