//! `mms get mmsu://...` of every file, from `mms serve`: what arrives is the source.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "the interoperability tests use the rest")]
mod support;
#[allow(dead_code, reason = "the tool's tests use the rest")]
mod tool {
    pub(super) mod asf;
    pub(super) mod program;
}

use std::path::{Path, PathBuf};

use support::asf::Asf;
use support::peer::missing;
use support::process::Scratch;
use support::server::{Server, made};
use tool::asf::{assert_fetched, whole_files};
use tool::program::get;

fn fetch_all(folders: &[PathBuf], files: &[PathBuf]) {
    let server = Server::start_with(&["--pace", "off"], folders);
    let scratch = Scratch::new("udp-files");
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy();
        let target = scratch.file(&name);
        let url = server.url(&name).replacen("mmst", "mmsu", 1);
        let outcome = get(&url).args(["--json", "-o"]).arg(&target).run();
        assert_eq!(outcome.code, 0, "{name}: {outcome}\n{}", server.logs());
        let json = outcome.json();
        assert_eq!(
            (&json["transport"], &json["packets_missing"]),
            (&"MMS/UDP".into(), &0.into()),
            "{outcome}"
        );
        assert_fetched(path, &target);
    }
}

#[test]
fn every_file_of_the_repository_arrives_in_datagrams() {
    let files = whole_files();
    assert!(files.len() >= 20, "only {} files with a whole packet", files.len());
    fetch_all(&["made", "real"].map(|name| made("..").join(name)), &files);
}

#[test]
fn every_real_file_of_the_shared_test_data_arrives_in_datagrams() {
    let Some(shared) = std::env::var_os("MMS_SHARED") else {
        missing("MMS_SHARED is not set");
        return;
    };
    let folder = Path::new(&shared).join("testdata/real/asf");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    // two of them are a header, or little more
    files.retain(|path| Asf::dump(path).is_ok_and(|file| file.packets() > 0));
    assert!(files.len() >= 30, "only {} files with a whole packet", files.len());
    fetch_all(&[folder], &files);
}
