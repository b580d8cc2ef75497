//! Test support for the mms crates; never published.
//!
//! - [`build`]: ASF headers made by hand
//! - [`content`]: ASF in memory, and a host that answers a connection's wishes from it
//! - [`asf`]: content made up in any size
//! - [`fuzz`]: bodies of the fuzz targets
//! - [`hostile`]: a client or a server connection under attack, while others go on
//! - [`netem`]: a network that loses, delays, doubles and reorders datagrams
//! - [`pair`]: a client and a server in memory on one virtual clock
//! - [`script`]: one end under test, the other written down by the test
//! - [`scripted`]: the messages of scripted peers
//! - [`suite`]: what every adapter to a runtime must do, over real sockets
//! - [`talk`]: the usual messages of a session
//! - [`udp`]: media over UDP across a simulated network
//! - [`vectors`]: the worked examples of the protocol
//! - [`web`]: scripted servers for a client over HTTP
//! - [`web_pair`]: a client and a server over HTTP in memory
#![allow(
    clippy::unwrap_used,
    clippy::exhaustive_enums,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    reason = "test support: a failed unwrap is a failed test, and nothing here is published"
)]

pub mod asf;
pub mod build;
pub mod content;
pub mod fuzz;
pub mod hostile;
pub mod http;
pub mod netem;
pub mod pair;
pub mod script;
pub mod scripted;
pub mod suite;
pub mod talk;
pub mod udp;
pub mod vectors;
pub mod web;
pub mod web_pair;
