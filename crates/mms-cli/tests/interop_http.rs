//! Programs written by others fetch from `mms serve` over HTTP, framed and plain, and what arrives is what was sent.
//!
//! A missing program fails the test where `CI=true` and is told by a line with `SKIPPED` elsewhere.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "each test uses its part")]
mod support;

use core::time::Duration;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Instant;

use support::asf::{Asf, compare_from_somewhere};
use support::fetch::{
    FILES, SEEK_FILE, SEEK_PACE, SEEK_TO, check_dump_over, for_each_file, frames, near, seconds,
};
use support::peer::{MMSHDUMP, XINEDUMP, all_installed, vlc};
use support::process::{Run, Scratch, bounded};
use support::server::{Server, field, made};

fn check_dump(server: &Server, name: &str, dump: &Path) -> Result<(), String> {
    check_dump_over("HTTP", server, name, dump, 0)
}

#[test]
fn ffmpeg_gets_every_frame_framed_and_plain() {
    if !all_installed(&[("ffmpeg", "ffmpeg")]) {
        return;
    }
    for_each_file("ffmpeg-http", |server, name, scratch| {
        let source = Asf::source(&made(name))?;
        let (expected, _) = frames(&made(name).to_string_lossy(), scratch, "file");
        for scheme in ["mmsh", "http"] {
            let (got, run) = frames(&server.url_over(scheme, name), scratch, scheme);
            if expected.is_empty() || got != expected {
                return Err(run.explain(format!("{} frames of {}", got.len(), expected.len())));
            }
            if run.code() != 0 {
                return Err(run.explain("FFmpeg failed"));
            }
        }
        server.wait_for_session_over("HTTP", name, source.packets()).map(drop)?;
        downloaded(server, name)
    });
}

/// The log shows a plain download; its line comes when the connection is gone.
fn downloaded(server: &Server, name: &str) -> Result<(), String> {
    let is_download = |line: &str| {
        let rest = line.split_once(&format!("transport=HTTP name={name} packets=0 bytes="))?.1;
        rest.split(' ').next()?.parse::<u64>().ok().filter(|bytes| *bytes > 0)
    };
    let deadline = Instant::now() + seconds(10);
    while !server.logs().lines().any(|line| is_download(line).is_some()) {
        if Instant::now() > deadline {
            return Err(format!("no line of a download of {name}"));
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

#[test]
fn mplayer_gets_every_packet() {
    if !all_installed(&[("mplayer", "mplayer")]) {
        return;
    }
    for_each_file("mplayer-http", |server, name, scratch| {
        let dump = scratch.file("dump.asf");
        let mut command = bounded(seconds(15), "mplayer");
        command.args(["-v", "-nolirc", "-noconfig", "all", "-nocache", "-dumpstream", "-dumpfile"]);
        command.arg(&dump).arg(server.url_over("mmsh", name)).env("HOME", scratch.path());
        let run = Run::complete(&mut command, scratch, "mplayer");
        check_dump(server, name, &dump).map_err(|finding| run.explain(finding))
    });
}

#[test]
fn vlc_gets_every_packet() {
    if !all_installed(&[("vlc", "vlc-bin vlc-plugin-base"), ("setpriv", "util-linux")]) {
        return;
    }
    for_each_file("vlc-http", |server, name, scratch| {
        let dump = scratch.file("dump.asf");
        let mut command = vlc(seconds(15), scratch);
        command.args(["-vv", "--mms-all", "--demux=dump"]);
        let url = server.url_over("mmsh", name);
        command.arg(format!("--demuxdump-file={}", dump.display())).args([&url, "vlc://quit"]);
        let run = Run::complete(&mut command, scratch, "vlc");
        check_dump(server, name, &dump).map_err(|finding| run.explain(finding))
    });
}

#[test]
fn xine_gets_every_packet() {
    let Some(program) = XINEDUMP.path() else { return };
    if !all_installed(&[("prlimit", "util-linux")]) {
        return;
    }
    for_each_file("xine-http", |server, name, scratch| {
        // It reads on behind the end that it was told, from no socket and for hundreds of MB, whatever the server: the
        // limit ends that, and what it made up is left out.
        let mut command = bounded(seconds(25), "prlimit");
        command.arg("--fsize=1000000").arg(program);
        command.arg(server.url_over("mmsh", name)).arg(scratch.path()).args(["dump.asf", "20"]);
        command.env("HOME", scratch.path()).env_remove("XDG_CACHE_HOME").env_remove("XDG_CONFIG_HOME");
        let run = Run::complete(&mut command, scratch, "xine");
        let mut got = fs::read(scratch.file("dump.asf")).unwrap_or_default();
        got.truncate(Asf::source(&made(name))?.streamed().len());
        let dump = scratch.file("cut.asf");
        fs::write(&dump, got).map_err(|error| error.to_string())?;
        check_dump(server, name, &dump).map_err(|finding| run.explain(finding))
    });
}

fn libmms(program: &Path, server: &Server, name: &str, dump: &Path, scratch: &Scratch, more: &[&str]) -> Run {
    let mut command = bounded(seconds(25), &program.to_string_lossy());
    command.arg(server.url_over("mmsh", name)).arg(dump).args(more).env("LIBMMS_DEBUG", "1");
    Run::complete(&mut command, scratch, "libmms")
}

#[test]
fn libmms_gets_every_packet() {
    let Some(program) = MMSHDUMP.path() else { return };
    for_each_file("libmms-http", |server, name, scratch| {
        let dump = scratch.file("dump.asf");
        let run = libmms(program, server, name, &dump, scratch, &[]);
        if run.code() != 0 {
            return Err(run.explain("libmms failed"));
        }
        check_dump(server, name, &dump).map_err(|finding| run.explain(finding))
    });
}

#[test]
fn libmms_seeks_by_time() {
    let Some(program) = MMSHDUMP.path() else { return };
    let server = Server::start(SEEK_PACE, &[SEEK_FILE]);
    let scratch = Scratch::new("libmms-http-seek");
    let dump = scratch.file("dump.asf");
    let run = libmms(program, &server, SEEK_FILE, &dump, &scratch, &[SEEK_TO]);
    let judge = || -> Result<(), String> {
        if run.code() != 0 {
            return Err("libmms failed".into());
        }
        let source = Asf::source(&made(SEEK_FILE))?;
        let start = compare_from_somewhere(&source, &Asf::dump(&dump)?)?;
        // a server may start at the key frame before, and those are 5 s apart
        near(&source, start, 51_000..=64_000)?;
        // it plays from the start first, and takes some of that too
        let session = server.wait_for_start_over("HTTP", SEEK_FILE)?;
        (session.start == Some(start)).then_some(()).ok_or_else(|| format!("starts at {start}: {session:?}"))
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
    let scratch = Scratch::new("vlc-http-seek");
    let mut command = vlc(seconds(25), &scratch);
    command.args(["-vv", &format!("--start-time={SEEK_TO}"), "--sout", "#dummy"]);
    command.args([&server.url_over("mmsh", SEEK_FILE), "vlc://quit"]);
    let run = Run::complete(&mut command, &scratch, "vlc");
    // it plays from the start first, on a connection of its own
    let judge = || -> Result<(), String> {
        let source = Asf::source(&made(SEEK_FILE))?;
        let session = server.wait_for_start_over("HTTP", SEEK_FILE)?;
        near(&source, session.start.unwrap_or(0), 45_000..=75_000)
    };
    if let Err(finding) = judge() {
        panic!("{}\n{}", run.explain(finding), server.logs());
    }
}

fn curl(scratch: &Scratch, name: &str, args: &[&str]) -> (Run, Vec<u8>) {
    let out = scratch.file(name);
    let mut command = bounded(seconds(10), "curl");
    command.args(["-sS", "-w", "code=%{http_code}\n", "-o"]).arg(&out).args(args);
    let run = Run::complete(&mut command, scratch, "curl");
    let bytes = fs::read(&out).unwrap_or_default();
    (run, bytes)
}

#[test]
fn curl_gets_the_file_and_every_part_of_it() {
    if !all_installed(&[("curl", "curl")]) {
        return;
    }
    for_each_file("curl", |server, name, scratch| {
        let source = fs::read(made(name)).map_err(|error| error.to_string())?;
        let (url, len) = (server.url_over("http", name), source.len());
        let parts = [
            ("0-", 0..len, "206"),
            ("1000-1499", 1000..1500, "206"),
            ("-7", len - 7..len, "206"),
            ("5-99999999", 5..len, "206"),
        ];
        let (run, got) = curl(scratch, "whole", &[&url]);
        if (run.value("code"), got == source) != (Some("200"), true) {
            return Err(run.explain(format!("{} bytes of {len}", got.len())));
        }
        for (range, part, code) in parts {
            let (run, got) = curl(scratch, "part", &["-r", range, &url]);
            if run.value("code") != Some(code) || got != source[part] {
                return Err(run.explain(format!("{range}: {} bytes", got.len())));
            }
        }
        let (run, _) = curl(scratch, "beyond", &["-r", "99999999-", &url]);
        let (head, _) = curl(scratch, "head", &["-I", &url]);
        match (run.value("code"), head.value("code"), head.code()) {
            (Some("416"), Some("200"), 0) => Ok(()),
            _ => Err(run.explain(head)),
        }
    });
}

#[test]
fn curl_is_told_that_the_server_is_full_until_a_place_is_free() {
    if !all_installed(&[("curl", "curl")]) {
        return;
    }
    let name = FILES[0];
    let server = Server::start_with(&["--max-connections", "1"], &[made(name)]);
    let (url, scratch) = (server.url_over("http", name), Scratch::new("full"));
    let mut first = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    first.set_read_timeout(Some(seconds(10))).unwrap();
    write!(first, "GET /{name} HTTP/1.1\r\nHost: h\r\nRange: bytes=0-0\r\n\r\n").unwrap();
    let mut status = [0; 12];
    first.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 206");
    let player = ["-i", "-A", "NSPlayer/7.1.0.3055"];
    let log = [&player[..], &["-H", "Content-Type: application/x-wms-LogStats", "-d", "a body"]].concat();
    for (number, args) in [&["-i"][..], &["-I"], &player, &log].into_iter().enumerate() {
        if number == 3 {
            // there is a warning a second, of all since the last one
            sleep(seconds(1));
        }
        let (run, got) = curl(&scratch, "full", &[args, &[&url]].concat());
        assert!(run.code() == 0 && run.value("code") == Some("503"), "{}", run.explain("a full server"));
        let head = String::from_utf8_lossy(&got);
        let is_whole = head.starts_with("HTTP/1.1 503 Service Unavailable\r\n")
            && head.ends_with("Connection: close\r\n\r\n");
        assert!(is_whole, "{head}");
    }
    drop(first);
    let end = Instant::now() + seconds(10);
    loop {
        let (run, got) = curl(&scratch, "whole", &[&url]);
        if run.value("code") == Some("200") {
            assert!(got == fs::read(made(name)).unwrap());
            break;
        }
        // the server has not seen the end of the first one yet
        assert!(Instant::now() < end, "{}", run.explain("no place became free"));
        sleep(Duration::from_millis(100));
    }
    let sessions = || server.logs().matches("outcome=").count();
    let refused = || {
        let logs = server.logs();
        let lines =
            logs.lines().filter(|line| line.contains("refused: 1 connections are open, which is the limit"));
        lines.map(|line| field(line, "count").unwrap().parse::<usize>().unwrap()).sum::<usize>()
    };
    while (sessions() < 2 || refused() < 4) && Instant::now() < end {
        sleep(Duration::from_millis(100));
    }
    let logs = server.logs();
    assert!(refused() >= 4, "{logs}");
    assert_eq!(sessions(), 2, "those that were refused are no sessions\n{logs}");
}

/// Names with everything that HTML, URLs and metafiles read otherwise.
const NAMES: [&str; 5] = [
    "a b & c.wmv",
    "<b>\"quoted\"<script>.wma",
    "it's 100%.wma",
    "f\u{fc}nf \u{1F3B5} \u{65E5}.wmv",
    "plain.wmv",
];

#[test]
fn a_browser_reads_the_page_and_its_links_lead_to_the_files() {
    if !all_installed(&[("chromium", "chromium"), ("curl", "curl")]) {
        return;
    }
    let scratch = Scratch::new("chromium");
    let folder = scratch.file("media");
    fs::create_dir_all(folder.join("sub folder")).expect("a folder can be made");
    let paths: Vec<PathBuf> = NAMES.iter().map(|name| folder.join(name)).collect();
    for path in &paths {
        fs::copy(made(FILES[0]), path).expect("a file can be copied");
    }
    fs::copy(made(FILES[0]), folder.join("sub folder/x.wma")).expect("a file can be copied");
    let server = Server::start_with(&["--pace", "off"], &[folder]);
    let mut command = bounded(seconds(60), "chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", scratch.file("profile").display()));
    command.arg(server.url_over("http", "")).env("HOME", scratch.path());
    let run = Run::complete(&mut command, &scratch, "chromium");
    if let Err(finding) = judge_page(&server, &run, &scratch) {
        panic!("{}\n{}", run.explain(finding), server.logs());
    }
}

fn judge_page(server: &Server, run: &Run, scratch: &Scratch) -> Result<(), String> {
    let page = &run.stdout;
    let elements = ["<b>", "<script", "<i>"];
    if !page.contains("<title>Streams</title>") || elements.iter().any(|element| page.contains(element)) {
        return Err("not the page".into());
    }
    let rows: Vec<&str> = page.split("<tr>").skip(2).collect();
    if rows.len() != NAMES.len() + 1 {
        return Err(format!("{} rows", rows.len()));
    }
    let source = fs::read(made(FILES[0])).map_err(|error| error.to_string())?;
    for name in NAMES.into_iter().chain(["sub folder/x.wma"]) {
        // as the browser writes text; quotation marks mean nothing in it
        let text = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let cell = format!("<td>{text}</td>");
        let row = rows.iter().find(|row| row.contains(&cell)).ok_or(format!("no row of {name}"))?;
        let links: Vec<&str> =
            row.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let [mms, http, asx] = links[..] else { return Err(format!("links of {name}: {links:?}")) };
        if mms != server.url_over("mms", http.trim_start_matches('/')) {
            return Err(format!("{mms} and {http}"));
        }
        let origin = server.url_over("http", "");
        let (fetched, bytes) =
            curl(scratch, "linked", &[&format!("{}{}", origin.trim_end_matches('/'), http)]);
        if bytes != source {
            return Err(fetched.explain(format!("{http} is not the file")));
        }
        let (fetched, bytes) = curl(scratch, "asx", &[&format!("{}{}", origin.trim_end_matches('/'), asx)]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if !text.contains(&format!("<REF HREF=\"{mms}\"/>")) {
            return Err(fetched.explain(format!("{asx} does not name {mms}:\n{text}")));
        }
    }
    Ok(())
}

#[test]
fn a_password_is_asked_for_where_it_was_set() {
    if !all_installed(&[("curl", "curl"), ("ffmpeg", "ffmpeg")]) {
        return;
    }
    let name = FILES[0];
    let server = Server::start_with(&["--pace", "off", "--user", "me:p ss"], &[made(name)]);
    let scratch = Scratch::new("password");
    let url = server.url_over("http", name);
    for (args, code) in [
        (&[url.as_str()][..], "401"),
        (&["-u", "me:wrong", &url], "401"),
        (&["-u", "you:p ss", &url], "401"),
        (&["-u", "me:p ss", &url], "200"),
    ] {
        let (run, _) = curl(&scratch, "guarded", args);
        assert_eq!(run.value("code"), Some(code), "{run}");
    }
    // a framed stream, as a client of the protocol asks for it; FFmpeg forgets the password over mmsh://
    let player = ["-A", "NSPlayer/7.1.0.3055", "-H", "Pragma: xPlayStrm=1", &url];
    let (run, _) = curl(&scratch, "framed", &player);
    assert_eq!(run.value("code"), Some("401"), "{run}");
    let (run, bytes) = curl(&scratch, "framed", &[&["-u", "me:p ss"][..], &player].concat());
    assert!(run.value("code") == Some("200") && bytes.starts_with(b"$H"), "{run}");
    let (expected, _) = frames(&made(name).to_string_lossy(), &scratch, "file");
    let (got, run) = frames(&url.replacen("://", "://me:p%20ss@", 1), &scratch, "http");
    assert!(!expected.is_empty() && got == expected, "{run}\n{}", server.logs());
    let (got, run) = frames(&server.url(name), &scratch, "mmst");
    assert!(got.is_empty(), "{run}");
}
