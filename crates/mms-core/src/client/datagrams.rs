//! The drive loop's turns with the UDP socket.

use core::net::SocketAddr;

use super::driver::{Client, Place};
use super::event::{Event, Located};
use super::options::Step;
use super::protocol::Protocol;
use super::socket::{SocketId, Sockets};
use super::udp::{Came, HeaderWish, Udp, UdpLink};
use crate::error::{Error, TimerName};
use crate::mmsp::udp;
use crate::time::Instant;

impl<B: AsRef<[u8]> + AsMut<[u8]>> Client<B> {
    /// The server's address, before [`connected`](Self::connected): datagrams are taken from there only. Without it
    /// media comes over TCP.
    pub fn set_peer(&mut self, peer: SocketAddr) {
        if let Some(udp) = &mut self.udp {
            udp.peer = Some(peer);
        }
    }

    /// The UDP socket is bound; `local` has its port.
    pub fn bound(&mut self, _socket: SocketId, local: SocketAddr) {
        if let Some(udp) = self.udp.as_mut().filter(|udp| udp.link == UdpLink::Binding) {
            udp.link = UdpLink::Open;
            if let Protocol::Mms(session) = &mut self.protocol {
                session.select_udp(local);
            }
        }
    }

    /// The UDP socket could not be bound.
    pub fn bind_failed(&mut self, _socket: SocketId) {
        if let Some(udp) = &mut self.udp {
            udp.link = UdpLink::Closed;
        }
        self.next_transport(Error::ConnectionFailed);
    }

    /// A datagram of `count` bytes was received into the space of [`SocketId::MEDIA`].
    pub fn datagram_received(&mut self, now: Instant, count: usize, from: SocketAddr) {
        let result = self.udp.as_mut().map_or(Ok(()), |udp| udp.filled(now, count, from));
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// Where the pending bytes of [`SocketId::MEDIA`] go: the server's UDP port has the number of its TCP port.
    #[must_use]
    pub fn datagram_target(&self) -> Option<SocketAddr> {
        let peer = self.udp.as_ref()?.peer?;
        Some(SocketAddr::new(peer.ip(), self.url.url().port_or_default()))
    }

    /// What came in datagrams, and what did not.
    #[must_use]
    pub fn reception(&self) -> Option<udp::Statistics> {
        self.udp.as_ref().filter(|_| self.protocol.is_udp()).map(Udp::statistics)
    }

    // ---- one round

    pub(super) fn want_udp(&mut self) {
        match &mut self.udp {
            Some(udp) if udp.peer.is_some() => udp.link = UdpLink::Wanted,
            _ => self.next_transport(Error::ConnectionFailed),
        }
    }

    /// What the host does about the UDP socket before anything else.
    pub(super) fn udp_step(&mut self) -> Option<Step> {
        let udp = self.udp.as_mut()?;
        match udp.link {
            UdpLink::Wanted => {
                udp.link = UdpLink::Binding;
                Some(Step::Bind(SocketId::MEDIA))
            }
            UdpLink::Binding => {
                let none = Sockets::NONE;
                Some(Step::Wait { read: none, write: none, until: Instant::MAX })
            }
            UdpLink::Leaving => {
                udp.link = UdpLink::Closed;
                Some(Step::Close(SocketId::MEDIA))
            }
            UdpLink::Closed | UdpLink::Open => None,
        }
    }

    /// Datagrams: orders of the session, what came, what is asked for. True if something moved.
    pub(super) fn datagrams(&mut self, now: Instant) -> Result<bool, Error> {
        let (Some(udp), Protocol::Mms(session)) = (&mut self.udp, &mut self.protocol) else {
            return Ok(false);
        };
        if !session.is_udp() {
            return Ok(false);
        }
        let identifiers = session.identifiers();
        let mut moved = false;
        while let Some(order) = session.poll_udp_order() {
            if let Err(error) = udp.order(now, order, identifiers.is_some()) {
                self.next_transport(error);
                return Ok(true);
            }
            moved = true;
        }
        let other = self.rollover.next().is_some();
        match udp.handle_timeout(now) {
            Ok(Some(wish)) if wish == HeaderWish::Again || !other => {
                session.read_header_again();
                return Ok(true);
            }
            Ok(None) => {}
            Ok(Some(_)) => {
                self.next_transport(Error::TimedOut(TimerName::Header));
                return Ok(true);
            }
            Err(error) => {
                self.next_transport(error);
                return Ok(true);
            }
        }
        udp.ask(now, identifiers);
        let Some(came) = udp.poll(now) else { return Ok(moved) };
        let is_over = matches!(came, Came::Missing(_)) || came == Came::EndOfStream && session.is_ending();
        if is_over && self.came_to_nothing() && self.fall_back(Error::TimedOut(TimerName::Media)) {
            return Ok(true);
        }
        let (Some(udp), Protocol::Mms(session)) = (&self.udp, &mut self.protocol) else { return Ok(true) };
        let (event, place) = match came {
            Came::Bandwidth(bits_per_second) => {
                (Some(Located::Plain(Event::Bandwidth { bits_per_second })), Place::Input)
            }
            Came::HeaderPart { last } => {
                (session.datagram_header(now, udp.part(), last)?.map(Located::from), Place::Header)
            }
            Came::Packet => match udp.receiver().and_then(|receiver| receiver.packet()) {
                Some(data) => (session.datagram_packet(now, &data)?.map(Located::from), Place::Slot),
                None => (None, Place::Slot),
            },
            Came::Missing(count) => (Some(Located::Plain(Event::PacketsLost { count })), Place::Input),
            Came::EndOfStream => (session.datagrams_ended().map(Located::from), Place::Input),
        };
        if let Some(event) = event {
            self.announce(event, 0, place)?;
        }
        Ok(true)
    }
}
