//! All transitions of the server.

use core::ops::Range;
use core::time::Duration;

use super::config::{Config, Content, MPLAYER_GUID, Pace};
use crate::error::{BufferTooSmall, Error, LimitName, Misuse, Reason, TimerName};
use crate::hresult::Hresult;
use crate::mmsp::client::Handled;
use crate::mmsp::wire::{
    self, ClientLog, DataHeader, Deframer, FileAttributes, Frame, FrameError, FrameLimits, FunnelName,
    FunnelTransport, Message, OpenFile, Product, ReportConnectedEx, ReportConnectedFunnel,
    ReportDisconnectedFunnel, ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock,
    ReportStartStriding, ReportStartedPlaying, ReportStreamSwitch, StreamSwitch, Subscriber,
    TcpMessageHeader,
};
use crate::selection::{Selection, Thinning};
use crate::text::Text;
use crate::time::Instant;
use crate::timer::Timers;

/// The file id; some clients take any other for an error (digest 5.4).
const OPEN_FILE_ID: u32 = 1;
/// A step between send times that is longer is taken for a fault of the file, not for a pause.
const LONGEST_GAP: u64 = 60_000;
/// Random bytes of the three packet-pair messages (section 3.2.5.4).
const PACKET_PAIR: [u16; 3] = [432, 432, 976];
/// Messages in one command packet.
const MAX_MESSAGES: u32 = 64;
const OUTBOX: usize = 8;

/// States in the order of the protocol (section 3.2.1; the steps of INIT are ours).
#[derive(Clone, Debug, PartialEq)]
enum State {
    AwaitConnect,
    AwaitFunnel,
    AwaitOpen,
    /// The host decides about OpenFile, which stays in the input.
    Opening {
        incarnation: u32,
        name: Range<usize>,
        consumed: usize,
    },
    AwaitReadBlock,
    SendingHeader {
        offset: u32,
        fragment: u32,
        incarnation: u8,
    },
    Ready,
    /// The host looks for the packet of a time.
    Locating {
        time: Duration,
    },
    Streaming,
    /// Everything is said; what is queued still goes out.
    Closing,
    Closed,
}

/// A message that waits to be encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reply {
    ConnectedEx { packet_pair: bool },
    FunnelInfo { incarnation: u32, random: u16 },
    ConnectedFunnel,
    DisconnectedFunnel { hr: Hresult },
    OpenFile { hr: Hresult, incarnation: u32 },
    ReadBlock { hr: Hresult, incarnation: u32 },
    StreamSwitch { hr: Hresult },
    StartedPlaying { hr: Hresult, incarnation: u32 },
    StartStriding { hr: Hresult, incarnation: u32 },
    EndOfStream { hr: Hresult, incarnation: u32 },
    Ping,
}

/// What a session reports to its host.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The client named itself.
    Connected {
        /// Product, version and player id.
        subscriber: Subscriber,
    },
    /// The client logged what it received (section 2.2.4.20).
    Log(ClientLog<'a>),
}

/// An event whose bytes are a range of the input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Located {
    Connected(Subscriber),
    Log(Range<usize>),
}

impl Located {
    pub(crate) fn lend<'a>(&self, input: &'a [u8]) -> Option<Event<'a>> {
        match self {
            Self::Connected(subscriber) => Some(Event::Connected { subscriber: *subscriber }),
            Self::Log(range) => {
                let bytes = input.get(range.clone())?;
                match Message::decode(bytes) {
                    Ok((Message::Logging(log), _)) => Some(Event::Log(log)),
                    _ => None,
                }
            }
        }
    }
}

/// What a session asks of its host. A wish stays raised until it is answered or withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaWish {
    /// May this client open the name that [`Session::name`] lends? Answer: [`Session::opened`] or
    /// [`Session::refused`].
    Open,
    /// Bytes of the ASF header from `offset` on, at most `len`.
    Header {
        /// Offset of the first byte.
        offset: u32,
        /// Most bytes.
        len: u32,
    },
    /// Which packet belongs to this time? Answer: [`Session::located`].
    Locate {
        /// Time of the content.
        time: Duration,
    },
    /// Packets from this one on.
    Packets {
        /// Number of the first packet.
        from: u32,
    },
}

/// A server session of MMS over TCP. It knows no socket, no file and no clock.
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
    pacing: Pacing,
    discard: bool,
    pings: u32,
    wrong_requests: u32,
    failed: Option<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum StopAt {
    /// At this send time, in ms.
    Time(u32),
    /// So many ms after the first packet's send time.
    AfterStart(u32),
}

/// The clock of the media: which send time is due when.
#[derive(Clone, Copy, Debug)]
struct Pacing {
    /// when, send time and number of the first packet
    started: Option<(Instant, u32, u32)>,
    last_send_ms: u32,
    media_ms: u64,
    burst: Duration,
    rate_free: Instant,
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
        let burst = config.burst;
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
            pacing: Pacing { started: None, last_send_ms: 0, media_ms: 0, burst, rate_free: Instant::ZERO },
            discard: false,
            pings: 0,
            wrong_requests: 0,
            failed: None,
        }
    }

    // ---- getters

    /// Whether nothing more will be said; what is queued still has to go out.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether nothing more is read; the last replies may still wait.
    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing | State::Closed)
    }

    /// Whether media is being sent.
    #[must_use]
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
    pub fn poll_timeout(&self) -> Instant {
        self.timers.next()
    }

    /// What the host is asked for now.
    #[must_use]
    pub fn wish(&self) -> Option<MediaWish> {
        let content = self.content?;
        match self.state {
            State::SendingHeader { offset, .. } => {
                let left = content.header_len.saturating_sub(offset);
                Some(MediaWish::Header { offset, len: left.min(content.packet_size) })
            }
            State::Locating { time } => Some(MediaWish::Locate { time }),
            State::Streaming if self.has_more() => Some(MediaWish::Packets { from: self.cursor }),
            _ => None,
        }
    }

    /// The name that OpenFile asks for, while the host has not answered; `input` is the input that
    /// [`handle_input`](Self::handle_input) left unconsumed.
    #[must_use]
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
            return self.message(now, input.get(..self.in_packet).unwrap_or(input));
        }
        match self.deframer.next(input) {
            Ok(Frame::Incomplete { needed }) => Ok(Handled { consumed: 0, needed, event: None }),
            Ok(Frame::Command { total }) => {
                self.in_packet = total.saturating_sub(TcpMessageHeader::LEN);
                self.messages = 0;
                self.timers.stop(TimerName::KeepAlive);
                self.pings = 0;
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
        Ok(Handled { consumed, needed: 0, event })
    }

    /// The client closed its side: the session is over (digest 8.1, TCP close is a CloseFile).
    pub fn handle_eof(&mut self) {
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
        match (&self.state, message) {
            (State::AwaitConnect, Message::Connect(connect)) => {
                let packet_pair =
                    self.config.packet_pair && connect.play_incarnation == wire::MMS_USE_PACKET_PAIR;
                self.subscriber = Subscriber::parse(connect.subscriber_name);
                self.state = State::AwaitFunnel;
                self.reply(Reply::ConnectedEx { packet_pair });
                return Ok(Some(Located::Connected(self.subscriber)));
            }
            (State::AwaitFunnel | State::AwaitOpen, Message::FunnelInfo(info)) => {
                self.funnel_info(info.play_incarnation);
            }
            (State::AwaitFunnel | State::AwaitOpen, Message::ConnectFunnel(funnel)) => {
                match FunnelName::parse(funnel.funnel_name) {
                    Ok(FunnelName { transport: FunnelTransport::Tcp, .. }) => {
                        self.state = State::AwaitOpen;
                        self.reply(Reply::ConnectedFunnel);
                    }
                    Ok(_) => self.reply(Reply::DisconnectedFunnel { hr: Hresult::NS_E_UDP_DISABLED }),
                    Err(_) => {
                        self.wrong_request()?;
                        self.reply(Reply::DisconnectedFunnel { hr: Hresult::NS_E_INVALID_PORT });
                    }
                }
            }
            (State::AwaitOpen, Message::OpenFile(open)) => self.open(open, consumed)?,
            (State::AwaitReadBlock | State::Ready, Message::ReadBlock(read)) => {
                self.reply(Reply::ReadBlock { hr: Hresult::S_OK, incarnation: read.play_incarnation });
                let [incarnation, ..] = read.play_incarnation.to_le_bytes();
                self.timers.stop(TimerName::Handshake);
                self.state = State::SendingHeader { offset: 0, fragment: 0, incarnation };
            }
            (State::Ready | State::Streaming, Message::StreamSwitch(switch)) => {
                self.switch(switch);
                self.reply(Reply::StreamSwitch { hr: Hresult::S_OK });
            }
            (State::Ready | State::Streaming, Message::StartPlaying(start)) => {
                let stop = self.stop_at(start.frame_offset);
                let accelerated =
                    start.acceleration.map(|wanted| Duration::from_millis(u64::from(wanted.accel_duration)));
                let from = (start.position, start.asf_offset, start.location_id);
                self.incarnation = start.play_incarnation;
                self.stop_at = stop;
                self.pacing.burst = self.config.burst.max(accelerated.unwrap_or_default().min(LONGEST_BURST));
                self.start(from);
            }
            (State::Ready | State::Streaming, Message::StartStriding(start)) => {
                // key frames and their packets are the host's to know; none says so yet
                let incarnation = start.play_incarnation;
                self.reply(Reply::StartStriding { hr: Hresult::NS_E_STRIDE_REFUSED, incarnation });
            }
            (State::Ready | State::Streaming, Message::StopPlaying(stop)) => {
                self.discard = true;
                self.rest(now);
                let incarnation = stop.play_incarnation;
                self.reply(Reply::EndOfStream { hr: Hresult::S_OK, incarnation });
            }
            (_, Message::Logging(_)) if self.content.is_some() => {
                return Ok(Some(Located::Log(0..consumed)));
            }
            (_, Message::CloseFile(_)) => self.close(),
            // a header that is complete needs no cancelling; unknown messages and those of a server mean nothing
            (
                _,
                Message::Pong | Message::CancelReadBlock(_) | Message::Unknown { .. } | Message::Logging(_),
            ) => {}
            (_, message) if message.mid().from_client() => {
                self.wrong_request()?;
                self.reply_invalid(message);
            }
            _ => {}
        }
        Ok(None)
    }

    fn funnel_info(&mut self, wanted: u32) {
        let tcp = matches!(wanted, wire::MMS_USE_PACKET_PAIR | wire::MMS_PACKET_PAIR_TCP_HIGH_ENTROPY);
        if self.config.packet_pair && tcp {
            for random in PACKET_PAIR {
                self.reply(Reply::FunnelInfo { incarnation: wire::MMS_PACKET_PAIR_TCP_HIGH_ENTROPY, random });
            }
        } else {
            self.reply(Reply::FunnelInfo { incarnation: wire::MMS_DISABLE_PACKET_PAIR, random: 0 });
        }
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

    fn stop_at(&self, frame_offset: u32) -> Option<StopAt> {
        match frame_offset {
            0 => None,
            0x00FF_FFFF | 0x7FFF_FFFF | 0xFFFF_FFFF if self.config.quirks.no_limit_frame_offset => None,
            relative if relative & 0x8000_0000 != 0 => Some(StopAt::AfterStart(relative & 0x7FFF_FFFF)),
            absolute => Some(StopAt::Time(absolute)),
        }
    }

    /// Where playing starts (digest 2.3.9), then the reply.
    fn start(&mut self, (position, asf_offset, location_id): (f64, u32, u32)) {
        let Some(content) = self.content else { return };
        if self.state == State::Streaming {
            self.discard = true;
            if !self.config.quirks.start_while_streaming_seeks {
                self.started();
                return;
            }
        }
        let used = |value: u32| value != 0 && value != 0xFFFF_FFFF;
        let by_number = used(location_id) || used(asf_offset);
        let time = (position.is_finite() && position >= 0.0 && position < 1e300).then_some(position);
        let prefers_time = time.is_some() && (!by_number || !self.config.quirks.location_id_beats_position);
        self.timers.stop(TimerName::IdleTimeout);
        self.timers.stop(TimerName::Linger);
        if !prefers_time && used(location_id) {
            self.cursor = location_id;
            self.started();
        } else if !prefers_time && used(asf_offset) {
            let behind = asf_offset.saturating_sub(content.header_len);
            self.cursor = behind.checked_div(content.packet_size).unwrap_or(0);
            self.started();
        } else {
            let time = time.and_then(|time| Duration::try_from_secs_f64(time).ok()).unwrap_or_default();
            if time.is_zero() || !content.seekable {
                self.cursor = 0;
                self.started();
            } else {
                self.state = State::Locating { time };
            }
        }
    }

    /// The start position is known: say so and stream.
    fn started(&mut self) {
        self.pacing.started = None;
        // AFFlags 0xFF is skipped if it would come first (digest 3.5)
        if self.sequence & 0xFF == 0xFF {
            self.sequence = self.sequence.wrapping_add(1);
        }
        if !self.switched && !self.config.quirks.all_streams_without_switch {
            self.selection = Selection::NONE;
        }
        self.state = State::Streaming;
        self.timers.stop(TimerName::IdleTimeout);
        let incarnation = self.incarnation;
        self.reply(Reply::StartedPlaying { hr: Hresult::S_OK, incarnation });
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
        self.cursor = packet;
        self.started();
        Ok(())
    }

    /// The host cannot read its content: the stream ends with an error (OPEN-24).
    pub fn content_failed(&mut self, now: Instant, hr: Hresult) {
        if matches!(self.state, State::Closing | State::Closed) {
            return;
        }
        self.discard = true;
        self.rest(now);
        let incarnation = self.incarnation;
        self.reply(Reply::EndOfStream { hr, incarnation });
        self.failed = Some(Error::ContentFailed(hr));
        self.state = State::Closing;
    }

    /// The server goes down: a stream ends with NS_E_SHUTDOWN, then the session closes.
    pub fn shut_down(&mut self) {
        if self.is_streaming() {
            self.discard = true;
            let incarnation = self.incarnation;
            self.reply(Reply::EndOfStream { hr: Hresult::NS_E_SHUTDOWN, incarnation });
        }
        self.close();
    }

    // ---- media

    /// Whether packets that were framed and not begun must leave the queue; asked once.
    pub fn take_discard(&mut self) -> bool {
        core::mem::take(&mut self.discard)
    }

    /// So many framed packets were taken from the queue again: their sequence numbers were never used.
    pub fn give_back(&mut self, packets: u32) {
        self.sequence = self.sequence.wrapping_sub(packets);
    }

    /// The head of a header fragment of `len` bytes, which is then sent.
    pub fn frame_header(&mut self, len: u16) -> Option<DataHeader> {
        let content = self.content?;
        let State::SendingHeader { offset, fragment, incarnation } = self.state else { return None };
        let sent = offset.saturating_add(u32::from(len));
        let last = sent >= content.header_len;
        self.state = if last {
            State::Ready
        } else {
            State::SendingHeader { offset: sent, fragment: fragment.saturating_add(1), incarnation }
        };
        let af_flags = if last { 0x0C } else { 0x04 };
        Some(data_header(fragment, incarnation, af_flags, len))
    }

    /// The packet that is sent next.
    #[must_use]
    pub fn cursor(&self) -> u32 {
        self.cursor
    }

    /// When the next packet may be sent, by its send time in ms.
    #[must_use]
    pub fn due(&self, send_time_ms: u32) -> Instant {
        let Pace::PerMille(rate) = self.config.pace else { return self.pacing.rate_free };
        let Some((started, _, _)) = self.pacing.started else { return self.pacing.rate_free };
        let media = self.pacing.media_at(send_time_ms);
        let micros = media.saturating_mul(1_000_000).checked_div(u64::from(rate)).unwrap_or(u64::MAX);
        let due = (started + Duration::from_micros(micros)).before(self.pacing.burst);
        due.max(self.pacing.rate_free)
    }

    /// Whether the packet with this send time is behind the stop position; then the stream ends before it.
    #[must_use]
    pub fn is_behind_stop(&self, send_time_ms: u32) -> bool {
        match (self.stop_at, self.pacing.started) {
            (Some(StopAt::Time(stop)), _) => send_time_ms >= stop,
            (Some(StopAt::AfterStart(after)), Some((_, first, _))) => {
                send_time_ms >= first.saturating_add(after)
            }
            _ => false,
        }
    }

    /// The head of the next packet, which is then sent.
    pub fn frame(&mut self, now: Instant, send_time_ms: u32, len: u16) -> Option<DataHeader> {
        if self.state != State::Streaming {
            return None;
        }
        if self.pacing.started.is_none() {
            self.pacing.started = Some((now, send_time_ms, self.cursor));
            self.pacing.last_send_ms = send_time_ms;
            self.pacing.media_ms = 0;
        }
        self.pacing.media_ms = self.pacing.media_at(send_time_ms);
        self.pacing.last_send_ms = send_time_ms;
        if let Some(rate) = self.config.max_bit_rate {
            let micros = u64::from(len).saturating_mul(8_000_000).checked_div(rate).unwrap_or(0);
            self.pacing.rate_free = self.pacing.rate_free.max(now) + Duration::from_micros(micros);
        }
        let [incarnation, ..] = self.incarnation.to_le_bytes();
        let mut header = data_header(self.cursor, incarnation, low_byte(self.sequence), len);
        if header.looks_like_command() {
            // over TCP no client looks at the number
            self.sequence = self.sequence.wrapping_add(1);
            header.af_flags = low_byte(self.sequence);
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.cursor = self.cursor.saturating_add(1);
        Some(header)
    }

    /// Whether packets are left before the end of the content.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.has_packet(self.cursor)
    }

    /// Whether the content has a packet of this number.
    #[must_use]
    pub fn has_packet(&self, number: u32) -> bool {
        self.content.and_then(|content| content.packet_count).is_none_or(|count| number < count)
    }

    /// Whether the packet just framed is the first since playing started.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.pacing.started.is_some_and(|(_, _, first)| self.cursor == first.saturating_add(1))
    }

    /// Leaves out packets that hold nothing for this client; they take no sequence number
    /// (section 3.2.5.11.1). `false` if that is no later packet.
    pub fn skip_to(&mut self, packet: u32) -> bool {
        let later = self.state == State::Streaming && packet > self.cursor;
        if later {
            self.cursor = packet;
        }
        later
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
        if let (Some(after), Some(MPLAYER_GUID)) = (self.config.quirks.close_after_end, self.subscriber.guid)
        {
            self.timers.start(TimerName::Linger, now, after);
        }
    }

    // ---- output

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
        let len = self.encode(reply, out)?;
        self.outbox.rotate_left(1);
        if let Some(last) = self.outbox.last_mut() {
            *last = None;
        }
        self.seq = self.seq.wrapping_add(1);
        if matches!(self.state, State::Ready | State::Streaming | State::Locating { .. }) {
            self.timers.start(TimerName::KeepAlive, now, self.config.keep_alive);
        }
        Ok(Some(len))
    }

    fn encode(&mut self, reply: Reply, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let message = match reply {
            Reply::ConnectedEx { packet_pair } => Message::ReportConnectedEx(ReportConnectedEx {
                hr: Hresult::S_OK,
                play_incarnation: if packet_pair {
                    wire::MMS_USE_PACKET_PAIR
                } else {
                    wire::MMS_DISABLE_PACKET_PAIR
                },
                mac_to_viewer_protocol_revision: wire::MAC_TO_VIEWER_PROTOCOL_REVISION,
                viewer_to_mac_protocol_revision: wire::VIEWER_TO_MAC_PROTOCOL_REVISION,
                block_group_play_time: 1.0,
                block_group_blocks: 1,
                max_open_files: 1,
                block_max_bytes: 0x8000,
                max_bit_rate: 10_000_000,
                server_version_info: Some(Text::Str(self.config.version)),
                version_info: None,
                version_url: None,
                authen_package: None,
            }),
            Reply::FunnelInfo { incarnation, random } => {
                return self.encode_funnel_info(incarnation, random, out);
            }
            Reply::ConnectedFunnel => Message::ReportConnectedFunnel(ReportConnectedFunnel {
                hr: Hresult::S_OK,
                play_incarnation: 0,
                packet_payload_size: 0,
                funnel_name: Text::Str("Funnel Of The Gods"),
            }),
            Reply::DisconnectedFunnel { hr } => {
                Message::ReportDisconnectedFunnel(ReportDisconnectedFunnel { hr, play_incarnation: 0 })
            }
            Reply::OpenFile { hr, incarnation } => {
                Message::ReportOpenFile(self.report_open_file(hr, incarnation))
            }
            Reply::ReadBlock { hr, incarnation } => Message::ReportReadBlock(ReportReadBlock {
                hr,
                play_incarnation: incarnation,
                play_sequence: 0,
            }),
            Reply::StreamSwitch { hr } => Message::ReportStreamSwitch(ReportStreamSwitch { hr }),
            Reply::StartedPlaying { hr, incarnation } => {
                Message::ReportStartedPlaying(ReportStartedPlaying {
                    hr,
                    play_incarnation: incarnation,
                    tiger_file_id: OPEN_FILE_ID,
                })
            }
            Reply::StartStriding { hr, incarnation } => {
                Message::ReportStartStriding(ReportStartStriding { hr, play_incarnation: incarnation })
            }
            Reply::EndOfStream { hr, incarnation } => {
                Message::ReportEndOfStream(ReportEndOfStream { hr, play_incarnation: incarnation })
            }
            Reply::Ping => Message::Ping,
        };
        wire::encode_packet(&message, self.seq, out)
    }

    fn encode_funnel_info(
        &mut self,
        incarnation: u32,
        random: u16,
        out: &mut [u8],
    ) -> Result<usize, BufferTooSmall> {
        let mut bytes = [0_u8; 976];
        let bytes = bytes.get_mut(..usize::from(random)).unwrap_or_default();
        for byte in bytes.iter_mut() {
            // xorshift64*: the bytes need only be incompressible
            self.random ^= self.random >> 12;
            self.random ^= self.random << 25;
            self.random ^= self.random >> 27;
            let [.., high] = self.random.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes();
            *byte = high;
        }
        let message = Message::ReportFunnelInfo(ReportFunnelInfo {
            hr: Hresult::S_OK,
            play_incarnation: incarnation,
            transport_mask: 8,
            block_fragments: 1,
            fragment_bytes: 0x0001_0000,
            cubs: self.client_id,
            failed_cubs: 0,
            disks: 1,
            decluster: 0,
            cubdd_datagram_size: 0,
            packet_pair: bytes,
        });
        wire::encode_packet(&message, self.seq, out)
    }

    fn report_open_file(&self, hr: Hresult, incarnation: u32) -> ReportOpenFile {
        let mut report = ReportOpenFile {
            hr,
            play_incarnation: incarnation,
            open_file_id: 0,
            file_attributes: FileAttributes::empty(),
            file_duration: 0.0,
            file_blocks: 0,
            file_packet_size: 0,
            file_packet_count: 0,
            file_bit_rate: 0,
            file_header_size: 0,
        };
        if let (Some(content), false) = (self.content, hr.is_failure()) {
            let duration = content.duration.unwrap_or_default();
            let up = u64::from(duration.subsec_nanos() > 0);
            report.open_file_id = OPEN_FILE_ID;
            report.file_attributes = match content.packet_count {
                None => FileAttributes::BROADCAST,
                Some(_) if content.seekable && content.stridable => {
                    FileAttributes::CANSEEK | FileAttributes::CANSTRIDE
                }
                Some(_) if content.seekable => FileAttributes::CANSEEK,
                Some(_) => FileAttributes::empty(),
            };
            report.file_duration = duration.as_secs_f64();
            report.file_blocks = u32::try_from(duration.as_secs().saturating_add(up)).unwrap_or(u32::MAX);
            report.file_packet_size = content.packet_size;
            report.file_packet_count = u64::from(content.packet_count.unwrap_or(0));
            report.file_bit_rate = content.bit_rate;
            report.file_header_size = content.header_len;
        }
        report
    }

    // ---- helpers

    fn reply(&mut self, reply: Reply) {
        if let Some(slot) = self.outbox.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(reply);
        } else if reply != Reply::Ping {
            self.fail(Error::Bug(crate::error::Bug::ReplyRoom));
        }
    }

    /// The matching Report message with NS_E_INVALID_REQUEST (OPEN-23).
    fn reply_invalid(&mut self, message: &Message<'_>) {
        let hr = Hresult::NS_E_INVALID_REQUEST;
        match message {
            Message::ConnectFunnel(_) => self.reply(Reply::DisconnectedFunnel { hr }),
            Message::OpenFile(open) => self.reply(Reply::OpenFile { hr, incarnation: open.play_incarnation }),
            Message::SecurityResponse(response) => {
                self.reply(Reply::OpenFile { hr, incarnation: response.play_incarnation });
            }
            Message::ReadBlock(read) => {
                self.reply(Reply::ReadBlock { hr, incarnation: read.play_incarnation })
            }
            Message::StreamSwitch(_) => self.reply(Reply::StreamSwitch { hr }),
            Message::StartPlaying(start) => {
                self.reply(Reply::StartedPlaying { hr, incarnation: start.play_incarnation });
            }
            Message::StartStriding(start) => {
                self.reply(Reply::StartStriding { hr, incarnation: start.play_incarnation });
            }
            Message::StopPlaying(stop) => {
                self.reply(Reply::EndOfStream { hr, incarnation: stop.play_incarnation });
            }
            _ => {}
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

/// A client may ask for a faster start, not for the whole file at once.
const LONGEST_BURST: Duration = Duration::from_secs(60);

impl Pacing {
    /// Media time since the start; send times that go back or jump count as nothing (P9).
    fn media_at(&self, send_time_ms: u32) -> u64 {
        let step = u64::from(send_time_ms.wrapping_sub(self.last_send_ms));
        if step > LONGEST_GAP { self.media_ms } else { self.media_ms.saturating_add(step) }
    }
}

fn data_header(location_id: u32, play_incarnation: u8, af_flags: u8, len: u16) -> DataHeader {
    let packet_size = len.saturating_add(8);
    DataHeader { location_id, play_incarnation, af_flags, packet_size }
}

fn low_byte(value: u32) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}
