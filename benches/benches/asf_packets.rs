//! Headers and data packets of the format.
#![allow(clippy::unwrap_used, missing_docs, reason = "benches")]

use core::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mms_core::asf::{
    Filtered, Header, HeaderLimits, HeaderWalker, Keep, ObjectAssembly, Packet, PacketFilter, PacketHead,
    restore_padding, strip_padding,
};
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

/// Every media object put together; the number of packets is that of the file.
fn reassembly(c: &mut Criterion) {
    let mut group = c.benchmark_group("asf_reassembly");
    for name in FILES {
        let content = Content::testdata(name);
        let size = content.summary().packet_size() as usize;
        group.throughput(Throughput::Elements(u64::from(content.len())));
        let mut buffers: Vec<Vec<u8>> = vec![vec![0; 1 << 18]; 8];
        group.bench_function(format!("{name}, packets of {size}"), |b| {
            b.iter(|| {
                let mut assemblies = [ObjectAssembly::new(); 8];
                let mut objects = 0;
                for packet in black_box(content.media()).chunks(size) {
                    let Ok(packet) = Packet::decode(packet) else { continue };
                    for fragment in packet.fragments() {
                        let stream = usize::from(fragment.stream_number);
                        let assembled = assemblies[stream].push(&fragment, &mut buffers[stream]).unwrap();
                        assert!(!assembled.has_loss());
                        objects += u32::from(assembled.object.is_some());
                    }
                }
                assert!(objects > 10);
            });
        });
    }
    group.finish();
}

/// Streams left out, video thinned, padding removed.
fn thinning(c: &mut Criterion) {
    let mut group = c.benchmark_group("asf_thinning");
    for (name, levels) in [
        ("made/two-audio.wmv", &[(3, Keep::Nothing)][..]),
        ("made/av-wmv2-wmav2.wmv", &[(1, Keep::KeyFrames)]),
        ("made/key-frames-512.wmv", &[(1, Keep::KeyFrames)]),
    ] {
        let content = Content::testdata(name);
        let size = content.summary().packet_size() as usize;
        group.throughput(Throughput::Elements(u64::from(content.len())));
        let mut out = vec![0; size];
        group.bench_function(format!("{levels:?} of {name}"), |b| {
            b.iter(|| {
                let mut filter = PacketFilter::new(&content.summary().streams);
                levels.iter().for_each(|(stream, keep)| filter.set(*stream, *keep));
                let mut sent = 0;
                for packet in black_box(content.media()).chunks(size) {
                    let packet = Packet::decode(packet).unwrap();
                    sent += u32::from(filter.apply(&packet, &mut out).unwrap() != Filtered::Empty);
                }
                assert!(sent > 0);
            });
        });
        group.bench_function(format!("padding removed from {name}"), |b| {
            b.iter(|| {
                for packet in black_box(content.media()).chunks(size) {
                    let stripped = strip_padding(&Packet::decode(packet).unwrap()).unwrap().total_len();
                    assert!(stripped <= size);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, packets, headers, reassembly, thinning);
criterion_main!(benches);
