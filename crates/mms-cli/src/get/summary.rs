//! What `mms get` says at the end.

use mms_core::mmsp::udp::Statistics;
use serde::Serialize;

use crate::client::AttemptInfo;
use crate::exit::Kind;
use crate::text::{clock, count};

/// The object that `--json` prints.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Without user name and password.
    pub(crate) url: String,
    /// `None` before a session was there.
    pub(crate) transport: Option<String>,
    /// Each transport that the URL names, in the order of trying, and what it met.
    pub(crate) attempts: Vec<AttemptInfo>,
    /// Whether it was a plain file of a web server, and no stream.
    pub(crate) plain_file: bool,
    /// Bytes written: header and packets.
    pub(crate) bytes: u64,
    pub(crate) packets_received: u64,
    pub(crate) packets_missing: u64,
    /// What the network did to packets; `None` over MMS/TCP.
    pub(crate) network: Option<Network>,
    /// Time that it took.
    pub(crate) duration_seconds: f64,
    /// Time of the content that the packets cover.
    pub(crate) media_seconds: f64,
    /// Where it lies now; `None` if nothing was kept.
    pub(crate) output: Option<String>,
    /// Whether all that was asked for is there.
    pub(crate) complete: bool,
    pub(crate) error: Option<String>,
    pub(crate) error_kind: Option<Kind>,
}

/// Packets on their way.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Network {
    pub(crate) received: u64,
    /// Whose first copy did not come, or came too late.
    pub(crate) lost: u64,
    /// Numbers asked for, each time counted.
    pub(crate) requested: u64,
    /// Which came after they were asked for.
    pub(crate) recovered: u64,
}

impl From<Statistics> for Network {
    fn from(statistics: Statistics) -> Self {
        Self {
            received: statistics.packets_received,
            lost: statistics.packets_lost_net,
            requested: statistics.resend_requests,
            recovered: statistics.packets_recovered_resent,
        }
    }
}

impl Network {
    /// Of a transport that loses nothing.
    pub(crate) fn reliable(received: u64) -> Self {
        Self { received, lost: 0, requested: 0, recovered: 0 }
    }
}

impl Summary {
    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let media = core::time::Duration::try_from_secs_f64(self.media_seconds).unwrap_or_default();
        format!(
            "{}: {}, {}, {} of media in {:.2} s{}",
            self.output.as_deref().unwrap_or("nothing kept"),
            count(self.packets_received, "packet"),
            count(self.bytes, "byte"),
            clock(media),
            self.duration_seconds,
            self.transport.as_ref().map(|transport| format!(" over {transport}")).unwrap_or_default(),
        )
    }
}
