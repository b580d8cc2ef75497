//! Decoding and encoding messages.
#![allow(clippy::unwrap_used, missing_docs, reason = "benches")]

use core::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mms_core::mmsp::wire::{Message, TcpMessageHeader, encode_packet};
use mms_testkit::{scripted, talk};

fn messages(c: &mut Criterion) {
    let all = [
        ("Connect", scripted::connect()),
        ("ReportConnectedEX", talk::connected("9.1.1.3841", None)),
        ("ConnectFunnel", talk::connect_funnel(r"\\192.0.2.10\TCP\1755")),
        ("OpenFile", talk::open_file(9, "folder/another folder/content.wmv")),
        ("StreamSwitch", scripted::stream_switch()),
        ("StartPlaying", talk::start(10)),
        ("Ping", Message::Ping),
    ];
    let mut group = c.benchmark_group("messages");
    for (name, message) in &all {
        let bytes = scripted::packet(message);
        let body = &bytes[TcpMessageHeader::LEN..];
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("decode {name}"), |b| {
            b.iter(|| {
                let (decoded, used) = Message::decode(black_box(body)).unwrap();
                assert_eq!((decoded.mid(), used), (message.mid(), body.len()));
            });
        });
        let mut out = [0; 512];
        group.bench_function(format!("encode {name}"), |b| {
            b.iter(|| assert_eq!(encode_packet(black_box(message), 0, &mut out), Ok(bytes.len())));
        });
        assert_eq!(out[..bytes.len()], bytes);
    }
    let header = TcpMessageHeader::for_messages(64, 7).encode();
    group.throughput(Throughput::Bytes(32));
    group.bench_function("decode TcpMessageHeader", |b| {
        b.iter(|| assert_eq!(TcpMessageHeader::decode(black_box(&header)).unwrap().message_length, 80));
    });
    group.finish();
}

criterion_group!(benches, messages);
criterion_main!(benches);
