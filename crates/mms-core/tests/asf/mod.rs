//! What the tests of the format share: worked examples, built headers, the slow reference, files.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod objects;
pub(crate) mod parts;
pub(crate) mod reference;
pub(crate) mod sha256;

use std::path::{Path, PathBuf};

use mms_core::asf::{Guid, HeaderError, HeaderLimits, HeaderSummary, HeaderWalker};

/// One audio stream, packets of 64 bytes: single payload, two payloads, compressed payload.
pub(crate) fn example_a() -> Vec<u8> {
    hex(include_str!("example_a.hex"))
}

/// Audio and video, packets of 128 bytes, fragments, payload extension, Simple Index.
pub(crate) fn example_b() -> Vec<u8> {
    hex(include_str!("example_b.hex"))
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

pub(crate) fn u32_of(len: usize) -> u32 {
    u32::try_from(len).unwrap()
}

pub(crate) fn object(guid: Guid, body: &[u8]) -> Vec<u8> {
    object_of_size(guid, body.len() as u64 + 24, body)
}

pub(crate) fn object_of_size(guid: Guid, size: u64, body: &[u8]) -> Vec<u8> {
    [&guid.0[..], &size.to_le_bytes(), body].concat()
}

pub(crate) fn file_properties(min: u32, max: u32) -> Vec<u8> {
    let mut body = vec![0; 80];
    body[68..72].copy_from_slice(&min.to_le_bytes());
    body[72..76].copy_from_slice(&max.to_le_bytes());
    object(Guid::FILE_PROPERTIES, &body)
}

pub(crate) fn stream(kind: Guid, number: u16, specific: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 54];
    body[..16].copy_from_slice(&kind.0);
    body[40..44].copy_from_slice(&u32_of(specific.len()).to_le_bytes());
    body[48..50].copy_from_slice(&number.to_le_bytes());
    body.extend_from_slice(specific);
    object(Guid::STREAM_PROPERTIES, &body)
}

pub(crate) fn extension(objects: &[Vec<u8>]) -> Vec<u8> {
    let objects = objects.concat();
    let len = u32_of(objects.len()).to_le_bytes();
    let body = [&Guid::RESERVED_1.0[..], &[6, 0], &len, &objects].concat();
    object(Guid::HEADER_EXTENSION, &body)
}

/// Extended Stream Properties of a stream, with the bytes behind the fixed part.
pub(crate) fn extended(number: u16, names: u16, systems: u16, rest: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 64];
    body[48..50].copy_from_slice(&number.to_le_bytes());
    body[60..62].copy_from_slice(&names.to_le_bytes());
    body[62..64].copy_from_slice(&systems.to_le_bytes());
    body.extend_from_slice(rest);
    object(Guid::EXTENDED_STREAM_PROPERTIES, &body)
}

pub(crate) fn data_object(size: u64, packets: u64) -> Vec<u8> {
    let body = [&[0; 16][..], &packets.to_le_bytes(), &[1, 1]].concat();
    object_of_size(Guid::DATA, size, &body)
}

/// A Header Object of these objects and a Data Object.
pub(crate) fn header(objects: &[Vec<u8>]) -> Vec<u8> {
    header_with_data(objects, &data_object(50, 0))
}

pub(crate) fn header_with_data(objects: &[Vec<u8>], data: &[u8]) -> Vec<u8> {
    let body = [&u32_of(objects.len()).to_le_bytes()[..], &[1, 2], &objects.concat()].concat();
    [object(Guid::HEADER, &body), data.to_vec()].concat()
}

/// File Properties of packet size 100 and audio stream 1: the least that is good.
pub(crate) fn good() -> [Vec<u8>; 2] {
    [file_properties(100, 100), stream(Guid::AUDIO_MEDIA, 1, &[0; 18])]
}

/// Feeds a header whole and gives the summary, or `Ok(None)` if it is not whole.
pub(crate) fn walk(bytes: &[u8]) -> Result<Option<HeaderSummary>, HeaderError> {
    walk_in_parts(bytes, HeaderLimits::default(), &[bytes.len()])
}

/// Feeds a header in parts of these sizes, again and again.
pub(crate) fn walk_in_parts(
    bytes: &[u8],
    limits: HeaderLimits,
    sizes: &[usize],
) -> Result<Option<HeaderSummary>, HeaderError> {
    let mut walker = HeaderWalker::new(limits);
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        let (part, behind) = rest.split_at((*size).clamp(1, rest.len().max(1)).min(rest.len()));
        if let Err(error) = walker.feed(part) {
            assert_eq!(walker.feed(behind), Err(error), "an error stays");
            assert!(walker.summary().is_none() && !walker.is_complete());
            return Err(error);
        }
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    let total = walker.total_len().unwrap_or(u64::MAX);
    assert_eq!(walker.consumed(), total.min(bytes.len() as u64));
    assert_eq!(walker.is_complete(), bytes.len() as u64 >= total);
    Ok(walker.summary().cloned())
}

/// The folder of shared test data, or `None` with a visible line.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    match std::env::var_os("MMS_SHARED") {
        Some(root) => Some(PathBuf::from(root).join("testdata").join(folder)),
        None if std::env::var_os("CI").is_some_and(|ci| ci == "true") => {
            panic!("MMS_SHARED must be set in CI")
        }
        None => {
            eprintln!("skipped: MMS_SHARED is not set");
            None
        }
    }
}

/// Every ASF file of a folder of shared data.
pub(crate) fn asf_files(folder: &Path) -> Vec<PathBuf> {
    let is_asf = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default();
        ["wma", "wmv", "asf"].iter().any(|known| extension == *known)
    };
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(is_asf).collect();
    files.sort();
    assert!(files.len() >= 10, "{} has {} files only", folder.display(), files.len());
    files
}

/// The files of [`file_folders`] that have a whole header, with their names.
pub(crate) fn all_files() -> Vec<(String, Vec<u8>)> {
    let mut all = vec![];
    for path in file_folders().iter().flat_map(|folder| asf_files(folder)) {
        let file = std::fs::read(&path).unwrap();
        if let Ok(Some(_)) = walk(&file) {
            all.push((path.file_name().unwrap().to_str().unwrap().to_owned(), file));
        }
    }
    assert!(all.len() >= 26, "{} files only", all.len());
    all
}

/// Made and real files: the shared data, or those of the repository if there is none.
pub(crate) fn file_folders() -> [PathBuf; 2] {
    match (shared("made"), shared("real/asf")) {
        (Some(made), Some(real)) => [made, real],
        _ => ["made", "real"]
            .map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(folder)),
    }
}

/// Checks that enough was looked at, where all files are there.
pub(crate) fn at_least(found: usize, wanted: usize) {
    let is_all = std::env::var_os("MMS_SHARED").is_some();
    assert!(found >= if is_all { wanted } else { 1 }, "{found} looked at, {wanted} wanted");
}

/// The number behind `"key": ` of one line of the facts.
pub(crate) fn number(facts: &str, key: &str) -> u64 {
    let at = facts.find(&format!("\"{key}\": ")).unwrap() + key.len() + 4;
    let digits: String = facts[at..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}
