//! MMS over TCP and UDP, \[MS-MMSP\].

pub mod client;
pub mod server;
pub mod udp;
pub mod wire;
