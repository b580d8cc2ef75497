//! The media objects of every file against those of another demuxer.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use asf::objects::{collect, packets};
use asf::sha256::Sha256;
use asf::{asf_files, at_least, file_folders};
use mms_core::asf::{Header, StreamKind};

/// Content time in milliseconds, key frame (of video; of others always true), size, hash.
type Row = (i64, bool, usize, String);

fn by_ffprobe(path: &Path) -> Option<BTreeMap<usize, Vec<Row>>> {
    let entries =
        "packet=stream_index,pts,dts,size,flags,data_hash:stream=index:stream_disposition=attached_pic";
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-fflags", "+noparse+nofillin", "-show_packets", "-show_data_hash", "sha256"])
        .arg("-show_streams")
        .args(["-show_entries", entries, "-of", "compact=p=0"])
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let mut streams: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
    let mut pictures = vec![];
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let field = |name: &str| {
            let fields = line.split('|').filter_map(|field| field.split_once('='));
            fields.clone().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        if let Some(index) = field("index") {
            // Pictures of the tags are streams there.
            let is_picture = field("disposition:attached_pic").is_some_and(|value| value == "1");
            pictures.extend(is_picture.then(|| index.parse::<usize>().unwrap()));
            continue;
        }
        let time = ["pts", "dts"].iter().find_map(|name| field(name)?.parse().ok());
        let hash = field("data_hash").unwrap().rsplit(':').next().unwrap().to_owned();
        let key = field("flags").unwrap().starts_with('K');
        let row = (time.unwrap_or(i64::MIN), key, field("size").unwrap().parse().unwrap(), hash);
        streams.entry(field("stream_index").unwrap().parse().unwrap()).or_default().push(row);
    }
    streams.retain(|index, _| !pictures.contains(index));
    let before = |index: usize| pictures.iter().filter(|picture| **picture < index).count();
    Some(streams.into_iter().map(|(index, rows)| (index - before(index), rows)).collect())
}

fn by_us(file: &[u8], hash: &Sha256) -> Option<BTreeMap<usize, Vec<Row>>> {
    let header = Header::decode(file).ok()?;
    let preroll = header.file_properties().preroll_ms;
    let found = collect(packets(file, header.summary()), preroll);
    let mut streams: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
    for object in found.objects {
        let known = header.streams().enumerate().find(|(_, stream)| stream.number == object.stream);
        let Some((index, stream)) = known else { continue };
        let key = object.key || stream.kind != StreamKind::Video;
        let mut data = object.data.clone();
        if let Some(spread) = stream.audio_spread() {
            spread.descramble(&object.data, &mut data);
        }
        let time = i64::from(object.time) - i64::try_from(preroll).unwrap();
        streams.entry(index).or_default().push((time, key, data.len(), hash.hex(&data)));
    }
    Some(streams)
}

/// A file, the index of a stream, how many objects we have and the other demuxer has, how many of them are
/// the same in the same order, and why they differ.
type Difference = (&'static str, usize, usize, usize, usize, &'static str);

const CUT: &str =
    "section 2.1: a last packet that is cut does not count; the other demuxer gives what is in it";

const DIFFERENCES: [Difference; 5] = [
    ("fate-metadata-library-trimmed.wma", 0, 19, 20, 19, CUT),
    ("fate-wmapro-51-cut.wma", 0, 3, 4, 3, CUT),
    ("mm-scriptcmd-truncated.wma", 0, 3, 4, 3, CUT),
    ("moon-timecode-short-broadcast.wmv", 0, 24, 25, 24, CUT),
    ("mutagen-issue29-truncated.wma", 0, 4, 5, 4, CUT),
];

#[test]
fn media_objects_are_those_of_another_demuxer_but_for_explained_rows() {
    let hash = Sha256::new();
    assert_eq!(hash.hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let (mut files, mut objects, mut differences) = (0, 0, vec![]);
    let mut names = vec![];
    for folder in file_folders() {
        for path in asf_files(&folder) {
            let Some(theirs) = by_ffprobe(&path) else {
                assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "ffprobe is missing");
                eprintln!("skipped: ffprobe is not installed");
                return;
            };
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let Some(ours) = by_us(&std::fs::read(&path).unwrap(), &hash) else { continue };
            files += 1;
            names.push(name.clone());
            for index in 0..128 {
                let none = vec![];
                let (a, b) = (ours.get(&index).unwrap_or(&none), theirs.get(&index).unwrap_or(&none));
                objects += a.len();
                if a != b {
                    let same = a.iter().zip(b).filter(|(a, b)| a == b).count();
                    differences.push((name.clone(), index, a.len(), b.len(), same));
                }
            }
        }
    }
    let wanted: Vec<_> = DIFFERENCES
        .iter()
        .filter(|d| names.iter().any(|name| name == d.0))
        .map(|d| (d.0.to_owned(), d.1, d.2, d.3, d.4))
        .collect();
    assert_eq!(differences, wanted);
    assert!(DIFFERENCES.iter().all(|row| !row.5.is_empty()));
    at_least(files, 50);
    at_least(objects, 10_001);
}
