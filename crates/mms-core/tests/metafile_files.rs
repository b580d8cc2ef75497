//! The recorded answers of a Microsoft player to real ASX files, and what those files hold.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use mms_core::metafile::*;

/// The folder of the files, or none if the shared data is not there, which is an error in CI.
fn folder() -> Option<PathBuf> {
    let Some(shared) = std::env::var_os("MMS_SHARED") else {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "MMS_SHARED is not set");
        eprintln!("skipped: MMS_SHARED is not set");
        return None;
    };
    Some(PathBuf::from(shared).join("testdata/real/asx"))
}

fn files() -> Option<Vec<(String, String)>> {
    let mut files: Vec<_> = fs::read_dir(folder()?)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "asx" || ext == "wax"))
        .map(|path| {
            let bytes = fs::read(&path).unwrap();
            let mut out = vec![0; text_len(&bytes)];
            let text = to_text(&bytes, &mut out).unwrap().1.to_owned();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), text)
        })
        .collect();
    files.sort();
    assert_eq!(files.len(), 127);
    Some(files)
}

#[derive(Debug, Default)]
struct Record {
    code: Option<u16>,
    opened: bool,
    attributes: BTreeMap<String, String>,
    duration: Option<String>,
}

/// The strings of a line of JSON that has no escapes.
fn strings(text: &str) -> Vec<&str> {
    assert!(!text.contains('\\'));
    text.split('"').skip(1).step_by(2).collect()
}

fn records() -> Option<BTreeMap<String, Record>> {
    let text = fs::read_to_string(folder()?.join("silverlight-expected.jsonl")).unwrap();
    let records: BTreeMap<_, _> = text.lines().map(record).collect();
    assert_eq!(records.len(), 112);
    Some(records)
}

fn record(line: &str) -> (String, Record) {
    let all = strings(line);
    let behind = |key: &str| all.iter().position(|text| *text == key).and_then(|at| all.get(at + 1));
    let mut record = Record { opened: behind("event") == Some(&"opened"), ..Record::default() };
    if let Some((_, code)) = line.split_once("\"code\": ") {
        record.code = code.split('}').next().unwrap().parse().ok();
        assert!(record.code.is_some(), "{line}");
    }
    record.duration = behind("duration_s").map(|text| text.to_string());
    if let Some((_, attributes)) = line.split_once("\"attributes\": {") {
        let pairs = strings(attributes.split('}').next().unwrap());
        record.attributes = pairs.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect();
    }
    (behind("file").unwrap().to_string(), record)
}

/// Outcomes of opening what a playlist names, which say nothing about the playlist.
fn is_of_network(file: &str, record: &Record) -> bool {
    let not_found = ["moon-base-in-asx-default.asx", "moon-nested-6.asx"].contains(&file);
    let timed_out = !record.opened && record.code.is_none();
    (not_found && record.code == Some(4001)) || timed_out
}

#[test]
fn strict_reading_gives_every_recorded_outcome() {
    let (Some(files), Some(records)) = (files(), records()) else { return };
    let (mut equal, mut network, mut unrecorded) = (0, 0, 0);
    let mut codes = BTreeMap::new();
    for (file, text) in &files {
        let outcome = Asx::parse(text, Mode::Strict);
        let code = outcome.as_ref().err().map(|fault| player_code(fault.reason));
        match records.get(file) {
            Some(record) if is_of_network(file, record) => {
                assert_eq!(code, None, "{file}");
                network += 1;
            }
            Some(record) => {
                assert_eq!(code, record.code.map(Some), "{file}: {outcome:?}, {record:?}");
                *codes.entry(record.code).or_insert(0) += 1;
                equal += 1;
            }
            None => {
                assert_eq!(code, None, "{file}: {outcome:?}");
                unrecorded += 1;
            }
        }
    }
    assert_eq!((equal, network, unrecorded), (109, 3, 15));
    let expected = [
        (None, 53),
        (Some(2210), 3),
        (Some(3004), 4),
        (Some(3005), 7),
        (Some(3006), 17),
        (Some(3007), 4),
        (Some(3008), 18),
        (Some(4001), 1),
        (Some(7007), 1),
        (Some(7031), 1),
    ];
    assert_eq!(codes, BTreeMap::from(expected));
}

#[test]
fn the_titles_and_parameters_are_the_recorded_ones() {
    let (Some(files), Some(records)) = (files(), records()) else { return };
    let mut compared = 0;
    for (file, text) in &files {
        let Some(record) = records.get(file).filter(|record| record.opened) else { continue };
        for mode in [Mode::Lenient, Mode::Strict] {
            let asx = Asx::parse(text, mode).unwrap();
            let first = Metafile::Asx(asx).candidates().next().unwrap();
            // What an included file says of itself is not in this one.
            let Some(clip) = first.clip.filter(|_| !first.href.raw().ends_with(".asx")) else { continue };
            let (inner, outer) = (clip.details(), asx.details());
            for (name, expected) in &record.attributes {
                let found = match name.as_str() {
                    "TITLE" => inner.title().or(outer.title()),
                    "AUTHOR" => inner.author().or(outer.author()),
                    "COPYRIGHT" => inner.copyright().or(outer.copyright()),
                    "ABSTRACT" => inner.abstract_text().or(outer.abstract_text()),
                    "InfoTarget" => inner.more_info().and_then(|link| link.target),
                    param => inner.param(param).or(outer.param(param)),
                };
                assert_eq!(found.unwrap().to_string(), expected.trim(), "{file}: {name}");
                compared += 1;
            }
            if file == "moon-duration-in-entry.asx" {
                assert_eq!((record.duration.as_deref(), first.duration_ms), (Some("1"), Some(1000)));
            }
        }
    }
    assert_eq!(compared, 304);
}

#[test]
fn lenient_reading_finds_media_in_every_file_that_has_some() {
    let Some(files) = files() else { return };
    let without = ["moon-empty.asx", "totem-empty.asx"];
    for (file, text) in &files {
        if file == "moon-asx-whitespace.asx" {
            assert!(Metafile::parse(text, Mode::Lenient).is_err());
            continue;
        }
        let found = Metafile::parse(text, Mode::Lenient).unwrap().candidates().next();
        let only_in_event = file == "moon-entry-in-event.asx";
        assert_eq!(found.is_none(), without.contains(&file.as_str()) || only_in_event, "{file}");
    }
}

#[test]
fn lenient_reading_finds_what_strict_reading_finds() {
    let Some(files) = files() else { return };
    for (file, text) in &files {
        let Ok(strict) = Metafile::parse(text, Mode::Strict) else { continue };
        let told = |metafile: Metafile<'_>| -> Vec<String> {
            metafile.candidates().map(|found| format!("{found:?}")).collect()
        };
        assert_eq!(told(Metafile::parse(text, Mode::Lenient).unwrap()), told(strict), "{file}");
    }
}

#[test]
fn real_files_give_their_places_in_order() {
    let Some(files) = files() else { return };
    let files: BTreeMap<_, _> = files.into_iter().collect();
    let places = |file: &str, base: Base<'_>| -> Vec<(u32, String)> {
        let metafile = Metafile::parse(&files[file], Mode::Lenient).unwrap();
        let resolved = |found: Candidate<'_>| {
            let mut out = [0; URL_LIMIT];
            match resolve(base, found.href, &mut out).unwrap() {
                Target::Url(url) => (found.entry, url.to_owned()),
                other => panic!("{other:?}"),
            }
        };
        metafile.candidates().map(resolved).collect()
    };
    let base = Base::Url("http://media.example/list/a.asx");
    assert_eq!(
        places("totem-pukas.wax", base),
        [(0, "mms://82.135.234.195/Pukas".to_owned()), (0, "http://82.135.234.199/Pukas".to_owned())]
    );
    assert_eq!(
        places("moon-entryref-in-asx.asx", base),
        [
            (0, "http://media.example/list/nested-1.asx".to_owned()),
            (1, "http://media.example/video/timecode-short.wmv".to_owned())
        ]
    );
    let short = "http://media.example/video/timecode-short.wmv".to_owned();
    assert_eq!(
        places("moon-repeat-with-number.asx", base),
        [(0, short.clone()), (1, short.clone()), (2, short.clone())]
    );
    // BASE does not count for REF and ENTRYREF.
    assert_eq!(
        places("moon-test-playlist-with-base-08.asx", base),
        [(0, "http://media.example/list/video/timecode-short.wmv".to_owned())]
    );
    let asx = Asx::parse(&files["moon-test-playlist-with-base-08.asx"], Mode::Strict).unwrap();
    assert_eq!(asx.details().base().unwrap().raw(), "http://moon-perf/media/");
    let asx = Asx::parse(&files["moon-repeat-without-count.asx"], Mode::Lenient).unwrap();
    assert!(asx.repeats_forever());
    let asx = Asx::parse(&files["moon-test-playlist-with-clientskip.asx"], Mode::Strict).unwrap();
    let clip = Metafile::Asx(asx).candidates().next().unwrap().clip.unwrap();
    assert!(!clip.client_skip() && !clip.skip_if_ref());
}
