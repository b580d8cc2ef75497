//! The examples of an adapter, run as somebody would run them.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::content::{Content, testdata};

/// Serves the test data with the example `serve` and fetches a file of it with the example `fetch`.
///
/// # Panics
/// If they do not work, or another file arrives. Without the programs it prints a line, and fails in CI.
pub fn serve_and_fetch(serve: &str, fetch: &str) {
    let (serve, fetch) = (program(serve), program(fetch));
    if !serve.exists() || !fetch.exists() {
        let what = "the examples are not built; `cargo test` without `--test` builds them";
        assert!(std::env::var_os("CI").is_none(), "{what}");
        println!("SKIPPED: {what}");
        return;
    }
    let mut serving = Command::new(serve);
    serving.arg(testdata().join("made")).arg("127.0.0.1:0").stdout(Stdio::piped());
    let mut serving = Server(serving.spawn().unwrap());
    let lines = BufReader::new(serving.0.stdout.take().unwrap()).lines();
    let mut urls = lines.map(Result::unwrap).filter(|line| line.ends_with("/av-256.wmv"));
    let url = urls.next().expect("the server names its files");
    let path = std::env::temp_dir().join(format!("mms-example-{}.wmv", std::process::id()));
    let fetching = Command::new(fetch).arg(&url).arg(&path).output().unwrap();
    let content = Content::testdata("made/av-256.wmv");
    let fetched = std::fs::read(&path);
    let _ = std::fs::remove_file(&path);
    assert!(fetching.status.success(), "{url}: {fetching:?}");
    assert!(fetched.unwrap() == [content.header(), content.media()].concat(), "another file arrived");
    let said = String::from_utf8(fetching.stdout).unwrap();
    assert!(said.ends_with(&format!("{} packets\n", content.len())), "{said}");
}

/// Beside the folder of the tests.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent()
        .unwrap()
        .with_file_name("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
