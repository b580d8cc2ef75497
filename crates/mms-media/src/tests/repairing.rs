//! Files that were cut off or never finished, repaired.

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::Path;
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
        all.extend(asf_files(&testdata(folder)));
    }
    assert!(all.len() >= 28, "{}", all.len());
    all
}

fn asf_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_asf = path.extension().is_some_and(|e| ["wma", "wmv", "asf"].iter().any(|known| e == *known));
        if is_asf {
            all.push((path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()));
        }
    }
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
    let file = made("one-packet.wma");
    let repaired = (0..=file.len()).filter_map(|cut| check_cut("one-packet.wma", &file, cut)).count();
    assert!(repaired > 0);
}

#[test]
fn every_cut_of_a_file_of_small_packets_keeps_its_whole_packets() {
    let file = made("av-256.wmv");
    let half = file.len() / 2;
    // one half of the work each
    let repaired = std::thread::scope(|scope| {
        let odd =
            scope.spawn(|| (0..=half).filter_map(|n| check_cut("av-256.wmv", &file, 2 * n + 1)).count());
        let even = (0..=half).filter_map(|n| check_cut("av-256.wmv", &file, 2 * n)).count();
        even + odd.join().unwrap()
    });
    let header = usize::try_from(Header::decode(&file).unwrap().summary().header_len).unwrap();
    assert_eq!(repaired, 2 * half + 2 - header - 256, "every cut behind the first packet");
}

/// All files of the shared data, or those of the repository where there is none.
fn all_files() -> Vec<(String, Vec<u8>)> {
    let Some(shared) = std::env::var_os("MMS_SHARED") else {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "MMS_SHARED must be set in CI");
        eprintln!("skipped: MMS_SHARED is not set, so only the files of the repository are cut");
        return files();
    };
    let shared = std::path::PathBuf::from(shared).join("testdata");
    let mut all = asf_files(&shared.join("made"));
    all.extend(asf_files(&shared.join("real/asf")));
    assert!(all.len() > 50, "{}", all.len());
    all
}

#[test]
fn forty_seeded_cuts_of_every_file_keep_their_whole_packets_and_ten_of_them_play() {
    let folder = TempFolder::new();
    let (mut seed, mut played, mut repaired) = (7u64, 0, 0);
    for (name, file) in all_files() {
        let Ok(header) = Header::decode(&file) else { continue };
        let start = usize::try_from(header.summary().header_len).unwrap();
        let media = file.len().saturating_sub(start) + 1;
        let mut plays_left = 10;
        // what it says of the whole file too is not said of the cut
        let of_whole = ffprobe_says(&folder, &name, &file);
        for turn in 0..40 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = usize::try_from(seed >> 33).unwrap();
            // one of four anywhere, the others behind the header, which may be most of a short file
            let cut = if turn % 4 == 0 { random % (file.len() + 1) } else { start + random % media };
            let Some(out) = check_cut(&name, &file, cut) else { continue };
            repaired += 1;
            if plays_left > 0 {
                plays_left -= 1;
                let (Some(said), Some(of_whole)) = (ffprobe_says(&folder, &name, &out), &of_whole) else {
                    continue;
                };
                let mut new = said.difference(of_whole);
                let is_codec =
                    |said: &String| ["codec parameters", "Consider"].iter().any(|of| said.contains(of));
                assert!(
                    new.all(|said| is_codec(said) && !has_an_object_of_each_stream(&out)),
                    "{name} cut at {cut}: {said:?}"
                );
                played += 1;
            }
        }
    }
    eprintln!("{repaired} cut files were repaired, {played} of them read by ffprobe");
    assert!(repaired > 28 * 20);
}

/// False if the last fragment of a media object of some stream is nowhere, so that its decoder cannot begin.
fn has_an_object_of_each_stream(file: &[u8]) -> bool {
    let header = Header::decode(file).unwrap();
    let ended: BTreeSet<u8> = proper(file)
        .iter()
        .filter_map(|packet| Packet::decode(packet).ok())
        .flat_map(|packet| packet.fragments())
        .filter(|fragment| fragment.end() == fragment.object_size)
        .map(|fragment| fragment.stream_number)
        .collect();
    header.streams().all(|stream| ended.contains(&stream.number))
}

/// What ffprobe says while it reads all of a file, without what changes from run to run; nothing if there is no
/// ffprobe.
fn ffprobe_says(folder: &TempFolder, name: &str, file: &[u8]) -> Option<BTreeSet<String>> {
    let path = folder.write(name, file);
    let mut command = Command::new("ffprobe");
    command.args(["-v", "warning", "-count_packets", "-show_entries", "stream=nb_read_packets"]);
    let Ok(output) = command.args(["-of", "csv=p=0"]).arg(&path).stdin(Stdio::null()).output() else {
        eprintln!("skipped: ffprobe is not installed (install package ffmpeg)");
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "ffprobe must be installed in CI");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{name}: {said}");
    // `[asf @ 0x55c8] text`
    Some(said.lines().map(|line| line.rsplit("] ").next().unwrap_or(line).to_owned()).collect())
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
