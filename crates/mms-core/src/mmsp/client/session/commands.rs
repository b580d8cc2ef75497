//! What the application commands.

use core::time::Duration;

use super::super::config::{Play, Position, Until};
use super::super::messages::entry;
use super::super::state::{Intent, State};
use super::udp::UdpOrder;
use super::{OUTBOX, Session};
use crate::error::{Error, Incompatible, Misuse};
use crate::mmsp::wire::FileAttributes;
use crate::selection::Thinning;

impl Session {
    /// Plays (section 3.1.4.2): at once when ready; while streaming, after a stop (section 3.1.4.6).
    ///
    /// # Errors
    /// `ApiMisuse` before the header is there, after the end, or for a rate outside -5.0 to 5.0;
    /// `PeerIncompatible` if the content cannot do it. The session goes on.
    pub fn play(&mut self, play: Play) -> Result<(), Error> {
        self.check_play(&play)?;
        match self.state {
            State::Ready => {
                self.begin(play, wanted_packet(&play));
                return Ok(());
            }
            State::Streaming => {
                self.enqueue(Intent::Stop);
                self.enqueue_log();
            }
            State::Stopping { .. } => {}
            // the server has ended already
            State::Ending { .. } => {
                self.order(UdpOrder::Stop);
                self.enqueue_log();
                self.begin(play, wanted_packet(&play));
                return Ok(());
            }
            _ => return Err(Error::ApiMisuse(Misuse::WrongState)),
        }
        self.state = State::Stopping { then: Some(play), unasked: false };
        Ok(())
    }

    /// Seeks: plays the same streams from another position.
    ///
    /// # Errors
    /// As for [`play`](Self::play).
    pub fn seek(&mut self, from: Position) -> Result<(), Error> {
        self.play(Play { from, rate: None, ..self.play })
    }

    /// Stops (section 3.1.4.5). Packets under way are still reported until [`Event::Stopped`](crate::mmsp::client::Event::Stopped).
    ///
    /// # Errors
    /// `ApiMisuse` unless streaming.
    pub fn stop(&mut self) -> Result<(), Error> {
        match self.state {
            State::Streaming => {
                self.enqueue(Intent::Stop);
                self.enqueue_log();
            }
            State::Stopping { .. } => {}
            // the end is held back no longer
            State::Ending { .. } => {
                self.order(UdpOrder::Stop);
                return Ok(());
            }
            _ => return Err(Error::ApiMisuse(Misuse::WrongState)),
        }
        self.state = State::Stopping { then: None, unasked: false };
        Ok(())
    }

    /// Pauses: a stop that [`resume`](Self::resume) continues behind the last packet received (section 3.1.4.5).
    ///
    /// # Errors
    /// `ApiMisuse` unless streaming.
    pub fn pause(&mut self) -> Result<(), Error> {
        self.stop()
    }

    /// Plays on behind the last packet that was received, to where the last play was to end; live content
    /// plays on at what is sent now.
    ///
    /// # Errors
    /// As for [`play`](Self::play).
    pub fn resume(&mut self) -> Result<(), Error> {
        let play = self.play;
        let backwards = play.rate.is_some_and(|rate| rate < 0.0);
        let from = match self.last_packet {
            _ if !self.is_seekable() => Position::Beginning,
            Some(last) if backwards => Position::Packet(last.saturating_sub(1)),
            Some(last) => Position::Packet(last.saturating_add(1)),
            None => play.from,
        };
        let played = Duration::from_millis(u64::from(self.played_ms()));
        let until = match play.until {
            Some(Until::AfterStart(time)) => Some(Until::AfterStart(time.saturating_sub(played))),
            until => until,
        };
        self.play(Play { from, until, ..play })
    }

    /// Changes one stream while playing (section 3.1.4.3), or for the next play.
    ///
    /// # Errors
    /// `ApiMisuse` while another switch is under way, or after the end.
    pub fn switch_stream(&mut self, stream: u16, level: Thinning) -> Result<(), Error> {
        match self.state {
            State::Streaming if self.switch_sent => return Err(Error::ApiMisuse(Misuse::WrongState)),
            State::Streaming => {
                self.switch_sent = true;
                self.enqueue(Intent::SwitchOne(entry(stream, level)));
            }
            State::Ready => {}
            _ => return Err(Error::ApiMisuse(Misuse::WrongState)),
        }
        self.play.selection.set(stream, level);
        Ok(())
    }

    /// Ends the session (section 3.1.4.8): stops if needed, closes the file. Then [`is_closed`](Self::is_closed).
    pub fn close(&mut self) {
        if self.has_ended() {
            return;
        }
        let was_asked = self.outbox_has(|intent| *intent == Intent::Stop);
        let logs = self.outbox_has(|intent| *intent == Intent::Log);
        self.outbox = [None; OUTBOX];
        if was_asked || matches!(self.state, State::Starting { sent: true } | State::Streaming) {
            self.enqueue(Intent::Stop);
            self.enqueue_log();
        } else if logs || matches!(self.state, State::Ending { .. }) {
            self.enqueue_log();
        }
        if self.content.is_some() {
            self.enqueue(Intent::Close);
        }
        self.state = State::Closing;
        self.timers.stop_all();
        self.settle();
    }

    fn is_seekable(&self) -> bool {
        let attributes = self.content.map(|content| content.attributes).unwrap_or_default();
        // no seeking inside a server-side playlist (section 1.6)
        attributes.contains(FileAttributes::CANSEEK) && !attributes.contains(FileAttributes::PLAYLIST)
    }

    fn check_play(&self, play: &Play) -> Result<(), Error> {
        let Some(content) = self.content else { return Err(Error::ApiMisuse(Misuse::WrongState)) };
        if play.rate.is_some_and(|rate| !(rate.is_finite() && rate.abs() <= 5.0 && rate.abs() >= 1e-6)) {
            return Err(Error::ApiMisuse(Misuse::OutOfRange));
        }
        if play.rate.is_some() && !content.attributes.contains(FileAttributes::CANSTRIDE) {
            return Err(Error::PeerIncompatible(Incompatible::NotStridable));
        }
        let elsewhere =
            !matches!(play.from, Position::Beginning | Position::Packet(0) | Position::Time(Duration::ZERO));
        if elsewhere && !self.is_seekable() {
            return Err(Error::PeerIncompatible(Incompatible::NotSeekable));
        }
        Ok(())
    }
}

/// The packet below which nothing is wanted, if playing starts at a packet and goes forward.
pub(super) fn wanted_packet(play: &Play) -> Option<u32> {
    match play.from {
        Position::Packet(number) if number > 0 && play.rate.is_none_or(|rate| rate > 0.0) => Some(number),
        _ => None,
    }
}
