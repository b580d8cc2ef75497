//! What must hold of every text, well formed or not.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use mms_core::metafile::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const PIECES: [&str; 48] = [
    "<ASX>",
    "<ASX version=\"3.0\">",
    "</ASX>",
    "<ENTRY>",
    "</ENTRY>",
    "<entry clientskip='no'>",
    "<REF HREF=\"mms://h/1\"/>",
    "<REF HREF='2.asf'>",
    "</REF>",
    "<ref href=x>",
    "<ENTRYREF HREF='a.asx'/>",
    "<REPEAT COUNT=\"2\">",
    "<REPEAT>",
    "</REPEAT>",
    "<EVENT NAME='e' WHENDONE='BREAK'>",
    "</EVENT>",
    "<STARTTIME VALUE=\"1:2.5\"/>",
    "<DURATION VALUE='3'/>",
    "<TITLE>",
    "</TITLE>",
    "<AUTHOR>a</AUTHOR>",
    "<ABSTRACT>",
    "</ABSTRACT>",
    "<BANNER HREF='b'>",
    "</BANNER>",
    "<MOREINFO HREF='m' TARGET='t'/>",
    "<PARAM NAME='n' VALUE='v'/>",
    "<BASE HREF='/'/>",
    "<LOGURL HREF='l'/>",
    "<!-- ",
    " -->",
    "<![CDATA[",
    "]]>",
    "<?x ?>",
    "<!DOCTYPE a [",
    "]>",
    "&amp;",
    "&#65;",
    "&x;",
    "text",
    "\"",
    "'",
    "<",
    ">",
    "\0",
    "é",
    " ",
    "\r\n",
];

/// Texts made of what ASX is made of, with and without its order.
fn texts() -> impl Strategy<Value = String> {
    let mixed = vec(select(&PIECES[..]), 0..40).prop_map(|pieces| format!("<ASX>{}", pieces.concat()));
    prop_oneof![mixed, documents(), any::<String>()]
}

/// Documents that strict reading accepts.
fn documents() -> impl Strategy<Value = String> {
    let text = "[a-z &é]{0,8}";
    let one = (text, "[a-z/.:]{0,12}", any::<u16>(), 0..4usize).prop_map(|(title, href, ms, refs)| {
        let times = format!("<STARTTIME VALUE=\"{}.{:03}\"/>", ms / 1000, ms % 1000);
        let places = format!("<REF HREF='{href}'>{times}</REF><Ref href=\"x\" />").repeat(refs);
        format!("<ENTRY>\r\n<TITLE>{title}</TITLE>{times}{places}<MOREINFO HREF='m'/></ENTRY>")
    });
    let other = prop_oneof![
        one,
        "[a-z]{0,5}".prop_map(|href| format!("<ENTRYREF HREF=\"{href}\"/>")),
        text.prop_map(|author| format!("<!-- c --><AUTHOR>{author}</AUTHOR>")),
        Just(
            "<PARAM NAME='Encoding' VALUE='utf-8'/><BANNER HREF='b'><ABSTRACT>x</ABSTRACT></BANNER>"
                .to_owned()
        ),
    ];
    vec(other, 0..6).prop_map(|parts| format!("<asx Version = '3.0'>{}</ASX >", parts.concat()))
}

fn told(metafile: &Metafile<'_>) -> Vec<String> {
    metafile.candidates().map(|found| format!("{found:?}")).collect()
}

proptest! {
    #[test]
    fn what_strict_reading_accepts_is_the_same_in_lenient_reading(text in texts()) {
        if let Ok(strict) = Metafile::parse(&text, Mode::Strict) {
            let lenient = Metafile::parse(&text, Mode::Lenient);
            prop_assert_eq!(lenient.map(|found| told(&found)), Ok(told(&strict)));
        }
    }

    #[test]
    fn made_documents_are_accepted_by_strict_reading(text in documents()) {
        let asx = Asx::parse(&text, Mode::Strict);
        prop_assert!(asx.is_ok(), "{:?} in {}", asx, text);
        let refs: usize = text.matches("<REF ").count() * 2 + text.matches("<ENTRYREF ").count();
        prop_assert_eq!(Metafile::parse(&text, Mode::Strict).unwrap().candidates().count(), refs);
    }

    #[test]
    fn lenient_reading_never_fails_and_its_numbers_go_up(text in texts()) {
        let asx = Asx::parse(&text, Mode::Lenient).unwrap();
        let mut before = None;
        for found in Metafile::Asx(asx).candidates() {
            let at = (found.entry, found.alternative);
            let follows = match before {
                None => at == (0, 0),
                Some((entry, alternative)) => at == (entry, alternative + 1) || at == (entry + 1, 0),
            };
            prop_assert!(follows, "{:?} behind {:?}", at, before);
            before = Some(at);
        }
        for item in asx.items() {
            if let Item::Entry(entry) = item {
                prop_assert!(entry.items().count() <= text.len());
            }
        }
    }

    #[test]
    fn faults_lie_within_the_text(text in texts()) {
        if let Err(fault) = Asx::parse(&text, Mode::Strict) {
            prop_assert!(usize::try_from(fault.offset).unwrap() <= text.len());
            prop_assert!(text.is_char_boundary(usize::try_from(fault.offset).unwrap()));
            prop_assert!(player_code(fault.reason).is_some());
        }
    }

    #[test]
    fn what_is_resolved_may_be_requested(base in "(http://[a-z]{1,3}(/[a-z./?]{0,8})?|[ -~]{0,12})", href in "\\PC{0,20}|[a-z:/.? #@\\\\]{0,20}") {
        let text = format!("mms://x\n{href}");
        let mut out = [0; URL_LIMIT];
        for found in Lines::parse(&text, LinesKind::UrlList).unwrap().references() {
            if let Ok(Target::Url(url)) = resolve(Base::Url(&base), found, &mut out) {
                prop_assert!(!url.contains(|c: char| c.is_control() || c == ' ' || c == '#'), "{}", url);
                let url = url.to_owned();
                let (scheme, rest) = url.split_once("://").unwrap();
                prop_assert!(scheme.bytes().all(|byte| byte.is_ascii_lowercase()));
                let path = rest.split('?').next().unwrap();
                prop_assert!(path.split('/').skip(1).all(|segment| segment != "." && segment != ".."), "{}", url);
                // What is absolute stays as it is, whatever the base.
                let again = Lines::parse(&url, LinesKind::UrlList).unwrap().references().next().unwrap();
                prop_assert_eq!(resolve(Base::Url("http://other/"), again, &mut out), Ok(Target::Url(&url)));
            }
        }
    }

    #[test]
    fn what_is_written_is_read_again(title in any::<Option<String>>(), urls in vec("(mms|http)://[a-z]{1,5}/\\PC{0,20}", 0..4)) {
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let mut text = String::new();
        write_asx(&mut text, &AsxOffer { title: title.as_deref(), urls: &urls, ..AsxOffer::default() }).unwrap();
        let metafile = Metafile::parse(&text, Mode::Strict).unwrap();
        let found: Vec<_> = metafile.candidates().collect();
        prop_assert_eq!(found.len(), urls.len());
        for (found, url) in found.iter().zip(&urls) {
            prop_assert_eq!(found.entry, 0);
            let read: String = found.href.url().collect();
            let decoded = |text: &str| mms_core::url::percent_decoded(text).collect::<Vec<_>>();
            prop_assert_eq!(decoded(&read), decoded(url), "{}", text);
            let mut out = [0; URL_LIMIT];
            prop_assert!(resolve(Base::Local, found.href, &mut out).is_ok());
        }
    }

    #[test]
    fn bytes_of_every_kind_become_text(bytes in vec(any::<u8>(), 0..200), mark in select(vec![&b""[..], b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF"])) {
        let bytes = [mark, &bytes].concat();
        let needed = text_len(&bytes);
        prop_assert!(needed <= bytes.len() * 3);
        let mut out = vec![0; needed];
        let (_, text) = to_text(&bytes, &mut out).unwrap();
        let text = text.to_owned();
        if needed > 0 {
            prop_assert_eq!(text.len(), needed);
            prop_assert_eq!(to_text(&bytes, &mut out[1..]).unwrap_err().needed, needed);
        }
        // Enough bytes never become unknown by more of them.
        let known = sniff(&bytes) != Kind::Unknown;
        prop_assert!(!known || sniff(&[&bytes[..], b"  "].concat()) != Kind::Unknown);
    }

    #[test]
    fn times_are_read_as_they_are_written(hours in 0..1000u32, minutes in 0..60u32, seconds in 0..60u32, ms in 0..1000u32) {
        let all = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
        prop_assert_eq!(time_ms(&format!("{hours}:{minutes:02}:{seconds:02}.{ms:03}")), Some(all));
        prop_assert_eq!(time_ms(&format!("{}.{ms:03}x", all / 1000)), Some(all));
    }

    #[test]
    fn blocks_of_any_data_decode_and_a_changed_character_is_noticed(
        key in any::<u32>(), data in vec(any::<u8>(), 0..60), at in any::<prop::sample::Index>(), by in 1..64usize,
    ) {
        const ALPHABET: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz{}";
        let mut body = [&key.to_be_bytes()[..], &u32::try_from(data.len()).unwrap().to_be_bytes(), &data].concat();
        body.insert(0, body.iter().fold(0, |sum, byte| sum ^ byte));
        let bits: Vec<usize> = body.iter().flat_map(|byte| (0..8).rev().map(move |bit| usize::from(byte >> bit & 1))).collect();
        let sixes: Vec<usize> = bits.chunks(6).map(|six| (0..6).fold(0, |n, bit| n * 2 + six.get(bit).unwrap_or(&0))).collect();
        let encoded = |sixes: &[usize]| -> String {
            "02".chars().chain(sixes.iter().map(|six| char::from(ALPHABET[*six]))).collect()
        };
        let text = encoded(&sixes);
        let block = nsc::Block::parse(&text).unwrap();
        prop_assert_eq!((block.key(), block.data_len()), (key, data.len()));
        prop_assert_eq!(block.data().collect::<Vec<_>>(), data);
        // The last character has bits that belong to no byte.
        let mut changed = sixes.clone();
        let at = at.index(sixes.len() - 1);
        changed[at] ^= by;
        prop_assert!(nsc::Block::parse(&encoded(&changed)).is_err());
    }
}
