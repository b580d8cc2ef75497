//! Where a session of the server stands.

use core::ops::Range;
use core::time::Duration;

/// States in the order of the protocol (section 3.2.1; the steps of INIT are ours).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    AwaitConnect,
    AwaitFunnel,
    AwaitOpen,
    /// The host decides about OpenFile, which stays in the input.
    Opening {
        incarnation: u32,
        name: Range<usize>,
        consumed: usize,
    },
    AwaitReadBlock,
    SendingHeader {
        offset: u32,
        fragment: u32,
        incarnation: u8,
    },
    Ready,
    /// The host looks for the packet of a time.
    Locating {
        time: Duration,
    },
    Streaming,
    /// Everything is said; what is queued still goes out.
    Closing,
    Closed,
}
