//! Which rows there are, and that none is forgotten.

use std::collections::BTreeSet;

use mms_testkit::content::shared;

/// Rows that have a test here, each named by its id.
const TESTED: &[&str] = &[
    "M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "M9", "M10", "M11", "M12", "M13", "M14", "M15", "M16",
    "M17", "M18", "M19", "M20", "S1", "S3", "S4", "S6", "S7", "S8", "S9", "S10", "S11", "S13", "O1", "O2",
    "A3", "A21", "A25", "A26",
];

/// Rows of the same sections that are tested elsewhere, or belong to a protocol that is not spoken.
const ELSEWHERE: &[(&str, &str)] = &[
    ("S2", "MSBD: this protocol is not spoken yet; its bytes meet the first bytes of a connection in S13"),
    ("S5", "HTTP: `wmsp_server` of the core, `http_server` through the driver"),
    ("S12", "credentials go out over HTTP only: `wmsp_client` of the core"),
    ("O3", "HTTP, a gap in the middle of a `$D` frame: `http_server`"),
];

const SOURCES: &[&str] = &[
    include_str!("header.rs"),
    include_str!("media.rs"),
    include_str!("messages.rs"),
    include_str!("observers.rs"),
    include_str!("servers.rs"),
];

/// The ids at the start of the names of the tests in a source.
fn ids_of_tests(source: &str) -> BTreeSet<String> {
    let mut lines = source.lines();
    let mut ids = BTreeSet::new();
    while let Some(line) = lines.next() {
        if line.trim() == "#[test]" {
            let name = lines.next().and_then(|line| line.trim().strip_prefix("fn ")).unwrap_or_default();
            ids.extend(name.split('_').next().map(str::to_uppercase));
        }
    }
    ids
}

/// The ids of the rows of some sections.
fn ids_of_rows(text: &str, sections: &[&str]) -> Vec<String> {
    let mut wanted = false;
    let mut ids = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            wanted = sections.iter().any(|section| title.starts_with(&format!("{section}. ")));
        }
        let id = line.strip_prefix("| ").and_then(|row| row.split(" |").next()).filter(|_| wanted);
        let is_id =
            |id: &&str| id.starts_with(char::is_uppercase) && id[1..].parse::<u32>().is_ok() && id.is_ascii();
        ids.extend(id.filter(is_id).map(String::from));
    }
    ids
}

fn missing(ids: &[String], known: &BTreeSet<String>) -> Vec<String> {
    ids.iter().filter(|id| !known.contains(*id)).cloned().collect()
}

#[test]
fn every_row_of_the_table_has_a_test() {
    let tests: BTreeSet<String> = SOURCES.iter().flat_map(|source| ids_of_tests(source)).collect();
    let table: Vec<String> = TESTED.iter().map(ToString::to_string).collect();
    assert_eq!(missing(&table, &tests), [""; 0], "ids without a test");
    let known: BTreeSet<String> = table.into_iter().collect();
    let tests: Vec<String> = tests.into_iter().collect();
    assert_eq!(missing(&tests, &known), [""; 0], "tests without an id in the table");
}

#[test]
fn every_row_of_the_list_is_tested_or_left_for_a_reason() {
    let Some(folder) = shared() else { return };
    let text = std::fs::read_to_string(folder.join("testdata/hostile.md")).unwrap();
    let rows = ids_of_rows(&text, &["1", "7", "8"]);
    assert!(rows.len() >= 36, "{rows:?}");
    let elsewhere = ELSEWHERE.iter().map(|(id, _)| id);
    let known: BTreeSet<String> = TESTED.iter().chain(elsewhere).map(ToString::to_string).collect();
    assert_eq!(missing(&rows, &known), [""; 0]);
    let everything = ids_of_rows(&text, &["1", "2", "3", "4", "5", "6", "7", "8"]);
    let rows: BTreeSet<String> = everything.into_iter().collect();
    let known: Vec<String> = known.into_iter().collect();
    assert_eq!(missing(&known, &rows), [""; 0], "ids that the list does not have");
}

#[test]
fn a_forgotten_row_is_noticed() {
    let text = "## 1. A\n| id | x |\n|---|\n| M1 | a |\n| M2 | b |\n## 2. B\n| W1 | c |\n";
    let rows = ids_of_rows(text, &["1"]);
    assert_eq!(rows, ["M1", "M2"]);
    let tests = ids_of_tests("#[test]\nfn m1_is_here() {}\nfn m2_is_no_test() {}\n");
    assert_eq!(missing(&rows, &tests), ["M2"]);
}
