//! The examples of the digest and its table of malformed documents.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use mms_core::error::Reason;
use mms_core::metafile::*;

const EXAMPLE: &str = "<ASX version=\"3.0\">\n<TITLE>Radio</TITLE>\n<ENTRY>\n<TITLE>Live</TITLE>\n\
<REF HREF=\"mms://server.example.com/live\"/>\n</ENTRY>\n<ENTRY>\n<STARTTIME VALUE=\"00:00:10.0\"/>\n\
<DURATION VALUE=\"00:01:00.0\"/>\n<PARAM NAME=\"Log:cs-media-role\" VALUE=\"ADVERTISEMENT\"/>\n\
<REF HREF=\"http://server.example.com/ad.asf\"/>\n<REF HREF=\"http://backup.example.com/ad.asf\"/>\n</ENTRY>\n</ASX>\n";

type Place = (u32, u32, String, Option<u32>, Option<u32>);

fn places(text: &str, mode: Mode) -> Vec<Place> {
    let metafile = Metafile::parse(text, mode).unwrap();
    let told = |found: Candidate<'_>| {
        let href = found.href.url().collect();
        (found.entry, found.alternative, href, found.start_time_ms, found.duration_ms)
    };
    metafile.candidates().map(told).collect()
}

#[test]
fn the_example_gives_three_places_in_two_entries() {
    for mode in [Mode::Lenient, Mode::Strict] {
        let expected = [
            (0, 0, "mms://server.example.com/live".to_owned(), None, None),
            (1, 0, "http://server.example.com/ad.asf".to_owned(), Some(10_000), Some(60_000)),
            (1, 1, "http://backup.example.com/ad.asf".to_owned(), Some(10_000), Some(60_000)),
        ];
        assert_eq!(places(EXAMPLE, mode), expected);
        let asx = Asx::parse(EXAMPLE, mode).unwrap();
        assert_eq!(asx.details().title().unwrap().to_string(), "Radio");
        assert_eq!(asx.root().unwrap().version.unwrap().raw(), "3.0");
        let clips: Vec<_> = Metafile::Asx(asx).candidates().filter_map(|found| found.clip).collect();
        assert_eq!(clips[0].details().title().unwrap().to_string(), "Live");
        let role = clips[1].details().param("log:CS-media-role");
        assert_eq!(role.unwrap().to_string(), "ADVERTISEMENT");
        assert!(clips[1].details().title().is_none());
    }
}

#[test]
fn every_malformed_document_of_the_table_is_read_as_it_says() {
    let one = "<ENTRY><REF HREF=\"mms://h/x\"/></ENTRY>";
    for (text, strict) in [
        (format!("<aSx VERSION='3.0'>{one}</AsX>"), Ok(())),
        ("<asx version='3.0'><entry><ref href='mms://h/x'/></entry></asx>".to_owned(), Ok(())),
        ("<ASX version=3.0><ENTRY><REF HREF=mms://h/x></ENTRY></ASX>".to_owned(), Err(Reason::XmlQuote)),
        ("<ASX><ENTRY><REF HREF=\"mms://h/x\"></ENTRY></ASX>".to_owned(), Err(Reason::Xml)),
        ("<ASX><ENTRY><REF HREF=\"mms://h/x\"></REF></ENTRY></ASX>".to_owned(), Ok(())),
        (format!("<ASX>{one}</ASX>"), Ok(())),
        (format!("<ASX VERSION=\"2.0\">{one}</ASX>"), Err(Reason::AsxStructure)),
        (format!("<ASX VERSION=\"3\">{one}</ASX>"), Ok(())),
        (format!(" \r\n\t<ASX>{one}</ASX>\r\n"), Ok(())),
        (format!("<?xml version=\"1.0\"?><ASX>{one}</ASX>"), Err(Reason::NotMetafile)),
        (format!("<!-- c --><ASX>{one}</ASX>"), Err(Reason::NotMetafile)),
        (format!("<ASX>{one}"), Err(Reason::Xml)),
        (format!("<ASX><!-- <ENTRY HREF='y'/> -->{one}</ASX>"), Ok(())),
        (format!("<ASX>text{one}</ASX>"), Err(Reason::AsxStructure)),
        (format!("<ASX><SKIN HREF='y'/>{one}</ASX>"), Err(Reason::AsxElement)),
        (format!("<ASX a='b'>{one}</ASX>"), Err(Reason::AsxAttribute)),
        (format!("<ASX PREVIEWMODE='YES'>{one}</ASX>"), Err(Reason::AsxAttributeUnsupported)),
        (format!("<ASX><ASX>{one}</ASX></ASX>"), Err(Reason::AsxStructure)),
        ("<ASX><ENTRY><REF HREF='mms://h/x' HREF='y'/></ENTRY></ASX>".to_owned(), Err(Reason::XmlDuplicate)),
        ("<ASX><ENTRY HREF='mms://h/x'/></ASX>".to_owned(), Err(Reason::AsxAttribute)),
        (
            "<ASX><ENTRY><REPEAT><REF HREF='mms://h/x'/></REPEAT></ENTRY></ASX>".to_owned(),
            Err(Reason::AsxElementUnsupported),
        ),
        ("<ASX><ENTRY><REF HREF=' mms://\r\nh/\tx '/></ENTRY></ASX>".to_owned(), Ok(())),
        ("<ASX><BASE HREF='http://b/'/><ENTRY><REF HREF='mms://h/x'/></ENTRY></ASX>".to_owned(), Ok(())),
        (
            format!("<ASX><EVENT NAME='e'><ENTRY HREF='y'/></EVENT>{one}</ASX>"),
            Err(Reason::AsxElementUnsupported),
        ),
        (format!("<ASX><ENTRY><TITLE>no place</TITLE></ENTRY>{one}</ASX>"), Ok(())),
    ] {
        assert_eq!(
            Asx::parse(&text, Mode::Strict).map(|_| ()).map_err(|fault| fault.reason),
            strict,
            "{text}"
        );
        assert_eq!(places(&text, Mode::Lenient), [(0, 0, "mms://h/x".to_owned(), None, None)], "{text}");
    }
}

#[test]
fn a_fault_says_where_it_is() {
    for (text, offset) in [
        ("<ASX>\n<TITLEZ>", 6),
        ("<ASX a='b'>", 5),
        ("<ASX><ENTRY><STARTTIME VALUE='x'/>", 23),
        ("<ASX>  text</ASX>", 5),
        ("  <XSA>", 2),
        ("<ASX><TITLE>é</ASX>", 14),
    ] {
        assert_eq!(Asx::parse(text, Mode::Strict).unwrap_err().offset, offset, "{text}");
    }
}

#[test]
fn times_of_a_ref_override_those_of_its_entry() {
    let text = "<ASX><ENTRY><REF HREF='a'><DURATION VALUE='2'/></REF><REF HREF='b'/><STARTTIME VALUE='x'/>\
                <STARTTIME VALUE='1'/><DURATION VALUE='0'/><REF HREF='c'><STARTTIME VALUE='3'/></REF></ENTRY></ASX>";
    let expected = [
        (0, 0, "a".to_owned(), Some(1000), Some(2000)),
        (0, 1, "b".to_owned(), Some(1000), Some(0)),
        (0, 2, "c".to_owned(), Some(3000), Some(0)),
    ];
    assert_eq!(places(text, Mode::Lenient), expected);
}

#[test]
fn every_element_has_its_item() {
    let text = "<ASX VERSION='3' BANNERBAR='FIXED'><PREVIEWDURATION VALUE='5'/><LOGURL HREF='http://l'/>\
        <MOREINFO HREF='m' TARGET='t'/><BANNER HREF='b'><ABSTRACT>tip</ABSTRACT><MOREINFO HREF='n'/></BANNER>\
        <ABSTRACT>all</ABSTRACT><EVENT NAME='e' WHENDONE='NEXT'><ENTRY><REF HREF='x'/></ENTRY></EVENT>\
        <REPEAT COUNT='1'><ENTRY SKIPIFREF='yes'><STARTMARKER NUMBER='1'/><ENDMARKER NAME='z'/></ENTRY></REPEAT></ASX>";
    let asx = Asx::parse(text, Mode::Lenient).unwrap();
    let details = asx.details();
    assert_eq!(details.preview_duration_ms(), Some(5000));
    assert_eq!(details.log_url().unwrap().raw(), "http://l");
    let link = details.more_info().unwrap();
    assert_eq!((link.href.unwrap().raw(), link.target.unwrap().raw()), ("m", "t"));
    let banner = details.banner().unwrap();
    assert_eq!(banner.href.unwrap().raw(), "b");
    assert_eq!(banner.details().abstract_text().unwrap().to_string(), "tip");
    assert_eq!(details.abstract_text().unwrap().to_string(), "all");
    assert!(asx.root().unwrap().banner_bar.unwrap().is("fixed") && !asx.repeats_forever());
    let names: Vec<String> = asx
        .items()
        .skip(6)
        .map(|item| match item {
            Item::Event(event) => format!("event {} {}", event.name.unwrap(), event.when_done.unwrap()),
            Item::EventEnd => "event end".into(),
            Item::RepeatStart { count } => format!("repeat {count:?}"),
            Item::RepeatEnd => "repeat end".into(),
            Item::Entry(entry) => format!("entry {} {}", entry.skip_if_ref(), entry.items().count()),
            other => format!("{other:?}"),
        })
        .collect();
    let expected =
        ["event e NEXT", "entry false 1", "event end", "repeat Some(1)", "entry true 2", "repeat end"];
    assert_eq!(names, expected);
    assert_eq!(Metafile::Asx(asx).candidates().count(), 0);
}
