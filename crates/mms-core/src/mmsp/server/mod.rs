//! The server side of a session (\[MS-MMSP\] section 3.2).
//!
//! ```text
//! Connect ─► (FunnelInfo) ─► ConnectFunnel ─► OpenFile ─► ReadBlock ─► header ─► Ready ◄─► Streaming
//! ```

mod config;
mod pacing;
mod replies;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod wish;

pub use config::{Config, Content, Pace, Quirks};
pub(crate) use pacing::{Pacing, StopAt};
pub use session::Session;
#[cfg(test)]
pub(crate) use session::explored;
pub(crate) use wish::Located;
pub use wish::{Event, MediaWish, Order};
