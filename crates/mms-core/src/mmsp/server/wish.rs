//! What a session reports to its host and asks of it.

use core::ops::Range;
use core::time::Duration;

use crate::mmsp::wire::{ClientLog, Message, Subscriber};

/// What a session reports to its host.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "an event is lent for one look, and without alloc there is no box"
)]
pub enum Event<'a> {
    /// The client named itself.
    Connected {
        /// Product, version and player id.
        subscriber: Subscriber,
    },
    /// The client logged what it received (section 2.2.4.20).
    Log(ClientLog<'a>),
}

/// An event whose bytes are a range of the input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Located {
    Connected(Subscriber),
    Log(Range<usize>),
}

const _: () = assert!(size_of::<Located>() <= 64);

impl Located {
    pub(crate) fn lend<'a>(&self, input: &'a [u8]) -> Option<Event<'a>> {
        match self {
            Self::Connected(subscriber) => Some(Event::Connected { subscriber: *subscriber }),
            Self::Log(range) => {
                let bytes = input.get(range.clone())?;
                match Message::decode(bytes) {
                    Ok((Message::Logging(log), _)) => Some(Event::Log(log)),
                    _ => None,
                }
            }
        }
    }
}

/// What a session asks of its host. A wish stays raised until it is answered or withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaWish {
    /// May this client open the name that [`Session::name`](super::Session::name) lends? Answer:
    /// [`Session::opened`](super::Session::opened) or [`Session::refused`](super::Session::refused).
    Open,
    /// Bytes of the ASF header from `offset` on, at most `len`. Each fragment sent answers with
    /// [`Session::frame_header`](super::Session::frame_header).
    Header {
        /// Offset of the first byte.
        offset: u32,
        /// Most bytes.
        len: u32,
    },
    /// Which packet belongs to this time? Answer: [`Session::located`](super::Session::located).
    Locate {
        /// Time of the content.
        time: Duration,
    },
    /// Packets from this one on. Each packet sent answers with [`Session::frame`](super::Session::frame).
    Packets {
        /// Number of the first packet.
        from: u32,
        /// Which packets follow one another.
        order: Order,
    },
}

/// Which packets follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// Every packet.
    #[default]
    All,
    /// Fast forward: the packets of the key frames.
    KeyFrames,
    /// Rewind: the packets of the key frames, the last key frame first. Within a key frame they ascend.
    KeyFramesBackward,
}

const _: () = assert!(size_of::<MediaWish>() <= 24);
