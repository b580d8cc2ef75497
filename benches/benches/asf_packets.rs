//! Headers and data packets of the format.
#![allow(clippy::unwrap_used, missing_docs, reason = "benches")]

use core::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mms_core::asf::{Header, HeaderLimits, HeaderWalker, PacketHead, restore_padding};
use mms_testkit::content::Content;

const FILES: [&str; 4] =
    ["made/av-256.wmv", "made/av-wmv2-wmav2.wmv", "made/av-64000.wmv", "real/tika-testWMV.wmv"];

fn packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("asf_packets");
    for name in FILES {
        let content = Content::testdata(name);
        let size = content.summary().packet_size();
        let packets = u64::from(content.len());
        group.throughput(Throughput::Elements(packets));
        group.bench_function(format!("heads of {name}, packets of {size}"), |b| {
            b.iter(|| {
                let heads = content.media().chunks(size as usize).map(PacketHead::decode);
                assert_eq!(black_box(heads).filter(Result::is_ok).count() as u64, packets);
            });
        });
        // payloads without the padding behind them, as a server may send them
        let short: Vec<&[u8]> = (0..content.len())
            .map(|number| {
                let packet = content.packet(number);
                &packet[..PacketHead::decode(packet).unwrap().payload_range().end]
            })
            .collect();
        group.bench_function(format!("padding of {name}, packets of {size}"), |b| {
            b.iter(|| {
                for packet in black_box(&short) {
                    assert!(
                        restore_padding(packet, size).is_ok_and(|whole| whole.total_len() == size as usize)
                    );
                }
            });
        });
    }
    group.finish();
}

fn headers(c: &mut Criterion) {
    let mut group = c.benchmark_group("asf_headers");
    for name in ["made/av-wmv2-wmav2.wmv", "real/ms-sire.wma", "real/atl-voice-8k.wma"] {
        let content = Content::testdata(name);
        let header = content.header();
        group.throughput(Throughput::Bytes(header.len() as u64));
        for part in [1, 1460, header.len()] {
            group.bench_function(format!("walk {name} in parts of {part}"), |b| {
                b.iter(|| {
                    let mut walker = HeaderWalker::new(HeaderLimits::default());
                    for part in black_box(header).chunks(part) {
                        walker.feed(part).unwrap();
                    }
                    assert!(walker.is_complete());
                });
            });
        }
        group.bench_function(format!("views of {name}"), |b| {
            b.iter(|| assert!(Header::decode(black_box(header)).unwrap().streams().count() > 0));
        });
    }
    group.finish();
}

criterion_group!(benches, packets, headers);
criterion_main!(benches);
