//! What `mms get` says at the end.

use serde::Serialize;

use crate::exit::Kind;
use crate::text::{clock, count};

/// The object that `--json` prints.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Without user name and password.
    pub(crate) url: String,
    /// `None` before a session was there.
    pub(crate) transport: Option<&'static str>,
    /// Bytes written: header and packets.
    pub(crate) bytes: u64,
    pub(crate) packets_received: u64,
    pub(crate) packets_missing: u64,
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

impl Summary {
    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let media = core::time::Duration::try_from_secs_f64(self.media_seconds).unwrap_or_default();
        format!(
            "{}: {}, {}, {} of media in {:.2} s",
            self.output.as_deref().unwrap_or("nothing kept"),
            count(self.packets_received, "packet"),
            count(self.bytes, "byte"),
            clock(media),
            self.duration_seconds,
        )
    }
}
