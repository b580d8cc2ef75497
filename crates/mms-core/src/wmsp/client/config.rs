//! What a client session is told before it starts.

use core::time::Duration;

use crate::asf::HeaderLimits;
use crate::mmsp::client::Player;
use crate::wmsp::wire::{Credentials, HeadLimits};

/// The strings of a session, which live with the host.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Name or address of the server, with the port if it is not 80.
    pub host: &'a str,
    /// Path and query without the leading slash, as in the URL.
    pub path: &'a str,
    /// The whole URL, for the client log.
    pub url: &'a str,
    /// What the server gets when it asks for Basic authentication, and at no other time (S12).
    pub credentials: Option<Credentials<'a>>,
    /// What the proxy gets with each request, and nobody else.
    pub proxy_credentials: Option<Credentials<'a>>,
    /// Date and time as `2003-09-27 00:27:24`, UTC, for the client log.
    pub date_time: Option<&'a str>,
    /// Whether the connection goes to an HTTP proxy, which wants the whole URL in each request.
    pub through_proxy: bool,
}

impl<'a> Target<'a> {
    /// A target without credentials and proxy.
    #[must_use]
    pub const fn new(host: &'a str, path: &'a str, url: &'a str) -> Self {
        let (credentials, proxy_credentials) = (None, None);
        Self { host, path, url, credentials, proxy_credentials, date_time: None, through_proxy: false }
    }
}

/// Settings of a client session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How the client names itself. Below version 9 servers send nothing that old clients could not read.
    pub player: Player,
    /// Whether [`Target::credentials`] will be there when a server asks for them.
    pub has_credentials: bool,
    /// Whether to send Log after stop and at the end of the stream (section 3.1.4.6).
    pub logging: bool,
    /// Whether to send KeepAlive while paused (section 3.1.6.1).
    pub keep_alive: bool,
    /// Ours: how long to wait for the head of a response, and then for each part of the header.
    pub reply_timeout: Duration,
    /// Ours: how long nothing may come while streaming.
    pub silence_timeout: Duration,
    /// Ours: how long a short connection may take in all.
    pub short_timeout: Duration,
    /// Limits of the ASF header.
    pub header: HeaderLimits,
    /// Limits of a response head.
    pub head: HeadLimits,
    /// Most bytes of a metafile that comes instead of media.
    pub metafile_bytes: u32,
    /// Behaviour for peers that differ from the document.
    pub quirks: Quirks,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            player: Player { version: [7, 1, 0, 3055], ..Player::default() },
            has_credentials: false,
            logging: true,
            keep_alive: true,
            reply_timeout: Duration::from_secs(20),
            silence_timeout: Duration::from_secs(90),
            short_timeout: Duration::from_secs(5),
            header: HeaderLimits::default(),
            head: HeadLimits { head_bytes: 32_768, ..HeadLimits::default() },
            metafile_bytes: 1 << 18,
            quirks: Quirks::default(),
        }
    }
}

/// Deviations of real servers (digest chapter 16.2), each can be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// VLC and ffserver send `$E` with 8 bytes, the first four of which are a counter and no Reason.
    pub long_end_is_plain_end: bool,
    /// VLC closes a live stream without `$E`.
    pub end_without_end_packet: bool,
    /// VLC sends a bare `$H` in mid-stream when a track is added, without `$C`.
    pub header_without_change: bool,
    /// VLC ("Cougar 4.1.0.39xx" with a blank) answers each POST with the stream: none is sent.
    pub no_posts_to_blank_version: bool,
    /// Ordinary web servers, proxies and ffserver send no Server field of the family.
    pub any_server: bool,
    /// FFmpeg's `-listen` and VLC's plain HTTP output stream to whoever comes, and FFmpeg to nobody else: where the
    /// Server field is not of the family, the answer to Describe is kept as the stream.
    pub describe_may_stream: bool,
    /// Servers that ignore packet-num start elsewhere: packets before the wanted one are dropped.
    pub position_ignored: bool,
    /// A PacketSize that is not PacketLength is forgiven. Off: no such server is known, and the pair was
    /// used in attacks (CVE-2023-47359).
    pub frame_sizes_may_differ: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            long_end_is_plain_end: true,
            end_without_end_packet: true,
            header_without_change: true,
            no_posts_to_blank_version: true,
            any_server: true,
            describe_may_stream: true,
            position_ignored: true,
            frame_sizes_may_differ: false,
        }
    }
}
