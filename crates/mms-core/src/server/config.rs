//! What a connection is told.

use core::time::Duration;

use crate::mmsp;
use crate::mmsp::udp::ResendConfig;

/// Settings of a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Settings of MMS sessions.
    pub mms: mmsp::server::Config,
    /// Settings of sessions over HTTP.
    #[cfg(feature = "http")]
    pub http: crate::wmsp::server::Config,
    /// How much of what was lost on UDP is sent again.
    pub resend: ResendConfig,
    /// Ours: how long the first bytes may take; and a connection that is turned away, from its first byte to its last.
    pub sniff_timeout: Duration,
    /// Ours: how long a client may read nothing while bytes wait for it; one that pauses without saying so looks the same.
    pub stall_timeout: Duration,
    /// Ours: how long the last bytes may take after [`Connection::shut_down`](super::Connection::shut_down).
    pub shut_down_timeout: Duration,
    /// Most bytes that one answer of the host carries; four times as many where datagrams leave faster than they are delivered.
    pub batch_bytes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mms: mmsp::server::Config::default(),
            #[cfg(feature = "http")]
            http: crate::wmsp::server::Config::default(),
            resend: ResendConfig::default(),
            sniff_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(60),
            shut_down_timeout: Duration::from_secs(5),
            batch_bytes: 65536,
        }
    }
}
