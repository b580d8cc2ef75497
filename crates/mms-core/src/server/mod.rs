//! The server's driver: one face over the server sessions. Any first byte in, ASF out.
//!
//! A [`Connection`] is an accepted socket without the socket. Its host moves bytes, answers wishes and
//! sleeps as [`Connection::step`] says; it knows no protocol.

mod connection;
mod queue;
mod wish;

pub use connection::{Accepted, Config, Connection, Event, Outcome, Report, Step, Storage, Transport};
pub use wish::{Ask, Opened, Refusal, Ticket, Wish};
