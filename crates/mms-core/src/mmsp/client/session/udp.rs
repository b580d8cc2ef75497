//! How media travels. In datagrams: what the session wants of the receiver, and what the receiver tells it.

use core::net::SocketAddr;

use super::super::config::Position;
use super::super::event::{Event, Located};
use super::super::state::{Intent, State};
use super::{Session, refuse};
use crate::error::{Error, Misbehaviour};
use crate::mmsp::udp::{Start, Statistics};
use crate::mmsp::wire::{self, Data, ReportFunnelInfo};
use crate::time::Instant;

/// What the side that holds the datagrams must do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UdpOrder {
    /// The packets of the content have this size at most: [`Receiver::open`](crate::mmsp::udp::Receiver::open).
    Content {
        /// Bytes.
        packet_size: u32,
    },
    /// ReadBlock left: [`HeaderCollector`](crate::mmsp::udp::HeaderCollector) collects its fragments.
    Header {
        /// That of ReadBlock.
        incarnation: u8,
        /// Bytes of the header.
        len: u32,
        /// Bit/s of the content.
        bit_rate: u32,
        /// Whether it was asked for before, and fragments are kept.
        again: bool,
        /// Whether a packet pair goes ahead.
        pair: bool,
    },
    /// StartPlaying or StartStriding left.
    Start(Start),
    /// Nothing is wanted any more.
    Stop,
    /// ReportEndOfStream came; `datagrams_ended` is told when the tail is there.
    EndOfStream {
        /// LocationId of the last packet, if known.
        last_location: Option<u32>,
    },
}

const ORDERS: usize = 6;

/// How the media travels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Funnel {
    udp_port: Option<u16>,
    client_id: Option<u32>,
    pair: bool,
    again: bool,
    orders: [Option<UdpOrder>; ORDERS],
    received: Statistics,
    logged: Statistics,
}

impl Funnel {
    pub(super) fn port(&self) -> Option<u16> {
        self.udp_port
    }

    /// ReportFunnelInfo gives the identifier for resend requests (section 2.2.4.6).
    pub(super) fn identify(&mut self, report: &ReportFunnelInfo<'_>) {
        self.client_id = Some(report.cubs);
        self.pair = report.play_incarnation == wire::MMS_PACKET_PAIR_UDP_HIGH_ENTROPY;
    }

    /// What Logging says about reception; `None` over TCP.
    pub(super) fn reception(&self) -> Option<Statistics> {
        self.udp_port.map(|_| self.received.since(self.logged))
    }

    pub(super) fn logged(&mut self) {
        self.logged = self.received;
    }
}

impl Session {
    /// Media shall come in datagrams, to this port of ours. To be called before the first message leaves.
    pub fn select_udp(&mut self, local: SocketAddr) {
        self.funnel.udp_port = Some(local.port());
    }

    /// Whether media comes, or shall come, in datagrams.
    #[must_use]
    pub fn is_udp(&self) -> bool {
        self.funnel.udp_port.is_some()
    }

    /// What identifies us in requests for lost packets (section 2.2.5); `None` if the server gave no identifier.
    #[must_use]
    pub fn identifiers(&self) -> Option<(u32, u16)> {
        let [low, high, ..] = self.open_file_id.to_le_bytes();
        self.funnel.client_id.map(|client_id| (client_id, u16::from_le_bytes([low, high])))
    }

    /// The next thing that the holder of the datagrams must do.
    pub fn poll_udp_order(&mut self) -> Option<UdpOrder> {
        let order = self.funnel.orders.first().copied().flatten()?;
        self.funnel.orders.rotate_left(1);
        if let Some(last) = self.funnel.orders.last_mut() {
            *last = None;
        }
        Some(order)
    }

    /// The receiver's counters, for Logging.
    pub fn note_reception(&mut self, statistics: Statistics) {
        self.funnel.received = statistics;
    }

    /// The Header timer ran out: CancelReadBlock, then ReadBlock (section 3.1.6.1).
    pub fn read_header_again(&mut self) {
        if self.is_udp() && matches!(self.state, State::AwaitHeader | State::EntryChange) {
            self.funnel.again = true;
            self.enqueue(Intent::CancelReadBlock);
            self.enqueue(Intent::ReadBlock);
        }
    }

    /// The tail is there or given up: the end of the stream may be reported.
    pub(crate) fn datagrams_ended(&mut self) -> Option<Located> {
        match self.state {
            State::Ending { hr, more } => self.ended(hr, more),
            _ => None,
        }
    }

    /// The next part of a header that came in datagrams.
    pub(crate) fn datagram_header(
        &mut self,
        now: Instant,
        part: &[u8],
        last: bool,
    ) -> Result<Option<Located>, Error> {
        if !matches!(self.state, State::AwaitHeader | State::EntryChange) {
            return Ok(None);
        }
        let result = self.feed_header(now, part, last);
        let offset = result.inspect_err(|error| self.fail(*error))?;
        Ok(Some(Located::HeaderPart { offset, bytes: 0..part.len(), last }))
    }

    /// The next packet in order; the ranges of the event count from the datagram's first byte.
    pub(crate) fn datagram_packet(
        &mut self,
        now: Instant,
        data: &Data<'_>,
    ) -> Result<Option<Located>, Error> {
        self.heard(now);
        let plays = matches!(
            self.state,
            State::Starting { sent: true } | State::Streaming | State::Stopping { .. } | State::Ending { .. }
        );
        match data.header() {
            Some(header) if plays => self.packet(header, data.payload).inspect_err(|error| self.fail(*error)),
            _ => Ok(None),
        }
    }

    /// Whether the end of the stream is held back.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.state, State::Ending { .. })
    }

    /// The server refuses datagrams: whether to ask for the same over TCP (section 3.1.5.6).
    pub(super) fn refused_udp(&mut self) -> bool {
        let again = self.config.tcp_after_udp && self.funnel.udp_port.take().is_some();
        if again {
            self.enqueue(Intent::ConnectFunnel);
        }
        again
    }

    pub(super) fn order(&mut self, order: UdpOrder) {
        if !self.is_udp() {
            return;
        }
        if order == UdpOrder::Stop {
            // what was ordered for the play-out before is void
            self.funnel.orders = [None; ORDERS];
        }
        if let Some(slot) = self.funnel.orders.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(order);
        }
    }

    pub(super) fn order_content(&mut self) {
        self.funnel.again = false;
        let packet_size = self.content.map_or(0, |content| content.packet_size);
        self.order(UdpOrder::Content { packet_size });
    }

    /// True over UDP.
    pub(super) fn order_header(&mut self) -> bool {
        let (len, bit_rate) = self.content.map_or((0, 0), |content| (content.header_len, content.bit_rate));
        let (again, pair) = (self.funnel.again, self.funnel.pair);
        let incarnation = self.header_incarnation;
        self.order(UdpOrder::Header { incarnation, len, bit_rate, again, pair });
        self.is_udp()
    }

    pub(super) fn order_start(&mut self) {
        let stored = self.content.and_then(|content| content.packet_count);
        let first_location = match (self.play.from, stored) {
            (Position::Beginning, Some(_)) => Some(0),
            (Position::Packet(number), Some(count)) => {
                let last = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
                Some(number.min(last))
            }
            _ => None,
        };
        let ordered = self.play.rate.is_none_or(|rate| rate > 0.0);
        // with fast forward nobody knows which packets are left out
        let first_location = first_location.filter(|_| self.play.rate.is_none());
        let incarnation = self.play_incarnation;
        self.order(UdpOrder::Start(Start { incarnation, first_location, ordered }));
    }

    /// LocationId of the last packet of the play-out.
    pub(super) fn last_location(&self) -> Option<u32> {
        let whole = self.play.until.is_none() && self.play.rate.is_none();
        let count = self.content.and_then(|content| content.packet_count).filter(|_| whole)?;
        u32::try_from(count.checked_sub(1)?).ok()
    }

    // ---- agreeing on the funnel

    /// The protocol has three at most (section 3.1.5.4).
    pub(super) fn count_funnel_info(&mut self) -> Result<(), Error> {
        self.funnel_infos = self.funnel_infos.saturating_add(1);
        if self.funnel_infos > 3 {
            return Err(Error::PeerMisbehaved(Misbehaviour::TooManyFunnelInfo));
        }
        Ok(())
    }

    pub(super) fn funnel_info(
        &mut self,
        now: Instant,
        received: u8,
        first_at: Instant,
        report: &ReportFunnelInfo<'_>,
    ) -> Result<Option<Located>, Error> {
        refuse(report.hr)?;
        self.funnel.identify(report);
        let pair = matches!(
            report.play_incarnation,
            wire::MMS_PACKET_PAIR_TCP_HIGH_ENTROPY | wire::MMS_USE_PACKET_PAIR
        ) && !report.packet_pair.is_empty();
        let mut event = None;
        let first_at = if received == 0 { now } else { first_at };
        if received == 1 && pair {
            // bits of the second packet over the time between the two (section 3.1.5.4)
            let bytes = report.packet_pair.len().saturating_add(80);
            let micros = u64::try_from(now.since(first_at).as_micros()).unwrap_or(u64::MAX);
            let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8_000_000);
            event = bits.checked_div(micros).map(|bits_per_second| Event::Bandwidth { bits_per_second });
        }
        if pair && received < 2 {
            self.state = State::AwaitFunnelInfo { received: received.saturating_add(1), first_at };
        } else {
            self.state = State::AwaitFunnel;
            self.enqueue(Intent::ConnectFunnel);
        }
        Ok(event.map(Located::Plain))
    }
}
