//! What a server publishes: files, folders and the packets in them.
//!
//! ```text
//! paths -> Catalogue::scan -> Catalogue (names) + Problems
//!                                 |
//! connection -> Wish -> Question -> Feed (one clone for each connection) -> Answer -> connection
//! listener   -> Gate::admit -> Permit, held as long as the connection lives
//! ```
//!
//! The adapters know the trait [`Host`] only, so something else than files can be published as well.
//! What adapters to a runtime share is in [`adapter`]. Requested names are looked up in the catalogue; they never reach the file system.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod adapter;
mod catalogue;
mod disk;
mod feed;
mod gate;
mod host;
mod indexes;
mod key_frames;
mod name;
mod output;
mod packets;
mod page;
mod probe;
mod remux;
mod repair;
mod scan;
mod selected;
mod system;
#[cfg(test)]
mod tests;

pub use catalogue::{Catalogue, Entry};
pub use feed::Feed;
pub use gate::{Full, Gate, GateLimits, Permit};
pub use host::{Answer, Ended, Host, HttpQuery, Query, Question};
pub use indexes::{FinishedIndexes, Indexes};
pub use output::RewriteError;
pub use packets::Packets;
pub use probe::{MediaInfo, Unservable};
pub use remux::{RemuxOptions, remux, remux_to};
pub use repair::{Repaired, Source, repair, repair_to};
pub use scan::{Problem, Reason, ScanError, ScanLimits};
pub use system::{Clock, IoLimits, ManualClock, bind_udp, listen, listen_with_udp, random};
