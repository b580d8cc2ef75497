//! Cutting a TCP stream into packets.
#![allow(clippy::unwrap_used, missing_docs, reason = "benches")]

use core::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mms_core::mmsp::wire::{Deframer, Frame, FrameLimits, Message};
use mms_testkit::scripted;

/// Packets in a stream.
const PACKETS: u32 = 1000;

/// Payloads as real streams have them: packet sizes of files in `testdata`, and how many of ten have them.
const SIZES: [(usize, usize); 4] = [(331, 2), (1444, 3), (3200, 4), (8948, 1)];

fn media(size: impl Fn(u32) -> usize) -> Vec<u8> {
    (0..PACKETS)
        .flat_map(|number| scripted::data(number, 10, number.to_le_bytes()[0], &vec![7; size(number)]))
        .collect()
}

fn mixed(number: u32) -> usize {
    let mut place = number as usize % 10;
    for (size, share) in SIZES {
        if place < share {
            return size;
        }
        place -= share;
    }
    unreachable!("the shares add up to ten")
}

/// Packets found when the stream arrives in reads of this size.
fn frames(stream: &[u8], read: usize) -> u32 {
    let mut deframer = Deframer::client(FrameLimits::default());
    let (mut start, mut end, mut found) = (0, 0, 0);
    while end < stream.len() {
        end = (end + read).min(stream.len());
        while let Ok(Frame::Data { total, .. } | Frame::Command { total }) =
            deframer.next(black_box(&stream[start..end]))
        {
            start += total;
            found += 1;
        }
    }
    assert_eq!(start, stream.len());
    found
}

fn framing(c: &mut Criterion) {
    let mut group = c.benchmark_group("framing");
    let streams = [
        ("packets of 331 bytes", media(|_| 331)),
        ("packets of 3200 bytes", media(|_| 3200)),
        ("packets as in real streams", media(mixed)),
        ("pings", scripted::packet(&Message::Ping).repeat(PACKETS as usize)),
    ];
    for (name, stream) in &streams {
        group.throughput(Throughput::Elements(u64::from(PACKETS)));
        group.bench_function(format!("{name}, whole"), |b| {
            b.iter(|| assert_eq!(frames(stream, usize::MAX >> 1), PACKETS));
        });
    }
    let (_, stream) = &streams[0];
    for read in [1, 16, 1460] {
        group.bench_function(format!("packets of 331 bytes, reads of {read}"), |b| {
            b.iter(|| assert_eq!(frames(stream, read), PACKETS));
        });
    }
    group.throughput(Throughput::Bytes(65_536));
    let long = scripted::raw(mms_core::mmsp::wire::Mid(0x0004_00FF), &vec![0; 65_536 - 40]);
    for read in [1, 1460, 65_536] {
        group.bench_function(format!("command of 64 KiB, reads of {read}"), |b| {
            b.iter(|| assert_eq!(frames(&long, read), 1));
        });
    }
    group.finish();
}

criterion_group!(benches, framing);
criterion_main!(benches);
