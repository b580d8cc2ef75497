//! MMS over TCP and UDP, \[MS-MMSP\].

pub mod wire;
