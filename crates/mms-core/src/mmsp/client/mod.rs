//! The client side of a session (\[MS-MMSP\] section 3.1).
//!
//! ```text
//! Connect ─► FunnelInfo ─► ConnectFunnel ─► OpenFile ─► ReadBlock ─► Ready ◄─► Streaming ─► Close
//! ```

mod config;
mod event;
mod log;
mod messages;
mod session;
mod state;
#[cfg(test)]
mod tests;

pub use config::{Acceleration, Config, Play, Player, Position, Quirks, Until};
pub(crate) use event::Located;
pub use event::{AuthenticationScheme, Content, Event, Handled, RedirectKind};
pub use messages::Target;
#[cfg(test)]
pub(crate) use session::explored;
pub use session::{Session, Statistics, UdpOrder};
