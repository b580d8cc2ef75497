//! The receiver, datagram by datagram.

use core::time::Duration;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::error::{Error, Misuse};
use crate::mmsp::wire::{Data, DataHeader, RequestPacketListResend};
use crate::time::Instant;

const SIZE: u16 = 100;

struct Client {
    receiver: Receiver<Vec<u8>>,
    now: Instant,
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn client(slots: usize) -> Client {
    let storage = vec![0; Receiver::<Vec<u8>>::storage_for(slots, SIZE)];
    let mut receiver = Receiver::new(storage, Config::default());
    receiver.open(SIZE).unwrap();
    receiver.start(Start { incarnation: 9, first_location: Some(0), ordered: true });
    Client { receiver, now: at(1000) }
}

impl Client {
    fn raw(&mut self, datagram: &[u8]) -> Arrival {
        let space = self.receiver.space().expect("a slot is free");
        space[..datagram.len()].copy_from_slice(datagram);
        self.receiver.filled(self.now, datagram.len()).unwrap()
    }

    fn packet(&mut self, incarnation: u8, number: u8, location_id: u32) -> Arrival {
        let payload = [location_id.to_le_bytes()[0]; 10];
        let data = Data { location_id, play_incarnation: incarnation, af_flags: number, payload: &payload };
        let mut out = [0; 18];
        data.encode(&mut out).unwrap();
        self.raw(&out)
    }

    /// Packets whose numbers are their places in the file.
    fn packets(&mut self, numbers: impl IntoIterator<Item = u32>) {
        for number in numbers {
            assert_eq!(self.packet(9, number.to_le_bytes()[0], number), Arrival::Media, "{number}");
        }
    }

    /// What comes out: numbers of packets, negative ones for packets given up.
    fn out(&mut self) -> Vec<i64> {
        let mut out = Vec::new();
        while let Some(released) = self.receiver.poll(self.now) {
            out.push(match released {
                Released::Packet { .. } => {
                    let data = self.receiver.packet().unwrap();
                    assert_eq!(data.payload, [data.location_id.to_le_bytes()[0]; 10]);
                    i64::from(data.location_id)
                }
                Released::Missing { count } => -i64::try_from(count).unwrap(),
                Released::EndOfStream => 999_999,
            });
        }
        out
    }

    /// The numbers that are asked for now.
    fn requests(&mut self) -> Vec<u32> {
        let mut numbers = Vec::new();
        let mut out = [0; 140];
        while let Some(len) = self.receiver.poll_resend(self.now, 7, 8, &mut out).unwrap() {
            let request = RequestPacketListResend::decode(&out[..len]).unwrap();
            assert_eq!((request.client_id, request.source_id), (7, 8));
            numbers.extend(request.sequences);
        }
        numbers
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
    }
}

const END: i64 = 999_999;

#[test]
fn packets_in_order_pass_at_once() {
    let mut client = client(8);
    for number in 0..1000 {
        client.packets([number]);
        assert_eq!(client.out(), [i64::from(number)]);
    }
    assert_eq!(client.receiver.poll_timeout(), Instant::MAX);
}

#[test]
fn packets_out_of_order_are_put_in_order_without_a_request() {
    let mut client = client(8);
    client.packets([0, 2, 3]);
    assert_eq!(client.out(), [0]);
    client.packets([1]);
    assert_eq!(client.out(), [1, 2, 3]);
    client.wait(1000);
    assert_eq!(client.requests(), []);
    assert_eq!(client.receiver.statistics().packets_lost_net, 0);
}

#[test]
fn a_packet_is_asked_for_behind_three_later_ones() {
    let mut client = client(16);
    client.packets([0, 2, 3]);
    assert_eq!(client.requests(), []);
    client.packets([4]);
    assert_eq!(client.requests(), [1]);
    client.wait(50);
    client.packets([1]);
    assert_eq!(client.out(), [0, 1, 2, 3, 4]);
    let statistics = client.receiver.statistics();
    assert_eq!((statistics.packets_lost_net, statistics.packets_recovered_resent), (1, 1));
    assert_eq!(client.receiver.round_trip(), Some(Duration::from_millis(50)));
}

#[test]
fn a_packet_is_asked_for_after_80_ms_and_again_by_round_trip_until_it_is_too_late() {
    let mut client = client(16);
    client.packets([0, 2]);
    assert_eq!(client.receiver.poll_timeout(), at(1080));
    client.wait(79);
    assert_eq!(client.requests(), []);
    client.wait(1);
    assert_eq!(client.requests(), [1]);
    assert_eq!(client.receiver.poll_timeout(), at(1280), "no round trip was measured");
    client.wait(199);
    assert_eq!(client.requests(), []);
    let mut asked = 1;
    while client.now < at(5000) {
        client.wait(1);
        asked += client.requests().len();
        if client.now < at(5000) {
            assert_eq!(client.out().iter().filter(|number| **number != 0).count(), 0);
        }
    }
    assert_eq!(client.out(), [-1, 2]);
    // 16 numbers to begin with, two and a half for the loss
    assert_eq!(asked, 18);
    assert_eq!(client.receiver.statistics().packets_lost_client, 1);
    assert_eq!(client.receiver.statistics().min_reception_quality, 66);
}

#[test]
fn requests_have_at_most_32_numbers_and_ask_only_for_what_finds_a_slot() {
    let mut client = client(128);
    client.packets([0, 101, 102, 103]);
    let mut out = [0; 140];
    let mut sizes = Vec::new();
    while let Some(len) = client.receiver.poll_resend(client.now, 7, 8, &mut out).unwrap() {
        sizes.push((len - 12) / 4);
    }
    assert_eq!(sizes, [32, 32, 32, 4]);
    let mut few = self::client(8);
    few.packets([0, 9, 10, 11]);
    few.out();
    assert_eq!(few.requests(), [1, 2, 3, 4, 5], "8 slots, 3 of them full");
}

#[test]
fn duplicates_come_out_once() {
    let mut client = client(8);
    client.packets([0, 1]);
    assert_eq!(client.packet(9, 1, 1), Arrival::Duplicate);
    assert_eq!(client.out(), [0, 1]);
    assert_eq!(client.packet(9, 0, 0), Arrival::Duplicate);
    assert_eq!(client.out(), []);
    assert_eq!(client.receiver.statistics().duplicates, 2);
}

#[test]
fn foreign_datagrams_are_dropped_and_those_of_others_are_lent() {
    let mut client = client(8);
    assert_eq!(client.raw(b"short"), Arrival::Foreign);
    assert_eq!(
        client.raw(&[0, 0, 0, 0, 9, 0, 200, 0, 1]),
        Arrival::Foreign,
        "PacketSize beyond the datagram"
    );
    assert_eq!(client.raw(&[0, 0, 0, 0, 9, 0, 8, 0]), Arrival::Foreign, "no payload");
    let large = Data { location_id: 0, play_incarnation: 9, af_flags: 0, payload: &[0; 101] };
    let mut out = [0; 109];
    large.encode(&mut out).unwrap();
    assert_eq!(client.raw(&out), Arrival::Foreign, "larger than the packets of the content");
    assert!(matches!(client.packet(1, 0x0C, 0), Arrival::Other(DataHeader { play_incarnation: 1, .. })));
    assert_eq!(client.receiver.other().unwrap().payload, [0; 10]);
    client.packets([0]);
    assert_eq!(client.receiver.other(), None);
    assert_eq!(client.receiver.statistics().foreign, 4);
    assert_eq!(client.out(), [0]);
}

#[test]
fn a_packet_far_ahead_is_not_believed() {
    let mut client = client(8);
    client.packets(0..4);
    for number in 4..20 {
        client.out();
        client.packets([number]);
    }
    client.out();
    assert_eq!(client.packet(9, 0, 0x0100_0000), Arrival::Foreign);
    assert_eq!(client.requests(), []);
}

#[test]
fn a_full_window_that_can_be_emptied_holds_the_socket_back() {
    let mut client = client(8);
    client.packets(0..8);
    assert!(!client.receiver.has_space());
    assert!(client.receiver.space().is_none());
    assert_eq!(client.receiver.filled(client.now, 1), Err(Error::ApiMisuse(Misuse::TooManyBytes)));
    assert!(client.receiver.poll(client.now).is_some());
    assert!(!client.receiver.has_space(), "the packet is still lent");
    assert!(client.receiver.poll(client.now).is_some());
    assert!(client.receiver.has_space());
    assert_eq!(client.receiver.filled(client.now, 100_000), Err(Error::ApiMisuse(Misuse::TooManyBytes)));
}

#[test]
fn behind_a_hole_the_latest_packet_makes_way_and_comes_again() {
    let mut client = client(8);
    client.packets(1..9);
    assert_eq!(client.out(), []);
    assert!(client.receiver.has_space());
    client.packets([0]);
    assert_eq!(client.out(), (0..8).collect::<Vec<_>>());
    assert_eq!(client.requests(), [8]);
    client.packets([8]);
    assert_eq!(client.out(), [8]);
    assert_eq!(client.receiver.statistics().no_room, 1);
}

#[test]
fn a_window_that_is_overrun_catches_up_with_the_stream() {
    let mut client = client(8);
    client.packets([0]);
    client.out();
    let mut out = Vec::new();
    for number in 2..600_u32 {
        client.wait(20);
        client.packet(9, number.to_le_bytes()[0], number);
        out.extend(client.out());
    }
    let missing: i64 = out.iter().filter(|number| **number < 0).map(|number| -number).sum();
    let packets: Vec<i64> = out.iter().copied().filter(|number| *number >= 0).collect();
    assert!(packets.windows(2).all(|two| two[0] < two[1]));
    assert_eq!(
        i64::try_from(packets.len()).unwrap() + missing,
        *packets.last().unwrap(),
        "each is there or given up"
    );
    assert!(*packets.last().unwrap() > 590, "{packets:?}");
}

#[test]
fn the_end_is_held_back_until_the_tail_is_there() {
    let mut client = client(16);
    client.packets(0..5);
    client.receiver.end_of_stream(client.now, Some(7));
    assert_eq!(client.out(), [0, 1, 2, 3, 4]);
    client.wait(80);
    assert_eq!(client.requests(), [5, 6, 7]);
    client.wait(50);
    client.packets([7, 5]);
    assert_eq!(client.out(), [5]);
    client.packets([6]);
    assert_eq!(client.out(), [6, 7, END]);
    assert_eq!(client.out(), []);
    assert_eq!(client.packet(9, 7, 7), Arrival::Duplicate);
}

#[test]
fn a_tail_that_does_not_come_is_reported_as_missing() {
    let mut client = client(64);
    client.packets(0..5);
    client.receiver.end_of_stream(client.now, Some(99));
    let mut out = Vec::new();
    let mut asked = 0;
    while out.last() != Some(&END) {
        client.now = client.receiver.poll_timeout().max(client.now);
        asked += client.requests().len();
        out.extend(client.out());
    }
    assert_eq!(out, [0, 1, 2, 3, 4, -95, END]);
    assert!(asked <= 16 + 32 * 5 / 2, "{asked}");
    assert!(client.now <= at(6000));
}

#[test]
fn an_end_without_a_count_comes_after_silence() {
    let mut client = client(16);
    client.packets(0..5);
    client.receiver.end_of_stream(client.now, None);
    client.wait(499);
    assert_eq!(client.out(), [0, 1, 2, 3, 4]);
    client.packets([5]);
    assert_eq!(client.out(), [5]);
    assert_eq!(client.receiver.poll_timeout(), client.now.after(Duration::from_millis(500)));
    client.wait(500);
    assert_eq!(client.out(), [END]);
}

#[test]
fn a_stream_of_which_nothing_came_is_asked_for_at_its_end() {
    let mut client = client(16);
    client.receiver.end_of_stream(client.now, Some(1));
    client.wait(80);
    assert_eq!(client.requests(), [0, 1]);
    client.packets([1, 0]);
    assert_eq!(client.out(), [0, 1, END]);
}

#[test]
fn the_first_packets_are_asked_for_too() {
    let mut client = client(16);
    client.packets([2, 3, 4]);
    assert_eq!(client.requests(), [0, 1]);
    client.packets([0, 1]);
    assert_eq!(client.out(), [0, 1, 2, 3, 4]);
}

#[test]
fn after_a_seek_old_packets_only_move_the_counter() {
    let mut client = client(16);
    client.packets(0..5);
    assert_eq!(client.out().len(), 5);
    client.receiver.stop();
    assert!(matches!(client.packet(9, 5, 5), Arrival::Other(_)));
    client.receiver.start(Start { incarnation: 10, first_location: Some(50), ordered: true });
    assert!(matches!(client.packet(9, 6, 6), Arrival::Other(_)));
    assert_eq!(client.packet(10, 8, 51), Arrival::Media, "number 7 was lost");
    assert_eq!(client.out(), []);
    client.wait(80);
    assert_eq!(client.requests(), [7]);
    assert_eq!(client.packet(10, 7, 50), Arrival::Media);
    assert_eq!(client.out(), [50, 51]);
    assert_eq!(client.receiver.statistics().packets_lost_client, 0);
}

#[test]
fn a_server_that_restarts_at_0_is_asked_for_its_own_numbers() {
    let mut client = client(512);
    client.packets(0..300);
    client.out();
    client.receiver.start(Start { incarnation: 10, first_location: Some(50), ordered: true });
    for (number, location) in [(0, 50), (2, 52), (3, 53), (4, 54)] {
        assert_eq!(client.packet(10, number, location), Arrival::Media);
    }
    assert_eq!(client.requests(), [1]);
    assert_eq!(client.packet(10, 1, 51), Arrival::Media);
    assert_eq!(client.out(), [50, 51, 52, 53, 54]);
}

#[test]
fn numbers_that_nobody_answers_are_tried_the_other_way() {
    let mut client = client(512);
    client.packets(0..300);
    client.out();
    // Where it starts is not known: it went on behind 299 and lost 300 and 301, or restarted and lost 0 to
    // 45.
    client.receiver.start(Start { incarnation: 10, first_location: None, ordered: true });
    for (number, location) in [(46, 90), (48, 92), (49, 93), (50, 94)] {
        client.packet(10, number, location);
    }
    let mut asked = Vec::new();
    while client.now < at(4900) && !asked.contains(&47) {
        asked.extend(client.requests());
        client.wait(1);
    }
    assert_eq!(asked.first(), Some(&300));
    assert!(asked.contains(&303) && asked.contains(&47), "{asked:?}");
    client.packet(10, 47, 91);
    client.wait(1000);
    assert_eq!(client.out(), [90, 91, 92, 93, 94]);
    assert_eq!(
        client.receiver.statistics().packets_lost_client,
        0,
        "it did not start where it was thought to"
    );
}

#[test]
fn a_server_without_resends_is_not_waited_for() {
    let storage = vec![0; Receiver::<Vec<u8>>::storage_for(256, SIZE)];
    let mut receiver = Receiver::new(storage, Config::default());
    receiver.open(SIZE).unwrap();
    receiver.start(Start { incarnation: 9, first_location: Some(0), ordered: true });
    let mut client = Client { receiver, now: at(1000) };
    let mut longest = 0;
    let mut first = None;
    for number in 0..4000_u32 {
        if number % 10 != 3 {
            client.packets([number]);
        }
        client.requests();
        if let Some(last) = client.out().last() {
            longest = if number > 3000 { longest.max(i64::from(number) - last) } else { longest };
        }
        let requested = client.receiver.statistics().resend_requests;
        first = first.or((number == 3000).then_some(requested));
        client.wait(10);
    }
    assert_eq!(first, Some(client.receiver.statistics().resend_requests), "it is asked no more");
    assert!(longest <= 10, "{longest} packets waited");
}

#[test]
fn without_a_client_id_losses_are_given_up_after_the_reorder_time() {
    let mut client = client(16);
    client.receiver.set_resend(false);
    client.packets([0, 2, 3, 4]);
    assert_eq!(client.requests(), []);
    assert_eq!(client.out(), [0]);
    assert_eq!(client.receiver.poll_timeout(), at(1080));
    client.wait(80);
    assert_eq!(client.out(), [-1, 2, 3, 4]);
}

#[test]
fn rewinding_needs_no_order_of_location_id() {
    let mut client = client(16);
    client.receiver.start(Start { incarnation: 10, first_location: None, ordered: false });
    for (number, location) in [(0, 200), (2, 120), (1, 160), (3, 80)] {
        assert_eq!(client.packet(10, number, location), Arrival::Media);
    }
    assert_eq!(client.out(), [200, 160, 120, 80]);
}

#[test]
fn a_lost_packet_of_a_filtered_stream_finds_its_place_from_far_behind() {
    let mut client = client(512);
    // every second packet of the file is left out
    for number in (0..300_u32).filter(|number| *number != 3) {
        assert_eq!(client.packet(9, number.to_le_bytes()[0], number * 2), Arrival::Media);
    }
    assert_eq!(client.out(), [0, 2, 4]);
    assert_eq!(client.packet(9, 3, 6), Arrival::Media);
    assert_eq!(client.out().len(), 297);
    assert_eq!(client.packet(9, 10, 20), Arrival::Duplicate);
}

#[test]
fn a_small_buffer_for_requests_is_an_error_that_changes_nothing() {
    let mut client = client(16);
    client.packets([0, 2, 3, 4]);
    let small = client.receiver.poll_resend(client.now, 7, 8, &mut [0; 139]);
    assert_eq!(small.unwrap_err().needed, 140);
    assert_eq!(client.requests(), [1]);
}

#[test]
fn before_open_there_is_no_space_and_nothing_happens() {
    let mut receiver = Receiver::new([0_u8; 0], Config::default());
    assert!(receiver.space().is_none() && !receiver.has_space());
    assert_eq!(receiver.poll(at(1)), None);
    assert_eq!(receiver.poll_timeout(), Instant::MAX);
    assert!(receiver.open(100).is_err());
    receiver.start(Start { incarnation: 9, first_location: None, ordered: true });
    receiver.end_of_stream(at(1), None);
    assert_eq!(receiver.poll(at(1000)), Some(Released::EndOfStream));
}

#[test]
fn packets_under_way_behind_the_end_of_the_stream_are_not_asked_for() {
    let mut client = client(64);
    client.receiver.end_of_stream(client.now, Some(29));
    for number in 0..30 {
        client.wait(70);
        client.packets([number]);
        assert_eq!(client.requests(), []);
    }
    assert_eq!(client.out().len(), 31);
    let mut lossy = self::client(64);
    lossy.receiver.end_of_stream(lossy.now, Some(29));
    lossy.packets((0..10).chain(11..13));
    assert_eq!(lossy.requests(), []);
    lossy.packets([13]);
    assert_eq!(lossy.requests(), [10]);
}
