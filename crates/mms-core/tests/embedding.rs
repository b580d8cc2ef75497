//! The tutorial "embed mms in your own runtime": its pieces are the example, and the example works.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::path::Path;

#[path = "../examples/embed.rs"]
#[allow(dead_code, reason = "its main reads arguments")]
mod embed;

fn repository(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path).display().to_string()
}

/// What stands between fences, with an empty line between the pieces.
fn pieces(page: &str) -> String {
    let mut pieces = Vec::new();
    for block in page.split("\n```rust\n").skip(1) {
        pieces.push(block.split("\n```\n").next().unwrap());
    }
    assert!(pieces.len() > 3);
    pieces.join("\n\n") + "\n"
}

#[test]
fn the_pieces_of_the_tutorial_are_the_example() {
    let page = std::fs::read_to_string(repository("docs/embedding.md")).unwrap();
    let path = repository("crates/mms-core/examples/embed.rs");
    if std::env::var_os("MMS_WRITE_EXAMPLE").is_some() {
        std::fs::write(&path, pieces(&page)).unwrap();
    }
    let example = std::fs::read_to_string(path).unwrap();
    assert!(pieces(&page) == example, "docs/embedding.md and examples/embed.rs differ");
}

#[test]
fn the_example_fetches_from_itself_what_it_serves() {
    let file = std::fs::read(repository("testdata/made/av-256.wmv")).unwrap();
    let fetched = embed::run(file.clone()).unwrap();
    assert!(fetched.len() > 60_000, "{}", fetched.len());
    assert!(file.starts_with(&fetched));
}
