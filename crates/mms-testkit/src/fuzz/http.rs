//! The grammars of MMS over HTTP, and its server through the driver.

use core::time::Duration;
use std::sync::OnceLock;

use arbitrary::{Arbitrary, Unstructured};
use mms_core::mmsp::server::Pace;
use mms_core::server::{Config, Outcome};
use mms_core::wmsp::wire::{
    Chunked, Deframer, Field, Frame, FrameHead, FrameLimits, HeadLimits, HeadScanner, HeadStep, Pragma,
    PragmaLine, RequestHead, ResponseHead, SwitchEntries, Token, Tokens,
};

use super::Control;
use crate::asf::Recipe;
use crate::content::Content;
use crate::http::{HttpServer, status};

/// The pieces in which bytes come: these sizes, over and over.
fn cuts<'a>(bytes: &'a [u8], sizes: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut end = 0;
    sizes.iter().cycle().map_while(move |size| {
        let more = end < bytes.len();
        end = (end + usize::from(*size).max(1)).min(bytes.len());
        more.then_some(end)
    })
}

/// A head is found at the same place however it comes, and what it says lies in it and can be said again. First a
/// byte of limits and three sizes of pieces.
pub fn http_head(data: &[u8]) {
    let mut control = Control(data);
    let (small, sizes) = (control.byte() & 1 == 1, control.bytes(3));
    let limits = match small {
        true => HeadLimits { head_bytes: 120, line_bytes: 40, headers: 3 },
        false => HeadLimits::default(),
    };
    let rest = control.0;
    check_scan(
        rest,
        if sizes.is_empty() { &[1] } else { sizes },
        |input| HeadScanner::new(limits).next(input).ok(),
        limits,
    );
    check_chunks(rest, if sizes.is_empty() { &[1] } else { sizes });
    let _ = ResponseHead::decode(rest).map(|head| head.fields.iter().count());
    // a head is decoded without what follows it
    if let Ok(HeadStep::Complete { total }) = HeadScanner::new(limits).next(rest) {
        check_request(&rest[..total], |bytes| RequestHead::decode(bytes).ok());
    }
}

#[cfg(test)]
type Scan = fn(&[u8]) -> Option<HeadStep>;

fn check_scan(bytes: &[u8], sizes: &[u8], whole: impl Fn(&[u8]) -> Option<HeadStep>, limits: HeadLimits) {
    let mut scanner = HeadScanner::new(limits);
    let mut found = Some(HeadStep::Incomplete { needed: 1 });
    for end in cuts(bytes, sizes) {
        found = scanner.next(&bytes[..end]).ok();
        match found {
            Some(HeadStep::Incomplete { needed }) => assert!(needed > end),
            _ => break,
        }
    }
    let total = |step: Option<HeadStep>| match step {
        Some(HeadStep::Complete { total }) => Some(Some(total)),
        Some(_) => Some(None),
        None => None,
    };
    assert_eq!(total(found), total(whole(bytes)), "cut into {sizes:?}");
    if let Some(Some(end)) = total(found) {
        assert!(end <= bytes.len() && end <= limits.head_bytes as usize);
    }
}

fn check_chunks(bytes: &[u8], sizes: &[u8]) {
    let unchunk = |sizes: &[u8]| {
        let (mut chunked, mut content, mut start) = (Chunked::new(), Vec::<u8>::new(), 0);
        for end in cuts(bytes, sizes) {
            let mut part = bytes[start..end].to_vec();
            start = end;
            let kept = chunked.compact(&mut part).ok()?;
            content.extend(&part[..kept]);
        }
        Some((content, chunked.is_over()))
    };
    assert_eq!(unchunk(sizes), unchunk(&[255]), "cut into {sizes:?}");
}

fn check_request(bytes: &[u8], decode: impl Fn(&[u8]) -> Option<RequestHead<'_>>) {
    let Some(head) = decode(bytes) else { return };
    let range = bytes.as_ptr_range();
    assert!(range.contains(&head.target.as_ptr()) && head.path().len() <= head.target.len());
    let mut again = format!("{} {} {}\r\n", head.method, head.target, head.version).into_bytes();
    for (name, value) in head.fields {
        again.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        let _ = Field::decode(name, value);
    }
    again.extend(b"\r\n");
    let second = decode(&again).expect("what was said can be said again");
    assert_eq!((second.method, second.target, second.version), (head.method, head.target, head.version));
    assert!(second.fields.iter().eq(head.fields.iter()), "{again:?}");
}

/// Tokens that were generated survive a line; those of any text are read in steps and written in one form.
pub fn http_pragma(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let mut tokens: Vec<Token<'_>> = Vec::new();
    while let (Ok(token), 0..8) = (Token::arbitrary(&mut u), tokens.len()) {
        tokens.push(token);
    }
    // a log line takes what follows it
    tokens.retain(|token| !matches!(token, Token::LogLine(_)));
    check_tokens(&tokens, |line| Tokens::new(line).collect());
    let Ok(text) = core::str::from_utf8(data) else { return };
    assert!(Tokens::new(text).count() <= text.len());
    let _ = SwitchEntries::Text(text).plan();
    let head = format!("GET / HTTP/1.0\r\nPragma: {text}\r\nPragma: {text}\r\n\r\n");
    if let Ok(head) = RequestHead::decode(head.as_bytes()) {
        let pragma = Pragma::of(head.fields);
        let _ = pragma.stream_switch_entry.map(|entries| entries.plan());
    }
}

fn check_tokens(tokens: &[Token<'_>], decode: impl for<'a> Fn(&'a str) -> Vec<Token<'a>>) {
    let line = PragmaLine(tokens).to_string();
    let decoded = decode(line.strip_prefix("Pragma: ").unwrap().trim_end());
    assert_eq!(decoded, tokens, "{line:?}");
}

/// Frames are the same however they come, and a head is what it was decoded from. First three sizes of pieces.
pub fn http_frame(data: &[u8]) {
    let mut control = Control(data);
    let sizes = control.bytes(3);
    let stream = control.0;
    let sizes = if sizes.is_empty() { &[1] } else { sizes };
    assert_eq!(frames(stream, sizes), frames(stream, &[255]), "cut into {sizes:?}");
    if let Ok(head) = FrameHead::arbitrary(&mut Unstructured::new(stream)) {
        check_frame(&head, |head| head.encode());
    }
}

fn frames(stream: &[u8], sizes: &[u8]) -> (Vec<(FrameHead, usize)>, Option<String>) {
    let (mut deframer, mut start, mut found) = (Deframer::new(FrameLimits::default()), 0, Vec::new());
    for end in cuts(stream, sizes) {
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
                Err(error) => return (found, Some(format!("{error:?}"))),
            }
        }
    }
    (found, None)
}

fn check_frame(head: &FrameHead, encode: impl Fn(&FrameHead) -> [u8; FrameHead::MAX_LEN]) {
    let mut frame = encode(head)[..head.encoded_len()].to_vec();
    frame.resize(usize::from(head.packet_length) + 4, 0x55);
    let decoded = frames(&frame, &[255]);
    assert_eq!(decoded, (vec![(*head, frame.len())], None));
}

fn content() -> &'static Content {
    static CONTENT: OnceLock<Content> = OnceLock::new();
    CONTENT.get_or_init(|| {
        let send_times = (0..9).map(|number| number * 100).collect();
        Content::made_up(&Recipe { header_len: 400, packet_size: 64, send_times, ..Recipe::default() })
    })
}

fn server(settings: u8) -> HttpServer {
    let mut config = Config::default();
    config.http.pace = if settings & 1 == 0 { Pace::Off } else { Pace::REALTIME };
    config.http.burst = Duration::from_millis(u64::from(settings & 2) * 100);
    if settings & 4 != 0 {
        config.http.head = HeadLimits { head_bytes: 600, line_bytes: 200, headers: 8 };
        config.http.body_bytes = 64;
    }
    let mut server = HttpServer::new(content().clone(), config);
    server.piece = if settings & 8 == 0 { u32::MAX } else { 70 };
    server
}

/// What clients say on one connection comes to the same however it is cut; on many, everything ends. First a byte of
/// settings. Then, for one connection: three sizes of pieces and what is said. For many: a byte of what is done, one of the
/// connection or the time, one of a length, and so many bytes.
pub fn http_server(data: &[u8]) {
    let mut control = Control(data);
    let settings = control.byte();
    if settings & 0x80 == 0 {
        let sizes = control.bytes(3);
        let sizes = if sizes.is_empty() { &[1] } else { sizes };
        // a moment between two pieces is nothing that a cut may bring
        let server = || server(settings & !1);
        assert!(said(server(), control.0, sizes) == said(server(), control.0, &[255]), "cut into {sizes:?}");
        return;
    }
    many(server(settings), control);
}

fn said(mut server: HttpServer, bytes: &[u8], sizes: &[u8]) -> (Vec<u8>, Vec<String>) {
    let key = server.connect(b"");
    let mut start = 0;
    for end in cuts(bytes, sizes) {
        server.send(key, &bytes[start..end]);
        start = end;
    }
    server.close(key);
    let end = server.end(key);
    check_answer(&end.received);
    (end.received.clone(), end.events.clone())
}

fn check_answer(received: &[u8]) {
    if !received.is_empty() {
        // nothing of MMS can come: its session id is not sent here
        assert!(received.starts_with(b"HTTP/1.") || received.starts_with(b"\x01"), "{received:?}");
        assert!(!received.starts_with(b"HTTP") || (200..=503).contains(&status(received)));
    }
}

fn many(mut server: HttpServer, mut control: Control<'_>) {
    let mut keys = Vec::new();
    for _ in 0..200 {
        if control.is_empty() {
            break;
        }
        let (what, argument) = (control.byte(), control.size());
        let key = keys.get(argument % keys.len().max(1)).copied();
        match (what % 8, key) {
            (0 | 1, _) if keys.len() < 12 => {
                let count = control.size();
                keys.push(server.connect(control.bytes(count)));
            }
            (2 | 3, Some(key)) => {
                let count = control.size();
                server.send(key, control.bytes(count));
            }
            (4, Some(key)) => server.close(key),
            (5, Some(key)) => server.reset(key),
            (6, Some(key)) => {
                let end = server.end(key);
                end.reads = !end.reads;
            }
            (7, _) => server.pass(Duration::from_millis(argument as u64 * 97)),
            _ => {}
        }
    }
    // whoever says and reads nothing is gone some time, unless the host owes an answer
    for key in &keys {
        if server.end(*key).wishes.iter().any(|wish| wish.starts_with("Open \"slow\"")) {
            server.reset(*key);
        }
    }
    server.pass(Duration::from_secs(4000));
    for key in keys {
        let end = server.end(key);
        assert!(end.done, "{:?}", end.report());
        assert_ne!(end.report().outcome, Outcome::Open);
        check_answer(&end.received);
        assert!(end.report().packets <= 9 * 200);
    }
    assert!(server.table.is_empty(server.now), "sessions are forgotten");
}

#[cfg(test)]
mod tests {
    use super::super::panics;
    use super::*;

    #[test]
    fn a_scanner_that_finds_the_end_elsewhere_is_caught() {
        let limits = HeadLimits::default();
        let good: Scan = |input| HeadScanner::new(HeadLimits::default()).next(input).ok();
        let bytes = b"GET / HTTP/1.0\r\nA: b\r\n\r\nmore";
        check_scan(bytes, &[3], good, limits);
        let plants: [Scan; 2] = [|_| Some(HeadStep::Complete { total: 9 }), |_| None];
        for plant in plants {
            assert!(panics(|| check_scan(bytes, &[3], plant, limits)));
        }
    }

    #[test]
    fn a_request_that_changes_when_it_is_said_again_is_caught() {
        // what is said again differs from it in blanks
        let bytes = b"GET /a HTTP/1.0\r\nA:  b\r\n\r\n";
        check_request(bytes, |bytes| RequestHead::decode(bytes).ok());
        let other = b"GET /b HTTP/1.0\r\nA: b\r\n\r\n";
        assert!(panics(|| check_request(bytes, |given| {
            let head = RequestHead::decode(if given == bytes { bytes } else { other }).ok()?;
            Some(head)
        })));
    }

    #[test]
    fn tokens_that_are_lost_are_caught() {
        let tokens = [Token::ClientId(7), Token::XResetStrm(true)];
        check_tokens(&tokens, |line| Tokens::new(line).collect());
        assert!(panics(|| check_tokens(&tokens, |line| Tokens::new(line).skip(1).collect())));
    }

    #[test]
    fn a_wrong_encoder_of_frames_is_caught() {
        let head = FrameHead::data(mms_core::wmsp::wire::PacketId::DATA, 7, 0, 1, 20).unwrap();
        check_frame(&head, |head| head.encode());
        assert!(panics(|| check_frame(&head, |head| {
            let mut bytes = head.encode();
            bytes[5] ^= 1;
            bytes
        })));
    }
}
