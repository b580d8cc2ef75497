//! The one error vocabulary: every value says whose fault it is.

use core::fmt;

use crate::hresult::Hresult;

/// Why bytes could not be decoded, and where.
///
/// The offset counts from the first byte of what was given to the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecodeError {
    /// What was wrong.
    pub reason: Reason,
    /// Offset in bytes of the field that was wrong.
    pub offset: u32,
}

impl DecodeError {
    /// An error at an offset; offsets beyond 4 GiB are reported as `u32::MAX`.
    #[must_use]
    #[inline]
    pub fn new(reason: Reason, offset: usize) -> Self {
        Self { reason, offset: u32::try_from(offset).unwrap_or(u32::MAX) }
    }

    /// The same error inside an outer structure that starts `base` bytes earlier.
    #[must_use]
    pub fn within(self, base: usize) -> Self {
        Self { offset: self.offset.saturating_add(u32::try_from(base).unwrap_or(u32::MAX)), ..self }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.reason, self.offset)
    }
}

impl core::error::Error for DecodeError {}

macro_rules! phrases {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vmeta])* $variant,)* }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)* })
            }
        }
    };
}

phrases! {
    /// What was wrong with bytes that could not be decoded.
    Reason {
        /// Fewer bytes than the fixed part needs.
        Truncated = "structure is shorter than its fixed part",
        /// The session id of a TcpMessageHeader is not 0xB00BFACE.
        SessionId = "session id is not 0xB00BFACE",
        /// The seal of a TcpMessageHeader is not "MMS ".
        Seal = "seal is not \"MMS \"",
        /// messageLength is below 16 or not a multiple of 8.
        MessageLength = "messageLength is below 16 or no multiple of 8",
        /// chunkLen is below 2 or beyond the end of the packet.
        ChunkLen = "chunkLen is below 2 or runs beyond the packet",
        /// PacketSize of a Data packet is below 8 or beyond the datagram.
        PacketSize = "PacketSize is below 8 or runs beyond the datagram",
        /// A nested length or count runs beyond the structure that holds it.
        NestedLength = "nested length runs beyond its structure",
        /// A count that may not be zero, or is above what the document allows.
        Count = "count is outside the allowed range",
        /// The signature of a RequestPacketListResend is not 0xBEEFF00D.
        Signature = "resend signature is not 0xBEEFF00D",
        /// A number field holds a value without meaning.
        Value = "value without meaning",
        /// A funnel name that does not have the form `\\address\protocol\port`.
        FunnelName = "funnel name is not \\\\address\\protocol\\port",
        /// Text that is no metafile.
        NotMetafile = "text is no metafile",
        /// A metafile above the limit of its size.
        MetafileBytes = "metafile is larger than its limit",
        /// An element that ASX does not have.
        AsxElement = "element that ASX does not have",
        /// An attribute that the element does not have.
        AsxAttribute = "attribute that the element does not have",
        /// An element of ASX that strict players do not support.
        AsxElementUnsupported = "element of ASX that is not supported",
        /// An attribute of ASX that strict players do not support.
        AsxAttributeUnsupported = "attribute of ASX that is not supported",
        /// An element, text or value at a place where ASX does not allow it.
        AsxStructure = "element, text or value that is not allowed here",
        /// A time that does not begin with a digit.
        AsxTime = "time that does not begin with a digit",
        /// Tags that do not match, a broken tag, or an early end of the text.
        Xml = "broken tag, tags that do not match, or an early end",
        /// An attribute value without quotation marks.
        XmlQuote = "attribute value without quotation marks",
        /// An attribute given twice.
        XmlDuplicate = "attribute given twice",
        /// A checksum that does not fit its data.
        Checksum = "checksum does not fit",
        /// The bytes do not start with the ASF Header Object.
        HeaderGuid = "no ASF Header Object",
        /// The bytes behind the Header Object are not an ASF Data Object.
        DataGuid = "no ASF Data Object behind the header",
        /// An object size is below its minimum or beyond its container.
        ObjectSize = "object size is below its minimum or runs beyond its container",
        /// The header ended without a File Properties Object.
        FilePropertiesMissing = "header has no File Properties Object",
        /// Minimum and maximum packet size are 0, differ, or exceed 65527.
        PacketSizes = "packet sizes are zero, differ, or exceed 65527",
        /// A stream number outside 1 to 127.
        StreamNumber = "stream number is outside 1 to 127",
        /// The header names no stream.
        NoStreams = "header names no stream",
        /// Error correction data of a form that is not payload.
        ErrorCorrection = "error correction data that is not followed by payload",
        /// Explicit packet length or padding that does not fit the packet.
        PacketLength = "packet length or padding does not fit the packet",
        /// Replicated data of 2 to 7 bytes.
        ReplicatedData = "replicated data of 2 to 7 bytes",
        /// A head that is no HTTP, or holds fields that contradict each other.
        HttpHead = "head is not valid HTTP",
        /// Content-Length is no number, or there are two that differ.
        ContentLength = "Content-Length is no number or contradicts itself",
        /// The size line of a chunk, or what stands around it, is malformed.
        Chunk = "malformed chunk of a chunked body",
        /// A frame of HTTP streaming does not start with `$`.
        FrameStart = "frame does not start with '$'",
        /// PacketLength of a frame is below what its type needs.
        FrameLength = "PacketLength is too small for the type of the frame",
        /// PacketSize inside a frame is not its PacketLength.
        FrameSizes = "PacketLength and PacketSize of a frame differ",
        /// A Content Description List whose lengths and separators do not fit.
        Description = "malformed content description",
    }
}

phrases! {
    /// Sizes and counts that a peer controls and a limit bounds.
    LimitName {
        /// Bytes of one command packet.
        CommandBytes = "command bytes",
        /// Bytes of one frame against the storage that the host gave.
        StorageBytes = "storage bytes",
        /// Bytes of the ASF header.
        HeaderBytes = "header bytes",
        /// Objects in the ASF header.
        HeaderObjects = "header objects",
        /// Redirects followed in a row.
        Redirects = "redirects",
        /// Pings received within the ping window.
        Pings = "pings",
        /// Requests of one session.
        Requests = "requests",
        /// Characters of a name.
        NameChars = "name characters",
        /// Messages in one command packet.
        MessagesPerPacket = "messages in one packet",
        /// Bytes of an HTTP head.
        HeadBytes = "bytes of the head",
        /// Bytes of one line of an HTTP head.
        LineBytes = "bytes of a line of the head",
        /// Header lines of an HTTP head.
        HeadLines = "header lines",
        /// Bytes of the body of a request.
        BodyBytes = "bytes of the body",
        /// Bytes of a metafile that came instead of media.
        MetafileBytes = "metafile bytes",
    }
}

phrases! {
    /// A message that is well formed and may not come now, or contradicts an earlier one.
    Misbehaviour {
        /// A message or frame other than the one that may come now.
        UnexpectedMessage = "message may not come now",
        /// The packet size in the header is not the announced one.
        PacketSizeDiffers = "packet size in the header differs from the announced one",
        /// A Data packet larger than the packet size that was announced.
        PacketTooLarge = "data packet is larger than the announced packet size",
        /// More header bytes than were announced.
        HeaderTooLong = "header is longer than announced",
        /// The header ended before as many bytes came as were announced.
        HeaderTooShort = "header ended before the announced size",
        /// Header fragments out of order.
        FragmentOrder = "header fragments out of order",
        /// More ReportFunnelInfo messages than the protocol has.
        TooManyFunnelInfo = "more than three ReportFunnelInfo messages",
        /// The stream ended in the middle of a frame or before the session was over.
        UnexpectedEnd = "connection closed before the session was over",
    }
}

phrases! {
    /// An honest mismatch between the two sides.
    Incompatible {
        /// The server refused the transport and there is no other.
        TransportRefused = "server refuses the transport",
        /// The server wants credentials.
        AuthenticationRequired = "server requires authentication",
        /// The proxy wants credentials, or others than it got.
        ProxyAuthenticationRequired = "proxy requires authentication",
        /// The server has no way to do what was asked (seek, stride).
        NotSeekable = "content cannot be sought",
        /// The server has no fast forward or rewind for this content.
        NotStridable = "content has no fast forward or rewind",
        /// The server redirects to something this client does not speak.
        RedirectScheme = "redirect to a scheme that is not spoken",
    }
}

phrases! {
    /// Our caller did something that the session cannot do now.
    Misuse {
        /// A command that the session's state does not allow.
        WrongState = "command is not allowed in this state",
        /// A number outside its range.
        OutOfRange = "argument is out of range",
        /// More bytes reported than were offered.
        TooManyBytes = "more bytes reported than were offered",
        /// An answer to a wish that is not raised.
        NoSuchWish = "answer to a wish that is not raised",
        /// A URL whose scheme is not known, or that has no host.
        Url = "URL is not of the mms family or of HTTP",
        /// An `https` URL.
        SecureUrl = "https is not spoken",
        /// No transport is left for a URL: the order of transports has none for it, or only datagrams (`mmsu`), which
        /// need [`Client::with_udp`](crate::client::Client::with_udp).
        NoTransport = "no transport is left for this URL; media in datagrams needs a client with UDP, and HTTP the feature `http`",
    }
}

phrases! {
    /// The timers that end a session, named as the document names them; ours say so.
    TimerName {
        /// Client, ours: the TCP connection did not open.
        Connect = "connect",
        /// Client, ours: no first answer, or a text that comes instead of media stays behind.
        Reply = "reply",
        /// Client, ours: server and client do not agree on the transport (sections 3.1.5.4 and 3.1.5.6).
        Funnel = "agreement on the transport",
        /// Client, ours: the content is not opened.
        Open = "opening the content",
        /// Client: the ASF header did not arrive in datagrams (section 3.1.2); ours: nor over another transport.
        Header = "header",
        /// Client, ours: the wish to play is not answered.
        Play = "start of playing",
        /// Client, ours: the server plays, and no packet came.
        Media = "first packet",
        /// Client, ours: the stop is not answered.
        Stop = "stop",
        /// Client, ours: nothing came while streaming.
        Silence = "silence",
        /// Server: nothing was exchanged, a Ping is due (section 3.2.2).
        KeepAlive = "keep-alive",
        /// Server: the client sends no requests (section 3.2.2).
        IdleTimeout = "idle time-out",
        /// Server, ours: pings stay unanswered.
        Pong = "pong",
        /// Server, ours: the handshake took too long.
        Handshake = "handshake",
        /// Server, ours: the client reads nothing.
        Stall = "stall",
        /// Server, ours: nothing or nothing known came after the connection opened.
        Sniff = "first bytes",
        /// Ours: the last bytes took too long.
        ShutDown = "shut-down",
        /// Server, ours: the session was over and the client did not close.
        Linger = "linger",
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that cannot be decoded; the offset counts from the start of the connection.
    InvalidMessage {
        /// What was wrong.
        reason: Reason,
        /// Offset of the wrong field in the peer's byte stream.
        offset: u64,
    },
    /// A limit was reached.
    Limit {
        /// Which limit.
        limit: LimitName,
        /// What the peer wanted, `u32::MAX` if more.
        found: u32,
        /// What the limit allows.
        allowed: u32,
    },
    /// The peer broke the order of messages.
    PeerMisbehaved(Misbehaviour),
    /// Both sides are honest and do not fit.
    PeerIncompatible(Incompatible),
    /// The server refused with this result.
    Refused(Hresult),
    /// A timer fired.
    TimedOut(TimerName),
    /// The host could not connect, or the network failed.
    ConnectionFailed,
    /// The host's content could not be read.
    ContentFailed(Hresult),
    /// Our caller's fault.
    ApiMisuse(Misuse),
    /// Our own fault; please report it.
    Bug(Bug),
}

phrases! {
    /// Our own fault, by place.
    Bug {
        /// A reply did not fit the room kept for it.
        ReplyRoom = "reply does not fit its room",
        /// The driver made no progress.
        NoProgress = "driver makes no progress",
    }
}

const _: () = assert!(size_of::<Error>() <= 16 && size_of::<DecodeError>() <= 8);

impl Error {
    /// A decode error at a place of the peer's byte stream.
    #[must_use]
    pub fn invalid(error: DecodeError, stream_offset: u64) -> Self {
        Self::InvalidMessage {
            reason: error.reason,
            offset: stream_offset.saturating_add(u64::from(error.offset)),
        }
    }

    /// A limit that was reached.
    #[must_use]
    pub fn limit(limit: LimitName, found: u64, allowed: u64) -> Self {
        let clamp = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        Self::Limit { limit, found: clamp(found), allowed: clamp(allowed) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidMessage { reason, offset } => {
                write!(f, "invalid message: {reason}, at byte {offset} of the connection")
            }
            Self::Limit { limit, found, allowed } => {
                write!(f, "limit reached: {found} {limit}, {allowed} allowed")
            }
            Self::PeerMisbehaved(what) => write!(f, "peer misbehaved: {what}"),
            Self::PeerIncompatible(what) => write!(f, "peer is incompatible: {what}"),
            Self::Refused(hr) => write!(f, "server refused: {hr}"),
            Self::TimedOut(timer) => write!(f, "timed out: {timer}"),
            Self::ConnectionFailed => f.write_str("connection failed"),
            Self::ContentFailed(hr) => write!(f, "content could not be read: {hr}"),
            Self::ApiMisuse(what) => write!(f, "wrong use of the library: {what}"),
            Self::Bug(what) => write!(f, "bug in the library: {what}"),
        }
    }
}

impl core::error::Error for Error {}

/// The output does not fit the caller's buffer; nothing was written and nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferTooSmall {
    /// Bytes that the output needs.
    pub needed: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "output needs {} bytes", self.needed)
    }
}

impl core::error::Error for BufferTooSmall {}
