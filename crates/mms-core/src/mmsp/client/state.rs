//! Where a session of the client stands, and what it is about to say.

use super::config::Play;
use crate::hresult::Hresult;
use crate::mmsp::wire::StreamSwitchEntry;
use crate::time::Instant;

/// States in the order of the protocol (section 3.1.1; the steps of INIT are ours).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    AwaitConnected,
    AwaitFunnelInfo {
        received: u8,
        first_at: Instant,
    },
    AwaitFunnel,
    AwaitOpenFile,
    AwaitHeader,
    Ready,
    /// StreamSwitch is on its way; Start follows its reply.
    Switching,
    /// StartPlaying or StartStriding is on its way, sent or about to be.
    Starting {
        sent: bool,
    },
    Streaming,
    /// StopPlaying is on its way. `unasked`: not by the application's wish.
    Stopping {
        then: Option<Play>,
        unasked: bool,
    },
    /// The stream has ended, but not all datagrams are there.
    Ending {
        hr: Hresult,
        more: bool,
    },
    /// A StreamChange came; the header of the new entry follows.
    EntryChange,
    Closing,
    Closed,
}

/// A message that waits to be encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Intent {
    Connect,
    FunnelInfo,
    ConnectFunnel,
    OpenFile,
    ReadBlock,
    CancelReadBlock,
    SwitchAll,
    SwitchOne(StreamSwitchEntry),
    Start,
    Stop,
    Log,
    Close,
    Pong,
}

impl State {
    /// Whether the content was opened and its header is or was there.
    pub(super) fn is_open(self) -> bool {
        matches!(
            self,
            Self::Ready
                | Self::Switching
                | Self::Starting { .. }
                | Self::Streaming
                | Self::Stopping { .. }
                | Self::Ending { .. }
                | Self::EntryChange
        )
    }
}
