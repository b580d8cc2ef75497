//! Framing: what the host delivered goes into the queue or into datagrams, each packet when it is due.

use super::connection::{Connection, Protocol};
use super::queue::{Kind, SendQueue};
use super::staged::{Framed, frame_packet};
use super::udp::Udp;
use crate::error::Error;
use crate::mmsp::server::{MediaWish, Order, Session};
use crate::mmsp::wire::DataHeader;
use crate::time::Instant;

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
        let Protocol::Mms(session) = &mut self.protocol else { return Ok(false) };
        let mut datagrams = self.udp.as_mut().filter(|_| session.client_port().is_some());
        let mut moved = datagrams.as_mut().is_some_and(|udp| {
            udp.first(session, now, [self.staged.as_ref(), self.next.as_ref()], self.packet_size)
        });
        let mut stopped = false;
        while !session.wants_transmit()
            && datagrams.as_ref().map_or(!self.queue.is_full(), |udp| udp.is_free())
        {
            if self.staged.is_none() {
                self.staged = self.next.take();
            }
            let Some(staged) = &self.staged else { break };
            match session.wish() {
                Some(MediaWish::Header { offset, len }) => {
                    let start = offset.wrapping_sub(staged.first);
                    let start = usize::try_from(start).unwrap_or(usize::MAX);
                    let rest = staged.handle.as_ref().get(start..).unwrap_or_default();
                    let len = rest.len().min(usize::try_from(len).unwrap_or(usize::MAX));
                    let Some(head) = u16::try_from(len)
                        .ok()
                        .filter(|len| *len > 0)
                        .and_then(|len| session.frame_header(now, len))
                    else {
                        self.staged = None;
                        continue;
                    };
                    let media = (Kind::Fragment, staged.handle.clone(), (start, len));
                    emit(&mut datagrams, &mut self.queue, session, now, &head, media);
                }
                Some(MediaWish::Packets { from, order }) => {
                    if order == Order::KeyFramesBackward && staged.first < from && !self.in_run {
                        session.go_back_to(staged.first);
                        self.in_run = true;
                        moved = true;
                        continue;
                    }
                    match frame_packet(session, staged, now, from, self.packet_size)? {
                        Framed::Packet { head, start, len } => {
                            if self.report.started_at.is_none() || session.is_first() {
                                self.report.started_at = Some(head.location_id);
                            }
                            let media = (Kind::Packet, staged.handle.clone(), (start, len));
                            emit(&mut datagrams, &mut self.queue, session, now, &head, media);
                        }
                        Framed::Skipped => {}
                        Framed::Exhausted => {
                            if order == Order::KeyFramesBackward {
                                session.go_back_to(staged.first);
                                self.in_run = false;
                                self.no_more |= staged.first == 0;
                            }
                            self.staged = None;
                            self.hasty |= self.next.is_none();
                        }
                        Framed::NotDue => break,
                        Framed::Stop => {
                            stopped = true;
                            break;
                        }
                    }
                }
                _ => {
                    self.staged = None;
                    self.next = None;
                }
            }
            moved = true;
        }
        Ok(self.end(now, stopped) || moved)
    }

    /// Tells the end of the stream when it has come; `stopped`: at the position that the client gave.
    fn end(&mut self, now: Instant, stopped: bool) -> bool {
        let Protocol::Mms(session) = &mut self.protocol else { return false };
        let datagrams = self.udp.as_ref().filter(|_| session.client_port().is_some());
        let nothing_staged = self.staged.is_none() && self.next.is_none();
        let over = session.is_at_end() || (self.no_more && nothing_staged && session.is_streaming());
        // the end must not overtake the last datagram
        let end_at = datagrams.map_or(Instant::ZERO, |udp| udp.end_at(session));
        let ends = over || stopped;
        self.end_at = if ends && end_at > now { end_at } else { Instant::MAX };
        if ends && end_at <= now {
            session.end_of_media(now);
            self.asked = None;
            self.no_more = false;
            self.report.completed |= over;
        }
        ends && end_at <= now
    }
}

/// A head with a part of a handle, into a datagram or into the queue.
fn emit<B, H, const N: usize>(
    datagrams: &mut Option<&mut Udp<B, H>>,
    queue: &mut SendQueue<H, N>,
    session: &Session,
    now: Instant,
    head: &DataHeader,
    (kind, handle, (start, len)): (Kind, H, (usize, usize)),
) where
    B: AsRef<[u8]> + AsMut<[u8]>,
    H: AsRef<[u8]> + Clone,
{
    match datagrams {
        Some(udp) => udp.push(session, now, kind, head, handle, (start, len)),
        // there is room, or nothing would have been framed
        None => {
            queue.push_media(kind, &head.encode(), handle, start, len);
        }
    }
}
