//! The client side of a session (\[MS-WMSP\] section 3.1), without pipelining.
//!
//! ```text
//!            streaming connection              short connections
//! Describe ─► header ─► Ready ◄─► Play         Log, KeepAlive, SelectStream
//!        └──► a plain file, or a metafile
//! ```
//!
//! A session wants at most two connections at a time ([`Session::poll_connection`]). Stopping is closing the
//! streaming one; each other request has a short one of its own.

mod config;
mod event;
mod link;
mod request;
mod session;

pub use crate::mmsp::client::{
    Acceleration, AuthenticationScheme, Content, Handled, Play, Player, Position, RedirectKind, Statistics,
    Until,
};
pub use config::{Config, Quirks, Target};
pub use event::Event;
pub(crate) use event::Located;
pub use link::{ConnectionId, ConnectionWish};
pub use session::Session;
#[cfg(test)]
pub(crate) use session::explored;
