//! From a reference as written to an absolute URL (RFC 3986, section 5), and what may be followed (digest 7).

use core::fmt;

use nom::bytes::complete::{take_till, take_while};
use nom::character::complete::{char, satisfy};
use nom::combinator::{opt, recognize};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

use super::URL_LIMIT;
use super::value::Value;
use crate::text::Fixed;

/// The schemes that a metafile may name.
const SCHEMES: [&str; 11] =
    ["http", "https", "mms", "mmsh", "mmshttp", "mmst", "mmsu", "rtsp", "rtspt", "rtspu", "asfm"];

/// Most bytes of a host name.
const HOST_LIMIT: usize = 255;

/// Where the metafile came from, after all redirects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Base<'a> {
    /// A URL.
    Url(&'a str),
    /// A file of the user's, which may name other files.
    Local,
}

/// What a reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target<'b> {
    /// An absolute URL of an allowed scheme, which is in lower case, without fragment, blank or control character.
    Url(&'b str),
    /// A path or `file:` URL as written in a local metafile, relative to its folder.
    Local(&'b str),
}

/// Why a reference leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unresolved {
    /// There is nothing in it.
    Empty,
    /// The scheme is none that a metafile may name.
    Scheme,
    /// The host is missing, too long, or has characters that no host has.
    Host,
    /// A file, UNC path or backslash in a metafile that came over the network.
    Local,
    /// The base is no URL.
    Base,
    /// The URL is longer than [`URL_LIMIT`](super::URL_LIMIT) or the buffer.
    TooLong,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "reference is empty",
            Self::Scheme => "scheme is none that a metafile may name",
            Self::Host => "host is missing or malformed",
            Self::Local => "local reference in a metafile of the network",
            Self::Base => "base is no URL",
            Self::TooLong => "URL is too long",
        })
    }
}

impl core::error::Error for Unresolved {}

/// Whether a metafile may name a scheme.
pub(super) fn is_allowed_scheme(scheme: &str) -> bool {
    SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme))
}

/// Writes what a reference leads to into `out`, for which [`URL_LIMIT`](super::URL_LIMIT) bytes are enough. Only the
/// place of the metafile counts as base, never its BASE element. Credentials of the base stay with its host.
///
/// # Errors
/// The reference is to be skipped; `out` holds nothing of use.
pub fn resolve<'b>(
    base: Base<'_>,
    reference: Value<'_>,
    out: &'b mut [u8],
) -> Result<Target<'b>, Unresolved> {
    let mut written = Fixed::<URL_LIMIT>::default();
    for c in reference.url() {
        fmt::Write::write_char(&mut written, c).map_err(|_| Unresolved::TooLong)?;
    }
    let written = written.as_str();
    if written.is_empty() {
        return Err(Unresolved::Empty);
    }
    let mut out = Out { bytes: out, len: 0 };
    let reference = Parts::of(written);
    let before_query = written.split(['?', '#']).next().unwrap_or_default();
    let is_file =
        reference.scheme.is_some_and(|scheme| scheme.len() == 1 || scheme.eq_ignore_ascii_case("file"));
    let base = match base {
        Base::Local if is_file || before_query.contains('\\') || reference.scheme.is_none() => {
            out.push(written)?;
            return Ok(Target::Local(out.finish()));
        }
        _ if is_file || before_query.contains('\\') => return Err(Unresolved::Local),
        Base::Local => Parts::default(),
        Base::Url(url) => Parts::of(url),
    };
    let whole = match (reference.scheme, reference.authority) {
        (Some(_), _) => reference,
        (None, Some(_)) => Parts { scheme: base.scheme, ..reference },
        (None, None) => Parts { scheme: base.scheme, authority: base.authority, ..reference },
    };
    let scheme = whole.scheme.ok_or(Unresolved::Base)?;
    if !is_allowed_scheme(scheme) {
        return Err(Unresolved::Scheme);
    }
    let authority = whole.authority.filter(|authority| is_authority(authority)).ok_or(Unresolved::Host)?;
    out.push(scheme)?;
    out.lower();
    out.push("://")?;
    out.push(authority)?;
    let inherits = reference.scheme.is_none() && reference.authority.is_none();
    write_path(&mut out, if inherits { base.path } else { "" }, whole.path)?;
    let query = whole.query.or(base.query.filter(|_| inherits && whole.path.is_empty()));
    if let Some(query) = query {
        out.push("?")?;
        out.push(query)?;
    }
    Ok(Target::Url(out.finish()))
}

fn is_authority(authority: &str) -> bool {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let fits = !host.is_empty() && !host.starts_with(':') && host.len() <= HOST_LIMIT;
    fits && !authority.contains(|c: char| {
        c.is_control() || matches!(c, ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
    })
}

/// The path of a reference behind that of the base, without `.` and `..`.
fn write_path(out: &mut Out<'_>, base: &str, path: &str) -> Result<(), Unresolved> {
    let folder = match path {
        "" => base,
        _ if path.starts_with('/') => "",
        _ => base.rsplit_once('/').map_or("", |(folder, _)| folder),
    };
    let start = out.len;
    let behind = path.strip_prefix('/').unwrap_or(path);
    let folder = folder.strip_prefix('/').unwrap_or(folder);
    let in_folder = folder.split('/').filter(|_| !folder.is_empty());
    let in_path = behind.split('/').filter(|_| !path.is_empty());
    let mut last = "";
    for segment in in_folder.chain(in_path) {
        match segment {
            "." => {}
            ".." => out.back_to_slash(start),
            _ => {
                out.push("/")?;
                out.push(segment)?;
            }
        }
        last = segment;
    }
    if matches!(last, "." | "..") {
        out.push("/")?;
    }
    Ok(())
}

/// The parts of a URL or reference; the fragment is dropped.
#[derive(Clone, Copy, Debug, Default)]
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        parts(text).map_or(Self::default(), |(_, parts)| parts)
    }
}

fn parts(input: &str) -> IResult<&str, Parts<'_>> {
    let rest_of_scheme = take_while(|c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let scheme = recognize((satisfy(|c| c.is_ascii_alphabetic()), rest_of_scheme));
    let (input, scheme) = opt(terminated(scheme, char(':'))).parse_complete(input)?;
    let ends = |c| matches!(c, '/' | '?' | '#');
    let (input, authority) = opt(preceded((char('/'), char('/')), take_till(ends))).parse_complete(input)?;
    let (input, path) = take_till(|c| matches!(c, '?' | '#')).parse_complete(input)?;
    let (input, query) = opt(preceded(char('?'), take_till(|c| c == '#'))).parse_complete(input)?;
    Ok((input, Parts { scheme, authority, path, query }))
}

struct Out<'b> {
    bytes: &'b mut [u8],
    len: usize,
}

impl<'b> Out<'b> {
    /// Appends text, blanks percent-encoded.
    fn push(&mut self, text: &str) -> Result<(), Unresolved> {
        for (n, piece) in text.split(' ').enumerate() {
            if n > 0 {
                self.push_bytes(b"%20")?;
            }
            self.push_bytes(piece.as_bytes())?;
        }
        Ok(())
    }

    fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), Unresolved> {
        let end = self.len.saturating_add(bytes.len());
        if end > URL_LIMIT {
            return Err(Unresolved::TooLong);
        }
        self.bytes.get_mut(self.len..end).ok_or(Unresolved::TooLong)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    fn lower(&mut self) {
        self.bytes.get_mut(..self.len).unwrap_or_default().make_ascii_lowercase();
    }

    /// Takes away the last segment and its slash.
    fn back_to_slash(&mut self, start: usize) {
        let path = self.bytes.get(start..self.len).unwrap_or_default();
        let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        self.len = start.saturating_add(slash);
    }

    fn finish(self) -> &'b str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};

    use super::*;

    fn from(base: &str, reference: &str) -> Result<String, Unresolved> {
        let mut out = [0; URL_LIMIT];
        match resolve(Base::Url(base), Value::attribute(reference), &mut out)? {
            Target::Url(url) => Ok(url.to_string()),
            Target::Local(path) => panic!("{path} is local"),
        }
    }

    #[test]
    fn the_examples_of_the_rfc_hold() {
        for (reference, url) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g?y#s", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("./g/.", "http://a/b/c/g/"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
        ] {
            assert_eq!(from("http://a/b/c/d;p?q", reference).as_deref(), Ok(url), "{reference}");
        }
    }

    #[test]
    fn absolute_references_keep_nothing_of_the_base() {
        let base = "http://me:secret@a:80/x/y.asx?q";
        assert_eq!(from(base, "MMS://H/Live").as_deref(), Ok("mms://H/Live"));
        assert_eq!(from(base, "//h/z").as_deref(), Ok("http://h/z"));
        assert_eq!(from(base, "z").as_deref(), Ok("http://me:secret@a:80/x/z"));
        assert_eq!(from("http://a", "z").as_deref(), Ok("http://a/z"));
        assert_eq!(from(base, " ht\r\ntp://h/a b&amp;c ").as_deref(), Ok("http://h/a%20b&c"));
    }

    #[test]
    fn what_a_metafile_may_not_name_is_refused() {
        for (reference, reason) in [
            ("", Unresolved::Empty),
            (" &#10;", Unresolved::Empty),
            ("javascript:alert(1)", Unresolved::Scheme),
            ("res://x", Unresolved::Scheme),
            ("ftp://h/x", Unresolved::Scheme),
            ("mms:x", Unresolved::Host),
            ("mms:///x", Unresolved::Host),
            ("mms://:80/x", Unresolved::Host),
            ("mms://a b/x", Unresolved::Host),
            ("mms://me@/x", Unresolved::Host),
            ("file:///etc/passwd", Unresolved::Local),
            ("FILE:x", Unresolved::Local),
            ("c:\\x.wma", Unresolved::Local),
            ("c:/x.wma", Unresolved::Local),
            ("\\\\server\\share", Unresolved::Local),
            ("mms:\\\\h\\x", Unresolved::Local),
        ] {
            assert_eq!(from("http://a/b", reference), Err(reason), "{reference}");
        }
        assert_eq!(from("nonsense", "x"), Err(Unresolved::Base));
        assert_eq!(from("http://a/", "x?a=\\b").as_deref(), Ok("http://a/x?a=\\b"));
    }

    #[test]
    fn a_local_metafile_may_name_files() {
        let mut out = [0; 64];
        for reference in ["x.wma", "..\\x.wma", "c:\\x.wma", "file:///x.wma", "\\\\server\\share"] {
            let found = resolve(Base::Local, Value::attribute(reference), &mut out);
            assert_eq!(found, Ok(Target::Local(reference)));
        }
        let found = resolve(Base::Local, Value::attribute("mms://h/x"), &mut out);
        assert_eq!(found, Ok(Target::Url("mms://h/x")));
        let found = resolve(Base::Local, Value::attribute("javascript:x"), &mut out);
        assert_eq!(found, Err(Unresolved::Scheme));
    }

    #[test]
    fn the_limits_hold() {
        let host = "h".repeat(HOST_LIMIT);
        let name = std::format!("mms://{host}/");
        assert_eq!(from("http://a/", &name).as_deref(), Ok(&*name));
        assert_eq!(from("http://a/", &std::format!("mms://{host}h/")), Err(Unresolved::Host));
        let long = "x".repeat(URL_LIMIT - "http://a/".len());
        assert_eq!(from("http://a/", &long).map(|url| url.len()), Ok(URL_LIMIT));
        assert_eq!(from("http://a/", &(long + "x")), Err(Unresolved::TooLong));
        let mut short = [0; 8];
        assert_eq!(
            resolve(Base::Url("http://a/"), Value::attribute("x"), &mut short),
            Err(Unresolved::TooLong)
        );
    }
}
