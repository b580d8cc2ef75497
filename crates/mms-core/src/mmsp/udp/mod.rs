//! Media over UDP: what is lost is asked for again (sections 2.2.5, 3.1.4.7, 3.2.5.13).
//!
//! ```text
//! server                                                       client
//! packet n ─► ResendRing (identities) ── datagram ─► slot ─► Receiver ─► packets in order
//!                  ▲                                             │
//!                  └────── RequestPacketListResend ──────────────┘
//! ```
//!
//! Pure state: no socket, no clock. Storage is the caller's.

mod bucket;
mod config;
mod header;
mod pair;
mod receiver;
mod request;
mod ring;
mod rows;
mod sequence;
mod statistics;
#[cfg(test)]
mod tests;
mod window;

pub use bucket::{BurstPacer, TokenBucket};
pub use config::Config;
pub use header::{Fragment, HEADER_RETRIES, HeaderCollector, HeaderPart, HeaderTimeout, header_timeout};
pub use pair::PacketPair;
pub use receiver::{Arrival, Receiver, Released, Start};
pub use ring::{Identity, Rejected, ResendConfig, ResendRing, ResendStatistics};
pub use statistics::Statistics;
