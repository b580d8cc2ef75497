//! Test support for the mms crates; never published.
//!
//! - [`content`]: ASF in memory, and a host that answers a connection's wishes from it
//! - [`pair`]: a client and a server in memory on one virtual clock
//! - [`suite`]: what every adapter to a runtime must do, over real sockets
#![allow(clippy::unwrap_used, reason = "test support: a failed unwrap is a failed test")]
#![allow(clippy::std_instead_of_core, clippy::exhaustive_enums, reason = "never published, runs on std only")]

pub mod content;
pub mod pair;
pub mod suite;
