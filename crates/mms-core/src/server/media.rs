//! Framing: what the host delivered goes into the queue or into datagrams, each packet when it is due.

use super::connection::Connection;
use super::protocol::{Head, Want};
use super::queue::Kind;
use super::staged::{Framed, Staged, frame_packet, low};
use crate::error::Error;
use crate::mmsp::server::Order;
use crate::time::Instant;

/// What became of the staged bytes in one round.
enum Round {
    /// Something was framed, or dropped.
    Moved,
    /// The next packet is not due.
    Waits,
    /// The client's stop position is reached.
    Stopped,
}

impl<B, H, const N: usize> Connection<B, H, N>
where
    B: AsRef<[u8]> + AsMut<[u8]>,
    H: AsRef<[u8]> + Clone,
{
    /// Frames what is staged, as far as it is due and the queue has room.
    pub(super) fn media(&mut self, now: Instant) -> Result<bool, Error> {
        if self.wants_udp() {
            return Ok(false);
        }
        let mut moved = false;
        if let (Some(session), Some(udp)) = (self.protocol.datagrams_mut(), &mut self.udp) {
            moved = udp.first(session, now, [self.staged.as_ref(), self.next.as_ref()], self.packet_size);
        }
        let mut stopped = false;
        while !self.protocol.wants_transmit() && self.has_way_out() {
            if self.staged.is_none() {
                self.staged = self.next.take();
            }
            let Some(staged) = self.staged.take() else { break };
            match self.frame_staged(now, staged)? {
                Round::Moved => moved = true,
                Round::Waits => break,
                Round::Stopped => {
                    stopped = true;
                    break;
                }
            }
        }
        Ok(self.end(now, stopped) || moved)
    }

    fn has_way_out(&self) -> bool {
        match (self.protocol.datagrams(), &self.udp) {
            (Some(_), Some(udp)) => udp.is_free(),
            _ => !self.queue.is_full(),
        }
    }

    /// Frames one piece or packet of what was staged, which goes back unless it is used up.
    fn frame_staged(&mut self, now: Instant, staged: Staged<H>) -> Result<Round, Error> {
        match (self.protocol.wish(self.receive.data()), staged.kind) {
            (Some(Want::Header { offset, len }), Kind::Fragment) => {
                let (start, rest) = unsent(&staged, offset);
                let available = rest.min(usize::try_from(len).unwrap_or(usize::MAX));
                if let Some((head, len)) = self.protocol.frame_header(now, available) {
                    self.emit(now, &head, (Kind::Fragment, staged.handle.clone(), (start, len)));
                    let more = matches!(self.protocol.wish(self.receive.data()), Some(Want::Header { .. }));
                    // it must not be taken for packets when the client plays before the queue has room again
                    self.staged = more.then_some(staged);
                }
            }
            (Some(Want::Bytes { from, .. }), Kind::Bytes) => {
                let (start, rest) = unsent(&staged, low(from));
                let len = self.protocol.send_bytes(rest);
                if len > 0 {
                    self.queue.push_media(Kind::Bytes, &[], staged.handle.clone(), start, len);
                    self.staged = Some(staged);
                    self.report.completed |=
                        !matches!(self.protocol.wish(self.receive.data()), Some(Want::Bytes { .. }));
                }
            }
            (Some(Want::Packets { from, order }), Kind::Packet) => {
                return self.frame_packets(now, staged, from, order);
            }
            // what was staged belongs to something that is over
            (Some(Want::Header { .. } | Want::Bytes { .. } | Want::Packets { .. }), _) => {}
            _ => self.next = None,
        }
        Ok(Round::Moved)
    }

    fn frame_packets(
        &mut self,
        now: Instant,
        staged: Staged<H>,
        from: u32,
        order: Order,
    ) -> Result<Round, Error> {
        let mut round = Round::Moved;
        if order == Order::KeyFramesBackward && staged.first < from && !self.in_run {
            self.protocol.go_back_to(staged.first);
            self.in_run = true;
            self.staged = Some(staged);
            return Ok(round);
        }
        match frame_packet(&mut self.protocol, &staged, now, from, self.packet_size)? {
            Framed::Packet { head, start, len } => {
                if self.report.started_at.is_none() || self.protocol.is_first() {
                    self.report.started_at = Some(from);
                }
                self.emit(now, &head, (Kind::Packet, staged.handle.clone(), (start, len)));
            }
            Framed::Skipped => {}
            Framed::Exhausted => {
                if order == Order::KeyFramesBackward {
                    self.protocol.go_back_to(staged.first);
                    self.in_run = false;
                    self.no_more |= staged.first == 0;
                }
                self.hasty |= self.next.is_none() && self.udp.is_some();
                return Ok(round);
            }
            Framed::NotDue => round = Round::Waits,
            Framed::Stop => round = Round::Stopped,
        }
        self.staged = Some(staged);
        Ok(round)
    }

    /// Tells the end of the stream when it has come; `stopped`: at the position that the client gave.
    fn end(&mut self, now: Instant, stopped: bool) -> bool {
        let nothing_staged = self.staged.is_none() && self.next.is_none();
        let over =
            self.protocol.is_at_end() || (self.no_more && nothing_staged && self.protocol.is_streaming());
        // the end must not overtake the last datagram
        let end_at = match (self.protocol.datagrams(), &self.udp) {
            (Some(session), Some(udp)) => udp.end_at(session),
            _ => Instant::ZERO,
        };
        let ends = over || stopped;
        self.end_at = if ends && end_at > now { end_at } else { Instant::MAX };
        if ends && end_at <= now {
            self.protocol.end_of_media(now);
            self.asked = None;
            // what lies behind the position of the end is not for the next play
            (self.staged, self.next) = (None, None);
            self.no_more = false;
            self.report.completed |= over;
        }
        ends && end_at <= now
    }

    /// A head with a part of a handle, into a datagram or into the queue.
    fn emit(&mut self, now: Instant, head: &Head, (kind, handle, range): (Kind, H, (usize, usize))) {
        let Self { protocol, udp, queue, .. } = self;
        match (protocol.datagrams(), udp, head) {
            (Some(session), Some(udp), Head::Mms(head)) => udp.push(session, now, kind, head, handle, range),
            // there is room, or nothing would have been framed
            _ => {
                queue.push_framed(kind, head.encode(), handle, range);
            }
        }
    }
}

/// Where the next byte lies in what was staged, and how many there are from it on.
fn unsent<H: AsRef<[u8]>>(staged: &Staged<H>, offset: u32) -> (usize, usize) {
    let start = usize::try_from(offset.wrapping_sub(staged.first)).unwrap_or(usize::MAX);
    (start, staged.handle.as_ref().len().saturating_sub(start))
}
