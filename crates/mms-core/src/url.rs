//! URLs of the mms family (digest 7.1), and those of HTTP.

use core::fmt;

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_till, take_while1};
use nom::character::complete::char;
use nom::combinator::{map_res, opt, rest, value, verify};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use crate::error::{Error, LimitName, Misuse};

/// The port of MMS, for TCP and UDP.
pub const MMS_PORT: u16 = 1755;
/// The port of HTTP.
pub const HTTP_PORT: u16 = 80;

/// What a URL says about the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `mms`: the client tries one transport after the other.
    Mms,
    /// `mmst`: MMS with media over TCP.
    Mmst,
    /// `mmsu`: MMS with media over UDP.
    Mmsu,
    /// `mmsh` or `mmshttp`: HTTP.
    Mmsh,
    /// `http`: HTTP, and whatever the server has there.
    Http,
}

impl Scheme {
    /// The scheme as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mms => "mms",
            Self::Mmst => "mmst",
            Self::Mmsu => "mmsu",
            Self::Mmsh => "mmsh",
            Self::Http => "http",
        }
    }
}

/// The parts of a URL. `Debug` shows no user name and no password.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Url<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// `user` or `user:password`, as written.
    pub user_info: Option<&'a str>,
    /// Name or address of the host, an IPv6 address without brackets.
    pub host: &'a str,
    /// The port, if there is one.
    pub port: Option<u16>,
    /// Path without the leading slash, and query, as written.
    pub path: &'a str,
}

impl fmt::Debug for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Url")
            .field("scheme", &self.scheme)
            .field("user_info", &self.user_info.map(|_| "..."))
            .field("host", &self.host)
            .field("port", &self.port)
            .field("path", &self.path)
            .finish()
    }
}

impl<'a> Url<'a> {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// `ApiMisuse(Url)` if its scheme is not known or it has no host, `ApiMisuse(SecureUrl)` for `https`.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        match url(text) {
            Ok(("", parsed)) => Ok(parsed),
            _ if text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")) => {
                Err(Error::ApiMisuse(Misuse::SecureUrl))
            }
            _ => Err(Error::ApiMisuse(Misuse::Url)),
        }
    }

    /// The port, or that of the scheme.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(match self.scheme {
            Scheme::Mms | Scheme::Mmst | Scheme::Mmsu => MMS_PORT,
            Scheme::Mmsh | Scheme::Http => HTTP_PORT,
        })
    }

    /// User name and password as written.
    #[must_use]
    pub fn credentials(&self) -> Option<(&'a str, &'a str)> {
        self.user_info.map(|text| text.split_once(':').unwrap_or((text, "")))
    }
}

fn url(input: &str) -> IResult<&str, Url<'_>> {
    let scheme = alt((
        value(Scheme::Mmst, tag_no_case("mmst")),
        value(Scheme::Mmsu, tag_no_case("mmsu")),
        value(Scheme::Mmsh, tag_no_case("mmshttp")),
        value(Scheme::Mmsh, tag_no_case("mmsh")),
        value(Scheme::Mms, tag_no_case("mms")),
        value(Scheme::Http, tag_no_case("http")),
    ));
    let (input, scheme) = terminated(scheme, tag("://")).parse_complete(input)?;
    let (path, authority) = take_till(|c| matches!(c, '/' | '?' | '#')).parse_complete(input)?;
    let (user_info, host_port) = match authority.rsplit_once('@') {
        Some((user_info, host_port)) => (Some(user_info), host_port),
        None => (None, authority),
    };
    let (_, (host, port)) = host_port_(host_port)?;
    let path = path.split('#').next().unwrap_or_default();
    let (_, path) = preceded(opt(char('/')), rest).parse_complete(path)?;
    Ok(("", Url { scheme, user_info, host, port, path }))
}

fn host_port_(input: &str) -> IResult<&str, (&str, Option<u16>)> {
    let bracketed = delimited(
        char('['),
        take_while1(|c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '%')),
        char(']'),
    );
    let name = take_while1(|c: char| !c.is_ascii_control() && !matches!(c, ':' | '[' | ']' | ' '));
    let number = map_res(take_while1(|c: char| c.is_ascii_digit()), str::parse::<u16>);
    let port = preceded(char(':'), verify(number, |port| *port > 0));
    nom::combinator::all_consuming((alt((bracketed, name)), opt(port))).parse_complete(input)
}

/// A URL that owns its text, in fixed room: what a redirect needs without allocating.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlBuf {
    bytes: [u8; UrlBuf::LIMIT],
    len: usize,
    decoded: [u8; UrlBuf::LIMIT],
    decoded_len: usize,
}

impl UrlBuf {
    /// Most bytes of a URL.
    pub const LIMIT: usize = 1024;

    /// Copies a URL.
    ///
    /// # Errors
    /// As [`Url::parse`], or `Limit` if it is too long.
    pub fn new(text: &str) -> Result<Self, Error> {
        let too_long = || Error::limit(LimitName::NameChars, text.len() as u64, Self::LIMIT as u64);
        let url = Url::parse(text)?;
        let mut buf =
            Self { bytes: [0; Self::LIMIT], len: text.len(), decoded: [0; Self::LIMIT], decoded_len: 0 };
        buf.bytes.get_mut(..text.len()).ok_or_else(too_long)?.copy_from_slice(text.as_bytes());
        for (slot, byte) in buf.decoded.iter_mut().zip(percent_decoded(url.path)) {
            *slot = byte;
            buf.decoded_len = buf.decoded_len.saturating_add(1);
        }
        Ok(buf)
    }

    /// The URL as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The parts of the URL.
    #[must_use]
    pub fn url(&self) -> Url<'_> {
        Url::parse(self.as_str()).unwrap_or(Url {
            scheme: Scheme::Mms,
            user_info: None,
            host: "",
            port: None,
            path: "",
        })
    }

    /// The path as MMS wants it: percent-decoded; as written if the decoded bytes are not UTF-8.
    #[must_use]
    pub fn decoded_path(&self) -> &str {
        let decoded = self.decoded.get(..self.decoded_len).unwrap_or_default();
        core::str::from_utf8(decoded).unwrap_or_else(|_| self.url().path)
    }
}

impl fmt::Debug for UrlBuf {
    /// Without user name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url();
        write!(f, "{}://{}:{}/{}", url.scheme.as_str(), url.host, url.port_or_default(), url.path)
    }
}

/// The bytes of a percent-encoded text; a `%` without two hexadecimal digits stands for itself.
pub fn percent_decoded(text: &str) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text.as_bytes();
    core::iter::from_fn(move || {
        let (first, behind) = rest.split_first()?;
        rest = behind;
        if let (b'%', Some((digits, behind))) = (first, behind.split_first_chunk::<2>()) {
            let digits = core::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'));
            if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                rest = behind;
                return Some(byte);
            }
        }
        Some(*first)
    })
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn every_part_is_found() {
        let url = Url::parse("mmst://me:p%40ss@media.example.com:8080/a%20b/c.wmv?WMCache=0#x").unwrap();
        assert_eq!(url.scheme, Scheme::Mmst);
        assert_eq!(url.user_info, Some("me:p%40ss"));
        assert_eq!((url.host, url.port), ("media.example.com", Some(8080)));
        assert_eq!(url.path, "a%20b/c.wmv?WMCache=0");
        let url = Url::parse("MMS://[2001:db8::1]").unwrap();
        assert_eq!(
            (url.scheme, url.host, url.port_or_default(), url.path),
            (Scheme::Mms, "2001:db8::1", 1755, "")
        );
        assert_eq!(Url::parse("mmshttp://h/x").unwrap().port_or_default(), 80);
        assert_eq!(Url::parse("mmsh://h?x").unwrap().path, "?x");
        let url = Url::parse("HTTP://u@h/x").unwrap();
        assert_eq!(
            (url.scheme, url.port_or_default(), url.credentials()),
            (Scheme::Http, 80, Some(("u", "")))
        );
    }

    #[test]
    fn what_is_no_url_of_the_family_is_refused() {
        for text in [
            "",
            "mms:/h",
            "ftp://h/",
            "mms://",
            "mms://:1/",
            "mms://h:0/",
            "mms://h:70000/",
            "mms://[::1",
            "mms://a b/",
        ] {
            assert_eq!(Url::parse(text), Err(Error::ApiMisuse(Misuse::Url)), "{text}");
        }
        assert_eq!(Url::parse("httpS://h/"), Err(Error::ApiMisuse(Misuse::SecureUrl)));
    }

    #[test]
    fn decoding_keeps_what_is_not_encoded() {
        let decoded: Vec<u8> = percent_decoded("a%20b%zz%4").collect();
        assert_eq!(decoded, b"a b%zz%4");
        assert_eq!(percent_decoded("%+1").collect::<Vec<_>>(), b"%+1");
        let buf = UrlBuf::new("mms://h/%C3%A9%2Fx").unwrap();
        assert_eq!(buf.decoded_path(), "é/x");
        assert_eq!(UrlBuf::new("mms://h/%FF").unwrap().decoded_path(), "%FF");
    }

    #[test]
    fn a_url_beyond_the_limit_is_an_error_and_debug_hides_the_password() {
        let mut long = String::from("mms://h/");
        long.extend(core::iter::repeat_n('a', UrlBuf::LIMIT));
        assert!(matches!(UrlBuf::new(&long), Err(Error::Limit { found: 1032, allowed: 1024, .. })));
        assert_eq!(std::format!("{:?}", UrlBuf::new("mms://u:secret@h/x").unwrap()), "mms://h:1755/x");
    }
}
