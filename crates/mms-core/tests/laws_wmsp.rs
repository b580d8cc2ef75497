//! What must hold of MMS over HTTP for every valid value and for every input.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod wmsp;

use arbitrary::{Arbitrary, Unstructured};
use mms_core::mmsp::wire::DataHeader;
use mms_core::wmsp::client::{Config, Target};
use mms_core::wmsp::wire::*;
use proptest::collection::vec;
use proptest::prelude::*;
use wmsp::host::Host;
use wmsp::{Answer, CHANGE, DESCRIBED, data, drive, end, header_frame, response};

fn value<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<T> {
    T::arbitrary(&mut Unstructured::new(bytes)).ok()
}

fn text(value: &impl core::fmt::Display) -> String {
    let mut out = vec![0xAA; text_len(value)];
    assert_eq!(encode_text(value, &mut out), Ok(out.len()));
    if !out.is_empty() {
        let mut short = vec![0xAA; out.len() - 1];
        assert_eq!(encode_text(value, &mut short).unwrap_err().needed, out.len());
        assert!(short.iter().all(|byte| *byte == 0xAA));
    }
    String::from_utf8(out).unwrap()
}

/// What a scanner of frames finds in a stream that arrives in pieces of these sizes, over and over.
fn frames(stream: &[u8], pieces: &[usize]) -> (Vec<(FrameHead, usize)>, Option<FrameError>, usize) {
    let mut deframer = Deframer::new(FrameLimits::default());
    let (mut start, mut end, mut found) = (0, 0, Vec::new());
    for piece in pieces.iter().cycle() {
        end = (end + piece).min(stream.len());
        loop {
            match deframer.next(&stream[start..end]) {
                Ok(Frame::Incomplete { needed }) => {
                    assert!(needed > end - start, "it asks for more than it has");
                    break;
                }
                Ok(Frame::Packet { head, total }) => {
                    assert!(total >= 4 && total <= end - start, "every frame makes progress");
                    found.push((head, total));
                    start += total;
                }
                Ok(other) => panic!("{other:?}"),
                Err(error) => return (found, Some(error), start),
            }
        }
        if end == stream.len() {
            break;
        }
    }
    (found, None, start)
}

fn heads(stream: &[u8], pieces: &[usize]) -> Result<Option<usize>, HeadError> {
    let mut scanner = HeadScanner::new(HeadLimits { head_bytes: 120, line_bytes: 40, headers: 3 });
    let mut end = 0;
    for piece in pieces.iter().cycle() {
        end = (end + piece).min(stream.len());
        match scanner.next(&stream[..end])? {
            HeadStep::Complete { total } => return Ok(Some(total)),
            HeadStep::Incomplete { needed } => assert!(needed > end),
            other => panic!("{other:?}"),
        }
        if end == stream.len() {
            break;
        }
    }
    Ok(None)
}

fn unchunk(stream: &[u8], pieces: &[usize]) -> (Vec<u8>, bool, bool) {
    let mut chunked = Chunked::new();
    let (mut at, mut content) = (0, Vec::new());
    for piece in pieces.iter().cycle() {
        let mut part = stream[at..(at + piece).min(stream.len())].to_vec();
        at += part.len();
        match chunked.compact(&mut part) {
            Ok(kept) => content.extend(&part[..kept]),
            Err(_) => return (Vec::new(), false, true),
        }
        if at == stream.len() {
            break;
        }
    }
    (content, chunked.is_over(), false)
}

/// Text that is nearly a head: the grammars see more than their first byte.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let words: &[&[u8]] = &[
        b"GET ",
        b"POST ",
        b"/a.wma",
        b" HTTP/1.0",
        b" HTTP/1.1",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"Pragma: ",
        b"User-Agent: NSPlayer/",
        b"7.1",
        b"xPlayStrm=1",
        b",",
        b"=",
        b"\"",
        b"client-id=",
        b"99",
        b"log-line=",
        b"stream-switch-entry=",
        b"ffff:1:0 ",
        b"stream-time=",
        b"Content-Length: ",
        b"Transfer-Encoding: chunked",
        b"Content-Type: application/x-wms-LogStats",
        b"Connection: Keep-Alive",
        b"Range: bytes=",
        b"-",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"HTTP/1.0 200 OK",
        b"$H",
        b"$D\x0C\0",
        b"\0\0\0\0",
        b"xStopStrm=1",
        b"OPTIONS *",
    ];
    let word = prop_oneof![
        8 => prop::sample::select(words).prop_map(Vec::from),
        1 => vec(any::<u8>(), 0..6),
    ];
    vec(word, 0..40).prop_map(|words| words.concat())
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    vec(1_usize..40, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tokens_survive_encoding_and_decoding(bytes in vec(any::<u8>(), 0..200)) {
        let mut u = Unstructured::new(&bytes);
        let mut list: Vec<Token<'_>> = Vec::new();
        while let (Ok(token), 0..8) = (u.arbitrary(), list.len()) {
            list.push(token);
        }
        // a log line takes what follows it
        for token in list.iter().filter(|token| matches!(token, Token::LogLine(_))) {
            let line = text(token);
            prop_assert_eq!(Tokens::new(&line).collect::<Vec<_>>(), [*token]);
        }
        list.retain(|token| !matches!(token, Token::LogLine(_)));
        let line = text(&PragmaLine(&list));
        let decoded: Vec<Token<'_>> = Tokens::new(line.strip_prefix("Pragma: ").unwrap().trim_end()).collect();
        prop_assert_eq!(&decoded, &list);
        prop_assert_eq!(text(&PragmaLine(&decoded)), line);
    }

    #[test]
    fn fields_survive_encoding_and_decoding(bytes in vec(any::<u8>(), 0..100)) {
        let Some(field) = value::<Field<'_>>(&bytes) else { return Ok(()) };
        let head = format!("GET / HTTP/1.1\r\n{}\r\n", text(&field));
        let decoded = RequestHead::decode(head.as_bytes()).unwrap();
        let (name, found) = decoded.fields.iter().next().unwrap();
        prop_assert_eq!(Field::decode(name, found), field);
        prop_assert_eq!(decoded.fields.iter().count(), 1);
    }

    #[test]
    fn frame_heads_survive_encoding_and_decoding(bytes in vec(any::<u8>(), 0..30)) {
        let Some(head) = value::<FrameHead>(&bytes) else { return Ok(()) };
        let mut frame = head.encode()[..head.encoded_len()].to_vec();
        frame.resize(usize::from(head.packet_length) + 4, 0x55);
        let mut deframer = Deframer::new(FrameLimits::default());
        prop_assert_eq!(deframer.next(&frame), Ok(Frame::Packet { head, total: frame.len() }));
    }

    #[test]
    fn selections_survive_encoding_and_decoding(bytes in vec(any::<u8>(), 0..60)) {
        let mut u = Unstructured::new(&bytes);
        let list: Vec<SwitchEntry> = (0..6).map_while(|_| u.arbitrary().ok()).collect();
        let line = text(&SwitchEntries::Slice(&list));
        let decoded: Vec<SwitchEntry> = SwitchEntries::Text(&line).iter(Base::Hexadecimal).collect();
        prop_assert_eq!(&decoded, &list);
        let _ = SwitchEntries::Text(&line).plan();
    }

    #[test]
    fn products_and_guids_of_any_form_are_read(bytes in vec(any::<u8>(), 0..40)) {
        if let Some(product) = value::<Product>(&bytes) {
            prop_assert_eq!(Product::parse(&text(&product)), product);
        }
    }

    #[test]
    fn descriptions_survive_encoding_and_decoding(
        parts in vec((".{0,9}", any::<u16>(), ".{0,20}"), 1..5), id in any::<u32>()
    ) {
        let pairs: Vec<Pair<'_>> = parts
            .iter()
            .map(|(name, kind, value)| Pair { name, kind: DescriptionType(*kind), value })
            .collect();
        let list = text(&Description::Slice(&pairs));
        let payload = format!("playlist-gen-id={id}, broadcast-id=0, features=\"live\"\0{list}{list}");
        let metadata = Metadata::decode(payload.as_bytes()).unwrap();
        prop_assert_eq!(text(&metadata), payload.clone());
        for found in metadata.descriptions {
            prop_assert_eq!(found.unwrap(), Description::Slice(&pairs));
        }
        let body = format!("1\r\n1,30,{id}\r\n{list}");
        let event = RemoteEvent::decode(body.as_bytes()).unwrap();
        prop_assert_eq!(text(&event), body);
    }

    #[test]
    fn no_bytes_break_a_grammar(bytes in prop_oneof![vec(any::<u8>(), 0..200), nearly()]) {
        let line = utf8_prefix(&bytes);
        prop_assert!(Tokens::new(line).count() <= line.len());
        prop_assert!(CacheControl(line).iter().count() <= line.len());
        prop_assert!(Challenges::new(line).count() <= line.len());
        for name in ["Server", "Range", "Content-Range", "X-StartupProfile", "Supported", "Content-Length"] {
            let field = Field::decode(name, &bytes);
            let again = text(&field);
            prop_assert!(again.ends_with("\r\n") && again.matches('\n').count() == 1);
        }
        let _ = SwitchEntries::Text(line).plan();
        let _ = Credentials::decode(line, &mut [0; 32]);
        if let Ok(metadata) = Metadata::decode(&bytes) {
            prop_assert!(metadata.descriptions.count() <= bytes.len());
        }
        prop_assert!(Descriptions::new(&bytes, 0).count() <= bytes.len());
        let _ = RemoteEvent::decode(&bytes);
        for request in [true, false] {
            let fields = match request {
                true => RequestHead::decode(&bytes).map(|head| (head.fields, head.path().len())),
                false => ResponseHead::decode(&bytes).map(|head| (head.fields, 0)),
            };
            if let Ok((fields, _)) = fields {
                prop_assert!(fields.iter().count() <= bytes.len());
                let _ = Pragma::of(fields);
            }
        }
    }

    #[test]
    fn any_cut_finds_the_same_frames(
        seeds in vec(vec(any::<u8>(), 12..20), 0..6), pieces in pieces(), tail in vec(any::<u8>(), 0..9)
    ) {
        let mut stream = Vec::new();
        for seed in &seeds {
            if let Some(head) = value::<FrameHead>(seed) {
                let size = usize::from(head.packet_length).min(80);
                // a short frame in place of a long one
                let head = match head.body {
                    FrameBody::Data(_) => {
                        FrameHead::data(head.packet_id, 7, 1, 2, size.saturating_sub(8)).unwrap()
                    }
                    _ => head,
                };
                stream.extend(&head.encode()[..head.encoded_len()]);
                let rest = usize::from(head.packet_length) + 4 - head.encoded_len();
                stream.extend(vec![0x24; rest]);
            }
        }
        stream.extend(&tail);
        prop_assert_eq!(frames(&stream, &pieces), frames(&stream, &[stream.len().max(1)]));
    }

    #[test]
    fn any_cut_finds_the_same_frames_in_garbage(bytes in nearly(), pieces in pieces()) {
        prop_assert_eq!(frames(&bytes, &pieces), frames(&bytes, &[bytes.len().max(1)]));
    }

    #[test]
    fn any_cut_finds_the_same_head(bytes in nearly(), pieces in pieces()) {
        prop_assert_eq!(heads(&bytes, &pieces), heads(&bytes, &[bytes.len().max(1)]));
    }

    #[test]
    fn any_cut_of_chunks_gives_the_same_content(bytes in nearly(), parts in vec(vec(any::<u8>(), 1..30), 0..5), pieces in pieces()) {
        prop_assert_eq!(unchunk(&bytes, &pieces), unchunk(&bytes, &[bytes.len().max(1)]));
        let mut stream = Vec::new();
        for part in &parts {
            stream.extend(format!("{:X}\r\n", part.len()).bytes());
            stream.extend(part);
            stream.extend(b"\r\n");
        }
        stream.extend(b"0\r\n\r\n");
        prop_assert_eq!(unchunk(&stream, &pieces), (parts.concat(), true, false));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_client_survives_every_server(
        describe in prop_oneof![nearly(), Just(response(DESCRIBED, &header_frame()))],
        order in vec(0_usize..7, 0..8),
        broken in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        step in 1_usize..600,
    ) {
        let frames =
            [header_frame(), data(0), data(1), data(2), end(0), end(1), CHANGE.to_vec()];
        let body: Vec<u8> = order.iter().flat_map(|index| frames[*index].clone()).collect();
        let mut play = response(DESCRIBED, &body);
        if let Some((index, byte)) = broken {
            let at = index.index(play.len());
            play[at] = byte;
        }
        let answers = |step: usize| {
            let answers = vec![
                Answer(describe.clone(), true),
                Answer(play.clone(), true),
                Answer(play.clone(), true),
                Answer(play.clone(), true),
            ];
            drive(Config::default(), Target::new("h", "x", "http://h/x"), answers, step, true)
        };
        let (whole, cut) = (answers(usize::MAX), answers(step));
        prop_assert_eq!((whole.error, &whole.media), (cut.error, &cut.media));
    }

    #[test]
    fn a_server_survives_every_client(bytes in nearly(), pieces in pieces()) {
        let run = |pieces: &[usize]| {
            let mut host = Host::new();
            let key = host.connect(b"");
            let mut at = 0;
            for piece in pieces.iter().cycle() {
                let part = &bytes[at..(at + piece).min(bytes.len())];
                at += part.len();
                host.send(key, part);
                if at == bytes.len() {
                    break;
                }
            }
            host.hang_up(key);
            (host.output(key).to_vec(), host.connections[&key].log.clone())
        };
        prop_assert_eq!(run(&pieces), run(&[bytes.len().max(1)]));
    }
}

#[test]
fn the_generators_reach_every_token_and_field() {
    let (mut tokens, mut fields) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for seed in 0..u8::MAX {
        let bytes: Vec<u8> = (0..64_u8).map(|i| seed.wrapping_add(i.wrapping_mul(31))).collect();
        if let Some(token) = value::<Token<'_>>(&bytes) {
            tokens.insert(text(&token).split('=').next().unwrap().to_string());
        }
        if let Some(field) = value::<Field<'_>>(&bytes) {
            fields.insert(text(&field).split(':').next().unwrap().to_string());
        }
    }
    assert_eq!((tokens.len(), fields.len()), (39, 24));
    assert!(value::<DataHeader>(&[0; 20]).is_some());
}
