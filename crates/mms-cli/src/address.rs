//! The URL of a stream, as the user gave it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::net::ToSocketAddrs;

use mms_core::url::{HTTP_PORT, MMS_PORT, Scheme, Url, percent_decoded};

use crate::exit::{Failure, Kind};
use crate::text::printable;

/// A URL that can be fetched, in parts.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    url: String,
    shown: String,
    host: String,
    port: u16,
    path: String,
    scheme: Scheme,
    has_credentials: bool,
}

impl Address {
    /// Checks a URL before anything is connected.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let usage = |message: String| Failure::new(Kind::Usage, message);
        let shown = redacted(text);
        match scheme.as_deref() {
            Some("mms" | "mmst" | "mmsu" | "mmsh" | "mmshttp" | "http") => {}
            Some("https") => {
                return Err(usage("https:// is not spoken: there is no TLS here".to_owned())
                    .with_hint("try the same URL with http://, or fetch the file with another program"));
            }
            Some(other) => {
                let other = printable(other);
                return Err(usage(format!(
                    "{other}:// is no scheme of Windows Media streams that is spoken"
                ))
                .with_hint("mms:// tries every transport: mms://HOST/NAME"));
            }
            None => {
                return Err(usage(format!("{shown:?} is not a URL"))
                    .with_hint(format!("write the scheme too: mms://{shown}")));
            }
        }
        let url = Url::parse(text).map_err(|_| {
            usage(format!("{shown:?} is not a URL of a stream"))
                .with_hint("the form is mms://HOST[:PORT]/NAME, an IPv6 address in [brackets]")
        })?;
        let port = url.port_or_default();
        let mut address = Self {
            url: text.to_owned(),
            shown: String::new(),
            host: url.host.to_owned(),
            port,
            path: url.path.to_owned(),
            scheme: url.scheme,
            has_credentials: url.user_info.is_some(),
        };
        let authority = address.authority();
        address.shown = format!("{}://{authority}/{}", url.scheme.as_str(), printable(url.path));
        Ok(address)
    }

    /// The URL for the client.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The URL for the eyes: without user name and password.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether there is a user name in it.
    pub(crate) fn has_credentials(&self) -> bool {
        self.has_credentials
    }

    /// Whether the name is that of a metafile, which has no output of its own.
    pub(crate) fn names_metafile(&self) -> bool {
        let name = self.file_name().unwrap_or_default().to_ascii_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        matches!(extension, "asx" | "wax" | "wvx" | "wmx" | "m3u" | "pls")
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", printable(&self.host), self.port)
        }
    }

    /// What to do when no connection comes about. Looks the name up, because that is the usual cause.
    pub(crate) fn connection_hint(&self) -> String {
        let found = (self.host.as_str(), self.port).to_socket_addrs();
        if found.is_ok_and(|mut addresses| addresses.next().is_some()) {
            let ports = match self.scheme {
                Scheme::Mms if self.port == MMS_PORT => format!("{MMS_PORT} or {HTTP_PORT}"),
                _ => self.port.to_string(),
            };
            format!("is a server running there, reachable on port {ports} and not full? MMS has port 1755")
        } else {
            format!("the name {} is not known; check its spelling", printable(&self.host))
        }
    }

    /// A name for a file in the current folder: the last part of the path, with nothing in it that could
    /// lead elsewhere or hide the file.
    pub(crate) fn file_name(&self) -> Option<String> {
        let path = self.path.split('?').next().unwrap_or_default();
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let decoded: Vec<u8> = percent_decoded(last).collect();
        let decoded = String::from_utf8_lossy(&decoded);
        let safe = |c: char| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            c if c.is_control() => '_',
            c => c,
        };
        let name: String = decoded.trim().trim_start_matches('.').chars().map(safe).collect();
        // `-` alone would be standard output
        let has_content = name.chars().any(|c| !matches!(c, '_' | '.' | '-') && !c.is_whitespace());
        has_content.then_some(name)
    }
}

/// A text that may be a URL, for the eyes: without user name and password.
pub(crate) fn redacted(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at.saturating_add(3));
    let (scheme, rest) = text.split_at(start);
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    printable(&format!("{scheme}{host}{path}"))
}

/// The URL under which a name is served at an address; an address that means all becomes loopback.
pub(crate) fn url_of(scheme: &str, listener: SocketAddr, name: &str) -> String {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("{scheme}://{}/{}", SocketAddr::new(ip, listener.port()), percent_encoded(name))
}

fn percent_encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(path: &str) -> Option<String> {
        Address::parse(&format!("mmst://host/{path}")).unwrap().file_name()
    }

    #[test]
    fn the_name_of_a_file_cannot_lead_elsewhere_or_hide() {
        assert_eq!(name_of("a/b%20c.wmv?x=/y").as_deref(), Some("b c.wmv"));
        assert_eq!(name_of("a/..%2F..%2Fetc%2Fpasswd").as_deref(), Some("_.._etc_passwd"));
        assert_eq!(name_of(".profile").as_deref(), Some("profile"));
        assert_eq!(name_of("a%0a%5cb.wma").as_deref(), Some("a__b.wma"));
        for nothing in ["", "..", "%2e%2e", "a/..", "?x", "%2F", "..%2F", "-", "--"] {
            assert_eq!(name_of(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn urls_that_are_not_spoken_say_what_is() {
        for (url, hint) in [
            ("https://host/a", "http://"),
            ("rtsp://host/a", "mms://HOST"),
            ("host/a.wmv", "mms://host/a.wmv"),
            ("mms://", "HOST"),
        ] {
            let failure = Address::parse(url).unwrap_err();
            assert_eq!(failure.kind, Kind::Usage);
            assert!(failure.hint.unwrap().contains(hint), "{url}");
        }
    }

    #[test]
    fn metafiles_are_known_by_their_names() {
        let is_metafile = |url| Address::parse(url).unwrap().names_metafile();
        assert!(is_metafile("http://h/a/List.ASX?x=1") && is_metafile("http://h/r.wax"));
        assert!(!is_metafile("http://h/asx") && !is_metafile("http://h/a.asx/b.wmv"));
    }

    #[test]
    fn a_password_is_not_shown() {
        let address = Address::parse("mms://me:secret@[::1]:80/a.wmv").unwrap();
        assert_eq!(address.shown(), "mms://[::1]:80/a.wmv");
        assert_eq!(redacted("http://me:secret@host/a@b"), "http://host/a@b");
        assert_eq!(redacted("me:secret@host"), "host");
        let failure = Address::parse("mms://me:secret@host:0/a").unwrap_err();
        assert!(!failure.message.contains("secret") && failure.message.contains("host"));
    }

    #[test]
    fn served_names_are_encoded_and_wildcards_become_loopback() {
        let url = |address: &str, name| url_of("mmst", address.parse().unwrap(), name);
        assert_eq!(url("0.0.0.0:1755", "a b/ü%.wmv"), "mmst://127.0.0.1:1755/a%20b/%C3%BC%25.wmv");
        assert_eq!(url("[::]:9", "x#?.wma"), "mmst://[::1]:9/x%23%3F.wma");
    }
}
