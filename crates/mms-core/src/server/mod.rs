//! The server's driver: one face over the server sessions. Any first byte in, ASF out.
//!
//! A [`Connection`] is an accepted socket without the socket. Its host moves bytes, answers wishes and
//! sleeps as [`Connection::step`] says; it knows no protocol. The loop is that of the [client](crate::client), where both are shown
//! together, with one socket and without its names, and with wishes beside it.
//!
//! | [`Step`] | do | then call |
//! |---|---|---|
//! | `Event` | look at [`event`](Connection::event), if you like | nothing; the next step takes the event away |
//! | `Storage { needed }` | find `needed` bytes or more | [`replace_storage`](Connection::replace_storage); or drop the connection |
//! | `Wait { read, write, until }` | answer wishes; read and write once where the socket is ready; if nothing is, sleep until something is or the clock shows `until` | [`filled`](Connection::filled), [`end_of_stream`](Connection::end_of_stream), [`written`](Connection::written), [`connection_failed`](Connection::connection_failed) |
//! | `Done` | close the socket | [`report`](Connection::report) says how it went |
//!
//! # Wishes
//!
//! While it waits, [`Connection::next_wish`] hands out what only the host can know, each wish once. Its answer carries the
//! [`Ticket`] and may come at once, later, or never: everything else goes on meanwhile. An answer to a wish that was withdrawn (the
//! client seeks, or leaves) returns `false` and does nothing.
//!
//! | [`Ask`] | the host answers with |
//! |---|---|
//! | `Open` | [`opened`](Connection::opened): what it is, see [`Opened`]; or [`refused`](Connection::refused) |
//! | `Header` | [`header`](Connection::header): bytes of the header from `offset` on, at least one; `max_bytes` are enough |
//! | `Packets` | [`packets`](Connection::packets): whole packets from `from` on, one or more, at most `max_bytes` unless one is larger; [`ended`](Connection::ended) behind the last |
//! | `Locate` | [`located`](Connection::located): the number of the packet that belongs to the time; asked only if [`Opened::seekable`] |
//! | `Again` | [`packets`](Connection::packets) with that packet, or [`ended`](Connection::ended); only with media in datagrams |
//! | `Bytes` | [`bytes`](Connection::bytes): bytes of the file as it is; only over HTTP |
//! | any, if it cannot | [`failed`](Connection::failed), with the HRESULT for the client |
//!
//! Bytes are a handle `H` that lends a slice (`&[u8]`, `Arc<[u8]>`) and is cloned for each packet that waits to be written; nothing is copied. A header
//! is the Header Object and the first 50 bytes of the Data Object; a packet is one of the ASF data packets behind them, all of
//! [`Opened::packet_size`] bytes. Packets are numbered from 0, times are [`Duration`](core::time::Duration)s from the beginning, bit rates bits per second.
//!
//! Pacing, slow readers, time-outs, pings and limits are the connection's own affair: it stops asking, and sets `until`.
//! [`Config`] has the settings.

mod answers;
mod config;
mod connection;
#[cfg(feature = "http")]
mod http;
#[cfg(not(feature = "http"))]
#[path = "no_http.rs"]
mod http;
mod media;
mod protocol;
mod queue;
mod report;
mod rounds;
mod staged;
mod udp;
mod wish;

pub use crate::mmsp::server::Order;
#[cfg(feature = "http")]
pub use crate::wmsp::server::{Key, Location, Record, Table, Wakes};
pub use config::Config;
pub use connection::{Accepted, Connection, Event, Step, Storage};
pub use report::{Outcome, Report, Transport};
pub use udp::{Datagram, UdpStorage};
pub use wish::{Ask, HttpRequest, Opened, Refusal, Ticket, Wish};
