//! What a server session is told.

use core::time::Duration;

/// Settings of a server session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// ServerVersionInfo; clients take the rules of version 9 from its first number.
    pub version: &'static str,
    /// How fast content on demand is sent.
    pub pace: Pace,
    /// Content that is sent at once when playing starts, before pacing begins.
    pub burst: Duration,
    /// Most bit/s of media for one session.
    pub max_bit_rate: Option<u64>,
    /// Whether to measure the bandwidth when the client asks for it (section 3.2.5.4).
    pub packet_pair: bool,
    /// How long a client that does not stream may send nothing (section 3.2.2).
    pub idle_timeout: Duration,
    /// How long nothing is exchanged before a Ping (section 3.2.2).
    pub keep_alive: Duration,
    /// Ours: Pings that may stay unanswered while the client reads.
    pub unanswered_pings: u32,
    /// Ours: time from Connect to ReadBlock.
    pub handshake_timeout: Duration,
    /// Most bytes of one command packet.
    pub command_bytes: u32,
    /// Most characters of a file name.
    pub name_chars: u32,
    /// Most requests that come in the wrong state.
    pub wrong_requests: u32,
    /// Behaviour for clients that differ from the document.
    pub quirks: Quirks,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: "9.01.01.3841",
            pace: Pace::REALTIME,
            burst: Duration::from_secs(5),
            max_bit_rate: None,
            packet_pair: true,
            idle_timeout: Duration::from_secs(3600),
            keep_alive: Duration::from_secs(30),
            unanswered_pings: 3,
            handshake_timeout: Duration::from_secs(30),
            command_bytes: 16384,
            name_chars: 4096,
            wrong_requests: 8,
            quirks: Quirks::default(),
        }
    }
}

/// How fast content is sent, against the send times of its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pace {
    /// As fast as the client reads.
    Off,
    /// So many thousandths of the normal rate.
    PerMille(u32),
}

impl Pace {
    /// The normal rate.
    pub const REALTIME: Self = Self::PerMille(1000);
}

/// Deviations of real clients (digest chapters 8.1 and 8.2), each can be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// FFmpeg, libmms, VLC and xine send frameOffset 0x00FFFFFF for "to the end".
    pub no_limit_frame_offset: bool,
    /// VLC and libmms seek with locationId and a position of 0.0 (OPEN-4).
    pub location_id_beats_position: bool,
    /// libmms seeks by StartPlaying without StopPlaying (OPEN-13).
    pub start_while_streaming_seeks: bool,
    /// Clients that send no StreamSwitch would get nothing by the text; they get every stream.
    pub all_streams_without_switch: bool,
    /// MPlayer waits for the server to close after the end of the stream; closed after this time.
    pub close_after_end: Option<Duration>,
    /// libmms and xine keep waiting after an end with an error: the connection is closed.
    pub close_after_error: bool,
    /// VLC ends at ReportEndOfStream, whatever datagrams wait in its socket: for a client that cannot ask for lost
    /// packets the message waits so long behind the last datagram.
    pub end_behind_datagrams: Duration,
    /// VLC loses datagrams from bursts of 32 KB: a header, and media of a client that cannot ask for lost packets, leave in
    /// bursts of 16 KiB with 5 ms between them, whatever the pace.
    pub small_bursts: bool,
    /// MPlayer reads one reply with one receive call: nothing follows a reply in the same write.
    pub one_reply_per_write: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            no_limit_frame_offset: true,
            location_id_beats_position: true,
            start_while_streaming_seeks: true,
            all_streams_without_switch: true,
            close_after_end: Some(Duration::from_secs(2)),
            close_after_error: true,
            end_behind_datagrams: Duration::from_millis(200),
            small_bursts: true,
            one_reply_per_write: true,
        }
    }
}

/// The player id by which MPlayer can be told from others.
pub(super) const MPLAYER_GUID: [u8; 36] = *b"33715801-BAB3-9D85-24E9-03B90328270A";

/// What the host says of content that it opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Content {
    /// Bytes of the ASF header: Header Object and 50 bytes of the Data Object.
    pub header_len: u32,
    /// Size of each ASF packet in bytes.
    pub packet_size: u32,
    /// Number of packets; `None` for live content.
    pub packet_count: Option<u32>,
    /// Duration; `None` if unknown or live.
    pub duration: Option<Duration>,
    /// Sum of the streams' bit rates in bit/s.
    pub bit_rate: u32,
    /// Whether the host can say which packet belongs to a time.
    pub seekable: bool,
    /// Whether the host can deliver key frames only, forward and backward.
    pub stridable: bool,
}
