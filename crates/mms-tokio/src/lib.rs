//! Microsoft Media Server protocols over tokio.
//!
//! - [`Client`] fetches a stream: events, or the bytes of an ASF file through [`Reader`]
//! - [`Server`] serves what a [`mms_media::Host`] publishes
//!
//! Both own sockets and a driver of `mms-core`, and know no protocol. Dropping a future at any await loses
//! nothing: what is half read or half written lies in the driver.

mod client;
mod reader;
mod server;
mod socket;

pub use client::Client;
pub use mms_media::adapter::ServerOptions;
pub use reader::Reader;
pub use server::Server;
