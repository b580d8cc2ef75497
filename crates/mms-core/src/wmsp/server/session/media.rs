//! Media, and what of it is left when something ends.

use super::*;
use crate::mmsp::server::Pace;

impl Session {
    /// The frame head before the next piece of the header, of which `available` bytes are at hand, and how many
    /// of them belong to the piece. `None` if no header is due.
    pub fn frame_header(&mut self, available: u32) -> Option<(FrameBytes, u32)> {
        let media = self.media()?;
        let State::Header { progress, framed, plays } = &mut self.state else { return None };
        if available == 0 {
            return None;
        }
        let (head, len) = progress.next(media.header_len, available);
        let (head, plays) = (if *framed { head } else { FrameBytes::default() }, *plays);
        let (framed, complete) = (*framed, progress.offset >= media.header_len);
        if complete {
            if plays {
                self.state = State::Streaming { framed };
                self.begin_media(media);
            } else {
                self.over();
            }
        }
        Some((head, len))
    }

    /// How many of `available` bytes of the file go out now; they are then sent.
    pub fn send_bytes(&mut self, available: u64) -> u64 {
        let State::Bytes { from, to } = &mut self.state else { return 0 };
        let len = to.saturating_sub(*from).min(available);
        *from = from.saturating_add(len);
        if from >= to {
            self.completed = true;
            self.over();
        }
        len
    }

    /// The packet that is sent next.
    #[must_use]
    pub fn cursor(&self) -> u32 {
        self.cursor.packet
    }

    /// When the next packet may be sent, by its send time in ms.
    #[must_use]
    #[inline]
    pub fn due(&self, send_time_ms: u32) -> Instant {
        self.cursor.due(send_time_ms)
    }

    /// Whether the send times of packets matter: not where nothing is paced and nothing stops early.
    #[must_use]
    #[inline]
    pub fn heeds_send_times(&self) -> bool {
        self.exchange.max_duration != 0 || self.cursor.pace != Pace::Off
    }

    /// Whether the packet with this send time is behind the stop position; then the stream ends before it.
    #[must_use]
    #[inline]
    pub fn is_behind_stop(&self, send_time_ms: u32) -> bool {
        self.cursor.is_behind(self.exchange.max_duration, send_time_ms)
    }

    /// The head of the next packet, which is then sent.
    #[inline]
    pub fn frame(&mut self, now: Instant, send_time_ms: u32, len: u16) -> Option<FrameBytes> {
        let State::Streaming { framed } = self.state else { return None };
        let head = self.cursor.frame(now, send_time_ms, len, self.config.max_bit_rate);
        Some(if framed { head } else { FrameBytes::default() })
    }

    /// Whether packets are left before the end of the content.
    #[must_use]
    #[inline]
    pub fn has_more(&self) -> bool {
        self.has_packet(self.cursor.packet)
    }

    /// Whether the stream has no packet left: [`end_of_media`](Self::end_of_media) is due.
    #[must_use]
    #[inline]
    pub fn is_at_end(&self) -> bool {
        matches!(self.state, State::Streaming { .. }) && !self.has_more()
    }

    /// Whether a response head or `$E` waits for [`poll_transmit`](Self::poll_transmit); media must not overtake it.
    #[must_use]
    #[inline]
    pub fn wants_transmit(&self) -> bool {
        matches!(self.state, State::Replying { .. } | State::Ending { .. })
    }

    /// Whether the request under way is for a stream, which ends with its connection.
    pub(crate) fn plays(&self) -> bool {
        self.exchange.kind == RequestKind::Play
    }

    /// Whether the content has a packet of this number.
    #[must_use]
    #[inline]
    pub fn has_packet(&self, number: u32) -> bool {
        self.media().and_then(|media| media.packet_count).is_none_or(|count| number < count)
    }

    /// Whether the packet just framed is the first since playing started.
    #[must_use]
    #[inline]
    pub fn is_first(&self) -> bool {
        self.cursor.is_first()
    }

    /// Leaves out packets that hold nothing for this client. `false` if that is no later packet.
    #[inline]
    pub fn skip_to(&mut self, packet: u32) -> bool {
        let later = matches!(self.state, State::Streaming { .. }) && packet > self.cursor.packet;
        if later {
            self.cursor.packet = packet;
        }
        later
    }

    /// Whether media that was framed and not begun shall be dropped, once; then [`give_back`](Self::give_back).
    pub fn take_discard(&mut self) -> bool {
        core::mem::take(&mut self.discard)
    }

    /// So many framed packets were dropped.
    pub fn give_back(&mut self, count: u32) {
        self.cursor.give_back(count);
    }

    /// The last packet was sent, or the stop position is reached (section 3.2.4.2).
    pub fn end_of_media(&mut self) {
        if let State::Streaming { framed } = self.state {
            self.completed = true;
            self.end(framed, Hresult::S_OK);
        }
    }

    /// The host cannot read its content.
    pub fn content_failed(&mut self, hr: Hresult) {
        self.failed = Some(Error::ContentFailed(hr));
        match self.state {
            // an error as Reason would make clients come back in a storm (digest 16.3)
            State::Streaming { framed } => self.end(framed, Hresult::S_OK),
            State::Opening | State::Asking => self.refuse_with(Status::INTERNAL_SERVER_ERROR, None),
            // a body that stays short says enough
            _ => self.close(),
        }
    }

    /// The server goes down.
    pub fn shut_down(&mut self) {
        match self.state {
            State::Streaming { framed } => self.end(framed, Hresult::S_OK),
            State::Locating { .. } => self.end(true, Hresult::S_OK),
            State::Opening | State::Asking => {
                self.exchange.keep_alive = false;
                self.refuse_with(Status::SERVICE_UNAVAILABLE, None);
            }
            State::Head | State::Read | State::Body { .. } | State::Over | State::Lingering => self.close(),
            _ => {
                self.exchange.keep_alive = false;
                if self.exchange.kind == RequestKind::Play {
                    self.close();
                }
            }
        }
    }

    pub(super) fn end(&mut self, framed: bool, reason: Hresult) {
        self.state = if framed { State::Ending { reason } } else { State::Closed };
    }

    pub(super) fn begin_media(&mut self, media: Media) {
        let by_agent = self.config.quirks.offsets_by_agent;
        match begin(self.exchange.start, &media, &self.exchange.agent, by_agent) {
            Ok(packet) => self.cursor.packet = packet,
            Err(time) => self.state = State::Locating { time },
        }
    }

    pub(super) fn media(&self) -> Option<Media> {
        match self.content {
            Some(Content::Media(media)) => Some(media),
            _ => None,
        }
    }
}
