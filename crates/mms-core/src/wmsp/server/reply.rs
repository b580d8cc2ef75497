//! The heads of responses (digest 6).

use core::fmt::{self, Display};

use super::config::Location;
use crate::wmsp::wire::{
    ContentRange, EntryFeatures, Field, HeaderLine, Product, Status, StatusLine, Supported, Token, Version,
};

/// A response head, for encoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) version: Version,
    pub(super) status: Status,
    pub(super) product: Product,
    /// the client speaks the protocol: it gets tokens
    pub(super) tokens: bool,
    pub(super) keep_alive: bool,
    pub(super) content_type: Option<&'static str>,
    pub(super) content_length: Option<u64>,
    pub(super) content_range: Option<ContentRange>,
    pub(super) accepts_ranges: bool,
    pub(super) features: Option<EntryFeatures>,
    pub(super) client_id: Option<u32>,
    pub(super) reset: bool,
    pub(super) timeout: Option<u32>,
    pub(super) speed: Option<Token<'static>>,
    pub(super) acceleration: Option<(u32, u32)>,
    pub(super) supported: Option<Supported>,
    pub(super) content_size: Option<u64>,
    pub(super) location: Option<Location>,
    pub(super) realm: Option<&'static str>,
    pub(super) allow: bool,
}

impl Reply {
    pub(super) fn new(version: Version, status: Status, product: Product) -> Self {
        Self {
            version,
            status,
            product,
            tokens: false,
            keep_alive: false,
            content_type: None,
            content_length: Some(0),
            content_range: None,
            accepts_ranges: false,
            features: None,
            client_id: None,
            reset: false,
            timeout: None,
            speed: None,
            acceleration: None,
            supported: None,
            content_size: None,
            location: None,
            realm: None,
            allow: false,
        }
    }

    /// One line of less than 60 characters that every client can read; what only newer ones know is on
    /// lines of its own (digest 17, server rule 5).
    fn tokens(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pragma: no-cache")?;
        if let Some(id) = self.client_id {
            write!(f, ", {}", Token::ClientId(id))?;
        }
        if let Some(features) = self.features {
            write!(f, ", {}", Token::Features(features))?;
        }
        f.write_str("\r\n")?;
        if let Some(timeout) = self.timeout.filter(|_| self.client_id.is_some()) {
            write!(f, "Pragma: {}\r\n", Token::Timeout(timeout))?;
        }
        if self.reset {
            write!(f, "Pragma: {}\r\n", Token::XResetStrm(true))?;
        }
        if let Some((rate, time)) = self.acceleration {
            write!(f, "Pragma: {}, {}\r\n", Token::AccelBw(rate), Token::AccelDuration(time))?;
        }
        if let Some(speed) = self.speed {
            write!(f, "Pragma: {speed}\r\n")?;
        }
        f.write_str("Cache-Control: no-cache")?;
        if let Some(size) = self.content_size {
            write!(f, ", x-wms-content-size={size}")?;
        } else if self.features.is_some_and(|features| features.contains(EntryFeatures::BROADCAST)) {
            f.write_str(", x-wms-stream-type=\"broadcast\"")?;
        }
        f.write_str("\r\n")
    }
}

impl Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        StatusLine(self.version, self.status).fmt(f)?;
        Field::Server(self.product).fmt(f)?;
        if let Some(content_type) = self.content_type {
            HeaderLine("Content-Type", content_type).fmt(f)?;
        }
        if let Some(len) = self.content_length.filter(|_| self.status != Status::NO_CONTENT) {
            Field::ContentLength(len).fmt(f)?;
        }
        if let Some(range) = self.content_range {
            Field::ContentRange(range).fmt(f)?;
        }
        if self.accepts_ranges {
            f.write_str("Accept-Ranges: bytes\r\n")?;
        }
        if self.tokens {
            self.tokens(f)?;
        }
        if let Some(supported) = self.supported {
            Field::Supported(supported).fmt(f)?;
        }
        if let Some(location) = &self.location {
            Field::Location(location.as_str()).fmt(f)?;
        }
        if let Some(realm) = self.realm {
            write!(f, "WWW-Authenticate: Basic realm=\"{realm}\"\r\n")?;
        }
        if self.allow {
            f.write_str("Allow: GET, HEAD, POST, OPTIONS\r\nPublic: GET, POST, OPTIONS\r\n")?;
        }
        f.write_str(if self.keep_alive {
            "Connection: Keep-Alive\r\n\r\n"
        } else {
            "Connection: close\r\n\r\n"
        })
    }
}
