//! The seeds of the fuzz targets go through their bodies.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mms_testkit::fuzz::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_seed_goes_through_its_body() {
    let mut total = 0;
    for (target, body) in TARGETS {
        let folder = fuzz().join("corpus").join(target);
        let seeds = names(&folder);
        assert!(seeds.len() >= 5, "{target} has {} seeds", seeds.len());
        for seed in &seeds {
            let bytes = std::fs::read(folder.join(seed)).unwrap();
            println!("{target}/{seed}: {} bytes", bytes.len());
            body(&bytes);
            total += bytes.len();
        }
    }
    assert!(total < 500_000, "{total} bytes of seeds");
}

#[test]
fn every_target_has_a_file_a_folder_and_a_body() {
    let bodies: BTreeSet<String> = TARGETS.iter().map(|(target, _)| String::from(*target)).collect();
    assert_eq!(bodies.len(), TARGETS.len());
    let mut folders = names(&fuzz().join("corpus"));
    assert!(folders.remove("README.md"));
    assert_eq!(folders, bodies);
    let files = names(&fuzz().join("fuzz_targets"));
    let files: BTreeSet<String> =
        files.iter().filter_map(|file| file.strip_suffix(".rs")).map(String::from).collect();
    assert_eq!(files, bodies);
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for target in &bodies {
        assert!(manifest.contains(&format!("\nname = \"{target}\"\n")), "{target} is not built");
        let file = std::fs::read_to_string(fuzz().join(format!("fuzz_targets/{target}.rs"))).unwrap();
        assert!(file.contains(&format!("mms_testkit::fuzz::{target}(data)")), "{target} runs another body");
    }
}

#[test]
fn short_and_empty_inputs_do_no_harm() {
    for (_, body) in TARGETS {
        body(&[]);
        for byte in 0..=255 {
            body(&[byte]);
            body(&[0, byte, byte, byte, 1, 2, 3]);
        }
    }
}
