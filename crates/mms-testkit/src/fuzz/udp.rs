//! Bodies of fuzz targets: a receiver, a header collector and a resend ring under bytes that decide all that
//! happens.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use mms_core::mmsp::udp::{
    Arrival, Config, Fragment, HeaderCollector, HeaderTimeout, Identity, Receiver, Released, ResendConfig,
    ResendRing, Start,
};
use mms_core::mmsp::wire::{Data, DataHeader, RequestPacketListResend};
use mms_core::selection::{Selection, Thinning};
use mms_core::time::Instant;

use super::Control;

const PACKET_SIZE: u16 = 64;

/// A datagram of the honest sender, with bytes that belong to nothing else.
fn packet(incarnation: u8, sequence: u32, location_id: u32) -> Vec<u8> {
    let [low, ..] = sequence.to_le_bytes();
    let mut payload = vec![incarnation; 5 + (location_id % 50) as usize];
    payload[1..5].copy_from_slice(&location_id.to_le_bytes());
    let data = Data { location_id, play_incarnation: incarnation, af_flags: low, payload: &payload };
    let mut out = vec![0; data.encoded_len()];
    data.encode(&mut out).unwrap();
    out
}

/// A sender that may restart its counter, a network that may do anything to its packets, and a receiver.
struct Play<'a> {
    control: Control<'a>,
    receiver: Receiver<Vec<u8>>,
    now: Instant,
    incarnation: u8,
    first: u32,
    location: u32,
    sequence: u32,
    /// One past the highest number that ever reached the receiver.
    reached: u32,
    /// Numbers of the play-out before that nothing reached the receiver behind, until a packet of this one does.
    tail: Option<u32>,
    /// The highest number of this play-out that came, and how many were new.
    last: Option<u32>,
    held: u32,
    /// By number on the wire; those of earlier play-outs stay, as in a ring that was not cleared.
    sent: BTreeMap<u32, Vec<u8>>,
    order: Vec<u32>,
    out: Vec<u32>,
    missing: u64,
    filtered: bool,
    /// Whether the receiver knows where the play-out begins and where it ends.
    begin_known: bool,
    end_known: bool,
    /// Whether the server ever restarted its counter.
    restarted: bool,
    ended: bool,
    hostile: bool,
}

/// A receiver behind a network: what comes out is what was sent, in order, each once, and all else is
/// reported as missing. The first byte decides whether others may send to it too; then only its bounds are
/// checked.
///
/// # Panics
/// If that does not hold.
pub fn udp_receiver(data: &[u8]) {
    let mut play = Play::new(data);
    while !play.control.0.is_empty() {
        play.action();
        play.check();
    }
    play.finish();
}

impl<'a> Play<'a> {
    fn new(data: &'a [u8]) -> Self {
        let mut control = Control(data);
        let settings = control.byte();
        let slots = 8 + usize::from(control.byte() % 64);
        let storage = vec![0; Receiver::<Vec<u8>>::storage_for(slots, PACKET_SIZE)];
        let mut receiver = Receiver::new(storage, Config::default());
        receiver.open(PACKET_SIZE).unwrap();
        receiver.set_resend(settings & 2 == 0);
        let mut play = Self {
            control,
            receiver,
            now: Instant::from_millis(1000),
            incarnation: 9,
            first: 0,
            location: 0,
            sequence: 0,
            reached: 0,
            tail: None,
            last: None,
            held: 0,
            sent: BTreeMap::new(),
            order: Vec::new(),
            out: Vec::new(),
            missing: 0,
            filtered: false,
            begin_known: false,
            end_known: false,
            restarted: false,
            ended: false,
            hostile: settings & 1 == 1,
        };
        play.start(0, settings & 4 == 0);
        play
    }

    fn start(&mut self, location: u32, known: bool) {
        self.first = location;
        self.location = location;
        self.order.clear();
        self.out.clear();
        self.missing = 0;
        (self.last, self.held) = (None, 0);
        self.filtered = false;
        self.ended = false;
        self.begin_known = known;
        let first_location = known.then_some(location);
        self.receiver.start(Start { incarnation: self.incarnation, first_location, ordered: true });
    }

    fn action(&mut self) {
        let action = self.control.byte();
        let amount = action >> 4;
        match action & 0x0F {
            // packets that come, or do not
            0..=4 => (0..=amount).for_each(|_| self.send(true)),
            5 => (0..=amount).for_each(|_| self.send(false)),
            // one of the last 32 comes late or again
            6 | 7 => {
                let back = usize::from(self.control.byte() & 31);
                if let Some(number) = self.order.iter().rev().nth(back).copied() {
                    self.deliver(number);
                }
            }
            8 => self.now = self.now + Duration::from_millis(1 << amount.min(12)),
            9 => self.poll(usize::from(amount)),
            10 | 11 => self.resend(amount),
            12 if !self.ended && !self.filtered => {
                // the server leaves packets out
                self.location += u32::from(amount);
                self.filtered = amount > 0;
            }
            13 => {
                let len = usize::from(self.control.byte());
                let bytes = self.control.bytes(len);
                if self.hostile {
                    self.receive(bytes);
                }
            }
            14 => self.end(amount & 1 == 0),
            15 => self.seek(amount),
            _ => {}
        }
    }

    fn send(&mut self, comes: bool) {
        if self.ended {
            return;
        }
        let number = self.sequence;
        self.sent.insert(number, packet(self.incarnation, number, self.location));
        self.order.push(number);
        self.sequence += 1;
        self.location += 1;
        if comes {
            self.deliver(number);
        }
    }

    fn deliver(&mut self, number: u32) {
        let Some(datagram) = self.sent.get(&number).cloned() else { return };
        if self.receiver.space().is_none() {
            // lost like one for which the socket has no room
            self.poll(2);
            return;
        }
        self.reached = self.reached.max(number + 1);
        if let (true, Some(tail)) = (datagram[4] == self.incarnation, self.tail) {
            self.tail = None;
            let lead = u32::from_le_bytes([datagram[0], datagram[1], datagram[2], datagram[3]]) - self.first;
            // 8 bits show no more, and what is sent again may be taken for what lies 256 numbers further on
            self.begin_known &= tail + lead < 0x100;
        }
        if datagram[4] == self.incarnation {
            // LocationId alone is believed only when it has proved itself
            let gap = self.last.map_or(0, |last| number.saturating_sub(last));
            let behind = self.last.map_or(0, |last| last.saturating_sub(number));
            self.begin_known &= gap.max(behind) < 0x100 || self.held >= 8;
            self.last = self.last.max(Some(number));
        }
        self.receive(&datagram);
    }

    fn receive(&mut self, datagram: &[u8]) {
        let Some(space) = self.receiver.space() else { return };
        let len = datagram.len().min(space.len());
        space[..len].copy_from_slice(&datagram[..len]);
        let arrival = self.receiver.filled(self.now, len).unwrap();
        self.held += u32::from(arrival == Arrival::Media);
        if let Arrival::Other(header) = arrival {
            assert_ne!(header.play_incarnation, self.incarnation);
            assert_eq!(self.receiver.other().unwrap().header(), Some(header));
        }
    }

    fn poll(&mut self, most: usize) {
        for _ in 0..most {
            match self.receiver.poll(self.now) {
                Some(Released::Packet { .. }) => {
                    let data = self.receiver.packet().expect("a packet is lent");
                    let location = data.location_id;
                    if self.hostile {
                        continue;
                    }
                    assert_eq!(data.play_incarnation, self.incarnation);
                    assert_eq!(
                        data.payload[1..5],
                        location.to_le_bytes(),
                        "the bytes are those that were sent"
                    );
                    assert!((self.first..self.location).contains(&location), "never sent");
                    assert!(self.out.last().is_none_or(|last| *last < location), "order: {location}");
                    self.out.push(location);
                }
                Some(Released::Missing { count }) => self.missing += count,
                Some(Released::EndOfStream) => assert!(self.ended || self.hostile),
                _ => return,
            }
        }
    }

    fn resend(&mut self, answers: u8) {
        let mut out = [0; 140];
        for _ in 0..1000 {
            let Some(len) = self.receiver.poll_resend(self.now, 1, 2, &mut out).unwrap() else { return };
            let request = RequestPacketListResend::decode(&out[..len]).unwrap();
            let numbers: Vec<u32> = request.sequences.iter().collect();
            let different: BTreeSet<u32> = numbers.iter().copied().collect();
            assert_eq!(numbers.len(), different.len(), "a number is asked for once in a request");
            for number in numbers.into_iter().filter(|number| number % 16 <= u32::from(answers)) {
                self.deliver(number);
            }
        }
        panic!("requests do not end");
    }

    fn end(&mut self, known: bool) {
        if !self.ended && self.location > self.first {
            self.ended = true;
            self.end_known = known;
            self.receiver.end_of_stream(self.now, known.then_some(self.location - 1));
        }
    }

    fn seek(&mut self, amount: u8) {
        self.receiver.stop();
        assert!(self.receiver.has_space(), "nothing is held after a stop");
        self.incarnation = if self.incarnation == 0xFE { 9 } else { self.incarnation + 1 };
        if amount & 8 != 0 {
            // a server that restarts its counter
            self.restarted = true;
            self.sequence = 0;
            self.reached = 0;
            self.sent.clear();
        } else if self.sequence & 0xFF == 0xFF {
            self.sequence += 1;
        }
        self.tail = Some(self.sequence.saturating_sub(self.reached));
        let location = u32::from(self.control.byte());
        self.start(location, amount & 1 == 0);
    }

    fn check(&self) {
        let statistics = self.receiver.statistics();
        // what each number is paid from: losses, packets that had no room, and those that only may exist
        let paid = statistics.packets_lost_net + statistics.no_room;
        let open = u64::from(self.sequence) + 4096;
        assert!(statistics.resend_requests <= 32 + 25 * (paid + open) / 10);
        assert!(statistics.packets_recovered_resent <= statistics.packets_resent);
        assert!(statistics.min_reception_quality <= 100);
    }

    fn finish(mut self) {
        self.end(true);
        for _ in 0..20_000 {
            self.resend(15);
            for _ in 0..10_000 {
                let before = (self.out.len(), self.missing);
                self.poll(1);
                if before == (self.out.len(), self.missing) {
                    break;
                }
            }
            let next = self.receiver.poll_timeout();
            if next == Instant::MAX {
                return self.account();
            }
            self.now = self.now.max(next);
        }
        panic!("the receiver does not come to an end");
    }

    /// With a known beginning and end and nothing left out, each packet came out or was reported.
    fn account(&self) {
        if self.hostile || self.filtered || !self.ended {
            return;
        }
        let all = u64::from(self.location - self.first);
        let known = self.out.len() as u64 + self.missing;
        if self.begin_known && self.end_known && !self.restarted {
            assert_eq!(known, all, "came or missing, of all");
        }
        assert!(known <= all, "{known} of {all}");
    }
}

/// Fragments of a header in any order, with strange ones between, over as many reads as it takes: the header
/// comes out whole or not at all.
///
/// # Panics
/// If that does not hold.
pub fn udp_header(data: &[u8]) {
    let mut control = Control(data);
    let count = 1 + u32::from(control.byte() % 20);
    let fragments: Vec<Vec<u8>> =
        (0..count).map(|number| vec![number as u8; 1 + usize::from(control.byte())]).collect();
    let whole = fragments.concat();
    let storage = vec![0; HeaderCollector::<Vec<u8>>::storage_for(whole.len()) + 8 * fragments.len()];
    let mut collector = HeaderCollector::new(storage, control.byte() & 1 == 1);
    let mut now = Instant::ZERO;
    let mut incarnation = 1;
    collector.start(now, incarnation, whole.len() as u32, 64_000).unwrap();
    let mut honest = true;
    while !control.0.is_empty() && !collector.is_complete() {
        let action = control.byte();
        let number = u32::from(action >> 2) % count;
        match action & 3 {
            0 | 1 => {
                let af_flags = if number + 1 == count { 0x0C } else { 0x04 };
                let payload = &fragments[number as usize];
                let data = Data { location_id: number, play_incarnation: incarnation, af_flags, payload };
                let what = collector.fragment(&data);
                assert!(!honest || what != Fragment::Foreign);
            }
            2 => {
                now = collector.poll_timeout().max(now);
                match collector.handle_timeout(now) {
                    Some(HeaderTimeout::Retry { cancel }) => assert_eq!(cancel, incarnation),
                    Some(_) => return,
                    None => panic!("the timer does not run"),
                }
                incarnation = incarnation % 8 + 1;
                collector.retry(now, incarnation);
            }
            _ => {
                honest = false;
                let head = control.bytes(3);
                let [location, flags, len] = head else { return };
                let payload = control.bytes(usize::from(*len));
                let data = Data {
                    location_id: u32::from(*location) << (flags >> 5),
                    play_incarnation: incarnation,
                    af_flags: *flags & 0x1F,
                    payload,
                };
                let _ = collector.fragment(&data);
            }
        }
    }
    let mut out = Vec::new();
    while let Some(part) = collector.poll_part() {
        assert_eq!(part.offset, out.len() as u64);
        out.extend_from_slice(collector.part().expect("a part is lent"));
    }
    assert!(out.is_empty() || !honest || out == whole, "the header differs");
    assert!(out.len() <= whole.len());
}

/// A ring under requests of any kind, against a map that forgets nothing.
///
/// # Panics
/// If an identity differs from what was sent, or more is sent than the ceiling allows.
pub fn udp_ring(data: &[u8]) {
    let mut control = Control(data);
    let packets = usize::from(control.byte());
    let mut config = ResendConfig::default();
    config.low_byte_fallback = control.byte() & 1 == 1;
    let mut now = Instant::ZERO;
    let storage = vec![0; packets * ResendRing::<Vec<u8>>::IDENTITY_LEN];
    let mut ring = ResendRing::new(now, storage, config);
    let mut sent: BTreeMap<u32, (DataHeader, Selection)> = BTreeMap::new();
    let mut next = u32::MAX - u32::from(control.byte());
    let mut bytes = 0;
    while !control.0.is_empty() {
        let action = control.byte();
        match action & 7 {
            0..=2 => {
                let [low, ..] = next.to_le_bytes();
                let len = usize::from(control.byte()) << 3;
                let header = DataHeader::for_payload(next.rotate_left(7), action, low, len).unwrap();
                let selection = Selection::ALL.with(u16::from(action >> 6), Thinning::Nothing);
                ring.sent(now, next, &header, &selection);
                sent.insert(next, (header, selection));
                next = next.wrapping_add(1 + u32::from(action == 0xF8));
            }
            3 => {
                next = next.wrapping_sub(u32::from(action >> 3));
                ring.take_back(next);
            }
            4 => now = now + Duration::from_millis(1 << (action >> 4)),
            5 => {
                let len = usize::from(control.byte());
                let _ = ring.request(now, control.bytes(len), 7, 8);
            }
            _ => {
                let count = 1 + usize::from(action >> 3);
                let base = next.wrapping_sub(u32::from(control.byte()));
                let mut datagram = 0xBEEF_F00D_u32.to_le_bytes().to_vec();
                datagram.extend(7_u32.to_le_bytes());
                datagram.extend(8_u16.to_le_bytes());
                datagram.extend((count as u16).to_le_bytes());
                (0..count as u32).for_each(|n| datagram.extend(base.wrapping_add(n).to_le_bytes()));
                let queued = ring.request(now, &datagram, 7, 8).unwrap();
                assert!(queued <= count && ring.wanted() <= 128);
            }
        }
        while let Some(identity) = ring.next_wanted(now) {
            compare(&sent, &identity);
            bytes += u64::from(identity.header.packet_size);
        }
    }
    let config = ResendConfig::default();
    let most = now.as_micros().saturating_mul(config.bytes_per_second) / 1_000_000 + config.burst_bytes;
    assert!(bytes <= most, "{bytes} of {most}");
}

fn compare(sent: &BTreeMap<u32, (DataHeader, Selection)>, identity: &Identity) {
    let known = sent.get(&identity.sequence).expect("it was sent");
    assert_eq!(*known, (identity.header, identity.selection));
}

#[cfg(test)]
mod tests {
    use core::panic::AssertUnwindSafe;

    use super::super::panics;
    use super::*;

    fn played(plant: impl FnOnce(&mut Play<'_>)) -> bool {
        let mut play = Play::new(&[0, 8]);
        (0..6).for_each(|_| play.send(true));
        plant(&mut play);
        (0..6).for_each(|_| play.send(true));
        panics(AssertUnwindSafe(|| {
            play.check();
            play.finish();
        }))
    }

    #[test]
    fn planted_bugs_of_a_receiver_are_noticed() {
        assert!(!played(|_| {}), "no bug, no panic");
        let altered = |play: &mut Play<'_>| {
            let mut datagram = packet(9, 6, 6);
            datagram[10] ^= 1;
            play.receive(&datagram);
        };
        assert!(played(altered), "other bytes");
        assert!(played(|play| play.out.push(0)), "twice");
        assert!(played(|play| play.out.push(7)), "out of order");
        assert!(played(|play| play.missing += 1), "reported and not missing");
        assert!(played(|play| play.location += 1), "missing and not reported");
    }

    #[test]
    fn planted_bugs_of_a_ring_are_noticed() {
        let header = DataHeader::for_payload(1, 9, 0, 5).unwrap();
        let identity = Identity { sequence: 7, header, selection: Selection::ALL };
        let sent = BTreeMap::from([(7, (header, Selection::ALL))]);
        compare(&sent, &identity);
        assert!(panics(AssertUnwindSafe(|| compare(&BTreeMap::new(), &identity))), "never sent");
        let other = Identity { selection: Selection::NONE, ..identity };
        assert!(panics(AssertUnwindSafe(|| compare(&sent, &other))), "cut otherwise");
        let other = Identity { header: DataHeader { af_flags: 1, ..header }, ..identity };
        assert!(panics(AssertUnwindSafe(|| compare(&sent, &other))), "another head");
    }
}
