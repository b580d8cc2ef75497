//! What a client session is told before it starts, and how content is asked for.

use core::time::Duration;

use crate::asf::HeaderLimits;
use crate::selection::Selection;

/// Settings of a client session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How the client names itself.
    pub player: Player,
    /// Whether to measure the bandwidth with packet pairs (section 3.1.5.4).
    pub packet_pair: bool,
    /// Whether to send FunnelInfo; without it there is no Client-ID and no packet pair.
    pub funnel_info: bool,
    /// Whether to take TCP when the server refuses media over UDP (section 3.1.5.6).
    pub tcp_after_udp: bool,
    /// Whether to send Logging after stop and at the end of the stream (section 3.1.4.3).
    pub logging: bool,
    /// Ours: how long to wait for a reply of the handshake.
    pub reply_timeout: Duration,
    /// Ours: how long nothing may come while streaming; pings count.
    pub silence_timeout: Duration,
    /// Limits of the ASF header.
    pub header: HeaderLimits,
    /// Most bytes of one command packet.
    pub command_bytes: u32,
    /// Most pings within a minute.
    pub pings_per_minute: u32,
    /// Behaviour for peers that differ from the document.
    pub quirks: Quirks,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            player: Player::default(),
            packet_pair: false,
            funnel_info: true,
            tcp_after_udp: true,
            logging: true,
            reply_timeout: Duration::from_secs(20),
            silence_timeout: Duration::from_secs(90),
            header: HeaderLimits::default(),
            command_bytes: 65536,
            pings_per_minute: 120,
            quirks: Quirks::default(),
        }
    }
}

/// The identity that goes into subscriberName (section 2.2.4.17) and the client log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Player {
    /// Four numbers of the version; the first decides how servers treat the client.
    pub version: [u16; 4],
    /// Player id, the same for all connections of a session; random for privacy.
    pub guid: [u8; 16],
}

impl Player {
    /// The version of the 9 Series player with an id of the caller's.
    #[must_use]
    pub fn with_guid(guid: [u8; 16]) -> Self {
        Self { version: [9, 0, 0, 2980], guid }
    }
}

impl Default for Player {
    fn default() -> Self {
        Self::with_guid([0; 16])
    }
}

/// Deviations of real servers (digest chapter 8.3), each can be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// Some servers stamp header fragments with another incarnation than that of ReadBlock.
    pub header_any_incarnation: bool,
    /// Servers older than version 3.0 do not accept Logging (notes of 2002).
    pub no_log_below_version_3: bool,
    /// Version 9 servers were seen to ignore locationId: when the first packet is not the one asked for,
    /// the session starts again at the time of the wanted packet, if that is known.
    pub location_id_ignored: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { header_any_incarnation: true, no_log_below_version_3: true, location_id_ignored: true }
    }
}

/// Where playing starts (StartPlaying, section 2.2.4.25).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// At the first packet; for live content, now.
    #[default]
    Beginning,
    /// At a time of the content.
    Time(Duration),
    /// At an ASF packet, counted from 0.
    Packet(u32),
    /// At a byte offset of the ASF file.
    Offset(u32),
}

/// Where playing ends (`frameOffset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Until {
    /// At a time counted from the start of the content.
    Time(Duration),
    /// After a time counted from the requested start.
    AfterStart(Duration),
}

/// What StartPlaying or StartStriding asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Play {
    /// Where to start.
    pub from: Position,
    /// Where to end, if not at the end of the content.
    pub until: Option<Until>,
    /// Rate of fast forward (up to 5.0) or rewind (down to -5.0); `None` plays normally.
    pub rate: Option<f64>,
    /// The streams that are wanted.
    pub selection: Selection,
    /// A faster beginning, for servers of version 9 and up. By default `None`: media comes at the server's pace, which is
    /// the playing speed or what its owner set. A plain file over HTTP comes as fast as the network goes.
    pub acceleration: Option<Acceleration>,
}

impl Play {
    /// Everything from the beginning.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Everything from a position on.
    #[must_use]
    pub fn from(from: Position) -> Self {
        Self { from, ..Self::default() }
    }
}

/// A faster beginning (`dwAccelBandwidth`, `dwAccelDuration`, `dwLinkBandwidth`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceleration {
    /// Bit/s that the server may use.
    pub bandwidth: u32,
    /// How much content to send at that rate.
    pub duration: Duration,
    /// The client's link speed in bit/s, if known.
    pub link_bandwidth: Option<u32>,
}
