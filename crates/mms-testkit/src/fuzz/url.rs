//! URLs.

use mms_core::error::{Error, LimitName, Misuse};
use mms_core::url::{Url, UrlBuf};

/// A URL that is taken apart has a host, and its parts are parts of it; the path is decoded as a slow decoder does.
pub fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    check_url(&text, |text| Url::parse(text));
}

type Parse = for<'a> fn(&'a str) -> Result<Url<'a>, Error>;

fn check_url(text: &str, parse: Parse) {
    let parsed = match parse(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let secure = text.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
            let misuse = if secure { Misuse::SecureUrl } else { Misuse::Url };
            assert_eq!(error, Error::ApiMisuse(misuse));
            assert_eq!(UrlBuf::new(text).err(), Some(error));
            return;
        }
    };
    assert!(!parsed.host.is_empty() && !parsed.host.contains(['/', '@', '[', ']', ' ']));
    assert!(parsed.port != Some(0) && parsed.port_or_default() != 0);
    assert!(!parsed.path.contains('#'));
    // put together again it means the same
    let user = parsed.user_info.map(|user| format!("{user}@")).unwrap_or_default();
    let host = if parsed.host.contains(':') { format!("[{}]", parsed.host) } else { parsed.host.into() };
    let port = parsed.port.map(|port| format!(":{port}")).unwrap_or_default();
    let again = format!("{}://{user}{host}{port}/{}", parsed.scheme.as_str(), parsed.path);
    assert_eq!(parse(&again), Ok(parsed), "{text:?}");
    match UrlBuf::new(text) {
        Ok(buf) => {
            assert_eq!((buf.as_str(), buf.url()), (text, parsed));
            let slow = String::from_utf8(slowly_decoded(parsed.path.as_bytes()));
            assert_eq!(buf.decoded_path(), slow.as_deref().unwrap_or(parsed.path));
            let (scheme, port) = (parsed.scheme.as_str(), parsed.port_or_default());
            let shown = format!("{scheme}://{}:{port}/{}", parsed.host, parsed.path);
            assert_eq!(format!("{buf:?}"), shown, "user name and password are not shown");
        }
        Err(Error::Limit { limit: LimitName::NameChars, .. }) => assert!(text.len() > UrlBuf::LIMIT),
        Err(error) => panic!("{error}"),
    }
}

fn slowly_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < text.len() {
        if let (b'%', Some(high), Some(low)) = (text[at], digit(at + 1), digit(at + 2)) {
            decoded.push(u8::try_from(high * 16 + low).unwrap());
            at += 3;
        } else {
            decoded.push(text[at]);
            at += 1;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::super::panics;
    use super::*;

    #[test]
    fn a_parser_that_loses_a_part_is_caught() {
        let text = "mms://user@host:99/a%20b?c";
        check_url(text, |text| Url::parse(text));
        for plant in [
            (|text| {
                Url::parse(text).map(|mut url| {
                    url.port = None;
                    url
                })
            }) as Parse,
            |text| {
                Url::parse(text).map(|mut url| {
                    url.path = "";
                    url
                })
            },
            |text| {
                Url::parse(text).map(|mut url| {
                    url.host = "";
                    url
                })
            },
            |text| Url::parse(&text[..text.len() - 1]),
        ] {
            assert!(panics(|| check_url(text, plant)));
        }
    }
}
