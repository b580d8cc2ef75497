//! Header fields (section 2.2.1).

use core::fmt;

use crate::error::{DecodeError, Reason};

use super::cache::CacheControl;
use super::content_type::ContentType;
use super::head::Fields;
use super::product::Product;
use super::profile::StartupProfile;
use super::range::{ByteRange, ContentRange};
use super::supported::Supported;
use super::text::{Clean, same, utf8_prefix};

/// What a Connection field says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// `close` is listed.
    pub close: bool,
    /// `keep-alive` is listed.
    pub keep_alive: bool,
}

impl Connection {
    /// Decodes a comma list.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        let has = |name| list.split(',').any(|found| same(found.trim(), name));
        Self { close: has("close"), keep_alive: has("keep-alive") }
    }

    /// All Connection fields of a head together.
    #[must_use]
    pub fn of(fields: Fields<'_>) -> Self {
        let mut all = Self::default();
        for (name, value) in fields {
            if same(name, "Connection") {
                let one = Self::parse(utf8_prefix(value));
                all = Self { close: all.close || one.close, keep_alive: all.keep_alive || one.keep_alive };
            }
        }
        all
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.close, self.keep_alive) {
            (true, true) => "close, Keep-Alive",
            (true, false) => "close",
            (false, _) => "Keep-Alive",
        })
    }
}

macro_rules! fields {
    ($($(#[$meta:meta])* $variant:ident, $name:literal, $ty:ty, $parse:expr, $show:expr;)*) => {
        /// A header field. A known name with a value that does not follow its grammar is [`Field::Other`].
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Field<'a> {
            $($(#[$meta])* $variant($ty),)*
            /// Another field, or one with a malformed value; to be ignored.
            Other {
                /// Its name.
                name: &'a str,
                /// Its value.
                value: &'a str,
            },
        }

        impl<'a> Field<'a> {
            /// Decodes one line.
            #[must_use]
            pub fn decode(name: &'a str, value: &'a [u8]) -> Self {
                let value = utf8_prefix(value);
                let known = match name {
                    $(_ if same(name, $name) => ($parse)(value).map(Self::$variant),)*
                    _ => None,
                };
                known.unwrap_or(Self::Other { name, value })
            }
        }

        /// The line with its end, for encoding.
        impl fmt::Display for Field<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant(value) => write!(f, concat!($name, ": {}\r\n"), ($show)(*value)),)*
                    Self::Other { name, value } => write!(f, "{}: {}\r\n", Clean(name), Clean(value)),
                }
            }
        }

        #[cfg(feature = "arbitrary")]
        impl<'a> arbitrary::Arbitrary<'a> for Field<'a> {
            fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
                use super::generate::Generate;
                let field = match *u.choose(&[$($name,)* "X-New"])? {
                    $($name => Generate::generate(u).map(Self::$variant),)*
                    name => Ok(Self::Other { name, value: super::generate::word(u)? }),
                };
                // each product has its direction
                field.map(|field| match field {
                    Self::Server(product) if !product.is_server() => Self::UserAgent(product),
                    Self::UserAgent(product) if !product.is_client() => Self::Server(product),
                    field => field,
                })
            }
        }
    };
}

fn text(value: &str) -> Option<&str> {
    Some(value)
}

fn shown<T>(value: T) -> T {
    value
}

fields! {
    /// Where copies may be kept.
    CacheControl, "Cache-Control", CacheControl<'a>, |v| Some(CacheControl(v)), cleaned;
    /// Whether the connection stays.
    Connection, "Connection", Connection, |v| Some(Connection::parse(v)), shown;
    /// Bytes of the body.
    ContentLength, "Content-Length", u64, number, shown;
    /// The part of a file that the body is.
    ContentRange, "Content-Range", ContentRange, ContentRange::parse, shown;
    /// What the body is.
    ContentType, "Content-Type", ContentType<'a>, |v| Some(ContentType(v)), shown;
    /// A cookie of the client.
    Cookie, "Cookie", &'a str, text, Clean;
    /// Credentials.
    Authorization, "Authorization", &'a str, text, Clean;
    /// Name of the server that is meant.
    Host, "Host", &'a str, text, Clean;
    /// Where to go.
    Location, "Location", &'a str, text, Clean;
    /// Tokens of the protocol, which [`Tokens`](super::Tokens) takes apart.
    Pragma, "Pragma", &'a str, text, Clean;
    /// The part of a file that is wanted.
    Range, "Range", ByteRange, ByteRange::parse, shown;
    /// The server's product.
    Server, "Server", Product, |v| Some(Product::parse(v)).filter(Product::is_server), shown;
    /// A cookie of the server.
    SetCookie, "Set-Cookie", &'a str, text, Clean;
    /// Features of a peer of version 9 and up.
    Supported, "Supported", Supported, |v| Some(Supported::parse(v)), shown;
    /// How the body is coded.
    TransferEncoding, "Transfer-Encoding", &'a str, text, Clean;
    /// The client's product.
    UserAgent, "User-Agent", Product, |v| Some(Product::parse(v)).filter(Product::is_client), shown;
    /// Proxies on the way.
    Via, "Via", &'a str, text, Clean;
    /// What the server asks for.
    WwwAuthenticate, "WWW-Authenticate", &'a str, text, Clean;
    /// What the proxy asks for.
    ProxyAuthenticate, "Proxy-Authenticate", &'a str, text, Clean;
    /// Schemes that the client can use, best first (section 2.2.1.9).
    XAcceptAuthentication, "X-Accept-Authentication", &'a str, text, Clean;
    /// The same for proxies (section 2.2.1.10).
    XAcceptProxyAuthentication, "X-Accept-Proxy-Authentication", &'a str, text, Clean;
    /// Method of the original client (section 2.2.1.11).
    XProxyClientVerb, "X-Proxy-Client-Verb", &'a str, text, Clean;
    /// How the start can be sent faster (section 2.2.1.12).
    XStartupProfile, "X-StartupProfile", StartupProfile<'a>, StartupProfile::parse, shown;
}

fn cleaned(value: CacheControl<'_>) -> Clean<'_> {
    Clean(value.0)
}

/// A number as HTTP writes it: digits and nothing else.
fn number(value: &str) -> Option<u64> {
    if value.bytes().all(|byte| byte.is_ascii_digit()) { value.parse().ok() } else { None }
}

/// How long a body is (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyLen {
    /// Nothing says so.
    Unstated,
    /// So many bytes.
    Exact(u64),
    /// As the chunks say.
    Chunked,
    /// A coding that we do not know.
    UnknownCoding,
}

impl BodyLen {
    /// By the fields of a head. Two statements that contradict each other are an error: the next request
    /// could hide between them.
    pub(crate) fn of(fields: Fields<'_>) -> Result<Self, DecodeError> {
        let bad = DecodeError::new(Reason::ContentLength, 0);
        let (mut length, mut coding) = (None, None);
        for (name, value) in fields {
            if same(name, "Content-Length") {
                // to the letter: a proxy in front may read a malformed one otherwise
                let value = core::str::from_utf8(value).map_err(|_| bad)?;
                let found = number(value).filter(|_| !value.is_empty()).ok_or(bad)?;
                if length.is_some_and(|before| before != found) {
                    return Err(bad);
                }
                length = Some(found);
            } else if same(name, "Transfer-Encoding") {
                let value = core::str::from_utf8(value).map_err(|_| bad)?;
                let found = if same(value, "chunked") { Self::Chunked } else { Self::UnknownCoding };
                coding = Some(if coding.is_some() { Self::UnknownCoding } else { found });
            }
        }
        match (length, coding) {
            (Some(_), Some(_)) => Err(bad),
            (Some(length), None) => Ok(Self::Exact(length)),
            (None, Some(coding)) => Ok(coding),
            (None, None) => Ok(Self::Unstated),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::wmsp::wire::RequestHead;

    fn body(lines: &str) -> Result<BodyLen, Reason> {
        let head = std::format!("POST / HTTP/1.1\r\n{lines}\r\n");
        BodyLen::of(RequestHead::decode(head.as_bytes()).unwrap().fields).map_err(|error| error.reason)
    }

    #[test]
    fn lengths_that_contradict_each_other_are_refused() {
        assert_eq!(body(""), Ok(BodyLen::Unstated));
        assert_eq!(body("Content-Length: 5\r\ncontent-length: 5\r\n"), Ok(BodyLen::Exact(5)));
        assert_eq!(body("Transfer-Encoding: Chunked\r\n"), Ok(BodyLen::Chunked));
        assert_eq!(body("Transfer-Encoding: gzip, chunked\r\n"), Ok(BodyLen::UnknownCoding));
        assert_eq!(
            body("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            Ok(BodyLen::UnknownCoding)
        );
        for bad in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: -1\r\n",
            "Content-Length:\r\n",
            "Content-Length: 18446744073709551616\r\n",
        ] {
            assert_eq!(body(bad), Err(Reason::ContentLength), "{bad:?}");
        }
    }

    #[test]
    fn a_field_in_the_wrong_direction_or_form_is_another_field() {
        assert!(matches!(Field::decode("Server", b"Apache"), Field::Other { .. }));
        assert!(matches!(Field::decode("User-Agent", b"Cougar/9.0"), Field::Other { .. }));
        assert!(matches!(Field::decode("Range", b"bytes=0-1,2-3"), Field::Other { .. }));
        let injected = Field::Location("/a\r\nSet-Cookie: b");
        assert_eq!(injected.to_string(), "Location: /aSet-Cookie: b\r\n");
    }

    #[test]
    fn two_connection_lines_count_together() {
        let head = b"GET / HTTP/1.1\r\nConnection: Close\r\nConnection: x, keep-ALIVE\r\n\r\n";
        let found = Connection::of(RequestHead::decode(head).unwrap().fields);
        assert_eq!(found, Connection { close: true, keep_alive: true });
    }
}
