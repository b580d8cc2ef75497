//! A plain ASF file as the answer to Describe: its header and its packets are told as those of a stream, and what
//! is no packet (indexes, a last packet that was cut) as it is.

use super::*;

/// How far a plain file is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileCut {
    /// packets to come; `None` if the header does not tell
    packets: Option<u64>,
    /// number of the next packet
    number: u32,
    /// bytes of what comes next that are there
    seen: usize,
    /// the peer closed in the middle of a packet
    pub(super) is_cut: bool,
}

impl FileCut {
    pub(super) const fn new() -> Self {
        Self { packets: None, number: 0, seen: 0, is_cut: false }
    }
}

impl Session {
    pub(super) fn file_begins(&mut self) -> Event<'static> {
        self.form = Form::File;
        self.state = State::File;
        self.file = FileCut::new();
        self.offset = 0;
        let len = match self.streaming.body {
            Body::Exact(len) => Some(len),
            _ => None,
        };
        let opened = self.open_content();
        self.report(opened);
        Event::File { len }
    }

    /// Whether a file waits for a wish to play behind its header.
    pub(super) fn is_file_waiting(&self) -> bool {
        self.state == State::Ready && self.form == Form::File && self.streaming.is_live()
    }

    /// Plays the file that waits: from its start, since it is under way already.
    pub(super) fn play_file(&mut self, play: Play) -> Result<(), Error> {
        if !matches!(play.from, Position::Beginning | Position::Packet(0) | Position::Time(Duration::ZERO)) {
            return Err(Error::PeerIncompatible(Incompatible::NotSeekable));
        }
        self.play = play;
        self.state = State::File;
        self.report(Event::Started);
        Ok(())
    }

    pub(super) fn file(&mut self, now: Instant, content: &[u8]) -> Result<Handled<Located>, Error> {
        let over = self.streaming.ends_behind(content.len()) || self.file.is_cut;
        // any byte counts, however slow a packet comes together
        let came = core::mem::replace(&mut self.file.seen, content.len()) != content.len();
        if came || !self.timers.is_running(TimerName::Reply) {
            self.timers.start(TimerName::Reply, now, self.config.reply_timeout);
        }
        if content.is_empty() {
            return if over { self.body_over(0) } else { Ok(incomplete(1)) };
        }
        let Some(packet_size) = self.walker.summary().map(HeaderSummary::packet_size) else {
            return self.file_header(content);
        };
        let len = usize::try_from(packet_size).unwrap_or(usize::MAX);
        if self.file.packets != Some(0) {
            if let Some(packet) = content.get(..len) {
                return Ok(self.file_packet(packet));
            }
            if !over {
                return Ok(incomplete(len));
            }
        }
        let (offset, len) = (self.offset, content.len());
        self.file_advance(len);
        Ok(done(len, Some(Located::FilePart { offset, bytes: 0..len })))
    }

    fn file_header(&mut self, content: &[u8]) -> Result<Handled<Located>, Error> {
        let start = FIRST.saturating_sub(self.walker.consumed());
        let left =
            self.walker.total_len().map_or(start, |total| total.saturating_sub(self.walker.consumed()));
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(content.len());
        let part = content.get(..len).unwrap_or_default();
        let offset = self.offset;
        let before = self.streaming.position.saturating_sub(offset);
        self.walker.feed(part).map_err(|error| match error {
            HeaderError::Invalid(error) => Error::invalid(error, before),
            HeaderError::Limit { limit, found, allowed } => Error::limit(limit, found, allowed),
        })?;
        self.file_advance(len);
        let last = self.walker.is_complete();
        if last {
            self.file_opened();
        }
        Ok(done(len, Some(Located::HeaderPart { offset, bytes: 0..len, last })))
    }

    fn file_opened(&mut self) {
        self.content_known();
        let Some(summary) = self.walker.summary() else { return };
        let data = summary.data_size.saturating_sub(DATA_HEAD);
        let known = data > 0 && !summary.file_properties.is_broadcast();
        self.file.packets = data.checked_div(u64::from(summary.packet_size())).filter(|_| known);
        self.timers.stop_all();
        self.state = State::Ready;
    }

    fn file_packet(&mut self, packet: &[u8]) -> Handled<Located> {
        let send_time = PacketHead::decode(packet).ok().map(|head| head.send_time_ms);
        if self.first_send_time.is_none() {
            self.first_send_time = send_time;
        }
        if self.is_behind_end(send_time) {
            self.finish();
            return done(0, Some(Located::Plain(Event::EndOfStream { hr: Hresult::S_OK, more: false })));
        }
        let location_id = self.file.number;
        self.file.number = location_id.saturating_add(1);
        self.file.packets = self.file.packets.map(|packets| packets.saturating_sub(1));
        self.last_packet = Some(location_id);
        self.last_send_time = send_time.or(self.last_send_time);
        self.statistics.packets_received = self.statistics.packets_received.saturating_add(1);
        self.file_advance(packet.len());
        done(packet.len(), Some(Located::Packet { location_id, af_flags: 0, bytes: 0..packet.len() }))
    }

    fn file_advance(&mut self, len: usize) {
        self.offset = self.offset.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        self.statistics.bytes_received = self.offset;
    }
}

/// The part of a header that tells its size.
const FIRST: u64 = 24;
/// The fixed part of the Data Object.
const DATA_HEAD: u64 = 50;
