//! Media: heads of fragments and packets, and what travels in datagrams.

use core::time::Duration;

use super::super::config::{MPLAYER_GUID, Pace};
use super::super::replies::{self, Reply};
use super::super::state::State;
use super::super::wish::{MediaWish, Order};
use super::{Session, low_byte};
use crate::error::TimerName;
use crate::hresult::Hresult;
use crate::mmsp::wire::{self, DataHeader};
use crate::time::Instant;

/// Payload of a header fragment that fits a datagram on most paths (digest 3.2).
const DATAGRAM_PAYLOAD: u32 = 1464;

/// How the media travels (section 3.2.5.5).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Funnel {
    /// Whether datagrams can be sent at all.
    pub(super) enabled: bool,
    /// The client's port, if it wants datagrams.
    pub(super) port: Option<u16>,
    /// Whether a packet pair was agreed on.
    pub(super) pair: bool,
    /// Packets of the pair that are still to be sent.
    pub(super) pair_due: u8,
    /// Whether the client was told its identifier, without which it cannot ask for lost packets.
    pub(super) identified: bool,
}

impl Session {
    /// Whether packets that were framed and not begun must leave the queue; asked once.
    pub fn take_discard(&mut self) -> bool {
        core::mem::take(&mut self.discard)
    }

    /// So many framed packets were taken from the queue again: their sequence numbers were never used.
    pub fn give_back(&mut self, packets: u32) {
        self.sequence = self.sequence.wrapping_sub(packets);
    }

    /// The head of a header fragment of `len` bytes, which is then sent.
    pub fn frame_header(&mut self, now: Instant, len: u16) -> Option<DataHeader> {
        let content = self.content?;
        let State::SendingHeader { offset, fragment, incarnation } = self.state else { return None };
        let sent = offset.saturating_add(u32::from(len));
        let last = sent >= content.header_len;
        let af_flags = if last { wire::AF_HEADER_LAST } else { wire::AF_HEADER_MORE };
        let head = DataHeader::for_payload(fragment, incarnation, af_flags, usize::from(len))?;
        self.state = if last {
            State::Ready
        } else {
            State::SendingHeader { offset: sent, fragment: fragment.saturating_add(1), incarnation }
        };
        self.keep_alive(now);
        Some(head)
    }

    /// The packet that is sent next.
    #[must_use]
    #[inline]
    pub fn cursor(&self) -> u32 {
        self.cursor
    }

    /// Whether the send times of packets matter. Where nothing is paced and nothing stops early, finding them out
    /// would cost more than all the rest of framing.
    #[must_use]
    #[inline]
    pub fn heeds_send_times(&self) -> bool {
        self.stop_at.is_some() || self.config.pace != Pace::Off
    }

    /// When the next packet may be sent, by its send time in ms.
    #[must_use]
    #[inline]
    pub fn due(&self, send_time_ms: u32) -> Instant {
        self.pacing.due(self.config.pace, send_time_ms)
    }

    /// Whether the packet with this send time is behind the stop position; then the stream ends before it.
    #[must_use]
    #[inline]
    pub fn is_behind_stop(&self, send_time_ms: u32) -> bool {
        self.pacing.is_behind(self.stop_at, send_time_ms)
    }

    /// The head of the next packet, which is then sent.
    #[inline]
    pub fn frame(&mut self, now: Instant, send_time_ms: u32, len: u16) -> Option<DataHeader> {
        if self.state != State::Streaming {
            return None;
        }
        let mut head = DataHeader::for_payload(self.cursor, low_byte(self.incarnation), 0, usize::from(len))?;
        // AFFlags 0xFF is skipped where it would come first after a start (digest 3.5)
        if !self.pacing.has_started() && self.sequence & 0xFF == 0xFF {
            self.sequence = self.sequence.wrapping_add(1);
        }
        self.pacing.sent(now, self.cursor, send_time_ms, len, self.config.max_bit_rate);
        head.af_flags = low_byte(self.sequence);
        if head.looks_like_command() && self.funnel.port.is_none() {
            // over TCP no client looks at the number, and in a datagram nobody looks for commands
            self.sequence = self.sequence.wrapping_add(1);
            head.af_flags = low_byte(self.sequence);
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.cursor = self.cursor.saturating_add(1);
        Some(head)
    }

    /// Whether the stream has no packet left: [`end_of_media`](Self::end_of_media) is due.
    #[must_use]
    #[inline]
    pub fn is_at_end(&self) -> bool {
        let forward = self.order != Order::KeyFramesBackward;
        self.state == State::Streaming && forward && !self.has_packet(self.cursor)
    }

    /// Whether the content has a packet of this number.
    #[must_use]
    #[inline]
    pub fn has_packet(&self, number: u32) -> bool {
        self.content.and_then(|content| content.packet_count).is_none_or(|count| number < count)
    }

    /// Whether the packet just framed is the first since playing started.
    #[must_use]
    #[inline]
    pub fn is_first(&self) -> bool {
        self.pacing.first().is_some_and(|first| self.cursor == first.saturating_add(1))
    }

    /// Leaves out packets that hold nothing for this client; they take no sequence number
    /// (section 3.2.5.11.1). `false` if that is no later packet.
    #[inline]
    pub fn skip_to(&mut self, packet: u32) -> bool {
        let later = self.state == State::Streaming && packet > self.cursor;
        if later {
            self.cursor = packet;
        }
        later
    }

    /// Which packets follow one another.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Rewinding: the packets of a key frame begin here.
    pub fn go_back_to(&mut self, packet: u32) {
        if self.state == State::Streaming && self.order == Order::KeyFramesBackward {
            self.cursor = packet;
        }
    }

    /// Whether a wish that was raised still fits the state.
    #[must_use]
    pub fn wants(&self, wish: MediaWish) -> bool {
        match (wish, &self.state) {
            (MediaWish::Open, State::Opening { .. })
            | (MediaWish::Header { .. }, State::SendingHeader { .. })
            | (MediaWish::Packets { .. }, State::Streaming) => true,
            (MediaWish::Locate { time: asked }, State::Locating { time }) => asked == *time,
            _ => false,
        }
    }

    /// The last packet was sent, or the stop position is reached (section 3.2.4.1).
    pub fn end_of_media(&mut self, now: Instant) {
        if self.state != State::Streaming {
            return;
        }
        self.rest(now);
        let incarnation = self.incarnation;
        self.reply(Reply::EndOfStream { hr: Hresult::S_OK, incarnation });
        let is_mplayer = self.subscriber.guid.is_some_and(|guid| guid.eq_ignore_ascii_case(&MPLAYER_GUID));
        if let (Some(after), true) = (self.config.quirks.close_after_end, is_mplayer) {
            self.timers.start(TimerName::Linger, now, after);
        }
    }

    // ---- datagrams

    /// The host can send datagrams to the client's address and receive those of the client.
    pub fn enable_udp(&mut self) {
        self.funnel.enabled = true;
    }

    /// The client's UDP port, if it wants its media in datagrams (section 3.2.5.5).
    #[must_use]
    #[inline]
    pub fn client_port(&self) -> Option<u16> {
        self.funnel.port
    }

    /// What the client calls itself and its content in requests for lost packets (section 2.2.5).
    #[must_use]
    pub fn identifiers(&self) -> (u32, u16) {
        let [low, high, ..] = replies::OPEN_FILE_ID.to_le_bytes();
        (self.client_id, u16::from_le_bytes([low, high]))
    }

    /// Whether the client knows its identifier, without which it cannot ask for lost packets.
    #[must_use]
    pub fn is_identified(&self) -> bool {
        self.funnel.identified
    }

    /// The quirk of this name.
    #[must_use]
    pub fn end_behind_datagrams(&self) -> Duration {
        self.config.quirks.end_behind_datagrams
    }

    /// The quirk of this name.
    #[must_use]
    pub fn small_bursts(&self) -> bool {
        self.config.quirks.small_bursts
    }

    /// The number of the packet that was framed last.
    #[must_use]
    pub fn last_sequence(&self) -> u32 {
        self.sequence.wrapping_sub(1)
    }

    /// Whether the pair of packets has to leave before the report on ReadBlock does (section 3.2.5.8).
    #[must_use]
    pub fn owes_pair(&self) -> bool {
        self.funnel.pair_due > 0
    }

    /// The next packet of the pair that goes ahead of the header (section 3.2.5.8): its head, and random bytes in `payload`.
    pub fn frame_pair(&mut self, payload: &mut [u8]) -> Option<DataHeader> {
        let left = self.funnel.pair_due.checked_sub(1)?;
        let location = if left == 1 { 0 } else { 1 };
        let location = wire::PACKET_PAIR_LOCATION_IDS.get(location).copied()?;
        let incarnation = wire::STREAM_CHANGE_INCARNATION;
        let head = DataHeader::for_payload(location, incarnation, wire::AF_PACKET_PAIR, payload.len())?;
        self.funnel.pair_due = left;
        replies::fill_random(&mut self.random, payload);
        Some(head)
    }

    /// Most bytes of one header fragment.
    pub(super) fn fragment_len(&self, packet_size: u32) -> u32 {
        if self.funnel.port.is_some() { packet_size.min(DATAGRAM_PAYLOAD) } else { packet_size }
    }
}
