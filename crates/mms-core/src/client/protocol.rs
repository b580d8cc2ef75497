//! The session behind a client, of one protocol or the other.

use super::http::Http;
use crate::asf::{HeaderSummary, HeaderWalker};
use crate::error::{Error, TimerName};
use crate::mmsp::client::{Content, Play, Position, Session, Statistics};
use crate::selection::Thinning;
use crate::time::Instant;

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is no heap to put the larger one on")]
pub(super) enum Protocol {
    Mms(Session),
    Http(Http),
}

/// The same call for both sessions.
macro_rules! both {
    ($protocol:expr, $session:ident => $call:expr) => {
        match $protocol {
            Protocol::Mms($session) => $call,
            Protocol::Http(Http { session: $session, .. }) => $call,
        }
    };
}

impl Protocol {
    pub(super) const fn is_http(&self) -> bool {
        matches!(self, Self::Http(_))
    }

    pub(super) fn is_udp(&self) -> bool {
        matches!(self, Self::Mms(session) if session.is_udp())
    }

    pub(super) fn play(&mut self, play: Play) -> Result<(), Error> {
        both!(self, session => session.play(play))
    }

    pub(super) fn seek(&mut self, from: Position) -> Result<(), Error> {
        both!(self, session => session.seek(from))
    }

    pub(super) fn stop(&mut self) -> Result<(), Error> {
        both!(self, session => session.stop())
    }

    pub(super) fn pause(&mut self, now: Instant) -> Result<(), Error> {
        match self {
            Self::Mms(session) => session.pause(),
            Self::Http(http) => http.session.pause(now),
        }
    }

    pub(super) fn resume(&mut self) -> Result<(), Error> {
        both!(self, session => session.resume())
    }

    pub(super) fn switch_stream(&mut self, stream: u16, level: Thinning) -> Result<(), Error> {
        both!(self, session => session.switch_stream(stream, level))
    }

    pub(super) fn close(&mut self) {
        both!(self, session => session.close());
    }

    pub(super) fn content(&self) -> Option<&Content> {
        both!(self, session => session.content())
    }

    pub(super) fn header(&self) -> Option<&HeaderSummary> {
        both!(self, session => session.header())
    }

    pub(super) fn walker(&self) -> &HeaderWalker {
        both!(self, session => session.walker())
    }

    pub(super) fn statistics(&self) -> Statistics {
        both!(self, session => session.statistics())
    }

    pub(super) fn is_streaming(&self) -> bool {
        both!(self, session => session.is_streaming())
    }

    pub(super) fn has_ended(&self) -> bool {
        both!(self, session => session.has_ended())
    }

    pub(super) fn is_closed(&self) -> bool {
        both!(self, session => session.is_closed())
    }

    /// Whether the end of the stream is held back.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self, Self::Mms(session) if session.is_ending())
    }

    pub(super) fn last_play(&self) -> &Play {
        both!(self, session => session.last_play())
    }

    /// What a resume plays, where nothing was played yet.
    pub(super) fn remember(&mut self, play: Play) {
        if let Self::Mms(session) = self {
            session.remember(play);
        }
    }

    pub(super) fn error(&self) -> Option<Error> {
        both!(self, session => session.error())
    }

    /// What the session waits for.
    pub(super) fn awaited(&self) -> TimerName {
        both!(self, session => session.awaited())
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        match self {
            Self::Mms(session) => session.poll_timeout(),
            Self::Http(http) => http.poll_timeout(),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        both!(self, session => session.handle_timeout(now))
    }
}
