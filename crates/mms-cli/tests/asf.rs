//! Files explained, repaired and remuxed by the tool, against readers written by others.
//!
//! A missing program fails the test where `CI=true` and is told by a line with `SKIPPED` elsewhere.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "the interoperability tests use the rest")]
mod support;
mod tool {
    #[allow(dead_code, reason = "other tests use the rest")]
    pub(super) mod asf;
    #[allow(dead_code, reason = "other tests use the rest")]
    pub(super) mod program;
}
mod readers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use readers::{
    Objects, Reader, decoded_frames, ffprobe, gstreamer_decoded, gstreamer_decodes, has_ffprobe,
    mplayer_complaints, name_of, shared_files, vlc_decoded,
};
use serde_json::{Value, json};
use support::asf::Asf;
use support::peer::{MMSDUMP, all_installed, missing, vlc};
use support::process::{Run, Scratch, bounded};
use support::server::{Server, made};
use tool::asf::source;
use tool::program::{Outcome, mms};

const SAMPLE: &str = "av-wmv2-wmav2.wmv";
const LONG: &str = "seek-125s.wmv";
/// Headers without a whole packet.
const NO_PACKET: [&str; 2] = ["exiftool-photostory-header.wmv", "taglib-real-example-nodata.wma"];

fn remux(input: &Path, output: &Path, options: &[&str]) -> Outcome {
    mms(&["remux"]).arg(input).arg(output).args(options).run()
}

fn repair(input: &Path, output: &Path) -> Outcome {
    mms(&["repair"]).arg(input).arg("-o").arg(output).run()
}

fn info(path: &Path) -> Value {
    let outcome = mms(&["info", "--json"]).arg(path).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    outcome.json()
}

/// The content of the first object of a name, in the header or behind the packets.
fn content(info: &Value, name: &str) -> Value {
    fn find(list: &Value, name: &str) -> Option<Value> {
        list.as_array()?.iter().find_map(|object| {
            if object["name"] == name {
                Some(object["content"].clone())
            } else {
                find(&object["objects"], name)
            }
        })
    }
    find(&info["objects"], name).or_else(|| find(&info["behind"], name)).unwrap_or(Value::Null)
}

// ---- the same as others read

/// Files whose last packet is cut: ffprobe gives what is in it, we do not count it (section 2.1).
/// How many objects of stream 0 are in it.
const CUT: [(&str, usize); 5] = [
    ("fate-metadata-library-trimmed.wma", 1),
    ("fate-wmapro-51-cut.wma", 1),
    ("mm-scriptcmd-truncated.wma", 1),
    ("moon-timecode-short-broadcast.wmv", 1),
    ("mutagen-issue29-truncated.wma", 1),
];

/// An object that begins in the last whole packet and ends in the one that is cut: a list of payloads has it.
/// File, stream, objects that begin, objects that are whole.
const BEGUN: [(&str, u64, usize, usize); 1] = [("moon-timecode-short-broadcast.wmv", 1, 25, 24)];

/// What ffprobe finds, without what stands in a packet that is cut.
fn whole_objects(path: &Path) -> Objects {
    let mut objects = ffprobe(path);
    if let Some((_, cut)) = CUT.iter().find(|(name, _)| *name == name_of(path)) {
        let stream = objects.get_mut(&0).unwrap();
        stream.truncate(stream.len() - cut);
    }
    objects
}

/// Time, key flag and size of each object, by stream, from the list of packets and payloads.
fn listed_objects(path: &Path) -> BTreeMap<u64, Vec<(i64, bool, u64)>> {
    let told = info(path);
    let preroll = content(&told, "File Properties")["preroll_ms"].as_i64().unwrap();
    let videos: Vec<u64> = told["streams"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|stream| stream["kind"] == "video")
        .map(|stream| stream["number"].as_u64().unwrap())
        .collect();
    let outcome = mms(&["info", "--packets", "--json"]).arg(path).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    let mut streams: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    for line in outcome.stdout.lines() {
        let packet: Value = serde_json::from_str(line).unwrap();
        let send_ms = packet["send_ms"].as_i64().unwrap_or_default();
        for payload in packet["payloads"].as_array().into_iter().flatten() {
            let stream = payload["stream"].as_u64().unwrap();
            for object in payload["objects"].as_array().unwrap().iter().filter(|object| object["offset"] == 0)
            {
                let time = object["presentation_ms"].as_i64().map_or(send_ms, |time| time - preroll);
                let key = !videos.contains(&stream) || payload["key_frame"] == true;
                let size = object["object_bytes"].as_u64().unwrap();
                streams.entry(stream).or_default().push((time, key, size));
            }
        }
    }
    streams
}

#[test]
fn the_list_of_packets_names_the_media_objects_that_ffprobe_finds() {
    let Some(files) = shared_files().filter(|_| has_ffprobe()) else { return };
    let (mut compared, mut differences) = (0, Vec::new());
    for path in files.iter().filter(|path| !NO_PACKET.contains(&name_of(path).as_str())) {
        let listed = listed_objects(path);
        let streams: Vec<u64> =
            info(path)["streams"].as_array().unwrap().iter().map(|s| s["number"].as_u64().unwrap()).collect();
        let theirs = whole_objects(path);
        for (index, number) in streams.iter().enumerate() {
            let ours = listed.get(number).cloned().unwrap_or_default();
            let objects = theirs.get(&index).into_iter().flatten();
            let theirs: Vec<_> = objects.map(|(time, key, size, _)| (*time, *key, *size as u64)).collect();
            compared += ours.len();
            if ours != theirs {
                differences.push((name_of(path), *number, ours.len(), theirs.len()));
            }
        }
    }
    assert_eq!(
        differences,
        BEGUN.map(|(name, stream, ours, theirs)| (name.to_owned(), stream, ours, theirs))
    );
    assert!(compared > 10_000, "{compared} objects");
}

/// The header is one for streaming, and its number of objects was not made true.
const UNREADABLE_BY_MUTAGEN: [&str; 1] = ["moon-big-streamed-markers.wmv"];

#[test]
fn tags_are_those_that_mutagen_reads() {
    let Some(files) = shared_files() else { return };
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers/tags.py");
    // Debian's own, which has Debian's modules
    let has_mutagen = Command::new("/usr/bin/python3").args(["-c", "import mutagen"]).output();
    if !has_mutagen.is_ok_and(|output| output.status.success()) {
        missing("mutagen is not installed (install package python3-mutagen)");
        return;
    }
    let output = Command::new("/usr/bin/python3").arg(script).args(&files).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), files.len(), "{}", String::from_utf8_lossy(&output.stderr));
    let (mut compared, mut empty, mut unreadable) = (0, 0, Vec::new());
    for (path, theirs) in files.iter().zip(lines.lines()) {
        let theirs: Value = serde_json::from_str(theirs).unwrap();
        let Some(theirs) = theirs["tags"].as_array() else {
            unreadable.push(name_of(path));
            continue;
        };
        // a text of nothing but its end is no title
        let fixed = ["Title", "Author", "Copyright", "Description", "Rating"];
        let is_empty = |tag: &Value| tag["value"] == "" && fixed.iter().any(|name| tag["name"] == *name);
        empty += theirs.iter().filter(|tag| is_empty(tag)).count();
        let mut theirs: Vec<String> =
            theirs.iter().filter(|tag| !is_empty(tag)).map(ToString::to_string).collect();
        let told = info(path);
        let ours = told["tags"].as_array().unwrap().iter().map(|tag| {
            let fields =
                ["name", "kind", "value", "hex", "stream"].map(|key| (key.to_owned(), tag[key].clone()));
            Value::Object(fields.into_iter().collect()).to_string()
        });
        let mut ours: Vec<String> = ours.collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{}", path.display());
        compared += ours.len();
    }
    assert_eq!(unreadable, UNREADABLE_BY_MUTAGEN);
    assert_eq!((compared, empty), (353, 46));
}

// ---- what we write is read

/// What a reader says of the sources too: the reader, words of its warnings, how many files, and the reason.
type Complaint = (Reader, &'static [&'static str], usize, &'static str);

const COMPLAINTS: [Complaint; 10] = [
    (Reader::Ffprobe, &["DRM protected"], 1, "the content is encrypted, and its header says so"),
    (Reader::Ffprobe, &["codec", "Consider increasing"], 2, "a stream that is neither audio nor video"),
    (Reader::Ffprobe, &["ds_packet_size", "repeated"], 1, "the last media object of spread audio is short"),
    (Reader::GStreamer, &["encrypted", "preroll", "error"], 1, "encrypted: it plays none of it"),
    (Reader::GStreamer, &["Unknown object"], 2, "it does not know all objects of the specification"),
    (
        Reader::GStreamer,
        &["undefined stream", "Stream id", "Unknown stream type"],
        6,
        "order of objects, kinds",
    ),
    (Reader::GStreamer, &["track-number"], 1, "a track number such as 6/15"),
    (Reader::Vlc, &["another demux"], 1, "encrypted: its own demux refuses"),
    (Reader::Vlc, &["(not loaded)"], 28, "it does not know all objects of the specification"),
    (
        Reader::Vlc,
        &["unknown top-level object"],
        7,
        "it knows the Simple Index Object only, not the Index Object",
    ),
];

#[test]
fn files_that_were_repaired_or_remuxed_are_read_without_a_new_warning() {
    let Some(files) = shared_files() else { return };
    let readers: Vec<Reader> = Reader::ALL.into_iter().filter(|reader| reader.is_installed()).collect();
    let scratch = Scratch::new("warnings");
    let mut complaints = BTreeSet::new();
    for path in files.iter().filter(|path| !NO_PACKET.contains(&name_of(path).as_str())) {
        let name = name_of(path);
        let copy = scratch.file(&name);
        fs::copy(path, &copy).unwrap();
        let (repaired, remuxed) = (scratch.file(&format!("r-{name}")), scratch.file(&format!("m-{name}")));
        for outcome in [repair(path, &repaired), remux(path, &remuxed, &[])] {
            assert_eq!(outcome.code, 0, "{outcome}");
        }
        for reader in &readers {
            let of_source = reader.warnings(&copy, &scratch);
            for made in [&repaired, &remuxed] {
                let warnings = reader.warnings(made, &scratch);
                let new: Vec<_> = warnings.difference(&of_source).collect();
                assert!(new.is_empty(), "{reader:?} on {}: {new:?}", made.display());
                complaints.extend(warnings.into_iter().map(|warning| (name.clone(), *reader, warning)));
            }
        }
        for path in [copy, repaired, remuxed] {
            fs::remove_file(path).unwrap();
        }
    }
    let mut explained = [const { BTreeSet::new() }; COMPLAINTS.len()];
    for (name, reader, warning) in &complaints {
        let is_of =
            |(of, words, ..): &Complaint| of == reader && words.iter().any(|word| warning.contains(word));
        let rule =
            COMPLAINTS.iter().position(is_of).unwrap_or_else(|| panic!("{name}, {reader:?}: {warning}"));
        explained[rule].insert(name);
    }
    for ((reader, words, count, reason), files) in COMPLAINTS.iter().zip(explained) {
        let count = if readers.contains(reader) { *count } else { 0 };
        assert_eq!(files.len(), count, "{reader:?} {words:?} ({reason}): {files:?}");
    }
}

#[test]
fn what_was_fetched_is_read_without_a_warning() {
    let names = [LONG, SAMPLE, "audio-wmav2.wma", "key-frames-512.wmv"];
    let (server, scratch) = (Server::start("off", &names), Scratch::new("fetched"));
    for name in names {
        let target = scratch.file(name);
        let outcome = mms(&["get", &server.url(name), "-o"]).arg(&target).run();
        assert_eq!(outcome.code, 0, "{outcome}");
        for reader in Reader::ALL.into_iter().filter(|reader| reader.is_installed()) {
            let warnings = reader.warnings(&target, &scratch);
            assert!(warnings.is_empty(), "{name}, {reader:?}: {warnings:?}");
        }
    }
}

/// Streams that are asked for by number, whether only key frames of video; then the places of the streams that
/// come, of which the first is video where only key frames come.
type Choice = (&'static str, &'static [&'static str], &'static [usize]);

const CHOICES: [Choice; 5] = [
    ("two-audio.wmv", &["--streams", "1,2"], &[0, 1]),
    ("two-audio.wmv", &["--streams", "3"], &[2]),
    (SAMPLE, &["--streams", "2"], &[1]),
    (SAMPLE, &["--key-frames"], &[0, 1]),
    ("key-frames-512.wmv", &["--streams", "1", "--key-frames"], &[0]),
];

#[test]
fn what_is_left_of_a_choice_of_streams_decodes_to_exactly_the_frames_that_were_kept() {
    if !all_installed(&[("ffmpeg", "ffmpeg"), ("ffprobe", "ffmpeg"), ("mplayer", "mplayer")]) {
        return;
    }
    let server = Server::start("off", &["two-audio.wmv", SAMPLE, "key-frames-512.wmv"]);
    let scratch = Scratch::new("choice");
    for (name, options, streams) in CHOICES {
        let target = scratch.file("x.wmv");
        let outcome = mms(&["get", &server.url(name), "--force", "-o"]).arg(&target).args(options).run();
        assert_eq!(outcome.code, 0, "{name} {options:?}: {outcome}");
        let (before, after) = (ffprobe(&made(name)), ffprobe(&target));
        assert_eq!(after.keys().copied().collect::<Vec<_>>(), streams, "{name} {options:?}");
        for stream in streams {
            let is_thinned = options.contains(&"--key-frames") && *stream == 0;
            let kept: Vec<_> =
                before[stream].iter().filter(|object| !is_thinned || object.1).cloned().collect();
            assert!(
                !kept.is_empty() && after[stream] == kept,
                "{name} {options:?}: objects of {stream} differ"
            );
            let whole = decoded_frames(&made(name), *stream, &scratch);
            let decoded = decoded_frames(&target, *stream, &scratch);
            if is_thinned {
                // without times, whose unit follows the distance of frames
                let picture = |frame: &String| frame.split(',').skip(4).collect::<String>();
                let keys = whole.iter().zip(&before[stream]).filter(|(_, object)| object.1);
                let keys: Vec<String> = keys.map(|(frame, _)| picture(frame)).collect();
                assert_eq!(decoded.iter().map(picture).collect::<Vec<_>>(), keys, "{name} {options:?}");
            } else {
                assert_eq!(decoded, whole, "{name} {options:?}: frames of {stream}");
            }
        }
        decoded_by_others(name, options, streams, &before, (&target, &scratch));
        assert_eq!(mplayer_complaints(&target, &scratch), [""; 0], "{name} {options:?}");
        for reader in Reader::ALL.into_iter().filter(|reader| reader.is_installed()) {
            let (of_source, warnings) =
                (reader.warnings(&made(name), &scratch), reader.warnings(&target, &scratch));
            assert!(warnings.is_subset(&of_source), "{name} {options:?}, {reader:?}: {warnings:?}");
        }
    }
}

/// GStreamer and VLC decode exactly the frames that were kept. VLC lacks the last two of each stream, of any file:
/// its demux gives an object out when the next begins, and its decoder keeps one back.
fn decoded_by_others(
    name: &str,
    options: &[&str],
    streams: &[usize],
    before: &Objects,
    (target, scratch): (&Path, &Scratch),
) {
    if !gstreamer_decodes() {
        return;
    }
    let told = info(&made(name));
    let kinds: Vec<String> =
        told["streams"].as_array().unwrap().iter().map(|s| s["kind"].as_str().unwrap().to_owned()).collect();
    for stream in streams {
        let kind = kinds[*stream].as_str();
        let place = kinds[..*stream].iter().filter(|other| *other == kind).count();
        let mut wanted = gstreamer_decoded(&made(name), (kind, place), scratch);
        assert!(!wanted.is_empty(), "{name}: {kind} {place}");
        let frame = wanted.len() / before[stream].len();
        if kind == "video" {
            assert_eq!(wanted.len() % before[stream].len(), 0, "{name}: frames of one size");
            let is_thinned = options.contains(&"--key-frames");
            let kept =
                wanted.chunks(frame).zip(&before[stream]).filter(|(_, object)| !is_thinned || object.1);
            wanted = kept.flat_map(|(frame, _)| frame.to_vec()).collect();
        }
        let decoded = gstreamer_decoded(target, (kind, place), scratch);
        assert!(decoded == wanted, "{name} {options:?}: GStreamer, {} of {}", decoded.len(), wanted.len());
        if !Reader::Vlc.is_installed() {
            continue;
        }
        let decoded = vlc_decoded(target, kind, scratch);
        if kind == "video" {
            let (got, all) = (decoded.len() / frame, wanted.len() / frame);
            assert!(
                wanted.starts_with(&decoded) && got + 2 >= all,
                "{name} {options:?}: VLC, {got} of {all}"
            );
        } else {
            // GStreamer gives samples of 32 bits
            let (got, all) = (decoded.len(), wanted.len() / 2);
            assert!((all - 2 * frame..=all).contains(&got), "{name} {options:?}: VLC, {got} of {all}");
        }
    }
}

/// Peers choose among the streams of two-audio.wmv: the video and one of two audio streams. Those that they leave
/// out do not come, the others whole.
#[test]
fn streams_that_libmms_and_vlc_leave_out_on_the_wire_do_not_come() {
    let name = "two-audio.wmv";
    if !has_ffprobe() {
        return;
    }
    let (server, scratch) = (Server::start("off", &[name]), Scratch::new("left-out"));
    let source = ffprobe(&made(name));
    assert_eq!(source.len(), 3);
    let judge = |dump: &Path, streams: usize, run: &Run| {
        let found = ffprobe(dump);
        assert_eq!(found.len(), streams, "{}", run.explain("other streams than were asked for"));
        assert!(found.contains_key(&0), "{}", run.explain("no video"));
        for (stream, objects) in &found {
            assert!(objects == &source[stream], "{}", run.explain(format!("objects of stream {stream}")));
        }
    };
    if let Some(program) = MMSDUMP.path() {
        let dump = scratch.file("libmms.asf");
        let mut command = bounded(core::time::Duration::from_secs(10), &program.to_string_lossy());
        let run = Run::complete(command.arg(server.url(name)).arg(&dump), &scratch, "libmms");
        judge(&dump, 2, &run);
    }
    if !all_installed(&[("vlc", "vlc-bin vlc-plugin-base"), ("setpriv", "util-linux")]) {
        return;
    }
    for (options, streams) in [(&[][..], 2), (&["--mms-maxbitrate=30000"], 2), (&["--mms-all"], 3)] {
        let dump = scratch.file("vlc.asf");
        drop(fs::remove_file(&dump));
        let mut command = vlc(core::time::Duration::from_secs(15), &scratch);
        command.args(["-vv", "--demux=dump"]).args(options);
        command.arg(format!("--demuxdump-file={}", dump.display())).args([&server.url(name), "vlc://quit"]);
        let run = Run::complete(&mut command, &scratch, "vlc");
        judge(&dump, streams, &run);
    }
}

#[test]
fn remuxing_at_any_packet_size_keeps_all_media_objects() {
    let Some(files) = shared_files().filter(|_| has_ffprobe()) else { return };
    let scratch = Scratch::new("sizes");
    let (mut objects, mut differences) = (0, Vec::new());
    for path in files.iter().filter(|path| !NO_PACKET.contains(&name_of(path).as_str())) {
        let expected = whole_objects(path);
        for size in [None, Some("512"), Some("1444"), Some("8000"), Some("65527")] {
            let target = scratch.file("x.asf");
            let mut options = vec!["--force"];
            options.extend(size.into_iter().flat_map(|size| ["--packet-size", size]));
            let outcome = remux(path, &target, &options);
            assert_eq!(outcome.code, 0, "{size:?} {outcome}");
            let found = ffprobe(&target);
            objects += found.values().map(Vec::len).sum::<usize>();
            if found != expected {
                differences.push((name_of(path), size));
            }
        }
    }
    assert_eq!(differences, []);
    assert!(objects > 50_000, "{objects} objects");
}

/// Extension data of each object by stream, in order.
fn listed_extensions(path: &Path) -> BTreeMap<u64, Vec<String>> {
    let outcome = mms(&["info", "--packets", "--json"]).arg(path).run();
    let mut streams: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for line in outcome.stdout.lines() {
        let packet: Value = serde_json::from_str(line).unwrap();
        for payload in packet["payloads"].as_array().into_iter().flatten() {
            let starts = payload["objects"].as_array().unwrap().iter().filter(|object| object["offset"] == 0);
            let told = starts.map(|object| object["extensions"].to_string());
            streams.entry(payload["stream"].as_u64().unwrap()).or_default().extend(told);
        }
    }
    streams
}

/// Names of objects at any depth.
fn names(list: &Value) -> Vec<String> {
    let of = |object: &Value| {
        let own = object["name"].as_str().or(object["guid"].as_str()).unwrap().to_owned();
        core::iter::once(own).chain(names(&object["objects"])).collect::<Vec<_>>()
    };
    list.as_array().unwrap().iter().flat_map(of).collect()
}

#[test]
fn remuxing_keeps_tags_streams_objects_of_the_header_and_what_payloads_tell() {
    let Some(files) = shared_files() else { return };
    let (scratch, mut with_extensions) = (Scratch::new("kept"), 0);
    let target = scratch.file("x.asf");
    for path in files.iter().filter(|path| !NO_PACKET.contains(&name_of(path).as_str())) {
        assert_eq!(remux(path, &target, &["--force", "--packet-size", "1500"]).code, 0, "{}", path.display());
        let (before, after) = (info(path), info(&target));
        for field in ["tags", "streams", "preroll_seconds", "bit_rate", "protection"] {
            assert_eq!(before[field], after[field], "{field} of {}", path.display());
        }
        // places of an index that is not copied
        let mut kept = names(&before["objects"]);
        kept.retain(|name| name != "Index Parameters");
        assert_eq!(names(&after["objects"]), kept, "{}", path.display());
        let (mut before, after) = (listed_extensions(path), listed_extensions(&target));
        for (_, stream, begun, whole) in BEGUN.iter().filter(|row| row.0 == name_of(path)) {
            assert_eq!(before[stream].len(), *begun);
            before.get_mut(stream).unwrap().truncate(*whole);
        }
        assert_eq!(before, after, "{}", path.display());
        with_extensions += usize::from(before.values().flatten().any(|told| told != "[]"));
    }
    assert!(with_extensions > 5, "{with_extensions}");
}

// ---- repair

#[test]
fn a_cut_recording_becomes_a_file_with_every_whole_packet_before_the_cut() {
    let scratch = Scratch::new("cuts");
    let can_probe = has_ffprobe();
    for name in [SAMPLE, LONG, "audio-wmav2.wma", "two-audio.wmv"] {
        let (bytes, whole) = (fs::read(made(name)).unwrap(), source(&made(name)));
        let (head, size) = (whole.head().len(), whole.packet_size());
        for cut in [head + size, head + 5 * size + size / 2, head + whole.packets() * size - 1] {
            let (file, fixed) = (scratch.file("cut.asf"), scratch.file("fixed.asf"));
            fs::write(&file, &bytes[..cut]).unwrap();
            let outcome = mms(&["repair", "--json", "--force", "-o"]).arg(&fixed).arg(&file).run();
            assert_eq!(outcome.code, 0, "{name} at {cut}: {outcome}");
            let packets = (cut - head) / size;
            let json = outcome.json();
            assert_eq!(
                (&json["packets"], &json["bytes"]),
                (&json!(packets), &json!(fs::metadata(&fixed).unwrap().len()))
            );
            let told = info(&fixed);
            assert_eq!(
                (&told["packets"]["declared"], &told["packets"]["present"]),
                (&json!(packets), &json!(packets))
            );
            let has_video =
                told["streams"].as_array().unwrap().iter().any(|stream| stream["kind"] == "video");
            assert_eq!(content(&told, "Simple Index").is_object(), has_video, "{name} at {cut}");
            let dump = Asf::dump(&fixed).unwrap();
            assert!(
                (0..packets).all(|number| dump.packet(number) == whole.packet(number)),
                "{name} at {cut}"
            );
            if can_probe {
                let warnings = Reader::Ffprobe.warnings(&fixed, &scratch);
                assert!(warnings.is_empty(), "{name} at {cut}: {warnings:?}");
            }
        }
    }
}

#[test]
fn a_repair_in_place_keeps_the_permissions_and_a_failed_one_changes_nothing() {
    let scratch = Scratch::new("place");
    let file = scratch.file("x.wmv");
    let bytes = fs::read(made("live-pipe.asf")).unwrap();
    fs::write(&file, &bytes).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let outcome = mms(&["repair"]).arg(&file).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let told = info(&file);
    assert_eq!((&told["flags"]["broadcast"], &told["flags"]["seekable"]), (&json!(false), &json!(true)));
    assert!(told["duration_seconds"].as_f64().unwrap() > 5.0, "{told}");
    let once = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..300]).unwrap();
    let outcome = mms(&["repair"]).arg(&file).run();
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(fs::read(&file).unwrap(), &bytes[..300]);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
    // a file that is there is safe
    let other = scratch.file("y.wmv");
    fs::write(&other, once).unwrap();
    assert_eq!(repair(&other, &file).code, 1);
    assert_eq!(fs::read(&file).unwrap(), &bytes[..300]);
    assert_eq!(mms(&["repair", "--force", "-o"]).arg(&file).arg(&other).run().code, 0);
}

// ---- remux

#[test]
fn an_excerpt_begins_at_the_key_frame_before_and_has_the_streams_that_were_asked_for() {
    let scratch = Scratch::new("excerpt");
    let target = scratch.file("part.wmv");
    let outcome = remux(&made(LONG), &target, &["--start", "1:02", "--duration", "8", "--json"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    // a key frame each 5 s
    let seconds = info(&target)["duration_seconds"].as_f64().unwrap();
    assert!((9.5..=10.5).contains(&seconds), "{seconds} s from the key frame at 1:00");
    let first = mms(&["info", "--packets", "--json"]).arg(&target).run();
    let first: Value = serde_json::from_str(first.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&first["send_ms"], &first["payloads"][0]["key_frame"]), (&json!(0), &json!(true)));

    let outcome = remux(&made("two-audio.wmv"), &target, &["--streams", "1,3", "--force"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    let told = info(&target);
    let numbers: Vec<_> =
        told["streams"].as_array().unwrap().iter().map(|stream| &stream["number"]).collect();
    assert_eq!(numbers, [1, 3]);
}

#[test]
fn what_cannot_be_remuxed_is_told_and_leaves_nothing() {
    let scratch = Scratch::new("refused");
    let target = scratch.file("x.wmv");
    for (input, options, code, reason) in [
        (SAMPLE, &["--streams", "9"][..], 2, "nothing is left"),
        ("audio-wmav2.wma", &["--start", "9:00:00"], 2, "before the start that was asked for"),
        (SAMPLE, &["--start", "1:00"], 2, "before the start that was asked for"),
        (SAMPLE, &["--packet-size", "20"], 2, "--packet-size"),
        (SAMPLE, &["--packet-size", "70000"], 2, "1..=65527"),
        ("nothing.wmv", &[], 1, "cannot be read"),
        ("../README.md", &[], 1, "not an ASF file"),
    ] {
        let outcome = remux(&made(input), &target, options);
        assert_eq!(outcome.code, code, "{options:?}: {outcome}");
        assert!(outcome.stderr.contains(reason), "{reason}: {outcome}");
    }
    let outcome = remux(&made(SAMPLE), Path::new("-"), &[]);
    assert!(outcome.code == 2 && outcome.stderr.contains("must be a file"), "{outcome}");
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

// ---- info

#[test]
fn info_tells_markers_commands_relations_and_indexes() {
    let told = info(&made("markers.wmv"));
    let markers = content(&told, "Marker")["markers"].clone();
    assert_eq!(markers.as_array().unwrap().len(), 4, "{markers}");
    assert!(markers[1]["seconds"].as_f64().unwrap() > 0.0 && markers[1]["description"].is_string());
    let told = info(&made("two-audio.wmv"));
    let index = content(&told, "Simple Index");
    assert!(index["entries"].as_u64() > Some(1) && index["interval_ms"] == 1000, "{index}");
    let text = mms(&["info"]).arg(made("markers.wmv")).run().stdout;
    for section in ["objects of the header", "objects behind the packets", "Marker", "Codec List"] {
        assert!(text.contains(section), "{section}: {text}");
    }

    let Some(files) = shared_files() else { return };
    let of = |name: &str| info(files.iter().find(|path| name_of(path) == name).unwrap());
    let told = of("ms-glass.wmv");
    let commands = content(&told, "Script Command");
    assert!(
        commands[0]["type"] == "URL" && commands[0]["command"].as_str().unwrap().contains("http"),
        "{commands}"
    );
    let told = of("moon-elephantsdream-2lang.wmv");
    assert!(content(&told, "Language List").as_array().unwrap().len() > 1);
    assert!(content(&told, "Index")["columns"].as_array().is_some_and(|list| !list.is_empty()), "{told}");
    let told = of("fate-metadata-library-trimmed.wma");
    assert!(!told["protection"].as_array().unwrap().is_empty(), "{told}");
    assert!(told["tags"].as_array().unwrap().iter().any(|tag| tag["object"] == "Metadata Library"));
    let told = of("moon-timecode-short-vc1-adv.wmv");
    let systems = content(&told, "Extended Stream Properties")["extension_systems"].clone();
    assert_eq!((&systems[0]["system"], &systems[1]["data_bytes"]), (&json!("Pixel Aspect Ratio"), &json!(2)));
    let told = of("tika-netshow-mbr.asf");
    let streams = content(&told, "Bitrate Mutual Exclusion")["streams"].clone();
    assert!(streams.as_array().is_some_and(|streams| streams.len() > 1), "{told}");
}

#[test]
fn no_problem_is_found_in_real_headers_and_every_object_is_named_or_numbered() {
    fn walk(list: &Value, found: &mut Vec<String>, known: &mut usize) {
        for object in list.as_array().unwrap() {
            found.extend(object["problem"].as_str().map(|problem| format!("{}: {problem}", object["guid"])));
            *known += usize::from(object["name"].is_string());
            walk(&object["objects"], found, known);
        }
    }
    let Some(files) = shared_files() else { return };
    let (mut problems, mut known) = (Vec::new(), 0);
    for path in &files {
        let (told, mut found) = (info(path), Vec::new());
        walk(&told["objects"], &mut found, &mut known);
        walk(&told["behind"], &mut found, &mut known);
        problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", name_of(path))));
    }
    assert_eq!(problems, [""; 0]);
    assert!(known > 500, "{known}");
}

#[test]
fn a_damaged_file_is_a_failure_or_a_result_and_never_a_crash() {
    let scratch = Scratch::new("damaged");
    let (file, target) = (scratch.file("x.wmv"), scratch.file("y.wmv"));
    let mut seed = 11_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut results = BTreeSet::new();
    for name in ["av-256.wmv", "markers.wmv", "two-audio.wmv"] {
        let bytes = fs::read(made(name)).unwrap();
        let head = source(&made(name)).head().len();
        for turn in 0..8 {
            let mut damaged = bytes.clone();
            // half of them in the header, half anywhere
            let reach = if turn % 2 == 0 { head } else { damaged.len() };
            for _ in 0..=turn {
                let (at, value) = (random(reach), random(256));
                damaged[at] = u8::try_from(value).unwrap();
            }
            fs::write(&file, damaged).unwrap();
            for command in [&["info", "--json"][..], &["info", "--packets"], &["repair", "--force", "-o"]] {
                let output = command.contains(&"-o").then_some(&target);
                let outcome = mms(command).args(output).arg(&file).run();
                assert!((0..=2).contains(&outcome.code), "{name}, turn {turn}: {outcome}");
                results.insert(outcome.code);
            }
            let outcome = remux(&file, &target, &["--force"]);
            assert!((0..=2).contains(&outcome.code), "{name}, turn {turn}: {outcome}");
        }
    }
    assert!(results.contains(&0) && results.contains(&1), "{results:?}");
}
