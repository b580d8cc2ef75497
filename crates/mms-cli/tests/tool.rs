//! The tool against itself, binary against binary over loopback: files, names, signals, exit codes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "the interoperability tests use the rest")]
mod support;
mod tool {
    pub(super) mod asf;
    pub(super) mod program;
}

use core::net::Ipv6Addr;
use core::time::Duration;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::Value;
use support::asf::{Asf, compare_from_somewhere};
use support::process::Scratch;
use support::server::{Server, made};
use tool::asf::{Counts, assert_fetched, assert_prefix, source, whole_files};
use tool::program::{Outcome, Program, get, mms, wait_until};

const SAMPLE: &str = "av-wmv2-wmav2.wmv";
const LONG: &str = "seek-125s.wmv";

// ---- what arrives is what was sent

fn every_file_arrives(options: &[&str]) {
    let files = whole_files();
    assert!(files.len() >= 20, "only {} files with a whole packet", files.len());
    let mut serve = vec!["--pace", "off"];
    serve.extend(options);
    let folders: Vec<PathBuf> = ["made", "real"].iter().map(|name| made("..").join(name)).collect();
    let server = Server::start_with(&serve, &folders);
    let scratch = Scratch::new("every-file");
    let fetch = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        let target = scratch.file(&name);
        let outcome = get(&server.url(&name)).args(options).arg("-o").arg(&target).run();
        assert_eq!(outcome.code, 0, "{name}: {outcome}\n{}", server.logs());
        assert_fetched(path, &target);
    };
    thread::scope(|scope| {
        let (left, right) = files.split_at(files.len() / 2);
        scope.spawn(|| left.iter().for_each(fetch));
        right.iter().for_each(fetch);
    });
}

#[test]
fn every_file_with_a_packet_arrives_packet_for_packet() {
    every_file_arrives(&[]);
}

#[test]
fn every_file_arrives_also_when_each_read_and_write_takes_one_byte() {
    every_file_arrives(&["--io-bytes", "1"]);
}

#[test]
fn a_file_that_is_whole_keeps_its_header_byte_for_byte() {
    let server = Server::start("off", &["audio-wmav2.wma"]);
    let scratch = Scratch::new("same");
    let target = scratch.file("x.wma");
    let outcome = get(&server.url("audio-wmav2.wma")).arg("-o").arg(&target).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_eq!(fs::read(target).unwrap(), fs::read(made("audio-wmav2.wma")).unwrap());
}

#[test]
fn video_is_indexed_where_its_times_begin_at_0() {
    let server = Server::start("off", &[LONG]);
    let scratch = Scratch::new("indexed");
    let counts = |name: &str, options: &[&str]| {
        let target = scratch.file(name);
        let outcome = get(&server.url(LONG)).args(options).arg("-o").arg(&target).run();
        assert_eq!(outcome.code, 0, "{outcome}");
        let counts = Counts::of(&target);
        counts.assert_true();
        (counts.indexes.unwrap(), counts.flags & 2 != 0)
    };
    let (indexes, seekable) = counts("whole.wmv", &[]);
    assert!(indexes.len() == 1 && indexes[0] >= 125 && seekable, "{indexes:?}, {seekable}");
    let (indexes, seekable) = counts("first.wmv", &["--duration", "20"]);
    assert!(indexes.len() == 1 && (20..40).contains(&indexes[0]) && seekable, "{indexes:?}, {seekable}");
    assert_eq!(counts("middle.wmv", &["--start", "60"]), (vec![], false));
}

#[test]
fn an_excerpt_begins_where_it_was_asked_for_and_tells_its_own_counts() {
    let server = Server::start("off", &[LONG]);
    let scratch = Scratch::new("excerpt");
    let target = scratch.file("part.wmv");
    let outcome =
        get(&server.url(LONG)).args(["--start", "1:00", "--duration", "5.5", "-o"]).arg(&target).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    let (whole, part) = (source(&made(LONG)), Asf::dump(&target).unwrap());
    assert!(part.packets() > 0 && part.packets() < whole.packets() / 10, "{} packets", part.packets());
    let first = (0..whole.packets()).find(|number| whole.packet(*number) == part.packet(0)).unwrap();
    assert!((54_000..=60_000).contains(&whole.send_time(first)), "starts at {} ms", whole.send_time(first));
    for number in 0..part.packets() {
        assert!(part.packet(number) == whole.packet(first + number), "packet {number} differs");
    }
    Counts::of(&target).assert_true();
}

#[test]
fn an_excerpt_without_a_way_back_promises_nothing() {
    let server = Server::start("off", &[LONG]);
    let mut child = get(&server.url(LONG)).args(["--start", "100", "-o", "-"]).start();
    let mut bytes = Vec::new();
    child.stdout().read_to_end(&mut bytes).unwrap();
    assert_eq!(child.finish().code, 0);
    let scratch = Scratch::new("broadcast");
    let dump = scratch.file("dump.asf");
    fs::write(&dump, &bytes).unwrap();
    let counts = Counts::of(&dump);
    assert!(counts.flags & 1 == 1, "the broadcast flag is not set");
    assert_eq!((counts.packets, counts.data_packets, counts.data_size), (0xffff_ffff, 0, 50));
    let whole = source(&made(LONG));
    let got = Asf::dump(&dump).unwrap();
    let last = whole.packet(whole.packets() - 1);
    assert!(got.packets() > 0 && got.packet(got.packets() - 1) == last);
}

#[test]
fn a_choice_of_streams_is_checked_against_the_header() {
    let server = Server::start("off", &["two-audio.wmv"]);
    let scratch = Scratch::new("streams");
    let target = scratch.file("x.wmv");
    let outcome = get(&server.url("two-audio.wmv")).args(["--streams", "1,9", "-o"]).arg(&target).run();
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stderr.contains("there is no stream 9") && outcome.stderr.contains("1 ("), "{outcome}");
    assert!(!target.exists());
    let outcome = get(&server.url("two-audio.wmv")).args(["--streams", "1", "-o"]).arg(&target).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    Counts::of(&target).assert_true();
}

#[test]
fn ipv6_works_as_well() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        support::peer::skip("this machine has no IPv6");
        return;
    }
    let server = Program::serve(&["--listen", "[::1]:0", "--pace", "off"], &[made(SAMPLE)]);
    assert!(server.url().starts_with("mmst://[::1]:"), "{}", server.url());
    let scratch = Scratch::new("ipv6");
    let outcome = get(server.url()).current_dir(scratch.path()).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_fetched(&made(SAMPLE), &scratch.file(SAMPLE));
}

// ---- where it goes

#[test]
fn a_file_that_exists_is_overwritten_by_force_only() {
    let server = Server::start("off", &[SAMPLE]);
    let scratch = Scratch::new("force");
    let target = scratch.file("x.wmv");
    fs::write(&target, "precious").unwrap();
    // nobody listens there: the file is looked at first
    let outcome = get("mmst://127.0.0.1:1/x").arg("-o").arg(&target).run();
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("--force"), "{outcome}");
    let outcome = get(&server.url("nothing")).arg("--force").arg("-o").arg(&target).run();
    assert_eq!(outcome.code, 4, "{outcome}");
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    let outcome = get(&server.url(SAMPLE)).arg("--force").arg("-o").arg(&target).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_fetched(&made(SAMPLE), &target);
    assert_eq!(names_in(&scratch), ["x.wmv"]);
    // what a link leads to is replaced, not the link
    std::os::unix::fs::symlink("x.wmv", scratch.file("link.wmv")).unwrap();
    fs::write(&target, "old").unwrap();
    let outcome =
        get(&server.url(SAMPLE)).args(["--force", "-o", "link.wmv"]).current_dir(scratch.path()).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(scratch.file("link.wmv").is_symlink());
    assert_fetched(&made(SAMPLE), &target);
}

#[test]
fn a_device_and_a_pipe_are_written_directly() {
    let server = Server::start("off", &[SAMPLE]);
    let outcome = get(&server.url(SAMPLE)).args(["-o", "/dev/null"]).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(!Path::new("/dev/null").is_file());

    let scratch = Scratch::new("pipe");
    let pipe = scratch.file("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    let outcome = get(&server.url(SAMPLE)).arg("-o").arg(&pipe).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(reader.join().unwrap() == source(&made(SAMPLE)).streamed(), "the pipe got something else");
    assert_eq!(names_in(&scratch), ["pipe"]);
}

#[test]
fn a_reader_that_goes_away_is_a_quiet_end() {
    let server = Server::start("off", &[LONG]);
    let mut child = get(&server.url(LONG)).args(["-o", "-"]).start();
    let mut first = [0; 16];
    child.stdout().read_exact(&mut first).unwrap();
    child.close_stdout();
    let outcome = child.finish();
    assert_eq!(outcome.code, 141, "{outcome}");
    assert_eq!(outcome.stderr, "", "{outcome}");
}

#[test]
fn the_name_comes_from_the_url_or_is_asked_for() {
    let server = Server::start("off", &[SAMPLE]);
    let scratch = Scratch::new("name");
    let outcome = get(&server.url("")).current_dir(scratch.path()).run();
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stderr.contains("-o FILE"), "{outcome}");
    // the server looks names up by their decoded form, the client must not
    let url = server.url("%2e%2e%2f").replace("//%", "/%") + SAMPLE;
    let outcome = get(&url).current_dir(scratch.path()).run();
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(names_in(&scratch).is_empty());
}

// ---- when it does not go well

#[test]
fn a_second_ctrl_c_ends_at_once_even_while_nobody_reads() {
    let server = Server::start("off", &[LONG]);
    let scratch = Scratch::new("twice");
    let pipe = scratch.file("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut child = get(&server.url(LONG)).arg("-o").arg(&pipe).start();
    let mut reader = File::open(&pipe).unwrap();
    reader.read_exact(&mut [0; 16]).unwrap();
    // the pipe takes 64 KiB, the stream has more: writing blocks
    thread::sleep(Duration::from_millis(200));
    child.signal("-INT");
    child.signal("-INT");
    thread::sleep(Duration::from_millis(700));
    assert!(!child.has_ended(), "two signals in the same moment count as one");
    child.signal("-INT");
    assert_eq!(child.finish().code, 130);
    drop(reader);
}

#[test]
fn ctrl_c_finishes_the_file_and_says_that_it_is_partial() {
    let server = Server::start("realtime", &[LONG]);
    let scratch = Scratch::new("sigint");
    let child = get(&server.url(LONG)).current_dir(scratch.path()).arg("--json").start();
    // the burst is there soon; the rest takes two minutes
    wait_until("the first packets", || newest_len(&scratch) > 10_000);
    child.signal("-INT");
    let outcome = child.finish();
    assert_eq!(outcome.code, 130, "{outcome}");
    let name = "seek-125s.partial.wmv";
    assert!(outcome.stderr.contains(name), "{outcome}");
    assert_eq!(names_in(&scratch), [name]);
    assert_prefix(&made(LONG), &scratch.file(name));
    let json = outcome.json();
    assert_eq!(json["error_kind"], "interrupted");
    assert_eq!((&json["output"], &json["complete"]), (&Value::from(name), &Value::from(false)));
    server.wait_for_session(LONG, 1).unwrap();
}

#[test]
fn a_connection_that_breaks_leaves_a_partial_file() {
    let server = Server::start("off", &[SAMPLE]);
    let port = cut_after(server.port(), 60_000);
    let scratch = Scratch::new("cut");
    let url = format!("mmst://127.0.0.1:{port}/{SAMPLE}");
    let outcome = get(&url).current_dir(scratch.path()).arg("--json").run();
    assert_eq!(outcome.code, 5, "{outcome}");
    assert_eq!(outcome.json()["error_kind"], "broke_off");
    let name = "av-wmv2-wmav2.partial.wmv";
    assert_eq!(names_in(&scratch), [name]);
    assert_prefix(&made(SAMPLE), &scratch.file(name));
    // an earlier one is not lost
    let port = cut_after(server.port(), 30_000);
    let url = format!("mmst://127.0.0.1:{port}/{SAMPLE}");
    assert_eq!(get(&url).current_dir(scratch.path()).run().code, 5);
    assert_eq!(names_in(&scratch), ["av-wmv2-wmav2.partial-2.wmv", name]);
}

#[test]
fn nothing_is_kept_where_no_packet_came() {
    let server = Server::start("off", &[SAMPLE]);
    let port = cut_after(server.port(), 900);
    let scratch = Scratch::new("nothing");
    let outcome = get(&format!("mmst://127.0.0.1:{port}/{SAMPLE}")).current_dir(scratch.path()).run();
    assert_eq!(outcome.code, 3, "{outcome}");
    assert!(names_in(&scratch).is_empty());
}

/// Passes one connection on, and breaks it off after so many bytes from the server.
fn cut_after(port: u16, bytes: u64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut requests, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        // ends when either side is gone
        thread::spawn(move || std::io::copy(&mut requests, &mut to_server));
        std::io::copy(&mut server.take(bytes), &mut client).unwrap();
        client.shutdown(std::net::Shutdown::Both).unwrap();
    });
    own
}

#[test]
fn each_exit_code_has_its_cause() {
    let server = Server::start("off", &[SAMPLE]);
    let scratch = Scratch::new("codes");
    let garbage = TcpListener::bind("127.0.0.1:0").unwrap();
    let garbage_port = garbage.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = garbage.accept().unwrap();
        // the head of a message with a wrong seal
        let head = b"\x01\0\0\0\xce\xfa\x0b\xb0\x20\0\0\0SMM \x04\0\0\0";
        stream.write_all(&[&head[..], &[0; 64]].concat()).unwrap();
        // until the client gives up
        drop(stream.read_to_end(&mut Vec::new()));
    });
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cases = [
        (server.url(SAMPLE), 0, ""),
        ("mmst://127.0.0.1:0/x".into(), 2, "mms://HOST"),
        ("https://127.0.0.1/x".into(), 2, "http://"),
        ("127.0.0.1/x".into(), 2, "mms://127.0.0.1/x"),
        (format!("mmst://127.0.0.1:{unused}/x"), 3, "is a server running there"),
        ("mmst://no-such-name.invalid/x".into(), 3, "no-such-name.invalid is not known"),
        (server.url("no-such-file.wmv"), 4, "check the name"),
        (format!("mmst://127.0.0.1:{garbage_port}/x"), 6, "MMS server"),
    ];
    for (url, code, said) in cases {
        let outcome = get(&url).args(["--force", "--quiet", "-o"]).arg(scratch.file("x")).run();
        assert_eq!(outcome.code, code, "{url}: {outcome}");
        assert!(outcome.stderr.contains(said), "{url}: {outcome}");
        assert_eq!(outcome.stdout, "");
    }
    assert_eq!(names_in(&scratch), ["x"]);
    let outcome = get(&server.url(SAMPLE)).args(["--start", "1:00", "-o"]).arg(scratch.file("y")).run();
    assert!(outcome.code == 2 && outcome.stderr.contains("the stream lasts"), "{outcome}");
    assert_eq!(names_in(&scratch), ["x"]);
    assert_eq!(mms(&["get", "mmst://h/x", "--start", "soon"]).run().code, 2);
    assert_eq!(mms(&["get", "mmst://h/x", "--duration", "0"]).run().code, 2);
    assert_eq!(get(&server.url(SAMPLE)).arg("-o").arg(scratch.file("no/x")).run().code, 1);
}

#[test]
fn media_over_udp_is_fetched_and_told() {
    let server = Server::start("20", &[SAMPLE]);
    let scratch = Scratch::new("udp");
    for scheme in ["mmsu", "mms"] {
        let url = server.url(SAMPLE).replacen("mmst", scheme, 1);
        let outcome = get(&url).current_dir(scratch.path()).args(["--json", "--force"]).run();
        assert_eq!(outcome.code, 0, "{outcome}");
        let json = outcome.json();
        let packets = source(&made(SAMPLE)).packets();
        assert_eq!(json["transport"], "MMS/UDP", "{outcome}");
        assert_eq!(json["network"]["received"], packets, "{outcome}");
        assert_eq!(json["packets_missing"], 0, "{outcome}");
        assert_eq!(source(&scratch.file(SAMPLE)).packets(), packets);
    }
}

#[test]
fn json_tells_what_was_done_also_after_an_error() {
    let server = Server::start("off", &[SAMPLE]);
    let scratch = Scratch::new("json");
    let url = server.url(SAMPLE);
    let outcome = get(&url).current_dir(scratch.path()).arg("--json").run();
    let json = outcome.json();
    let asf = source(&scratch.file(SAMPLE));
    assert_eq!(json["url"], url.as_str());
    assert_eq!(json["transport"], "MMS/TCP");
    assert_eq!(json["bytes"], fs::metadata(scratch.file(SAMPLE)).unwrap().len());
    assert_eq!(json["packets_received"], asf.packets());
    assert_eq!(json["packets_missing"], 0);
    assert_eq!(json["output"], SAMPLE);
    assert_eq!(json["complete"], true);
    assert!(json["error"].is_null() && json["error_kind"].is_null());
    assert!(json["duration_seconds"].as_f64().unwrap() > 0.0);
    let media = json["media_seconds"].as_f64().unwrap();
    assert!((7.0..9.0).contains(&media), "{media} s of media");

    let outcome = get(&server.url("nothing")).args(["--json", "-o", "/dev/null"]).run();
    let json = outcome.json();
    assert_eq!((&json["error_kind"], &json["complete"]), (&Value::from("refused"), &Value::from(false)));
    assert!(json["error"].as_str().unwrap().contains("NS_E_FILE_NOT_FOUND"), "{outcome}");
    assert!(json["output"].is_null());
}

#[test]
fn there_is_no_progress_bar_without_a_terminal() {
    let server = Server::start("off", &[SAMPLE]);
    let outcome = get(&server.url(SAMPLE)).args(["-o", "/dev/null"]).run();
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome}");
    assert!(!outcome.stderr.contains(['\u{1b}', '\r']), "{outcome}");
    let outcome = get(&server.url(SAMPLE)).args(["-o", "/dev/null", "--quiet"]).run();
    assert_eq!(outcome.stderr, "");
}

// ---- the server

#[test]
fn what_cannot_be_served_is_told_at_the_start() {
    let scratch = Scratch::new("problems");
    let folder = scratch.file("videos");
    fs::create_dir(&folder).unwrap();
    fs::copy(made(SAMPLE), folder.join(SAMPLE)).unwrap();
    fs::write(folder.join("notes.txt"), "no stream").unwrap();
    let cut = File::create(folder.join("cut.wmv")).unwrap();
    (&cut).write_all(&fs::read(made(SAMPLE)).unwrap()[..300]).unwrap();
    let server = Program::serve(&["--listen", "127.0.0.1:0"], &[made(SAMPLE), folder]);
    let said = server.stop();
    assert_eq!(said.code, 0, "{said}");
    let warnings: Vec<&str> = said.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(warnings.len(), 2, "{said}");
    assert!(warnings.iter().any(|line| line.contains("cut.wmv") && line.contains("header")), "{said}");
    assert!(warnings.iter().any(|line| line.contains("belongs to") && line.contains(SAMPLE)), "{said}");
    assert!(said.stderr.contains("1 that are not ASF"), "{said}");
}

#[test]
fn a_server_with_nothing_to_serve_or_nowhere_to_listen_says_so() {
    let scratch = Scratch::new("nothing-to-serve");
    fs::write(scratch.file("a.txt"), "no stream").unwrap();
    let serve = |listen: &str, path: PathBuf| mms(&["serve", "--listen", listen]).arg(path).run();
    let outcome = serve("127.0.0.1:0", scratch.path().to_owned());
    assert!(outcome.code == 1 && outcome.stderr.contains("nothing to serve"), "{outcome}");
    let outcome = serve("127.0.0.1:0", scratch.file("missing"));
    assert!(outcome.code == 1 && outcome.stderr.contains("missing"), "{outcome}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let outcome = serve(&taken.local_addr().unwrap().to_string(), made(SAMPLE));
    assert!(outcome.code == 1 && outcome.stderr.contains("--listen"), "{outcome}");
    let outcome = serve("127.0.0.1:65536", made(SAMPLE));
    assert_eq!(outcome.code, 2, "{outcome}");
}

#[test]
fn a_long_list_of_urls_is_cut() {
    let scratch = Scratch::new("many");
    for number in 0..53 {
        fs::copy(made("one-packet.wma"), scratch.file(&format!("{number:02} ü.wma"))).unwrap();
    }
    let server = Program::serve(&["--listen", "0.0.0.0:0"], &[scratch.path().to_owned()]);
    let url = server.url().to_owned();
    assert!(url.starts_with("mmst://127.0.0.1:") && url.ends_with("/00%20%C3%BC.wma"), "{url}");
    let outcome = get(&url).args(["-o", "/dev/null"]).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    let said = server.stop();
    // 53 over MMS, and 53 over HTTP with an ASX each
    assert_eq!(said.stdout.lines().nth(50), Some("... and 109 more"), "{said}");
    let page = said.stdout.lines().nth(51).expect("the page");
    assert!(page.starts_with("http://127.0.0.1:") && page.ends_with('/'), "{said}");
    assert_eq!(said.stdout.lines().count(), 52, "{said}");
}

#[test]
fn sigterm_ends_sessions_in_order() {
    let server = Program::serve(&["--listen", "127.0.0.1:0", "--pace", "realtime"], &[made(LONG)]);
    let scratch = Scratch::new("sigterm");
    let client = get(server.url()).current_dir(scratch.path()).start();
    wait_until("the first packets", || newest_len(&scratch) > 10_000);
    let said = server.stop();
    assert_eq!(said.code, 0, "{said}");
    let line = said.stderr.lines().find(|line| line.contains("transport=MMS/TCP")).expect("a session line");
    assert!(line.contains(&format!("name={LONG}")) && line.contains("packets="), "{said}");
    assert!(!said.stderr.contains('\u{1b}'), "{said}");
    let outcome = client.finish();
    assert_eq!(outcome.code, 5, "{outcome}");
    assert_prefix(&made(LONG), &scratch.file("seek-125s.partial.wmv"));
}

#[test]
fn a_limit_on_connections_holds() {
    let options = ["--pace", "realtime", "--max-per-address", "1"];
    let server = Server::start_with(&options, &[made(LONG)]);
    let scratch = Scratch::new("limit");
    let first = get(&server.url(LONG)).current_dir(scratch.path()).start();
    wait_until("the first packets", || newest_len(&scratch) > 10_000);
    let outcome = get(&server.url(LONG)).args(["-o", "/dev/null"]).run();
    assert_eq!(outcome.code, 4, "{outcome}");
    assert!(outcome.stderr.contains("client limit"), "{outcome}");
    first.signal("-INT");
    assert_eq!(first.finish().code, 130);
}

#[test]
fn a_rate_limit_slows_a_session_down() {
    let server = Server::start_with(&["--pace", "off", "--max-rate", "800k"], &[made("audio-wmav2.wma")]);
    let outcome = get(&server.url("audio-wmav2.wma")).args(["-o", "/dev/null", "--json"]).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    let (bytes, seconds) = (outcome.json()["bytes"].as_f64(), outcome.json()["duration_seconds"].as_f64());
    let rate = bytes.unwrap() * 8.0 / seconds.unwrap();
    assert!(rate < 1_200_000.0, "{rate} bit/s");
}

// ---- info and demo

#[test]
fn info_explains_every_file() {
    for path in whole_files() {
        let outcome = mms(&["info", "--json"]).arg(&path).run();
        assert_eq!(outcome.code, 0, "{}: {outcome}", path.display());
        let (json, asf) = (outcome.json(), source(&path));
        assert_eq!(json["packets"]["present"], asf.packets(), "{}", path.display());
        assert_eq!(json["packets"]["size"], asf.packet_size());
        assert_eq!(json["header_bytes"], asf.head().len());
        let streams = json["streams"].as_array().unwrap();
        assert!(!streams.is_empty(), "{}", path.display());
        for stream in streams.iter().filter(|stream| stream["kind"] == "audio") {
            assert!(stream["channels"].as_u64() > Some(0) && stream["codec"].is_string(), "{stream}");
        }
        for stream in streams.iter().filter(|stream| stream["kind"] == "video") {
            assert!(stream["width"].as_u64() > Some(0) && stream["codec"].is_string(), "{stream}");
        }
        let text = mms(&["info"]).arg(&path).run();
        assert_eq!(text.code, 0, "{text}");
        assert!(text.stdout.contains(&format!("of {} bytes", asf.packet_size())), "{text}");
    }
}

#[test]
fn info_explains_a_cut_file_as_far_as_it_goes() {
    let scratch = Scratch::new("cut-info");
    let (bytes, asf) = (fs::read(made(SAMPLE)).unwrap(), source(&made(SAMPLE)));
    let cut = scratch.file("cut.wmv");
    fs::write(&cut, &bytes[..asf.head().len() + asf.packet_size() * 2 + 7]).unwrap();
    let json = mms(&["info", "--json"]).arg(&cut).run().json();
    assert_eq!(
        (&json["packets"]["present"], &json["packets"]["declared"]),
        (&2.into(), &asf.packets().into())
    );
    fs::write(&cut, &bytes[..asf.head().len() - 20]).unwrap();
    let json = mms(&["info", "--json"]).arg(&cut).run().json();
    assert_eq!((&json["header_is_cut"], &json["packets"]["present"]), (&true.into(), &0.into()));
    assert_eq!(json["streams"].as_array().unwrap().len(), 2);
    fs::write(&cut, "no stream").unwrap();
    let outcome = mms(&["info"]).arg(&cut).run();
    assert_eq!(outcome.code, 1, "{outcome}");
}

#[test]
fn info_fetches_the_header_of_a_url_and_no_packet() {
    let server = Server::start("off", &[SAMPLE]);
    let of_url = mms(&["info", "--json", &server.url(SAMPLE)]).run();
    assert_eq!(of_url.code, 0, "{of_url}");
    let of_file = mms(&["info", "--json"]).arg(made(SAMPLE)).run().json();
    let of_url = of_url.json();
    assert_eq!(of_url["transport"], "MMS/TCP");
    for field in ["streams", "tags", "duration_seconds", "header_bytes", "bit_rate", "preroll_seconds"] {
        assert_eq!(of_url[field], of_file[field], "{field}");
    }
    assert!(of_url["packets"]["present"].is_null());
    server.wait_for_session(SAMPLE, 0).unwrap();
    assert!(server.logs().contains(" packets=0 "), "{}", server.logs());
    assert_eq!(mms(&["info", &server.url("nothing")]).run().code, 4);
}

#[test]
fn demo_compares_each_transport_and_succeeds() {
    let outcome = mms(&["demo"]).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    let packets = source(&made(SAMPLE)).packets();
    for transport in ["MMS/TCP", "MMS/UDP"] {
        let row = outcome.stdout.lines().find(|line| line.starts_with(transport)).expect("a row");
        assert!(row.contains(&format!("{packets}/{packets}")) && row.contains(" yes "), "{outcome}");
    }
}

#[test]
fn the_sample_of_the_demo_is_the_one_of_the_test_data() {
    let embedded = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample.wmv");
    assert!(fs::read(embedded).unwrap() == fs::read(made(SAMPLE)).unwrap());
}

#[test]
fn every_command_has_help_with_examples() {
    for command in [
        &["--help"][..],
        &["serve", "--help"],
        &["get", "--help"],
        &["info", "--help"],
        &["repair", "--help"],
        &["remux", "--help"],
    ] {
        let outcome = mms(command).run();
        assert_eq!(outcome.code, 0, "{outcome}");
        assert!(outcome.stdout.contains("Examples:"), "{outcome}");
        assert!(!outcome.stdout.contains("io-bytes"), "{outcome}");
    }
    assert!(mms(&["get", "--help"]).run().stdout.contains("130  interrupted"));
}

// ----

/// Names of the files in a folder, sorted.
fn names_in(scratch: &Scratch) -> Vec<String> {
    let entries = fs::read_dir(scratch.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Bytes of the only file in a folder, whatever its name is; 0 if there is none.
fn newest_len(scratch: &Scratch) -> u64 {
    let entries = fs::read_dir(scratch.path()).unwrap();
    entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|metadata| metadata.len()).max().unwrap_or(0)
}

#[test]
fn a_server_that_serves_the_same_file_twice_over_gives_the_same_twice() {
    let server = Server::start("off", &[SAMPLE]);
    let scratch = Scratch::new("twice");
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let fetch = |name: &str| get(&server.url(SAMPLE)).arg("-o").arg(scratch.file(name)).run();
        let other = scope.spawn(move || fetch("a.wmv"));
        vec![fetch("b.wmv"), other.join().unwrap()]
    });
    assert!(outcomes.iter().all(|outcome| outcome.code == 0));
    for name in ["a.wmv", "b.wmv"] {
        let dump = Asf::dump(&scratch.file(name)).unwrap();
        // the index behind the packets is not sent, so the header differs in its counts
        assert_eq!(dump.packets(), source(&made(SAMPLE)).packets());
        assert_fetched(&made(SAMPLE), &scratch.file(name));
    }
    assert!(compare_from_somewhere(&source(&scratch.file("a.wmv")), &source(&scratch.file("b.wmv"))).is_ok());
}
