//! Server and User-Agent (sections 2.2.1.5 and 2.2.1.8).

use core::fmt;

use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take_while1};
use nom::character::complete::{digit1, one_of};
use nom::combinator::{map_res, not, opt, value};
use nom::multi::fold_many_m_n;
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

/// The name of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProductName {
    /// A streaming server.
    Cougar,
    /// An encoder.
    Rex,
    /// A player.
    NsPlayer,
    /// A distribution server, or a proxy that does not cache.
    NsServer,
    /// A caching proxy.
    WmCacheProxy,
    /// Not of the family.
    Other,
}

/// The product at the start of a Server or User-Agent field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name.
    pub name: ProductName,
    /// Up to four numbers of its version; 4.0 if there is none (digest 3.3). 9.01 is 9.1.
    pub version: [u16; 4],
    /// Whether a slash stands before the version. VLC's server writes a blank, and takes any POST for a
    /// wish to stream.
    pub slash: bool,
    /// Whether `; via WMCacheProxy` follows.
    pub via_proxy: bool,
}

impl Product {
    /// A product as it is written.
    #[must_use]
    pub const fn new(name: ProductName, version: [u16; 4]) -> Self {
        Self { name, version, slash: true, via_proxy: false }
    }

    /// The product at the start of a field.
    #[must_use]
    pub fn parse(field: &str) -> Self {
        let other = Self { name: ProductName::Other, version: [4, 0, 0, 0], slash: true, via_proxy: false };
        let Ok((rest, name)) = name(field) else { return other };
        let (rest, found) = opt(version).parse_complete(rest).unwrap_or((rest, None));
        let (slash, version) = found.unwrap_or((true, [4, 0, 0, 0]));
        let via =
            tag_no_case::<&str, &str, nom::error::Error<&str>>("; via WMCacheProxy").parse_complete(rest);
        Self { name, version, slash, via_proxy: via.is_ok() }
    }

    /// Major and minor number, which the rules compare.
    #[must_use]
    pub const fn at_least(&self, major: u16, minor: u16) -> bool {
        let [own_major, own_minor, ..] = self.version;
        own_major > major || own_major == major && own_minor >= minor
    }

    /// Whether a client of this name speaks the protocol.
    #[must_use]
    pub const fn is_client(&self) -> bool {
        matches!(self.name, ProductName::NsPlayer | ProductName::NsServer | ProductName::WmCacheProxy)
    }

    /// Whether a server of this name speaks the protocol.
    #[must_use]
    pub const fn is_server(&self) -> bool {
        matches!(self.name, ProductName::Cougar | ProductName::Rex)
    }

    /// "Server 5.0 and up" in the token rules: Windows Media Services 9, or an encoder from 7 on.
    #[must_use]
    pub const fn is_modern_server(&self) -> bool {
        match self.name {
            ProductName::Cougar => self.at_least(5, 0),
            ProductName::Rex => self.at_least(7, 0),
            _ => false,
        }
    }
}

fn name(input: &str) -> IResult<&str, ProductName> {
    let known = alt((
        value(ProductName::Cougar, tag_no_case("Cougar")),
        value(ProductName::Rex, tag_no_case("Rex")),
        value(ProductName::NsPlayer, tag_no_case("NSPlayer")),
        value(ProductName::NsServer, tag_no_case("NSServer")),
        value(ProductName::WmCacheProxy, tag_no_case("WMCacheProxy")),
    ));
    // a longer word is another product
    let longer = take_while1(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    terminated(known, not(longer)).parse_complete(input)
}

fn version(input: &str) -> IResult<&str, (bool, [u16; 4])> {
    let (input, separator) = one_of("/ ").parse_complete(input)?;
    let number = || map_res(digit1, |digits: &str| digits.parse::<u16>());
    let (input, first) = number().parse_complete(input)?;
    let mut more = fold_many_m_n(
        0,
        3,
        preceded(take_while1(|c| c == '.'), number()),
        || ([first, 0, 0, 0], 1_usize),
        |(mut numbers, at): ([u16; 4], usize), found| {
            if let Some(place) = numbers.get_mut(at) {
                *place = found;
            }
            (numbers, at.saturating_add(1))
        },
    );
    let (input, (numbers, _)) = more.parse_complete(input)?;
    Ok((input, (separator == '/', numbers)))
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.name {
            ProductName::Cougar => "Cougar",
            ProductName::Rex => "Rex",
            ProductName::NsPlayer => "NSPlayer",
            ProductName::NsServer => "NSServer",
            ProductName::WmCacheProxy => "WMCacheProxy",
            ProductName::Other => "Other",
        };
        let [a, b, c, d] = self.version;
        let separator = if self.slash { '/' } else { ' ' };
        let via = if self.via_proxy { "; via WMCacheProxy" } else { "" };
        write!(f, "{name}{separator}{a}.{b}.{c}.{d}{via}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_real_peers_are_understood() {
        let parse = |text| {
            let product = Product::parse(text);
            (product.name, product.version, product.slash)
        };
        assert_eq!(parse("NSPlayer/4.1.0.3856"), (ProductName::NsPlayer, [4, 1, 0, 3856], true));
        assert_eq!(parse("Cougar/9.01.01.3814"), (ProductName::Cougar, [9, 1, 1, 3814], true));
        assert_eq!(parse("Cougar 4.1.0.3921"), (ProductName::Cougar, [4, 1, 0, 3921], false));
        assert_eq!(parse("NSPlayer/11.08.0005.0000"), (ProductName::NsPlayer, [11, 8, 5, 0], true));
        assert_eq!(parse("Rex"), (ProductName::Rex, [4, 0, 0, 0], true));
        assert_eq!(parse("rex/9.0 x/1"), (ProductName::Rex, [9, 0, 0, 0], true));
        for other in ["Mozilla/5.0", "", "NSPlayerX/9.0", "curl/8", "NS", "Lavf/59"] {
            assert_eq!(Product::parse(other).name, ProductName::Other, "{other}");
        }
        assert!(Product::parse("NSServer/9.0; via WMCacheProxy a/1").via_proxy);
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(Product::parse("Cougar/9.01").at_least(9, 1));
        assert!(!Product::parse("NSPlayer/8.99").at_least(9, 0));
        assert!(Product::parse("NSPlayer/10.0").at_least(9, 5));
        assert!(
            Product::parse("Rex/7.0").is_modern_server() && !Product::parse("Cougar/4.1").is_modern_server()
        );
        assert!(Product::parse("NSPlayer/70000.1").version == [4, 0, 0, 0]);
    }
}
