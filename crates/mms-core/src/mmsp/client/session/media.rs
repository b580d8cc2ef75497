//! Data packets: header fragments and ASF data.

use core::time::Duration;

use super::super::config::{Play, Position};
use super::super::event::Located;
use super::super::state::{Intent, State};
use super::Session;
use crate::asf::{HeaderError, PacketHead};
use crate::error::{Error, Misbehaviour, TimerName};
use crate::mmsp::wire::{self, DataHeader};
use crate::time::Instant;

impl Session {
    pub(super) fn data(
        &mut self,
        now: Instant,
        header: DataHeader,
        payload: &[u8],
    ) -> Result<Option<Located>, Error> {
        self.heard(now);
        match self.state {
            // it was asked for in datagrams
            _ if self.is_udp() => Ok(None),
            State::AwaitHeader => {
                let ours = header.play_incarnation == self.header_incarnation
                    || self.config.quirks.header_any_incarnation;
                if ours { self.header_fragment(now, header, payload) } else { Ok(None) }
            }
            State::EntryChange if header.play_incarnation == wire::STREAM_CHANGE_INCARNATION => {
                self.header_fragment(now, header, payload)
            }
            State::Starting { sent: true } | State::Streaming | State::Stopping { .. }
                if header.play_incarnation == self.play_incarnation =>
            {
                self.packet(header, payload)
            }
            // media of the new entry may come before its Start is answered (OPEN-10)
            State::Ready | State::Switching | State::Starting { .. }
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
        let offset = self.feed_header(now, payload, last)?;
        self.fragment = self.fragment.saturating_add(1);
        let bytes = DataHeader::LEN..DataHeader::LEN.saturating_add(payload.len());
        Ok(Some(Located::HeaderPart { offset, bytes, last }))
    }

    /// The next bytes of the header, whatever brought them. Returns where they belong.
    pub(super) fn feed_header(&mut self, now: Instant, payload: &[u8], last: bool) -> Result<u64, Error> {
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
        Ok(offset)
    }

    pub(super) fn packet(&mut self, header: DataHeader, payload: &[u8]) -> Result<Option<Located>, Error> {
        let size = self.walker.summary().map_or(0, |summary| summary.file_properties.packet_size());
        if u32::try_from(payload.len()).unwrap_or(u32::MAX) > size {
            return Err(Error::PeerMisbehaved(Misbehaviour::PacketTooLarge));
        }
        if self.wrong_place(header.location_id) {
            return Ok(None);
        }
        self.last_packet = Some(header.location_id);
        self.last_send_time = PacketHead::decode(payload).ok().map(|head| head.send_time_ms);
        self.first_send_time = self.first_send_time.or(self.last_send_time);
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
        self.early = true;
        if let (Position::Packet(_), State::Streaming, Some(time)) =
            (self.play.from, self.state, self.last_send_time)
        {
            let from = Position::Time(Duration::from_millis(u64::from(time)));
            self.state = State::Stopping { then: Some(Play { from, ..self.play }), unasked: true };
            self.enqueue(Intent::Stop);
        }
        true
    }
}
