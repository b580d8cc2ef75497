//! Data packets of a hostile server.

use core::time::Duration;

use mms_core::error::{Error, Misbehaviour, TimerName};
use mms_testkit::build::{PACKET_SIZE, good, header, packet};
use mms_testkit::scripted::{
    PLAY_INCARNATION, data, end_of_stream, fragments, media, server_header, server_opens, server_starts,
};

use super::{and, client_meets};

const TOO_LARGE: Option<Error> = Some(Error::PeerMisbehaved(Misbehaviour::PacketTooLarge));

fn streaming() -> Vec<Vec<u8>> {
    server_starts(&header(&good()), 1000)
}

#[test]
fn m2_a_media_packet_beyond_the_packet_size_is_refused() {
    let fate = client_meets(&and(streaming(), data(0, PLAY_INCARNATION, 0, &[0; 65_000])));
    assert_eq!(fate.error, TOO_LARGE);
}

#[test]
fn m3_a_packet_whose_length_exceeds_every_buffer_is_refused() {
    let mut bytes = data(0, PLAY_INCARNATION, 0, &[0x82; 65_527]);
    assert_eq!(bytes[6..8], [0xFF, 0xFF]);
    assert_eq!(client_meets(&and(streaming(), bytes.clone())).error, TOO_LARGE);
    // announced, and not sent
    bytes.truncate(300);
    let fate = client_meets(&and(streaming(), bytes));
    assert_eq!(fate.error, Some(Error::TimedOut(TimerName::Media)));
    let without = client_meets(&streaming());
    assert_eq!(fate.most_live, without.most_live);
}

#[test]
fn m10_header_fragments_with_other_flags_are_ignored() {
    let header = header(&good());
    let mut chunks = server_header(&header, 100);
    let place = chunks.len() - fragments(&header, 100).len();
    for flags in [0x01, 0x0D, 0x10, 0x18, 0x40, 0x80, 0xFF] {
        chunks.insert(place, data(0, 1, flags, &[0x41; 50]));
        chunks.push(data(7, 1, flags, &[0x41; 50]));
    }
    chunks.extend(streaming()[streaming().len() - 2..].to_vec());
    chunks.extend(media(&[packet(0), packet(10)]));
    let fate = client_meets(&and(chunks, end_of_stream()));
    assert_eq!(fate.error, None);
    assert_eq!(fate.bytes, [header, packet(0), packet(10)].concat());
}

#[test]
fn m14_a_packet_of_one_byte_more_than_the_packet_size_is_refused() {
    for more in [0, 1] {
        let payload = vec![0; PACKET_SIZE + more];
        let chunks = and(and(streaming(), data(0, PLAY_INCARNATION, 0, &payload)), end_of_stream());
        assert_eq!(client_meets(&chunks).error, if more == 0 { None } else { TOO_LARGE });
    }
}

#[test]
fn m16_a_stream_that_never_comes_is_not_waited_for() {
    let fate = client_meets(&streaming());
    assert_eq!(fate.error, Some(Error::TimedOut(TimerName::Media)));
    assert_eq!(fate.lived, Duration::from_secs(15));
    let fate = client_meets(&and(streaming(), media(&[packet(0)]).remove(0)));
    assert_eq!(fate.error, Some(Error::TimedOut(TimerName::Silence)));
    // at each reply of the handshake
    for replies in 0..server_opens().len() + 2 {
        let fate = client_meets(&streaming()[..replies]);
        use TimerName::{Funnel, Header, Open, Reply};
        let step = [Reply, Funnel, Funnel, Open].get(replies).copied().unwrap_or(Header);
        assert_eq!(fate.error, Some(Error::TimedOut(step)), "{replies}");
        assert_eq!(fate.lived, Duration::from_secs(20));
    }
}
