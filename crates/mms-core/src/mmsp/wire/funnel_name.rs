//! The funnel name: `\\address\protocol\port` (section 2.2.4.18).

use core::fmt::{self, Write as _};
use core::net::IpAddr;

use crate::error::{DecodeError, Reason};
use crate::text::{Chars, Text};

/// How media travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the protocol has these two")]
pub enum FunnelTransport {
    /// On the control connection.
    Tcp,
    /// In datagrams of its own.
    Udp,
}

/// The parts of a funnel name (section 2.2.4.18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunnelName<'a> {
    /// How media shall travel.
    pub transport: FunnelTransport,
    /// The client's UDP port; without meaning for TCP, 0 if it is no port there.
    pub port: u16,
    /// What the client takes for its address; a server uses the address of the TCP connection.
    pub address: FunnelAddress<'a>,
}

impl<'a> FunnelName<'a> {
    /// Characters that the address may have.
    pub const MAX_ADDRESS: usize = 256;

    /// Takes a funnel name apart; what follows the port is ignored.
    ///
    /// `CUBDD`, which WebTV boxes send, counts as UDP to its first port.
    ///
    /// # Errors
    ///
    /// `FunnelName` for another form or an address above [`Self::MAX_ADDRESS`], `Value` for UDP to a port
    /// outside 1 to 65535. The offset counts bytes of UTF-16 from the start of the text.
    pub fn parse(name: Text<'a>) -> Result<Self, DecodeError> {
        let mut scanner = Scanner { chars: name.chars(), taken: 0 };
        if scanner.chars.next() != Some('\\') || scanner.chars.next() != Some('\\') {
            return Err(DecodeError::new(Reason::FunnelName, 0));
        }
        scanner.taken = 2;
        let address = FunnelAddress { name, len: scanner.address()? };
        let at = scanner.offset();
        let mut protocol = [0; 5];
        let transport = match scanner.token(&mut protocol) {
            Some(token) if token.eq_ignore_ascii_case(b"TCP") => FunnelTransport::Tcp,
            Some(token) if token.eq_ignore_ascii_case(b"UDP") => FunnelTransport::Udp,
            Some(token) if token.eq_ignore_ascii_case(b"CUBDD") => FunnelTransport::Udp,
            _ => return Err(DecodeError::new(Reason::FunnelName, at)),
        };
        let at = scanner.offset();
        let mut digits = [0; 5];
        let port = match (transport, scanner.token(&mut digits).and_then(port)) {
            (_, Some(port)) => port,
            (FunnelTransport::Tcp, None) => 0,
            (FunnelTransport::Udp, None) => return Err(DecodeError::new(Reason::Value, at)),
        };
        Ok(Self { transport, port, address })
    }
}

/// One to five digits, not 0, not above 65535.
fn port(digits: &[u8]) -> Option<u16> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok().filter(|port| *port != 0)
}

struct Scanner<'a> {
    chars: Chars<'a>,
    taken: usize,
}

impl Scanner<'_> {
    fn offset(&self) -> usize {
        self.taken.saturating_mul(2)
    }

    /// Length of the address; the backslash behind it is taken too.
    fn address(&mut self) -> Result<usize, DecodeError> {
        for len in 0..=FunnelName::MAX_ADDRESS {
            let c = self.chars.next();
            self.taken = self.taken.saturating_add(1);
            match c {
                Some('\\') => return Ok(len),
                Some(_) => {}
                None => break,
            }
        }
        Err(DecodeError::new(Reason::FunnelName, 4))
    }

    /// The next token if it is ASCII and fits, else `None`; never more than one character beyond `place` is read.
    fn token<'p>(&mut self, place: &'p mut [u8]) -> Option<&'p [u8]> {
        let mut len = 0_usize;
        loop {
            let c = self.chars.next();
            self.taken = self.taken.saturating_add(1);
            match c {
                None | Some('\\') => return place.get(..len),
                Some(c) => {
                    *place.get_mut(len)? = u8::try_from(c).ok().filter(u8::is_ascii)?;
                    len = len.saturating_add(1);
                }
            }
        }
    }
}

/// The address in a funnel name, as the client wrote it.
#[derive(Clone, Copy)]
pub struct FunnelAddress<'a> {
    name: Text<'a>,
    len: usize,
}

impl<'a> FunnelAddress<'a> {
    /// The characters, unpaired surrogates replaced.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        self.name.chars().skip(2).take(self.len)
    }

    /// Whether the address is `other`.
    #[must_use]
    pub fn eq_str(&self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

impl PartialEq for FunnelAddress<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.chars().eq(other.chars())
    }
}

impl Eq for FunnelAddress<'_> {}

impl fmt::Display for FunnelAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| f.write_char(c))
    }
}

impl fmt::Debug for FunnelAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A funnel name to send, in storage of its own.
///
/// ```
/// use mms_core::mmsp::wire::{FunnelNameBuf, FunnelTransport};
///
/// let name = FunnelNameBuf::new(FunnelTransport::Udp, [192, 0, 2, 10].into(), 2512);
/// assert!(name.as_text().eq_str(r"\\192.0.2.10\UDP\2512"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FunnelNameBuf {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl FunnelNameBuf {
    /// Room for the longest: 2 + 45 (IPv6 with an IPv4 tail) + 1 + 3 + 1 + 5.
    const CAPACITY: usize = 57;

    /// The name for an address and a port.
    #[must_use]
    pub fn new(transport: FunnelTransport, address: IpAddr, port: u16) -> Self {
        let mut name = Self { bytes: [0; Self::CAPACITY], len: 0 };
        let protocol = match transport {
            FunnelTransport::Tcp => "TCP",
            FunnelTransport::Udp => "UDP",
        };
        // The capacity holds every address, so writing cannot fail.
        let _fits = write!(name, "\\\\{address}\\{protocol}\\{port}");
        name
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The name as a message wants it.
    #[must_use]
    pub fn as_text(&self) -> Text<'_> {
        Text::Str(self.as_str())
    }
}

impl fmt::Write for FunnelNameBuf {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len.saturating_add(text.len());
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};

    use super::*;

    fn parse(name: &str) -> Result<FunnelName<'_>, Reason> {
        FunnelName::parse(Text::Str(name)).map_err(|error| error.reason)
    }

    #[test]
    fn names_of_real_clients_are_taken_apart() {
        for (text, transport, port, address) in [
            (r"\\192.168.0.129\TCP\1037", FunnelTransport::Tcp, 1037, "192.168.0.129"),
            (r"\\192.0.2.10\udp\7000", FunnelTransport::Udp, 7000, "192.0.2.10"),
            (r"\\2001:db8::1\Udp\65535", FunnelTransport::Udp, 65_535, "2001:db8::1"),
            (r"\\10.0.0.1\CUBDD\2000\2001", FunnelTransport::Udp, 2000, "10.0.0.1"),
            (r"\\\TCP\", FunnelTransport::Tcp, 0, ""),
            (r"\\a\TCP\99999", FunnelTransport::Tcp, 0, "a"),
            (r"\\a\TCP", FunnelTransport::Tcp, 0, "a"),
            (r"\\a\UDP\00080", FunnelTransport::Udp, 80, "a"),
        ] {
            let name = parse(text).unwrap();
            assert_eq!((name.transport, name.port), (transport, port), "{text}");
            assert!(name.address.eq_str(address) && name.address.to_string() == address, "{text}");
        }
    }

    #[test]
    fn what_follows_the_nul_is_not_part_of_the_name() {
        let wire: std::vec::Vec<u8> =
            "\\\\192.168.0.1\\UDP\\7000\0".encode_utf16().chain([0x30]).flat_map(u16::to_le_bytes).collect();
        let name = FunnelName::parse(Text::from_wire(&wire)).unwrap();
        assert_eq!((name.transport, name.port), (FunnelTransport::Udp, 7000));
    }

    #[test]
    fn udp_wants_a_port_of_1_to_65535() {
        for port in ["", "0", "00000", "65536", "99999", "123456", "+80", "8 0", "-1", "\u{FF11}"] {
            let text = std::format!(r"\\a\UDP\{port}");
            assert_eq!(parse(&text), Err(Reason::Value), "{text}");
        }
        assert_eq!(parse(r"\\a\UDP"), Err(Reason::Value));
    }

    #[test]
    fn other_forms_are_errors() {
        for text in
            ["", "\\", r"\\", r"\\a", r"\\a\", r"\\a\SCTP\1", r"\\a\UDPX\1", r"a\b\UDP\1", "\\\\a/UDP/1"]
        {
            assert_eq!(parse(text), Err(Reason::FunnelName), "{text}");
        }
    }

    #[test]
    fn an_address_of_256_characters_is_the_longest() {
        for (len, fits) in [(256, true), (257, false), (1200, false)] {
            let text = std::format!(r"\\{}\TCP\1755", "A".repeat(len));
            assert_eq!(parse(&text).map_err(|reason| reason == Reason::FunnelName).is_ok(), fits, "{len}");
        }
    }

    #[test]
    fn a_name_in_parts_is_one_name() {
        let name = FunnelName::parse(Text::Parts(&[r"\\192.0", r".2.1\U", r"DP\70", "00"])).unwrap();
        assert_eq!((name.transport, name.port), (FunnelTransport::Udp, 7000));
        assert!(name.address.eq_str("192.0.2.1"));
    }

    #[test]
    fn the_longest_name_to_send_fits() {
        for address in
            ["255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:255.255.255.255"]
        {
            let address: IpAddr = address.parse().unwrap();
            let name = FunnelNameBuf::new(FunnelTransport::Udp, address, 65_535);
            let expected: String = std::format!(r"\\{address}\UDP\65535");
            assert_eq!(name.as_str(), expected);
            assert_eq!(FunnelName::parse(name.as_text()).unwrap().port, 65_535);
        }
    }
}
