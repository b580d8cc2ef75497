//! The client that a reader of the documentation wrote (`docs/from-the-docs`) fetches from `mms serve`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "each test uses its part")]
mod support;

use core::time::Duration;
use std::fs;

use support::asf::Asf;
use support::process::{Scratch, bounded};
use support::server::{Server, made};

#[test]
fn a_client_written_from_the_docs_fetches_header_and_packets_over_tcp_and_http() {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().with_file_name("examples").join("from_the_docs");
    if !program.exists() {
        let what = "the example from_the_docs is not built; `cargo test --workspace` builds it";
        assert!(std::env::var_os("CI").is_none(), "{what}");
        println!("SKIPPED: {what}");
        return;
    }
    let name = "audio-wmav2.wma";
    let (server, scratch) = (Server::start("off", &[name]), Scratch::new("from-the-docs"));
    let source = Asf::source(&made(name)).unwrap();
    for scheme in ["mmst", "http"] {
        let (url, path) = (server.url_over(scheme, name), scratch.file(scheme));
        let run = bounded(Duration::from_secs(60), program.to_str().unwrap())
            .arg(&url)
            .arg(&path)
            .output()
            .unwrap();
        assert!(run.status.success(), "{url}: {run:?}\n{}", server.logs());
        let (packets, len) = (source.packets(), source.streamed().len());
        assert_eq!(
            String::from_utf8_lossy(&run.stdout),
            format!("{packets} packets, {len} bytes\n"),
            "{url}"
        );
        assert!(fs::read(&path).unwrap() == source.streamed(), "{url}: another file arrived");
    }
}
