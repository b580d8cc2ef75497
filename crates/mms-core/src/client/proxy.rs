//! An HTTP proxy in fixed room.

use core::fmt;

use super::http::decoded;
use crate::error::{Error, LimitName, Misuse};
use crate::url::{Scheme, Url};
use crate::wmsp::wire::BasicAuthorization;

/// Most bytes of a host name, with the user name and password before it.
const HOST: usize = 255;
/// Most bytes of the list of exceptions.
const EXCEPT: usize = 512;

/// An HTTP proxy, and the hosts that are reached without it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proxy {
    /// user name and password, then the host
    host: [u8; HOST],
    user_len: u8,
    host_len: u8,
    port: u16,
    except: [u8; EXCEPT],
    except_len: usize,
}

impl Proxy {
    /// A proxy at an `http` URL, whose scheme may be left out. User name and password in it go to the proxy with each request
    /// (Basic authentication), and to nobody else. `except` lists hosts and domains, with commas or blanks
    /// between them, as the environment variable `no_proxy` does; `*` is all.
    ///
    /// # Errors
    /// `ApiMisuse` for what is no URL of an HTTP proxy, or for credentials that Basic authentication cannot carry; `Limit` for names and lists that are too long.
    pub fn new(url: &str, except: &str) -> Result<Self, Error> {
        let mut text = crate::text::Fixed::<{ HOST + 16 }>::default();
        let too_long = |found: usize, allowed: usize| {
            let wide = |count| u64::try_from(count).unwrap_or(u64::MAX);
            Error::limit(LimitName::NameChars, wide(found), wide(allowed))
        };
        let authority = match url.split_once("://") {
            Some(_) => url,
            None => {
                let written = fmt::Write::write_fmt(&mut text, format_args!("http://{url}"));
                written.map_err(|_| too_long(url.len(), HOST))?;
                text.as_str()
            }
        };
        let url = Url::parse(authority)?;
        let mut room = Default::default();
        let fits = |pair| decoded(pair, &mut room).is_some_and(|known| BasicAuthorization(known).fits());
        if url.scheme != Scheme::Http || !url.credentials().is_none_or(fits) {
            return Err(Error::ApiMisuse(Misuse::Url));
        }
        let port = url.port_or_default();
        let (mut host, mut list) = ([0; HOST], [0; EXCEPT]);
        let (user, except_len) = (url.user_info.unwrap_or_default(), except.len());
        let both = user.len().saturating_add(url.host.len());
        let names = host.get_mut(..both).ok_or_else(|| too_long(both, HOST))?;
        for (slot, byte) in names.iter_mut().zip(user.bytes().chain(url.host.bytes())) {
            *slot = byte;
        }
        let len = |text: &str| u8::try_from(text.len()).unwrap_or(0);
        let (user_len, host_len) = (len(user), len(url.host));
        let entries = list.get_mut(..except_len).ok_or_else(|| too_long(except_len, EXCEPT))?;
        entries.copy_from_slice(except.as_bytes());
        Ok(Self { host, user_len, host_len, port, except: list, except_len })
    }

    /// Name or address of the proxy.
    #[must_use]
    pub fn host(&self) -> &str {
        let behind = self.host.get(usize::from(self.user_len)..).unwrap_or_default();
        text_of(behind, usize::from(self.host_len))
    }

    /// User name and password as written.
    pub(super) fn credentials(&self) -> Option<(&str, &str)> {
        let text = text_of(&self.host, usize::from(self.user_len));
        (!text.is_empty()).then(|| text.split_once(':').unwrap_or((text, "")))
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether a host is reached through the proxy.
    #[must_use]
    pub fn serves(&self, host: &str, port: u16) -> bool {
        let list = text_of(&self.except, self.except_len);
        let mut entries =
            list.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|entry| !entry.is_empty());
        !entries.any(|entry| excepts(entry, host, port))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.host(), self.port)
    }
}

fn text_of(bytes: &[u8], len: usize) -> &str {
    bytes.get(..len).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
}

fn excepts(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    let (name, only) = match entry.rsplit_once(':') {
        // an IPv6 address has more than one colon
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => (name, digits.parse().ok()),
        _ => (entry, None),
    };
    if only.is_some_and(|only: u16| only != port) {
        return false;
    }
    let name = name.trim_start_matches("*.").trim_start_matches('.');
    let name = name.trim_start_matches('[').trim_end_matches(']');
    if name.is_empty() {
        return false;
    }
    let host = host.as_bytes();
    let tail = host.len().checked_sub(name.len()).and_then(|start| host.split_at_checked(start));
    tail.is_some_and(|(front, tail)| {
        tail.eq_ignore_ascii_case(name.as_bytes()) && front.last().is_none_or(|byte| *byte == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_url_or_its_authority() {
        let proxy = Proxy::new("http://proxy.example:3128/", "").unwrap();
        assert_eq!((proxy.host(), proxy.port()), ("proxy.example", 3128));
        let proxy = Proxy::new("[::1]:8", "").unwrap();
        assert_eq!((proxy.host(), proxy.port()), ("::1", 8));
        assert_eq!(Proxy::new("proxy", "").unwrap().port(), 80);
        let proxy = Proxy::new("me:se%40cret@proxy:8", "").unwrap();
        assert_eq!(
            (proxy.host(), proxy.port(), proxy.credentials()),
            ("proxy", 8, Some(("me", "se%40cret")))
        );
        assert_eq!(std::format!("{proxy:?}"), "Proxy(proxy:8)");
        for wrong in ["", "socks5://h:1", "mms://h", "http://u%3A:p@h", "http://%ff:p@h", "h:x"] {
            assert!(matches!(Proxy::new(wrong, ""), Err(Error::ApiMisuse(_))), "{wrong}");
        }
        let long = [b'a'; 300];
        let long = core::str::from_utf8(&long).unwrap();
        assert!(matches!(Proxy::new(long, ""), Err(Error::Limit { .. })));
    }

    #[test]
    fn exceptions_are_hosts_and_domains() {
        let proxy = Proxy::new("h:1", "localhost, .example.com,192.0.2.7 media.test:8080,[::1]").unwrap();
        for (host, port) in
            [("LOCALHOST", 80), ("example.com", 1), ("a.example.com", 1), ("192.0.2.7", 9), ("::1", 5)]
        {
            assert!(!proxy.serves(host, port), "{host}");
        }
        for (host, port) in [("notexample.com", 80), ("media.test", 80), ("192.0.2.70", 80), ("host", 80)] {
            assert!(proxy.serves(host, port), "{host}");
        }
        assert!(!proxy.serves("media.test", 8080));
        assert!(!Proxy::new("h:1", "*").unwrap().serves("anything", 80));
    }
}
