//! What the host and the table answer, and the replies that follow.

use super::*;
use crate::mmsp::server::Pace;

/// What a `$M` of ours says; the first pair must be the language (section 2.2.4).
const DESCRIPTION: [Pair<'static>; 2] = [
    Pair { name: "language", kind: DescriptionType::LPWSTR, value: "" },
    Pair {
        name: "WMS_CONTENT_DESCRIPTION_SERVER_BRANDING_INFO",
        kind: DescriptionType::LPWSTR,
        value: "WMServer/9.0",
    },
];

impl Session {
    /// The host has something under the name.
    ///
    /// # Errors
    /// `ApiMisuse` if nothing was asked, or for media without packets of a size.
    pub fn opened(&mut self, content: Content) -> Result<(), Error> {
        if !matches!(self.state, State::Opening) {
            return Err(Error::ApiMisuse(Misuse::NoSuchWish));
        }
        if let Content::Media(media) = content
            && (media.packet_size == 0
                || media.packet_size > crate::asf::MAX_PACKET_SIZE
                || media.header_len == 0)
        {
            return Err(Error::ApiMisuse(Misuse::OutOfRange));
        }
        self.content = Some(content);
        match content {
            Content::Moved(location) => self.moved(location),
            Content::Text { len, content_type } => self.text(len, content_type),
            Content::Media(media) if self.exchange.kind == RequestKind::Plain => self.plain(&media),
            Content::Media(_) => self.state = State::Asking,
        }
        Ok(())
    }

    /// The host refuses the name: 401 asks for credentials by Basic, 404 says that there is no such content,
    /// 503 that a limit is reached; any other status is sent as it is.
    ///
    /// # Errors
    /// `ApiMisuse` if nothing was asked, or for a status that refuses nothing.
    pub fn refused(&mut self, status: Status) -> Result<(), Error> {
        if !matches!(self.state, State::Opening) {
            return Err(Error::ApiMisuse(Misuse::NoSuchWish));
        }
        if status.0 < 400 || status.0 > 599 {
            return Err(Error::ApiMisuse(Misuse::OutOfRange));
        }
        let realm = (status == Status::UNAUTHORIZED).then_some(self.config.realm);
        self.refuse_with(status, realm);
        Ok(())
    }

    /// The packet of a time.
    ///
    /// # Errors
    /// `ApiMisuse` if nothing was asked.
    pub fn located(&mut self, packet: u32) -> Result<(), Error> {
        if !matches!(self.state, State::Locating { .. }) {
            return Err(Error::ApiMisuse(Misuse::NoSuchWish));
        }
        self.cursor.packet = packet;
        self.state = State::Streaming { framed: true };
        Ok(())
    }

    /// The request that waits for the table.
    #[must_use]
    pub fn session_request(&mut self) -> Option<Request> {
        if !matches!(self.state, State::Asking) {
            return None;
        }
        let exchange = &self.exchange;
        let lenient = match exchange.kind {
            RequestKind::Play => self.config.quirks.all_streams_without_entries,
            _ => self.config.quirks.unknown_sessions_may_log,
        };
        let request = Request {
            kind: exchange.kind,
            client_id: exchange.client_id,
            fresh: 0,
            plan: exchange.plan,
            streams: self.media().map_or(0, |media| media.streams),
            lenient,
            since: self.asked_at,
        };
        Some(Request { fresh: self.next_id(), ..request })
    }

    fn next_id(&mut self) -> u32 {
        // xorshift64*; the seed is what cannot be guessed
        self.fresh ^= self.fresh >> 12;
        self.fresh ^= self.fresh << 25;
        self.fresh ^= self.fresh >> 27;
        let [.., a, b, c, d] = self.fresh.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// The table's answer, for [`Table::attend`](crate::wmsp::server::Table::attend).
    pub fn answered(&mut self, _now: Instant, answer: Answer) {
        if !matches!(self.state, State::Asking) {
            return;
        }
        self.later = Instant::MAX;
        match answer {
            Answer::Later { until } => self.later = until,
            Answer::Refused(status) => self.refuse_with(status, None),
            Answer::Granted { client_id, reset, orders } => {
                self.client_id = client_id;
                self.granted(reset, orders);
            }
        }
    }

    fn granted(&mut self, reset: bool, orders: Orders) {
        match (self.exchange.kind, self.media()) {
            (RequestKind::Describe, Some(media)) => self.describe(&media, reset),
            (RequestKind::Play, Some(media)) => {
                self.orders = Some(orders);
                self.selection = orders.selection;
                self.play(&media, reset);
            }
            (kind, _) => {
                let log = kind == RequestKind::Log;
                let status = if log { Status::NO_CONTENT } else { Status::OK };
                let mut reply = self.new_reply(status);
                self.name_session(&mut reply, reset);
                reply.allow = kind == RequestKind::Options;
                self.answer_with(reply, Then::Nothing);
            }
        }
    }

    fn name_session(&self, reply: &mut Reply, reset: bool) {
        reply.client_id = self.client_id;
        reply.reset = reset;
        reply.timeout = u32::try_from(self.config.session_timeout.as_millis()).ok();
        if self.is_modern_pair() {
            reply.supported = Some(Supported::SSWITCH | Supported::FASTCACHE);
        }
    }

    /// Both sides are of version 9 or up; what came with it is never sent to others.
    fn is_modern_pair(&self) -> bool {
        self.config.product.is_modern_server() && self.exchange.agent.at_least(9, 0)
    }

    fn media_reply(&self, media: &Media, reset: bool) -> Reply {
        let mut reply = self.new_reply(Status::OK);
        self.name_session(&mut reply, reset);
        reply.features = Some(features(media));
        reply.content_size = media.file_len.filter(|_| media.packet_count.is_some());
        reply
    }

    fn describe(&mut self, media: &Media, reset: bool) {
        let mut reply = self.media_reply(media, reset);
        reply.content_type = Some(self.content_type(ContentType::HEADER));
        let metadata =
            self.metadata().map_or(0, |metadata| text_len(&metadata).saturating_add(FrameHead::MAX_LEN));
        let metadata = u64::try_from(metadata).unwrap_or(0);
        reply.content_length = Some(HeaderProgress::framed_len(media.header_len).saturating_add(metadata));
        self.answer_with(reply, Then::Header { framed: true, plays: false });
    }

    fn play(&mut self, media: &Media, reset: bool) {
        let mut reply = self.media_reply(media, reset);
        reply.content_type = Some(self.content_type(ContentType::FRAMED));
        reply.content_length = None;
        reply.keep_alive = false;
        self.cursor = Cursor::new(&self.config, 0);
        self.accelerate(&mut reply);
        self.answer_with(reply, Then::Header { framed: true, plays: true });
    }

    /// Speed and AccelBW, never more than asked for (digest 12.6, 4).
    fn accelerate(&mut self, reply: &mut Reply) {
        if !self.config.product.is_modern_server() {
            return;
        }
        if let (Some(speed), true) = (self.exchange.speed, self.exchange.agent.at_least(9, 0)) {
            let granted = speed.0.min(i64::from(self.config.max_speed));
            // no client that asks for more than 1 gets less
            let granted = if speed.0 > 1000 { granted.max(1000) } else { granted };
            let rate = u32::try_from(granted).unwrap_or(1000);
            if matches!(self.cursor.pace, Pace::PerMille(_)) {
                self.cursor.pace = Pace::PerMille(rate);
            }
            reply.speed = Some(Token::Speed(Decimal(granted)));
        }
        if let (Some((rate, time)), true) = (self.exchange.acceleration, self.exchange.agent.at_least(8, 0)) {
            let cap = if self.exchange.agent.at_least(9, 0) { u32::MAX } else { 1_048_576 };
            self.cursor.set_burst(Duration::from_millis(u64::from(time)));
            reply.acceleration = Some((rate.min(cap), time));
        }
    }

    /// Version 4 has one type for everything (section 2.2.1.2).
    fn content_type(&self, modern: ContentType<'static>) -> &'static str {
        if self.config.product.is_modern_server() { modern.0 } else { ContentType::OCTET_STREAM.0 }
    }

    pub(super) fn metadata(&self) -> Option<MetadataText<'static>> {
        let media = self.media().filter(|_| self.is_modern_pair())?;
        Some(MetadataText {
            playlist_gen_id: 1,
            features: features(&media),
            description: Description::Slice(&DESCRIPTION),
        })
    }

    fn moved(&mut self, location: Location) {
        // a client below 7.0 wants a header with a script command instead, which is not ours to make (13.9)
        let old = self.exchange.is_streaming_client() && !self.exchange.agent.at_least(7, 0);
        if old {
            self.refuse_with(Status::INTERNAL_SERVER_ERROR, None);
            return;
        }
        let mut reply = self.new_reply(Status::FOUND);
        reply.location = Some(location);
        reply.keep_alive = false;
        self.exchange.keep_alive = false;
        self.answer_with(reply, Then::Nothing);
    }

    fn text(&mut self, len: u64, content_type: &'static str) {
        let mut reply = self.new_reply(Status::OK);
        reply.tokens = false;
        reply.content_type = Some(content_type);
        reply.content_length = Some(len);
        self.answer_with(reply, Then::Bytes { from: 0, to: len });
    }

    /// Plain HTTP: the file itself, or one range of it.
    fn plain(&mut self, media: &Media) {
        let Some(len) = media.file_len else {
            let mut reply = self.new_reply(Status::OK);
            reply.content_type = Some(ContentType::ASF.0);
            reply.content_length = None;
            reply.keep_alive = false;
            self.exchange.keep_alive = false;
            self.cursor = Cursor::new(&self.config, 0);
            self.selection = Selection::ALL;
            self.answer_with(reply, Then::Header { framed: false, plays: true });
            return;
        };
        let asked = self.exchange.range;
        let found = asked.map(|range| range.resolve(len));
        let (status, from, to) = match found {
            None => (Status::OK, 0, len),
            Some(Some((from, to))) => (Status::PARTIAL_CONTENT, from, to),
            Some(None) => (Status::RANGE_NOT_SATISFIABLE, 0, 0),
        };
        let mut reply = self.new_reply(status);
        reply.content_type = Some(ContentType::ASF.0);
        reply.content_length = Some(to.saturating_sub(from));
        reply.accepts_ranges = true;
        reply.content_range = found.map(|range| ContentRange { range, len: Some(len) });
        self.answer_with(reply, Then::Bytes { from, to });
    }

    /// The standing orders of the client for its stream, for [`Table::attend`](crate::wmsp::server::Table::attend).
    pub fn orders(&mut self, _now: Instant, orders: Orders) {
        if self.exchange.kind != RequestKind::Play || self.orders == Some(orders) || self.orders.is_none() {
            return;
        }
        self.orders = Some(orders);
        if orders.stop {
            match self.state {
                State::Streaming { framed } => {
                    self.discard = true;
                    self.end(framed, Hresult::S_OK);
                }
                State::Locating { .. } => self.end(true, Hresult::S_OK),
                State::Ending { .. } | State::Closed => {}
                // the header is under way, and nothing of the protocol can cut it short
                _ => self.close(),
            }
        } else if orders.selection != self.selection {
            // what is queued still goes out, as over MMS; the filter switches with the next answer
            self.selection = orders.selection;
        }
    }
}

/// One of the two stands first and alone: clients disagree about both together (digest 4.1).
fn features(media: &Media) -> EntryFeatures {
    match media.packet_count {
        None => EntryFeatures::BROADCAST,
        Some(_) if media.seekable => EntryFeatures::SEEKABLE,
        Some(_) => EntryFeatures::empty(),
    }
}
