//! Test support for the mms crates; never published.
//!
//! - [`content`]: ASF in memory, and a host that answers a connection's wishes from it
//! - [`netem`]: a network that loses, delays, doubles and reorders datagrams
//! - [`pair`]: a client and a server in memory on one virtual clock
//! - [`udp`]: media over UDP across a simulated network
#![allow(clippy::unwrap_used, reason = "test support: a failed unwrap is a failed test")]

pub mod content;
pub mod netem;
pub mod pair;
pub mod udp;
