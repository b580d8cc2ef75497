//! Writes the seeds of the fuzz targets: `cargo run -p mms-testkit --example corpus`.
//!
//! Seeds that are already there stay; so do those that crashes left.
#![allow(clippy::unwrap_used, reason = "a tool for developers")]

use std::path::{Path, PathBuf};

use mms_core::asf::Guid;
use mms_core::mmsp::wire::{Message, Mid};
use mms_testkit::build::{extension, file_properties, good, header, object, object_of_size, packet, stream};
use mms_testkit::content::{Content, testdata};
use mms_testkit::scripted;

struct Corpus(PathBuf);

impl Corpus {
    fn seed(&self, target: &str, name: &str, bytes: &[u8]) {
        let folder = self.0.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name.replace([' ', '.', '/'], "-"));
        if !file.exists() {
            std::fs::write(file, bytes).unwrap();
        }
    }
}

/// The packets of the hexadecimal vectors, by name.
fn vectors() -> Vec<(String, Vec<u8>)> {
    let mut vectors: Vec<(String, Vec<u8>)> = Vec::new();
    for file in std::fs::read_dir(testdata().join("vectors/mmsp")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let group = path.file_stem().unwrap().to_string_lossy().into_owned();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                vectors.push((format!("{group}-{name}"), Vec::new()));
                continue;
            }
            let (_, row) = line.split_once(": ").unwrap();
            let bytes = row.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap());
            vectors.last_mut().unwrap().1.extend(bytes);
        }
    }
    vectors
}

fn main() {
    let corpus = Corpus(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus"));
    wire(&corpus);
    asf(&corpus);
    media(&corpus);
    sessions(&corpus);
    http(&corpus);
    for (name, text) in [
        ("plain", "mms://server/content.wmv"),
        ("all parts", "MMST://user:pass@host.example:1755/a%20b/c%2Fd.wmv?x=1#part"),
        ("ipv6", "mmst://[2001:db8::1%251]:7/a"),
        ("percent", "mms://h/%%4%+1%zz%C3%A4%ff"),
        ("http", "mmshttp://h:0/"),
        ("no host", "mms:///a"),
        ("unicode", "mms://b\u{fc}cher.example/\u{1F3B5}.wma"),
    ] {
        corpus.seed("url", name, text.as_bytes());
    }
    corpus.seed("url", "long", format!("mms://h/{}", "%41".repeat(400)).as_bytes());
}

/// Choices for objects, packets and what happens to them: bytes of several kinds.
fn media(corpus: &Corpus) {
    let rising = |factor: u8| (0..240u8).map(|n| n.wrapping_mul(factor)).collect::<Vec<u8>>();
    let packets = Content::testdata("made/av-256.wmv");
    let first: Vec<u8> = (0..3).flat_map(|number| packets.packet(number).to_vec()).collect();
    for target in ["asf_index", "asf_reassembly", "asf_repair", "asf_thinning"] {
        corpus.seed(
            target,
            "few small objects",
            &[&[0, 3, 0, 0, 0, 0, 9, 0, 0, 9], &rising(1)[..30]].concat(),
        );
        corpus.seed(target, "rising by 73", &rising(73));
        corpus.seed(target, "rising by 31", &rising(31));
        corpus.seed(target, "large objects", &[&[200][..], &[0xff; 120]].concat());
        corpus.seed(target, "large packets", &[&[255, 1, 255, 255, 60], &rising(201)[..]].concat());
        corpus.seed(
            target,
            "packets of a file",
            &[&[128, 0, 0, 0, 0, 0, 0, 0][..], &[0; 32], &first].concat(),
        );
    }
    let file = std::fs::read(testdata().join("made/one-packet.wma")).unwrap();
    corpus.seed("asf_repair", "a file", &[&[0; 5][..], &file].concat());
    corpus.seed("asf_repair", "live", &[&[40, 1, 200, 255, 60][..], &rising(97)].concat());
}

fn wire(corpus: &Corpus) {
    for (name, bytes) in vectors() {
        let is_command = bytes.get(4..8) == Some(&[0xCE, 0xFA, 0x0B, 0xB0]);
        if is_command && bytes.len() > 40 {
            corpus.seed("decode_message", &name, &bytes[32..]);
        } else {
            corpus.seed("decode_data", &name, &bytes);
        }
        corpus.seed("deframer_split", &name, &[&[11, 0, 2, 30, 7][..], &bytes].concat());
    }
    for (index, mid) in (0_u8..).zip(Mid::KNOWN) {
        let filling = (0..300_u32).map(|n| n.wrapping_mul(37).to_le_bytes()[0]);
        let bytes: Vec<u8> = [index].into_iter().chain(filling).collect();
        corpus.seed("roundtrip_message", mid.name().unwrap_or("unknown"), &bytes);
    }
    corpus.seed("decode_message", "chunk length of zero", &[0; 16]);
    corpus.seed("decode_message", "chunk length that wraps", &[2, 0, 0, 0x20, 0x1B, 0, 4, 0, 0, 0, 0, 0]);
    corpus.seed("decode_data", "media", &scripted::data(7, 10, 0, &packet(0)));
    corpus.seed("decode_data", "longer than it is", &[0, 0, 0, 0, 1, 4, 9, 0]);
    let stream = scripted::server_starts(&header(&good()), 100).concat();
    corpus.seed("deframer_split", "a session's replies", &[&[11, 0, 2, 30, 7][..], &stream].concat());
    let stream = scripted::client_plays().concat();
    corpus.seed("deframer_split", "a session's requests", &[&[11, 1, 5, 9, 100][..], &stream].concat());
    corpus.seed("deframer_split", "beyond the limit", &[&[0, 0, 2, 30, 7][..], &stream].concat());
}

fn asf(corpus: &Corpus) {
    let controls = [255, 0, 11, 200];
    let seed = |name: &str, bytes: &[u8]| {
        corpus.seed("asf_header", name, &[&controls[..], bytes].concat());
    };
    seed("least", &header(&good()));
    let [properties, audio] = <[Vec<u8>; 2]>::try_from(good()).unwrap();
    let zero = object_of_size(Guid::PADDING, 0, &[0; 40]);
    seed("size zero in extension", &header(&[properties.clone(), extension(&[zero]), audio.clone()]));
    seed("size of 23", &header(&[properties.clone(), object_of_size(Guid::PADDING, 23, &[]), audio.clone()]));
    seed("packet size zero", &header(&[file_properties(0, 0), audio.clone()]));
    seed("no streams", &header(core::slice::from_ref(&properties)));
    let mut nested = object(Guid::HEADER, &[0; 6]);
    for _ in 0..20 {
        nested = object(Guid::HEADER, &[&[0; 6][..], &nested].concat());
    }
    seed("headers in headers", &header(&[properties.clone(), nested, audio]));
    let streams = (0..130).map(|number| stream(Guid::VIDEO_MEDIA, number));
    let many: Vec<Vec<u8>> = [properties].into_iter().chain(streams).collect();
    seed("streams of every number", &header(&many));
    for name in [
        "made/audio-wmav2.wma",
        "made/av-wmv2-wmav2.wmv",
        "made/metadata-utf16.wma",
        "made/markers.wmv",
        "made/two-audio.wmv",
        "real/ms-house.wma",
        "real/tika-netshow-mbr.asf",
        "real/tinytag-lavf-mp3.asf",
        "real/mm-elephant-mp43.asf",
    ] {
        let content = Content::testdata(name);
        let short = name.split('/').next_back().unwrap();
        seed(short, &content.header()[..content.header().len().min(6000)]);
        let first = content.packet(0);
        let kept = first.len().min(2000);
        let more = u16::try_from(first.len() - kept).unwrap().to_be_bytes();
        corpus.seed("asf_packet", short, &[&more[..], &first[..kept]].concat());
        corpus.seed(
            "asf_packet",
            &format!("{short} shorter"),
            &[&[0, 100][..], &first[..kept - 100]].concat(),
        );
    }
    corpus.seed("asf_packet", "one payload", &[&[0, 0][..], &packet(5)].concat());
    corpus.seed(
        "asf_packet",
        "explicit length",
        &[0, 9, 0x40, 0x5D, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    );
    corpus.seed("asf_packet", "parity", &[0, 0, 0x82, 2, 0, 0, 0x5D, 0, 0, 0, 0, 0, 0]);
}

/// What control byte does what stands in the bodies.
fn sessions(corpus: &Corpus) {
    let (next, write) = (0, 3 | 20 << 3);
    let command = |which: u8| 3 | which << 3;
    let time = |steps: u8| 4 | steps << 3;
    let steps: Vec<u8> = [next, write].repeat(20);
    let seed = |name: &str, bytes: &[&[u8]]| corpus.seed("session_client", name, &bytes.concat());
    seed("a session", &[&[0], &steps]);
    seed("a session with packet pair", &[&[1], &steps]);
    seed("a session without funnel info", &[&[2], &steps]);
    seed("stays open at the end", &[&[4], &steps, &[command(0), write, next, write]]);
    let started = &steps[..22];
    seed("stop and play", &[&[0], started, &[command(1), write, command(3), write], &steps]);
    seed("seek by packet", &[&[0], started, &[command(4), write], &steps]);
    seed("seek by time", &[&[0], started, &[command(5), write], &steps]);
    seed("silence", &[&[0], started, &[time(15), time(15), time(15)]]);
    seed("close", &[&[0], started, &[command(31), write, 7]]);
    seed("end of stream early", &[&[0], &steps[..6], &[7]]);
    for (index, chunk) in (0_u8..).zip(scripted::server_starts(&header(&good()), 100)) {
        let changed = [6 | index << 3, 40, 1];
        let pieces: Vec<u8> = chunk.chunks(32).flat_map(|part| [&[1 | 31 << 3][..], part].concat()).collect();
        seed(&format!("changed reply {index}"), &[&[0], &steps[..2 * usize::from(index)], &changed]);
        seed(&format!("reply {index} in pieces"), &[&[0], &steps[..2 * usize::from(index)], &pieces]);
    }
    let redirect = scripted::raw(
        Mid::REPORT_REDIRECT,
        &[
            0, 0, 0, 0, 1, 0, 24, 0, b'm', 0, b'm', 0, b's', 0, b':', 0, b'/', 0, b'/', 0, b'a', 0, b'/', 0,
            b'b', 0, 0, 0, 0, 0, 0, 0,
        ],
    );
    let pieces: Vec<u8> = redirect.chunks(32).flat_map(|part| [&[1 | 31 << 3][..], part].concat()).collect();
    seed("redirect", &[&[0], &steps[..6], &pieces, &steps]);

    let (write_all, answer_not, fails, shut_down) = (3, 5 | 1 << 3, 7 | 3 << 3, 7 | 2 << 3);
    let steps: Vec<u8> = [next, write_all, write_all].repeat(10);
    let seed = |name: &str, bytes: &[&[u8]]| corpus.seed("session_server", name, &bytes.concat());
    for flags in [0, 1, 2, 4, 8, 15] {
        seed(&format!("a session with flags {flags}"), &[&[flags], &steps, &[time(10), write_all].repeat(8)]);
    }
    seed("requests without reading", &[&[0], &[next; 60]]);
    seed("no answers", &[&[0, answer_not], &steps, &[fails, write_all, write_all]]);
    seed(
        "content fails",
        &[&[9], &steps[..18], &[answer_not, next, write_all, next, fails, write_all, time(9)]],
    );
    seed("shut down", &[&[1], &steps[..21], &[shut_down, write_all, time(12)]]);
    seed("silence", &[&[0], &steps[..21], &[time(12), time(12), write_all, time(12), time(18)]]);
    seed("slow reader", &[&[0], &steps[..21], &[3 | 1 << 3].repeat(30)]);
    for (index, chunk) in (0_u8..).zip(scripted::client_plays()) {
        let changed = [6 | index << 3, 44, 1];
        let pieces: Vec<u8> = chunk.chunks(32).flat_map(|part| [&[1 | 31 << 3][..], part].concat()).collect();
        let before = &steps[..3 * usize::from(index)];
        seed(&format!("changed request {index}"), &[&[0], before, &changed, &steps]);
        seed(&format!("request {index} in pieces"), &[&[0], before, &pieces, &[write_all, write_all]]);
    }
    let many = scripted::packet_of(&[Message::Pong; 3]);
    let pieces: Vec<u8> = many.chunks(32).flat_map(|part| [&[1 | 31 << 3][..], part].concat()).collect();
    seed("three messages in one", &[&[0], &steps[..3], &pieces, &steps]);

    let seed = |name: &str, bytes: &[u8]| corpus.seed("pair", name, bytes);
    seed("nothing", &[]);
    seed("one byte at a time", &[0, 0, 0, 0]);
    seed("in its own time", &[1, 3, 4, 7]);
    seed("packet pair", &[2, 5, 5, 7]);
    for kind in 0..10 {
        for after in [0, 3, 9, 14] {
            seed(&format!("damage {kind} after {after}"), &[0, 3, 3, 7, after, kind, 60, 0, 5]);
        }
    }
}

const PLAY: &str = "GET /a.wma HTTP/1.0\r\nAccept: */*\r\nUser-Agent: NSPlayer/4.1.0.3856\r\nHost: h:80\r\n\
    Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=2,max-duration=0\r\n\
    Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\nPragma: xPlayStrm=1\r\n\
    Pragma: stream-switch-count=1\r\nPragma: stream-switch-entry=ffff:1:0 \r\nConnection: Close\r\n\r\n";
const LOG: &str = "POST /a HTTP/1.1\r\nUser-Agent: NSPlayer/9.0.0.2980\r\nConnection: Keep-Alive\r\n\
    Content-Type: application/x-wms-LogStats\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";

fn http(corpus: &Corpus) {
    let requests = [
        ("play", PLAY.to_owned()),
        ("log", LOG.to_owned()),
        ("plain", "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /a HTTP/1.1\r\nRange: bytes=-9\r\n\r\n".to_owned()),
        ("moved", "GET /moved HTTP/1.0\r\nUser-Agent: NSPlayer/7.1\r\n\r\n".to_owned()),
        ("two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned()),
        ("seek", PLAY.replace("stream-time=0", "stream-time=450")),
        ("chunks", "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n".to_owned()),
    ];
    for (name, request) in &requests {
        corpus.seed("http_head", name, &[&[0, 3, 1, 50], request.as_bytes()].concat());
        corpus.seed("http_server", name, &[&[0, 7, 90, 1], request.as_bytes()].concat());
    }
    // a connection that plays, one that stops it, time, and an end
    let stop = "POST /a HTTP/1.0\r\nUser-Agent: NSPlayer/7.1\r\nPragma: xStopStrm=1,client-id=1\r\n\r\n";
    let mut several = vec![0x83];
    for text in ["", "", stop] {
        several.extend([0, 0, u8::try_from(text.len()).unwrap()]);
        several.extend(text.as_bytes());
    }
    for part in PLAY.as_bytes().chunks(200) {
        several.extend([2, 0, u8::try_from(part.len()).unwrap()]);
        several.extend(part);
    }
    several.extend([7, 9, 6, 0, 4, 1, 5, 0, 7, 255]);
    corpus.seed("http_server", "several connections", &several);
    for (name, line) in [
        ("play", "no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=2,max-duration=0"),
        ("entries", "stream-switch-count=2,stream-switch-entry=ffff:1:0 ffff:a:2 "),
        ("features", "no-cache, client-id=1953501979, features=\"seekable,stridable\", timeout=60000"),
        ("log", "log-line=192.0.2.1 2026-01-01 00:00:00 - mms://h/a, \"b\" - 1 200"),
        ("broken", "a=\"b,,=,\"\",client-id=99999999999999999999,rate=-1.,stream-offset=1:"),
        ("generated", "\u{1}\u{2}\u{3}abcdefghijklmnopqrstuvwxyz0123456789 some bytes for tokens"),
    ] {
        corpus.seed("http_pragma", name, line.as_bytes());
    }
    let frames: [(&str, &[u8]); 6] = [
        ("header", b"$H\x0C\0\0\0\0\0\0\x0C\x0C\0\x30\x26\xB2\x75"),
        ("data", b"$D\x0A\0\x01\0\0\0\0\x01\x0A\0ab$D\x0A\0\x02\0\0\0\0\x02\x0A\0cd"),
        ("end", b"$E\x04\0\0\0\0\0"),
        ("burst", b"\xA4D\x0A\0\x01\0\0\0\0\x01\x0A\0ab"),
        ("sizes differ", b"$D\x0A\0\x01\0\0\0\0\x01\x0B\0ab"),
        ("change", b"$C\x04\0\0\0\0\0$M\x09\0\0\0\0\0\0\x0C\x09\0x$X\0\0"),
    ];
    for (name, bytes) in frames {
        corpus.seed("http_frame", name, &[&[1, 5, 200], bytes].concat());
    }
}
