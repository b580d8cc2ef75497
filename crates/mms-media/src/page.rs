//! What a server tells browsers and players about itself: a page, and an ASX for each name.

use core::fmt::Write;
use core::time::Duration;

use mms_core::metafile::{AsxOffer, write_asx};

use crate::catalogue::{Catalogue, Entry};

/// The type of the page. It holds ASCII only, so the charset matters to nobody.
pub(crate) const PAGE_TYPE: &str = "text/html; charset=utf-8";
/// The type by which browsers hand an ASX to a player.
pub(crate) const ASX_TYPE: &str = "video/x-ms-asf";
/// What is put behind a name to have its ASX.
pub(crate) const ASX_SUFFIX: &str = ".asx";
/// The port of a Host field without one.
const HTTP_PORT: &str = ":80";
/// Names that the page lists at most: each client may ask for it.
const PAGE_ROWS: usize = 2000;
/// No host name is longer (RFC 1035), and a port has five digits.
const LONGEST_AUTHORITY: usize = 253 + 6;

/// The address that a client used, if its Host field holds nothing else: it goes into links.
pub(crate) fn authority(host: Option<&str>) -> Option<&str> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    host.filter(|host| !host.is_empty() && host.len() <= LONGEST_AUTHORITY && host.bytes().all(is_good))
}

/// The same for the mms:// family, whose default port is another one.
fn with_port(authority: &str) -> String {
    let behind_ip6 = authority.rsplit(']').next().unwrap_or_default();
    let port = if behind_ip6.contains(':') { "" } else { HTTP_PORT };
    format!("{authority}{port}")
}

/// The ASX of an entry: the mms:// URL first, then the one over HTTP.
pub(crate) fn asx(entry: &Entry, authority: Option<&str>) -> String {
    let path = percent_encoded(&entry.name);
    let urls = match authority {
        Some(authority) => {
            vec![format!("mms://{}/{path}", with_port(authority)), format!("http://{authority}/{path}")]
        }
        // a player resolves it against the place where it found the ASX
        None => vec![format!("/{path}")],
    };
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let title = entry.name.rsplit('/').next();
    let mut text = String::new();
    // a String takes all that is written
    let _ = write_asx(&mut text, &AsxOffer { title, urls: &urls, ..AsxOffer::default() });
    text
}

/// A page of what is served, in HTML 3.2 and ASCII.
pub(crate) fn page(catalogue: &Catalogue, authority: Option<&str>) -> String {
    let mut text = String::from(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\r\n<HTML>\r\n<HEAD><TITLE>Streams</TITLE></HEAD>\r\n\
         <BODY>\r\n<H1>Streams</H1>\r\n<TABLE BORDER=\"1\" CELLPADDING=\"4\">\r\n\
         <TR><TH ALIGN=\"LEFT\">Name</TH><TH>Length</TH><TH>Bytes</TH><TH>Open</TH></TR>\r\n",
    );
    let entries = catalogue.entries();
    for entry in entries.iter().take(PAGE_ROWS) {
        row(&mut text, entry, authority);
    }
    text.push_str("</TABLE>\r\n");
    let more = entries.len().saturating_sub(PAGE_ROWS);
    if more > 0 {
        // a String takes all that is written
        let _ = write!(text, "<P>And {more} more.</P>\r\n");
    }
    text.push_str(
        "<P>mms: in a player. http: the file. asx: for a player that a browser opens.</P>\r\n</BODY>\r\n</HTML>\r\n",
    );
    text
}

fn row(text: &mut String, entry: &Entry, authority: Option<&str>) {
    text.push_str("<TR><TD>");
    push_text(text, &entry.name);
    // a String takes all that is written
    let _ = write!(
        text,
        "</TD><TD ALIGN=\"RIGHT\">{}</TD><TD ALIGN=\"RIGHT\">{}</TD><TD>",
        clock(entry.media.duration),
        entry.media.file_len
    );
    // nothing in it needs an escape in HTML
    let path = percent_encoded(&entry.name);
    if let Some(authority) = authority {
        let _ = write!(text, "<A HREF=\"mms://{}/{path}\">mms</A> ", with_port(authority));
    }
    let _ =
        write!(text, "<A HREF=\"/{path}\">http</A> <A HREF=\"/{path}{ASX_SUFFIX}\">asx</A></TD></TR>\r\n");
}

fn clock(duration: Option<Duration>) -> String {
    let Some(seconds) = duration.map(|duration| duration.as_secs()) else { return "-".to_owned() };
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Text in HTML: what has a meaning there and what is not ASCII becomes a reference by number.
fn push_text(text: &mut String, name: &str) {
    for c in name.chars() {
        match c {
            // no character of HTML
            c if c.is_control() => text.push_str("&#65533;"),
            '&' | '<' | '>' | '"' | '\'' => {
                let _ = write!(text, "&#{};", u32::from(c));
            }
            c if !c.is_ascii() => {
                let _ = write!(text, "&#{};", u32::from(c));
            }
            c => text.push(c),
        }
    }
}

/// A name in a URL: only what means nothing in any URL, metafile or page stays as it is.
pub(crate) fn percent_encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_goes_into_links_only_if_it_is_one() {
        for good in ["host", "192.0.2.1:8080", "[::1]:80", "a-b.example"] {
            assert_eq!(authority(Some(good)), Some(good));
        }
        let long = "a".repeat(260);
        for bad in ["", "a b", "a\"><script>", "h/x", "h@i", "h\u{e9}", "a\r\nb", long.as_str()] {
            assert_eq!(authority(Some(bad)), None, "{bad:?}");
        }
        assert_eq!(authority(None), None);
    }

    #[test]
    fn links_of_the_mms_family_name_the_port_that_the_client_used() {
        assert_eq!(with_port("host"), "host:80");
        assert_eq!(with_port("host:8080"), "host:8080");
        assert_eq!(with_port("[::1]"), "[::1]:80");
        assert_eq!(with_port("[::1]:9"), "[::1]:9");
    }

    #[test]
    fn text_and_urls_hold_nothing_that_html_reads_otherwise() {
        let mut text = String::new();
        push_text(&mut text, "a&b<c>\"d' \u{e9}\u{1F3B5}\n");
        assert_eq!(text, "a&#38;b&#60;c&#62;&#34;d&#39; &#233;&#127925;&#65533;");
        assert_eq!(percent_encoded("a b/\u{e9}\"<&?#%'.wmv"), "a%20b/%C3%A9%22%3C%26%3F%23%25%27.wmv");
        assert_eq!(clock(Some(Duration::from_secs(3661))), "1:01:01");
        assert_eq!((clock(Some(Duration::from_secs(61))).as_str(), clock(None).as_str()), ("1:01", "-"));
    }
}
