//! Files remuxed: the same media objects in other packets.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "each test file uses a part")]
#[path = "../../mms-core/tests/asf/objects.rs"]
mod objects;

use core::time::Duration;
use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mms_core::asf::{FileFlags, Guid, Header, StreamKind};
use mms_media::{RemuxOptions, Repaired, RewriteError, remux, remux_to};
use objects::{Object, collect, packets};

fn folders() -> Vec<PathBuf> {
    if let Some(root) = std::env::var_os("MMS_SHARED") {
        let root = PathBuf::from(root).join("testdata");
        return vec![root.join("made"), root.join("real/asf")];
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "MMS_SHARED must be set in CI");
    eprintln!("skipped: MMS_SHARED is not set, only the files of the repository are tried");
    let local = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    vec![local.join("made"), local.join("real")]
}

fn files() -> Vec<(String, Vec<u8>)> {
    let mut all = vec![];
    for folder in folders() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| ["wma", "wmv", "asf"].iter().any(|known| e == *known)) {
                all.push((path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    all.sort();
    assert!(all.len() >= 28, "{}", all.len());
    all
}

fn remuxed(file: &[u8], options: &RemuxOptions) -> Result<(Repaired, Vec<u8>), RewriteError> {
    let mut out = Cursor::new(vec![]);
    let told = remux_to(file, &mut out, options, Guid([5; 16]))?;
    assert_eq!(told.len, out.get_ref().len() as u64);
    Ok((told, out.into_inner()))
}

fn objects_of(file: &[u8]) -> Vec<Object> {
    let header = Header::decode(file).unwrap();
    let found = collect(packets(file, header.summary()), header.file_properties().preroll_ms);
    let mut objects = found.objects;
    // Numbers begin anew; the order of streams among each other is that in which objects begin.
    objects.iter_mut().for_each(|object| object.number = 0);
    objects.sort_by_key(|object| object.stream);
    objects
}

fn size(packet_size: u32) -> RemuxOptions {
    let mut options = RemuxOptions::default();
    options.packet_size = Some(packet_size);
    options
}

#[test]
fn every_object_of_every_file_survives_every_packet_size() {
    let mut done = 0;
    for (name, file) in files() {
        if Header::decode(&file).is_err() {
            continue;
        }
        let before = objects_of(&file);
        for packet_size in [64, 300, 1460, 8000, 65_527] {
            if packet_size < 1000 && file.len() > 300_000 {
                continue;
            }
            let (told, out) = match remuxed(&file, &size(packet_size)) {
                Ok(done) => done,
                Err(error) => {
                    assert!(before.is_empty(), "{name}: {error}");
                    continue;
                }
            };
            done += 1;
            assert!(objects_of(&out) == before, "{name} in packets of {packet_size}");
            let header = Header::decode(&out).unwrap();
            let properties = header.file_properties();
            assert_eq!(
                (properties.packet_size(), properties.data_packets_count),
                (packet_size, told.packets)
            );
            assert_eq!(properties.file_size, out.len() as u64, "{name}");
            assert!(properties.flags.contains(FileFlags::SEEKABLE) && !properties.is_broadcast(), "{name}");
        }
    }
    assert!(done > 100, "{done}");
}

/// What ffprobe says of a file besides the answer, without addresses; nothing if it is not installed.
fn said_by_ffprobe(path: &Path) -> Option<BTreeSet<String>> {
    let entries = ["-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"];
    let output =
        Command::new("ffprobe").args(["-v", "warning"]).args(entries).arg(path).stdin(Stdio::null()).output();
    let lines = String::from_utf8_lossy(&output.ok()?.stderr).into_owned();
    let message = |line: &str| line.split_once("] ").map_or(line, |(_, message)| message).to_owned();
    Some(lines.lines().filter(|line| !line.contains("repeated")).map(message).collect())
}

#[test]
fn files_that_are_remuxed_are_read_without_a_word_more() {
    let folder = std::env::temp_dir().join(format!("mms-remux-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut read = 0;
    for (name, file) in files() {
        let Ok((_, out)) = remuxed(&file, &size(2048)) else { continue };
        let path = folder.join(&name);
        fs::write(&path, &file).unwrap();
        let Some(before) = said_by_ffprobe(&path) else {
            eprintln!("skipped: ffprobe is not installed");
            break;
        };
        fs::write(&path, &out).unwrap();
        let after = said_by_ffprobe(&path).unwrap();
        let new: Vec<_> = after.difference(&before).collect();
        assert!(new.is_empty(), "{name}: {new:?}");
        read += 1;
    }
    fs::remove_dir_all(&folder).unwrap();
    eprintln!("{read} files were read by ffprobe");
}

#[test]
fn only_the_streams_that_are_wanted_are_copied() {
    let (_, file) = files().into_iter().find(|(name, _)| name == "two-audio.wmv").unwrap();
    let mut options = RemuxOptions::default();
    options.streams = BTreeSet::from([1, 3]);
    let (_, out) = remuxed(&file, &options).unwrap();
    let header = Header::decode(&out).unwrap();
    assert_eq!(header.streams().map(|stream| stream.number).collect::<Vec<_>>(), [1, 3]);
    assert!(header.stream_bit_rates().all(|rate| rate.number != 2));
    let wanted: Vec<_> = objects_of(&file).into_iter().filter(|object| object.stream != 2).collect();
    assert!(objects_of(&out) == wanted);
    options.streams = BTreeSet::from([9]);
    assert!(matches!(remuxed(&file, &options), Err(RewriteError::Nothing)));
}

#[test]
fn a_part_begins_at_the_key_frame_before_and_ends_where_it_should() {
    for (name, file) in files() {
        if !["seek-125s.wmv", "seek-audio-130s.wma", "markers.wmv"].contains(&name.as_str()) {
            continue;
        }
        let header = Header::decode(&file).unwrap();
        let preroll = header.file_properties().preroll_ms;
        let is_video = |n: u8| header.summary().streams.get(n).is_some_and(|s| s.kind == StreamKind::Video);
        let (start, length) = (3300, 4000);
        let mut options = RemuxOptions::default();
        options.start = Duration::from_millis(start);
        options.duration = Some(Duration::from_millis(length));
        let (told, out) = remuxed(&file, &options).unwrap();
        assert!(told.moved);
        let all = objects_of(&file);
        let key = all.iter().filter(|o| is_video(o.stream) && o.key && u64::from(o.time) <= preroll + start);
        let from = key.map(|o| u64::from(o.time)).max().unwrap_or(preroll + start);
        let to = preroll + start + length;
        let back = u32::try_from(from - preroll).unwrap();
        let inside = all.into_iter().filter(|o| (from..to).contains(&u64::from(o.time)));
        let wanted: Vec<_> = inside.map(|o| Object { time: o.time - back, ..o }).collect();
        let found = objects_of(&out);
        assert!(found == wanted, "{name}: {} objects of {}", found.len(), wanted.len());
        assert!(
            found.iter().filter(|o| is_video(o.stream)).min_by_key(|o| o.time).is_none_or(|o| o.key),
            "{name}"
        );
        let after = Header::decode(&out).unwrap();
        assert!(
            after.file_properties().content_duration() <= Duration::from_millis(to - from + 500),
            "{name}"
        );
    }
}

#[test]
fn a_start_behind_the_pictures_has_the_last_of_them_and_one_behind_everything_is_an_error() {
    let (_, file) = files().into_iter().find(|(name, _)| name == "two-audio.wmv").unwrap();
    let header = Header::decode(&file).unwrap();
    let preroll = header.file_properties().preroll_ms;
    let content = |object: &Object| u64::from(object.time) - preroll;
    let all = objects_of(&file);
    let last = |stream: u8| all.iter().filter(|o| o.stream == stream).map(content).max().unwrap();
    let (pictures, sound) = (last(1), last(2).max(last(3)));
    assert!(pictures < sound, "sound goes on behind the last picture");
    let mut options = RemuxOptions::default();
    options.start = Duration::from_millis(pictures + 1);
    let (_, out) = remuxed(&file, &options).unwrap();
    let key = all.iter().filter(|o| o.stream == 1 && o.key).map(content).max().unwrap();
    let kept = objects_of(&out);
    let of = |objects: &[Object], from: u64| objects.iter().filter(|o| content(o) >= from).count();
    assert_eq!(kept.len(), of(&all, key));
    assert!(kept.iter().any(|object| object.stream == 1 && object.key));

    options.start = Duration::from_millis(sound + 1);
    let error = remuxed(&file, &options).unwrap_err();
    let RewriteError::StartBehindEnd { last } = error else { panic!("{error}") };
    assert_eq!(last, Duration::from_millis(sound));
    assert!(error.to_string().contains("before the start"), "{error}");
    // of the pictures alone it is behind the end earlier
    options.start = Duration::from_millis(pictures + 1);
    options.streams = BTreeSet::from([1]);
    assert!(matches!(remuxed(&file, &options), Err(RewriteError::StartBehindEnd { .. })));
}

#[test]
fn an_impossible_packet_size_leaves_nothing_behind() {
    let folder = std::env::temp_dir().join(format!("mms-remux-none-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (_, file) = files().into_iter().find(|(name, _)| name == "av-256.wmv").unwrap();
    let input = folder.join("in.wmv");
    fs::write(&input, &file).unwrap();
    for wrong in [0, 26, 65_536] {
        assert!(
            matches!(
                remux(&input, &folder.join("out.wmv"), &size(wrong)),
                Err(RewriteError::PacketSize(_) | RewriteError::Input(_))
            ),
            "{wrong}"
        );
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    let told = remux(&input, &input, &size(3200)).unwrap();
    assert_eq!(fs::metadata(&input).unwrap().len(), told.len);
    fs::remove_dir_all(&folder).unwrap();
}
