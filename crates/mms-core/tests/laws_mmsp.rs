//! What must hold for every valid value and for every input.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use arbitrary::{Arbitrary, Unstructured};
use mms_core::mmsp::wire::*;
use mms_core::text::Text;
use proptest::collection::vec;
use proptest::prelude::*;

/// The one way from bytes to valid values.
fn value<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<T> {
    T::arbitrary(&mut Unstructured::new(bytes)).ok()
}

/// Bytes whose first one chooses among `kinds`, since the generator takes the choice from there.
fn seeds(kinds: u8) -> impl Strategy<Value = Vec<u8>> {
    (0..kinds, prop_oneof![vec(any::<u8>(), 0..400), vec(any::<u8>(), 1500..1700)]).prop_map(
        |(kind, mut rest)| {
            rest.insert(0, kind);
            rest
        },
    )
}

fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut out = vec![0xAA; message.encoded_len()];
    assert_eq!(message.encode(&mut out), Ok(out.len()));
    out
}

/// `decode(encode(message)) == message`, and a second encoding is the same.
fn check_message(message: &Message<'_>) {
    let bytes = encoded(message);
    assert_eq!(bytes.len() % 8, 0);
    let (again, consumed) = Message::decode(&bytes).unwrap();
    assert_eq!((again, consumed), (*message, bytes.len()));
    assert_eq!(encoded(&again), bytes);
    let mut short = vec![0xAA; bytes.len() - 1];
    assert_eq!(message.encode(&mut short).unwrap_err().needed, bytes.len());
    assert!(short.iter().all(|byte| *byte == 0xAA));
}

/// What a deframer finds in a stream that arrives in pieces of these sizes, over and over.
fn frames(
    mut deframer: Deframer,
    stream: &[u8],
    pieces: &[usize],
) -> (Vec<Frame>, Option<FrameError>, usize) {
    let (mut start, mut end, mut frames) = (0, 0, Vec::new());
    for piece in pieces.iter().cycle() {
        end = (end + piece).min(stream.len());
        loop {
            match deframer.next(&stream[start..end]) {
                Ok(Frame::Incomplete { needed }) => {
                    assert!(needed > end - start, "it asks for more than it has");
                    break;
                }
                Ok(frame @ (Frame::Command { total } | Frame::Data { total, .. })) => {
                    assert!(total >= 8 && total <= end - start, "every frame makes progress");
                    frames.push(frame);
                    start += total;
                }
                Ok(other) => panic!("{other:?}"),
                Err(error) => return (frames, Some(error), start),
            }
        }
        if end == stream.len() {
            break;
        }
    }
    (frames, None, start)
}

#[test]
fn the_generator_reaches_every_message() {
    let mut seen = std::collections::BTreeSet::new();
    for kind in 0..29_u8 {
        let bytes: Vec<u8> =
            core::iter::once(kind).chain((0..251_u8).map(|i| i.wrapping_mul(7)).cycle().take(1600)).collect();
        let message: Message<'_> = value(&bytes).unwrap();
        check_message(&message);
        seen.insert(message.mid().name());
    }
    // The known ones and an unknown one.
    assert_eq!(seen.len(), Mid::KNOWN.len() + 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_survive_encoding_and_decoding(bytes in seeds(29)) {
        if let Some(message) = value::<Message<'_>>(&bytes) {
            check_message(&message);
        }
    }

    #[test]
    fn a_decoded_message_survives_encoding(bytes in vec(any::<u8>(), 0..200), mid in 0..28_usize) {
        let mut bytes = bytes;
        bytes.resize(bytes.len().next_multiple_of(8).max(16), 0);
        let chunk_len = u32::try_from(bytes.len() / 8).unwrap();
        bytes[..4].copy_from_slice(&chunk_len.to_le_bytes());
        bytes[4..8].copy_from_slice(&Mid::KNOWN[mid].0.to_le_bytes());
        if let Ok((message, _)) = Message::decode(&bytes) {
            let first = encoded(&message);
            let (again, _) = Message::decode(&first).unwrap();
            prop_assert_eq!(encoded(&again), first);
        }
    }

    #[test]
    fn tcp_headers_survive_encoding_and_decoding(bytes in vec(any::<u8>(), 32..40)) {
        let header: TcpMessageHeader = value(&bytes).unwrap();
        prop_assert_eq!(TcpMessageHeader::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn data_packets_survive_encoding_and_decoding(bytes in vec(any::<u8>(), 0..300)) {
        if let Some(header) = value::<DataHeader>(&bytes) {
            prop_assert_eq!(DataHeader::decode(&header.encode()), Ok(header));
        }
        if let Some(data) = value::<Data<'_>>(&bytes) {
            let mut out = vec![0; data.encoded_len()];
            prop_assert_eq!(data.encode(&mut out), Ok(out.len()));
            out.extend([1, 2, 3]);
            prop_assert_eq!(Data::decode(&out), Ok(data));
        }
    }

    #[test]
    fn resend_requests_survive_encoding_and_decoding(bytes in vec(any::<u8>(), 16..200)) {
        let request: RequestPacketListResend<'_> = value(&bytes).unwrap();
        let mut out = vec![0; request.encoded_len()];
        prop_assert_eq!(request.encode(&mut out), Ok(out.len()));
        prop_assert_eq!(RequestPacketListResend::decode(&out), Ok(request));
    }

    #[test]
    fn client_logs_survive_encoding_and_decoding(bytes in vec(any::<u8>(), 1490..1500)) {
        let log: ClientLog<'_> = value(&bytes).unwrap();
        let first = log.encode();
        let again = ClientLog::decode(&first).unwrap();
        prop_assert_eq!(again.encode(), first);
        if let Some(whole) = value::<ClientLog<'_>>(&first) {
            prop_assert_eq!(whole, again);
        }
    }

    #[test]
    fn a_command_stream_is_cut_the_same_way_in_any_pieces(
        seeds in vec((seeds(29), any::<bool>()), 0..5),
        garbage in vec(any::<u8>(), 0..20),
        pieces in vec(1..50_usize, 1..5),
    ) {
        let mut stream = Vec::new();
        for (seed, is_data) in &seeds {
            if let (true, Some(data)) = (is_data, value::<Data<'_>>(seed)) {
                let start = stream.len();
                stream.resize(start + data.encoded_len(), 0);
                data.encode(&mut stream[start..]).unwrap();
            } else if let Some(message) = value::<Message<'_>>(seed) {
                let start = stream.len();
                stream.resize(start + 32 + message.encoded_len(), 0);
                encode_packet(&message, 7, &mut stream[start..]).unwrap();
            }
        }
        let sent = stream.len();
        stream.extend(garbage);
        for deframer in [Deframer::client(FrameLimits::default()), Deframer::server(FrameLimits::default())] {
            let whole = frames(deframer.clone(), &stream, &[stream.len().max(1)]);
            prop_assert_eq!(&frames(deframer.clone(), &stream, &[1]), &whole);
            prop_assert_eq!(&frames(deframer, &stream, &pieces), &whole);
        }
        let (_, _, end) = frames(Deframer::client(FrameLimits::default()), &stream, &pieces);
        prop_assert!(end >= sent, "every packet that was sent is found");
    }

    #[test]
    fn texts_have_one_meaning_in_all_forms(text in any::<String>(), cut in any::<prop::sample::Index>()) {
        let visible = text.split('\0').next().unwrap();
        let wire: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut at = cut.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let parts = [&text[..at], &text[at..]];
        for form in [Text::Str(&text), Text::from_wire(&wire), Text::Wire(&wire), Text::Parts(&parts)] {
            prop_assert!(form.eq_str(visible));
            prop_assert_eq!(form.to_string(), visible);
            prop_assert_eq!(form.encoded_len(), visible.encode_utf16().count() * 2);
            prop_assert_eq!(form.try_chars().collect::<Result<String, _>>().unwrap(), visible);
        }
    }

    #[test]
    fn names_of_any_kind_are_read_without_harm(bytes in vec(any::<u8>(), 0..1200), text in "\\PC{0,40}") {
        for name in [Text::from_wire(&bytes), Text::Str(&text)] {
            let _ = FunnelName::parse(name).map(|name| name.address.to_string());
            let _ = (Subscriber::parse(name), ServerVersion::parse(name));
        }
    }

    #[test]
    fn funnel_names_come_back(text in "[A-Za-z0-9.:]{0,256}", protocol in "[Tt][Cc][Pp]|[Uu][Dd][Pp]", port in 1..=u16::MAX) {
        let whole = format!(r"\\{text}\{protocol}\{port}");
        let name = FunnelName::parse(Text::Str(&whole)).unwrap();
        prop_assert!(name.address.eq_str(&text));
        prop_assert_eq!(name.port, port);
        let udp = protocol.eq_ignore_ascii_case("udp");
        prop_assert_eq!(name.transport, if udp { FunnelTransport::Udp } else { FunnelTransport::Tcp });
    }
}
