//! What the application wishes, and what it can know.

use super::driver::{Client, Link};
use crate::asf::{HeaderPatch, HeaderSummary};
use crate::error::Error;
use crate::mmsp::client::{Content, Play, Position, Statistics};
use crate::rollover::{Attempt, Transport};
use crate::selection::Thinning;
use crate::url::UrlBuf;

impl<B: AsRef<[u8]> + AsMut<[u8]>> Client<B> {
    /// Plays: at once when the header is there, after a stop while streaming. A plain file plays from its beginning
    /// only, with all its streams. Over HTTP the next entry of a playlist plays by itself.
    ///
    /// # Errors
    /// `ApiMisuse` if the state does not allow it, `PeerIncompatible` if the content does not. Nothing changes.
    pub fn play(&mut self, play: Play) -> Result<(), Error> {
        if self.plays_on && play.from == Position::Beginning {
            return Ok(());
        }
        if self.media.is_fetched_anew() {
            return self.wish_anew(play);
        }
        self.protocol.play(play)?;
        self.expect_media();
        Ok(())
    }

    /// Plays the same streams from another position.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn seek(&mut self, from: Position) -> Result<(), Error> {
        if let (true, Some(play)) = (self.media.is_fetched_anew(), self.plays) {
            return self.wish_anew(Play { from, rate: None, ..play });
        }
        self.protocol.seek(from)?;
        self.expect_media();
        Ok(())
    }

    /// Stops; [`Event::Stopped`](super::Event::Stopped) follows.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn stop(&mut self) -> Result<(), Error> {
        if !self.media.is_fetched_anew() {
            self.protocol.stop()?;
        }
        self.wish_no_media();
        Ok(())
    }

    /// Stops so that [`resume`](Self::resume) goes on behind the last packet.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn pause(&mut self) -> Result<(), Error> {
        if !self.media.is_fetched_anew() {
            self.protocol.pause(self.now)?;
        }
        self.wish_no_media();
        Ok(())
    }

    /// Goes on after [`pause`](Self::pause).
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn resume(&mut self) -> Result<(), Error> {
        if let (true, Some(play)) = (self.media.is_fetched_anew(), self.plays) {
            return self.wish_anew(play);
        }
        self.protocol.resume()?;
        self.expect_media();
        Ok(())
    }

    /// Changes how much of one stream is sent.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn switch_stream(&mut self, stream: u16, level: Thinning) -> Result<(), Error> {
        self.protocol.switch_stream(stream, level)
    }

    /// Ends the session in order; [`Step::Done`](super::Step::Done) follows.
    pub fn close(&mut self) {
        self.plays = None;
        self.closing = true;
        match self.link {
            Link::Wanted | Link::Connecting => self.leave(),
            _ => self.protocol.close(),
        }
    }

    /// Why it failed, if it did.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.failed
    }

    /// The URL in use, after redirects.
    #[must_use]
    pub fn url(&self) -> &UrlBuf {
        &self.url
    }

    /// How media travels; as long as the two sides of MMS have not agreed, TCP.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self.rollover.transport() {
            Transport::Udp if !self.protocol.is_udp() => Transport::Tcp,
            transport => transport,
        }
    }

    /// The transports of the present URL, and what became of each.
    pub fn attempts(&self) -> impl Iterator<Item = Attempt> + '_ {
        self.rollover.attempts()
    }

    /// The content, once it is open.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.protocol.content()
    }

    /// The ASF header, once it is complete.
    #[must_use]
    pub fn header(&self) -> Option<&HeaderSummary> {
        self.protocol.header()
    }

    /// Edits for a header that shall promise nothing, as soon as their places are known: for [`FileBytes`](super::FileBytes).
    #[must_use]
    pub fn broadcast_patch(&self) -> Option<HeaderPatch> {
        self.protocol.walker().broadcast_patch()
    }

    /// What was received.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.protocol.statistics()
    }

    /// Whether media is under way or asked for.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.protocol.is_streaming()
    }
}
