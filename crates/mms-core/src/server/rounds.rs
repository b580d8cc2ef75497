//! One round of a connection: what came in, what goes out, what is asked for next.

use super::connection::{Asked, Connection, Located, SNIFF_BYTES, Step};
use super::http::Http;
use super::protocol::{Protocol, Want};
use super::queue::Kind;
use super::report::{Outcome, Transport};
use super::staged::{Staged, low, send_time, staged_packet};
use super::udp::Udp;
use crate::error::{Bug, Error, LimitName, Reason, TimerName};
use crate::mmsp;
use crate::mmsp::server::Order;
use crate::mmsp::wire::TcpMessageHeader;
use crate::time::Instant;

/// Pieces of a file that may wait to be written: one goes out while the next one is read.
const FILE_PIECES: usize = 2;

impl<B, H, const N: usize> Connection<B, H, N>
where
    B: AsRef<[u8]> + AsMut<[u8]>,
    H: AsRef<[u8]> + Clone,
{
    pub(super) fn advance(&mut self, now: Instant) -> Result<bool, Error> {
        let mut moved = self.sniff(now)?;
        moved |= self.input(now)?;
        moved |= self.output(now)?;
        moved |= self.media(now)?;
        self.ask();
        self.watch_stall(now);
        Ok(moved)
    }

    /// The session id of MMS decides at once; a letter begins the request line of HTTP.
    fn sniff(&mut self, now: Instant) -> Result<bool, Error> {
        if !matches!(self.protocol, Protocol::Unknown) {
            return Ok(false);
        }
        let Some(prefix) = self.receive.data().first_chunk::<SNIFF_BYTES>() else {
            if self.end_of_input {
                self.finish(Outcome::Closed);
            }
            return Ok(false);
        };
        let [first, _, _, _, a, b, c, d] = *prefix;
        if u32::from_le_bytes([a, b, c, d]) == TcpMessageHeader::SESSION_ID {
            self.recognised();
            self.report.transport = Transport::MmsTcp;
            let mut session = mmsp::server::Session::new(self.config.mms.clone(), self.random, now);
            if self.turned_away {
                session.turn_away();
            }
            if self.udp_allowed {
                session.enable_udp();
            }
            self.protocol = Protocol::Mms(session);
        } else if self.http_allowed && (first.is_ascii_alphabetic() || first == b'\r' || first == b'\n') {
            self.begin_http(now);
        } else {
            return Err(Error::InvalidMessage { reason: Reason::SessionId, offset: 4 });
        }
        Ok(true)
    }

    /// The protocol is known. A client that is turned away has no more time than that for its first bytes.
    pub(super) fn recognised(&mut self) {
        if !self.turned_away {
            self.timers.stop(TimerName::Sniff);
        }
    }

    fn input(&mut self, now: Instant) -> Result<bool, Error> {
        if self.event.is_some() {
            return Ok(false);
        }
        let input = self.receive.data();
        let (consumed, needed, event) = match &mut self.protocol {
            Protocol::Unknown => return Ok(false),
            Protocol::Mms(session) => {
                let handled = session.locate(now, input)?;
                let datagrams = session.client_port().is_some();
                self.report.transport = if datagrams { Transport::MmsUdp } else { Transport::MmsTcp };
                (handled.consumed, handled.needed, handled.event.map(Located::Mms))
            }
            Protocol::Http(Http { session }) => {
                let handled = session.locate(now, input)?;
                (handled.consumed, handled.needed, handled.event.map(Located::Http))
            }
        };
        self.blocked = needed == 0 && consumed == 0;
        self.needed = needed;
        if let Some(event) = event {
            self.event = Some((event, consumed));
            return Ok(true);
        }
        self.receive.consume(consumed);
        Ok(consumed > 0 || (self.end_of_input && self.end_input()))
    }

    /// Everything was read and nothing more comes. Returns whether that changes anything.
    fn end_input(&mut self) -> bool {
        match &mut self.protocol {
            Protocol::Mms(session) if !session.has_ended() => session.handle_eof(),
            Protocol::Http(Http { session }) => {
                let (plays, changed) = (session.plays(), session.handle_eof());
                // an answer still goes out: the client may have closed its side only
                if !changed || !plays {
                    return changed;
                }
            }
            _ => return false,
        }
        // nobody is there to read it
        self.forget_output();
        true
    }

    fn output(&mut self, now: Instant) -> Result<bool, Error> {
        let mut moved = self.protocol.take_discard();
        if moved {
            let unsent = self.udp.as_mut().map_or(0, Udp::discard);
            self.protocol.give_back(self.queue.discard_packets().saturating_add(unsent));
            self.staged = None;
            self.next = None;
            self.asked = None;
            self.no_more = false;
            self.hasty = false;
            self.in_run = false;
        }
        let largest = self.protocol.largest_reply();
        while !self.owes_pair() && !self.queue.is_full() {
            let out = self.control.space(largest);
            if out.len() < largest && !self.queue.is_empty() {
                break;
            }
            let Ok(reply) = self.protocol.poll_transmit(now, out) else {
                return Err(Error::Bug(Bug::ReplyRoom));
            };
            let Some(len) = reply else { break };
            self.control.filled(len)?;
            self.queue.push_control(len, self.protocol.one_reply_per_write());
            moved = true;
        }
        Ok(moved)
    }

    /// Raises the wish that fits the state, or withdraws one that does not fit any more.
    fn ask(&mut self) {
        let mut wish = self.protocol.wish(self.receive.data());
        match wish {
            Some(Want::Header { .. }) if self.staged.is_some() => wish = None,
            Some(Want::Packets { from, order }) => {
                let from = self.staged_end(order).unwrap_or(from);
                let backward = order == Order::KeyFramesBackward;
                let more = !self.no_more && if backward { from > 0 } else { self.protocol.has_packet(from) };
                let want = more && self.next.is_none() && self.queue.is_low();
                wish = want.then_some(Want::Packets { from, order });
            }
            Some(Want::Bytes { from, to }) => {
                let from = from.saturating_add(self.staged_bytes(from));
                let want = from < to && self.next.is_none() && self.queue.len() < FILE_PIECES;
                wish = want.then_some(Want::Bytes { from, to });
            }
            _ => {}
        }
        match (wish, self.asked) {
            (Some(what), Some(asked)) if what.is_same(asked.what) => {}
            (Some(what), _) => {
                self.next_ticket = self.next_ticket.wrapping_add(1);
                self.asked = Some(Asked { ticket: self.next_ticket, what, handed_out: false });
            }
            (None, Some(asked)) if !self.protocol.wants(asked.what) => self.asked = None,
            (None, _) => {}
        }
        if let Some(udp) = &mut self.udp {
            udp.ask(&mut self.next_ticket);
        }
    }

    /// The packet behind those that are staged, in the order of the stream.
    fn staged_end(&self, order: Order) -> Option<u32> {
        let last = self.next.as_ref().or(self.staged.as_ref()).filter(|last| last.kind == Kind::Packet)?;
        if order == Order::KeyFramesBackward {
            return Some(last.first);
        }
        let bytes = u32::try_from(last.handle.as_ref().len()).ok()?;
        // a packet alone may be shorter than the packet size
        let packets =
            bytes.saturating_add(self.packet_size).saturating_sub(1).checked_div(self.packet_size)?;
        Some(last.first.saturating_add(packets))
    }

    /// Bytes of a file from this offset on that are staged.
    fn staged_bytes(&self, from: u64) -> u64 {
        let len = |staged: &Staged<H>| {
            let all = u64::try_from(staged.handle.as_ref().len()).unwrap_or(0);
            let sent = low(from).wrapping_sub(staged.first);
            // the second piece begins behind `from`
            if u64::from(sent) <= all { all.saturating_sub(u64::from(sent)) } else { all }
        };
        let staged = [&self.staged, &self.next].into_iter().flatten();
        staged.filter(|staged| staged.kind == Kind::Bytes).map(len).fold(0, u64::saturating_add)
    }

    pub(super) fn wait(&mut self, now: Instant) -> Step {
        let capacity = self.receive.capacity();
        if self.needed > capacity && !self.blocked {
            let http = matches!(self.protocol, Protocol::Http(_));
            let limit = if http { self.head_limit() } else { self.config.mms.command_bytes };
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            if self.needed > limit {
                let error = Error::limit(
                    LimitName::StorageBytes,
                    u64::try_from(self.needed).unwrap_or(u64::MAX),
                    u64::try_from(limit).unwrap_or(u64::MAX),
                );
                self.fail(error);
                return Step::Done;
            }
            if self.receive.room() == 0 {
                let doubled = capacity.saturating_mul(2);
                // grow with what has come, not with what was announced; a head announces nothing
                let needed = if http { doubled.min(limit) } else { self.needed.min(doubled) };
                return Step::Storage { needed };
            }
        }
        let mut until = self.timers.next().min(self.protocol.poll_timeout()).min(self.next_due());
        if matches!(self.protocol, Protocol::Mms(_)) {
            until = self.udp.as_ref().map_or(until, |udp| until.min(udp.free_at(now))).min(self.end_at);
        }
        Step::Wait {
            read: !self.end_of_input && self.receive.room() > 0,
            write: !self.queue.is_empty(),
            until,
        }
    }

    fn next_due(&self) -> Instant {
        // media waits behind replies that have no room before the client reads
        let waits = self.protocol.datagrams().is_some() && self.udp.as_ref().is_none_or(|udp| !udp.is_free());
        if self.protocol.wants_transmit() || waits {
            return Instant::MAX;
        }
        let (Some(staged), Some(Want::Packets { from, .. }), false) =
            (&self.staged, self.protocol.wish(self.receive.data()), self.queue.is_full())
        else {
            return Instant::MAX;
        };
        if staged.kind != Kind::Packet {
            return Instant::MAX;
        }
        staged_packet(staged, from, self.packet_size)
            .map_or(Instant::MAX, |(_, packet)| self.protocol.due(send_time(&self.protocol, packet)))
    }
}
