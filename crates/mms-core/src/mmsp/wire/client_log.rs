//! CLIENT_LOG: what a player says about a play-out.

use core::fmt;

use crate::error::DecodeError;

use super::cursor::{Fields, Reader, Writer};

/// A string in the client's code page; it ends at its first NUL, and `-` means empty (section 2.2.1).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AnsiStr<'a>(&'a [u8]);

impl<'a> AnsiStr<'a> {
    /// The string at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Self(if text == b"-" { &[] } else { text })
    }

    /// The bytes without a NUL.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether there is no character.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> From<&'a str> for AnsiStr<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl fmt::Display for AnsiStr<'_> {
    /// The code page is unknown: what is not ASCII is shown as U+FFFD, as are control characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| {
            let printable = byte.is_ascii_graphic() || *byte == b' ';
            fmt::Write::write_char(f, if printable { char::from(*byte) } else { char::REPLACEMENT_CHARACTER })
        })
    }
}

impl fmt::Debug for AnsiStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

const CLIENT_LOG_LEN: usize = 1490;

/// CLIENT_LOG, the body of Logging (section 2.2.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientLog<'a> {
    /// What was played and how.
    pub info: ClientLogInfo<'a>,
    /// `open_file_id`.
    pub source_id: u32,
    /// 0xFFFFFFFF, or the client's address.
    pub ip_address: u32,
    /// DNS name of the client.
    pub computer_dns: AnsiStr<'a>,
    /// Name and version of the operating system.
    pub os: AnsiStr<'a>,
    /// Four 16-bit parts, major on top.
    pub os_version: u64,
    /// Name of the processor.
    pub cpu: AnsiStr<'a>,
    /// `mms`.
    pub proto: AnsiStr<'a>,
    /// `UDP` or `TCP`.
    pub transport: AnsiStr<'a>,
    /// Data packets lost in the network.
    pub packets_lost_net: u32,
    /// Longest run of losses.
    pub packets_lost_cont_net: u32,
    /// Packets asked to be sent again.
    pub resend_requests: u32,
    /// Packets recovered by sending again.
    pub packets_recovered_resent: u32,
    /// Packets received that had been sent again.
    pub packets_resent: u32,
}

impl<'a> ClientLog<'a> {
    /// Bytes of the structure, and the value of its `cbSize`.
    pub const LEN: usize = CLIENT_LOG_LEN;

    /// Decodes the first 1490 bytes; the size fields are not looked at.
    ///
    /// # Errors
    ///
    /// Fewer bytes.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(Reader::new(bytes, 0))
    }

    /// The 1490 bytes; a string that does not fit its field is cut.
    #[must_use]
    pub fn encode(&self) -> [u8; CLIENT_LOG_LEN] {
        let mut out = [0; CLIENT_LOG_LEN];
        self.write(&mut Writer::new(&mut out));
        out
    }

    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<CLIENT_LOG_LEN>()?;
        fields.skip::<4>();
        Ok(Self {
            info: ClientLogInfo::read(&mut fields),
            source_id: fields.u32(),
            ip_address: fields.u32(),
            computer_dns: fields.ansi(260),
            os: fields.ansi(16),
            os_version: fields.u64(),
            cpu: fields.ansi(16),
            proto: fields.ansi(8),
            transport: fields.ansi(8),
            packets_lost_net: fields.u32(),
            packets_lost_cont_net: fields.u32(),
            resend_requests: fields.u32(),
            packets_recovered_resent: fields.u32(),
            packets_resent: fields.u32(),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.count32(Self::LEN);
        self.info.write(writer);
        writer.u32(self.source_id);
        writer.u32(self.ip_address);
        writer.ansi(self.computer_dns, 260);
        writer.ansi(self.os, 16);
        writer.u64(self.os_version);
        writer.ansi(self.cpu, 16);
        writer.ansi(self.proto, 8);
        writer.ansi(self.transport, 8);
        writer.u32(self.packets_lost_net);
        writer.u32(self.packets_lost_cont_net);
        writer.u32(self.resend_requests);
        writer.u32(self.packets_recovered_resent);
        writer.u32(self.packets_resent);
    }
}

/// CLIENT_LOG_INFO (section 2.2.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientLogInfo<'a> {
    /// URL of the content.
    pub url: AnsiStr<'a>,
    /// URL of the .nsc file.
    pub channel_url: AnsiStr<'a>,
    /// User-Agent of the browser around the player.
    pub user_agent: AnsiStr<'a>,
    /// Page that embeds the player.
    pub hosting_web_page: AnsiStr<'a>,
    /// Four 16-bit parts, major on top.
    pub client_version: u64,
    /// Language, as in `en-US`.
    pub lang: AnsiStr<'a>,
    /// Identifies the player.
    pub unique_pid: AnsiStr<'a>,
    /// Program that hosts the player.
    pub host_exe: AnsiStr<'a>,
    /// Four 16-bit parts, major on top.
    pub host_exe_ver: u64,
    /// Length of the content in milliseconds, 0 for live.
    pub file_duration_ms: u32,
    /// Bytes of the content, 0 for live.
    pub file_size: u64,
    /// Measured bits per second.
    pub avg_bandwidth_bps: u32,
    /// Audio codec.
    pub audio_codec: AnsiStr<'a>,
    /// Video codec.
    pub video_codec: AnsiStr<'a>,
    /// Where playing began, in milliseconds.
    pub start_time_ms: u32,
    /// Milliseconds played.
    pub played_ms: u32,
    /// 1 is normal, negative is backwards.
    pub rate: i16,
    /// How often the player had to buffer.
    pub buffering_count: u32,
    /// Milliseconds of buffering.
    pub buffering_time_ms: u32,
    /// Bytes of payload received.
    pub bytes_received: u64,
    /// Data packets received.
    pub packets_received: u32,
    /// Data packets never received.
    pub packets_lost_client: u32,
    /// 0: the protocol has no error correction.
    pub packets_recovered_ecc: u32,
    /// Worst percentage received or recovered within 30 s.
    pub min_reception_quality: u32,
    /// Send 0.
    pub hr: u32,
}

impl<'a> ClientLogInfo<'a> {
    /// Bytes of the structure, and the value of its `cbSize`.
    pub const LEN: usize = 1142;

    fn read(fields: &mut Fields<'a>) -> Self {
        fields.skip::<4>();
        Self {
            url: fields.ansi(260),
            channel_url: fields.ansi(260),
            user_agent: fields.ansi(64),
            hosting_web_page: fields.ansi(260),
            client_version: fields.u64(),
            lang: fields.ansi(16),
            unique_pid: fields.ansi(40),
            host_exe: fields.ansi(32),
            host_exe_ver: fields.u64(),
            file_duration_ms: fields.u32(),
            file_size: fields.u64(),
            avg_bandwidth_bps: fields.u32(),
            audio_codec: fields.ansi(64),
            video_codec: fields.ansi(64),
            start_time_ms: fields.u32(),
            played_ms: fields.u32(),
            rate: fields.i16(),
            buffering_count: fields.u32(),
            buffering_time_ms: fields.u32(),
            bytes_received: fields.u64(),
            packets_received: fields.u32(),
            packets_lost_client: fields.u32(),
            packets_recovered_ecc: fields.u32(),
            min_reception_quality: fields.u32(),
            hr: fields.u32(),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.count32(Self::LEN);
        writer.ansi(self.url, 260);
        writer.ansi(self.channel_url, 260);
        writer.ansi(self.user_agent, 64);
        writer.ansi(self.hosting_web_page, 260);
        writer.u64(self.client_version);
        writer.ansi(self.lang, 16);
        writer.ansi(self.unique_pid, 40);
        writer.ansi(self.host_exe, 32);
        writer.u64(self.host_exe_ver);
        writer.u32(self.file_duration_ms);
        writer.u64(self.file_size);
        writer.u32(self.avg_bandwidth_bps);
        writer.ansi(self.audio_codec, 64);
        writer.ansi(self.video_codec, 64);
        writer.u32(self.start_time_ms);
        writer.u32(self.played_ms);
        writer.bytes(&self.rate.to_le_bytes());
        writer.u32(self.buffering_count);
        writer.u32(self.buffering_time_ms);
        writer.u64(self.bytes_received);
        writer.u32(self.packets_received);
        writer.u32(self.packets_lost_client);
        writer.u32(self.packets_recovered_ecc);
        writer.u32(self.min_reception_quality);
        writer.u32(self.hr);
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for ClientLog<'a> {
    /// Any bytes of the right length are a valid log.
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        if u.len() < Self::LEN {
            // Too little for every string, enough for the numbers.
            let info =
                ClientLogInfo { rate: u.arbitrary()?, file_size: u.arbitrary()?, ..Default::default() };
            return Ok(Self { info, source_id: u.arbitrary()?, ..Default::default() });
        }
        Self::decode(u.bytes(Self::LEN)?).map_err(|_| arbitrary::Error::IncorrectFormat)
    }
}
