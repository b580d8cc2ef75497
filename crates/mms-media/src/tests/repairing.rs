//! Files that were cut off or never finished, repaired.

use std::fs;
use std::io::Cursor;
use std::process::{Command, Stdio};

use mms_core::asf::{
    DATA_OBJECT_LEN, FileFlags, Guid, Header, Packet, SimpleIndex, packet_count, shift_times,
    top_level_object,
};

use super::{TempFolder, made, testdata};
use crate::output::RewriteError;
use crate::probe::Unservable;
use crate::repair::{Repaired, repair, repair_to};

fn repaired(file: &[u8]) -> Result<(Repaired, Vec<u8>), RewriteError> {
    let mut out = Cursor::new(vec![]);
    let told = repair_to(file, &mut out, Guid([7; 16]))?;
    let out = out.into_inner();
    assert_eq!(told.len, out.len() as u64);
    Ok((told, out))
}

/// Checks that a file says of itself what it holds; its packets.
fn proper(file: &[u8]) -> Vec<&[u8]> {
    let header = Header::decode(file).unwrap();
    let (summary, properties) = (header.summary(), header.file_properties());
    let size = summary.packet_size() as usize;
    let count = packet_count(file.len() as u64, summary);
    assert_eq!((summary.data_packets, properties.data_packets_count), (count, count));
    assert_eq!(summary.data_size, DATA_OBJECT_LEN as u64 + count * size as u64);
    assert_eq!(properties.file_size, file.len() as u64);
    assert!(!properties.flags.intersects(FileFlags::BROADCAST | FileFlags::LIVE));
    let start = usize::try_from(summary.header_len).unwrap();
    let end = start + usize::try_from(count).unwrap() * size;
    let mut at = end;
    while at < file.len() {
        let object = top_level_object(&file[at..], at as u64).unwrap();
        at += usize::try_from(object.size()).unwrap();
    }
    assert_eq!(at, file.len(), "objects behind the data are whole");
    file[start..end].chunks(size).collect()
}

fn files() -> Vec<(String, Vec<u8>)> {
    let mut all = vec![];
    for folder in ["made", "real"] {
        for entry in fs::read_dir(testdata(folder)).unwrap() {
            let path = entry.unwrap().path();
            let is_asf =
                path.extension().is_some_and(|e| ["wma", "wmv", "asf"].iter().any(|known| e == *known));
            if is_asf {
                all.push((path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    assert!(all.len() >= 28, "{}", all.len());
    all.sort();
    all
}

/// Repairs a cut file and checks that each whole packet before the cut is there, and nothing else.
fn check_cut(name: &str, file: &[u8], cut: usize) -> Option<Vec<u8>> {
    let header = Header::decode(file).unwrap();
    let summary = header.summary();
    let (start, size) = (usize::try_from(summary.header_len).unwrap(), summary.packet_size() as usize);
    let all = usize::try_from(packet_count(file.len() as u64, summary)).unwrap();
    let whole = (cut.saturating_sub(start) / size).min(all);
    match repaired(&file[..cut]) {
        Ok((told, out)) => {
            assert_eq!(told.packets, whole as u64, "{name} cut at {cut}");
            let packets = proper(&out);
            assert!(packets.concat() == file[start..start + whole * size], "{name} cut at {cut}");
            Some(out)
        }
        Err(error) => {
            assert_eq!(whole, 0, "{name} cut at {cut}: {error}");
            let is_short = matches!(
                error,
                RewriteError::Input(Unservable::HeaderCut | Unservable::NotAsf | Unservable::NoPackets)
            );
            assert!(is_short, "{name} cut at {cut}: {error}");
            None
        }
    }
}

#[test]
fn every_cut_of_the_shortest_file_keeps_its_whole_packets() {
    for name in ["one-packet.wma"] {
        let file = made_or_shared(name);
        let Some(file) = file else { return };
        for cut in 0..=file.len() {
            check_cut(name, &file, cut);
        }
    }
}

fn made_or_shared(name: &str) -> Option<Vec<u8>> {
    let local = testdata("made").join(name);
    let shared = std::env::var_os("MMS_SHARED")
        .map(|root| std::path::PathBuf::from(root).join("testdata/made").join(name));
    fs::read(local).ok().or_else(|| fs::read(shared?).ok())
}

#[test]
fn every_cut_of_a_file_of_small_packets_keeps_its_whole_packets() {
    let file = made("av-256.wmv");
    for cut in 0..=file.len() {
        // What is cut inside a packet is the same file as one cut before it: tried at its edges and its middle.
        let place = cut.saturating_sub(705) % 256;
        if cut < 705 || [0, 128, 255].contains(&place) {
            check_cut("av-256.wmv", &file, cut);
        }
    }
}

#[test]
fn seeded_cuts_of_every_file_keep_their_whole_packets_and_play() {
    let folder = TempFolder::new();
    let mut seed = 7u64;
    let mut played = 0;
    for (name, file) in files() {
        for turn in 0..20 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let cut = usize::try_from(seed >> 33).unwrap() % (file.len() + 1);
            let Some(out) = check_cut(&name, &file, cut) else { continue };
            if turn < 2 {
                played += u32::from(plays(&folder, &name, &out));
            }
        }
    }
    eprintln!("{played} of the cut files were read by ffprobe");
}

/// True if ffprobe reads the file without a word; false if there is no ffprobe.
fn plays(folder: &TempFolder, name: &str, file: &[u8]) -> bool {
    let path = folder.write(name, file);
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "warning",
            "-count_packets",
            "-show_entries",
            "stream=nb_read_packets",
            "-of",
            "csv=p=0",
        ])
        .arg(&path)
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: ffprobe is not installed");
        return false;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Its encoder spread audio over packets and sent some of it unspread, which is told of the whole file too.
    let is_known = name == "tika-netshow-mbr.asf" && said.contains("ds_packet_size");
    assert!(output.status.success() && (said.is_empty() || is_known), "{name}: {said}");
    true
}

#[test]
fn a_live_recording_gets_counts_durations_flags_and_an_index() {
    let file = made("live-pipe.asf");
    let (told, out) = repaired(&file).unwrap();
    assert_eq!((told.packets, told.unreadable, told.indexes, told.moved), (94, 0, 1, false));
    let packets = proper(&out);
    let header = Header::decode(&out).unwrap();
    assert!(header.file_properties().flags.contains(FileFlags::SEEKABLE));
    assert_eq!(header.file_properties().file_id, Guid([7; 16]));
    assert_eq!(told.duration.as_millis() / 100, 60);
    let at =
        out.len() - usize::try_from(told.len - header.summary().header_len).unwrap() + packets.concat().len();
    let object = top_level_object(&out[at..], 0).unwrap();
    let index = SimpleIndex::decode(&object).unwrap();
    assert_eq!((index.interval, index.file_id), (10_000_000, Guid([7; 16])));
    assert_eq!(index.len() as u64, 9046 / 1000 + 1);
}

#[test]
fn a_recording_that_joined_late_is_moved_to_its_beginning() {
    let mut file = made("live-pipe.asf");
    let summary = Header::decode(&file).unwrap().summary().clone();
    let start = usize::try_from(summary.header_len).unwrap();
    let (plain, wanted) = repaired(&file).unwrap();
    for packet in file[start..start + 94 * 1444].chunks_mut(1444) {
        shift_times(packet, 0, -100_000).unwrap();
        let send = Packet::decode(packet).unwrap().head().send_time_ms + 100_000;
        let at = Packet::decode(packet).unwrap().head().head_len - 6;
        packet[at..at + 4].copy_from_slice(&send.to_le_bytes());
    }
    let (told, out) = repaired(&file).unwrap();
    assert!(told.moved);
    assert_eq!(Repaired { moved: false, ..told }, plain);
    assert!(out == wanted);
}

#[test]
fn repairing_twice_gives_the_same_file() {
    for (name, file) in files() {
        let Ok((_, once)) = repaired(&file) else { continue };
        let (told, twice) = repaired(&once).unwrap();
        assert!(once == twice, "{name}");
        assert!(!told.moved);
    }
}

#[test]
fn a_file_is_replaced_at_once_or_not_at_all() {
    let folder = TempFolder::new();
    let path = folder.write("a.asf", &made("live-pipe.asf"));
    let told = repair(&path, &path).unwrap();
    let file = fs::read(&path).unwrap();
    proper(&file);
    assert_eq!(told.len, file.len() as u64);
    let broken = folder.write("b.asf", &made("live-pipe.asf")[..300]);
    let other = folder.path("c.asf");
    assert!(repair(&broken, &other).is_err() && repair(&broken, &broken).is_err());
    assert_eq!(fs::read(&broken).unwrap().len(), 300);
    let names: Vec<_> = fs::read_dir(folder.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no file is left beside: {names:?}");
}
