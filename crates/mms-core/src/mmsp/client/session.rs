//! All transitions of the client.

use core::fmt::{self, Write as _};
use core::net::SocketAddr;
use core::time::Duration;

use super::config::{Config, Play, Position, Until};
use super::event::{AuthenticationScheme, Content, Event, Handled, Located, RedirectKind};
use super::log;
use crate::asf::{HeaderError, HeaderSummary, HeaderWalker, PacketHead, StreamInfo};
use crate::error::{
    BufferTooSmall, DecodeError, Error, Incompatible, LimitName, Misbehaviour, Misuse, TimerName,
};
use crate::hresult::Hresult;
use crate::mmsp::wire::{
    self, CloseFile, Connect, ConnectFunnel, DataHeader, Deframer, FileAttributes, Frame, FrameError,
    FrameLimits, FunnelInfo, FunnelNameBuf, FunnelTransport, Message, OpenFile, ReadBlock, RedirectType,
    ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ServerVersion, StartPlaying, StartStriding,
    StopPlaying, StreamEntries, StreamSwitch, StreamSwitchEntry, TcpMessageHeader,
};
use crate::selection::Thinning;
use crate::text::{Fixed, Text};
use crate::time::Instant;
use crate::timer::Timers;

/// Messages in one command packet.
const MAX_MESSAGES: u32 = 64;
const PING_WINDOW: Duration = Duration::from_secs(60);

/// The strings of a session, which live with the host.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Name or address of the server, with the port if it is not the default one.
    pub host: &'a str,
    /// Path without the leading slash, percent-decoded.
    pub path: &'a str,
    /// The whole URL, for the client log.
    pub url: &'a str,
}

/// What a session has received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// ASF data packets.
    pub packets_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
}

/// States in the order of the protocol (section 3.1.1; the steps of INIT are ours).
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    AwaitConnected,
    AwaitFunnelInfo {
        received: u8,
        first_at: Instant,
    },
    AwaitFunnel,
    AwaitOpenFile,
    AwaitHeader,
    Ready,
    /// StreamSwitch is on its way; Start follows its reply.
    Switching,
    /// StartPlaying or StartStriding is on its way.
    Starting,
    Streaming,
    /// StopPlaying is on its way.
    Stopping {
        then: Option<Play>,
    },
    /// The last entry ended and another follows: a StreamChange, then its header.
    EntryChange,
    Closing,
    Closed,
}

/// A message that waits to be encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Intent {
    Connect,
    FunnelInfo,
    ConnectFunnel,
    OpenFile,
    ReadBlock,
    SwitchAll,
    SwitchOne(StreamSwitchEntry),
    Start,
    Stop,
    Log,
    Close,
    Pong,
}

const OUTBOX: usize = 8;

/// A client session of MMS over TCP. It knows no socket: bytes come in by [`handle_input`](Self::handle_input),
/// messages go out by [`poll_transmit`](Self::poll_transmit).
///
/// Every error but [`Error::ApiMisuse`] ends the session.
#[derive(Clone, Debug)]
pub struct Session {
    config: Config,
    state: State,
    receive: Receive,
    local: Option<SocketAddr>,
    seq: u16,
    outbox: [Option<Intent>; OUTBOX],
    timers: Timers<2>,
    version: ServerVersion,
    content: Option<Content>,
    open_file_id: u32,
    walker: HeaderWalker,
    header_received: u64,
    fragment: u32,
    header_incarnation: u8,
    play_incarnation: u8,
    next_header_incarnation: u8,
    next_play_incarnation: u8,
    play: Play,
    last_packet: Option<u32>,
    last_send_time: Option<u32>,
    wanted_packet: Option<u32>,
    statistics: Statistics,
    failed: Option<Error>,
}

/// The receive half: framing, and how far the peer's stream is read.
#[derive(Clone, Debug)]
struct Receive {
    deframer: Deframer,
    /// Bytes of the current command packet that hold messages not handled yet.
    in_packet: usize,
    messages: u32,
    position: u64,
    pings: u32,
    ping_window: Instant,
}

impl Session {
    /// A session that is about to speak; the first message is Connect.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let walker = HeaderWalker::new(config.header);
        let deframer =
            Deframer::client(FrameLimits { command_bytes: config.command_bytes, ..FrameLimits::default() });
        let mut session = Self {
            config,
            state: State::AwaitConnected,
            receive: Receive {
                deframer,
                in_packet: 0,
                messages: 0,
                position: 0,
                pings: 0,
                ping_window: Instant::ZERO,
            },
            local: None,
            seq: 0,
            outbox: [None; OUTBOX],
            timers: Timers::new([TimerName::Reply, TimerName::Silence]),
            version: ServerVersion::default(),
            content: None,
            open_file_id: 0,
            walker,
            header_received: 0,
            fragment: 0,
            header_incarnation: 0,
            play_incarnation: 0,
            next_header_incarnation: 1,
            next_play_incarnation: 9,
            play: Play::default(),
            last_packet: None,
            last_send_time: None,
            wanted_packet: None,
            statistics: Statistics::default(),
            failed: None,
        };
        session.enqueue(Intent::Connect);
        session
    }

    /// The address of the client's end, which goes into the funnel name.
    pub fn set_local(&mut self, local: SocketAddr) {
        self.local = Some(local);
    }

    // ---- getters

    /// Whether the header is there and nothing plays.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Whether media is under way or asked for.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        matches!(self.state, State::Switching | State::Starting | State::Streaming | State::EntryChange)
    }

    /// Whether all is said; the connection can be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// The content, once it is open.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.content.as_ref()
    }

    /// The ASF header, once it is complete.
    #[must_use]
    pub fn header(&self) -> Option<&HeaderSummary> {
        self.walker.summary()
    }

    /// The walker over the header, which knows some places before the header is complete.
    #[must_use]
    pub fn walker(&self) -> &HeaderWalker {
        &self.walker
    }

    /// What was received.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.statistics
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

    // ---- commands

    /// Plays (section 3.1.4.2): at once when ready; while streaming, after a stop (section 3.1.4.6).
    ///
    /// # Errors
    /// `ApiMisuse` before the header is there, after the end, or for a rate outside -5.0 to 5.0;
    /// `PeerIncompatible` if the content cannot do it. The session goes on.
    pub fn play(&mut self, play: Play) -> Result<(), Error> {
        self.check_play(&play)?;
        match self.state {
            State::Ready => {
                self.begin(play);
                Ok(())
            }
            State::Streaming => {
                self.state = State::Stopping { then: Some(play) };
                self.enqueue(Intent::Stop);
                self.enqueue_log();
                Ok(())
            }
            State::Stopping { .. } => {
                self.state = State::Stopping { then: Some(play) };
                Ok(())
            }
            _ => Err(Error::ApiMisuse(Misuse::WrongState)),
        }
    }

    /// Seeks: plays the same streams from another position.
    ///
    /// # Errors
    /// As for [`play`](Self::play).
    pub fn seek(&mut self, from: Position) -> Result<(), Error> {
        self.play(Play { from, rate: None, ..self.play })
    }

    /// Stops (section 3.1.4.5). Packets under way are still reported until [`Event::Stopped`].
    ///
    /// # Errors
    /// `ApiMisuse` unless streaming.
    pub fn stop(&mut self) -> Result<(), Error> {
        match self.state {
            State::Streaming => {
                self.state = State::Stopping { then: None };
                self.enqueue(Intent::Stop);
                self.enqueue_log();
                Ok(())
            }
            State::Stopping { .. } => {
                self.state = State::Stopping { then: None };
                Ok(())
            }
            _ => Err(Error::ApiMisuse(Misuse::WrongState)),
        }
    }

    /// Pauses: a stop that [`resume`](Self::resume) continues behind the last packet received (section 3.1.4.5).
    ///
    /// # Errors
    /// `ApiMisuse` unless streaming.
    pub fn pause(&mut self) -> Result<(), Error> {
        self.stop()
    }

    /// Plays on behind the last packet that was received.
    ///
    /// # Errors
    /// As for [`play`](Self::play).
    pub fn resume(&mut self) -> Result<(), Error> {
        let from = match self.last_packet {
            Some(last) => Position::Packet(last.saturating_add(1)),
            None => self.play.from,
        };
        self.play(Play { from, ..self.play })
    }

    /// Changes one stream while playing (section 3.1.4.3), or for the next play.
    ///
    /// # Errors
    /// `ApiMisuse` while another switch is under way, or after the end.
    pub fn switch_stream(&mut self, stream: u16, level: Thinning) -> Result<(), Error> {
        if self.outbox_has(|intent| matches!(intent, Intent::SwitchOne(_))) {
            return Err(Error::ApiMisuse(Misuse::WrongState));
        }
        match self.state {
            State::Streaming => self.enqueue(Intent::SwitchOne(entry(stream, level))),
            State::Ready => {}
            _ => return Err(Error::ApiMisuse(Misuse::WrongState)),
        }
        self.play.selection.set(stream, level);
        Ok(())
    }

    /// Ends the session (section 3.1.4.8): stops if needed, closes the file. Then [`is_closed`](Self::is_closed).
    pub fn close(&mut self) {
        if matches!(self.state, State::Closed | State::Closing) {
            return;
        }
        self.outbox = [None; OUTBOX];
        if matches!(self.state, State::Starting | State::Streaming) {
            self.enqueue(Intent::Stop);
            self.enqueue_log();
        }
        if self.content.is_some() {
            self.enqueue(Intent::Close);
        }
        self.state = State::Closing;
        self.timers.stop_all();
        self.settle();
    }

    // ---- input

    /// Handles at most one message at the front of `input`, the bytes received and not consumed yet.
    ///
    /// # Errors
    /// Every error ends the session and is returned again by each later call.
    pub fn handle_input<'b>(&mut self, now: Instant, input: &'b [u8]) -> Result<Handled<Event<'b>>, Error> {
        let Handled { consumed, needed, event } = self.locate(now, input)?;
        Ok(Handled { consumed, needed, event: event.map(|event| event.lend(input)) })
    }

    pub(crate) fn locate(&mut self, now: Instant, input: &[u8]) -> Result<Handled<Located>, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.locate_inner(now, input);
        match &result {
            Ok(handled) => {
                let consumed = u64::try_from(handled.consumed).unwrap_or(u64::MAX);
                self.receive.position = self.receive.position.saturating_add(consumed);
            }
            Err(error) => self.fail(*error),
        }
        result
    }

    fn locate_inner(&mut self, now: Instant, input: &[u8]) -> Result<Handled<Located>, Error> {
        if matches!(self.state, State::Closing | State::Closed) {
            return Ok(Handled { consumed: input.len(), needed: 1, event: None });
        }
        if self.receive.in_packet > 0 {
            let message = input.get(..self.receive.in_packet).unwrap_or(input);
            return self.message(now, message);
        }
        let position = self.receive.position;
        match self.receive.deframer.next(input) {
            Ok(Frame::Incomplete { needed }) => Ok(Handled { consumed: 0, needed, event: None }),
            Ok(Frame::Command { total }) => {
                self.receive.in_packet = total.saturating_sub(TcpMessageHeader::LEN);
                self.receive.messages = 0;
                Ok(Handled { consumed: TcpMessageHeader::LEN, needed: 0, event: None })
            }
            Ok(Frame::Data { header, total }) => {
                let payload = input.get(DataHeader::LEN..total).unwrap_or_default();
                let event = self.data(now, header, payload)?;
                Ok(Handled { consumed: total, needed: 0, event })
            }
            Err(FrameError::Invalid(error)) => Err(Error::invalid(error, position)),
            Err(FrameError::Limit { found, allowed }) => {
                Err(Error::limit(LimitName::CommandBytes, u64::from(found), u64::from(allowed)))
            }
        }
    }

    fn message(&mut self, now: Instant, input: &[u8]) -> Result<Handled<Located>, Error> {
        self.receive.messages = self.receive.messages.saturating_add(1);
        if self.receive.messages > MAX_MESSAGES {
            return Err(Error::limit(
                LimitName::MessagesPerPacket,
                u64::from(self.receive.messages),
                u64::from(MAX_MESSAGES),
            ));
        }
        let invalid = |error: DecodeError| Error::invalid(error, self.receive.position);
        let (message, consumed) = Message::decode(input).map_err(invalid)?;
        self.receive.in_packet = self.receive.in_packet.saturating_sub(consumed);
        if self.timers.is_running(TimerName::Silence) {
            self.timers.start(TimerName::Silence, now, self.config.silence_timeout);
        }
        let event = self.dispatch(now, &message)?;
        Ok(Handled { consumed, needed: 0, event })
    }

    /// The peer closed its side.
    ///
    /// # Errors
    /// `UnexpectedEnd` unless everything was said.
    pub fn handle_eof(&mut self) -> Result<Option<Event<'static>>, Error> {
        match self.state {
            State::Closing | State::Closed => {
                self.state = State::Closed;
                Ok(None)
            }
            State::Ready => {
                self.state = State::Closed;
                self.timers.stop_all();
                Ok(Some(Event::Closed))
            }
            _ => {
                let error = self.failed.unwrap_or(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd));
                self.fail(error);
                Err(error)
            }
        }
    }

    /// A timer fired, if its time has come.
    ///
    /// # Errors
    /// `TimedOut` ends the session.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        if let Some(name) = self.timers.expired(now) {
            self.fail(Error::TimedOut(name));
        }
        self.failed.map_or(Ok(()), Err)
    }

    // ---- messages, in the order of the protocol

    fn dispatch(&mut self, now: Instant, message: &Message<'_>) -> Result<Option<Located>, Error> {
        match (self.state, message) {
            (_, Message::Ping) => self.ping(now).map(|()| None),
            (State::AwaitConnected, Message::ReportConnectedEx(report)) => {
                refuse(report.hr)?;
                self.version = report.server_version_info.map(ServerVersion::parse).unwrap_or_default();
                let pair = report.play_incarnation == wire::MMS_USE_PACKET_PAIR;
                self.config.packet_pair &= pair;
                if self.config.funnel_info || self.config.packet_pair {
                    self.state = State::AwaitFunnelInfo { received: 0, first_at: now };
                    self.enqueue(Intent::FunnelInfo);
                } else {
                    self.state = State::AwaitFunnel;
                    self.enqueue(Intent::ConnectFunnel);
                }
                Ok(plain(Event::Connected { version: self.version }))
            }
            (State::AwaitFunnelInfo { received, first_at }, Message::ReportFunnelInfo(report)) => {
                self.funnel_info(now, received, first_at, report)
            }
            (State::AwaitFunnel, Message::ReportConnectedFunnel(report)) => {
                refuse(report.hr)?;
                self.state = State::AwaitOpenFile;
                self.enqueue(Intent::OpenFile);
                Ok(None)
            }
            (State::AwaitFunnel, Message::ReportDisconnectedFunnel(report)) => {
                refuse(report.hr)?;
                Err(Error::PeerIncompatible(Incompatible::TransportRefused))
            }
            (State::AwaitOpenFile, Message::ReportOpenFile(report)) => self.opened(report),
            (State::AwaitOpenFile, Message::SecurityChallenge(challenge)) => {
                let ntlm = match challenge.token {
                    [0, 0, ..] => self.version.major >= 9 || challenge.token.len() > 2,
                    _ => false,
                };
                let scheme = if ntlm { AuthenticationScheme::Ntlm } else { AuthenticationScheme::Basic };
                self.fail(Error::PeerIncompatible(Incompatible::AuthenticationRequired));
                Ok(plain(Event::AuthenticationRequired { scheme }))
            }
            (State::AwaitOpenFile, Message::ReportRedirect(redirect)) => {
                let kind = match redirect.redirect_type {
                    RedirectType::URL => RedirectKind::Url,
                    RedirectType::PROXY => RedirectKind::Proxy,
                    RedirectType(other) => RedirectKind::Other(other),
                };
                self.state = State::Closed;
                self.timers.stop_all();
                // the location lies behind chunkLen, MID, hr, type and length (section 2.2.4.9)
                let location = 16..redirect.location.encoded_len().saturating_add(16);
                Ok(Some(Located::Redirected { kind, location }))
            }
            (State::AwaitHeader, Message::ReportReadBlock(report)) => refuse(report.hr).map(|()| None),
            (_, Message::ReportStreamSwitch(report)) => Ok(self.switched(report.hr)),
            (State::Starting, Message::ReportStartedPlaying(report)) => self.started(now, report.hr),
            (State::Starting, Message::ReportStartStriding(report)) => self.started(now, report.hr),
            (_, Message::ReportEndOfStream(report)) => self.end_of_stream(report),
            (State::EntryChange | State::Streaming | State::Ready, Message::ReportStreamChange(change)) => {
                refuse(change.hr)?;
                self.stream_change(change.packet_size, change.header_size, change.bit_rate)
            }
            // Late or doubled replies and unknown messages mean nothing (section 3.1.5, digest 4.12) ...
            (State::Ready | State::Streaming | State::EntryChange | State::Stopping { .. }, _)
            | (_, Message::Unknown { .. } | Message::ReportReadBlock(_)) => Ok(None),
            // ... but during the handshake the next message is the reply.
            _ => Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage)),
        }
    }

    fn ping(&mut self, now: Instant) -> Result<(), Error> {
        if now.since(self.receive.ping_window) >= PING_WINDOW {
            self.receive.ping_window = now;
            self.receive.pings = 0;
        }
        self.receive.pings = self.receive.pings.saturating_add(1);
        if self.receive.pings > self.config.pings_per_minute {
            let (found, allowed) = (self.receive.pings, self.config.pings_per_minute);
            return Err(Error::limit(LimitName::Pings, u64::from(found), u64::from(allowed)));
        }
        // Pings that wait for a slow writer share one Pong.
        if !self.outbox_has(|intent| *intent == Intent::Pong) {
            self.enqueue(Intent::Pong);
        }
        Ok(())
    }

    fn funnel_info(
        &mut self,
        now: Instant,
        received: u8,
        first_at: Instant,
        report: &ReportFunnelInfo<'_>,
    ) -> Result<Option<Located>, Error> {
        refuse(report.hr)?;
        let pair = matches!(
            report.play_incarnation,
            wire::MMS_PACKET_PAIR_TCP_HIGH_ENTROPY | wire::MMS_USE_PACKET_PAIR
        ) && !report.packet_pair.is_empty();
        let mut event = None;
        let first_at = if received == 0 { now } else { first_at };
        if received == 1 && pair {
            // bits of the second packet over the time between the two (section 3.1.5.4)
            let bytes = report.packet_pair.len().saturating_add(80);
            let micros = u64::try_from(now.since(first_at).as_micros()).unwrap_or(u64::MAX);
            let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8_000_000);
            event = bits.checked_div(micros).map(|bits_per_second| Event::Bandwidth { bits_per_second });
        }
        if pair && received < 2 {
            self.state = State::AwaitFunnelInfo { received: received.saturating_add(1), first_at };
        } else {
            self.state = State::AwaitFunnel;
            self.enqueue(Intent::ConnectFunnel);
        }
        Ok(event.map(Located::Plain))
    }

    fn opened(&mut self, report: &ReportOpenFile) -> Result<Option<Located>, Error> {
        refuse(report.hr)?;
        let live = report.file_attributes.intersects(FileAttributes::BROADCAST | FileAttributes::LIVE);
        let duration = report.file_duration;
        let content = Content {
            attributes: report.file_attributes,
            // real servers send -1e-7 for live content (digest 8.3)
            duration: (!live && duration > 0.0).then(|| seconds(duration)).flatten(),
            packet_size: report.file_packet_size,
            packet_count: match report.file_packet_count {
                0 | 0xFFFF_FFFF => None,
                count => Some(count),
            },
            bit_rate: report.file_bit_rate,
            header_len: report.file_header_size,
        };
        self.content = Some(content);
        self.open_file_id = report.open_file_id;
        self.await_header();
        self.state = State::AwaitHeader;
        self.enqueue(Intent::ReadBlock);
        Ok(plain(Event::Opened(content)))
    }

    fn await_header(&mut self) {
        self.walker = HeaderWalker::new(self.config.header);
        self.header_received = 0;
        self.fragment = 0;
    }

    fn switched(&mut self, hr: Hresult) -> Option<Located> {
        if self.state == State::Switching {
            self.state = State::Starting;
            self.enqueue(Intent::Start);
        }
        plain(Event::StreamsSwitched { hr })
    }

    fn started(&mut self, now: Instant, hr: Hresult) -> Result<Option<Located>, Error> {
        self.timers.stop(TimerName::Reply);
        if hr.is_failure() {
            // stays READY by the document; for the application it is the answer to its wish
            self.state = State::Ready;
            return Err(match (hr, self.play.rate) {
                (Hresult::NS_E_STRIDE_REFUSED, Some(_)) => {
                    Error::PeerIncompatible(Incompatible::NotStridable)
                }
                _ => Error::Refused(hr),
            });
        }
        self.state = State::Streaming;
        self.timers.start(TimerName::Silence, now, self.config.silence_timeout);
        Ok(plain(Event::Started))
    }

    /// Section 3.1.5.18 with the table of digest 4.8.
    fn end_of_stream(&mut self, report: &ReportEndOfStream) -> Result<Option<Located>, Error> {
        match self.state {
            State::Stopping { then } => {
                self.timers.stop_all();
                match then {
                    Some(play) => self.begin(play),
                    None => self.state = State::Ready,
                }
                Ok(plain(Event::Stopped))
            }
            // an end that belongs to an earlier start
            State::Switching | State::Starting
                if report.play_incarnation != u32::from(self.play_incarnation) =>
            {
                Ok(None)
            }
            State::Streaming | State::Starting => {
                let attributes = self.content.map(|content| content.attributes).unwrap_or_default();
                let more = if self.version.major >= 9 {
                    report.hr == Hresult::S_FALSE
                } else {
                    report.hr == Hresult::S_OK && attributes.contains(FileAttributes::BROADCAST)
                };
                self.enqueue_log();
                self.state = if more { State::EntryChange } else { State::Ready };
                if !more {
                    self.timers.stop_all();
                }
                Ok(plain(Event::EndOfStream { hr: report.hr, more }))
            }
            State::Ready | State::EntryChange | State::Switching => Ok(None),
            _ if report.hr.is_failure() => Err(Error::Refused(report.hr)),
            _ => Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage)),
        }
    }

    fn stream_change(
        &mut self,
        packet_size: u32,
        header_len: u32,
        bit_rate: u32,
    ) -> Result<Option<Located>, Error> {
        let Some(content) = self.content.as_mut() else {
            return Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage));
        };
        *content =
            Content { packet_size, header_len, bit_rate, packet_count: None, duration: None, ..*content };
        self.await_header();
        self.header_incarnation = wire::STREAM_CHANGE_INCARNATION;
        self.state = State::EntryChange;
        Ok(plain(Event::StreamChange { packet_size, header_len, bit_rate }))
    }

    // ---- data

    fn data(&mut self, now: Instant, header: DataHeader, payload: &[u8]) -> Result<Option<Located>, Error> {
        if self.timers.is_running(TimerName::Silence) {
            self.timers.start(TimerName::Silence, now, self.config.silence_timeout);
        }
        match self.state {
            State::AwaitHeader => {
                let ours = header.play_incarnation == self.header_incarnation
                    || self.config.quirks.header_any_incarnation;
                if ours { self.header_fragment(now, header, payload) } else { Ok(None) }
            }
            State::EntryChange if header.play_incarnation == wire::STREAM_CHANGE_INCARNATION => {
                self.header_fragment(now, header, payload)
            }
            State::Starting | State::Streaming | State::Stopping { .. }
                if header.play_incarnation == self.play_incarnation =>
            {
                self.packet(header, payload)
            }
            // media of the new entry may come before its Start is answered (OPEN-10)
            State::Ready | State::Switching | State::Starting | State::Streaming
                if header.play_incarnation == wire::STREAM_CHANGE_INCARNATION
                    && self.header_incarnation == wire::STREAM_CHANGE_INCARNATION =>
            {
                self.packet(header, payload)
            }
            _ => Ok(None),
        }
    }

    fn header_fragment(
        &mut self,
        now: Instant,
        header: DataHeader,
        payload: &[u8],
    ) -> Result<Option<Located>, Error> {
        // 0x00 and 0x04 mean more follows, 0x08 and 0x0C last (OPEN-7); anything else is no fragment
        let last = match header.af_flags {
            0x00 | 0x04 => false,
            0x08 | 0x0C => true,
            _ => return Ok(None),
        };
        if header.location_id != self.fragment {
            return Err(Error::PeerMisbehaved(Misbehaviour::FragmentOrder));
        }
        let position = self.receive.position;
        self.walker.feed(payload).map_err(|error| match error {
            // the walker counts from the start of the header, the connection from its first byte
            HeaderError::Invalid(error) => {
                let before = position.saturating_add(u64::try_from(DataHeader::LEN).unwrap_or(0));
                Error::invalid(error, before.saturating_sub(self.header_received))
            }
            HeaderError::Limit { limit, found, allowed } => Error::limit(limit, found, allowed),
        })?;
        let offset = self.header_received;
        let len = u64::try_from(payload.len()).unwrap_or(u64::MAX);
        self.header_received = offset.saturating_add(len);
        self.fragment = self.fragment.saturating_add(1);
        if self.walker.total_len().is_some_and(|total| self.header_received > total) {
            return Err(Error::PeerMisbehaved(Misbehaviour::HeaderTooLong));
        }
        self.timers.start(TimerName::Reply, now, self.config.reply_timeout);
        if last {
            if !self.walker.is_complete() {
                return Err(Error::PeerMisbehaved(Misbehaviour::HeaderTooShort));
            }
            self.timers.stop_all();
            self.state = State::Ready;
        }
        let bytes = DataHeader::LEN..DataHeader::LEN.saturating_add(payload.len());
        Ok(Some(Located::HeaderPart { offset, bytes, last }))
    }

    fn packet(&mut self, header: DataHeader, payload: &[u8]) -> Result<Option<Located>, Error> {
        let size = self.walker.summary().map_or(0, |summary| summary.file_properties.packet_size());
        if u32::try_from(payload.len()).unwrap_or(u32::MAX) > size {
            return Err(Error::PeerMisbehaved(Misbehaviour::PacketTooLarge));
        }
        if self.wrong_place(header.location_id) {
            return Ok(None);
        }
        self.last_packet = Some(header.location_id);
        self.last_send_time = PacketHead::decode(payload).ok().map(|head| head.send_time_ms);
        self.statistics.packets_received = self.statistics.packets_received.saturating_add(1);
        let len = u64::try_from(payload.len()).unwrap_or(u64::MAX);
        self.statistics.bytes_received = self.statistics.bytes_received.saturating_add(len);
        let bytes = DataHeader::LEN..DataHeader::LEN.saturating_add(payload.len());
        let DataHeader { location_id, af_flags, .. } = header;
        Ok(Some(Located::Packet { location_id, af_flags, bytes }))
    }

    /// The quirk `location_id_ignored`: packets before the one asked for are dropped, and when the first
    /// packet shows that the server started elsewhere, the session seeks by time instead.
    fn wrong_place(&mut self, location_id: u32) -> bool {
        let Some(wanted) = self.wanted_packet else { return false };
        if location_id >= wanted || !self.config.quirks.location_id_ignored {
            self.wanted_packet = None;
            return false;
        }
        if let (Position::Packet(_), State::Streaming, Some(time)) =
            (self.play.from, self.state, self.last_send_time)
        {
            let from = Position::Time(Duration::from_millis(u64::from(time)));
            self.state = State::Stopping { then: Some(Play { from, ..self.play }) };
            self.enqueue(Intent::Stop);
        }
        true
    }

    // ---- output

    /// Whether a message waits for [`poll_transmit`](Self::poll_transmit).
    #[must_use]
    pub fn wants_transmit(&self) -> bool {
        matches!(self.outbox.first(), Some(Some(_)))
    }

    /// Encodes the next message into `out` and returns its length; `None` if there is nothing to send.
    ///
    /// # Errors
    /// If `out` is too small; nothing is lost and nothing changes.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        target: &Target<'_>,
        out: &mut [u8],
    ) -> Result<Option<usize>, BufferTooSmall> {
        let Some(intent) = self.outbox.first().copied().flatten() else { return Ok(None) };
        let len = self.encode(intent, target, out)?;
        self.outbox.rotate_left(1);
        if let Some(last) = self.outbox.last_mut() {
            *last = None;
        }
        self.seq = self.seq.wrapping_add(1);
        self.sent(now, intent);
        Ok(Some(len))
    }

    fn encode(&self, intent: Intent, target: &Target<'_>, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let play_incarnation = u32::from(self.play_incarnation);
        let message = match intent {
            Intent::Connect => return self.encode_connect(target, out),
            Intent::FunnelInfo => Message::FunnelInfo(FunnelInfo {
                play_incarnation: if self.config.packet_pair {
                    wire::MMS_PACKET_PAIR_TCP_HIGH_ENTROPY
                } else {
                    wire::MMS_DISABLE_PACKET_PAIR
                },
            }),
            Intent::ConnectFunnel => return self.encode_connect_funnel(out),
            Intent::OpenFile => Message::OpenFile(OpenFile {
                play_incarnation: u32::from(self.next_play_incarnation),
                spare: 0,
                file_name: Text::Str(target.path),
                token_data: &[],
            }),
            Intent::ReadBlock => Message::ReadBlock(ReadBlock {
                open_file_id: self.open_file_id,
                file_block_id: 0,
                offset: 0,
                length: 0x8000,
                flags: 0xFFFF_FFFF,
                t_earliest: 0.0,
                t_deadline: 3600.0,
                play_incarnation: u32::from(self.next_header_incarnation),
                play_sequence: 0,
            }),
            Intent::SwitchAll => return self.encode_switch_all(out),
            Intent::SwitchOne(entry) => {
                let entries = [entry];
                let message = Message::StreamSwitch(StreamSwitch { entries: StreamEntries::new(&entries) });
                return wire::encode_packet(&message, self.seq, out);
            }
            Intent::Start => self.start_message(),
            Intent::Stop => {
                Message::StopPlaying(StopPlaying { open_file_id: self.open_file_id, play_incarnation })
            }
            Intent::Log => {
                let mut pid = Fixed::<40>::default();
                let _ = write!(pid, "{{{}}}", Guid(&self.config.player.guid));
                return log::encode(self.seq, out, &self.log_input(target, pid.as_str()));
            }
            Intent::Close => {
                Message::CloseFile(CloseFile { play_incarnation: 0, open_file_id: self.open_file_id })
            }
            Intent::Pong => Message::Pong,
        };
        wire::encode_packet(&message, self.seq, out)
    }

    fn encode_connect(&self, target: &Target<'_>, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut name = Fixed::<96>::default();
        let [a, b, c, d] = self.config.player.version;
        // formatting into a buffer that is large enough cannot fail
        let _ = write!(name, "NSPlayer/{a}.{b}.{c}.{d}; {{{}}}; Host: ", Guid(&self.config.player.guid));
        let parts = [name.as_str(), target.host];
        let message = Message::Connect(Connect {
            play_incarnation: if self.config.packet_pair {
                wire::MMS_USE_PACKET_PAIR
            } else {
                wire::MMS_DISABLE_PACKET_PAIR
            },
            mac_to_viewer_protocol_revision: wire::MAC_TO_VIEWER_PROTOCOL_REVISION,
            viewer_to_mac_protocol_revision: wire::VIEWER_TO_MAC_PROTOCOL_REVISION,
            subscriber_name: Text::Parts(&parts),
        });
        wire::encode_packet(&message, self.seq, out)
    }

    fn encode_connect_funnel(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        // over TCP the address means nothing to the server (section 3.2.5.5)
        let local = self.local.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 1755)));
        let name = FunnelNameBuf::new(FunnelTransport::Tcp, local.ip(), local.port());
        let message = Message::ConnectFunnel(ConnectFunnel {
            play_incarnation: 0,
            max_block_bytes: 0xFFFF_FFFF,
            max_funnel_bytes: 0,
            max_bit_rate: 10_000_000,
            funnel_mode: 2,
            funnel_name: name.as_text(),
        });
        wire::encode_packet(&message, self.seq, out)
    }

    /// The complete selection of all streams of the header (section 3.1.4.2).
    fn encode_switch_all(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut entries = [entry(0, Thinning::Nothing); 127];
        let mut count = 0_usize;
        let streams = self.walker.summary().into_iter().flat_map(|summary| summary.streams.iter());
        for (slot, StreamInfo { number, .. }) in entries.iter_mut().zip(streams) {
            let number = u16::from(number);
            *slot = entry(number, self.play.selection.level(number));
            count = count.saturating_add(1);
        }
        let entries = entries.get(..count).unwrap_or_default();
        let message = Message::StreamSwitch(StreamSwitch { entries: StreamEntries::new(entries) });
        wire::encode_packet(&message, self.seq, out)
    }

    fn start_message(&self) -> Message<'static> {
        let (position, asf_offset, location_id) = match self.play.from {
            // packet 0 cannot be asked for by number (OPEN-4)
            Position::Beginning | Position::Packet(0) => (0.0, wire::START_NOT_USED, wire::START_NOT_USED),
            Position::Time(time) => (time.as_secs_f64(), wire::START_NOT_USED, wire::START_NOT_USED),
            Position::Packet(number) => (wire::POSITION_NOT_USED, wire::START_NOT_USED, number),
            Position::Offset(offset) => (wire::POSITION_NOT_USED, offset, wire::START_NOT_USED),
        };
        let frame_offset = match self.play.until {
            None => 0,
            Some(Until::Time(time)) => milliseconds(time),
            Some(Until::AfterStart(time)) => milliseconds(time) | 0x8000_0000,
        };
        let play_incarnation = u32::from(self.next_play_incarnation);
        let open_file_id = self.open_file_id;
        if let Some(rate) = self.play.rate {
            return Message::StartStriding(StartStriding {
                open_file_id,
                position,
                asf_offset,
                location_id,
                frame_offset: 0,
                play_incarnation,
                rate,
            });
        }
        let acceleration = self.play.acceleration.filter(|_| self.version.major >= 9);
        Message::StartPlaying(StartPlaying {
            open_file_id,
            position,
            asf_offset,
            location_id,
            frame_offset,
            play_incarnation,
            acceleration: acceleration.map(|wanted| wire::Acceleration {
                accel_bandwidth: wanted.bandwidth,
                accel_duration: milliseconds(wanted.duration),
                link_bandwidth: wanted.link_bandwidth,
            }),
        })
    }

    /// What sending a message changes: the incarnation is used, the reply is awaited.
    fn sent(&mut self, now: Instant, intent: Intent) {
        match intent {
            Intent::Connect
            | Intent::FunnelInfo
            | Intent::ConnectFunnel
            | Intent::SwitchAll
            | Intent::Stop => {}
            Intent::OpenFile => self.next_play_incarnation = next(self.next_play_incarnation, 9, 0xFE),
            Intent::ReadBlock => {
                self.header_incarnation = self.next_header_incarnation;
                self.next_header_incarnation = next(self.next_header_incarnation, 1, 8);
            }
            Intent::Start => {
                self.play_incarnation = self.next_play_incarnation;
                self.next_play_incarnation = next(self.next_play_incarnation, 9, 0xFE);
            }
            Intent::SwitchOne(_) | Intent::Log | Intent::Pong => return,
            Intent::Close => {
                self.settle();
                return;
            }
        }
        if self.state == State::Closing {
            self.settle();
        } else {
            self.timers.start(TimerName::Reply, now, self.config.reply_timeout);
        }
    }

    // ---- helpers

    fn begin(&mut self, play: Play) {
        self.play = play;
        self.wanted_packet = match play.from {
            Position::Packet(number) if number > 0 => Some(number),
            // a second try of the same wish, by time
            Position::Time(_) if self.state != State::Ready => self.wanted_packet,
            _ => None,
        };
        self.state = State::Switching;
        self.enqueue(Intent::SwitchAll);
    }

    fn check_play(&self, play: &Play) -> Result<(), Error> {
        let Some(content) = self.content else { return Err(Error::ApiMisuse(Misuse::WrongState)) };
        if let Some(rate) = play.rate {
            if !(rate.is_finite() && rate.abs() <= 5.0 && rate.abs() >= 1e-6) {
                return Err(Error::ApiMisuse(Misuse::OutOfRange));
            }
        }
        let seekable = content.attributes.contains(FileAttributes::CANSEEK);
        let elsewhere =
            !matches!(play.from, Position::Beginning | Position::Packet(0) | Position::Time(Duration::ZERO));
        if elsewhere && !seekable {
            return Err(Error::PeerIncompatible(Incompatible::NotSeekable));
        }
        Ok(())
    }

    fn enqueue(&mut self, intent: Intent) {
        if let Some(slot) = self.outbox.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(intent);
        }
    }

    fn enqueue_log(&mut self) {
        let too_old = self.config.quirks.no_log_below_version_3 && self.version.major < 3;
        if self.config.logging && !too_old {
            self.enqueue(Intent::Log);
        }
    }

    fn outbox_has(&self, mut wanted: impl FnMut(&Intent) -> bool) -> bool {
        self.outbox.iter().flatten().any(|intent| wanted(intent))
    }

    fn settle(&mut self) {
        if self.state == State::Closing && self.outbox.iter().all(Option::is_none) {
            self.state = State::Closed;
        }
    }

    fn fail(&mut self, error: Error) {
        if self.failed.is_none() {
            self.failed = Some(error);
        }
        self.timers.stop_all();
        self.outbox = [None; OUTBOX];
        self.state = State::Closed;
    }

    fn log_input<'a>(&self, target: &Target<'a>, unique_pid: &'a str) -> log::Input<'a> {
        log::Input {
            url: target.url,
            unique_pid,
            player: self.config.player,
            open_file_id: self.open_file_id,
            content: self.content,
            statistics: self.statistics,
            start: match self.play.from {
                Position::Time(time) => time,
                _ => Duration::ZERO,
            },
            last_send_time_ms: self.last_send_time,
            rate: self.play.rate,
        }
    }
}

fn entry(stream: u16, level: Thinning) -> StreamSwitchEntry {
    match level {
        Thinning::Full => StreamSwitchEntry {
            src_stream_number: wire::NO_STREAM,
            dst_stream_number: stream,
            thinning_level: 0,
        },
        Thinning::KeyFrames => StreamSwitchEntry {
            src_stream_number: wire::NO_STREAM,
            dst_stream_number: stream,
            thinning_level: 1,
        },
        Thinning::Nothing => StreamSwitchEntry {
            src_stream_number: stream,
            dst_stream_number: wire::NO_STREAM,
            thinning_level: 0,
        },
    }
}

fn plain(event: Event<'static>) -> Option<Located> {
    Some(Located::Plain(event))
}

fn refuse(hr: Hresult) -> Result<(), Error> {
    if hr.is_failure() { Err(Error::Refused(hr)) } else { Ok(()) }
}

/// The next value of a counter that wraps from `last` to `first`.
fn next(value: u8, first: u8, last: u8) -> u8 {
    if value >= last { first } else { value.saturating_add(1) }
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX).min(0x7FFF_FFFF)
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// A player id in the usual form of a GUID.
struct Guid<'a>(&'a [u8; 16]);

impl fmt::Display for Guid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_char('-')?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}
