//! All transitions of the server but those of media.

#[cfg(test)]
pub(crate) mod explored;
mod media;

use core::time::Duration;

use self::media::Funnel;
use super::config::{Config, Content};
use super::pacing::{Pacing, StopAt};
use super::replies::{self, Facts, OPEN_FILE_ID, PACKET_PAIR, Reply};
use super::state::State;
use super::wish::{Event, Located, MediaWish, Order};
use crate::error::{BufferTooSmall, Error, LimitName, Misuse, Reason, TimerName};
use crate::hresult::Hresult;
use crate::mmsp::client::Handled;
use crate::mmsp::wire::{
    self, Deframer, Frame, FrameError, FrameLimits, FunnelName, FunnelTransport, Message, OpenFile, Product,
    StartPlaying, StartStriding, StreamSwitch, Subscriber, TcpMessageHeader,
};
use crate::selection::{Selection, Thinning};
use crate::text::Text;
use crate::time::Instant;
use crate::timer::Timers;

/// Messages in one command packet.
const MAX_MESSAGES: u32 = 64;
const OUTBOX: usize = 8;
/// A client may ask for a faster start, not for the whole file at once.
const LONGEST_BURST: Duration = Duration::from_secs(60);

/// A server session of MMS, with media over TCP or UDP. It knows no socket, no file and no clock.
///
/// Every error but [`Error::ApiMisuse`] ends the session.
#[derive(Clone, Debug)]
pub struct Session {
    config: Config,
    state: State,
    deframer: Deframer,
    in_packet: usize,
    messages: u32,
    position: u64,
    seq: u16,
    outbox: [Option<Reply>; OUTBOX],
    timers: Timers<4>,
    client_id: u32,
    random: u64,
    subscriber: Subscriber,
    content: Option<Content>,
    selection: Selection,
    switched: bool,
    /// incarnation of the latest StartPlaying or StartStriding
    incarnation: u32,
    /// number of the next ASF data packet that is sent, over the whole session
    sequence: u32,
    /// the packet that is sent next
    cursor: u32,
    stop_at: Option<StopAt>,
    order: Order,
    pacing: Pacing,
    discard: bool,
    funnel: Funnel,
    pings: u32,
    wrong_requests: u32,
    failed: Option<Error>,
    /// the server is full
    turned_away: bool,
}

impl Session {
    /// A session on an accepted connection. `random` must be unpredictable: the client id is made of it.
    #[must_use]
    pub fn new(config: Config, random: [u8; 16], now: Instant) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = random;
        let mut timers = Timers::new([
            TimerName::Handshake,
            TimerName::IdleTimeout,
            TimerName::Linger,
            TimerName::KeepAlive,
        ]);
        timers.start(TimerName::Handshake, now, config.handshake_timeout);
        Self {
            deframer: Deframer::server(FrameLimits {
                command_bytes: config.command_bytes,
                ..FrameLimits::default()
            }),
            config,
            state: State::AwaitConnect,
            in_packet: 0,
            messages: 0,
            position: 0,
            seq: 0,
            outbox: [None; OUTBOX],
            timers,
            client_id: u32::from_le_bytes([a, b, c, d]),
            // any odd number starts the generator well
            random: u64::from_le_bytes([e, f, g, h, i, j, k, l]) | 1,
            subscriber: Subscriber { product: Product::Other, guid: None },
            content: None,
            selection: Selection::ALL,
            switched: false,
            incarnation: 0,
            sequence: 0,
            cursor: 0,
            stop_at: None,
            order: Order::All,
            pacing: Pacing::new(),
            discard: false,
            funnel: Funnel::default(),
            pings: 0,
            wrong_requests: 0,
            failed: None,
            turned_away: false,
        }
    }

    // ---- getters

    /// Whether nothing more will be said; what is queued still has to go out.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether the session is over, although replies may still wait.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Closing | State::Closed)
    }

    /// Whether media is being sent.
    #[must_use]
    #[inline]
    pub fn is_streaming(&self) -> bool {
        matches!(self.state, State::Streaming | State::Locating { .. })
    }

    /// The streams that the client wants.
    #[must_use]
    pub fn selection(&self) -> Selection {
        self.selection
    }

    /// The error that ended the session.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.failed
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `Instant::MAX` for never.
    #[must_use]
    #[inline]
    pub fn poll_timeout(&self) -> Instant {
        self.timers.next()
    }

    /// What the host is asked for now.
    #[must_use]
    #[inline]
    pub fn wish(&self) -> Option<MediaWish> {
        let content = self.content?;
        match self.state {
            State::SendingHeader { offset, .. } => {
                let left = content.header_len.saturating_sub(offset);
                Some(MediaWish::Header { offset, len: left.min(self.fragment_len(content.packet_size)) })
            }
            State::Locating { time } => Some(MediaWish::Locate { time }),
            State::Streaming if self.order == Order::KeyFramesBackward || self.has_packet(self.cursor) => {
                Some(MediaWish::Packets { from: self.cursor, order: self.order })
            }
            _ => None,
        }
    }

    /// The name that OpenFile asks for, while the host has not answered; `input` is the input that
    /// [`handle_input`](Self::handle_input) left unconsumed.
    #[must_use]
    #[inline]
    pub fn name<'a>(&self, input: &'a [u8]) -> Option<Text<'a>> {
        let State::Opening { name, .. } = &self.state else { return None };
        input.get(name.clone()).map(Text::from_wire)
    }

    /// Whether the next reply may share a write with what follows it.
    #[must_use]
    pub fn one_reply_per_write(&self) -> bool {
        self.config.quirks.one_reply_per_write
    }

    // ---- input

    /// Handles at most one message at the front of `input`. Input stays unconsumed, with `needed` 0, while
    /// the host owes an answer or the outbox is full.
    ///
    /// # Errors
    /// Every error ends the session and is returned again by each later call.
    pub fn handle_input<'b>(&mut self, now: Instant, input: &'b [u8]) -> Result<Handled<Event<'b>>, Error> {
        let Handled { consumed, needed, event } = self.locate(now, input)?;
        Ok(Handled { consumed, needed, event: event.and_then(|event| event.lend(input)) })
    }

    pub(crate) fn locate(&mut self, now: Instant, input: &[u8]) -> Result<Handled<Located>, Error> {
        if let Some(error) = self.failure() {
            return Err(error);
        }
        let result = self.locate_inner(now, input);
        match &result {
            Ok(handled) => {
                let consumed = u64::try_from(handled.consumed).unwrap_or(u64::MAX);
                self.position = self.position.saturating_add(consumed);
            }
            Err(error) => self.fail(*error),
        }
        result
    }

    fn locate_inner(&mut self, now: Instant, input: &[u8]) -> Result<Handled<Located>, Error> {
        const BLOCKED: Handled<Located> = Handled { consumed: 0, needed: 0, event: None };
        match self.state {
            State::Closing | State::Closed => {
                return Ok(Handled { consumed: input.len(), needed: 1, event: None });
            }
            State::Opening { .. } | State::SendingHeader { .. } | State::Locating { .. } => {
                return Ok(BLOCKED);
            }
            _ => {}
        }
        if self.outbox.iter().filter(|reply| reply.is_none()).count() < PACKET_PAIR.len() {
            return Ok(BLOCKED);
        }
        if self.in_packet > 0 {
            return match input.get(..self.in_packet) {
                Some(messages) => self.message(now, messages),
                None => Ok(Handled { consumed: 0, needed: self.in_packet, event: None }),
            };
        }
        match self.deframer.next(input) {
            Ok(Frame::Incomplete { needed }) => Ok(Handled { consumed: 0, needed, event: None }),
            Ok(Frame::Command { total }) => {
                self.in_packet = total.saturating_sub(TcpMessageHeader::LEN);
                self.messages = 0;
                self.pings = 0;
                self.keep_alive(now);
                Ok(Handled { consumed: TcpMessageHeader::LEN, needed: 0, event: None })
            }
            Ok(Frame::Data { .. }) => Err(self.invalid(Reason::SessionId, 4)),
            Err(FrameError::Invalid(error)) => Err(Error::invalid(error, self.position)),
            Err(FrameError::Limit { found, allowed }) => {
                Err(Error::limit(LimitName::CommandBytes, u64::from(found), u64::from(allowed)))
            }
        }
    }

    fn message(&mut self, now: Instant, input: &[u8]) -> Result<Handled<Located>, Error> {
        self.messages = self.messages.saturating_add(1);
        if self.messages > MAX_MESSAGES {
            let (found, allowed) = (u64::from(self.messages), u64::from(MAX_MESSAGES));
            return Err(Error::limit(LimitName::MessagesPerPacket, found, allowed));
        }
        let (message, consumed) =
            Message::decode(input).map_err(|error| Error::invalid(error, self.position))?;
        if self.timers.is_running(TimerName::IdleTimeout) {
            self.timers.start(TimerName::IdleTimeout, now, self.config.idle_timeout);
        }
        let event = self.dispatch(now, &message, consumed)?;
        if matches!(self.state, State::Opening { .. }) {
            // the name is lent from the input until the host has answered
            return Ok(Handled { consumed: 0, needed: 0, event });
        }
        self.in_packet = self.in_packet.saturating_sub(consumed);
        self.keep_alive(now);
        Ok(Handled { consumed, needed: 0, event })
    }

    /// A Ping is due when nothing was exchanged for a while (section 3.2.2), and only where clients expect it:
    /// during the handshake the next message must be the reply (digest 8.2). A Pong starts the time anew, it
    /// is never answered with a Ping.
    fn keep_alive(&mut self, now: Instant) {
        if matches!(self.state, State::Ready | State::Streaming) {
            self.timers.start(TimerName::KeepAlive, now, self.config.keep_alive);
        } else {
            self.timers.stop(TimerName::KeepAlive);
        }
    }

    /// The client closed its side: the session is over (digest 8.1, TCP close is a CloseFile), and nobody is
    /// there to read what was still to be said.
    pub fn handle_eof(&mut self) {
        self.discard = true;
        self.outbox.fill(None);
        self.close();
    }

    /// A timer fired, if its time has come. `output_waits` says that bytes wait for the client to read them:
    /// a client that does not read cannot answer a Ping.
    ///
    /// # Errors
    /// `TimedOut` ends the session.
    pub fn handle_timeout(&mut self, now: Instant, output_waits: bool) -> Result<(), Error> {
        match self.timers.expired(now) {
            Some(TimerName::KeepAlive) => {
                if self.pings >= self.config.unanswered_pings && !output_waits {
                    self.fail(Error::TimedOut(TimerName::Pong));
                } else if output_waits {
                    self.timers.start(TimerName::KeepAlive, now, self.config.keep_alive);
                } else {
                    self.pings = self.pings.saturating_add(1);
                    self.reply(Reply::Ping);
                }
            }
            Some(TimerName::Linger) => self.close(),
            Some(name) => self.fail(Error::TimedOut(name)),
            None => {}
        }
        self.failure().map_or(Ok(()), Err)
    }

    /// The error that forbids to go on. Content that failed does not: its end of stream is still to be sent.
    fn failure(&self) -> Option<Error> {
        self.failed.filter(|error| !matches!(error, Error::ContentFailed(_)))
    }

    // ---- messages, in the order of the protocol

    fn dispatch(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        consumed: usize,
    ) -> Result<Option<Located>, Error> {
        if self.turned_away {
            // Connect has a reply for it, what else may come first has none or one of its own
            self.refuse(message, Hresult::NS_E_MAX_CLIENTS);
            self.close();
            return Ok(None);
        }
        if open_file_id(message).is_some_and(|id| self.content.is_some() && id != OPEN_FILE_ID) {
            self.wrong_request()?;
            self.refuse(message, Hresult::E_INVALIDARG);
            return Ok(None);
        }
        match (&self.state, message) {
            (State::AwaitConnect, Message::Connect(connect)) => {
                let packet_pair =
                    self.config.packet_pair && connect.play_incarnation == wire::MMS_USE_PACKET_PAIR;
                self.subscriber = Subscriber::parse(connect.subscriber_name);
                self.state = State::AwaitFunnel;
                self.timers.start(TimerName::IdleTimeout, now, self.config.idle_timeout);
                self.reply(Reply::ConnectedEx { hr: Hresult::S_OK, packet_pair });
                return Ok(Some(Located::Connected(self.subscriber)));
            }
            (State::AwaitFunnel | State::AwaitOpen, Message::FunnelInfo(info)) => {
                self.funnel_info(info.play_incarnation);
            }
            (State::AwaitFunnel | State::AwaitOpen, Message::ConnectFunnel(funnel)) => {
                self.connect_funnel(funnel.funnel_name)?;
            }
            (State::AwaitOpen, Message::OpenFile(open)) => self.open(open, consumed)?,
            (State::AwaitReadBlock | State::Ready, Message::ReadBlock(read)) => {
                self.reply(Reply::ReadBlock { hr: Hresult::S_OK, incarnation: read.play_incarnation });
                let [incarnation, ..] = read.play_incarnation.to_le_bytes();
                self.timers.stop(TimerName::Handshake);
                self.funnel.pair_due = if self.funnel.pair && self.funnel.port.is_some() { 2 } else { 0 };
                self.state = State::SendingHeader { offset: 0, fragment: 0, incarnation };
            }
            (State::Ready | State::Streaming, Message::StreamSwitch(switch)) => {
                self.switch(switch);
                self.reply(Reply::StreamSwitch { hr: Hresult::S_OK });
            }
            (State::Ready | State::Streaming, Message::StartPlaying(start)) => {
                self.start(start);
            }
            (State::Ready | State::Streaming, Message::StartStriding(start)) => {
                self.start_striding(start);
            }
            (State::Ready | State::Streaming, Message::StopPlaying(stop)) => {
                // packets that were framed and not begun are not sent; in READY there is nothing to discard
                self.discard |= self.state == State::Streaming;
                self.rest(now);
                let incarnation = stop.play_incarnation;
                self.reply(Reply::EndOfStream { hr: Hresult::S_OK, incarnation });
            }
            (_, Message::Logging(_)) if self.content.is_some() => {
                return Ok(Some(Located::Log(0..consumed)));
            }
            (_, Message::CloseFile(_)) => {
                self.discard = true;
                self.close();
            }
            // a header that is complete needs no cancelling; unknown messages and those of a server mean nothing
            (
                _,
                Message::Pong | Message::CancelReadBlock(_) | Message::Unknown { .. } | Message::Logging(_),
            ) => {}
            (_, message) if message.mid().from_client() => {
                self.wrong_request()?;
                self.refuse(message, Hresult::NS_E_INVALID_REQUEST);
            }
            _ => {}
        }
        Ok(None)
    }

    fn funnel_info(&mut self, wanted: u32) {
        let hr = Hresult::S_OK;
        self.funnel.identified = true;
        let udp = wanted == wire::MMS_PACKET_PAIR_UDP_HIGH_ENTROPY && self.funnel.enabled;
        self.funnel.pair = self.config.packet_pair && udp;
        let tcp = matches!(wanted, wire::MMS_USE_PACKET_PAIR | wire::MMS_PACKET_PAIR_TCP_HIGH_ENTROPY);
        if self.config.packet_pair && tcp {
            let incarnation = wire::MMS_PACKET_PAIR_TCP_HIGH_ENTROPY;
            for random in PACKET_PAIR {
                self.reply(Reply::FunnelInfo { hr, incarnation, random });
            }
        } else {
            let incarnation = if self.funnel.pair { wanted } else { wire::MMS_DISABLE_PACKET_PAIR };
            self.reply(Reply::FunnelInfo { hr, incarnation, random: 0 });
        }
    }

    /// The client picks TCP or UDP; a refusal leaves it free to ask again (section 3.2.5.5).
    fn connect_funnel(&mut self, name: Text<'_>) -> Result<(), Error> {
        let hr = match FunnelName::parse(name) {
            Ok(FunnelName { transport, port, .. })
                if transport == FunnelTransport::Tcp || self.funnel.enabled =>
            {
                self.funnel.port = (transport == FunnelTransport::Udp).then_some(port);
                self.state = State::AwaitOpen;
                self.reply(Reply::ConnectedFunnel);
                return Ok(());
            }
            Ok(_) => Hresult::NS_E_UDP_DISABLED,
            Err(error) if error.reason == Reason::Value => Hresult::NS_E_INVALID_PORT,
            Err(_) => Hresult::E_INVALIDARG,
        };
        self.wrong_request()?;
        self.reply(Reply::DisconnectedFunnel { hr });
        Ok(())
    }

    fn open(&mut self, open: &OpenFile<'_>, consumed: usize) -> Result<(), Error> {
        let len = open.file_name.encoded_len();
        let chars = u64::try_from(len).unwrap_or(u64::MAX) >> 1;
        if chars > u64::from(self.config.name_chars) {
            return Err(Error::limit(LimitName::NameChars, chars, u64::from(self.config.name_chars)));
        }
        // fileName lies behind chunkLen, MID, incarnation, spare, token and cbtoken (section 2.2.4.21)
        let name = 24..len.saturating_add(24);
        self.state = State::Opening { incarnation: open.play_incarnation, name, consumed };
        Ok(())
    }

    /// A complete selection before playing, changes while streaming (section 2.2.4.28).
    fn switch(&mut self, switch: &StreamSwitch<'_>) {
        if self.state == State::Ready {
            self.selection = Selection::NONE;
        }
        self.switched = true;
        for entry in switch.entries.iter() {
            let level = match entry.thinning_level {
                0 => Thinning::Full,
                1 => Thinning::KeyFrames,
                _ => Thinning::Nothing,
            };
            // 0xFFFF is "no stream" on either side (OPEN-3); it is out of a selection's range
            if entry.src_stream_number != entry.dst_stream_number {
                self.selection.set(entry.src_stream_number, Thinning::Nothing);
            }
            self.selection.set(entry.dst_stream_number, level);
        }
    }

    /// StartPlaying (section 3.2.5.11, digest 2.3.9).
    fn start(&mut self, start: &StartPlaying) {
        let quirks = self.config.quirks;
        self.incarnation = start.play_incarnation;
        if self.state == State::Streaming {
            if !quirks.start_while_streaming_seeks {
                // only the incarnation changes; what is queued keeps its own (OPEN-13, reading A)
                self.reply(Reply::StartedPlaying { hr: Hresult::S_OK, incarnation: self.incarnation });
                return;
            }
            self.discard = true;
        }
        self.order = Order::All;
        self.stop_at = StopAt::new(start.frame_offset, quirks.no_limit_frame_offset);
        let wanted = start.acceleration.map_or(0, |acceleration| acceleration.accel_duration);
        let accelerated = Duration::from_millis(u64::from(wanted)).min(LONGEST_BURST);
        self.pacing.restart(self.config.burst.max(accelerated));
        self.start_at(start.position, start.asf_offset, start.location_id);
    }

    /// StartStriding (section 2.2.4.26): key frames forward or backward, if the host can find them.
    fn start_striding(&mut self, start: &StartStriding) {
        let incarnation = start.play_incarnation;
        let stridable = self.content.is_some_and(|content| content.stridable);
        let rate = start.rate;
        // some clients write the rate as an integer, which is next to 0 as a double (digest 2.3.10)
        let in_range = rate.is_finite() && (1e-6..=5.0).contains(&rate.abs());
        if !stridable || !in_range {
            let hr = if stridable { Hresult::E_INVALIDARG } else { Hresult::NS_E_STRIDE_REFUSED };
            self.reply(Reply::StartStriding { hr, incarnation });
            return;
        }
        self.incarnation = incarnation;
        self.discard |= self.state == State::Streaming;
        self.order = if rate < 0.0 { Order::KeyFramesBackward } else { Order::KeyFrames };
        self.stop_at = None;
        self.pacing.restart_striding(per_mille(rate.abs()), rate < 0.0);
        self.start_at(start.position, start.asf_offset, start.location_id);
    }

    /// Which of three ways to name a position counts (digest 2.3.9, OPEN-4).
    fn start_at(&mut self, position: f64, asf_offset: u32, location_id: u32) {
        let Some(content) = self.content else { return };
        self.timers.stop(TimerName::IdleTimeout);
        self.timers.stop(TimerName::Linger);
        let used = |value: u32| value != 0 && value != wire::START_NOT_USED;
        let by_time = position.is_finite() && (0.0..1e300).contains(&position);
        let prefers_time = by_time && !self.config.quirks.location_id_beats_position;
        if used(location_id) && !prefers_time {
            self.started(location_id);
        } else if used(asf_offset) && !prefers_time {
            let behind = asf_offset.saturating_sub(content.header_len);
            self.started(behind.checked_div(content.packet_size).unwrap_or(0));
        } else if by_time && position > 0.0 && content.seekable {
            let time = Duration::try_from_secs_f64(position).unwrap_or(Duration::MAX);
            self.state = State::Locating { time };
        } else {
            self.started(0);
        }
    }

    /// The start position is known: say so and stream.
    fn started(&mut self, cursor: u32) {
        // rewinding takes what begins before the cursor, and this packet shall be the first
        let after = u32::from(self.order == Order::KeyFramesBackward);
        self.cursor = cursor.saturating_add(after);
        let server_as_client = self.subscriber.product == Product::WindowsMediaServices;
        if !self.switched && !server_as_client && !self.config.quirks.all_streams_without_switch {
            self.selection = Selection::NONE;
        }
        self.state = State::Streaming;
        self.report_started(Hresult::S_OK);
    }

    fn report_started(&mut self, hr: Hresult) {
        let incarnation = self.incarnation;
        self.reply(match self.order {
            Order::All => Reply::StartedPlaying { hr, incarnation },
            Order::KeyFrames | Order::KeyFramesBackward => Reply::StartStriding { hr, incarnation },
        });
    }

    /// READY again, with the Idle timer running.
    fn rest(&mut self, now: Instant) {
        self.state = State::Ready;
        self.timers.start(TimerName::IdleTimeout, now, self.config.idle_timeout);
    }

    // ---- answers of the host

    /// The host allows OpenFile. Returns the bytes of input that are done with now.
    ///
    /// # Errors
    /// `ApiMisuse` if nothing was asked, or for content that cannot be framed.
    pub fn opened(&mut self, content: Content) -> Result<usize, Error> {
        let too_large = content.packet_size == 0 || content.packet_size > crate::asf::MAX_PACKET_SIZE;
        if too_large || content.header_len == 0 {
            return Err(Error::ApiMisuse(Misuse::OutOfRange));
        }
        self.answer_open(Hresult::S_OK, Some(content))
    }

    /// The host refuses OpenFile; the client may ask for another name. Returns the bytes of input that are
    /// done with now.
    ///
    /// # Errors
    /// `ApiMisuse` if nothing was asked.
    pub fn refused(&mut self, hr: Hresult) -> Result<usize, Error> {
        self.answer_open(hr, None)
    }

    fn answer_open(&mut self, hr: Hresult, content: Option<Content>) -> Result<usize, Error> {
        let State::Opening { incarnation, consumed, .. } = self.state else {
            return Err(Error::ApiMisuse(Misuse::NoSuchWish));
        };
        self.state = if content.is_some() { State::AwaitReadBlock } else { State::AwaitOpen };
        self.content = content;
        self.reply(Reply::OpenFile { hr, incarnation });
        self.in_packet = self.in_packet.saturating_sub(consumed);
        self.position = self.position.saturating_add(u64::try_from(consumed).unwrap_or(u64::MAX));
        Ok(consumed)
    }

    /// The host found the packet of a time.
    ///
    /// # Errors
    /// `ApiMisuse` if nothing was asked.
    pub fn located(&mut self, packet: u32) -> Result<(), Error> {
        if !matches!(self.state, State::Locating { .. }) {
            return Err(Error::ApiMisuse(Misuse::NoSuchWish));
        }
        self.started(packet);
        Ok(())
    }

    /// The host cannot read its content. A stream ends with the error, and with it the session (OPEN-24),
    /// unless the quirk `close_after_error` is off; a position that cannot be found is only refused.
    pub fn content_failed(&mut self, now: Instant, hr: Hresult) {
        let incarnation = self.incarnation;
        match self.state {
            State::Locating { .. } => {
                self.rest(now);
                self.report_started(hr);
                return;
            }
            State::Streaming => {
                self.discard = true;
                self.rest(now);
                if !self.config.quirks.close_after_error {
                    self.reply(Reply::EndOfStream { hr, incarnation });
                    return;
                }
            }
            State::SendingHeader { .. } => {}
            _ => return,
        }
        self.reply(Reply::EndOfStream { hr, incarnation });
        self.failed = Some(Error::ContentFailed(hr));
        self.close();
    }

    /// The server goes down: a stream ends with NS_E_SHUTDOWN, then the session closes.
    pub fn shut_down(&mut self) {
        let (hr, incarnation) = (Hresult::NS_E_SHUTDOWN, self.incarnation);
        match self.state {
            State::Streaming => {
                self.discard = true;
                self.reply(Reply::EndOfStream { hr, incarnation });
            }
            State::Locating { .. } => self.report_started(hr),
            _ => {}
        }
        self.close();
    }

    /// The server is full: the first request is refused with NS_E_MAX_CLIENTS, and the session closes.
    pub(crate) fn turn_away(&mut self) {
        self.turned_away = true;
    }

    // ---- output

    /// Whether a message waits for [`poll_transmit`](Self::poll_transmit); media must not overtake it.
    #[must_use]
    #[inline]
    pub fn wants_transmit(&self) -> bool {
        matches!(self.outbox.first(), Some(Some(_)))
    }

    /// Encodes the next message into `out` and returns its length; `None` if there is nothing to send.
    ///
    /// # Errors
    /// If `out` is too small; nothing is lost and nothing changes.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Result<Option<usize>, BufferTooSmall> {
        let Some(reply) = self.outbox.first().copied().flatten() else {
            if self.state == State::Closing {
                self.state = State::Closed;
            }
            return Ok(None);
        };
        let facts = Facts { version: self.config.version, client_id: self.client_id, content: self.content };
        let len = replies::encode(reply, &facts, &mut self.random, self.seq, out)?;
        self.outbox.rotate_left(1);
        if let Some(last) = self.outbox.last_mut() {
            *last = None;
        }
        self.seq = self.seq.wrapping_add(1);
        self.keep_alive(now);
        Ok(Some(len))
    }

    // ---- the rest

    fn reply(&mut self, reply: Reply) {
        if let Some(slot) = self.outbox.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(reply);
        } else if reply != Reply::Ping {
            self.fail(Error::Bug(crate::error::Bug::ReplyRoom));
        }
    }

    /// The Report message that matches the request, with an error (OPEN-23).
    fn refuse(&mut self, request: &Message<'_>, hr: Hresult) {
        if let Some(reply) = Reply::refusal(request, hr) {
            self.reply(reply);
        }
    }

    fn wrong_request(&mut self) -> Result<(), Error> {
        self.wrong_requests = self.wrong_requests.saturating_add(1);
        if self.wrong_requests > self.config.wrong_requests {
            let (found, allowed) = (self.wrong_requests, self.config.wrong_requests);
            return Err(Error::limit(LimitName::Requests, u64::from(found), u64::from(allowed)));
        }
        Ok(())
    }

    fn invalid(&self, reason: Reason, offset: u64) -> Error {
        Error::InvalidMessage { reason, offset: self.position.saturating_add(offset) }
    }

    fn close(&mut self) {
        if self.state != State::Closed {
            self.state = State::Closing;
        }
        self.timers.stop_all();
    }

    fn fail(&mut self, error: Error) {
        if self.failed.is_none() {
            self.failed = Some(error);
        }
        self.timers.stop_all();
        self.outbox = [None; OUTBOX];
        self.state = State::Closed;
    }
}

/// Thousandths of a rate between 1e-6 and 5.0, at least one.
fn per_mille(rate: f64) -> u32 {
    let micros = Duration::try_from_secs_f64(rate).unwrap_or(Duration::from_secs(1));
    u32::try_from(micros.as_millis()).unwrap_or(u32::MAX).max(1)
}

fn low_byte(value: u32) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

/// The file that a request names, where the document wants it checked (section 3.2.5). FFmpeg, MPlayer, xine
/// and VLC always say 1, which is what they were told.
fn open_file_id(message: &Message<'_>) -> Option<u32> {
    match message {
        Message::ReadBlock(read) => Some(read.open_file_id),
        Message::StartPlaying(start) => Some(start.open_file_id),
        Message::StartStriding(start) => Some(start.open_file_id),
        _ => None,
    }
}
