//! The server side of a session (\[MS-MMSP\] section 3.2).
//!
//! ```text
//! Connect ─► (FunnelInfo) ─► ConnectFunnel ─► OpenFile ─► ReadBlock ─► header ─► Ready ◄─► Streaming
//! ```

mod config;
mod session;
#[cfg(test)]
mod tests;

pub use config::{Config, Content, Pace, Quirks};
pub(crate) use session::Located;
pub use session::{Event, MediaWish, Session};
