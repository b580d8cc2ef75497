//! The server side (\[MS-WMSP\] section 3.2), without pipelining.
//!
//! ```text
//! accepted connection ─► Session: heads, bodies, replies, framing      one for each connection
//! client-id           ─► Record in a Table: state, owner, orders       one for each client, in the host's storage
//! ```
//!
//! A request that needs its record is a wish; [`Table::attend`] answers it and brings the owner of a stream the
//! orders that came in on other connections. Media never touches the table.

mod config;
mod media;
mod reply;
mod request;
mod session;
mod table;

pub use config::{Config, Content, Location, Media, Quirks};
pub use media::FrameBytes;
pub use request::RequestKind;
pub(crate) use session::Located;
#[cfg(test)]
pub(crate) use session::explored;
pub use session::{Event, MediaWish, Session};
pub use table::{Answer, Key, Orders, Record, Request, Table, Wakes};
