//! Reads ASF files so many times and puts every media object together: what `asf-walk.sh` counts.
//!
//!     asf_walk ROUNDS FILE...
//!
//! Prints packets, media objects and their bytes of one round, so that the script knows that both readers did the
//! same work.
#![allow(clippy::unwrap_used, reason = "a program for one script")]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use mms_core::asf::{HeaderLimits, HeaderSummary, HeaderWalker, ObjectAssembly, Packet, packet_count};

/// Packets that are read at once.
const BATCH: usize = 64;
/// The largest media object that is put together.
const OBJECT: usize = 1 << 20;

/// What is read of one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Work {
    packets: u64,
    objects: u64,
    bytes: u64,
}

/// The media object of one stream, as far as it came.
struct Stream {
    assembly: ObjectAssembly,
    buffer: Vec<u8>,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds: u32 = arguments.next().unwrap().parse().unwrap();
    for path in arguments {
        let mut file = File::open(&path).unwrap();
        let summary = walk(&mut file);
        let mut streams: Vec<Stream> = (0..128)
            .map(|number| Stream {
                assembly: ObjectAssembly::new(),
                // most of these are never touched
                buffer: vec![0; if summary.streams.get(number).is_some() { OBJECT } else { 0 }],
            })
            .collect();
        let numbers: Vec<_> = summary.streams.iter().map(|stream| usize::from(stream.number)).collect();
        let count = packet_count(file.metadata().unwrap().len(), &summary);
        let mut batch = vec![0; BATCH * usize::try_from(summary.packet_size()).unwrap()];
        let mut work = Work::default();
        for _ in 0..rounds {
            // The same packets again would be taken for repetitions.
            for number in &numbers {
                streams[*number].assembly = ObjectAssembly::new();
            }
            work = round(&mut file, &summary, count, &mut batch, &mut streams);
        }
        println!("packets={} objects={} bytes={}", work.packets, work.objects, work.bytes);
    }
}

fn walk(file: &mut File) -> HeaderSummary {
    let mut walker = HeaderWalker::new(HeaderLimits::default());
    let mut part = vec![0; 1 << 16];
    while !walker.is_complete() {
        let read = file.read(&mut part).unwrap();
        assert!(read > 0, "the header is cut");
        walker.feed(&part[..read]).unwrap();
    }
    walker.summary().unwrap().clone()
}

fn round(
    file: &mut File,
    summary: &HeaderSummary,
    count: u64,
    batch: &mut [u8],
    streams: &mut [Stream],
) -> Work {
    let size = usize::try_from(summary.packet_size()).unwrap();
    let mut left = usize::try_from(count).unwrap();
    let mut work = Work::default();
    file.seek(SeekFrom::Start(summary.header_len)).unwrap();
    while left > 0 {
        let count = left.min(BATCH);
        file.read_exact(&mut batch[..count * size]).unwrap();
        for packet in batch[..count * size].chunks_exact(size) {
            work.packets += 1;
            take(packet, streams, &mut work);
        }
        left -= count;
    }
    work
}

/// Puts what is in a packet together; an object that is whole lies in one piece, as a decoder wants it.
fn take(bytes: &[u8], streams: &mut [Stream], work: &mut Work) {
    let Ok(packet) = Packet::decode(bytes) else { return };
    for fragment in packet.fragments() {
        let Some(stream) = streams.get_mut(usize::from(fragment.stream_number)) else { continue };
        let Ok(assembled) = stream.assembly.push(&fragment, &mut stream.buffer) else { continue };
        let Some(object) = assembled.object.filter(|object| object.missing == 0) else { continue };
        let whole = if object.is_fragment { fragment.data } else { &stream.buffer[..object.size as usize] };
        work.objects += 1;
        work.bytes += core::hint::black_box(whole).len() as u64;
    }
}
