//! Walls that adapters must keep.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::path::Path;

use mms_core::mmsp::wire::Mid;

const ADAPTERS: [&str; 3] = ["mms-std", "mms-tokio", "mms-smol"];
/// Words of [MS-MMSP] and [MS-WMSP] beside the names of their messages and tokens.
const WORDS: [&str; 14] = [
    "LinkMacToViewer",
    "LinkViewerToMac",
    "playIncarnation",
    "play_incarnation",
    "LocationId",
    "location_id",
    "Pragma",
    "com.microsoft.wm",
    "x-mms-framed",
    "LogPlayStats",
    "KeepAlive",
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

/// Whether a name is a word of its own: not "Connect" or "rate", which are ordinary words.
fn is_special(name: &str) -> bool {
    name.contains(['-', '_']) || name.chars().skip(1).any(char::is_uppercase)
}

/// The tokens of the Pragma header with their names in our code, from the table that the codec is made of.
fn tokens() -> Vec<String> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mms-core/src/wmsp/wire/pragma.rs");
    let table = std::fs::read_to_string(table).unwrap();
    // a line of it: `ClientId, client_id, "client-id", u32, ...`
    let words = |line: &str| -> Option<[String; 3]> {
        let mut words = line.trim().split(", ").map(|word| word.trim_matches('"').to_owned());
        let [variant, field, name] = [words.next()?, words.next()?, words.next()?];
        (line.contains('"') && words.count() >= 2).then_some([variant, field, name])
    };
    let tokens: Vec<_> = table.lines().filter_map(words).flatten().filter(|word| is_special(word)).collect();
    assert!(tokens.len() > 60, "{tokens:?}");
    tokens
}

fn names() -> Vec<String> {
    let messages = Mid::KNOWN.iter().filter_map(|mid| mid.name()).filter(|name| is_special(name));
    let messages: Vec<_> = messages.chain(["Ping", "Pong"]).chain(WORDS).map(str::to_owned).collect();
    assert!(messages.len() > 30);
    messages.into_iter().chain(tokens()).collect()
}

#[test]
fn no_name_of_a_protocol_occurs_in_an_adapter() {
    for adapter in ADAPTERS {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (file, text) in sources(&crates.join(adapter).join("src")) {
            for name in names() {
                assert!(!text.contains(&name), "{file} names {name}");
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
    let names = names();
    for code in
        ["match message { Message::ReportOpenFile(report) => {} }", "head.push(\"Pragma: xPlayStrm=1\")"]
    {
        assert!(names.iter().any(|name| code.contains(name)), "{code}");
    }
    for code in ["connect(host, port)", "let rate = options.rate;"] {
        assert!(!names.iter().any(|name| code.contains(name)), "{code}");
    }
}
