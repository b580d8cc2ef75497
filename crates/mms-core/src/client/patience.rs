//! How long a client waits for each step, and what it does when nothing comes.

use core::time::Duration;

use super::driver::{Client, Place};
use super::event::{Event, Located};
use crate::error::{Error, TimerName};
use crate::mmsp::client::Play;
use crate::rollover::Transport;
use crate::selection::Selection;
use crate::time::Instant;

/// Where HTTP comes next, opening may take so many times [`rollover_timeout`](super::Options::rollover_timeout):
/// content that sleeps takes seconds to wake (digest of rollover, 8.3).
const OPENING: u32 = 2;

/// Bytes of a header that a slow network brings in a second.
const HEADER_RATE: u64 = 512;

/// What was told of a header, to know it again: FNV-1a over its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeaderSum(u64);

impl HeaderSum {
    pub(super) const NONE: Self = Self(0xCBF2_9CE4_8422_2325);

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

/// How far the media is that a Started promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promised {
    /// nothing
    Nothing,
    /// a packet was told, perhaps before the word that it comes
    Came,
    /// the first packet
    First,
    /// the first packet, and no media was told yet
    FirstOfAll,
}

/// What the client knows of media to come, and of a header that comes twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Media {
    promised: Promised,
    /// of an entry or media: another transport would tell it twice
    told: bool,
    header: HeaderSum,
    header_began: Instant,
    /// the header that was told before the transport changed
    known: Option<HeaderSum>,
    /// the application stopped before that header was there again
    stopped: bool,
    /// the application wished for something else meanwhile
    wished: bool,
}

impl Media {
    pub(super) const NONE: Self = Self {
        promised: Promised::Nothing,
        told: false,
        header: HeaderSum::NONE,
        header_began: Instant::ZERO,
        known: None,
        stopped: false,
        wished: false,
    };

    /// Whether the transport changed within a play, and the header is not there again.
    pub(super) fn is_fetched_anew(&self) -> bool {
        self.known.is_some()
    }

    fn is_promised(&self) -> bool {
        matches!(self.promised, Promised::First | Promised::FirstOfAll)
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Client<B> {
    /// Starts and stops the timers of the steps. Only one of them runs at a time.
    pub(super) fn note_step(&mut self, event: &Located) {
        let wait = match event {
            Located::Plain(Event::Connected { .. }) => Some(self.opening(self.options.open_timeout)),
            // in datagrams the document's own timer runs (section 3.1.2)
            Located::Plain(Event::Opened(_) | Event::StreamChange { .. }) if self.protocol.is_udp() => None,
            Located::Plain(Event::Opened(_)) => Some(self.opening(self.options.header_timeout)),
            Located::Plain(Event::StreamChange { .. }) => Some(self.options.header_timeout),
            Located::HeaderPart { offset, bytes, last: false }
            | Located::TextPart { offset, bytes, last: false } => {
                self.note_part(*offset, bytes.len());
                return;
            }
            Located::Plain(
                Event::File { .. }
                | Event::Bandwidth { .. }
                | Event::StreamsSwitched { .. }
                | Event::PacketsLost { .. },
            ) => return,
            _ => None,
        };
        match wait {
            Some(wait) => self.timers.start(TimerName::Reply, self.now, wait),
            None => self.timers.stop(TimerName::Reply),
        }
    }

    /// Who sends one byte now and then is not waited for as long as there are bytes.
    fn note_part(&mut self, offset: u64, len: usize) {
        // datagrams are told when all of them are there
        if self.protocol.is_udp() {
            return;
        }
        if offset == 0 {
            self.media.header_began = self.now;
        }
        let bytes = offset.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        let seconds = Duration::from_secs(bytes.checked_div(HEADER_RATE).unwrap_or(0));
        let wait = self.options.header_timeout.saturating_add(seconds);
        self.timers.start(TimerName::Reply, self.media.header_began, wait);
    }

    fn opening(&self, most: Duration) -> Duration {
        // the other form of MMS meets the same server, and the same delay
        let may_go_on = !self.began && self.rollover.next().is_some_and(|next| next == Transport::Http);
        let rollover = self.options.rollover_timeout.saturating_mul(OPENING);
        if may_go_on { most.min(rollover) } else { most }
    }

    /// What an event says of media to come.
    pub(super) fn note_media(&mut self, event: &Located) {
        let media = &mut self.media;
        match event {
            Located::Plain(Event::Started) if media.promised == Promised::Came => {}
            Located::Plain(Event::Started) if media.told => media.promised = Promised::First,
            Located::Plain(Event::Started) => media.promised = Promised::FirstOfAll,
            Located::Packet { .. } | Located::FilePart { .. } | Located::Plain(Event::PacketsLost { .. }) => {
                media.told = true;
                media.promised = Promised::Came;
            }
            Located::Plain(Event::StreamChange { .. } | Event::EndOfStream { .. }) => {
                media.told = true;
                media.promised = Promised::Nothing;
            }
            Located::Plain(Event::Stopped | Event::PlayRefused { .. } | Event::Closed) => {
                media.promised = Promised::Nothing;
            }
            _ => {}
        }
    }

    /// The step that was waited for took too long.
    pub(super) fn step_timed_out(&mut self) {
        if self.protocol.has_ended() {
            return;
        }
        let awaited = self.protocol.awaited();
        if self.media.is_promised() && awaited != TimerName::Media {
            // it is not waited for any more, and the session has its own time for what is
            return;
        }
        if self.media.promised == Promised::FirstOfAll && self.may_fall_back() && self.has_datagrams() {
            // the first one is missing, not the path
            self.media.promised = Promised::First;
            return;
        }
        let error = Error::TimedOut(awaited);
        if self.media.promised != Promised::FirstOfAll || !self.fall_back(error) {
            self.fail(error);
        }
    }

    /// Nothing moves: whether the first packet has to come in time. From here on, so that a host that took its time with
    /// what was told does not pay for it.
    pub(super) fn await_media(&mut self, now: Instant) {
        let promised = self.media.promised;
        if !self.media.is_promised()
            || self.timers.is_running(TimerName::Reply)
            || self.protocol.awaited() != TimerName::Media
        {
            return;
        }
        let play = self.protocol.last_play();
        let is_all = play.selection == Selection::ALL && play.rate.is_none();
        let (rollover, media) = (self.options.rollover_timeout, self.options.media_timeout);
        let wait = match promised {
            Promised::FirstOfAll if self.may_fall_back() => rollover,
            _ if is_all => media,
            _ => return,
        };
        self.timers.start(TimerName::Reply, now, wait);
    }

    fn may_fall_back(&self) -> bool {
        self.protocol.is_udp() && !self.closing && self.rollover.next() == Some(Transport::Tcp)
    }

    /// The stream is over before one datagram of it came.
    pub(super) fn came_to_nothing(&self) -> bool {
        self.media.promised == Promised::FirstOfAll && !self.has_datagrams() && self.may_fall_back()
    }

    fn has_datagrams(&self) -> bool {
        self.reception().is_some_and(|reception| reception.packets_received > 0)
    }

    /// Media does not come in datagrams: asks for the same over TCP. False if that cannot be.
    pub(super) fn fall_back(&mut self, error: Error) -> bool {
        if !self.may_fall_back() {
            return false;
        }
        let (play, known) = (*self.protocol.last_play(), self.media.header);
        let from = self.rollover.transport();
        let Some(to) = self.rollover.fail(error, crate::rollover::Verdict::NextTransport) else {
            return false;
        };
        self.restart();
        self.plays = Some(play);
        // nothing else is tried behind this
        self.began = true;
        self.media.known = Some(known);
        self.report(Event::FellBack { from, error, to });
        true
    }

    /// Another wish, before the header is there again.
    pub(super) fn wish_anew(&mut self, play: Play) -> Result<(), Error> {
        self.media.stopped = false;
        self.media.wished = true;
        self.plays = Some(play);
        Ok(())
    }

    /// The application stops: media that stays away is no fault.
    pub(super) fn wish_no_media(&mut self) {
        self.media.stopped = self.media.is_fetched_anew();
        if self.media.is_promised() {
            self.media.promised = Promised::Nothing;
            self.timers.stop(TimerName::Reply);
        }
    }

    /// The header is there again: plays, or tells the stop that was wished for in between.
    pub(super) fn play_anew(&mut self, play: Play) -> Result<(), Error> {
        if core::mem::take(&mut self.media.stopped) {
            self.protocol.remember(play);
            self.report(Event::Stopped);
            return Ok(());
        }
        let wished = core::mem::take(&mut self.media.wished);
        match self.protocol.play(play) {
            // nothing was known of the content when the application asked for it
            Err(error) if wished => {
                self.report(Event::PlayRefused { error });
                Ok(())
            }
            result => result,
        }
    }

    /// The application wishes for media: what came before is no part of it.
    pub(super) fn expect_media(&mut self) {
        if self.media.promised == Promised::Came {
            self.media.promised = Promised::Nothing;
        }
    }

    /// Whether the host knows what an event tells, from before the transport changed.
    ///
    /// # Errors
    /// The header is another one: what the host has of it does not fit what would follow.
    pub(super) fn is_known(&mut self, event: &Located, place: Place) -> Result<bool, Error> {
        if let Located::HeaderPart { offset, .. } = event {
            let mut sum = if *offset == 0 { HeaderSum::NONE } else { self.media.header };
            if let Event::HeaderPart { bytes, .. } = event.lend(self.event_bytes(place)) {
                sum.add(bytes);
            }
            self.media.header = sum;
        }
        let Some(known) = self.media.known else { return Ok(false) };
        match event {
            Located::HeaderPart { last: true, .. } => {
                self.media.known = None;
                let is_same = self.media.header == known;
                if is_same { Ok(true) } else { Err(Error::TimedOut(TimerName::Media)) }
            }
            Located::HeaderPart { .. }
            | Located::Plain(Event::Connected { .. } | Event::Bandwidth { .. } | Event::Opened(_)) => {
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
