//! Cache-Control (section 2.2.1.1).

use core::fmt;

use nom::branch::alt;
use nom::bytes::complete::{take_till, take_while1};
use nom::character::complete::{char, space0};
use nom::combinator::opt;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::text::{Clean, same};

/// One directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheDirective<'a> {
    /// `no-cache`: so that ignorant proxies do not cache.
    NoCache,
    /// Seconds that a copy may be used.
    MaxAge(u32),
    /// Freshness must be checked.
    MustRevalidate,
    /// The same for proxies only.
    ProxyRevalidate,
    /// Never on disk.
    NoStore,
    /// Not to be shared.
    Private,
    /// May be shared by anyone.
    Public,
    /// Proxies may share it.
    ProxyPublic,
    /// A player may keep and share it.
    UserPublic,
    /// Approximate bytes of the content.
    ContentSize(u64),
    /// Events that the server wants by SendEvent, as a comma list.
    EventSubscription(&'a str),
    /// Live content may be split to many clients.
    ProxySplit,
    /// `broadcast`, `playlist` or both, as a comma list.
    StreamType(&'a str),
    /// Another directive.
    Other {
        /// Its name.
        name: &'a str,
        /// Its value.
        value: Option<&'a str>,
    },
}

impl<'a> CacheDirective<'a> {
    fn of(name: &'a str, value: Option<&'a str>) -> Self {
        let number = || value.and_then(|value| value.parse::<u64>().ok());
        let found = match (name, value) {
            _ if same(name, "no-cache") => Some(Self::NoCache),
            _ if same(name, "max-age") => number().and_then(|n| u32::try_from(n).ok()).map(Self::MaxAge),
            _ if same(name, "must-revalidate") => Some(Self::MustRevalidate),
            _ if same(name, "proxy-revalidate") => Some(Self::ProxyRevalidate),
            _ if same(name, "no-store") => Some(Self::NoStore),
            _ if same(name, "private") => Some(Self::Private),
            _ if same(name, "public") => Some(Self::Public),
            _ if same(name, "proxy-public") => Some(Self::ProxyPublic),
            _ if same(name, "user-public") => Some(Self::UserPublic),
            _ if same(name, "x-wms-content-size") => number().map(Self::ContentSize),
            (_, Some(list)) if same(name, "x-wms-event-subscription") => Some(Self::EventSubscription(list)),
            _ if same(name, "x-wms-proxy-split") => Some(Self::ProxySplit),
            (_, Some(list)) if same(name, "x-wms-stream-type") => Some(Self::StreamType(list)),
            _ => None,
        };
        found.unwrap_or(Self::Other { name, value })
    }
}

impl fmt::Display for CacheDirective<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCache => f.write_str("no-cache"),
            Self::MaxAge(seconds) => write!(f, "max-age={seconds}"),
            Self::MustRevalidate => f.write_str("must-revalidate"),
            Self::ProxyRevalidate => f.write_str("proxy-revalidate"),
            Self::NoStore => f.write_str("no-store"),
            Self::Private => f.write_str("private"),
            Self::Public => f.write_str("public"),
            Self::ProxyPublic => f.write_str("proxy-public"),
            Self::UserPublic => f.write_str("user-public"),
            Self::ContentSize(bytes) => write!(f, "x-wms-content-size={bytes}"),
            Self::EventSubscription(list) => write!(f, "x-wms-event-subscription=\"{}\"", Clean(list)),
            Self::ProxySplit => f.write_str("x-wms-proxy-split"),
            Self::StreamType(list) => write!(f, "x-wms-stream-type=\"{}\"", Clean(list)),
            Self::Other { name, value: Some(value) } => write!(f, "{}=\"{}\"", Clean(name), Clean(value)),
            Self::Other { name, value: None } => Clean(name).fmt(f),
        }
    }
}

/// The value of a Cache-Control field as received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheControl<'a>(pub &'a str);

impl<'a> CacheControl<'a> {
    /// The directives in order.
    #[must_use]
    pub fn iter(&self) -> CacheDirectives<'a> {
        CacheDirectives { rest: self.0 }
    }

    /// Whether a client may keep a copy (section 3.1.5.3).
    #[must_use]
    pub fn may_be_cached(&self) -> bool {
        let allows = |directive| {
            matches!(
                directive,
                CacheDirective::Public | CacheDirective::ProxyPublic | CacheDirective::UserPublic
            )
        };
        self.iter().any(allows)
    }
}

/// The directives of a [`CacheControl`].
#[derive(Clone, Debug)]
pub struct CacheDirectives<'a> {
    rest: &'a str,
}

impl<'a> Iterator for CacheDirectives<'a> {
    type Item = CacheDirective<'a>;

    fn next(&mut self) -> Option<CacheDirective<'a>> {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',', '=']);
        if self.rest.is_empty() {
            return None;
        }
        let (rest, found) = directive(self.rest).ok()?;
        self.rest = rest;
        Some(found)
    }
}

fn directive(input: &str) -> IResult<&str, CacheDirective<'_>> {
    let (input, name) = take_while1(|c: char| !matches!(c, '=' | ',')).parse_complete(input)?;
    let quoted = delimited(char('"'), take_till(|c| c == '"'), opt(char('"')));
    let value = alt((quoted, take_till(|c| c == ',')));
    let (input, value) = opt(preceded((char('='), space0), value)).parse_complete(input)?;
    let (input, _) = take_till(|c| c == ',').parse_complete(input)?;
    Ok((input, CacheDirective::of(name.trim(), value.map(str::trim))))
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_value_of_a_real_server_is_taken_apart_and_put_together() {
        let value = "no-cache, max-age=0, x-wms-stream-type=\"broadcast,playlist\", user-public, must-revalidate, x-wms-proxy-split, x-new=\"1\"";
        let control = CacheControl(value);
        assert!(control.iter().any(|found| found == CacheDirective::StreamType("broadcast,playlist")));
        assert!(control.may_be_cached() && !CacheControl("no-cache").may_be_cached());
        let again: Vec<_> = control.iter().map(|found| found.to_string()).collect();
        assert_eq!(again.join(", "), value);
        assert_eq!(CacheControl(",, =a, max-age=x").iter().count(), 2);
    }
}
