//! What became of a connection.

use crate::error::Error;

/// The protocol that a connection spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// Nothing was said.
    None,
    /// MMS with media over TCP.
    MmsTcp,
    /// MMS with media over UDP.
    MmsUdp,
    /// MMS over HTTP, or plain HTTP.
    Http,
}

impl core::fmt::Display for Transport {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::MmsTcp => "MMS/TCP",
            Self::MmsUdp => "MMS/UDP",
            Self::Http => "HTTP",
        })
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It goes on.
    Open,
    /// The client said that it closes, or closed.
    Closed,
    /// The host shut it down.
    ShutDown,
    /// It failed.
    Failed(Error),
}

/// What a connection did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The protocol.
    pub transport: Transport,
    /// Media packets written in full.
    pub packets: u64,
    /// Bytes of files and texts written by plain HTTP, in whole pieces.
    pub bytes: u64,
    /// Number of the packet that media last started with.
    pub started_at: Option<u32>,
    /// Whether the content was sent to its end at least once.
    pub completed: bool,
    /// How it ended.
    pub outcome: Outcome,
}
