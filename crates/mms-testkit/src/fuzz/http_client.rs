//! Any answers of any server, cut at will, meet a client over HTTP.

use std::sync::OnceLock;

use mms_core::client::{Options, Transport, Transports};

use super::Control;
use crate::content::Content;
use crate::web::{Answer, Fate, PLAIN, STREAM, World, end, frame, header, media};

/// Most answers of one input: each redirect or refusal asks for another.
const ANSWERS: usize = 12;

fn content() -> &'static Content {
    static CONTENT: OnceLock<Content> = OnceLock::new();
    CONTENT.get_or_init(|| Content::testdata("made/one-packet.wma"))
}

/// Heads that answers begin with; behind them the input goes on.
const HEADS: [&str; 8] = [
    STREAM,
    PLAIN,
    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked",
    "HTTP/1.0 200 OK\nServer: Cougar 4.1.0.3921\nPragma: client-id=1, features=\"broadcast\"",
    "HTTP/1.1 302 Found\nLocation: /b",
    "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"x\"",
    "HTTP/1.0 200 OK\nServer: Rex/9.0.0.2980\nPragma: features=\"broadcast,playlist\"\nContent-Length: 9000",
    "",
];

/// Parts of bodies.
fn part(which: u8, argument: &[u8]) -> Vec<u8> {
    let content = content();
    match which & 15 {
        0 => header(content),
        1 => media(content),
        2 => content.bytes().to_vec(),
        3 => content.bytes()[..content.bytes().len() / 2].to_vec(),
        4 => end(u32::from(which >> 4)),
        5 => b"$C\x04\0\0\0\0\0".to_vec(),
        6 => frame(b'D', u32::from(which >> 4), which, argument),
        7 => frame(b'H', 0, which >> 3, argument),
        8 => b"<asx version=\"3.0\"/>".to_vec(),
        9 => format!("{:x}\r\n", argument.len()).into_bytes(),
        10 => b"\r\n0\r\n\r\n".to_vec(),
        11 => content.header()[..content.header().len().min(usize::from(which >> 4) * 40)].to_vec(),
        _ => argument.to_vec(),
    }
}

fn answers(control: &mut Control<'_>) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !control.is_empty() && answers.len() < ANSWERS {
        let kind = control.byte();
        let head = HEADS[usize::from(kind & 7)];
        let mut bytes: Vec<u8> =
            head.lines().flat_map(|line| format!("{}\r\n", line.trim()).into_bytes()).collect();
        // lines of the input's own
        bytes.extend(control.bytes(usize::from(kind >> 3 & 3) * 8));
        if !head.is_empty() {
            bytes.extend(b"\r\n\r\n".iter().skip(usize::from(kind >> 3 & 3 == 0) * 2));
        }
        for _ in 0..control.byte() & 7 {
            let (which, size) = (control.byte(), control.size());
            let argument = control.bytes(size);
            bytes.extend(part(which, argument));
        }
        answers.push(Answer { bytes, closes: kind & 0x20 == 0, breaks: kind & 0xC0 == 0xC0 });
    }
    answers
}

fn run(flags: u8, answers: Vec<Answer>, step: usize) -> Fate {
    let mut options = Options::default();
    options.close_at_end = flags & 1 == 0;
    options.transports = Transports::new(&[Transport::Http, Transport::Tcp]);
    let url = if flags & 2 == 0 { "mmsh://u:p@server/a" } else { "mms://server/a" };
    let mut world = World::new(url, options, answers, step);
    world.refuses.push(1755);
    let mut fate = world.run();
    // its place among packets is up to another connection
    fate.story.retain(|what| !what.starts_with("StreamsSwitched"));
    fate
}

/// Control bytes build answers out of good parts and bytes of the input. Nothing may panic or go on for ever, and any
/// cut of the bytes must give the same events, the same file and the same error.
pub fn http_client(data: &[u8]) {
    let mut control = Control(data);
    let (flags, step) = (control.byte(), control.size());
    let answers = answers(&mut control);
    let whole = run(flags, answers.clone(), usize::MAX);
    let cut = run(flags, answers, 1 + step);
    assert_same(&whole, &cut);
}

fn assert_same(whole: &Fate, cut: &Fate) {
    assert_eq!((&whole.story, whole.error), (&cut.story, cut.error), "events depend on the cut");
    // of what is in error behind, more or less was handed out before
    let is_same = |one: &[u8], other: &[u8]| {
        one == other || whole.error.is_some() && (one.starts_with(other) || other.starts_with(one))
    };
    assert!(is_same(&whole.file, &cut.file) && is_same(&whole.text, &cut.text), "bytes depend on the cut");
}

#[cfg(test)]
mod tests {
    use super::super::panics;
    use super::*;

    #[test]
    fn good_answers_are_fetched_and_a_lost_byte_is_noticed() {
        let bytes = [&[0, 9, 0, 1, 0, 0, 0, 2, 0, 0, 1, 0][..]].concat();
        http_client(&bytes);
        let mut control = Control(&bytes[2..]);
        let answers = answers(&mut control);
        let fate = run(0, answers, 50);
        assert_eq!((fate.error, fate.file.len()), (None, content().header().len() + content().media().len()));
        let mut other = fate.clone();
        other.file.pop();
        assert!(panics(|| assert_same(&fate, &other)));
        let mut other = fate.clone();
        other.story.pop();
        assert!(panics(|| assert_same(&fate, &other)));
    }
}
