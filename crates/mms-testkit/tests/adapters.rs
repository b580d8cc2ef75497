//! Walls that adapters must keep.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::path::Path;

use mms_core::mmsp::wire::Mid;

const ADAPTERS: [&str; 3] = ["mms-std", "mms-tokio", "mms-smol"];
/// Words of [MS-MMSP] and [MS-WMSP] beside the names of their messages.
const WORDS: [&str; 12] = [
    "LinkMacToViewer",
    "LinkViewerToMac",
    "playIncarnation",
    "play_incarnation",
    "LocationId",
    "location_id",
    "Pragma",
    "client-id",
    "xClientGUID",
    "$H",
    "funnel",
    "chunk_len",
];

fn sources(folder: &Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        files.map(|file| (file.display().to_string(), std::fs::read_to_string(&file).unwrap())).collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// Names of messages that are words of their own: not "Connect", which is an ordinary word.
fn names() -> Vec<&'static str> {
    let has_hump = |name: &&str| name.chars().skip(1).any(char::is_uppercase);
    let names = Mid::KNOWN.iter().filter_map(|mid| mid.name()).filter(has_hump);
    let names: Vec<_> = names.chain(["Ping", "Pong"]).chain(WORDS).collect();
    assert!(names.len() > 30);
    names
}

#[test]
fn no_name_of_a_protocol_occurs_in_an_adapter() {
    for adapter in ADAPTERS {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (file, text) in sources(&crates.join(adapter).join("src")) {
            for name in names() {
                assert!(!text.contains(name), "{file} names {name}");
            }
        }
    }
}

#[test]
fn examples_are_short() {
    for adapter in ADAPTERS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(adapter).join("examples");
        for (file, text) in sources(&folder) {
            assert!(text.lines().count() < 40, "{file}");
        }
    }
}

#[test]
fn a_name_of_a_protocol_would_be_found() {
    assert!(
        names().iter().any(|name| "match message { Message::ReportOpenFile(report) => {} }".contains(name))
    );
}
