//! What the interoperability tests share: bounded processes, a running server, peer programs, packet comparison.

pub(crate) mod asf;
pub(crate) mod fetch;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod server;
