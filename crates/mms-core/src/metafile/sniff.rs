//! What the first bytes of a reply are (digest 1); neither name nor content type can be trusted.

use super::encoding::Encoding;
use super::resolve::is_allowed_scheme;

/// What a text or a stream of bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// ASF data.
    Asf,
    /// Frames of MMS over HTTP.
    Frames,
    /// ASX, also behind an XML declaration or comments.
    Asx,
    /// `[Reference]`.
    Reference,
    /// `[Address]`: the announcement of a multicast.
    Nsc,
    /// `ASF ` and a URL.
    OneLine,
    /// `[playlist]`.
    Pls,
    /// `#EXTM3U`.
    M3u,
    /// Lines that are URLs.
    UrlList,
    /// A page, most likely about an error.
    Html,
    /// None of these, or too few bytes.
    Unknown,
}

impl Kind {
    /// Whether [`Metafile::parse`](super::Metafile::parse) reads it.
    #[must_use]
    pub const fn is_metafile(self) -> bool {
        matches!(self, Self::Asx | Self::Reference | Self::OneLine | Self::Pls | Self::M3u | Self::UrlList)
    }
}

/// What the bytes are; a few hundred of them are enough unless comments come first.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Kind {
    const ASF: [u8; 8] = [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11];
    match bytes {
        _ if bytes.starts_with(&ASF) => return Kind::Asf,
        [0x24 | 0xA4, 0x48 | 0x4D, ..] | [0x24, 0x50, ..] => return Kind::Frames,
        _ => {}
    }
    let mut at = Ascii::new(bytes).skip_space();
    loop {
        let next = if at.behind("<!--").is_some() {
            at.past("-->")
        } else if at.behind("<?").is_some() {
            at.past(">")
        } else {
            break;
        };
        match next {
            Some(next) => at = next.skip_space(),
            None => return Kind::Unknown,
        }
    }
    by_text(at)
}

fn by_text(at: Ascii<'_>) -> Kind {
    const WORDS: [(&str, Kind); 6] = [
        ("[reference]", Kind::Reference),
        ("[address]", Kind::Nsc),
        ("[playlist]", Kind::Pls),
        ("#extm3u", Kind::M3u),
        ("<html", Kind::Html),
        ("<!doctype", Kind::Html),
    ];
    if let Some(behind) = at.behind("<asx") {
        return if behind.clone().next().is_none_or(|byte| !is_name(byte)) {
            Kind::Asx
        } else {
            Kind::Unknown
        };
    }
    if at.behind("<!doctype").is_some_and(|behind| behind.skip_space().behind("asx").is_some()) {
        return Kind::Asx;
    }
    if let Some((_, kind)) = WORDS.iter().find(|(word, _)| at.behind(word).is_some()) {
        return *kind;
    }
    if at.behind("asf ").is_some_and(|behind| behind.skip_space().is_url()) {
        return Kind::OneLine;
    }
    let mut line = at;
    while line.clone().next() == Some(b'#') {
        match line.past("\n") {
            Some(next) => line = next.skip_space(),
            None => return Kind::Unknown,
        }
    }
    if line.is_url() { Kind::UrlList } else { Kind::Unknown }
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | 0x80..)
}

/// The characters of a text of any encoding in lower case; what is not ASCII is 0x80.
#[derive(Clone)]
struct Ascii<'a> {
    rest: &'a [u8],
    encoding: Encoding,
}

impl<'a> Ascii<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let (encoding, rest) = Encoding::split(bytes);
        Self { rest, encoding }
    }

    fn skip_space(mut self) -> Self {
        let mut next = self.clone();
        while next.next().is_some_and(|byte| super::is_space(char::from(byte))) {
            self = next.clone();
        }
        self
    }

    fn behind(&self, word: &str) -> Option<Self> {
        let mut at = self.clone();
        word.bytes().all(|byte| at.next() == Some(byte)).then_some(at)
    }

    fn past(&self, word: &str) -> Option<Self> {
        let mut at = self.clone();
        loop {
            if let Some(behind) = at.behind(word) {
                return Some(behind);
            }
            at.next()?;
        }
    }

    fn is_url(&self) -> bool {
        let mut scheme = [0u8; 8];
        let mut at = self.clone();
        for place in &mut scheme {
            if let Some(behind) = at.behind("://") {
                let word = scheme.split(|byte| *byte == 0).next().unwrap_or_default();
                return behind.clone().next().is_some()
                    && core::str::from_utf8(word).is_ok_and(is_allowed_scheme);
            }
            match at.next() {
                Some(byte) => *place = byte,
                None => return false,
            }
        }
        false
    }
}

impl Iterator for Ascii<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let byte = match (self.encoding, self.rest) {
            (Encoding::Utf16Le, [byte, high, rest @ ..]) | (Encoding::Utf16Be, [high, byte, rest @ ..]) => {
                self.rest = rest;
                if *high == 0 { *byte } else { 0x80 }
            }
            (Encoding::Utf8 | Encoding::Windows1252, [byte, rest @ ..]) => {
                self.rest = rest;
                *byte
            }
            _ => return None,
        };
        Some(if byte.is_ascii() { byte.to_ascii_lowercase() } else { 0x80 })
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn every_row_of_the_table_is_told_by_its_first_bytes() {
        for (bytes, kind) in [
            (&b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6"[..], Kind::Asf),
            (b"\x24\x48\x10\x00", Kind::Frames),
            (b"\xA4\x48", Kind::Frames),
            (b"\x24\x4D", Kind::Frames),
            (b"\xA4\x4D", Kind::Frames),
            (b"\x24\x50", Kind::Frames),
            (b" \r\n<aSx version = '3.0'>", Kind::Asx),
            (b"<ASX/>", Kind::Asx),
            (b"<?xml version='1.0'?>\n<!-- <html> -->\n<ASX>", Kind::Asx),
            (b"<!doctype asx><ASX>", Kind::Asx),
            (b"\xEF\xBB\xBF<ASX>", Kind::Asx),
            (b"<ASXES>", Kind::Unknown),
            (b"<   ASX>", Kind::Unknown),
            (b"<!-- <ASX>", Kind::Unknown),
            (b"[reference]\nref1=x", Kind::Reference),
            (b"[Address]\r\n", Kind::Nsc),
            (b"ASF http://h/x", Kind::OneLine),
            (b"ASF is a format", Kind::Unknown),
            (b"[playlist]", Kind::Pls),
            (b"#EXTM3U\n", Kind::M3u),
            (b"# radio\n#\n\nmms://h/x\n", Kind::UrlList),
            (b"HTTP://h", Kind::UrlList),
            (b"javascript://h", Kind::Unknown),
            (b"http://", Kind::Unknown),
            (b"# only a comment", Kind::Unknown),
            (b"<html>", Kind::Html),
            (b"<!DOCTYPE html>", Kind::Html),
            (b"", Kind::Unknown),
            (b"<", Kind::Unknown),
        ] {
            assert_eq!(sniff(bytes), kind, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn utf_16_is_told_like_ascii() {
        let wide: Vec<u8> = "\u{FEFF} [Reference]".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(sniff(&wide), Kind::Reference);
        let wide: Vec<u8> = "mms://h/x".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(sniff(&wide), Kind::UrlList);
    }
}
