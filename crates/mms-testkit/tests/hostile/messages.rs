//! Messages of a hostile server.

use core::time::Duration;

use mms_core::error::{Error, Incompatible, LimitName, Misbehaviour, Reason, TimerName};
use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::{Message, Mid, RedirectType, ReportRedirect, TcpMessageHeader};
use mms_core::text::Text;
use mms_testkit::build::{good, header};
use mms_testkit::hostile::{Attack, Ending};
use mms_testkit::scripted::{end_of_stream, media, packet, packet_of, raw, server_opens, server_starts};
use mms_testkit::talk::connected;

use super::{and, client_meets, client_under, invalid, len, limit, put};

/// A command packet whose length field says something.
fn announced(message_length: u32, rest: usize) -> Vec<u8> {
    let head = TcpMessageHeader { message_length, ..TcpMessageHeader::for_messages(0, 0) };
    [&head.encode()[..], &vec![0x41; rest]].concat()
}

/// A session that goes well but for what comes before its end.
fn with(extra: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut chunks = server_starts(&header(&good()), 1000);
    chunks.extend(media(&[mms_testkit::build::packet(0)]));
    chunks.extend(extra);
    and(chunks, end_of_stream())
}

#[test]
fn m2_a_command_beyond_the_limit_is_refused_by_its_length() {
    let fate = client_meets(&[announced(65_528, 70_000)]);
    assert_eq!(fate.error, limit(LimitName::CommandBytes, 65_544, 65_536));
}

#[test]
fn m2_string_lengths_beyond_the_message_are_refused_where_they_stand() {
    for (field, which) in [48, 52, 56, 60].into_iter().enumerate() {
        for count in [100, 0x7FFF_FFFF, 0x8000_0000, u32::MAX] {
            let mut bytes = packet(&connected("9.1.1.3841", None));
            put(&mut bytes, 32 + which, count);
            let fate = client_meets(&[bytes]);
            assert_eq!(fate.error, invalid(Reason::NestedLength, 32 + which), "string {field}");
        }
    }
}

#[test]
fn m5_lengths_that_are_negative_as_int_are_too_large() {
    for length in [0xFFFF_FFF0, 0xFFFF_FFFF, 0x8000_0000, 0x7FFF_FFF8, 0xFFFF_FFF8] {
        let before = server_opens();
        let fate = client_meets(&and(before, announced(length, 100)));
        assert_eq!(fate.error, limit(LimitName::CommandBytes, length.saturating_add(16), 65_536));
    }
}

#[test]
fn m6_a_reply_of_the_longest_length_passes_and_one_chunk_more_does_not() {
    let long = raw(Mid(0x0004_00FF), &vec![0x41; 65_536 - 40]);
    assert_eq!(long.len(), 65_536);
    let fate = client_meets(&with(vec![long]));
    assert_eq!(fate.error, None);
    let mut chunks = with(vec![raw(Mid(0x0004_00FF), &vec![0x41; 65_536 - 32])]);
    chunks.pop();
    assert_eq!(client_meets(&chunks).error, limit(LimitName::CommandBytes, 65_544, 65_536));
}

#[test]
fn m7_what_is_announced_costs_nothing_until_it_comes() {
    let fate = client_meets(&[announced(0x4000_0000, 0)]);
    assert_eq!(fate.error, limit(LimitName::CommandBytes, 0x4000_0010, 65_536));
    let idle = client_meets(&[]);
    assert_eq!(idle.error, Some(Error::TimedOut(TimerName::Reply)));
    assert_eq!(fate.most_live, idle.most_live, "the least storage");
    // within the limit, but nothing follows
    let fate = client_meets(&[announced(65_520, 500)]);
    assert_eq!(fate.error, Some(Error::TimedOut(TimerName::Reply)));
    assert_eq!(fate.most_live, idle.most_live);
    // storage grows with what has come
    let fate = client_meets(&[announced(65_520, 5000)]);
    assert!(fate.most_live <= idle.most_live + 4 * 5000, "{}", fate.most_live);
    assert!(fate.most_live > idle.most_live);
}

#[test]
fn m8_lengths_whose_sum_wraps_are_seen_in_64_bits() {
    for chunk_len in [0x2000_0001, 0x2000_0002, 0x4000_0002, 0xE000_0002, u32::MAX] {
        let mut bytes = packet(&connected("9.1.1.3841", None));
        put(&mut bytes, 32, chunk_len);
        let chunks = [bytes];
        assert_eq!(client_meets(&chunks).error, invalid(Reason::ChunkLen, 32), "{chunk_len:#x}");
    }
    for field in [48, 60] {
        let mut bytes = packet(&connected("9.1.1.3841", None));
        // twice the count is 22 in 32 bits
        put(&mut bytes, 32 + field, 0x8000_000B);
        assert_eq!(client_meets(&[bytes]).error, invalid(Reason::NestedLength, 32 + field));
    }
}

#[test]
fn m9_chunk_counts_that_contradict_the_packet_are_refused() {
    let good = packet(&connected("9.1.1.3841", None));
    let chunks = u32::from_le_bytes(good[32..36].try_into().unwrap());
    let mut more = good.clone();
    put(&mut more, 32, chunks + 1);
    let before = server_opens()[..1].to_vec();
    let place = len(&before) + 32;
    assert_eq!(client_meets(&[more]).error, invalid(Reason::ChunkLen, 32));
    for count in [0, 1] {
        let mut less = server_opens().remove(1);
        put(&mut less, 32, count);
        assert_eq!(client_meets(&and(before.clone(), less)).error, invalid(Reason::ChunkLen, place));
    }
    // the rest of a message that says it is shorter is read as the next one
    let mut less = server_opens().remove(3);
    put(&mut less, 32, 2);
    let before = server_opens()[..3].to_vec();
    assert_eq!(
        client_meets(&and(before.clone(), less)).error,
        invalid(Reason::Truncated, len(&before) + 32 + 16),
        "a ReportOpenFile of two chunks"
    );
}

#[test]
fn m15_pings_of_any_content_are_answered() {
    let pings = [
        raw(Mid::PING, &[0; 8]),
        raw(Mid::PING, &[0xFF; 8]),
        raw(Mid::PING, &0xC00D_001A_u64.to_le_bytes()),
        raw(Mid::PING, &[0xAA; 64]),
    ];
    let fate = client_meets(&with(pings.to_vec()));
    assert_eq!(fate.error, None);
    let pongs = fate.said().iter().filter(|said| said.mid == Some(Mid::PONG)).count();
    assert_eq!(pongs, pings.len());
    // during the handshake too
    let mut chunks = server_starts(&header(&good()), 1000);
    for at in (0..chunks.len()).rev() {
        chunks.insert(at, pings[at % 4].clone());
    }
    assert_eq!(client_meets(&and(chunks, end_of_stream())).error, None);
}

#[test]
fn m18_a_server_that_pings_without_end_meets_a_limit() {
    let mut chunks = server_starts(&header(&good()), 1000);
    chunks.extend(vec![packet(&Message::Ping); 500]);
    let fate = client_meets(&chunks);
    assert_eq!(fate.error, limit(LimitName::Pings, 121, 120));
    let pongs = fate.said().iter().filter(|said| said.mid == Some(Mid::PONG)).count();
    assert!(pongs <= 120, "{pongs}");
    // one each second is a habit, not an attack
    let pings = vec![packet(&Message::Ping); 400];
    let chunks = with(pings);
    let attack = Attack { pause: Duration::from_secs(1), ..Attack::new(&chunks) };
    assert_eq!(client_under(&attack).error, None);
    // many in one packet count one by one
    let fate = client_meets(&[packet_of(&[Message::Ping; 60]), packet_of(&[Message::Ping; 61])]);
    assert_eq!(fate.error, limit(LimitName::Pings, 121, 120));
}

/// ReportConnectedEX with these bytes as version of the server.
fn version(bytes: &[u8]) -> Vec<u8> {
    let whole = packet(&connected("", None));
    let mut body = whole[40..40 + 56].to_vec();
    body[40..44].copy_from_slice(&u32::try_from(bytes.len() / 2).unwrap().to_le_bytes());
    body.extend(bytes);
    body.resize(body.len().next_multiple_of(8), 0);
    raw(Mid::REPORT_CONNECTED_EX, &body)
}

#[test]
fn m19_strings_without_nul_with_nul_and_of_half_characters_are_taken() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let good_end = with(Vec::new());
    for (bytes, known) in [
        (wide("9.1.1.3841"), true),
        (wide("9.1\09.1\0"), true),
        (wide("\09.1.1.1"), false),
        (vec![0x00, 0xD8, 0x39, 0x00], false),
        (vec![0xFF; 40], false),
        (Vec::new(), false),
    ] {
        let mut chunks = good_end.clone();
        chunks[0] = version(&bytes);
        let fate = client_meets(&chunks);
        assert_eq!(fate.error, None, "{bytes:?}");
        assert_eq!(fate.story[0].contains("major: 9"), known, "{}", fate.story[0]);
    }
}

#[test]
fn m19_a_location_of_odd_length_without_nul_is_a_location() {
    let elsewhere = Some(Error::PeerIncompatible(Incompatible::RedirectScheme));
    let opens = server_opens()[..3].to_vec();
    let redirect = |location: &'static str| {
        packet(&Message::ReportRedirect(ReportRedirect {
            hr: Hresult::S_OK,
            redirect_type: RedirectType::URL,
            location: Text::Str(location),
        }))
    };
    for length in [1, 3, 20, 21] {
        let mut bytes = redirect("rtsp://other/content.wmv");
        bytes[32 + 14..32 + 16].copy_from_slice(&u16::to_le_bytes(length));
        assert_eq!(client_meets(&and(opens.clone(), bytes)).error, elsewhere, "{length}");
    }
    for length in [60, 0x7FFF, 0xFFFF] {
        let mut bytes = redirect("mms://other/content.wmv");
        bytes[32 + 14..32 + 16].copy_from_slice(&u16::to_le_bytes(length));
        let error = invalid(Reason::NestedLength, len(&opens) + 32 + 14);
        assert_eq!(client_meets(&and(opens.clone(), bytes)).error, error, "{length}");
    }
}

#[test]
fn m20_two_messages_in_one_packet_are_both_taken() {
    let singles = with(Vec::new());
    let one_by_one = client_meets(&singles);
    // replies to requests that the client has not written yet are replies all the same
    let bodies: Vec<u8> = singles[..2].iter().flat_map(|chunk| chunk[32..].to_vec()).collect();
    let head = TcpMessageHeader::for_messages(bodies.len(), 0).encode();
    let mut chunks = singles[2..].to_vec();
    chunks.insert(0, [&head[..], &bodies].concat());
    let together = client_meets(&chunks);
    assert_eq!(together.error, None);
    assert_eq!((together.story, together.bytes), (one_by_one.story, one_by_one.bytes));
}

#[test]
fn m20_a_chunk_count_that_disagrees_means_nothing_and_a_length_does() {
    for count in [0, 1, 1000, u32::MAX] {
        let mut chunks = with(Vec::new());
        put(&mut chunks[0], 16, count);
        assert_eq!(client_meets(&chunks).error, None, "{count}");
    }
    let whole = packet(&connected("9.1.1.3841", None));
    let length = u32::from_le_bytes(whole[8..12].try_into().unwrap());
    let mut longer = whole.clone();
    put(&mut longer, 8, length + 16);
    longer.extend([0; 16]);
    assert_eq!(client_meets(&[longer]).error, invalid(Reason::ChunkLen, whole.len()));
    let mut shorter = whole.clone();
    put(&mut shorter, 8, length - 8);
    assert_eq!(client_meets(&[shorter]).error, invalid(Reason::ChunkLen, 32));
    // both are read: the second is a doubled reply, which means nothing
    let twice = [packet_of(&[connected("9.1.1.3841", None); 2])];
    let fate = client_under(&Attack { ending: Ending::Close, ..Attack::new(&twice) });
    assert_eq!(fate.error, Some(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd)));
}

#[test]
fn m20_too_many_messages_in_one_packet_meet_a_limit() {
    let unknown = Message::Unknown { mid: Mid(0x0004_00FF), body: &[0; 8] };
    let attack = [packet_of(&[unknown; 65])];
    let fate = client_meets(&attack);
    assert_eq!(fate.error, limit(LimitName::MessagesPerPacket, 65, 64));
    let chunks = [packet_of(&[unknown; 64])];
    let fate = client_under(&Attack { ending: Ending::Close, ..Attack::new(&chunks) });
    assert_eq!(fate.error, Some(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd)));
}
