//! Messages, Data packets and their framing.

use arbitrary::{Arbitrary, Unstructured};
use mms_core::error::DecodeError;
use mms_core::mmsp::wire::{
    Data, DataHeader, Deframer, Frame, FrameError, FrameLimits, FunnelName, Message, Messages,
    RequestPacketListResend, ServerVersion, Subscriber, TcpMessageHeader,
};
use mms_core::text::Text;

use super::Control;

fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut out = vec![0xAA; message.encoded_len()];
    assert_eq!(message.encode(&mut out), Ok(out.len()));
    out
}

/// Whatever decodes lies within the input, and its canonical form decodes to itself.
pub fn decode_message(data: &[u8]) {
    check_decoded(data, |data| Message::decode(data));
    let text = Text::from_wire(data);
    let _ = FunnelName::parse(text).map(|name| name.address.chars().count());
    let _ = (Subscriber::parse(text), ServerVersion::parse(text));
    if let Ok(header) = TcpMessageHeader::decode(data) {
        let again = TcpMessageHeader::decode(&header.encode());
        assert_eq!(again, Ok(header));
    }
    let body = data.get(TcpMessageHeader::LEN..).unwrap_or_default();
    let results: Vec<_> = Messages::new(body).collect();
    assert!(results.len() <= Messages::LIMIT + 1);
    let errors = results.iter().filter(|result| result.is_err()).count();
    assert!(errors <= 1 && results[..results.len() - errors].iter().all(Result::is_ok));
}

type Decode = for<'a> fn(&'a [u8]) -> Result<(Message<'a>, usize), DecodeError>;

fn check_decoded(data: &[u8], decode: Decode) {
    match decode(data) {
        Ok((message, consumed)) => {
            assert!(consumed >= 16 && consumed <= data.len() && consumed.is_multiple_of(8));
            let first = encoded(&message);
            let (again, used) = decode(&first).expect("what was encoded decodes");
            assert_eq!(used, first.len());
            assert_eq!(again.mid(), message.mid());
            assert_eq!(encoded(&again), first, "the canonical form is stable");
        }
        Err(error) => assert!(error.offset as usize <= data.len().max(64), "{error}"),
    }
}

/// The same for Data packets and resend requests.
pub fn decode_data(data: &[u8]) {
    check_data(data, |packet, out| packet.encode(out).map_err(|small| small.needed));
    if let Ok(request) = RequestPacketListResend::decode(data) {
        let mut out = vec![0xAA; request.encoded_len()];
        assert_eq!(request.encode(&mut out), Ok(out.len()));
        assert!(out.len() <= RequestPacketListResend::MAX_LEN);
        assert_eq!(RequestPacketListResend::decode(&out), Ok(request));
        assert!(data.starts_with(&out));
    }
}

fn check_data(data: &[u8], encode: impl Fn(&Data<'_>, &mut [u8]) -> Result<usize, usize>) {
    let Ok(packet) = Data::decode(data) else {
        let size = DataHeader::decode(data).map(|header| usize::from(header.packet_size));
        assert!(size.is_err() || size.is_ok_and(|size| size > data.len()));
        return;
    };
    let mut out = vec![0xAA; packet.encoded_len()];
    assert_eq!(encode(&packet, &mut out), Ok(out.len()));
    assert!(data.starts_with(&out), "every byte has a meaning");
}

/// A valid message survives encoding and decoding, and a second encoding is the same.
pub fn roundtrip_message(data: &[u8]) {
    if let Ok(message) = Message::arbitrary(&mut Unstructured::new(data)) {
        check_roundtrip(&message, encoded);
    }
}

fn check_roundtrip(message: &Message<'_>, encode: impl Fn(&Message<'_>) -> Vec<u8>) {
    let bytes = encode(message);
    let (again, consumed) = Message::decode(&bytes).expect("what was encoded decodes");
    assert_eq!((again, consumed), (*message, bytes.len()));
    assert_eq!(encode(&again), bytes);
    let mut short = vec![0xAA; bytes.len() - 1];
    assert_eq!(message.encode(&mut short).map_err(|small| small.needed), Err(bytes.len()));
    assert!(short.iter().all(|byte| *byte == 0xAA), "nothing or everything is written");
}

/// A stream is cut into the same packets, whatever the reads are.
pub fn deframer_split(data: &[u8]) {
    let mut control = Control(data);
    let limits = FrameLimits { command_bytes: 64 << (control.size() % 12), ..FrameLimits::default() };
    let pieces: Vec<usize> = (0..4).map(|_| control.size() + 1).collect();
    for deframer in [Deframer::client(limits), Deframer::server(limits)] {
        let mut copies = [deframer.clone(), deframer.clone(), deframer];
        let [whole, bytes, some] = &mut copies;
        check_split(
            control.0,
            &pieces,
            [&mut |b| whole.next(b), &mut |b| bytes.next(b), &mut |b| some.next(b)],
        );
    }
}

type Next<'a> = &'a mut dyn FnMut(&[u8]) -> Result<Frame, FrameError>;

fn check_split(stream: &[u8], pieces: &[usize], [whole, bytes, some]: [Next<'_>; 3]) {
    let found = cut(stream, &[stream.len().max(1)], whole);
    assert_eq!(cut(stream, &[1], bytes), found);
    assert_eq!(cut(stream, pieces, some), found);
}

fn cut(stream: &[u8], pieces: &[usize], next: Next<'_>) -> (Vec<Frame>, Option<FrameError>) {
    let (mut start, mut end, mut frames) = (0, 0, Vec::new());
    for piece in pieces.iter().cycle() {
        end = (end + piece).min(stream.len());
        loop {
            match next(&stream[start..end]) {
                Ok(Frame::Incomplete { needed }) => {
                    assert!(needed > end - start, "it asks for more than it has");
                    break;
                }
                Ok(frame @ (Frame::Command { total } | Frame::Data { total, .. })) => {
                    assert!(total >= 8 && total <= end - start, "every packet makes progress");
                    frames.push(frame);
                    start += total;
                }
                Ok(other) => panic!("{other:?}"),
                Err(error) => return (frames, Some(error)),
            }
        }
        if end == stream.len() {
            break;
        }
    }
    (frames, None)
}

#[cfg(test)]
mod tests {
    use super::super::panics;
    use super::*;
    use crate::{scripted, talk};

    #[test]
    fn an_encoder_that_changes_a_byte_is_caught() {
        let message = talk::connect_funnel(r"\\10.0.0.1\TCP\7");
        check_roundtrip(&message, encoded);
        for at in [12, 20, 34] {
            assert!(panics(|| check_roundtrip(&talk::connect_funnel(r"\\10.0.0.1\TCP\7"), |message| {
                let mut bytes = encoded(message);
                bytes[at] ^= 1;
                bytes
            })));
        }
    }

    #[test]
    fn an_encoder_that_depends_on_its_past_is_caught() {
        let calls = core::cell::Cell::new(0);
        let work = core::panic::AssertUnwindSafe(|| {
            check_roundtrip(&Message::Ping, |message| {
                calls.set(calls.get() + 1);
                let mut bytes = encoded(message);
                if calls.get() > 1 {
                    bytes[8] = 1;
                }
                bytes
            });
        });
        assert!(panics(work));
    }

    #[test]
    fn a_decoder_that_takes_too_much_is_caught() {
        let bytes = scripted::packet(&Message::Ping)[32..].to_vec();
        check_decoded(&bytes, |data| Message::decode(data));
        assert!(panics(|| check_decoded(&bytes, |data| {
            Message::decode(data).map(|(message, used)| (message, used + 8))
        })));
    }

    #[test]
    fn a_data_encoder_that_changes_a_field_is_caught() {
        let bytes = scripted::data(7, 1, 4, b"abc");
        check_data(&bytes, |packet, out| packet.encode(out).map_err(|small| small.needed));
        assert!(panics(|| check_data(&bytes, |packet, out| {
            Data { af_flags: 0, ..*packet }.encode(out).map_err(|small| small.needed)
        })));
    }

    #[test]
    fn a_deframer_that_decides_too_early_is_caught() {
        let stream = [scripted::data(1, 1, 0, &[0; 40]), scripted::data(2, 1, 0, b"x")].concat();
        let early = |bytes: &[u8]| {
            let size = usize::from(*bytes.get(6).unwrap_or(&0));
            match Deframer::client(FrameLimits::default()).next(bytes) {
                // takes the first part of a long packet for the whole
                Ok(Frame::Incomplete { needed }) if size >= 40 && bytes.len() >= 20 && needed > 20 => {
                    Ok(Frame::Command { total: bytes.len() })
                }
                other => other,
            }
        };
        let good = || Deframer::client(FrameLimits::default());
        let (mut a, mut b, mut c) = (good(), good(), good());
        check_split(&stream, &[20], [&mut |b| a.next(b), &mut |x| b.next(x), &mut |x| c.next(x)]);
        assert!(panics(|| check_split(
            &stream,
            &[20],
            [&mut |b| early(b), &mut |b| early(b), &mut |b| early(b)]
        )));
    }
}
