//! Test support for the mms crates; never published.
//!
//! - [`content`]: ASF in memory, and a host that answers a connection's wishes from it
//! - [`asf`]: content made up in any size
//! - [`script`]: one end under test, the other written down by the test
//! - [`talk`]: the usual messages of a session
//! - [`vectors`]: the worked examples of the protocol
//! - [`pair`]: a client and a server in memory on one virtual clock
#![allow(
    clippy::unwrap_used,
    clippy::exhaustive_enums,
    clippy::cast_possible_truncation,
    reason = "test support: a failed unwrap is a failed test, and nothing here is published"
)]

pub mod asf;
pub mod content;
pub mod pair;
pub mod script;
pub mod talk;
pub mod vectors;
