//! Test support for the mms crates; never published.
//!
//! - [`content`]: ASF in memory, and a host that answers a connection's wishes from it
//! - [`metafile_fuzz`]: the fuzz body of metafiles
//! - [`pair`]: a client and a server in memory on one virtual clock
#![allow(clippy::unwrap_used, reason = "test support: a failed unwrap is a failed test")]

pub mod content;
pub mod metafile_fuzz;
pub mod pair;
