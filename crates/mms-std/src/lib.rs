//! Microsoft Media Server protocols over blocking calls: sockets and readiness by mio, no runtime.
//!
//! - [`Client`] fetches a stream: events, or the bytes of an ASF file through [`Reader`]
//! - [`Server`] serves what a [`mms_media::Host`] publishes, all connections on one thread
//!
//! Both own sockets and a driver of `mms-core`, and know no protocol.

mod bell;
mod client;
mod reader;
mod server;
mod socket;

pub use client::{Client, Closer};
pub use mms_media::adapter::ServerOptions;
pub use reader::Reader;
pub use server::{Server, Stopper};
