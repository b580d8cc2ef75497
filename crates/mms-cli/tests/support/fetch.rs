//! What is fetched, by whatever peer and transport, and how it is judged.

use core::time::Duration;
use std::fs;
use std::path::Path;

use super::asf::{Asf, compare};
use super::process::{Run, Scratch, bounded};
use super::server::{Server, made};

/// Audio only; audio and video; an index behind the data and packets of 1,460 bytes.
pub(crate) const FILES: [&str; 3] = ["audio-wmav2.wma", "av-wmv2-wmav2.wmv", "av-msmpeg4v3-wmav1-1460.asf"];

/// 125 s, a key frame every 5 s, index.
pub(crate) const SEEK_FILE: &str = "seek-125s.wmv";
pub(crate) const SEEK_TO: &str = "60";
/// Fast enough for a test; slow enough that the first play has not ended when the seek comes.
pub(crate) const SEEK_PACE: &str = "20";

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Lets a peer fetch each file from a server of its own; a finding fails the test with all logs.
pub(crate) fn for_each_file(peer: &str, fetch: impl Fn(&Server, &str, &Scratch) -> Result<(), String>) {
    let server = Server::start("off", &FILES);
    for name in FILES {
        let scratch = Scratch::new(peer);
        if let Err(finding) = fetch(&server, name, &scratch) {
            panic!("{peer}, {name}: {finding}\n{}", server.logs());
        }
    }
}

/// One line for each frame: stream, times, duration, size, checksum.
pub(crate) fn frames(input: &str, scratch: &Scratch, name: &str) -> (Vec<String>, Run) {
    let list = scratch.file(&format!("{name}.framecrc"));
    let mut command = bounded(seconds(8), "ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i", input, "-map", "0:v?", "-map", "0:a?", "-c", "copy"]);
    command.args(["-copyts", "-flush_packets", "1", "-f", "framecrc", "-y"]).arg(&list);
    let run = Run::complete(&mut command, scratch, name);
    let text = fs::read_to_string(&list).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    (lines, run)
}

/// The send time of the start packet, in milliseconds, lies where the seek wanted to go.
pub(crate) fn near(source: &Asf, start: usize, wanted: core::ops::RangeInclusive<u32>) -> Result<(), String> {
    if start >= source.packets() {
        return Err(format!("start at packet {start} of {}", source.packets()));
    }
    let time = source.send_time(start);
    match wanted.contains(&time) {
        true => Ok(()),
        false => Err(format!("packet {start} is sent at {time} ms, wanted within {wanted:?}")),
    }
}

/// Compares what a peer wrote, and demands that the server's log shows the transport.
pub(crate) fn check_dump_over(
    transport: &str,
    server: &Server,
    name: &str,
    dump: &Path,
    allowed_missing: usize,
) -> Result<(), String> {
    let source = Asf::source(&made(name))?;
    let dump = Asf::dump(dump)?;
    compare(&source, &dump, allowed_missing)?;
    server.wait_for_session_over(transport, name, source.packets()).map(drop)
}
