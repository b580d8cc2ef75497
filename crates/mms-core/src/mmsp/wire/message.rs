//! The messages, and the envelope that they share.

use crate::error::{BufferTooSmall, DecodeError, Reason};

use super::cursor::{Reader, Writer};
use super::{
    CancelReadBlock, ClientLog, CloseFile, Connect, ConnectFunnel, FunnelInfo, Mid, OpenFile, ReadBlock,
    ReportConnectedEx, ReportConnectedFunnel, ReportDisconnectedFunnel, ReportEndOfStream, ReportFunnelInfo,
    ReportOpenFile, ReportReadBlock, ReportRedirect, ReportStartStriding, ReportStartedPlaying,
    ReportStreamChange, ReportStreamSwitch, SecurityChallenge, SecurityResponse, StartPlaying, StartStriding,
    StopPlaying, StreamSwitch, TcpMessageHeader,
};

/// Bytes of `chunkLen` and `MID`.
const ENVELOPE: usize = 8;

/// One message of either direction (section 2.2.4).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "a message lives on the stack for one call, and without alloc there is no box"
)]
pub enum Message<'a> {
    /// The client introduces itself.
    Connect(Connect<'a>),
    /// The client says where media shall go.
    ConnectFunnel(ConnectFunnel<'a>),
    /// The client opens a file.
    OpenFile(OpenFile<'a>),
    /// The client wants media.
    StartPlaying(StartPlaying),
    /// The client wants no more media.
    StopPlaying(StopPlaying),
    /// The client has finished.
    CloseFile(CloseFile),
    /// The client asks for the ASF header.
    ReadBlock(ReadBlock),
    /// The client asks for its identifier.
    FunnelInfo(FunnelInfo),
    /// The client's credentials.
    SecurityResponse(SecurityResponse<'a>),
    /// The client answers a Ping (section 2.2.4.22).
    Pong,
    /// The client no longer waits for the ASF header.
    CancelReadBlock(CancelReadBlock),
    /// The client wants fast forward or rewind.
    StartStriding(StartStriding),
    /// The client reports about a play-out (section 2.2.4.20).
    Logging(ClientLog<'a>),
    /// The client chooses streams.
    StreamSwitch(StreamSwitch<'a>),
    /// The server introduces itself.
    ReportConnectedEx(ReportConnectedEx<'a>),
    /// The server accepts the funnel.
    ReportConnectedFunnel(ReportConnectedFunnel<'a>),
    /// The server refuses the funnel.
    ReportDisconnectedFunnel(ReportDisconnectedFunnel),
    /// Media follows.
    ReportStartedPlaying(ReportStartedPlaying),
    /// What was opened.
    ReportOpenFile(ReportOpenFile),
    /// Fast media follows.
    ReportStartStriding(ReportStartStriding),
    /// The ASF header follows.
    ReportReadBlock(ReportReadBlock),
    /// The server gives the client its identifier.
    ReportFunnelInfo(ReportFunnelInfo<'a>),
    /// The server wants credentials.
    SecurityChallenge(SecurityChallenge<'a>),
    /// The server asks whether the client is there (section 2.2.4.1).
    Ping,
    /// The entry ended.
    ReportEndOfStream(ReportEndOfStream),
    /// The next entry begins.
    ReportStreamChange(ReportStreamChange),
    /// The streams are switched.
    ReportStreamSwitch(ReportStreamSwitch),
    /// The server sends the client elsewhere.
    ReportRedirect(ReportRedirect<'a>),
    /// A message that the document does not have.
    Unknown {
        /// Its identifier.
        mid: Mid,
        /// Everything behind the identifier, padding included.
        body: &'a [u8],
    },
}

macro_rules! messages {
    ($($variant:ident($body:ident) = $mid:ident,)*) => {
        impl<'a> Message<'a> {
            /// The identifier of this message.
            #[must_use]
            pub const fn mid(&self) -> Mid {
                match self {
                    $(Self::$variant(_) => Mid::$mid,)*
                    Self::Ping => Mid::PING,
                    Self::Pong => Mid::PONG,
                    Self::Unknown { mid, .. } => *mid,
                }
            }

            /// The message with `total` beside it: an enum of this size is built where the caller wants it, because
            /// moving it costs more than decoding most messages.
            #[inline]
            fn read(mid: Mid, mut reader: Reader<'a>, total: usize) -> Result<(Self, usize), DecodeError> {
                match mid {
                    $(Mid::$mid => $body::read(reader).map(|body| (Self::$variant(body), total)),)*
                    Mid::PING => reader.fixed::<8>().map(|_ignored| (Self::Ping, total)),
                    Mid::PONG => reader.fixed::<8>().map(|_ignored| (Self::Pong, total)),
                    mid => Ok((Self::Unknown { mid, body: reader.rest() }, total)),
                }
            }

            fn write(&self, writer: &mut Writer<'_>) {
                match self {
                    $(Self::$variant(body) => body.write(writer),)*
                    Self::Ping | Self::Pong => writer.zeros(8),
                    Self::Unknown { body, .. } => writer.bytes(body),
                }
            }
        }

        #[cfg(feature = "arbitrary")]
        impl<'a> arbitrary::Arbitrary<'a> for Message<'a> {
            fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
                let mid = match u.int_in_range(0..=Mid::KNOWN.len())? {
                    index if index < Mid::KNOWN.len() => *u.choose(Mid::KNOWN.get(index..=index).unwrap_or_default())?,
                    _ => Mid(u.arbitrary()?),
                };
                Ok(match mid {
                    $(Mid::$mid => Self::$variant(u.arbitrary()?),)*
                    Mid::PING => Self::Ping,
                    Mid::PONG => Self::Pong,
                    mid => {
                        let chunks = u.int_in_range(1..=64_usize)?.min(u.len() >> 3).max(1);
                        Self::Unknown { mid, body: u.bytes(chunks << 3)? }
                    }
                })
            }
        }
    };
}

messages! {
    Connect(Connect) = CONNECT,
    ConnectFunnel(ConnectFunnel) = CONNECT_FUNNEL,
    OpenFile(OpenFile) = OPEN_FILE,
    StartPlaying(StartPlaying) = START_PLAYING,
    StopPlaying(StopPlaying) = STOP_PLAYING,
    CloseFile(CloseFile) = CLOSE_FILE,
    ReadBlock(ReadBlock) = READ_BLOCK,
    FunnelInfo(FunnelInfo) = FUNNEL_INFO,
    SecurityResponse(SecurityResponse) = SECURITY_RESPONSE,
    CancelReadBlock(CancelReadBlock) = CANCEL_READ_BLOCK,
    StartStriding(StartStriding) = START_STRIDING,
    Logging(ClientLog) = LOGGING,
    StreamSwitch(StreamSwitch) = STREAM_SWITCH,
    ReportConnectedEx(ReportConnectedEx) = REPORT_CONNECTED_EX,
    ReportConnectedFunnel(ReportConnectedFunnel) = REPORT_CONNECTED_FUNNEL,
    ReportDisconnectedFunnel(ReportDisconnectedFunnel) = REPORT_DISCONNECTED_FUNNEL,
    ReportStartedPlaying(ReportStartedPlaying) = REPORT_STARTED_PLAYING,
    ReportOpenFile(ReportOpenFile) = REPORT_OPEN_FILE,
    ReportStartStriding(ReportStartStriding) = REPORT_START_STRIDING,
    ReportReadBlock(ReportReadBlock) = REPORT_READ_BLOCK,
    ReportFunnelInfo(ReportFunnelInfo) = REPORT_FUNNEL_INFO,
    SecurityChallenge(SecurityChallenge) = SECURITY_CHALLENGE,
    ReportEndOfStream(ReportEndOfStream) = REPORT_END_OF_STREAM,
    ReportStreamChange(ReportStreamChange) = REPORT_STREAM_CHANGE,
    ReportStreamSwitch(ReportStreamSwitch) = REPORT_STREAM_SWITCH,
    ReportRedirect(ReportRedirect) = REPORT_REDIRECT,
}

impl<'a> Message<'a> {
    /// Decodes the message at the start of `bytes` and says how many bytes it took, `8 * chunkLen`.
    ///
    /// # Errors
    ///
    /// A `chunkLen` below 2 or beyond the end, or a body that is too short for its message.
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, usize), DecodeError> {
        let mut envelope = Reader::new(bytes, 0).fixed::<ENVELOPE>()?;
        let (chunk_len, mid) = (envelope.u32(), Mid(envelope.u32()));
        let bad_chunk_len = DecodeError::new(Reason::ChunkLen, 0);
        let total = usize::try_from(u64::from(chunk_len) << 3).map_err(|_| bad_chunk_len)?;
        if chunk_len < 2 {
            return Err(bad_chunk_len);
        }
        let body = bytes.get(ENVELOPE..total).ok_or(bad_chunk_len)?;
        Self::read(mid, Reader::new(body, ENVELOPE), total)
    }

    /// Bytes of the encoded message, a multiple of 8.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let mut counter = Writer::counter();
        self.write(&mut counter);
        // The shortest message has one chunk of body.
        let len = counter.len().max(8).saturating_add(ENVELOPE).checked_next_multiple_of(8);
        len.filter(|len| u32::try_from(len >> 3).is_ok()).unwrap_or(Writer::UNWRITABLE)
    }

    /// Writes exactly [`Self::encoded_len`] bytes and returns their number; padding is zero.
    ///
    /// # Errors
    ///
    /// `out` is too small, or a string or token is longer than its length field can say, which no buffer is
    /// large enough for; nothing was written.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let room = out.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let mut writer = Writer::new(room);
        writer.count32(needed >> 3);
        writer.u32(self.mid().0);
        self.write(&mut writer);
        writer.fill();
        Ok(needed)
    }
}

/// The messages of one packet, one after the other (section 2.2.3: none, one or several).
///
/// Offsets of errors count from the start of the packet. An error ends the iterator.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    offset: usize,
    left: usize,
}

impl<'a> Messages<'a> {
    /// Messages that one packet may hold.
    pub const LIMIT: usize = 64;

    /// The messages in what follows the TcpMessageHeader of a packet.
    #[must_use]
    pub fn new(body: &'a [u8]) -> Self {
        Self { rest: body, offset: TcpMessageHeader::LEN, left: Self::LIMIT }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let decoded = match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Message::decode(self.rest).map_err(|error| error.within(self.offset))
            }
            None => Err(DecodeError::new(Reason::Count, self.offset)),
        };
        let consumed = decoded.as_ref().map_or(usize::MAX, |(_, consumed)| *consumed);
        self.rest = self.rest.get(consumed..).unwrap_or_default();
        self.offset = self.offset.saturating_add(consumed);
        Some(decoded.map(|(message, _)| message))
    }
}

impl core::iter::FusedIterator for Messages<'_> {}
