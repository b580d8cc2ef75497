//! Status codes (digest 6.2).

use core::fmt;

/// A status code. Unknown values stay what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(pub u16);

macro_rules! statuses {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $phrase:literal;)*) => {
        impl Status {
            $($(#[$meta])* pub const $name: Self = Self($code);)*

            /// The codes that have a name.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];

            /// The reason phrase; never empty.
            #[must_use]
            pub const fn phrase(self) -> &'static str {
                match self {
                    $(Self::$name => $phrase,)*
                    _ => "Unknown",
                }
            }
        }
    };
}

statuses! {
    /// Success.
    OK = 200, "OK";
    /// A log was accepted.
    NO_CONTENT = 204, "No Content";
    /// A range of a file.
    PARTIAL_CONTENT = 206, "Partial Content";
    /// Elsewhere, one of several.
    MULTIPLE_CHOICES = 300, "Multiple Choices";
    /// Elsewhere for good.
    MOVED_PERMANENTLY = 301, "Moved Permanently";
    /// Elsewhere.
    FOUND = 302, "Found";
    /// Elsewhere, by GET.
    SEE_OTHER = 303, "See Other";
    /// The copy of the client is good.
    NOT_MODIFIED = 304, "Not Modified";
    /// By the proxy named in Location.
    USE_PROXY = 305, "Use Proxy";
    /// Elsewhere for now.
    TEMPORARY_REDIRECT = 307, "Temporary Redirect";
    /// Elsewhere for good, with the same method.
    PERMANENT_REDIRECT = 308, "Permanent Redirect";
    /// The request is malformed or impossible.
    BAD_REQUEST = 400, "Bad Request";
    /// The server wants credentials.
    UNAUTHORIZED = 401, "Unauthorized";
    /// Not for this client.
    FORBIDDEN = 403, "Forbidden";
    /// There is no such content or session.
    NOT_FOUND = 404, "Not Found";
    /// The server does not do that with what it has.
    METHOD_NOT_ALLOWED = 405, "Method Not Allowed";
    /// The proxy wants credentials.
    PROXY_AUTHENTICATION_REQUIRED = 407, "Proxy Authentication Required";
    /// The request did not arrive in time.
    REQUEST_TIMEOUT = 408, "Request Timeout";
    /// The session streams on another connection.
    CONFLICT = 409, "Conflict";
    /// The body is larger than allowed.
    PAYLOAD_TOO_LARGE = 413, "Payload Too Large";
    /// The request line is longer than allowed.
    URI_TOO_LONG = 414, "URI Too Long";
    /// The file ends before the range.
    RANGE_NOT_SATISFIABLE = 416, "Range Not Satisfiable";
    /// The head is larger than allowed.
    HEADER_TOO_LARGE = 431, "Request Header Fields Too Large";
    /// Something in the server failed.
    INTERNAL_SERVER_ERROR = 500, "Internal Server Error";
    /// The server does not know the method or the transfer coding.
    NOT_IMPLEMENTED = 501, "Not Implemented";
    /// A limit is reached.
    SERVICE_UNAVAILABLE = 503, "Service Unavailable";
}

impl Status {
    /// Whether the request was granted.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 >= 200 && self.0 < 300
    }

    /// Whether the client shall go to Location with the same request.
    #[must_use]
    pub const fn is_redirect(self) -> bool {
        matches!(self.0, 300..=303 | 307 | 308)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.phrase())
    }
}
