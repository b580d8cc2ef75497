//! Test support for the mms crates; never published.
//!
//! - [`build`]: ASF headers made by hand
//! - [`content`]: ASF in memory, and a host that answers a connection's wishes from it
//! - [`fuzz`]: bodies of the fuzz targets
//! - [`hostile`]: a client or a server connection under attack, while others go on
//! - [`pair`]: a client and a server in memory on one virtual clock
//! - [`scripted`]: the messages of scripted peers
#![allow(clippy::unwrap_used, reason = "test support: a failed unwrap is a failed test")]

pub mod build;
pub mod content;
pub mod fuzz;
pub mod hostile;
pub mod pair;
pub mod scripted;
