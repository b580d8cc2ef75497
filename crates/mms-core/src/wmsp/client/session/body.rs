//! What the body of a response is: its first bytes decide, not its type (digest 7.4). And how it ends.

use super::*;

impl Session {
    pub(super) fn sniff(&mut self, now: Instant, content: &[u8]) -> Result<Handled<Located>, Error> {
        let over = self.streaming.ends_behind(content.len());
        let event = match *content {
            [first, id, ..] if first & 0x7F == b'$' && b"CDEHMPT".contains(&id) => {
                self.form = Form::Frames;
                self.frames_begin()
            }
            [0x30, 0x26, 0xB2, 0x75, ..] if self.state == State::Describing => self.file_begins(),
            [] if over => return self.body_over(0),
            [_, _, _, _, ..] if self.state == State::Describing => return self.text_begins(now, content),
            [_, ..] if over && self.state == State::Describing => return self.text_begins(now, content),
            [_, _, _, _, ..] => return Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage)),
            _ if over => return Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd)),
            _ => return Ok(incomplete(4)),
        };
        Ok(done(0, Some(Located::Plain(event))))
    }

    pub(super) fn frames_begin(&mut self) -> Event<'static> {
        if self.state != State::Describing {
            return Event::Started;
        }
        self.open_content()
    }

    pub(super) fn open_content(&mut self) -> Event<'static> {
        let content = Content {
            attributes: attributes(self.features),
            duration: None,
            packet_size: 0,
            packet_count: None,
            bit_rate: 0,
            header_len: 0,
        };
        self.content = Some(content);
        Event::Opened(content)
    }

    pub(super) fn text_begins(&mut self, now: Instant, content: &[u8]) -> Result<Handled<Located>, Error> {
        self.form = Form::Text;
        self.state = State::Text;
        self.offset = 0;
        self.plain(now, content)
    }

    /// Parts of a text.
    pub(super) fn plain(&mut self, now: Instant, content: &[u8]) -> Result<Handled<Located>, Error> {
        let len = content.len();
        let last = self.streaming.ends_behind(len);
        if len == 0 {
            return if last { self.body_over(0) } else { Ok(incomplete(1)) };
        }
        self.timers.start(TimerName::Reply, now, self.config.reply_timeout);
        let offset = self.offset;
        self.offset = offset.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        let allowed = u64::from(self.config.metafile_bytes);
        if self.offset > allowed {
            return Err(Error::limit(LimitName::MetafileBytes, self.offset, allowed));
        }
        if last {
            self.finish();
        }
        Ok(done(len, Some(Located::TextPart { offset, bytes: 0..len, last })))
    }

    pub(super) fn body_over(&mut self, consumed: usize) -> Result<Handled<Located>, Error> {
        let event = self.end_of_body(false)?;
        Ok(done(consumed, event.map(Located::Plain)))
    }

    /// The body is over, by its length or because the peer closed.
    pub(super) fn end_of_body(&mut self, closed: bool) -> Result<Option<Event<'static>>, Error> {
        let unexpected = Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd));
        let cut = closed && !matches!(self.streaming.body, Body::ToEnd) && !self.streaming.ends_behind(0);
        match self.state {
            // the server closed in the header
            State::File if !self.walker.is_complete() => unexpected,
            State::File if closed && !cut && self.streaming.partial && !self.file.is_cut => {
                self.file.is_cut = true;
                Ok(None)
            }
            State::File if !cut => {
                self.finish();
                Ok(Some(Event::EndOfStream { hr: Hresult::S_OK, more: false }))
            }
            State::Text if !cut => {
                let offset = self.offset;
                self.finish();
                Ok(Some(Event::TextPart { offset, bytes: &[], last: true }))
            }
            // a text of one to three bytes
            State::Describing if closed && self.form == Form::Unknown && self.streaming.partial && !cut => {
                self.form = Form::Text;
                self.state = State::Text;
                self.offset = 0;
                Ok(None)
            }
            // it was only the answer to Describe, after all
            State::Streaming if self.adopted => {
                self.timers.stop_all();
                self.play_anew();
                Ok(None)
            }
            State::Streaming | State::EntryChange { .. } => {
                let missing = match (self.content.and_then(|content| content.packet_count), self.play.until) {
                    (Some(count), None) => {
                        let next = self.last_packet.map_or(0, |last| u64::from(last).saturating_add(1));
                        next < count
                    }
                    // live: only the last chunk can tell that it is over
                    (None, _) => cut && matches!(self.streaming.body, Body::Chunked(_)),
                    _ => false,
                };
                if missing || self.streaming.partial || !self.config.quirks.end_without_end_packet {
                    return unexpected;
                }
                self.rest();
                Ok(Some(Event::EndOfStream { hr: Hresult::S_OK, more: false }))
            }
            State::Ready => {
                self.streaming.close();
                Ok(None)
            }
            State::Closing | State::Closed => Ok(None),
            _ => unexpected,
        }
    }

    /// The answer was read to its end and there is nothing to play.
    pub(super) fn finish(&mut self) {
        self.streaming.close();
        self.timers.stop_all();
        self.state = State::Closed;
    }
}
