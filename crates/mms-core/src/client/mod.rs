//! The client's driver: one face over the client sessions. URL in, ASF out.
//!
//! A [`Client`] names the sockets that it wants and never touches one. Its host connects, moves bytes and
//! sleeps as [`Client::step`] says; it knows no protocol.

mod datagrams;
mod driver;
mod file;
mod socket;
mod udp;

pub use crate::mmsp::client::{
    Acceleration, AuthenticationScheme, Config, Content, Event, Play, Player, Position, Quirks, RedirectKind,
    Statistics, Until,
};
pub use driver::{Client, Options, Step, Storage, Transport, Wanted};
pub use file::FileBytes;
pub use socket::{SocketId, Sockets};
pub use udp::UdpStorage;
