//! The transitions that frames cause (sections 3.1.5.6 to 3.1.5.12), and what all transitions share.

use super::*;

impl Session {
    pub(super) fn frame(&mut self, now: Instant, content: &[u8]) -> Result<Handled<Located>, Error> {
        match self.deframer.next(content) {
            // the frame under way, if any, will never be whole
            Ok(Frame::Incomplete { .. }) if self.streaming.ends_behind(content.len()) => {
                if self.state == State::Describing {
                    return Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd));
                }
                self.body_over(0)
            }
            Ok(Frame::Incomplete { needed }) => Ok(incomplete(needed)),
            Ok(Frame::Packet { head, total }) => {
                let frame = content.get(..total).unwrap_or_default();
                let payload = frame.get(head.payload(total)).unwrap_or_default();
                let (consumed, event) = self.dispatch(now, &head, payload, total)?;
                Ok(done(consumed, event))
            }
            Err(FrameError::Invalid(error)) => Err(Error::invalid(error, self.streaming.position)),
            Err(FrameError::Limit { .. }) => Err(Error::PeerMisbehaved(Misbehaviour::PacketTooLarge)),
        }
    }

    fn dispatch(
        &mut self,
        now: Instant,
        head: &FrameHead,
        payload: &[u8],
        total: usize,
    ) -> Result<(usize, Option<Located>), Error> {
        match (head.packet_id, head.data_header()) {
            (PacketId::HEADER, Some(header)) => self.header_frame(now, header, payload, total),
            (PacketId::DATA, Some(header)) => Ok((total, self.data(now, header, payload)?)),
            (PacketId::METADATA, Some(header)) => {
                // a single fragment; longer ones hold nothing that the session needs
                if header.af_flags == 0x0C {
                    self.metadata(payload);
                }
                Ok((total, None))
            }
            (PacketId::END_OF_STREAM, _) => Ok((total, self.end_of_stream(head)?)),
            (PacketId::STREAM_CHANGE, _) => {
                self.stream_change();
                Ok((total, None))
            }
            // $P, $T and what the document does not know, whenever it comes (digest 7.3)
            _ => Ok((total, None)),
        }
    }

    fn metadata(&mut self, payload: &[u8]) {
        if let Ok(metadata) = Metadata::decode(payload) {
            self.playlist_gen_id = Some(metadata.playlist_gen_id);
            self.features = metadata.features;
            if let Some(content) = &mut self.content {
                content.attributes = attributes(metadata.features);
            }
        }
    }

    // ---- the header

    fn header_frame(
        &mut self,
        now: Instant,
        header: DataHeader,
        payload: &[u8],
        total: usize,
    ) -> Result<(usize, Option<Located>), Error> {
        if payload.is_empty() {
            return Ok((total, None));
        }
        match self.state {
            State::Describing => {}
            State::Playing => return self.header_copy(now, header, payload, total),
            State::Streaming if !self.config.quirks.header_without_change => {
                return Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage));
            }
            State::Streaming => {
                self.await_header();
                return Ok((0, self.announce(payload)?));
            }
            State::EntryChange { announced: false, .. } => {
                self.await_header();
                return Ok((0, self.announce(payload)?));
            }
            State::EntryChange { .. } => {}
            _ => return Ok((total, None)),
        }
        self.timers.start(TimerName::Reply, now, self.config.reply_timeout);
        self.walker.feed(payload).map_err(|error| self.header_error(error))?;
        let offset = self.header_received;
        self.header_received = offset.saturating_add(u64::try_from(payload.len()).unwrap_or(u64::MAX));
        let wanted = self.walker.total_len();
        if wanted.is_some_and(|wanted| self.header_received > wanted) {
            return Err(Error::PeerMisbehaved(Misbehaviour::HeaderTooLong));
        }
        // the mark or the size, whichever comes first (digest 17, client rule 3)
        let last = header.af_flags & 0x08 != 0 || wanted == Some(self.header_received);
        if last {
            self.header_complete(now)?;
        }
        let end = total;
        let bytes = end.saturating_sub(payload.len())..end;
        Ok((total, Some(Located::HeaderPart { offset, bytes, last })))
    }

    fn header_complete(&mut self, now: Instant) -> Result<(), Error> {
        let Some(summary) = self.walker.summary() else {
            return Err(Error::PeerMisbehaved(Misbehaviour::HeaderTooShort));
        };
        let limits = frame_limits(&self.config, Some(summary));
        self.content_known();
        self.deframer = Deframer::new(limits);
        self.timers.stop_all();
        if self.state == State::Describing {
            self.state = State::Ready;
            // ffserver sends the stream too, of which nothing is wanted (digest 16.2); others have no more
            // than this one connection to give
            let keep = self.config.quirks.describe_may_stream && !self.server.is_server();
            if !keep {
                self.streaming.close();
            }
            return Ok(());
        }
        self.state = State::Streaming;
        self.timers.start(TimerName::Silence, now, self.config.silence_timeout);
        if self.may_select() {
            // section 3.1.5.12: the server waits for it unless it predicts
            self.enqueue(Short::Select);
        }
        Ok(())
    }

    /// What the header tells of the content.
    pub(super) fn content_known(&mut self) {
        let Some(summary) = self.walker.summary() else { return };
        if let Some(content) = &mut self.content {
            let file = &summary.file_properties;
            let live = content.attributes.contains(FileAttributes::BROADCAST) || file.is_broadcast();
            content.packet_size = summary.packet_size();
            content.bit_rate = summary.bit_rate;
            content.header_len = u32::try_from(summary.header_len).unwrap_or(u32::MAX);
            content.duration = (!live).then(|| file.content_duration());
            content.packet_count = Some(summary.data_packets)
                .filter(|count| !live && !matches!(count, 0 | 0xFFFF_FFFF) && *count <= u64::from(u32::MAX));
        }
    }

    /// Play sends the header that Describe had. It is passed on only if it says something else, as that of
    /// another entry.
    fn header_copy(
        &mut self,
        now: Instant,
        header: DataHeader,
        payload: &[u8],
        total: usize,
    ) -> Result<(usize, Option<Located>), Error> {
        self.timers.start(TimerName::Reply, now, self.config.reply_timeout);
        let first = self.copy.consumed() == 0;
        self.copy.feed(payload).map_err(|error| self.header_error(error))?;
        let Some(copy) = self.copy.summary() else {
            return if header.af_flags & 0x08 != 0 {
                Err(Error::PeerMisbehaved(Misbehaviour::HeaderTooShort))
            } else {
                Ok((total, None))
            };
        };
        let same = self
            .walker
            .summary()
            .is_some_and(|known| known.packet_size() == copy.packet_size() && known.streams == copy.streams);
        match (same, first) {
            (true, _) => {
                self.state = State::Streaming;
                self.timers.stop_all();
                self.timers.start(TimerName::Silence, now, self.config.silence_timeout);
                Ok((total, None))
            }
            (false, true) => {
                self.await_header();
                Ok((0, self.announce(payload)?))
            }
            // the fragments before are gone
            (false, false) => Err(Error::PeerMisbehaved(Misbehaviour::PacketSizeDiffers)),
        }
    }

    fn await_header(&mut self) {
        self.walker = HeaderWalker::new(self.config.header);
        self.header_received = 0;
        self.deframer = Deframer::new(frame_limits(&self.config, None));
    }

    /// Tells of another entry; the frame at hand is looked at again afterwards.
    fn announce(&mut self, payload: &[u8]) -> Result<Option<Located>, Error> {
        self.state = State::EntryChange { changed: true, announced: true };
        let mut ahead = HeaderWalker::new(self.config.header);
        ahead.feed(payload).map_err(|error| self.header_error(error))?;
        let (packet_size, header_len, bit_rate) = ahead.summary().map_or((0, 0, 0), |summary| {
            let header_len = u32::try_from(summary.header_len).unwrap_or(u32::MAX);
            (summary.packet_size(), header_len, summary.bit_rate)
        });
        Ok(Some(Located::Plain(Event::StreamChange { packet_size, header_len, bit_rate })))
    }

    fn header_error(&self, error: HeaderError) -> Error {
        match error {
            // the walker counts from the start of the header, the connection from its first byte
            HeaderError::Invalid(error) => {
                let start = u64::try_from(FrameHead::MAX_LEN).unwrap_or(0);
                let before = self.streaming.position.saturating_add(start);
                Error::invalid(error, before.saturating_sub(self.header_received))
            }
            HeaderError::Limit { limit, found, allowed } => Error::limit(limit, found, allowed),
        }
    }

    // ---- media

    fn data(&mut self, now: Instant, header: DataHeader, payload: &[u8]) -> Result<Option<Located>, Error> {
        match self.state {
            State::Streaming => {}
            // the header need not be repeated
            State::Playing | State::EntryChange { changed: false, .. } => self.state = State::Streaming,
            State::EntryChange { .. } => return Ok(None),
            _ => return Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage)),
        }
        self.adopted = false;
        self.timers.stop(TimerName::Reply);
        self.timers.start(TimerName::Silence, now, self.config.silence_timeout);
        let size = self.walker.summary().map_or(u32::MAX, HeaderSummary::packet_size);
        if u32::try_from(payload.len()).unwrap_or(u32::MAX) > size {
            return Err(Error::PeerMisbehaved(Misbehaviour::PacketTooLarge));
        }
        let early = self.wanted_packet.is_some_and(|wanted| header.location_id < wanted);
        if early && self.config.quirks.position_ignored {
            self.early = true;
            return Ok(None);
        }
        self.wanted_packet = None;
        let send_time = PacketHead::decode(payload).ok().map(|head| head.send_time_ms);
        if self.first_send_time.is_none() {
            self.first_send_time = send_time;
        }
        if self.is_behind_end(send_time) {
            return Ok(self.over(Hresult::S_OK));
        }
        self.last_packet = Some(header.location_id);
        self.last_send_time = send_time.or(self.last_send_time);
        self.statistics.packets_received = self.statistics.packets_received.saturating_add(1);
        let len = u64::try_from(payload.len()).unwrap_or(u64::MAX);
        self.statistics.bytes_received = self.statistics.bytes_received.saturating_add(len);
        let bytes = FrameHead::MAX_LEN..FrameHead::MAX_LEN.saturating_add(payload.len());
        let DataHeader { location_id, af_flags, .. } = header;
        Ok(Some(Located::Packet { location_id, af_flags, bytes }))
    }

    /// Servers may ignore max-duration (section 2.2.1.4.11), so the client looks for itself.
    pub(super) fn is_behind_end(&self, send_time: Option<u32>) -> bool {
        let Some(send_time) = send_time else { return false };
        match self.play.until {
            None => false,
            Some(Until::Time(time)) => u128::from(send_time) >= time.as_millis(),
            Some(Until::AfterStart(time)) => {
                let first = self.first_send_time.unwrap_or(send_time);
                u128::from(send_time.saturating_sub(first)) >= time.as_millis()
            }
        }
    }

    fn end_of_stream(&mut self, head: &FrameHead) -> Result<Option<Located>, Error> {
        let long = head.packet_length > 4 && self.config.quirks.long_end_is_plain_end;
        let hr = if long { Hresult::S_OK } else { head.result().unwrap_or_default() };
        match self.state {
            State::Describing if hr.is_failure() => Err(Error::Refused(hr)),
            State::Describing => Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage)),
            State::Playing | State::Streaming | State::EntryChange { .. } if hr == Hresult::S_FALSE => {
                self.enqueue_log();
                self.state = State::EntryChange { changed: false, announced: false };
                Ok(Some(Located::Plain(Event::EndOfStream { hr, more: true })))
            }
            State::Playing | State::Streaming | State::EntryChange { .. } => Ok(self.over(hr)),
            _ => Ok(None),
        }
    }

    fn over(&mut self, hr: Hresult) -> Option<Located> {
        self.rest();
        Some(Located::Plain(Event::EndOfStream { hr, more: false }))
    }

    fn stream_change(&mut self) {
        match self.state {
            State::Playing | State::Streaming | State::EntryChange { .. } => {
                self.state = State::EntryChange { changed: true, announced: false };
            }
            _ => {}
        }
    }

    // ---- helpers

    /// Playing is over: the streaming connection is given up, the log is due.
    pub(super) fn rest(&mut self) {
        self.enqueue_log();
        self.streaming.close();
        self.timers.stop_all();
        self.state = State::Ready;
        self.form = Form::Unknown;
        self.first_send_time = None;
    }

    pub(super) fn check_play(&self, play: &Play) -> Result<(), Error> {
        if self.content.is_none() || !self.walker.is_complete() {
            return Err(Error::ApiMisuse(Misuse::WrongState));
        }
        if play.rate.is_some_and(|rate| !(rate.is_finite() && rate.abs() <= 5.0 && rate.abs() >= 0.001)) {
            return Err(Error::ApiMisuse(Misuse::OutOfRange));
        }
        let elsewhere =
            !matches!(play.from, Position::Beginning | Position::Packet(0) | Position::Time(Duration::ZERO));
        if elsewhere && !self.is_stored() {
            return Err(Error::PeerIncompatible(Incompatible::NotSeekable));
        }
        let other_rate = play.rate.is_some_and(|rate| (rate - 1.0).abs() > f64::EPSILON);
        if other_rate && !self.features.contains(EntryFeatures::STRIDABLE) {
            return Err(Error::PeerIncompatible(Incompatible::NotStridable));
        }
        Ok(())
    }

    /// Not live, as far as is known: servers that name no feature can mostly seek (digest 16.1, libmms).
    pub(super) fn is_stored(&self) -> bool {
        !self.features.intersects(EntryFeatures::BROADCAST | EntryFeatures::LIVE)
    }

    /// Whether requests beside the streaming connection do any good here.
    pub(super) fn may_post(&self) -> bool {
        let blank = self.server.name == ProductName::Cougar && !self.server.slash;
        self.client_id.is_some()
            && self.server.is_server()
            && !(blank && self.config.quirks.no_posts_to_blank_version)
    }

    pub(super) fn may_select(&self) -> bool {
        self.may_post() && self.server.is_modern_server() && self.supported.contains(Supported::SSWITCH)
    }

    pub(super) fn enqueue_log(&mut self) {
        if self.config.logging && self.may_post() && self.statistics.packets_received > 0 {
            let start = match self.play.from {
                Position::Time(time) => time,
                _ => Duration::ZERO,
            };
            let played = self.last_send_time.unwrap_or(0).saturating_sub(self.first_send_time.unwrap_or(0));
            let rate = self.play.rate.map_or(1, |rate| if rate < 0.0 { -1 } else { 1 });
            self.enqueue(Short::Log(Logged {
                start,
                played: Duration::from_millis(u64::from(played)),
                rate,
                statistics: self.statistics,
            }));
        }
    }

    /// Puts a request at the end of the line; when the line is full, the request is not worth waiting for.
    pub(super) fn enqueue(&mut self, request: Short) {
        if self.requests.contains(&Some(request)) {
            return;
        }
        if let Some(slot) = self.requests.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(request);
            if self.short.is_idle() {
                self.short.open();
            }
        }
    }

    pub(super) fn report(&mut self, event: Event<'static>) {
        if let Some(slot) = self.events.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(event);
        }
    }

    pub(super) fn link(&mut self, id: ConnectionId) -> &mut Link {
        match id {
            ConnectionId::Streaming => &mut self.streaming,
            ConnectionId::Short => &mut self.short,
        }
    }

    pub(super) fn settle(&mut self) {
        if self.state == State::Closing && self.requests.iter().all(Option::is_none) {
            self.state = State::Closed;
        }
    }

    pub(super) fn fail(&mut self, error: Error) {
        if self.failed.is_none() {
            self.failed = Some(error);
        }
        self.timers.stop_all();
        self.short_deadline = Instant::MAX;
        self.requests = [None; SHORT];
        self.streaming.close();
        self.short.close();
        self.state = State::Closed;
    }

    /// The complete selection of all streams of the header (section 3.1.4.3.1).
    pub(super) fn entries<'l>(&self, list: &'l mut [SwitchEntry; 127]) -> &'l [SwitchEntry] {
        let mut count = 0_usize;
        let streams = self.walker.summary().into_iter().flat_map(|summary| summary.streams.iter());
        for (slot, stream) in list.iter_mut().zip(streams) {
            let number = u16::from(stream.number);
            *slot = SwitchEntry::for_stream(number, self.play.selection.level(number));
            count = count.saturating_add(1);
        }
        list.get(..count).unwrap_or_default()
    }

    pub(super) fn log<'a>(&self, target: &Target<'a>, player_id: &'a str, logged: &Logged) -> ClientLog<'a> {
        let content = self.content;
        let summary = self.walker.summary();
        ClientLog {
            date_time: target.date_time,
            url: target.url,
            start: logged.start,
            played: logged.played,
            rate: logged.rate,
            status: 200,
            player_id,
            player_version: self.config.player.version,
            file_length: content.and_then(|content| content.duration).unwrap_or_default(),
            file_size: summary
                .filter(|_| self.is_stored())
                .map_or(0, |known| known.file_properties.file_size),
            average_bandwidth: None,
            bytes: logged.statistics.bytes_received,
            packets: logged.statistics.packets_received,
        }
    }
}

pub(super) fn attributes(features: EntryFeatures) -> FileAttributes {
    let mut attributes = FileAttributes::empty();
    attributes.set(FileAttributes::BROADCAST, features.contains(EntryFeatures::BROADCAST));
    attributes.set(FileAttributes::LIVE, features.contains(EntryFeatures::LIVE));
    attributes.set(FileAttributes::PLAYLIST, features.contains(EntryFeatures::PLAYLIST));
    attributes.set(FileAttributes::CANSEEK, features.contains(EntryFeatures::SEEKABLE));
    attributes.set(FileAttributes::CANSTRIDE, features.contains(EntryFeatures::STRIDABLE));
    attributes
}

/// `$D` may not be larger than the packet size, once that is known.
pub(super) fn frame_limits(config: &Config, summary: Option<&HeaderSummary>) -> FrameLimits {
    let sizes_may_differ = config.quirks.frame_sizes_may_differ;
    let data_bytes =
        summary.map_or(FrameLimits::default().data_bytes, |summary| summary.packet_size().saturating_add(12));
    FrameLimits { data_bytes, sizes_may_differ }
}

pub(super) fn done(consumed: usize, event: Option<Located>) -> Handled<Located> {
    Handled { consumed, needed: 0, event }
}

pub(super) fn incomplete(needed: usize) -> Handled<Located> {
    Handled { consumed: 0, needed, event: None }
}
