//! Every ASF file of the test data goes from a server to a client in memory and stays what it is.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use mms_core::asf::{HeaderLimits, HeaderWalker, packet_count};
use mms_core::client::Options;
use mms_testkit::content::{Content, shared, testdata};
use mms_testkit::hostile::unpaced;
use mms_testkit::pair::{Network, Pair};

/// Files with a good header and a whole packet, by name; the same name twice is the same file.
fn files() -> BTreeMap<String, Vec<u8>> {
    let mut folders = vec![testdata().join("made"), testdata().join("real")];
    if let Some(shared) = shared() {
        folders.extend([shared.join("testdata/made"), shared.join("testdata/real/asf")]);
    }
    folders.iter().flat_map(|folder| files_of(folder)).collect()
}

fn files_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut walker = HeaderWalker::new(HeaderLimits { bytes: 1 << 22, ..HeaderLimits::default() });
        let good = walker.feed(&bytes).is_ok();
        match walker.summary().filter(|_| good) {
            Some(summary) if packet_count(bytes.len() as u64, summary) > 0 => files.push((name, bytes)),
            Some(_) => println!("{name}: no whole packet"),
            None => println!("{name}: no ASF header"),
        }
    }
    files
}

fn fetch_all(network: Network) {
    let files = files();
    let (mut packets, mut largest) = (0_u64, 0);
    let least = if files.contains_key("ms-glass.wmv") { 50 } else { 25 };
    for (name, bytes) in &files {
        let content = Content::new(bytes.clone());
        assert!(!content.is_empty(), "{name}");
        packets += u64::from(content.len());
        largest = largest.max(content.summary().packet_size());
        let mut pair = Pair::new(content, Options::default(), unpaced(), network);
        pair.run();
        pair.assert_complete();
        println!("{name}: {} packets of {} bytes", pair.content.len(), pair.content.summary().packet_size());
    }
    println!("{} files, {packets} packets of up to {largest} bytes", files.len());
    assert!(files.len() >= least, "{} files, {least} expected", files.len());
    assert!(packets > 1000 && largest > 60_000);
}

#[test]
fn every_file_arrives_packet_for_packet() {
    fetch_all(Network::default());
}

#[test]
fn every_file_arrives_when_each_read_and_each_write_takes_one_byte() {
    fetch_all(Network { read: 1, write: 1, ..Network::default() });
}
