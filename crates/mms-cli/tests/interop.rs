//! Programs written by others fetch from `mms serve` over MMS/TCP, and what arrives is what was sent.
//!
//! A missing program fails the test where `CI=true` and is told by a line with `SKIPPED` elsewhere.
#![cfg(unix)]

#[allow(dead_code, reason = "the tests over HTTP use the rest")]
mod support;

use core::time::Duration;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Instant;

use support::asf::{Asf, compare, compare_from_somewhere};
use support::fetch::{
    FILES, SEEK_FILE, SEEK_PACE, SEEK_TO, check_dump_over, for_each_file, frames, near, seconds,
};
use support::peer::{MMSDUMP, XINEDUMP, all_installed, skip, vlc};
use support::process::{Run, Running, Scratch, bounded};
use support::server::{Server, made};

/// Compares what a peer wrote, and demands that the server's log shows MMS/TCP.
fn check_dump(server: &Server, name: &str, dump: &Path, allowed_missing: usize) -> Result<(), String> {
    check_dump_over("MMS/TCP", server, name, dump, allowed_missing)
}

#[test]
fn ffmpeg_gets_every_frame() {
    if !all_installed(&[("ffmpeg", "ffmpeg")]) {
        return;
    }
    for_each_file("ffmpeg", |server, name, scratch| {
        let source = Asf::source(&made(name))?;
        let whole_packets = scratch.file("source.asf");
        fs::write(&whole_packets, source.streamed()).map_err(|error| error.to_string())?;
        let (expected, _) = frames(&whole_packets.to_string_lossy(), scratch, "file");
        let (got, run) = frames(&server.url(name), scratch, "url");
        if expected.is_empty() {
            return Err(run.explain("FFmpeg finds no frame in the source"));
        }
        if got != expected {
            let same = got.iter().zip(&expected).take_while(|(got, expected)| got == expected).count();
            let counts = format!("{} frames of {}, the first {same} are equal", got.len(), expected.len());
            return Err(run.explain(counts));
        }
        // FFmpeg may wait behind the end of the stream for ever: stopped or killed with all frames is a pass.
        if ![0, 124, 137].contains(&run.code()) {
            return Err(run.explain("FFmpeg failed"));
        }
        server.wait_for_session(name, source.packets()).map(drop).map_err(|error| run.explain(error))
    });
}

#[test]
fn mplayer_gets_every_packet_but_two_at_most() {
    if !all_installed(&[("mplayer", "mplayer")]) {
        return;
    }
    for_each_file("mplayer", |server, name, scratch| {
        let dump = scratch.file("dump.asf");
        // MPlayer waits behind the end until the server closes: the time limit is its usual end.
        let mut command = bounded(seconds(5), "mplayer");
        command.args(["-v", "-nolirc", "-noconfig", "all", "-nocache", "-dumpstream", "-dumpfile"]);
        command.arg(&dump).arg(server.url(name)).env("HOME", scratch.path());
        let run = Run::complete(&mut command, scratch, "mplayer");
        let text = format!("{}{}", run.stdout, run.stderr);
        if !text.contains("mms and mms over http streaming") || text.contains("Description: http streaming") {
            return Err(run.explain("MPlayer did not stay with MMS"));
        }
        check_dump(server, name, &dump, 2).map_err(|finding| run.explain(finding))
    });
}

#[test]
fn vlc_gets_every_packet() {
    if !all_installed(&[("vlc", "vlc-bin vlc-plugin-base"), ("setpriv", "util-linux")]) {
        return;
    }
    for_each_file("vlc", |server, name, scratch| {
        let dump = scratch.file("dump.asf");
        let mut command = vlc(seconds(15), scratch);
        command.args(["-vv", "--mms-all", "--demux=dump"]);
        command.arg(format!("--demuxdump-file={}", dump.display())).args([&server.url(name), "vlc://quit"]);
        let run = Run::complete(&mut command, scratch, "vlc");
        check_dump(server, name, &dump, 0).map_err(|finding| run.explain(finding))
    });
}

/// VLC always receives on port 7000, so this is the only such run at a time.
#[test]
fn vlc_gets_every_packet_over_udp() {
    if !all_installed(&[("vlc", "vlc-bin vlc-plugin-base"), ("setpriv", "util-linux")]) {
        return;
    }
    for_each_file("vlc-udp", |server, name, scratch| {
        let dump = scratch.file("dump.asf");
        let mut command = vlc(seconds(15), scratch);
        command.args(["-vv", "--mms-all", "--demux=dump"]);
        let url = server.url(name).replacen("mmst", "mmsu", 1);
        command.arg(format!("--demuxdump-file={}", dump.display())).args([&url, "vlc://quit"]);
        let run = Run::complete(&mut command, scratch, "vlc");
        let judge = || -> Result<(), String> {
            let source = Asf::source(&made(name))?;
            compare(&source, &Asf::dump(&dump)?, 0)?;
            server.wait_for_session_over("MMS/UDP", name, source.packets()).map(drop)
        };
        judge().map_err(|finding| run.explain(finding))
    });
}

#[test]
fn xine_gets_every_packet() {
    let Some(program) = XINEDUMP.path() else { return };
    for_each_file("xine", |server, name, scratch| {
        let mut command = bounded(seconds(25), &program.to_string_lossy());
        command.arg(server.url(name)).arg(scratch.path()).args(["dump.asf", "20"]);
        command.env("HOME", scratch.path()).env_remove("XDG_CACHE_HOME").env_remove("XDG_CONFIG_HOME");
        let run = Run::complete(&mut command, scratch, "xine");
        if run.code() != 0 {
            return Err(run.explain("xine failed (are libxine2-misc-plugins and libxine2-ffmpeg installed?)"));
        }
        check_dump(server, name, &scratch.file("dump.asf"), 0).map_err(|finding| run.explain(finding))
    });
}

#[test]
fn libmms_gets_every_packet_and_the_right_sizes() {
    let Some(program) = MMSDUMP.path() else { return };
    for_each_file("libmms", |server, name, scratch| {
        let dump = scratch.file("dump.asf");
        let mut command = bounded(seconds(10), &program.to_string_lossy());
        command.arg(server.url(name)).arg(&dump).env("LIBMMS_DEBUG", "1");
        let run = Run::complete(&mut command, scratch, "libmms");
        if run.code() != 0 {
            return Err(run.explain("libmms failed"));
        }
        check_dump(server, name, &dump, 0).map_err(|finding| run.explain(finding))?;
        check_sizes(name, &run).map_err(|finding| run.explain(finding))
    });
}

/// What libmms learned from ReportOpenFile and the header.
fn check_sizes(name: &str, run: &Run) -> Result<(), String> {
    let source = Asf::source(&made(name))?;
    let expected = [
        ("length", source.streamed().len().to_string()),
        ("seekable", "1".to_owned()),
        ("packet_len", source.packet_size().to_string()),
        ("header_len", source.head().len().to_string()),
        ("bytes_read", source.streamed().len().to_string()),
    ];
    for (key, value) in expected {
        if run.value(key) != Some(&value) {
            return Err(format!("{key} is {:?}, not {value}", run.value(key)));
        }
    }
    Ok(())
}

/// Its header has 21,753 bytes, mostly a picture; libmms takes 16,384.
#[test]
fn libmms_takes_a_file_with_a_large_picture_where_headers_are_slim() {
    let Some(program) = MMSDUMP.path() else { return };
    let (name, scratch) = ("atl-voice-8k.wma", Scratch::new("slim"));
    let path = made("..").join("real").join(name);
    let fetch = |options: &[&str]| {
        let server = Server::start_with(options, core::slice::from_ref(&path));
        let dump = scratch.file("dump.asf");
        let mut command = bounded(seconds(10), &program.to_string_lossy());
        (Run::complete(command.arg(server.url(name)).arg(&dump), &scratch, "libmms"), dump)
    };
    let (run, _) = fetch(&["--pace", "off"]);
    assert_ne!(run.code(), 0, "{}", run.explain("libmms takes the whole header"));
    let (run, dump) = fetch(&["--pace", "off", "--slim-headers"]);
    let judge = || -> Result<(), String> {
        let (source, dump) = (Asf::source(&path)?, Asf::dump(&dump)?);
        let equal = (0..source.packets()).all(|number| dump.packet(number) == source.packet(number));
        match run.code() == 0 && dump.packets() == source.packets() && equal && dump.head().len() < 8192 {
            true => Ok(()),
            false => Err(format!("{} of {} packets", dump.packets(), source.packets())),
        }
    };
    judge().unwrap_or_else(|finding| panic!("{}", run.explain(finding)));
}

#[test]
fn libmms_seeks_by_time() {
    let Some(program) = MMSDUMP.path() else { return };
    let server = Server::start(SEEK_PACE, &[SEEK_FILE]);
    let scratch = Scratch::new("libmms-seek");
    let dump = scratch.file("dump.asf");
    let mut command = bounded(seconds(25), &program.to_string_lossy());
    command.arg(server.url(SEEK_FILE)).arg(&dump).arg(SEEK_TO).env("LIBMMS_DEBUG", "1");
    let run = Run::complete(&mut command, &scratch, "libmms");
    let judge = || -> Result<(), String> {
        if run.code() != 0 {
            return Err("libmms failed".into());
        }
        let source = Asf::source(&made(SEEK_FILE))?;
        let start = compare_from_somewhere(&source, &Asf::dump(&dump)?)?;
        // libmms adds the preroll of 3.1 s; key frames are 5 s apart, and a server may start at the one before.
        near(&source, start, 51_000..=64_000)?;
        let session = server.wait_for_session(SEEK_FILE, source.packets() - start)?;
        if session.start != Some(start) {
            return Err(format!("the dump starts at packet {start}, the log says {session:?}"));
        }
        Ok(())
    };
    if let Err(finding) = judge() {
        panic!("{}\n{}", run.explain(finding), server.logs());
    }
}

#[test]
fn vlc_seeks_by_packet() {
    if !all_installed(&[("vlc", "vlc-bin vlc-plugin-base"), ("setpriv", "util-linux")]) {
        return;
    }
    let server = Server::start(SEEK_PACE, &[SEEK_FILE]);
    let scratch = Scratch::new("vlc-seek");
    let mut command = vlc(seconds(25), &scratch);
    command.args(["-vv", &format!("--start-time={SEEK_TO}"), "--sout", "#dummy"]);
    command.args([&server.url(SEEK_FILE), "vlc://quit"]);
    let run = Run::complete(&mut command, &scratch, "vlc");
    // VLC finds the packet by its own reading of the index or by arithmetic: only the log can tell which it was.
    let judge = || -> Result<(), String> {
        let source = Asf::source(&made(SEEK_FILE))?;
        let session = server.wait_for_session(SEEK_FILE, 1)?;
        let start = session.start.ok_or_else(|| format!("no start packet in {session:?}"))?;
        near(&source, start, 45_000..=75_000)
    };
    if let Err(finding) = judge() {
        panic!("{}\n{}", run.explain(finding), server.logs());
    }
}

#[test]
fn tshark_reads_a_session_of_ours_without_a_malformed_mark() {
    if !all_installed(&[("tshark", "tshark")]) {
        return;
    }
    let name = FILES[1];
    let server = Server::start("off", &[name]);
    let scratch = Scratch::new("tshark");
    let Some(mut capture) = Capture::start(server.port(), &scratch) else {
        return skip("tshark may not capture on the loopback interface (privilege missing)");
    };
    let copy = scratch.file("copy.wmv");
    let mut command = bounded(seconds(15), env!("CARGO_BIN_EXE_mms"));
    command.args(["get", &server.url(name), "-o"]).arg(&copy);
    let run = Run::complete(&mut command, &scratch, "get");
    let fetched = match run.code() {
        0 => check_dump_head(name, &copy),
        _ => Err("mms get failed".into()),
    };
    let judged = fetched.and_then(|()| {
        server.wait_for_session(name, 1)?;
        capture.finish();
        judge_capture(&scratch, server.port())
    });
    if let Err(finding) = judged {
        panic!("{}\n{}\n{}", run.explain(finding), server.logs(), capture.log());
    }
}

/// Only that the session moved the packets; what our own client writes is tested elsewhere.
fn check_dump_head(name: &str, copy: &Path) -> Result<(), String> {
    let (source, copy) = (Asf::source(&made(name))?, Asf::source(copy)?);
    match source.packets() == copy.packets()
        && (0..source.packets()).all(|n| source.packet(n) == copy.packet(n))
    {
        true => Ok(()),
        false => Err("mms get did not bring the packets of the source".into()),
    }
}

fn judge_capture(scratch: &Scratch, port: u16) -> Result<(), String> {
    let dissect = |filter: &str| {
        let mut command = bounded(seconds(20), "tshark");
        command.arg("-r").arg(scratch.file("cap.pcapng"));
        command.args(["-d", &format!("tcp.port=={port},msmms"), "-Y", filter]);
        Run::complete(&mut command, scratch, "dissect")
    };
    let all = dissect("msmms");
    // Fewer would be no hand-shake: seven requests and seven replies, then data.
    if all.code() != 0 || all.stdout.lines().count() < 12 {
        return Err(all.explain("tshark recognised fewer than 12 segments as MMS"));
    }
    let malformed = dissect("_ws.malformed");
    if malformed.code() != 0 || malformed.stdout.lines().count() > 0 {
        return Err(malformed.explain("tshark calls a message malformed"));
    }
    Ok(())
}

/// A capture on the loopback interface.
struct Capture {
    process: Running,
    log: std::path::PathBuf,
}

impl Capture {
    /// Nothing where the privilege to capture is missing.
    fn start(port: u16, scratch: &Scratch) -> Option<Self> {
        let log = scratch.file("capture.err");
        let mut command = bounded(seconds(40), "tshark");
        command.args(["-q", "-i", "lo", "-f", &format!("tcp port {port}"), "-w"]);
        command.arg(scratch.file("cap.pcapng")).stdout(std::process::Stdio::null());
        command.stderr(fs::File::create(&log).expect("the log of the capture can be written"));
        command.env("HOME", scratch.path()).env_remove("XDG_CONFIG_HOME");
        let mut capture = Self { process: Running::start(&mut command), log };
        let deadline = Instant::now() + seconds(15);
        while !capture.log().contains("Capturing on") && !capture.process.has_ended() {
            assert!(Instant::now() < deadline, "the capture did not start\n{}", capture.log());
            sleep(Duration::from_millis(50));
        }
        // "Capturing on" is said before the first packet can be seen, and also where it is not allowed.
        sleep(Duration::from_millis(1500));
        if capture.process.has_ended() {
            let log = capture.log();
            let refused = log.contains("permission to capture") || log.contains("not permitted");
            assert!(refused, "the capture ended at once\n{log}");
            return None;
        }
        Some(capture)
    }

    /// Lets the last packets reach the file, then ends the capture.
    fn finish(&mut self) {
        sleep(Duration::from_millis(1000));
        self.process.end();
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}
