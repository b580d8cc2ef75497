//! Laws that hold for any bytes.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use asf::{
    example_a, example_b, extended, extension, file_properties, header, object, stream, u32_of, walk_in_parts,
};
use mms_core::asf::{Guid, Header, HeaderError, HeaderLimits, HeaderPatch, PacketHead, restore_padding};
use proptest::prelude::*;

/// A header with bytes of it changed, or objects in any order with wrong sizes now and then.
fn headers() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let good = prop_oneof![Just(example_a()), Just(example_b()), built()];
    (good, damage).prop_map(|(mut bytes, damage)| {
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes
    })
}

fn objects() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop::sample::select(vec![
        Guid::AUDIO_MEDIA,
        Guid::VIDEO_MEDIA,
        Guid::COMMAND_MEDIA,
        Guid::BINARY_MEDIA,
        Guid::PADDING,
    ]);
    let known = prop::sample::select(vec![
        Guid::STREAM_BITRATE_PROPERTIES,
        Guid::STREAM_PROPERTIES,
        Guid::EXTENDED_STREAM_PROPERTIES,
        Guid::CODEC_LIST,
        Guid::CONTENT_DESCRIPTION,
        Guid::EXTENDED_CONTENT_DESCRIPTION,
        Guid::HEADER_EXTENSION,
        Guid::PADDING,
    ]);
    let bytes = || prop::collection::vec(any::<u8>(), 0..120);
    prop_oneof![
        Just(file_properties(100, 100)),
        (kinds.clone(), any::<u16>(), bytes()).prop_map(|(kind, n, rest)| stream(kind, n, &rest)),
        (known, bytes()).prop_map(|(guid, body)| object(guid, &body)),
        (any::<u16>(), 0..3u16, 0..3u16, bytes()).prop_map(|(n, a, b, rest)| extended(n, a, b, &rest)),
        (kinds, 0..128u16).prop_map(|(kind, n)| extended(n, 0, 0, &stream(kind, n, &[]))),
    ]
}

fn built() -> impl Strategy<Value = Vec<u8>> {
    let inner = || prop::collection::vec(objects(), 0..6);
    (inner(), inner(), inner()).prop_map(|(before, inside, after)| {
        header(&[before, vec![extension(&inside), file_properties(100, 100)], after].concat())
    })
}

fn packets() -> impl Strategy<Value = Vec<u8>> {
    let lengths = prop::sample::select(vec![0u8, 1, 8, 9, 0x10, 0x11, 0x40, 0x48, 0x50, 0x51, 0x22, 0x7f]);
    let built = (any::<bool>(), lengths, any::<[u8; 4]>(), prop::collection::vec(any::<u8>(), 0..400));
    let built = built.prop_map(|(correction, lengths, fields, rest)| {
        let mut packet = if correction { vec![0x82, 0, 0] } else { vec![] };
        packet.extend_from_slice(&[lengths, 0x5d, fields[0], fields[1] & 1, fields[2], fields[3] & 1]);
        packet.extend_from_slice(&rest);
        packet
    });
    prop_oneof![built, prop::collection::vec(any::<u8>(), 0..80)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_parts_of_a_header_give_the_same_summary_or_error(
        bytes in headers(),
        sizes in prop::collection::vec(1..200usize, 1..6),
        objects in 0..40u32,
    ) {
        let limits = HeaderLimits { objects, ..HeaderLimits::default() };
        let whole = walk_in_parts(&bytes, limits, &[bytes.len()]);
        prop_assert_eq!(&walk_in_parts(&bytes, limits, &sizes), &whole);
        prop_assert_eq!(&walk_in_parts(&bytes, limits, &[1]), &whole);
    }

    #[test]
    fn the_views_agree_with_the_walker_and_read_everything(bytes in headers()) {
        let limits = HeaderLimits { bytes: u64::MAX, objects: u32::MAX };
        let walked = walk_in_parts(&bytes, limits, &[bytes.len()]);
        let header = match (Header::decode(&bytes), walked) {
            (Ok(header), Ok(Some(summary))) => {
                prop_assert_eq!(header.summary(), &summary);
                header
            }
            (Err(error), Err(HeaderError::Invalid(wanted))) => {
                prop_assert_eq!(error, wanted);
                return Ok(());
            }
            (Err(_), Ok(None)) => return Ok(()),
            other => panic!("{other:?}"),
        };
        let mut views: Vec<_> = header.streams().map(|s| (s.number, s.kind)).collect();
        views.sort_unstable_by_key(|(number, _)| *number);
        let table: Vec<_> = header.summary().streams.iter().map(|s| (s.number, s.kind)).collect();
        prop_assert_eq!(views, table);
        for stream in header.streams() {
            let used = stream.type_specific.len() + stream.error_correction.len();
            prop_assert!(used <= bytes.len());
            let _ = (stream.audio(), stream.video());
        }
        let texts = header.codecs().map(|c| format!("{}{}", c.name, c.description)).count()
            + header.extended_content().map(|t| format!("{}{}", t.name, t.value)).count()
            + header.stream_bit_rates().count()
            + header.content_description().map_or(0, |c| c.title.chars().count());
        prop_assert!(texts <= bytes.len());
    }

    #[test]
    fn a_patch_in_parts_is_the_patch_of_the_whole(
        cut in 0..334usize,
        packets in any::<u64>(),
        size in any::<u64>(),
    ) {
        let file = example_a();
        let summary = Header::decode(&file).unwrap().summary().clone();
        let patch = HeaderPatch::finished(&summary, packets, None, None, size, true);
        let mut whole = file[..334].to_vec();
        patch.apply(0, &mut whole);
        let mut parts = file[..334].to_vec();
        let (before, behind) = parts.split_at_mut(cut);
        patch.apply(cut as u64, behind);
        patch.apply(0, before);
        prop_assert_eq!(&parts, &whole);
        let patched = Header::decode(&whole).unwrap().summary().clone();
        prop_assert_eq!((patched.data_packets, patched.file_properties.file_size), (packets, size));
        prop_assert_eq!(patched.file_properties.data_packets_count, packets);
    }

    #[test]
    fn a_packet_head_stays_inside_its_packet(packet in packets()) {
        if let Ok(head) = PacketHead::decode(&packet) {
            let range = head.payload_range();
            prop_assert!(head.head_len <= range.start && range.start <= range.end);
            prop_assert!(range.end <= head.total_len && head.total_len <= packet.len());
            prop_assert!(head.error_correction_len + 8 <= head.head_len && head.head_len <= 36);
        }
    }

    #[test]
    fn a_restored_packet_has_the_nominal_size_and_the_same_payload(packet in packets(), more in 0..70_000u32) {
        let nominal = u32_of(packet.len()) + more;
        let Ok(restored) = restore_padding(&packet, nominal) else {
            prop_assert!(more > 0);
            prop_assert!(more > 60_000 || PacketHead::decode(&packet).is_err());
            return Ok(());
        };
        let mut whole = restored.slices().concat();
        whole.resize(whole.len() + restored.zeros(), 0);
        prop_assert_eq!(whole.len(), nominal as usize);
        if more == 0 {
            prop_assert_eq!(whole, packet);
            return Ok(());
        }
        let (Ok(before), Ok(after)) = (PacketHead::decode(&packet), PacketHead::decode(&whole)) else {
            // Packet Length and padding add up to the nominal size: only with it the packet makes sense.
            return Ok(());
        };
        prop_assert_eq!((after.send_time_ms, after.duration_ms), (before.send_time_ms, before.duration_ms));
        prop_assert_eq!(after.sequence, before.sequence);
        prop_assert_eq!(after.explicit_packet_length, None);
        let payload = &packet[before.payload_range()];
        prop_assert!(whole[after.payload_range()].starts_with(payload));
    }
}
