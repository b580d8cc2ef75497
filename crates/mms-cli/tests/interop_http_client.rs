//! `mms get` fetches over HTTP from programs written by others, and from scripted ones where nobody serves such a thing.
//!
//! A missing program fails the test where `CI=true` and is told by a line with `SKIPPED` elsewhere.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "each test uses its part")]
mod support;
mod tool {
    #[allow(dead_code, reason = "other tests use the rest")]
    pub(super) mod asf;
    #[allow(dead_code, reason = "other tests use the rest")]
    pub(super) mod program;
}

use core::time::Duration;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use support::asf::Asf;
use support::peer::{all_installed, vlc};
use support::process::{Run, Running, Scratch, bounded};
use support::server::{Server, made};
use tool::asf::{assert_fetched, whole_files};
use tool::program::{Outcome, mms};

const FILES: [&str; 3] = ["audio-wmav2.wma", "av-wmv2-wmav2.wmv", "av-msmpeg4v3-wmav1-1460.asf"];
const SOURCE: &str = "av-wmv2-wmav2.wmv";

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens. A server of one client must not be asked like this.
fn wait_for(port: u16) {
    let deadline = Instant::now() + seconds(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on port {port}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn get(scratch: &Scratch, url: &str, options: &[&str]) -> Outcome {
    let mut command = mms(&["get", url]);
    command = command.args(options).current_dir(scratch.path());
    command.run()
}

/// The header and the payloads of `$D` in a recorded body.
fn unframed(frames: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (mut header, mut packets, mut rest) = (Vec::new(), Vec::new(), frames);
    while let [b'$', kind, low, high, behind @ ..] = rest {
        let len = usize::from(u16::from_le_bytes([*low, *high]));
        let Some((body, after)) = behind.split_at_checked(len) else { break };
        match kind {
            b'H' => header = body[8..].to_vec(),
            b'D' => packets.push(body[8..].to_vec()),
            _ => {}
        }
        rest = after;
    }
    (header, packets)
}

/// Packets as they are in a file: those that are shorter got their padding again, so their payloads are compared.
fn is_padded(sent: &[u8], got: &[u8]) -> bool {
    sent == got || sent.len() < got.len() && got.ends_with(&vec![0; got.len() - sent.len()])
}

/// The fetched packets are one run of the recorded ones, up to the end of the recording.
fn assert_one_run(recorded: &[Vec<u8>], got: &Asf, why: &str) {
    let count = got.packets();
    assert!(count > 0 && count <= recorded.len(), "{count} of {} packets: {why}", recorded.len());
    let run = &recorded[recorded.len() - count..];
    for (number, sent) in run.iter().enumerate() {
        assert!(is_padded(sent, got.packet(number)), "packet {number} of {count} differs: {why}");
    }
}

#[test]
fn the_stream_of_vlc_is_one_run_of_what_curl_recorded() {
    let programs = [("vlc", "vlc-bin vlc-plugin-base"), ("setpriv", "util-linux"), ("curl", "curl")];
    if !all_installed(&programs) {
        return;
    }
    let scratch = Scratch::new("vlc-serves");
    for (access, mux, path) in [("mmsh", "asfh", ""), ("http", "asf", "live.asf")] {
        let port = free_port();
        let mut command = vlc(seconds(40), &scratch);
        command.arg(made(SOURCE)).arg("--sout");
        command.arg(format!("#std{{access={access},mux={mux},dst=127.0.0.1:{port}/{path}}}"));
        command.arg("vlc://quit").stderr(fs::File::create(scratch.file("vlc.err")).unwrap());
        let mut server = Running::start(&mut command);
        wait_for(port);
        let url = format!("http://127.0.0.1:{port}/{path}");
        let record = scratch.file(&format!("recorded-{access}"));
        let mut command = bounded(seconds(20), "curl");
        command.args(["-sS", "-A", "NSPlayer/7.1.0.3055", "-H", "Pragma: xPlayStrm=1"]);
        command.args(["-H", "Pragma: stream-switch-count=1", "-H", "Pragma: stream-switch-entry=ffff:1:0"]);
        let mut recorder = Running::start(command.arg("-o").arg(&record).arg(&url));
        thread::sleep(Duration::from_millis(700));
        let output = format!("got-{access}.asf");
        let outcome = get(&scratch, &url, &["-o", &output, "--json"]);
        assert_eq!(outcome.code, 0, "{access}: {outcome}");
        assert_eq!(outcome.json()["transport"], "HTTP");
        drop(recorder.child().wait());
        server.end();
        let got = Asf::dump(&scratch.file(&output)).unwrap();
        let recorded = fs::read(&record).unwrap();
        let packets = if access == "mmsh" {
            unframed(&recorded).1
        } else {
            let whole = Asf::parse(recorded).unwrap();
            (0..whole.packets()).map(|number| whole.packet(number).to_vec()).collect()
        };
        assert_one_run(&packets, &got, &outcome.to_string());
    }
}

#[test]
fn the_stream_of_ffmpeg_is_what_curl_gets_of_another_run() {
    if !all_installed(&[("ffmpeg", "ffmpeg"), ("curl", "curl")]) {
        return;
    }
    let scratch = Scratch::new("ffmpeg-serves");
    let serve = |port: u16| {
        let mut command = bounded(seconds(40), "ffmpeg");
        command.args(["-nostdin", "-v", "error", "-re", "-i"]).arg(made(SOURCE));
        command.args(["-c", "copy", "-f", "asf_stream", "-listen", "1"]);
        command.arg(format!("http://127.0.0.1:{port}/live.asf"));
        Running::start(command.stderr(fs::File::create(scratch.file("ffmpeg.err")).unwrap()))
    };
    // it takes one client once, so its port cannot be tried: a refusal is met by trying again
    let (first, second) = (free_port(), free_port());
    let _servers = [serve(first), serve(second)];
    let deadline = Instant::now() + seconds(20);
    let url = format!("http://127.0.0.1:{first}/live.asf");
    let outcome = loop {
        let outcome = get(&scratch, &url, &["-o", "got.asf", "-q"]);
        if outcome.code != 3 || Instant::now() > deadline {
            break outcome;
        }
        thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(outcome.code, 0, "{outcome}");
    let mut command = bounded(seconds(20), "curl");
    command.args(["-sS", "-o"]).arg(scratch.file("recorded"));
    let run = Run::complete(command.arg(format!("http://127.0.0.1:{second}/live.asf")), &scratch, "curl");
    let (header, packets) = unframed(&fs::read(scratch.file("recorded")).unwrap());
    let got = Asf::dump(&scratch.file("got.asf")).unwrap();
    assert!(header.len() == got.head().len() && got.packets() == packets.len(), "{run}");
    assert_one_run(&packets, &got, &run.to_string());
}

// ---- web servers

fn nginx(port: u16, scratch: &Scratch, root: &Path) -> Running {
    let d = scratch.path().display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {d}/{name};\n"))
        .collect();
    let text = format!(
        "daemon off; master_process off; pid {d}/pid; error_log {d}/err;\nevents {{}}\nhttp {{ access_log off;\n\
         types {{ video/x-ms-wmv wmv; audio/x-ms-wma wma; video/x-ms-asf asf asx; }}\n{temporary}\
         server {{ listen 127.0.0.1:{port}; root {}; }} }}\n",
        root.display()
    );
    fs::write(scratch.file("conf"), text).unwrap();
    let mut command = bounded(seconds(60), "nginx");
    command.arg("-p").arg(scratch.path()).arg("-c").arg(scratch.file("conf"));
    let server = Running::start(&mut command);
    wait_for(port);
    server
}

fn python(port: u16, root: &Path) -> Running {
    let mut command = bounded(seconds(60), "python3");
    command.args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1", "--directory"]).arg(root);
    let null = || std::process::Stdio::null();
    let server = Running::start(command.stdout(null()).stderr(null()));
    wait_for(port);
    server
}

fn assert_equal_files(scratch: &Scratch, port: u16) {
    for name in FILES {
        let outcome = get(scratch, &format!("http://127.0.0.1:{port}/{name}"), &["--json", "--force"]);
        assert_eq!(outcome.code, 0, "{outcome}");
        let json = outcome.json();
        assert_eq!((&json["plain_file"], &json["complete"]), (&true.into(), &true.into()), "{json}");
        let (sent, got) = (fs::read(made(name)).unwrap(), fs::read(scratch.file(name)).unwrap());
        assert!(sent == got, "{name} differs");
    }
    let outcome = get(scratch, &format!("http://127.0.0.1:{port}/missing.wmv"), &["-q"]);
    assert!(outcome.code == 4 && outcome.stderr.contains("404"), "{outcome}");
    let outcome = mms(&["info", &format!("http://127.0.0.1:{port}/{SOURCE}")]).run();
    assert!(outcome.code == 0 && outcome.stdout.contains("transport  HTTP"), "{outcome}");
}

#[test]
fn files_of_nginx_come_as_they_are() {
    if !all_installed(&[("nginx", "nginx-light")]) {
        return;
    }
    let (scratch, port) = (Scratch::new("nginx"), free_port());
    let _server = nginx(port, &scratch, made("x").parent().unwrap());
    assert_equal_files(&scratch, port);
}

#[test]
fn files_of_pythons_server_come_as_they_are() {
    if !all_installed(&[("python3", "python3")]) {
        return;
    }
    let (scratch, port) = (Scratch::new("python"), free_port());
    let _server = python(port, made("x").parent().unwrap());
    assert_equal_files(&scratch, port);
    let outcome = get(&scratch, &format!("http://127.0.0.1:{port}/"), &["-o", "page.asf"]);
    assert!(outcome.code == 4 && outcome.stderr.contains("sent a page"), "{outcome}");
    let outcome = get(&scratch, &format!("http://127.0.0.1:{port}/facts.json"), &[]);
    assert!(outcome.code == 4 && outcome.stderr.contains("neither ASF nor a metafile"), "{outcome}");
    assert!(!scratch.file("page.asf").exists() && !scratch.file("facts.json").exists());
    let url = format!("http://127.0.0.1:{port}/{SOURCE}");
    let outcome = get(&scratch, &url, &["--start", "2", "-o", "part.wmv"]);
    assert!(outcome.code == 4 && outcome.stderr.contains("--start"), "{outcome}");
    let outcome = get(&scratch, &url, &["--streams", "1", "-o", "part.wmv"]);
    assert!(outcome.code == 4 && outcome.stderr.contains("--streams"), "{outcome}");
}

#[test]
fn metafiles_of_a_web_server_are_followed_and_local_names_in_them_are_not() {
    if !all_installed(&[("python3", "python3")]) {
        return;
    }
    let (scratch, root, port) = (Scratch::new("metafiles"), Scratch::new("web"), free_port());
    for name in FILES {
        fs::copy(made(name), root.file(name)).unwrap();
    }
    let [sound, pictures, _] = FILES;
    let write = |name: &str, text: String| fs::write(root.file(name), text).unwrap();
    write(
        "list.asx",
        format!(
            "<asx version=\"3.0\"><entry><ref href=\"file:///etc/passwd\"/><ref href=\"{sound}\"/></entry>\
             <entryref href=\"more.wax\"/></asx>"
        ),
    );
    write("more.wax", format!("[Reference]\r\nRef1=http://127.0.0.1:{port}/{pictures}\r\n"));
    write("loop.asx", "<asx version=\"3.0\"><entryref href=\"loop.asx\"/></asx>".to_owned());
    for depth in 0..8 {
        write(
            &format!("{depth}.asx"),
            format!("<asx version=\"3.0\"><entryref href=\"{}.asx\"/></asx>", depth + 1),
        );
    }
    let _server = python(port, root.path());
    let url = |name: &str| format!("http://127.0.0.1:{port}/{name}");
    let outcome = get(&scratch, &url("list.asx"), &[]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(outcome.stderr.contains("skipped file:///etc/passwd"), "{outcome}");
    for name in [sound, pictures] {
        assert!(fs::read(root.file(name)).unwrap() == fs::read(scratch.file(name)).unwrap(), "{name}");
    }
    assert!(!scratch.file("list.asx").exists());
    let outcome = get(&scratch, &url("more.wax"), &["-o", "one.wmv", "--json"]);
    assert_eq!((outcome.code, &outcome.json()["complete"]), (0, &true.into()), "{outcome}");
    assert_eq!(outcome.json()["metafile"], url("more.wax"));
    for (name, said) in [("loop.asx", "refers to itself"), ("0.asx", "too deeply")] {
        let outcome = get(&scratch, &url(name), &[]);
        assert!(outcome.code == 4 && outcome.stderr.contains(said), "{outcome}");
    }
    let outcome = mms(&["info", &url("list.asx")]).run();
    assert!(outcome.code == 0 && outcome.stdout.contains("entry 1"), "{outcome}");
}

// ---- our own server

#[test]
fn every_file_comes_over_http_packet_for_packet() {
    let files = whole_files();
    let server = Server::start_with(&["--pace", "off"], &files);
    let scratch = Scratch::new("every-file");
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        for scheme in ["mmsh", "http"] {
            let got = format!("{scheme}-{name}");
            let url = format!("{scheme}://127.0.0.1:{}/{name}", server.port());
            let outcome = get(&scratch, &url, &["-q", "-o", &got]);
            assert_eq!(outcome.code, 0, "{outcome}");
            assert_fetched(&file, &scratch.file(&got));
        }
    }
}

#[test]
fn seeks_and_choices_reach_our_server_over_http() {
    let server = Server::start("off", &["seek-125s.wmv"]);
    let scratch = Scratch::new("http-part");
    let url = format!("mmsh://127.0.0.1:{}/seek-125s.wmv", server.port());
    let outcome = get(&scratch, &url, &["--start", "60", "--duration", "5", "-o", "part.wmv", "--json"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    let seconds = outcome.json()["media_seconds"].as_f64().unwrap();
    assert!((4.0..11.0).contains(&seconds), "{seconds}");
    let outcome = get(&scratch, &url, &["--streams", "9", "-o", "x.wmv"]);
    assert!(outcome.code == 2 && outcome.stderr.contains("there is no stream 9"), "{outcome}");
}

// ---- scripted peers

/// A door through which each connection passes to a port, or does not; it keeps the first lines.
fn door(
    target: u16,
    passes: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (seen, passes) = (Arc::new(Mutex::new(Vec::new())), Arc::new(passes));
    let lines = Arc::clone(&seen);
    thread::spawn(move || {
        for inside in listener.incoming().flatten() {
            let (lines, passes) = (Arc::clone(&lines), Arc::clone(&passes));
            thread::spawn(move || pass(inside, target, &lines, &*passes));
        }
    });
    (port, seen)
}

fn pass(
    mut inside: TcpStream,
    target: u16,
    lines: &Mutex<Vec<String>>,
    passes: &dyn Fn(&[u8]) -> bool,
) -> io::Result<()> {
    let mut head = vec![0; 8192];
    let count = inside.read(&mut head)?;
    head.truncate(count);
    if !passes(&head) {
        return inside.shutdown(Shutdown::Both);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    lines.lock().unwrap().push(text.lines().next().unwrap_or_default().to_owned());
    // what a proxy does to the first line
    let head = match text.strip_prefix("GET http://") {
        Some(rest) => format!("GET {}", &rest[rest.find('/').unwrap()..]).into_bytes(),
        None => head,
    };
    let mut outside = TcpStream::connect(("127.0.0.1", target))?;
    outside.write_all(&head)?;
    let (mut reader, mut writer) = (inside.try_clone()?, outside.try_clone()?);
    thread::spawn(move || io::copy(&mut reader, &mut writer));
    io::copy(&mut outside, &mut inside)?;
    inside.shutdown(Shutdown::Both)
}

#[test]
fn mms_rolls_over_to_http_and_says_what_it_tried() {
    let server = Server::start("off", &[SOURCE]);
    let scratch = Scratch::new("rollover");
    let (port, _) = door(server.port(), |head| head.starts_with(b"GET") || head.starts_with(b"POST"));
    let url = format!("mms://127.0.0.1:{port}/{SOURCE}");
    let outcome = get(&scratch, &url, &["--json"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_fetched(&made(SOURCE), &scratch.file(SOURCE));
    assert!(outcome.stderr.contains("MMS/UDP: ") && outcome.stderr.contains("; trying HTTP"), "{outcome}");
    assert!(outcome.stderr.contains(" over HTTP"), "{outcome}");
    let json = outcome.json();
    assert_eq!(json["transport"], "HTTP");
    let told: Vec<(&str, &str)> = json["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| (attempt["transport"].as_str().unwrap(), attempt["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("MMS/UDP", "failed"), ("MMS/TCP", "skipped"), ("HTTP", "used")]);
    assert_eq!(json["attempts"][0]["port"], port);
    assert_eq!(json["network"]["received"], json["packets_received"]);
    // the order of the command line, at a server that speaks all of them
    for (order, used) in [("tcp,http", "MMS/TCP"), ("http", "HTTP"), ("udp", "MMS/UDP")] {
        let url = format!("mms://127.0.0.1:{}/{SOURCE}", server.port());
        let outcome = get(&scratch, &url, &["--transport", order, "--json", "--force"]);
        assert_eq!((outcome.code, &outcome.json()["transport"]), (0, &used.into()), "{outcome}");
    }
    let outcome = get(&scratch, &url, &["--transport", "tcp", "--force"]);
    assert_eq!(outcome.code, 3, "{outcome}");
    let outcome = get(&scratch, &url.replace("mms:", "mmsh:"), &["--transport", "tcp"]);
    assert!(outcome.code == 2 && outcome.stderr.contains("mms:// only"), "{outcome}");
    let outcome = get(&scratch, &format!("mms://127.0.0.1:{}/x", free_port()), &["-o", "x"]);
    assert!(outcome.code == 3 && outcome.stderr.contains("HTTP: connection failed"), "{outcome}");
    assert!(outcome.stderr.matches("refused").count() >= 2, "what the system says: {outcome}");
}

#[test]
fn a_proxy_of_the_environment_is_used_but_for_exceptions() {
    let server = Server::start("off", &[SOURCE]);
    let scratch = Scratch::new("proxy");
    let (port, seen) = door(server.port(), |_| true);
    let proxy = format!("http://127.0.0.1:{port}");
    let fetch = |url: &str, except: &str| {
        let command = mms(&["get", url, "-q", "--force", "-o", "got.wmv"]).current_dir(scratch.path());
        command.env("http_proxy", &proxy).env("no_proxy", except).run()
    };
    let outcome = fetch(&format!("mmsh://nowhere.invalid:81/{SOURCE}"), "");
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_fetched(&made(SOURCE), &scratch.file("got.wmv"));
    assert_eq!(seen.lock().unwrap()[0], format!("GET http://nowhere.invalid:81/{SOURCE} HTTP/1.0"));
    let count = seen.lock().unwrap().len();
    let url = format!("http://127.0.0.1:{}/{SOURCE}", server.port());
    assert_eq!(fetch(&url, "localhost,127.0.0.1").code, 0);
    assert_eq!(fetch(&url.replace("http", "mmst"), "").code, 0, "MMS knows no proxy");
    assert_eq!(seen.lock().unwrap().len(), count, "the proxy was not used");
    let outcome = mms(&["get", &url]).env("http_proxy", "socks5://127.0.0.1:1").run();
    assert!(outcome.code == 2 && outcome.stderr.contains("http_proxy"), "{outcome}");
    let outcome =
        mms(&["get", "http://nowhere.invalid/a"]).env("http_proxy", "http://me:secret@127.0.0.1:9").run();
    assert!(outcome.code == 3 && outcome.stderr.contains("no connection to 127.0.0.1:9: "), "{outcome}");
    assert!(
        outcome.stderr.contains("the proxy of http_proxy") && !outcome.stderr.contains("secret"),
        "{outcome}"
    );
}

/// A server of MMS that sends everybody to HTTP.
fn sends_to(location: &'static str) -> u16 {
    use mms_core::hresult::Hresult;
    use mms_core::mmsp::wire::{MMS_DISABLE_PACKET_PAIR, Message, RedirectType, ReportRedirect};
    use mms_testkit::{script::command, talk};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let redirect_type = RedirectType::URL;
        let location = mms_core::text::Text::Str(location);
        let answers = [
            talk::connected("9.01.01.3841", None),
            talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]),
            talk::connected_funnel(),
            Message::ReportRedirect(ReportRedirect { hr: Hresult::S_OK, redirect_type, location }),
        ];
        for mut stream in listener.incoming().flatten() {
            for (number, answer) in (0..).zip(&answers) {
                // each request comes alone
                if stream.read(&mut [0; 4096]).is_ok() {
                    drop(stream.write_all(&command(number, answer)));
                }
            }
        }
    });
    port
}

#[test]
fn a_redirect_from_mms_to_http_goes_through_the_proxy() {
    let server = Server::start("off", &[SOURCE]);
    let scratch = Scratch::new("redirect-proxy");
    let (port, seen) = door(server.port(), |_| true);
    let url = format!("mmst://127.0.0.1:{}/x", sends_to("http://nowhere.invalid:81/av-wmv2-wmav2.wmv"));
    let fetch = || mms(&["get", &url, "--force", "-o", "got.wmv"]).current_dir(scratch.path());
    let outcome = fetch().env("http_proxy", &format!("http://me:secret@127.0.0.1:{port}")).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_fetched(&made(SOURCE), &scratch.file("got.wmv"));
    assert_eq!(seen.lock().unwrap()[0], format!("GET http://nowhere.invalid:81/{SOURCE} HTTP/1.0"));
    let outcome = fetch().env("http_proxy", "http://me:%ff@x").run();
    assert!(outcome.code == 3 && outcome.stderr.contains("warning: http_proxy"), "{outcome}");
}

#[test]
fn a_proxy_that_wants_another_user_is_told_apart_from_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            drop(stream.read(&mut [0; 8192]));
            drop(stream.write_all(b"HTTP/1.0 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"));
        }
    });
    let outcome = mms(&["get", "http://nowhere.invalid/x", "-o", "-", "-q"])
        .env("http_proxy", &format!("http://me:secret@127.0.0.1:{port}"))
        .run();
    assert!(outcome.code == 4 && outcome.stderr.contains("proxy requires authentication"), "{outcome}");
    assert!(outcome.stderr.contains("http_proxy=") && !outcome.stderr.contains("secret"), "{outcome}");
}

#[test]
fn credentials_of_the_url_are_given_to_who_asks_and_shown_to_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = vec![0; 8192];
            let count = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..count]);
            let asx = "<asx version=\"3\"><entry><ref href=\"film.wmv\"/></entry></asx>";
            // "me:p@ss"
            let answer = if head.contains("/list.asx") {
                format!("HTTP/1.0 200 OK\r\nContent-Type: video/x-ms-asf\r\n\r\n{asx}").into_bytes()
            } else if head.contains("Basic bWU6cEBzcw==") {
                [&b"HTTP/1.0 200 OK\r\n\r\n"[..], &fs::read(made(SOURCE)).unwrap()].concat()
            } else {
                b"HTTP/1.0 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n".to_vec()
            };
            drop(stream.write_all(&answer));
        }
    });
    let scratch = Scratch::new("credentials");
    let outcome = get(&scratch, &format!("http://me:p%40ss@127.0.0.1:{port}/{SOURCE}"), &["--json"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(!outcome.stdout.contains("p%40ss") && !outcome.stderr.contains("ss@"), "{outcome}");
    let told = mms(&["info", "--json", &format!("http://me:p%40ss@127.0.0.1:{port}/list.asx")]).run();
    assert!(told.code == 0 && told.stdout.contains("/film.wmv"), "{told}");
    assert!(!told.stdout.contains("p%40ss"), "{told}");
    for (user, said) in [("", "USER:PASSWORD"), ("me:wrong@", "does not take this user name")] {
        let outcome = get(&scratch, &format!("http://{user}127.0.0.1:{port}/{SOURCE}"), &["--force"]);
        assert!(outcome.code == 4 && outcome.stderr.contains(said), "{outcome}");
    }
}

/// A server that redirects elsewhere, to itself, and to what is not spoken.
#[test]
fn redirects_are_followed_and_end() {
    let server = Server::start("off", &[SOURCE]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = server.port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = vec![0; 8192];
            let count = stream.read(&mut head).unwrap_or(0);
            let text = String::from_utf8_lossy(&head[..count]).into_owned();
            let location = match text.split(' ').nth(1) {
                Some("/http") => format!("http://127.0.0.1:{target}/{SOURCE}"),
                Some("/mms") => format!("mmst://127.0.0.1:{target}/{SOURCE}"),
                Some("/tls") => "https://127.0.0.1/x".to_owned(),
                _ => "/again".to_owned(),
            };
            drop(stream.write_all(format!("HTTP/1.0 302 Found\r\nLocation: {location}\r\n\r\n").as_bytes()));
        }
    });
    let scratch = Scratch::new("redirects");
    for name in ["http", "mms"] {
        let outcome = get(&scratch, &format!("http://127.0.0.1:{port}/{name}"), &["-q", "-o", name]);
        assert_eq!(outcome.code, 0, "{outcome}");
        assert_fetched(&made(SOURCE), &scratch.file(name));
    }
    let outcome = get(&scratch, &format!("http://127.0.0.1:{port}/tls"), &["-q"]);
    assert!(outcome.code == 4 && outcome.stderr.contains("https"), "{outcome}");
    let outcome = get(&scratch, &format!("http://127.0.0.1:{port}/loop"), &["-q"]);
    assert!(outcome.code == 6 && outcome.stderr.contains("6 redirects"), "{outcome}");
    let outcome = get(&scratch, "https://127.0.0.1/x", &[]);
    assert!(outcome.code == 2 && outcome.stderr.contains("there is no TLS here"), "{outcome}");
}
