//! The format.

use mms_core::asf::{
    DATA_OBJECT_LEN, Header, HeaderError, HeaderLimits, HeaderSummary, HeaderWalker, MAX_PACKET_SIZE,
    PacketHead, Restored, restore_padding,
};
use mms_core::error::DecodeError;

use super::Control;

/// A header gives the same summary or error in any parts, and the views over it agree and never panic.
pub fn asf_header(data: &[u8]) {
    let mut control = Control(data);
    let objects = 1 + 16 * u32::from(control.byte());
    let sizes: Vec<usize> = (0..3).map(|_| control.size() + 1).collect();
    let header = control.0;
    let limits = HeaderLimits { objects, ..HeaderLimits::default() };
    let whole = walk(header, limits, &[header.len().max(1)], |part| part);
    assert_eq!(walk(header, limits, &[1], |part| part), whole);
    assert_eq!(walk(header, limits, &sizes, |part| part), whole);
    let unlimited = HeaderLimits { bytes: u64::MAX, objects: u32::MAX };
    let walked = walk(header, unlimited, &sizes, |part| part);
    check_views(header, &walked);
}

type Walked = Result<Option<HeaderSummary>, HeaderError>;

fn walk(header: &[u8], limits: HeaderLimits, sizes: &[usize], part: impl Fn(&[u8]) -> &[u8]) -> Walked {
    let mut walker = HeaderWalker::new(limits);
    let mut rest = header;
    for size in sizes.iter().cycle() {
        let (first, behind) = rest.split_at((*size).min(rest.len()));
        if let Err(error) = walker.feed(part(first)) {
            assert_eq!(walker.feed(behind), Err(error), "an error stays");
            assert!(!walker.is_complete() && walker.summary().is_none());
            return Err(error);
        }
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    if let Some(total) = walker.total_len() {
        assert!(total <= limits.bytes && walker.consumed() <= total);
        assert_eq!(walker.is_complete(), walker.consumed() == total);
    }
    Ok(walker.summary().cloned())
}

fn check_views(bytes: &[u8], walked: &Walked) {
    let header = match (Header::decode(bytes), walked) {
        (Ok(header), Ok(Some(summary))) => {
            assert_eq!(header.summary(), summary);
            header
        }
        (Err(error), Err(HeaderError::Invalid(wanted))) => {
            assert_eq!(error, *wanted);
            return;
        }
        (Err(_), Ok(None)) => return,
        other => panic!("the views differ: {other:?}"),
    };
    let summary = header.summary();
    assert!((1..=MAX_PACKET_SIZE).contains(&summary.packet_size()));
    assert_eq!(summary.data_offset + DATA_OBJECT_LEN as u64, summary.header_len);
    let mut views: Vec<_> = header.streams().map(|stream| stream.number).collect();
    views.sort_unstable();
    let table: Vec<_> = summary.streams.iter().map(|stream| stream.number).collect();
    assert_eq!(views, table);
    for stream in header.streams() {
        assert!(stream.type_specific.len() + stream.error_correction.len() <= bytes.len());
        let names =
            (stream.audio().and_then(|a| a.codec_name()), stream.video().and_then(|v| v.codec_name()));
        assert!(names.0.is_none_or(|name| !name.is_empty()) && names.1.is_none_or(|name| !name.is_empty()));
    }
    let texts =
        header.codecs().map(|codec| format!("{}{}", codec.name, codec.description).len()).sum::<usize>()
            + header.extended_content().map(|tag| format!("{}{}", tag.name, tag.value).len()).sum::<usize>()
            + header.content_description().map_or(0, |content| format!("{content:?}").len().min(1))
            + header.stream_bit_rates().count();
    // a value may say how many bytes it has, and each byte of UTF-16 becomes at most three
    assert!(texts <= bytes.len() * 64 + 64, "{texts} characters of {} bytes", bytes.len());
    for object in header.objects().chain(header.extension_objects()) {
        assert!(object.size() >= 24 && object.offset + object.size() <= summary.data_offset);
    }
}

/// The head of a packet stays inside it, and putting padding back keeps the payload.
pub fn asf_packet(data: &[u8]) {
    let mut control = Control(data);
    let more = control.size() * 256 + control.size();
    check_packet(control.0, more, restore_padding);
}

type Restore = for<'a> fn(&'a [u8], u32) -> Result<Restored<'a>, DecodeError>;

fn check_packet(packet: &[u8], more: usize, restore: Restore) {
    let before = PacketHead::decode(packet);
    if let Ok(head) = &before {
        let range = head.payload_range();
        assert!(head.head_len <= range.start && range.start <= range.end);
        assert!(range.end <= head.total_len && head.total_len <= packet.len());
        assert!(head.error_correction_len + 8 <= head.head_len && head.head_len <= 36);
    }
    let Ok(nominal) = u32::try_from(packet.len() + more) else { return };
    let Ok(restored) = restore(packet, nominal) else {
        assert!(more > 0, "a packet of the nominal size stays as it is");
        return;
    };
    let mut whole = restored.slices().concat();
    assert_eq!(whole.len() + restored.zeros(), restored.total_len());
    whole.resize(restored.total_len(), 0);
    assert_eq!(whole.len(), packet.len() + more);
    if more == 0 {
        assert_eq!(whole, packet);
        return;
    }
    // with Packet Length and padding that add up to the nominal size, only the whole makes sense
    let (Ok(before), Ok(after)) = (before, PacketHead::decode(&whole)) else { return };
    assert_eq!((after.send_time_ms, after.duration_ms), (before.send_time_ms, before.duration_ms));
    assert_eq!((after.sequence, after.explicit_packet_length), (before.sequence, None));
    assert!(whole[after.payload_range()].starts_with(&packet[before.payload_range()]));
}

#[cfg(test)]
mod tests {
    use super::super::panics;
    use super::*;
    use crate::build::{good, header, packet};

    #[test]
    fn a_walker_that_loses_a_byte_is_caught() {
        let bytes = header(&good());
        let limits = HeaderLimits::default();
        let whole = walk(&bytes, limits, &[bytes.len()], |part| part);
        assert!(whole.as_ref().is_ok_and(Option::is_some));
        let lossy = walk(&bytes, limits, &[50], |part| if part.len() == 50 { &part[1..] } else { part });
        assert_ne!(lossy, whole);
    }

    #[test]
    fn views_that_differ_from_the_walker_are_caught() {
        let bytes = header(&good());
        let walked = walk(&bytes, HeaderLimits::default(), &[7], |part| part);
        check_views(&bytes, &walked);
        let mut other = walked.clone();
        other.as_mut().unwrap().as_mut().unwrap().bit_rate += 1;
        assert!(panics(|| check_views(&bytes, &other)));
        assert!(panics(|| check_views(&bytes, &Ok(None))));
    }

    #[test]
    fn padding_that_is_put_in_the_wrong_place_is_caught() {
        let mut short = packet(5);
        short.truncate(80);
        short[20..].fill(7);
        check_packet(&short, 20, restore_padding);
        // forgets what is missing
        assert!(panics(|| check_packet(&short, 20, |packet, _| restore_padding(packet, 80))));
        // takes another packet
        assert!(panics(|| check_packet(&short, 20, |packet, nominal| {
            restore_padding(&packet[..60], nominal)
        })));
    }
}
