//! Media in datagrams: what leaves one by one, and what is sent again (sections 2.2.5 and 3.2.5.13).

use core::net::{IpAddr, SocketAddr};

use super::connection::{Asked, Connection};
use super::protocol::{Protocol, Want};
use super::queue::Kind;
use super::staged::{Staged, staged_packet};
use super::wish::{Ask, Ticket, Wish};
use crate::error::{Error, Misuse};
use crate::mmsp::server::{Order, Session};
use crate::mmsp::udp::{BurstPacer, Identity, ResendRing, ResendStatistics};
use crate::mmsp::wire::DataHeader;
use crate::time::Instant;

/// Random bytes of a packet-pair datagram (section 3.2.5.8).
pub(super) const PACKET_PAIR_PAYLOAD: usize = 1464;

/// Storage of a connection for media over UDP, from the host.
#[derive(Clone, Debug)]
pub struct UdpStorage<B> {
    /// [`Connection::IDENTITY_BYTES`] for each packet that can be asked for again: those of some seconds. With none
    /// nothing is sent again.
    pub identities: B,
    /// At least [`Connection::PACKET_PAIR_BYTES`].
    pub packet_pair: B,
}

/// A datagram that waits to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Datagram<'a> {
    /// The client's address.
    pub to: SocketAddr,
    /// The head, and the bytes behind it.
    pub parts: [&'a [u8]; 2],
}

#[derive(Clone, Debug)]
enum Body<H> {
    Pair,
    Handle { handle: H, start: usize, len: usize },
}

impl<H> Body<H> {
    fn len(&self) -> usize {
        match self {
            Self::Pair => PACKET_PAIR_PAYLOAD,
            Self::Handle { len, .. } => *len,
        }
    }
}

/// Why a datagram is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    PacketPair,
    Fragment,
    /// A packet with this number.
    Packet(u32),
    Resend,
}

#[derive(Clone, Debug)]
struct Outgoing<H> {
    purpose: Purpose,
    head: [u8; DataHeader::LEN],
    body: Body<H>,
    /// when small bursts allow it
    free_at: Instant,
}

/// The half of a connection that deals in datagrams.
#[derive(Clone, Debug)]
pub(super) struct Udp<B, H> {
    client: IpAddr,
    ring: ResendRing<B>,
    pair: B,
    pacer: BurstPacer,
    out: Option<Outgoing<H>>,
    /// the packet that is to be sent again next
    again: Option<Identity>,
    asked: Option<Asked>,
    staged: Option<Staged<H>>,
}

impl<B, H> Udp<B, H>
where
    B: AsRef<[u8]> + AsMut<[u8]>,
    H: AsRef<[u8]> + Clone,
{
    pub(super) fn is_free(&self) -> bool {
        self.out.is_none()
    }

    /// Whether a packet of the pair waits to be sent.
    pub(super) fn holds_pair(&self) -> bool {
        self.out.as_ref().is_some_and(|out| out.purpose == Purpose::PacketPair)
    }

    /// Puts a fragment or packet into the way out.
    pub(super) fn push(
        &mut self,
        session: &Session,
        now: Instant,
        kind: Kind,
        head: &DataHeader,
        handle: H,
        range: (usize, usize),
    ) {
        let (start, len) = range;
        let purpose = match kind {
            Kind::Fragment | Kind::Bytes => Purpose::Fragment,
            Kind::Packet => Purpose::Packet(session.last_sequence()),
        };
        // what a client cannot ask for must not be lost from its socket
        let gentle = session.small_bursts() && (kind == Kind::Fragment || !session.is_identified());
        self.put(now, purpose, head, Body::Handle { handle, start, len }, gentle);
    }

    fn put(&mut self, now: Instant, purpose: Purpose, head: &DataHeader, body: Body<H>, gentle: bool) {
        let len = body.len().saturating_add(DataHeader::LEN);
        let free_at = if gentle { self.pacer.free_at(now, len) } else { now };
        self.out = Some(Outgoing { purpose, head: head.encode(), body, free_at });
    }

    /// What was framed and did not leave is withdrawn, and nothing is sent again. Returns the packets whose numbers
    /// were never used.
    pub(super) fn discard(&mut self) -> u32 {
        self.ring.clear();
        self.again = None;
        self.asked = None;
        self.staged = None;
        let unsent = self.out.take_if(|out| matches!(out.purpose, Purpose::Packet(_) | Purpose::Resend));
        unsent.map_or(0, |out| u32::from(matches!(out.purpose, Purpose::Packet(_))))
    }

    /// The packet pair goes ahead of the header, and what was asked for ahead of what comes next.
    pub(super) fn first(
        &mut self,
        session: &mut Session,
        now: Instant,
        staged: [Option<&Staged<H>>; 2],
        packet_size: u32,
    ) -> bool {
        if self.out.is_some() {
            return false;
        }
        if let Some(payload) = self.pair.as_mut().get_mut(..PACKET_PAIR_PAYLOAD)
            && let Some(head) = session.frame_pair(payload)
        {
            self.put(now, Purpose::PacketPair, &head, Body::Pair, false);
            return true;
        }
        self.again = self.again.or_else(|| self.ring.next_wanted(now));
        let Some(identity) = self.again else { return false };
        let number = identity.header.location_id;
        // what is staged is what was sent, as far as it was framed
        let sent = staged.into_iter().flatten().filter(|_| number < session.cursor());
        let found = self.staged.iter().chain(sent).find_map(|staged| {
            let (start, packet) = staged_packet(staged, number, packet_size)?;
            Some((staged.handle.clone(), start, packet.len()))
        });
        let Some((handle, start, len)) = found else { return false };
        self.again = None;
        // content that changed meanwhile is not what was sent
        if len == identity.header.payload_len() {
            let body = Body::Handle { handle, start, len };
            self.put(now, Purpose::Resend, &identity.header, body, false);
        }
        true
    }

    /// Raises the wish for a packet that is to be sent again.
    pub(super) fn ask(&mut self, next_ticket: &mut u32) {
        if let (Some(identity), None) = (self.again, self.asked) {
            *next_ticket = next_ticket.wrapping_add(1);
            let what = Want::Packets { from: identity.header.location_id, order: Order::All };
            self.asked = Some(Asked { ticket: *next_ticket, what, handed_out: false });
        }
    }

    pub(super) fn next_wish(&mut self) -> Option<Wish<'static>> {
        let Identity { header, selection, .. } = self.again?;
        let asked = self.asked.as_mut().filter(|asked| !asked.handed_out)?;
        asked.handed_out = true;
        let ask = Ask::Again { packet: header.location_id, selection };
        Some(Wish { ticket: Ticket(asked.ticket), ask })
    }

    /// The host's answer to the wish for a packet that is to be sent again: the packets, or that it has none. `Err`
    /// gives the answer back, if it is not one to this wish.
    pub(super) fn answered(
        &mut self,
        ticket: Ticket,
        answer: Option<Staged<H>>,
    ) -> Result<(), Option<Staged<H>>> {
        if self.asked.is_none_or(|asked| asked.ticket != ticket.0) {
            return Err(answer);
        }
        self.asked = None;
        let wanted = self.again.map(|identity| identity.header.location_id);
        self.staged = answer.filter(|staged| Some(staged.first) == wanted);
        if self.staged.is_none() {
            // gone, which is a legal answer
            self.again = None;
        }
        Ok(())
    }

    /// When the datagram that waits may leave, if that is later than now.
    pub(super) fn free_at(&self, now: Instant) -> Instant {
        self.out.as_ref().map(|out| out.free_at).filter(|at| *at > now).unwrap_or(Instant::MAX)
    }

    /// When the end of the stream may be told: not before the last datagram left, and behind it for a client that
    /// would not read what is in its socket.
    pub(super) fn end_at(&self, session: &Session) -> Instant {
        match (self.out.is_none(), self.pacer.last_sent()) {
            (false, _) => Instant::MAX,
            (true, Some(last)) if !session.is_identified() => last.after(session.end_behind_datagrams()),
            (true, _) => Instant::ZERO,
        }
    }
}

impl<B, H, const N: usize> Connection<B, H, N>
where
    B: AsRef<[u8]> + AsMut<[u8]>,
    H: AsRef<[u8]> + Clone,
{
    /// Storage for each packet that can be asked for again.
    pub const IDENTITY_BYTES: usize = ResendRing::<B>::IDENTITY_LEN;
    /// Least storage for packet pairs.
    pub const PACKET_PAIR_BYTES: usize = PACKET_PAIR_PAYLOAD;

    /// Lets the client have its media in datagrams: the host has a UDP socket with the number of the port that the
    /// connection was accepted on. To be called before the first step.
    pub fn allow_udp(&mut self) {
        self.udp_allowed = true;
    }

    /// Whether a packet pair has to leave before the report on ReadBlock (section 3.2.5.8).
    pub(super) fn owes_pair(&self) -> bool {
        match (&self.udp, self.protocol.datagrams()) {
            (Some(udp), Some(session)) => session.owes_pair() || udp.holds_pair(),
            _ => false,
        }
    }

    /// Whether the client has chosen datagrams, and nothing can be sent before [`start_udp`](Self::start_udp).
    #[must_use]
    pub fn wants_udp(&self) -> bool {
        self.udp.is_none() && self.client_id().is_some()
    }

    /// Gives the storage for media over UDP.
    ///
    /// # Errors
    /// `ApiMisuse` if the storage for packet pairs is too small, or the client has not chosen datagrams.
    pub fn start_udp(&mut self, now: Instant, storage: UdpStorage<B>) -> Result<(), Error> {
        if storage.packet_pair.as_ref().len() < PACKET_PAIR_PAYLOAD {
            return Err(Error::ApiMisuse(Misuse::OutOfRange));
        }
        if !self.wants_udp() {
            return Err(Error::ApiMisuse(Misuse::WrongState));
        }
        self.udp = Some(Udp {
            client: self.peer.ip(),
            ring: ResendRing::new(now, storage.identities, self.config.resend),
            pair: storage.packet_pair,
            pacer: BurstPacer::default(),
            out: None,
            again: None,
            asked: None,
            staged: None,
        });
        Ok(())
    }

    /// The client's identifier in requests for lost packets, while it has its media in datagrams. The host hands the
    /// datagrams from the client's address that carry it to [`datagram_received`](Self::datagram_received).
    #[must_use]
    pub fn client_id(&self) -> Option<u32> {
        let Protocol::Mms(session) = &self.protocol else { return None };
        let wanted = session.client_port().is_some() && !session.has_ended();
        wanted.then(|| session.identifiers().0)
    }

    /// The datagram that is to be sent now, as often as wanted until [`datagram_sent`](Self::datagram_sent). One
    /// that the system refuses is lost as others are.
    #[must_use]
    pub fn datagram(&self, now: Instant) -> Option<Datagram<'_>> {
        let (Some(udp), Protocol::Mms(session)) = (&self.udp, &self.protocol) else { return None };
        let out = udp.out.as_ref().filter(|out| out.free_at <= now)?;
        let to = SocketAddr::new(udp.client, session.client_port()?);
        let body = match &out.body {
            Body::Pair => udp.pair.as_ref().get(..PACKET_PAIR_PAYLOAD)?,
            Body::Handle { handle, start, len } => handle.as_ref().get(*start..start.saturating_add(*len))?,
        };
        Some(Datagram { to, parts: [&out.head, body] })
    }

    /// The datagram was sent, or is given up; there may be another one at once.
    pub fn datagram_sent(&mut self, now: Instant) {
        let (Some(udp), Protocol::Mms(session)) = (&mut self.udp, &self.protocol) else { return };
        let Some(out) = udp.out.take() else { return };
        udp.pacer.sent(now, out.body.len().saturating_add(DataHeader::LEN));
        if let Purpose::Packet(sequence) = out.purpose {
            self.report.packets = self.report.packets.saturating_add(1);
            // key frames that are picked out are not read again
            if session.order() == Order::All
                && let Ok(head) = DataHeader::decode(&out.head)
            {
                udp.ring.sent(now, sequence, &head, &session.selection());
            }
        }
        if let Err(error) = self.media(now) {
            self.fail(error);
        }
    }

    /// A datagram came from the client's address. Whatever it holds is no error.
    pub fn datagram_received(&mut self, now: Instant, datagram: &[u8]) {
        if let (Some(udp), Protocol::Mms(session)) = (&mut self.udp, &self.protocol)
            && session.client_port().is_some()
            && !session.has_ended()
        {
            let (client_id, source_id) = session.identifiers();
            // counted as rejected
            let _ = udp.ring.request(now, datagram, client_id, source_id);
        }
    }

    /// What became of requests for lost packets.
    #[must_use]
    pub fn resends(&self) -> Option<ResendStatistics> {
        self.udp.as_ref().map(|udp| udp.ring.statistics())
    }
}
