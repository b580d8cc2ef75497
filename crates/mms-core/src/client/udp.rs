//! The UDP socket of a client: header, media and requests for what was lost.

use core::net::SocketAddr;

use crate::error::{Error, TimerName};
use crate::mmsp::client::UdpOrder;
use crate::mmsp::udp::{
    Arrival, Config, Fragment, HeaderCollector, HeaderTimeout, PacketPair, Receiver, Released, Statistics,
};
use crate::mmsp::wire::RequestPacketListResend;
use crate::time::Instant;

/// Header timers that run out without any datagram, before the network is taken for one that lets none pass.
const SILENT_TIMERS: u32 = 2;

/// Storage of a client for media over UDP, from the host.
#[derive(Clone, Debug)]
pub struct UdpStorage<B> {
    /// Slots for datagrams: [`Receiver::storage_for`] says how much they need.
    pub slots: B,
    /// For the ASF header: [`HeaderCollector::storage_for`] says how much it needs.
    pub header: B,
}

/// Where the UDP socket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UdpLink {
    Closed,
    /// to be bound
    Wanted,
    Binding,
    Open,
    /// to be closed
    Leaving,
}

/// What comes out of the datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    Bandwidth(u64),
    /// `part` lends it.
    HeaderPart {
        last: bool,
    },
    /// `datagram` lends it.
    Packet,
    /// packets were given up
    Missing(u64),
    EndOfStream,
}

/// What the Header timer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderWish {
    Again,
    /// Nothing arrives.
    OtherTransport,
}

#[derive(Clone, Debug)]
pub(super) struct Udp<B> {
    pub(super) link: UdpLink,
    pub(super) peer: Option<SocketAddr>,
    config: Config,
    any_incarnation: bool,
    receiver: Option<Receiver<B>>,
    collector: Option<HeaderCollector<B>>,
    pair: PacketPair,
    bandwidth: Option<u64>,
    request: [u8; RequestPacketListResend::MAX_LEN],
    request_len: usize,
    heard: bool,
    silent_timers: u32,
    ended: bool,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Udp<B> {
    pub(super) fn new(storage: UdpStorage<B>, config: Config, any_incarnation: bool) -> Self {
        Self {
            link: UdpLink::Closed,
            peer: None,
            receiver: Some(Receiver::new(storage.slots, config)),
            collector: Some(HeaderCollector::new(storage.header, any_incarnation)),
            config,
            any_incarnation,
            pair: PacketPair::default(),
            bandwidth: None,
            request: [0; RequestPacketListResend::MAX_LEN],
            request_len: 0,
            heard: false,
            silent_timers: 0,
            ended: false,
        }
    }

    /// Everything begins anew with another session; the storage stays.
    pub(super) fn restart(&mut self) {
        let receiver = self.receiver.take().map(Receiver::into_storage);
        self.receiver = receiver.map(|storage| Receiver::new(storage, self.config));
        let collector = self.collector.take().map(HeaderCollector::into_storage);
        self.collector = collector.map(|storage| HeaderCollector::new(storage, self.any_incarnation));
        self.pair = PacketPair::default();
        self.bandwidth = None;
        self.request_len = 0;
        self.heard = false;
        self.silent_timers = 0;
        self.ended = false;
        self.leave();
    }

    pub(super) fn leave(&mut self) {
        self.link = match self.link {
            UdpLink::Binding | UdpLink::Open => UdpLink::Leaving,
            UdpLink::Wanted => UdpLink::Closed,
            link => link,
        };
    }

    pub(super) fn statistics(&self) -> Statistics {
        self.receiver.as_ref().map(Receiver::statistics).unwrap_or_default()
    }

    /// Does what the session orders.
    ///
    /// # Errors
    /// `Limit` if the storage is too small for this content.
    pub(super) fn order(&mut self, now: Instant, order: UdpOrder, identified: bool) -> Result<(), Error> {
        let (Some(receiver), Some(collector)) = (&mut self.receiver, &mut self.collector) else {
            return Ok(());
        };
        match order {
            UdpOrder::Content { packet_size } => {
                receiver.open(u16::try_from(packet_size).unwrap_or(u16::MAX))?;
            }
            UdpOrder::Header { incarnation, len, bit_rate, again, pair } => {
                if pair {
                    self.pair.expect();
                }
                if again {
                    collector.retry(now, incarnation);
                } else {
                    collector.start(now, incarnation, len, bit_rate)?;
                }
            }
            UdpOrder::Start(start) => {
                self.ended = false;
                receiver.set_resend(identified);
                receiver.start(start);
            }
            UdpOrder::Stop => {
                receiver.stop();
                self.ended = true;
            }
            UdpOrder::EndOfStream { last_location } => receiver.end_of_stream(now, last_location),
        }
        Ok(())
    }

    // ---- the socket

    pub(super) fn has_space(&self) -> bool {
        self.link == UdpLink::Open && self.receiver.as_ref().is_some_and(Receiver::has_space)
    }

    pub(super) fn space(&mut self) -> &mut [u8] {
        self.receiver.as_mut().and_then(Receiver::space).unwrap_or_default()
    }

    /// A datagram came; those of others than the server are dropped.
    pub(super) fn filled(&mut self, now: Instant, count: usize, from: SocketAddr) -> Result<(), Error> {
        if self.peer.is_none_or(|peer| peer.ip() != from.ip()) {
            return Ok(());
        }
        let (Some(receiver), Some(collector)) = (&mut self.receiver, &mut self.collector) else {
            return Ok(());
        };
        match receiver.filled(now, count)? {
            Arrival::Other(header) if PacketPair::is_packet_pair(&header) => {
                self.heard = true;
                self.bandwidth = self.pair.arrived(now, &header).or(self.bandwidth);
            }
            Arrival::Other(_) => {
                let fragment = receiver.other().map(|data| collector.fragment(&data));
                self.heard |= fragment.is_some_and(|fragment| fragment != Fragment::Foreign);
            }
            _ => {}
        }
        Ok(())
    }

    /// A request for lost packets that waits to be sent.
    pub(super) fn request(&self) -> &[u8] {
        self.request.get(..self.request_len).unwrap_or_default()
    }

    pub(super) fn request_sent(&mut self) {
        self.request_len = 0;
    }

    // ---- the other side

    /// The next thing that came, in the order of the stream.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Came> {
        if let Some(bandwidth) = self.bandwidth.take() {
            return Some(Came::Bandwidth(bandwidth));
        }
        if core::mem::take(&mut self.ended) {
            return Some(Came::EndOfStream);
        }
        if let Some(part) = self.collector.as_mut().and_then(HeaderCollector::poll_part) {
            return Some(Came::HeaderPart { last: part.last });
        }
        self.receiver.as_mut()?.poll(now).map(|released| match released {
            Released::Packet { .. } => Came::Packet,
            Released::Missing { count } => Came::Missing(count),
            Released::EndOfStream => Came::EndOfStream,
        })
    }

    pub(super) fn part(&self) -> &[u8] {
        self.collector.as_ref().and_then(HeaderCollector::part).unwrap_or_default()
    }

    pub(super) fn receiver(&self) -> Option<&Receiver<B>> {
        self.receiver.as_ref()
    }

    pub(super) fn datagram(&self) -> &[u8] {
        self.receiver.as_ref().and_then(Receiver::datagram).unwrap_or_default()
    }

    /// Prepares the next request for lost packets, if there is none yet.
    pub(super) fn ask(&mut self, now: Instant, identifiers: Option<(u32, u16)>) {
        let Some(receiver) = &mut self.receiver else { return };
        let (Some((client_id, source_id)), 0) = (identifiers, self.request_len) else { return };
        if let Ok(Some(len)) = receiver.poll_resend(now, client_id, source_id, &mut self.request) {
            self.request_len = len;
        }
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        let receiver = self.receiver.as_ref().map_or(Instant::MAX, Receiver::poll_timeout);
        // a request that waits for the socket is not made anew
        let receiver = if self.request_len > 0 { Instant::MAX } else { receiver };
        let collector = self.collector.as_ref().map_or(Instant::MAX, HeaderCollector::poll_timeout);
        receiver.min(collector)
    }

    /// What is to be done because the header does not come.
    ///
    /// # Errors
    /// The Header timer ran out too often, although datagrams came.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<Option<HeaderWish>, Error> {
        let wish = self.collector.as_mut().and_then(|collector| collector.handle_timeout(now));
        match wish {
            None => Ok(None),
            Some(HeaderTimeout::Retry { .. }) => {
                self.silent_timers = if self.heard { 0 } else { self.silent_timers.saturating_add(1) };
                let silent = self.silent_timers >= SILENT_TIMERS;
                Ok(Some(if silent { HeaderWish::OtherTransport } else { HeaderWish::Again }))
            }
            Some(HeaderTimeout::GiveUp) => Err(Error::TimedOut(TimerName::Header)),
        }
    }
}
