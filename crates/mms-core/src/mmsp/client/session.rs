//! The transitions of the client; those by the application's commands and by media have rooms of their own.

mod commands;
#[cfg(test)]
pub(crate) mod explored;
mod media;
mod udp;

use core::net::SocketAddr;
use core::time::Duration;

use self::commands::wanted_packet;
use self::udp::Funnel;
pub use self::udp::UdpOrder;
use super::config::{Config, Play};
use super::event::{AuthenticationScheme, Content, Event, Handled, Located, RedirectKind};
use super::messages::{self, Facts, Target};
use super::state::{Intent, State};
use crate::asf::{HeaderSummary, HeaderWalker};
use crate::error::{
    BufferTooSmall, Bug, DecodeError, Error, Incompatible, LimitName, Misbehaviour, TimerName,
};
use crate::hresult::Hresult;
use crate::mmsp::wire::{
    self, DataHeader, Deframer, FileAttributes, Frame, FrameError, FrameLimits, Message, RedirectType,
    ReportConnectedEx, ReportEndOfStream, ReportOpenFile, ReportStreamChange, SecurityChallenge,
    ServerVersion, TcpMessageHeader,
};
use crate::time::Instant;
use crate::timer::Timers;

/// Messages in one command packet.
const MAX_MESSAGES: u32 = 64;
const PING_WINDOW: Duration = Duration::from_secs(60);

/// What a session has received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// ASF data packets.
    pub packets_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
}

impl Statistics {
    /// What came after `earlier`.
    fn since(self, earlier: Self) -> Self {
        Self {
            packets_received: self.packets_received.saturating_sub(earlier.packets_received),
            bytes_received: self.bytes_received.saturating_sub(earlier.bytes_received),
        }
    }
}

const OUTBOX: usize = 8;

/// A client session of MMS, with media over TCP or UDP. It knows no socket: bytes come in by [`handle_input`](Self::handle_input),
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
    /// packets come that lie before the one that is wanted
    early: bool,
    statistics: Statistics,
    /// what the last Logging told
    logged: Statistics,
    first_send_time: Option<u32>,
    switch_sent: bool,
    /// an EndOfStream said that a StreamChange follows
    change_announced: bool,
    scheme: AuthenticationScheme,
    funnel_infos: u8,
    funnel: Funnel,
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
            early: false,
            statistics: Statistics::default(),
            logged: Statistics::default(),
            first_send_time: None,
            switch_sent: false,
            change_announced: false,
            scheme: AuthenticationScheme::Ntlm,
            funnel_infos: 0,
            funnel: Funnel::default(),
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
        matches!(
            self.state,
            State::Switching
                | State::Starting { .. }
                | State::Streaming
                | State::Ending { .. }
                | State::EntryChange
        )
    }

    /// Whether the session is over, although messages may still wait.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Closing | State::Closed)
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

    /// What was last asked to be played.
    #[must_use]
    pub fn last_play(&self) -> &Play {
        &self.play
    }

    /// What a resume plays, where nothing was played yet.
    pub(crate) fn remember(&mut self, play: Play) {
        self.play = play;
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
        if self.has_ended() {
            return Ok(Handled { consumed: input.len(), needed: 1, event: None });
        }
        if self.is_ending() {
            // what follows belongs behind the datagrams that are still missing
            return Ok(Handled { consumed: 0, needed: 0, event: None });
        }
        if self.receive.in_packet > 0 {
            let needed = self.receive.in_packet;
            return match input.get(..needed) {
                Some(messages) => self.message(now, messages),
                None => Ok(Handled { consumed: 0, needed, event: None }),
            };
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
        // a Ping says that the server is there, not that it stops
        if message != Message::Ping || !matches!(self.state, State::Stopping { .. }) {
            self.heard(now);
        }
        let event = self.dispatch(now, &message)?;
        Ok(Handled { consumed, needed: 0, event })
    }

    /// Something came: it was not silent, and what was sent before a StopPlaying still has to pass.
    fn heard(&mut self, now: Instant) {
        if self.timers.is_running(TimerName::Silence) {
            self.timers.start(TimerName::Silence, now, self.config.silence_timeout);
        }
        if matches!(self.state, State::Stopping { .. }) && self.timers.is_running(TimerName::Reply) {
            self.timers.start(TimerName::Reply, now, self.config.reply_timeout);
        }
    }

    /// The peer closed its side.
    ///
    /// # Errors
    /// `UnexpectedEnd` unless everything was said; a server may close when nothing plays.
    pub fn handle_eof(&mut self) -> Result<Option<Event<'static>>, Error> {
        match self.state {
            State::Closing | State::Closed => {
                self.state = State::Closed;
                Ok(None)
            }
            State::Ready if self.receive.in_packet == 0 => {
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
            let name = if name == TimerName::Reply { self.awaited() } else { name };
            self.fail(Error::TimedOut(name));
        }
        self.failed.map_or(Ok(()), Err)
    }

    /// What is waited for, as errors name it.
    pub(crate) fn awaited(&self) -> TimerName {
        match self.state {
            State::AwaitFunnelInfo { .. } | State::AwaitFunnel => TimerName::Funnel,
            State::AwaitOpenFile => TimerName::Open,
            State::AwaitHeader | State::EntryChange => TimerName::Header,
            State::Switching | State::Starting { .. } => TimerName::Play,
            State::Streaming if self.early => TimerName::Silence,
            State::Streaming | State::Ending { .. } => TimerName::Media,
            State::Stopping { .. } => TimerName::Stop,
            State::AwaitConnected | State::Ready | State::Closing | State::Closed => TimerName::Reply,
        }
    }

    // ---- messages, in the order of the protocol

    fn dispatch(&mut self, now: Instant, message: &Message<'_>) -> Result<Option<Located>, Error> {
        match (self.state, message) {
            (_, Message::Ping) => self.ping(now).map(|()| None),
            (State::AwaitConnected, Message::ReportConnectedEx(report)) => self.connected(now, report),
            (State::AwaitFunnelInfo { received, first_at }, Message::ReportFunnelInfo(report)) => {
                self.count_funnel_info()?;
                self.funnel_info(now, received, first_at, report)
            }
            (State::AwaitFunnel, Message::ReportFunnelInfo(_)) => self.count_funnel_info().map(|()| None),
            (State::AwaitFunnel, Message::ReportConnectedFunnel(report)) => {
                refuse(report.hr)?;
                self.state = State::AwaitOpenFile;
                self.enqueue(Intent::OpenFile);
                Ok(None)
            }
            (State::AwaitFunnel, Message::ReportDisconnectedFunnel(report)) => {
                if self.refused_udp() {
                    return Ok(None);
                }
                refuse(report.hr)?;
                Err(Error::PeerIncompatible(Incompatible::TransportRefused))
            }
            (State::AwaitOpenFile, Message::ReportOpenFile(report)) => self.opened(report),
            (State::AwaitOpenFile, Message::SecurityChallenge(challenge)) => Ok(self.challenged(challenge)),
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
            (State::AwaitHeader | State::EntryChange, Message::ReportReadBlock(report)) => {
                refuse(report.hr).map(|()| None)
            }
            (state, Message::ReportStreamSwitch(report)) if state.is_open() => Ok(self.switched(report.hr)),
            (State::Starting { sent: true }, Message::ReportStartedPlaying(report)) => {
                Ok(self.started(now, report.hr))
            }
            (State::Starting { sent: true }, Message::ReportStartStriding(report)) => {
                Ok(self.started(now, report.hr))
            }
            (_, Message::ReportEndOfStream(report)) => self.end_of_stream(report),
            (State::Streaming, Message::ReportDisconnectedFunnel(report)) => Ok(self.ended(report.hr, false)),
            (state, Message::ReportStreamChange(change)) if state.is_open() => self.stream_change(change),
            // late or doubled replies and unknown messages mean nothing (digest 4.12)
            _ => Ok(None),
        }
    }

    /// Section 3.1.5.3.
    fn connected(&mut self, now: Instant, report: &ReportConnectedEx<'_>) -> Result<Option<Located>, Error> {
        refuse(report.hr)?;
        self.version = report.server_version_info.map(ServerVersion::parse).unwrap_or_default();
        self.scheme = match report.authen_package {
            Some(name) if name.eq_str("BASIC") => AuthenticationScheme::Basic,
            Some(name) if !name.is_empty() && !name.eq_str("NTLM") => AuthenticationScheme::Unknown,
            _ => AuthenticationScheme::Ntlm,
        };
        self.config.packet_pair &= report.play_incarnation == wire::MMS_USE_PACKET_PAIR;
        if self.config.funnel_info || self.config.packet_pair {
            self.state = State::AwaitFunnelInfo { received: 0, first_at: now };
            self.enqueue(Intent::FunnelInfo);
        } else {
            self.state = State::AwaitFunnel;
            self.enqueue(Intent::ConnectFunnel);
        }
        Ok(plain(Event::Connected { version: self.version }))
    }

    /// The scheme by the table of digest 4.9; credentials are not ours to send, so the session ends.
    fn challenged(&mut self, challenge: &SecurityChallenge<'_>) -> Option<Located> {
        let scheme = match (challenge.token, self.version.major) {
            ([0, 0, ..], 9..) => AuthenticationScheme::Ntlm,
            ([0, 0, ..], _) => self.scheme,
            _ => AuthenticationScheme::Basic,
        };
        self.fail(Error::PeerIncompatible(Incompatible::AuthenticationRequired));
        plain(Event::AuthenticationRequired { scheme })
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
        self.order_content();
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
            self.state = State::Starting { sent: false };
            self.enqueue(Intent::Start);
        }
        self.switch_sent = false;
        plain(Event::StreamsSwitched { hr })
    }

    /// A start that is refused leaves the session READY (digest 4.5 step 4): an event says so, and the
    /// application may ask for something else.
    fn started(&mut self, now: Instant, hr: Hresult) -> Option<Located> {
        self.timers.stop(TimerName::Reply);
        if hr.is_failure() {
            self.state = State::Ready;
            let error = match (hr, self.play.rate) {
                (Hresult::NS_E_STRIDE_REFUSED, Some(_)) => {
                    Error::PeerIncompatible(Incompatible::NotStridable)
                }
                _ => Error::Refused(hr),
            };
            return plain(Event::PlayRefused { error });
        }
        self.state = State::Streaming;
        // from here on 0xFF is stale (OPEN-10)
        self.header_incarnation = 0;
        self.timers.start(TimerName::Silence, now, self.config.silence_timeout);
        plain(Event::Started)
    }

    /// Section 3.1.5.18 with the table of digest 4.8.
    fn end_of_stream(&mut self, report: &ReportEndOfStream) -> Result<Option<Located>, Error> {
        let attributes = self.content.map(|content| content.attributes).unwrap_or_default();
        let more = if self.version.major >= 9 {
            report.hr == Hresult::S_FALSE
        } else {
            report.hr == Hresult::S_OK && attributes.contains(FileAttributes::BROADCAST)
        };
        match self.state {
            State::Stopping { then, unasked } => {
                self.timers.stop_all();
                self.order(UdpOrder::Stop);
                self.switch_sent = false;
                match then {
                    Some(play) if unasked => self.begin(play, self.wanted_packet),
                    Some(play) => self.begin(play, wanted_packet(&play)),
                    None => self.state = State::Ready,
                }
                Ok(if unasked { None } else { plain(Event::Stopped) })
            }
            State::Streaming if self.is_udp() => {
                self.state = State::Ending { hr: report.hr, more };
                let last_location = self.last_location();
                self.order(UdpOrder::EndOfStream { last_location });
                Ok(None)
            }
            State::Streaming => Ok(self.ended(report.hr, more)),
            // an end that belongs to an earlier start means nothing
            State::Starting { sent: true } if report.play_incarnation == u32::from(self.play_incarnation) => {
                Ok(self.ended(report.hr, more))
            }
            // entries of which nothing was played end too
            State::Ready | State::EntryChange => {
                self.change_announced |= more;
                Ok(None)
            }
            state if state.is_open() => Ok(None),
            _ => refuse(report.hr).map(|()| None),
        }
    }

    fn ended(&mut self, hr: Hresult, more: bool) -> Option<Located> {
        self.enqueue_log();
        self.change_announced = more;
        self.switch_sent = false;
        if more {
            self.state = State::Streaming;
        } else {
            self.state = State::Ready;
            self.timers.stop_all();
        }
        plain(Event::EndOfStream { hr, more })
    }

    /// Section 3.1.5.19; an unannounced change is followed only while streaming (digest 4.12).
    fn stream_change(&mut self, change: &ReportStreamChange) -> Result<Option<Located>, Error> {
        let expected = self.change_announced || matches!(self.state, State::Streaming | State::EntryChange);
        let (Some(content), true) = (self.content.as_mut(), expected) else { return Ok(None) };
        refuse(change.hr)?;
        let ReportStreamChange { packet_size, header_size: header_len, bit_rate, .. } = *change;
        *content =
            Content { packet_size, header_len, bit_rate, packet_count: None, duration: None, ..*content };
        self.await_header();
        self.change_announced = false;
        self.wanted_packet = None;
        self.last_packet = None;
        self.state = State::EntryChange;
        if self.is_udp() {
            self.order_content();
            self.enqueue(Intent::ReadBlock);
        } else {
            self.header_incarnation = wire::STREAM_CHANGE_INCARNATION;
        }
        Ok(plain(Event::StreamChange { packet_size, header_len, bit_rate }))
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
        let len = messages::encode(intent, &self.facts(), target, self.seq, out)?;
        self.outbox.rotate_left(1);
        if let Some(last) = self.outbox.last_mut() {
            *last = None;
        }
        self.seq = self.seq.wrapping_add(1);
        self.sent(now, intent);
        Ok(Some(len))
    }

    /// What sending a message changes: the incarnation is used, the reply is awaited.
    fn sent(&mut self, now: Instant, intent: Intent) {
        match intent {
            Intent::Connect
            | Intent::FunnelInfo
            | Intent::ConnectFunnel
            | Intent::SwitchAll
            | Intent::CancelReadBlock
            | Intent::Stop => {}
            Intent::OpenFile => self.next_play_incarnation = next(self.next_play_incarnation, 9, 0xFE),
            Intent::ReadBlock => {
                self.header_incarnation = self.next_header_incarnation;
                self.next_header_incarnation = next(self.next_header_incarnation, 1, 8);
                if self.order_header() {
                    // the Header timer runs instead (section 3.1.5.9.1)
                    self.timers.stop(TimerName::Reply);
                    return;
                }
            }
            Intent::Start => {
                self.state = State::Starting { sent: true };
                self.play_incarnation = self.next_play_incarnation;
                self.next_play_incarnation = next(self.next_play_incarnation, 9, 0xFE);
                self.order_start();
            }
            Intent::SwitchOne(_) | Intent::Pong => return,
            Intent::Log => {
                self.logged = self.statistics;
                self.funnel.logged();
                if self.state != State::Closing {
                    return;
                }
            }
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

    // ---- the rest

    /// What messages are made of.
    fn facts(&self) -> Facts<'_> {
        Facts {
            config: &self.config,
            local: self.local,
            udp_port: self.funnel.port(),
            header_incarnation: self.header_incarnation,
            reception: self.funnel.reception(),
            version: self.version,
            content: self.content,
            streams: self.walker.summary().map(|summary| &summary.streams),
            open_file_id: self.open_file_id,
            next_header_incarnation: self.next_header_incarnation,
            next_play_incarnation: self.next_play_incarnation,
            play_incarnation: self.play_incarnation,
            play: &self.play,
            received: self.statistics.since(self.logged),
            start_ms: self.first_send_time.unwrap_or(0),
            played_ms: self.played_ms(),
        }
    }

    fn played_ms(&self) -> u32 {
        match (self.first_send_time, self.last_send_time) {
            (Some(first), Some(last)) => last.abs_diff(first),
            _ => 0,
        }
    }

    fn begin(&mut self, play: Play, wanted_packet: Option<u32>) {
        self.play = play;
        self.wanted_packet = wanted_packet;
        self.early = false;
        self.first_send_time = None;
        self.state = State::Switching;
        self.enqueue(Intent::SwitchAll);
    }

    fn enqueue(&mut self, intent: Intent) {
        if let Some(slot) = self.outbox.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(intent);
        } else {
            // each intent waits at most once, and not all of them at a time
            self.fail(Error::Bug(Bug::ReplyRoom));
        }
    }

    fn enqueue_log(&mut self) {
        let too_old = self.config.quirks.no_log_below_version_3 && self.version.major < 3;
        let waits = self.outbox_has(|intent| *intent == Intent::Log);
        if self.config.logging && !too_old && !waits {
            self.enqueue(Intent::Log);
        }
    }

    fn outbox_has(&self, wanted: impl Fn(&Intent) -> bool) -> bool {
        self.outbox.iter().flatten().any(wanted)
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

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}
