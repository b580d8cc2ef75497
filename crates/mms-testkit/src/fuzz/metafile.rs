//! The fuzz body of metafiles: any bytes, as text, as every kind of metafile, and written again.

use mms_core::metafile::{
    Asx, AsxOffer, Base, Cleaned, Details, ENTRIES_LIMIT, Item, Items, Lines, LinesKind, Metafile, Mode,
    REFS_LIMIT, TEXT_LIMIT, Target, URL_LIMIT, Value, nsc, player_code, resolve, sniff, text_len, to_text,
    write_asx,
};

/// Reads bytes as metafiles of every kind and checks what must hold of the outcome.
///
/// # Panics
/// If something does not hold.
pub fn metafile(data: &[u8]) {
    let kind = sniff(data);
    let needed = text_len(data);
    let mut out = vec![0; needed];
    let (_, text) = to_text(data, &mut out).unwrap();
    let found = Metafile::parse(text, Mode::Lenient);
    if needed == 0 && text.len() == data.len() {
        assert_eq!(found.is_ok(), kind.is_metafile(), "{kind:?}");
    }
    if let Ok(found) = found {
        candidates(&found);
    }
    asx(text);
    for kind in [LinesKind::Reference, LinesKind::OneLine, LinesKind::Pls, LinesKind::UrlList] {
        candidates(&Metafile::Lines(Lines::parse(text, kind).unwrap()));
    }
    announcement(text);
    offer(text);
}

fn asx(text: &str) {
    let asx = Asx::parse(text, Mode::Lenient).unwrap();
    details(&asx.details());
    items(asx.items(), 0);
    let lenient = Metafile::Asx(asx);
    candidates(&lenient);
    match Asx::parse(text, Mode::Strict) {
        Ok(asx) => {
            let told = |found: Metafile<'_>| -> Vec<String> {
                found.candidates().map(|found| format!("{found:?}")).collect()
            };
            assert_eq!(told(Metafile::Asx(asx)), told(lenient));
            // What strict players accept is told to be ASX.
            assert!(Metafile::parse(text, Mode::Strict).is_ok());
        }
        Err(fault) => {
            assert!(player_code(fault.reason).is_some());
            let offset = usize::try_from(fault.offset).unwrap();
            assert!(text.is_char_boundary(offset), "{fault}");
        }
    }
}

fn items(items: Items<'_>, depth: u32) {
    assert!(depth < 2, "entries do not hold entries");
    for item in items {
        match item {
            Item::Entry(entry) => {
                details(&entry.details());
                assert!(entry.refs().count() <= usize::try_from(REFS_LIMIT).unwrap());
                self::items(entry.items(), depth + 1);
            }
            Item::Banner(banner) => details(&banner.details()),
            _ => {}
        }
    }
}

fn details(details: &Details<'_>) {
    let texts = [details.title(), details.author(), details.copyright(), details.abstract_text()];
    for text in texts.into_iter().flatten() {
        shown(text);
    }
    if let Some(value) = details.param("Encoding") {
        shown(value);
    }
    for value in details.more_info().iter().flat_map(|link| [link.href, link.target]).flatten() {
        shown(value);
    }
}

fn shown(value: Value<'_>) {
    let text = value.to_string();
    assert!(text.chars().count() <= TEXT_LIMIT && text.trim_matches(' ') == text && !text.contains("  "));
    assert!(!text.contains(char::is_control));
}

fn candidates(metafile: &Metafile<'_>) {
    let mut out = [0; URL_LIMIT];
    for found in metafile.candidates() {
        assert!(found.entry < ENTRIES_LIMIT && found.alternative < REFS_LIMIT);
        let written: Cleaned<'_> = found.href.url();
        assert!(!written.clone().any(char::is_control));
        match resolve(Base::Url("http://me:secret@host/dir/list.asx?q"), found.href, &mut out) {
            Ok(Target::Url(url)) => {
                assert!(!url.contains(|c: char| c.is_control() || c == ' ' || c == '#'), "{url}");
                let (scheme, rest) = url.split_once("://").unwrap();
                assert!(scheme.bytes().all(|byte| byte.is_ascii_lowercase()) && !rest.is_empty());
                // Credentials stay with their host, unless somebody wrote them.
                let written: String = written.collect();
                assert!(
                    !rest.starts_with("me:secret@")
                        || rest.starts_with("me:secret@host")
                        || written.contains('@')
                );
            }
            Ok(other) => panic!("{other:?} from a remote metafile"),
            Err(_) => {}
        }
        let _ = resolve(Base::Local, found.href, &mut out);
    }
}

fn announcement(text: &str) {
    if let Ok(found) = nsc::Nsc::parse(text) {
        for (_, value) in found.fields() {
            assert!(nsc::integer(value).is_none() || value.len() <= 10);
            assert!(nsc::string(value).count() <= value.len());
        }
        assert!(found.formats().flatten().all(|block| block.data().count() == block.data_len()));
    }
    if let Ok(block) = nsc::Block::parse(text) {
        assert_eq!(block.data().count(), block.data_len());
    }
}

fn offer(text: &str) {
    let mut written = String::new();
    let offer = AsxOffer {
        title: Some(text),
        author: Some("a"),
        urls: &[text, "mms://host/x"],
        ..AsxOffer::default()
    };
    write_asx(&mut written, &offer).unwrap();
    if written.len() > mms_core::metafile::BYTES_LIMIT {
        return;
    }
    let read = Metafile::parse(&written, Mode::Strict).unwrap();
    let found: Vec<_> = read.candidates().collect();
    assert_eq!(found.len(), 2);
    let title = found.first().and_then(|found| found.clip.as_ref()?.details().title());
    let printable = |c: char| !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}');
    let expected: String = text
        .chars()
        .map(|c| if matches!(c, '\t' | '\r' | '\n') { ' ' } else { c })
        .filter(|c| printable(*c))
        .take(TEXT_LIMIT)
        .collect();
    let expected = expected.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    assert_eq!(title.map(|title| title.to_string()).unwrap_or_default(), expected);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_kind_pass_whole_and_cut_anywhere() {
        let seeds: [&[u8]; 9] = [
            b"<ASX version=\"3.0\"><TITLE>a&amp;b</TITLE><REPEAT COUNT=2><ENTRY><REF HREF='x'><STARTTIME VALUE='1'/></REF></ENTRY></REPEAT></ASX>",
            b"<asx><EVENT NAME=e><ENTRY HREF=a></EVENT><BANNER HREF='b'><ABSTRACT>c</ABSTRACT></BANNER><ENTRYREF HREF=\"//h\">",
            b"[Reference]\r\nRef1=http://h/a?MSWMExt=.asf\r\nRef02 = mms://h/b",
            b"ASF http://h/x",
            b"[playlist]\nFile1=mms://h/x",
            b"#EXTM3U\nmms://h/x\n../y",
            b"[Address]\nName=029m0000000006I01f0000\nIP Port=0x1\n[Formats]\nFormat1=02zm000IC00004C2QoTG",
            b"\xFF\xFE<\0A\0S\0X\0>\0",
            b"<ASX>\xE9\x80\0&#0;",
        ];
        for seed in seeds {
            for len in 0..=seed.len() {
                metafile(&seed[..len]);
                metafile(&seed[len..]);
            }
        }
    }
}
