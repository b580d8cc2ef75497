//! What client and server call themselves.

use crate::text::Text;

/// What a client says it is (section 2.2.4.17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// The program.
    pub product: Product,
    /// Identifies the player, 36 ASCII characters without braces.
    pub guid: Option<[u8; 36]>,
}

/// The program in a subscriber name (section 2.2.4.17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Product {
    /// `NSPlayer/major.minor`, any player of the last decades.
    NsPlayer {
        /// Major version.
        major: u16,
        /// Minor version, 0 if there is none.
        minor: u16,
    },
    /// Windows Media Services 4 as a client: `Spooooon!` with two o or more.
    WindowsMediaServices,
    /// Anything else; treat it like NSPlayer/7.
    Other,
}

impl Subscriber {
    /// Code units that are looked at; real names have the player id within the first 70.
    pub const MAX_UNITS: usize = 512;

    /// Takes a subscriber name apart; what is not understood is left out.
    #[must_use]
    pub fn parse(name: Text<'_>) -> Self {
        Self { product: product(name), guid: guid(name) }
    }
}

fn product(name: Text<'_>) -> Product {
    let mut units = name.units().take(Subscriber::MAX_UNITS);
    let mut player = units.clone();
    if "NSPlayer/".encode_utf16().all(|c| player.next().is_some_and(|unit| eq_ignore_case(unit, c))) {
        let (major, dot) = number(&mut player);
        let minor = if dot == Some(u16::from(b'.')) { number(&mut player).0 } else { None };
        return major.map_or(Product::Other, |major| Product::NsPlayer { major, minor: minor.unwrap_or(0) });
    }
    let is = |unit: Option<u16>, c: u8| unit.is_some_and(|unit| eq_ignore_case(unit, c.into()));
    if !is(units.next(), b'S') || !is(units.next(), b'p') {
        return Product::Other;
    }
    let mut behind = units.clone().skip_while(|unit| eq_ignore_case(*unit, b'o'.into()));
    let spoons = units.take(2).all(|unit| eq_ignore_case(unit, b'o'.into()));
    if spoons && is(behind.next(), b'n') && is(behind.next(), b'!') {
        Product::WindowsMediaServices
    } else {
        Product::Other
    }
}

/// The first braces with 8-4-4-4-12 hexadecimal digits between them.
fn guid(name: Text<'_>) -> Option<[u8; 36]> {
    let mut units = name.units().take(Subscriber::MAX_UNITS);
    units.find(|unit| *unit == u16::from(b'{'))?;
    let mut guid = [0; 36];
    for (index, place) in guid.iter_mut().enumerate() {
        let byte = u8::try_from(units.next()?).ok()?;
        let fits = if matches!(index, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() };
        *place = fits.then_some(byte)?;
    }
    (units.next()? == u16::from(b'}')).then_some(guid)
}

/// A version of the server, `major.minor` of `ServerVersionInfo` (section 2.2.4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion {
    /// Major version, 0 if unknown.
    pub major: u16,
    /// Minor version, 0 if unknown.
    pub minor: u16,
}

impl ServerVersion {
    /// The version at the start of a text; numbers that are not there are 0.
    #[must_use]
    pub fn parse(text: Text<'_>) -> Self {
        let mut units = text.units();
        let (major, dot) = number(&mut units);
        let minor = if dot == Some(u16::from(b'.')) { number(&mut units).0 } else { None };
        Self { major: major.unwrap_or(0), minor: minor.unwrap_or(0) }
    }
}

/// The number of up to five digits at the start, `u16::MAX` if larger, and the unit behind it.
fn number(units: &mut impl Iterator<Item = u16>) -> (Option<u16>, Option<u16>) {
    let mut value = None;
    for unit in units.take(6) {
        match char::from_u32(unit.into()).and_then(|c| c.to_digit(10)).and_then(|d| u16::try_from(d).ok()) {
            Some(digit) => value = Some(value.unwrap_or(0_u16).saturating_mul(10).saturating_add(digit)),
            None => return (value, Some(unit)),
        }
    }
    (value, None)
}

fn eq_ignore_case(unit: u16, c: u16) -> bool {
    let lower = |unit: u16| u8::try_from(unit).map(|byte| byte.to_ascii_lowercase());
    lower(unit).is_ok_and(|unit| lower(c) == Ok(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn player(major: u16, minor: u16) -> Product {
        Product::NsPlayer { major, minor }
    }

    #[test]
    fn products_of_real_clients_are_recognised() {
        for (text, product) in [
            ("NSPlayer/4.1.0.3928; {68c0a090-8797-11d2-a2b3-00a0c9b60551}", player(4, 1)),
            ("NSPlayer/7.0.0.1956; {7E667F5D-A661-495E-A512-F55686DDA178}; Host: example", player(7, 0)),
            ("NSPlayer/10.0.0.3802", player(10, 0)),
            ("nsplayer/12", player(12, 0)),
            ("NSPlayer/99999.99999", player(u16::MAX, u16::MAX)),
            ("Spooooon!", Product::WindowsMediaServices),
            ("Spoon!", Product::WindowsMediaServices),
            ("Spooooooooooooon!", Product::WindowsMediaServices),
            ("Spon!", Product::Other),
            ("Spoooo", Product::Other),
            ("Spooxn!", Product::Other),
            ("NSPlayer/", Product::Other),
            ("NSPlayer", Product::Other),
            ("mpv/1.0", Product::Other),
            ("", Product::Other),
        ] {
            assert_eq!(Subscriber::parse(Text::Str(text)).product, product, "{text}");
        }
    }

    #[test]
    fn the_player_id_is_found_or_left_out() {
        let guid = |text| Subscriber::parse(Text::Str(text)).guid;
        assert_eq!(
            guid("NSPlayer/9.0.0.2980; {3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11}; Host: media.example.com"),
            Some(*b"3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11")
        );
        // CRT's malformed one.
        assert_eq!(guid("NSPlayer/7.0.0.1956; {babac001-d7f9-3374-f085658ba1e3ba91}"), None);
        assert_eq!(guid("NSPlayer/7.0.0.1956; {3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11"), None);
        assert_eq!(guid("NSPlayer/7.0.0.1956; {3300AD50-2C39-46C0-AE0A-1D3F5C9A7B1g}"), None);
        assert_eq!(guid("NSPlayer/7.0.0.1956"), None);
    }

    #[test]
    fn only_the_first_units_of_a_long_name_are_looked_at() {
        let mut name = " ".repeat(Subscriber::MAX_UNITS);
        name.push_str("{3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11}");
        assert_eq!(Subscriber::parse(Text::Str(&name)).guid, None);
        assert!(Subscriber::parse(Text::Str(&name[1 + 37..])).guid.is_some());
    }

    #[test]
    fn server_versions_are_read_up_to_the_second_number() {
        for (text, major, minor) in [
            ("9.01.01.3841", 9, 1),
            ("4.1.0.3858", 4, 1),
            ("9", 9, 0),
            ("", 0, 0),
            ("unknown", 0, 0),
            (".5", 0, 5),
            ("70000.1", u16::MAX, 1),
            ("111111111111.7", u16::MAX, 0),
        ] {
            assert_eq!(ServerVersion::parse(Text::Str(text)), ServerVersion { major, minor }, "{text}");
        }
    }
}
