//! The rows of the list of hostile input that concern playlists, each named by its id.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use core::time::Duration;
use std::collections::BTreeMap;
use std::time::Instant;

use mms_core::error::{DecodeError, Reason};
use mms_core::metafile::*;

const BASE: Base<'static> = Base::Url("http://server/list.asx");

/// The first reference of a text, resolved.
fn first(text: &str) -> Result<String, Unresolved> {
    let metafile = Metafile::parse(text, Mode::Lenient).unwrap();
    let found = metafile.candidates().next().unwrap();
    let mut out = [0; URL_LIMIT];
    match resolve(BASE, found.href, &mut out)? {
        Target::Url(url) => Ok(url.to_owned()),
        other => panic!("{other:?}"),
    }
}

fn asx(body: &str) -> String {
    format!("<ASX version=\"3.0\">{body}</ASX>")
}

fn entry(href: &str) -> String {
    asx(&format!("<ENTRY><REF HREF=\"{href}\"/></ENTRY>"))
}

/// All the candidates as written.
fn places(text: &str) -> Vec<String> {
    let metafile = Metafile::parse(text, Mode::Lenient).unwrap();
    metafile.candidates().map(|found| found.href.url().collect()).collect()
}

fn strict(text: &str) -> Result<(), Reason> {
    Asx::parse(text, Mode::Strict).map(|_| ()).map_err(|fault| fault.reason)
}

#[test]
fn x1_one_very_long_attribute_is_read_and_not_followed() {
    let long = "A".repeat(68 * 1024);
    for text in [
        asx(&format!("<ENTRY {long}=\"x\"><REF HREF=\"mms://h/x\"/></ENTRY>")),
        asx(&format!("<ENTRY x=\"{long}\"><REF {long} HREF=\"mms://h/x\"/></ENTRY>")),
        asx(&format!("<{long}/><ENTRY><TITLE>{long}</TITLE><REF HREF=\"mms://h/x\"/></ENTRY>")),
    ] {
        assert_eq!(first(&text).as_deref(), Ok("mms://h/x"));
    }
    assert_eq!(first(&entry(&long)), Err(Unresolved::TooLong));
    let title = asx(&format!("<TITLE>{long}</TITLE>"));
    let title = Asx::parse(&title, Mode::Strict).unwrap().details().title().unwrap();
    assert_eq!(title.to_string().len(), TEXT_LIMIT);
    let huge = entry(&"A".repeat(BYTES_LIMIT));
    let limit = DecodeError::new(Reason::MetafileBytes, BYTES_LIMIT);
    for mode in [Mode::Lenient, Mode::Strict] {
        assert_eq!(Metafile::parse(&huge, mode).unwrap_err(), limit);
        assert_eq!(Asx::parse(&huge, mode).unwrap_err(), limit);
    }
}

#[test]
fn x2_a_url_with_a_very_long_host_is_not_followed() {
    for len in [256, 1024, 3000] {
        let host = "h".repeat(len);
        assert_eq!(first(&entry(&format!("mms://{host}/x"))), Err(Unresolved::Host));
        assert_eq!(first(&entry(&format!("//{host}:80/x"))), Err(Unresolved::Host));
        assert_eq!(first(&format!("[Reference]\nRef1=http://{host}/x")), Err(Unresolved::Host));
    }
    assert_eq!(first(&entry(&format!("mms://{}/x", "h".repeat(5000)))), Err(Unresolved::TooLong));
}

/// Follows metafiles as a client does, every place of every file; returns how many it fetched.
fn follow(net: &BTreeMap<String, String>, url: &str, trail: &mut Trail) -> usize {
    if trail.enter(url).is_err() {
        return 0;
    }
    let mut fetched = 1;
    if let Some(text) = net.get(url)
        && let Ok(metafile) = Metafile::parse(text, Mode::Lenient)
    {
        for found in metafile.candidates() {
            let mut out = [0; URL_LIMIT];
            if let Ok(Target::Url(next)) = resolve(Base::Url(url), found.href, &mut out)
                && net.contains_key(next)
            {
                fetched += follow(net, next, trail);
            }
        }
    }
    trail.leave();
    fetched
}

#[test]
fn x3_a_playlist_that_refers_to_itself_is_fetched_once() {
    for text in [
        entry("http://h/a.asx"),
        entry("a.asx"),
        entry("./x/../a.asx#1"),
        asx("<ENTRYREF HREF='a.asx'/><ENTRYREF HREF='//h/a.asx'/>"),
        "[Reference]\nRef1=http://h/a.asx\n".to_owned(),
    ] {
        let net = BTreeMap::from([("http://h/a.asx".to_owned(), text)]);
        assert_eq!(follow(&net, "http://h/a.asx", &mut Trail::new()), 1);
    }
    let net = BTreeMap::from([
        ("http://h/a.asx".to_owned(), entry("b.asx")),
        ("http://h/b.asx".to_owned(), entry("a.asx")),
    ]);
    assert_eq!(follow(&net, "http://h/a.asx", &mut Trail::new()), 2);
}

#[test]
fn x4_long_values_of_an_announcement_are_borrowed_and_bounded() {
    let long = "A".repeat(500_000);
    let text = format!("[Address]\r\nName={long}\r\nIP Port=0x{long}\r\nLog URL=02{long}\r\n{long}=1\r\n");
    let announcement = nsc::Nsc::parse(&text[..nsc::BYTES_LIMIT]).unwrap();
    assert_eq!(announcement.field("Name").map(str::len), Some(long.len()));
    assert_eq!(announcement.field("IP Port").and_then(nsc::integer), None);
    assert_eq!(nsc::string(announcement.field("Name").unwrap()).count(), long.len());
    assert_eq!(nsc::Nsc::parse(&text).unwrap_err().reason, Reason::MetafileBytes);
    let many = format!("[Address]\n{}", "Format1=029m0000000006I01f0000\n".repeat(1000));
    assert_eq!(nsc::Nsc::parse(&many).unwrap().formats().count(), 32);
}

#[test]
fn x5_an_odd_or_very_long_protocol_is_not_followed() {
    let long = "a".repeat(4000);
    for scheme in [&long, "javascript", "res", "mk", "vbscript", "data", "ms-its", "mms+x", "unsv"] {
        assert_eq!(first(&entry(&format!("{scheme}://h/x"))), Err(Unresolved::Scheme), "{scheme}");
    }
    for (href, reason) in [
        ("file://h/x", Unresolved::Local),
        ("x://h/x", Unresolved::Local),
        ("mms:h", Unresolved::Host),
        ("mms://", Unresolved::Host),
        ("mms://%x\"", Unresolved::Host),
    ] {
        let text = asx(&format!("<REF HREF='{href}'/>"));
        assert_eq!(first(&text), Err(reason), "{href}");
    }
    // Neither is a scheme, so both are paths.
    assert_eq!(first(&entry("1mms://h/x")).as_deref(), Ok("http://server/1mms://h/x"));
    assert_eq!(first(&entry("://h/x")).as_deref(), Ok("http://server/://h/x"));
}

#[test]
fn x6_long_references_of_every_size_stop_at_the_limit() {
    for len in [1024, 2048, 4096, 5000, 10_000, 65_536, 100_000] {
        let path = "A".repeat(len);
        let fits = "mms://h/".len() + len <= URL_LIMIT;
        for text in [
            entry(&format!("mms://h/{path}")),
            format!("[Reference]\nRef1=mms://h/{path}"),
            format!("ASF mms://h/{path}"),
            format!("[playlist]\nFile1=mms://h/{path}"),
            format!("#EXTM3U\nmms://h/{path}\n"),
            format!("mms://h/{path}"),
        ] {
            assert_eq!(first(&text).map(|url| url.len()).ok(), fits.then_some(len + 8), "{}", &text[..20]);
        }
    }
}

#[test]
fn x7_entities_are_never_expanded() {
    let bomb =
        "<!DOCTYPE ASX [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\"><!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let text = format!("{bomb}{}", asx("<TITLE>&b;&x;&xxe;</TITLE><ENTRY><REF HREF='mms://h/&b;'/></ENTRY>"));
    assert_eq!(strict(&text), Err(Reason::NotMetafile));
    let asx_ = Asx::parse(&text, Mode::Lenient).unwrap();
    assert_eq!(asx_.details().title().unwrap().to_string(), "&b;&x;&xxe;");
    assert_eq!(places(&text), ["mms://h/&b;"]);
    let inside = asx(&format!("{bomb}<ENTRY><REF HREF='mms://h/x'/></ENTRY>"));
    assert_eq!(strict(&inside), Err(Reason::Xml));
    assert_eq!(places(&inside), ["mms://h/x"]);
    assert_eq!(places(&entry("mms://h/?a=1&b=2&amp;c=&amp;lt;&#x26;")), ["mms://h/?a=1&b=2&c=&lt;&"]);
}

#[test]
fn x7_missing_end_tags_are_faults_or_forgiven() {
    for (text, reason) in [
        ("<ASX version='3.0'>", Reason::Xml),
        ("<ASX version='3.0'><ENTRY></ASX>", Reason::Xml),
        ("<ASX version='3.0'></ENTRY></ASX>", Reason::Xml),
        ("<ASX version='3.0'><TITLE>a</ASX>", Reason::Xml),
        ("<ASX version='3.0'><!-- </ASX>", Reason::Xml),
        ("<ASX version='3.0'><TITLE><![CDATA[</TITLE></ASX>", Reason::Xml),
        ("<ASX version='3.0'></ASX", Reason::Xml),
        ("<ASX version='3.0", Reason::Xml),
        ("<ASX version", Reason::Xml),
        ("<ASX version='3.0'/><ASX/>", Reason::Xml),
        ("<ASX version='3.0'/>text", Reason::Xml),
        ("<ASX version=3.0>", Reason::XmlQuote),
        ("<ASX version='3' version='3'/>", Reason::XmlDuplicate),
        ("<", Reason::NotMetafile),
        ("", Reason::NotMetafile),
    ] {
        assert_eq!(strict(text), Err(reason), "{text}");
    }
    let open = "<ASX><TITLE>t<ENTRY><REF HREF='mms://h/1'><REF HREF=mms://h/2><TITLE>u<ENTRY HREF=mms://h/3>\
                <ENTRYREF HREF='4.asx'><REPEAT COUNT=1><ENTRY><REF HREF='mms://h/5'>";
    assert_eq!(places(open), ["mms://h/1", "mms://h/2", "mms://h/3", "4.asx", "mms://h/5", "mms://h/5"]);
    assert_eq!(Asx::parse(open, Mode::Lenient).unwrap().details().title().unwrap().to_string(), "t");
    let event = asx("<EVENT NAME='x'><ENTRY><REF HREF='mms://h/1'/></ENTRY>");
    assert_eq!(places(&event), ["mms://h/1"]);
    let event = asx("<ENTRY><REF HREF='mms://h/0'/><EVENT><ENTRY><REF HREF='mms://h/1'/></ENTRY></EVENT>");
    assert_eq!(places(&event), ["mms://h/0"]);
}

#[test]
fn x7_marks_and_wide_text_are_read() {
    let text = entry("mms://h/é");
    let wide = |order: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        format!("{mark}{text}").encode_utf16().flat_map(order).collect()
    };
    for bytes in [
        format!("\u{FEFF}{text}").into_bytes(),
        wide(u16::to_le_bytes, "\u{FEFF}"),
        wide(u16::to_be_bytes, "\u{FEFF}"),
        wide(u16::to_le_bytes, ""),
        wide(u16::to_be_bytes, ""),
        text.replace('é', "\u{1}").into_bytes().iter().map(|b| if *b == 1 { 0xE9 } else { *b }).collect(),
    ] {
        assert_eq!(sniff(&bytes), Kind::Asx);
        let mut out = vec![0; text_len(&bytes)];
        assert_eq!(places(to_text(&bytes, &mut out).unwrap().1), ["mms://h/é"]);
    }
}

#[test]
fn x7_nul_bytes_hide_nothing_and_reach_nobody() {
    let text =
        asx("<TITLE>a\0b</TITLE>\0<EN\0TRY/><ENTRY><REF\0 HREF='x'/><REF HREF='mms://h\0/\0x\0'/></ENTRY>");
    assert_eq!(places(&text), ["mms://h/x"]);
    assert_eq!(Asx::parse(&text, Mode::Lenient).unwrap().details().title().unwrap().to_string(), "ab");
    assert!(strict(&text).is_err());
    assert_eq!(Metafile::parse("\0<ASX>", Mode::Lenient).unwrap_err().reason, Reason::NotMetafile);
}

#[test]
fn x7_a_chain_of_a_thousand_playlists_ends_after_six() {
    let name = |n: usize| format!("http://h/{n}.asx");
    let net: BTreeMap<_, _> =
        (0..1000).map(|n| (name(n), asx(&format!("<ENTRYREF HREF='{}.asx'/>", n + 1)))).collect();
    assert_eq!(follow(&net, &name(0), &mut Trail::new()), 1 + DEPTH_LIMIT);
    let all: String = (0..1000).map(|n| format!("<ENTRYREF HREF='{n}.asx'/>")).collect();
    let net: BTreeMap<_, _> = (0..1000).map(|n| (name(n), asx(&all))).collect();
    assert_eq!(follow(&net, &name(0), &mut Trail::new()), METAFILES_LIMIT);
}

#[test]
fn x7_elements_nested_deeply_are_faults_or_flat() {
    for element in ["ASX", "ENTRY", "REPEAT", "EVENT", "REF", "TITLE", "BANNER", "x"] {
        let deep = asx(&format!("<{element}>").repeat(20_000));
        assert!(strict(&deep).is_err());
        assert!(places(&deep).is_empty(), "{element}");
    }
}

#[test]
fn x7_repetitions_and_entries_are_counted() {
    let one = "<ENTRY><REF HREF='mms://h/1'/></ENTRY>";
    let repeat = |count: &str, body: &str| {
        asx(&format!("<REPEAT {count}>{body}</REPEAT><ENTRY><REF HREF='mms://h/2'/></ENTRY>"))
    };
    for (count, times) in
        [("COUNT=0", 1), ("COUNT='2'", 3), ("COUNT=99999999999", 1001), ("", 1), ("COUNT='x'", 1)]
    {
        let found = places(&repeat(count, one));
        assert_eq!(found.len(), times + 1, "{count}");
        assert_eq!(found.last().map(String::as_str), Some("mms://h/2"));
    }
    assert_eq!(places(&repeat("COUNT=4000000000", "")), ["mms://h/2"]);
    assert_eq!(places(&repeat("COUNT=4000000000", &one.repeat(400))).len(), 1201);
    assert_eq!(places(&repeat("COUNT=2", &repeat("COUNT=9", one))).len(), 7);
    assert_eq!(places(&asx(&"<REF HREF=x>".repeat(20_000))).len(), 10_000);
    assert_eq!(places(&asx(&format!("<ENTRY>{}</ENTRY>", "<REF HREF=x>".repeat(20_000)))).len(), 32);
    assert_eq!(places(&format!("[Reference]\n{}", "Ref1=x\n".repeat(20_000))).len(), 32);
}

#[test]
fn x7_no_bad_shape_takes_quadratic_time() {
    for piece in [
        "<",
        "<!--",
        "<!",
        "<![CDATA[",
        "<!DOCTYPE [",
        "<?",
        "</",
        "<a",
        "<a ",
        "<a b=\"",
        "<a b='",
        "&",
        "&#",
        "/",
        "<ENTRY>",
        "<ENTRY/>",
        "<REF>",
        "<REF HREF=x>",
        "<TITLE>",
        "<BANNER>",
        "<EVENT>",
        "<REPEAT>",
        "</REPEAT>",
        "<REPEAT COUNT=9>",
        "<ENTRY><EVENT>",
        "<ENTRY><REPEAT>",
        "</EVENT><EVENT>",
        "<ASX>",
        "<ENTRY><TITLE>",
        "<ENTRY></ENTRY>",
        "<ENTRYREF HREF=x>",
        "<STARTTIME VALUE=1>",
        "<REF><STARTTIME>",
        "a=",
        " ",
        "\"",
        "=",
    ] {
        let body = piece.repeat(8 * 1024 / piece.len());
        for text in [
            format!("<ASX>{body}"),
            format!("<ASX {body}"),
            format!("<ASX><REPEAT COUNT=1><ENTRY HREF=x>{body}</ENTRY>"),
        ] {
            let started = Instant::now();
            let asx = Asx::parse(&text, Mode::Lenient).unwrap();
            let _ = Asx::parse(&text, Mode::Strict);
            assert!(Metafile::Asx(asx).candidates().count() <= 10_000);
            assert!(asx.details().log_url().is_none());
            assert!(asx.details().title().is_none_or(|title| title.to_string().len() <= TEXT_LIMIT));
            assert!(started.elapsed() < Duration::from_secs(5), "{piece}: {:?}", started.elapsed());
        }
    }
}

#[test]
fn x8_a_block_that_is_not_what_it_says_is_refused() {
    use nsc::Block;
    let fault = |value: &str| Block::parse(value).map(|block| block.data_len()).map_err(|fault| fault.reason);
    assert_eq!(fault("029m0000000006I01f0000"), Ok(6));
    for (value, reason) in [
        ("", Reason::Value),
        ("0", Reason::Value),
        ("01", Reason::Value),
        ("029m0000000006I01f00-0", Reason::Value),
        ("029m0000000006I01f00é", Reason::Value),
        ("02", Reason::Truncated),
        ("029m00000000", Reason::Truncated),
        ("029m0000000006I01f000", Reason::NestedLength),
        ("029m0000000006I01f00000", Reason::NestedLength),
        ("029m0000000006", Reason::NestedLength),
        ("02AW0000000006I01f0000", Reason::Checksum),
        ("029m0000000006I01g0000", Reason::Checksum),
        // Length 0xFFFFFFFF.
        ("0200000003}}}}{I01f0000", Reason::NestedLength),
    ] {
        assert_eq!(fault(value), Err(reason), "{value}");
    }
}
