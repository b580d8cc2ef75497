//! The server's driver: one face over the server sessions. Any first byte in, ASF out.
//!
//! A [`Connection`] is an accepted socket without the socket. Its host moves bytes, answers wishes and
//! sleeps as [`Connection::step`] says; it knows no protocol.

mod answers;
mod config;
mod connection;
mod media;
mod protocol;
mod queue;
mod report;
mod rounds;
mod staged;
mod udp;
mod wish;

pub use crate::mmsp::server::Order;
pub use crate::wmsp::server::{Key, Location, Record, Table, Wakes};
pub use config::Config;
pub use connection::{Accepted, Connection, Event, Step, Storage};
pub use report::{Outcome, Report, Transport};
pub use udp::{Datagram, UdpStorage};
pub use wish::{Ask, HttpRequest, Opened, Refusal, Ticket, Wish};
