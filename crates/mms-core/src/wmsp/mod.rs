//! MMS over HTTP, \[MS-WMSP\]: wire, client and server.

pub mod client;
pub mod server;
pub mod wire;
