//! Metafiles on this machine: explained by `mms info`, followed by `mms get`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "the interoperability tests use the rest")]
mod support;
mod tool {
    #[allow(dead_code, reason = "other tests use the rest")]
    pub(super) mod asf;
    #[allow(dead_code, reason = "other tests use the rest")]
    pub(super) mod program;
}

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::asf::Asf;
use support::process::Scratch;
use support::server::{Server, made};
use tool::asf::{assert_fetched, source};
use tool::program::{Outcome, mms};

const SOUND: &str = "audio-wmav2.wma";
const PICTURES: &str = "av-wmv2-wmav2.wmv";
const LONG: &str = "seek-125s.wmv";

fn write(scratch: &Scratch, name: &str, text: &str) -> PathBuf {
    let path = scratch.file(name);
    fs::write(&path, text).unwrap();
    path
}

fn asx(scratch: &Scratch, name: &str, entries: &[&str]) -> PathBuf {
    write(scratch, name, &format!("<ASX VERSION=\"3.0\">\n{}\n</ASX>", entries.join("\n")))
}

fn entry(url: &str) -> String {
    format!("<ENTRY><REF HREF=\"{url}\"/></ENTRY>")
}

fn get(scratch: &Scratch, metafile: &Path, options: &[&str]) -> Outcome {
    mms(&["get"]).arg(metafile).args(options).current_dir(scratch.path()).run()
}

fn info(path: &Path) -> Value {
    let outcome = mms(&["info", "--json"]).arg(path).run();
    assert_eq!(outcome.code, 0, "{outcome}");
    outcome.json()
}

// ---- get

#[test]
fn alternatives_are_tried_in_order_and_what_is_not_spoken_is_named() {
    let server = Server::start("off", &[SOUND]);
    let scratch = Scratch::new("alternatives");
    let nobody = "mmst://127.0.0.1:9/audio-wmav2.wma";
    let refs = [
        "rtsp://127.0.0.1/a.wma",
        "https://127.0.0.1/a.wma",
        nobody,
        &server.url(SOUND),
        "mms://127.0.0.1:9/x",
    ];
    let refs: String = refs.iter().map(|url| format!("<REF HREF=\"{url}\"/>")).collect();
    let list = asx(&scratch, "a.asx", &[&format!("<ENTRY>{refs}</ENTRY>")]);
    let outcome = get(&scratch, &list, &[]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_fetched(&made(SOUND), &scratch.file(SOUND));
    for said in [
        "skipped rtsp://127.0.0.1/a.wma: rtsp:// is not spoken yet",
        "skipped https://127.0.0.1/a.wma: https:// is not spoken yet",
        "warning: no connection to 127.0.0.1:9: Connection refused",
        "; trying the next alternative",
    ] {
        assert!(outcome.stderr.contains(said), "{said}: {outcome}");
    }
    assert!(!outcome.stderr.contains("127.0.0.1:9/x"), "{outcome}");
}

#[test]
fn each_entry_gets_a_file_and_with_an_output_only_the_first() {
    let server = Server::start("off", &[SOUND, PICTURES]);
    let scratch = Scratch::new("entries");
    let urls = [server.url(SOUND), server.url(PICTURES), server.url(SOUND)];
    let entries: Vec<String> = urls.iter().map(|url| entry(url)).collect();
    let list = asx(&scratch, "a.asx", &entries.iter().map(String::as_str).collect::<Vec<_>>());
    let outcome = get(&scratch, &list, &["--json"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_fetched(&made(SOUND), &scratch.file(SOUND));
    assert_fetched(&made(PICTURES), &scratch.file(PICTURES));
    assert_fetched(&made(SOUND), &scratch.file("audio-wmav2-2.wma"));
    let json = outcome.json();
    assert_eq!((&json["complete"], json["streams"].as_array().unwrap().len()), (&true.into(), 3));
    assert!(outcome.stderr.contains("entry 2 of 3"), "{outcome}");

    let outcome = get(&scratch, &list, &["-o", "only.wma"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_fetched(&made(SOUND), &scratch.file("only.wma"));
    assert!(outcome.stderr.contains("only the first entry goes to -o"), "{outcome}");
    // they exist now
    let outcome = get(&scratch, &list, &[]);
    assert_eq!(outcome.code, 1, "{outcome}");
}

#[test]
fn times_of_an_entry_are_honoured_unless_the_command_line_has_others() {
    let server = Server::start("off", &[LONG]);
    let scratch = Scratch::new("times");
    let times = "<STARTTIME VALUE=\"1:00\"/><DURATION VALUE=\"0:05\"/>";
    let one = format!("<ENTRY><REF HREF=\"{}\"/>{times}</ENTRY>", server.url(LONG));
    let list = asx(&scratch, "a.asx", &[&one]);
    let whole = source(&made(LONG));
    let first_send_time = |name: &str| {
        let part = Asf::dump(&scratch.file(name)).unwrap();
        assert!(part.packets() > 0 && part.packets() < whole.packets() / 10, "{} packets", part.packets());
        part.send_time(0)
    };
    assert_eq!(get(&scratch, &list, &["-o", "a.wmv"]).code, 0);
    assert!((54_000..=60_000).contains(&first_send_time("a.wmv")));
    assert_eq!(get(&scratch, &list, &["-o", "b.wmv", "--start", "1:40"]).code, 0);
    assert!((94_000..=100_000).contains(&first_send_time("b.wmv")));
    let nothing = format!("<ENTRY><REF HREF=\"{}\"/><DURATION VALUE=\"0\"/></ENTRY>", server.url(LONG));
    let outcome = get(&scratch, &asx(&scratch, "n.asx", &[&nothing]), &["-o", "n.wmv"]);
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stderr.contains("its duration is 0"), "{outcome}");
}

#[test]
fn metafiles_that_refer_to_metafiles_are_followed_so_deep_and_no_deeper() {
    let server = Server::start("off", &[SOUND]);
    let scratch = Scratch::new("nested");
    asx(&scratch, "6.asx", &[&entry(&server.url(SOUND))]);
    for number in 0..6 {
        asx(&scratch, &format!("{number}.asx"), &[&format!("<ENTRYREF HREF=\"{}.asx\"/>", number + 1)]);
    }
    let outcome = get(&scratch, &scratch.file("1.asx"), &["-o", "deep.wma"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_fetched(&made(SOUND), &scratch.file("deep.wma"));
    let outcome = get(&scratch, &scratch.file("0.asx"), &["-o", "deeper.wma"]);
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.stderr.contains("too deeply"), "{outcome}");
    let outcome = get(&scratch, &asx(&scratch, "loop.asx", &["<ENTRYREF HREF=\"loop.asx\"/>"]), &[]);
    assert!(outcome.code == 2 && outcome.stderr.contains("refers to itself"), "{outcome}");
    let wide = vec!["<ENTRYREF HREF=\"6.asx\"/>"; 40].join("");
    let outcome = get(&scratch, &asx(&scratch, "wide.asx", &[&wide]), &["-q", "--json"]);
    assert_eq!(outcome.code, 2, "{outcome}");
    assert_eq!(outcome.json()["streams"].as_array().unwrap().len(), 15);
    assert_eq!(outcome.json()["skipped"][0]["reason"], "too many metafiles");
}

#[test]
fn lines_of_references_are_alternatives_and_lists_of_urls_are_entries() {
    let server = Server::start("off", &[SOUND, PICTURES]);
    let scratch = Scratch::new("lines");
    let text =
        format!("[Reference]\r\nRef1=http://127.0.0.1:9/x?MSWMExt=.asf\r\nRef2={}\r\n", server.url(SOUND));
    let outcome = get(&scratch, &write(&scratch, "a.asx", &text), &[]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(outcome.stderr.contains("no connection to 127.0.0.1:9: Connection refused"), "{outcome}");
    assert_fetched(&made(SOUND), &scratch.file(SOUND));
    let text = format!("{}\n{}\n", server.url(SOUND), server.url(PICTURES));
    let outcome = get(&scratch, &write(&scratch, "b.txt", &text), &["--force"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_fetched(&made(PICTURES), &scratch.file(PICTURES));
}

#[test]
fn a_failed_entry_does_not_keep_the_others_from_coming() {
    let server = Server::start("off", &[SOUND]);
    let scratch = Scratch::new("failed");
    let entries = [entry(&server.url("nothing.wma")), entry(&server.url(SOUND))];
    let list = asx(&scratch, "a.asx", &[&entries[0], &entries[1]]);
    let outcome = get(&scratch, &list, &["--json"]);
    assert_eq!(outcome.code, 4, "{outcome}");
    assert_fetched(&made(SOUND), &scratch.file(SOUND));
    let json = outcome.json();
    assert_eq!((&json["complete"], &json["streams"][0]["error_kind"]), (&false.into(), &"refused".into()));
}

#[test]
fn files_that_are_no_metafiles_are_refused_with_the_reason() {
    let scratch = Scratch::new("refused");
    for (name, text, reason) in [
        ("a.nsc", "[Address]\r\nName=x\r\n", "announces a multicast"),
        ("a.html", "<html><body>Not found</body></html>", "it is no metafile"),
        ("empty.asx", "<ASX VERSION=\"3.0\"></ASX>", "names nothing to fetch"),
    ] {
        let outcome = get(&scratch, &write(&scratch, name, text), &[]);
        assert!(outcome.code == 2 && outcome.stderr.contains(reason), "{name}: {outcome}");
    }
    let outcome = get(&scratch, &made(SOUND), &[]);
    assert!(outcome.code == 2 && outcome.stderr.contains("a file on this machine"), "{outcome}");
}

// ---- info

#[test]
fn info_tells_entries_references_times_and_the_first_fault() {
    let scratch = Scratch::new("info");
    let text = "<ASX VERSION=\"3.0\">\n<TITLE>All</TITLE>\n<ENTRY CLIENTSKIP=\"NO\"><TITLE>One &amp; only</TITLE>\n\
                <REF HREF=\"mms://h/a.wmv\"/><REF HREF=\"rtsp://h/a.wmv\"/>\n<STARTTIME VALUE=\"0:10.5\"/>\
                <PARAM NAME=\"x\" VALUE=\"y\"/></ENTRY>\n  <BOGUS/>\n<ENTRYREF HREF=\"http://h/b.asx\"/>\n</ASX>";
    let path = write(&scratch, "a.asx", text);
    let json = info(&path);
    assert_eq!((&json["metafile"], &json["title"]), (&json!("asx"), &json!("All")));
    let entries = json["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["title"], "One & only");
    assert_eq!(entries[0]["client_skip"], false);
    assert_eq!(entries[0]["params"], json!([{ "name": "x", "value": "y" }]));
    let references = entries[0]["references"].as_array().unwrap();
    assert_eq!(references[0]["url"], "mms://h/a.wmv");
    assert_eq!((&references[0]["start_seconds"], &references[0]["skipped"]), (&json!(10.5), &Value::Null));
    assert_eq!(references[1]["skipped"], "rtsp:// is not spoken yet");
    assert_eq!(entries[1]["references"][0]["is_metafile"], true);
    let fault = &json["strict"]["fault"];
    assert_eq!((&fault["code"], &fault["line"], &fault["column"]), (&json!(3004), &json!(6), &json!(3)));
    let text = mms(&["info"]).arg(&path).run().stdout;
    assert!(text.contains("line 6, column 3: element that ASX does not have (code 3004)"), "{text}");
    assert!(text.contains("mms://h/a.wmv, from 0:10.500\n"), "{text}");
    assert!(mms(&["info", "--packets"]).arg(&path).run().code == 2);
}

#[test]
fn info_tells_announcements_and_lists() {
    let scratch = Scratch::new("announcement");
    let path = write(
        &scratch,
        "a.nsc",
        "[Address]\r\nName=Radio\r\nIP Port=0x0000206C\r\n[Formats]\r\nFormat1=02x\r\n",
    );
    let json = info(&path);
    assert_eq!(
        json["fields"],
        json!([{ "name": "Name", "value": "Radio" }, { "name": "IP Port", "value": "8300" }])
    );
    assert!(json["formats"][0]["problem"].is_string());
    let json = info(&write(&scratch, "a.asx", "ASF http://h/a.asf\r\n"));
    assert_eq!((&json["metafile"], &json["strict"]), (&json!("one_line"), &Value::Null));
    assert_eq!(json["entries"][0]["references"][0]["url"], "http://h/a.asf");
}

/// Files whose root element no reader finds.
const UNKNOWN: [&str; 1] = ["moon-asx-whitespace.asx"];

#[test]
fn info_gives_real_files_the_code_that_silverlight_gave() {
    let Some(shared) = std::env::var_os("MMS_SHARED") else {
        support::peer::missing("MMS_SHARED is not set");
        return;
    };
    let folder = PathBuf::from(shared).join("testdata/real/asx");
    let records = fs::read_to_string(folder.join("silverlight-expected.jsonl")).unwrap();
    let mut codes = 0;
    for record in records.lines() {
        let record: Value = serde_json::from_str(record).unwrap();
        let name = record["file"].as_str().unwrap();
        if UNKNOWN.contains(&name) {
            assert_eq!(mms(&["info"]).arg(folder.join(name)).run().code, 1, "{name}");
            continue;
        }
        let json = info(&folder.join(name));
        let code = record["results"].as_array().unwrap().iter().find_map(|result| result["code"].as_u64());
        // 4001 and 2210 were about the network, or cannot be told from it
        if let Some(code) = code.filter(|code| (3000..8000).contains(code) && *code != 4001) {
            assert_eq!(json["strict"]["fault"]["code"], code, "{name}: {json}");
            codes += 1;
        }
    }
    assert_eq!(codes, 52);
}
