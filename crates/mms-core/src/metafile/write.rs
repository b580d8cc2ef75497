//! The ASX that a server offers (digest 6).

use core::fmt;

/// What a server offers under one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsxOffer<'a> {
    /// The title to show, if any.
    pub title: Option<&'a str>,
    /// The author to show, if any.
    pub author: Option<&'a str>,
    /// The copyright to show, if any.
    pub copyright: Option<&'a str>,
    /// Absolute URLs of the same clip, to be tried in turn. Many players take each for an entry of its own.
    pub urls: &'a [&'a str],
}

/// Writes the ASX of an offer in the form that every player tested reads: `<ASX` first, quoted attributes, closed tags,
/// absolute URLs. Text beyond ASCII is UTF-8 and says so.
///
/// What no URL may hold is percent-encoded, and `&` in a path too, because there are players that do not decode
/// `&amp;`. In a query it becomes `&amp;`, so a server should ask for no more than one argument.
///
/// # Errors
/// Those of `out`.
pub fn write_asx(out: &mut impl fmt::Write, offer: &AsxOffer<'_>) -> fmt::Result {
    let texts = [("TITLE", offer.title), ("AUTHOR", offer.author), ("COPYRIGHT", offer.copyright)];
    out.write_str("<ASX version=\"3.0\">\r\n")?;
    if texts.iter().any(|(_, text)| text.is_some_and(|text| !text.is_ascii())) {
        out.write_str("<PARAM NAME=\"Encoding\" VALUE=\"utf-8\"/>\r\n")?;
    }
    out.write_str("<ENTRY>\r\n")?;
    for (name, text) in texts {
        if let Some(text) = text {
            write!(out, "<{name}>")?;
            write_text(out, text)?;
            write!(out, "</{name}>\r\n")?;
        }
    }
    for url in offer.urls {
        out.write_str("<REF HREF=\"")?;
        write_url(out, url)?;
        out.write_str("\"/>\r\n")?;
    }
    out.write_str("</ENTRY>\r\n</ASX>\r\n")
}

fn write_text(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    for c in text.chars() {
        match c {
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&quot;")?,
            '\t' | '\r' | '\n' => out.write_char(' ')?,
            // Neither control characters nor the two that XML forbids.
            '\u{FFFE}' | '\u{FFFF}' => {}
            c if c.is_control() => {}
            c => out.write_char(c)?,
        }
    }
    Ok(())
}

fn write_url(out: &mut impl fmt::Write, url: &str) -> fmt::Result {
    let mut in_query = false;
    for byte in url.bytes() {
        in_query |= byte == b'?';
        match byte {
            b'&' if in_query => out.write_str("&amp;")?,
            0..=b' '
            | 0x7F..
            | b'"'
            | b'&'
            | b'\''
            | b'<'
            | b'>'
            | b'\\'
            | b'^'
            | b'`'
            | b'{'
            | b'|'
            | b'}' => {
                write!(out, "%{byte:02X}")?;
            }
            byte => out.write_char(char::from(byte))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::*;
    use crate::metafile::{Asx, Metafile, Mode};

    fn written(offer: &AsxOffer<'_>) -> String {
        let mut out = String::new();
        write_asx(&mut out, offer).unwrap();
        out
    }

    #[test]
    fn an_offer_is_plain_asx() {
        let offer =
            AsxOffer { title: Some("A & B"), urls: &["mms://h/a", "mmsh://h:80/a"], ..AsxOffer::default() };
        assert_eq!(
            written(&offer),
            "<ASX version=\"3.0\">\r\n<ENTRY>\r\n<TITLE>A &amp; B</TITLE>\r\n<REF HREF=\"mms://h/a\"/>\r\n\
             <REF HREF=\"mmsh://h:80/a\"/>\r\n</ENTRY>\r\n</ASX>\r\n"
        );
    }

    #[test]
    fn what_is_written_is_read_again_in_strict_mode() {
        let title = "\"<é>\" & ]]> \u{1F3B5}\0\u{FFFF}";
        let offer = AsxOffer {
            title: Some(title),
            author: Some("</ENTRY>"),
            copyright: Some("&amp;"),
            urls: &["mms://h/a\"b'<c> d&é\r\n\\", "http://h/x?a=1&b=2"],
        };
        let text = written(&offer);
        assert!(text.contains("<PARAM NAME=\"Encoding\" VALUE=\"utf-8\"/>"));
        let asx = Asx::parse(&text, Mode::Strict).unwrap();
        assert_eq!(asx.details().title(), None);
        let candidates: Vec<_> = Metafile::Asx(asx).candidates().collect();
        let hrefs: Vec<_> = candidates.iter().map(|found| found.href.to_string()).collect();
        assert_eq!(hrefs, ["mms://h/a%22b%27%3Cc%3E%20d%26%C3%A9%0D%0A%5C", "http://h/x?a=1&b=2"]);
        let details = candidates[0].clip.as_ref().unwrap().details();
        assert_eq!(details.title().unwrap().to_string(), "\"<é>\" & ]]> \u{1F3B5}");
        assert_eq!(details.author().unwrap().to_string(), "</ENTRY>");
        assert_eq!(details.copyright().unwrap().to_string(), "&amp;");
    }
}
