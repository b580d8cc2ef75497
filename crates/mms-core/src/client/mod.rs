//! The client's driver: one face over the client sessions. URL in, ASF out.
//!
//! A [`Client`] names the sockets that it wants and never touches one. Its host connects, moves bytes and
//! sleeps as [`Client::step`] says; it knows no protocol.

mod commands;
mod datagrams;
mod driver;
mod event;
mod file;
mod http;
mod options;
mod place;
mod protocol;
mod proxy;
mod socket;
mod udp;

pub use crate::mmsp::client::{
    Acceleration, AuthenticationScheme, Config, Content, Play, Player, Position, Quirks, RedirectKind,
    Statistics, Until,
};
pub use crate::rollover::{Attempt, Outcome, Transport, Transports};
pub use crate::wmsp::client::{Config as HttpConfig, Quirks as HttpQuirks};
pub use driver::Client;
pub use event::Event;
pub use file::FileBytes;
pub use options::{Options, Step, Storage, Wanted};
pub use proxy::Proxy;
pub use socket::{SocketId, Sockets};
pub use udp::UdpStorage;
