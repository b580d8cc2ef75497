//! Basic authentication, and what servers ask for (section 2.2.1.9, digest 13.10).

use core::fmt;

use base64ct::{Base64, Encoding};
use nom::bytes::complete::{tag_no_case, take_till, take_while1};
use nom::character::complete::{char, space0, space1};
use nom::combinator::opt;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::text::same;

/// Longest `user:password` in bytes.
const CREDENTIAL_BYTES: usize = 384;
const ENCODED_BYTES: usize = 512;

/// User name and password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The name, without a colon.
    pub user: &'a str,
    /// The password.
    pub password: &'a str,
}

impl<'a> Credentials<'a> {
    /// Decodes the value of an Authorization field into `room`; `None` if it is no Basic one, is malformed or
    /// does not fit.
    #[must_use]
    pub fn decode<'b>(value: &'a str, room: &'b mut [u8]) -> Option<Credentials<'b>> {
        let start = (tag_no_case::<&str, &str, nom::error::Error<&str>>("Basic"), space1);
        let (_, text) = preceded(start, nom::combinator::rest).parse_complete(value).ok()?;
        let bytes = Base64::decode(text.trim().as_bytes(), room).ok()?;
        let (user, password) = core::str::from_utf8(bytes).ok()?.split_once(':')?;
        Some(Credentials { user, password })
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// The value of an Authorization field for these credentials.
#[derive(Clone, Copy, Debug)]
pub struct BasicAuthorization<'a>(pub Credentials<'a>);

impl BasicAuthorization<'_> {
    /// Whether the credentials can be written.
    #[must_use]
    pub fn fits(&self) -> bool {
        let len = self.0.user.len().saturating_add(self.0.password.len()).saturating_add(1);
        len <= CREDENTIAL_BYTES && !self.0.user.contains(':')
    }
}

impl fmt::Display for BasicAuthorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain = [0; CREDENTIAL_BYTES];
        let len = super::text::encode_text(&Pair(self.0), &mut plain).map_err(|_| fmt::Error)?;
        let mut encoded = [0; ENCODED_BYTES];
        let text =
            Base64::encode(plain.get(..len).unwrap_or_default(), &mut encoded).map_err(|_| fmt::Error)?;
        write!(f, "Basic {text}")
    }
}

struct Pair<'a>(Credentials<'a>);

impl fmt::Display for Pair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.user, self.0.password)
    }
}

/// One scheme of a WWW-Authenticate field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// Basic, Digest, NTLM, Negotiate or another.
    pub scheme: &'a str,
    /// The realm, if one is given.
    pub realm: Option<&'a str>,
}

impl Challenge<'_> {
    /// Whether the scheme is Basic.
    #[must_use]
    pub fn is_basic(&self) -> bool {
        same(self.scheme, "Basic")
    }
}

/// The schemes of a WWW-Authenticate field, or the names of an X-Accept-Authentication field.
#[derive(Clone, Debug)]
pub struct Challenges<'a> {
    rest: &'a str,
}

impl<'a> Challenges<'a> {
    /// Over the value of a field.
    #[must_use]
    pub fn new(value: &'a str) -> Self {
        Self { rest: value }
    }
}

impl<'a> Iterator for Challenges<'a> {
    type Item = Challenge<'a>;

    fn next(&mut self) -> Option<Challenge<'a>> {
        let mut found: Option<Challenge<'a>> = None;
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
            let Ok((behind, word)) = word(self.rest) else { break };
            match parameter(behind) {
                Ok((behind, value)) => {
                    if let Some(challenge) = found.as_mut().filter(|_| same(word, "realm")) {
                        challenge.realm = Some(value);
                    }
                    self.rest = behind;
                }
                // a word without a value begins the next scheme
                Err(_) if found.is_some() => break,
                Err(_) => {
                    found = Some(Challenge { scheme: word, realm: None });
                    self.rest = behind;
                }
            }
        }
        if found.is_none() {
            self.rest = "";
        }
        found
    }
}

fn word(input: &str) -> IResult<&str, &str> {
    take_while1(|c: char| !matches!(c, ' ' | '\t' | ',' | '=' | '"')).parse_complete(input)
}

fn parameter(input: &str) -> IResult<&str, &str> {
    let (input, _) = (space0, char('='), space0).parse_complete(input)?;
    let quoted = delimited(char('"'), take_till(|c| c == '"'), opt(char('"')));
    nom::branch::alt((quoted, take_till(|c: char| matches!(c, ',' | ' ')))).parse_complete(input)
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn credentials_survive_and_are_not_shown() {
        let credentials = Credentials { user: "Aladdin", password: "open:sesame" };
        let value = BasicAuthorization(credentials).to_string();
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuOnNlc2FtZQ==");
        let mut room = [0; 64];
        assert_eq!(Credentials::decode(&value, &mut room), Some(credentials));
        assert_eq!(Credentials::decode(&value, &mut [0; 4]), None);
        for bad in ["Basic", "Basic ????", "Basic QQ==", "Digest QTpi", "Basic //86"] {
            assert_eq!(Credentials::decode(bad, &mut room), None, "{bad}");
        }
        assert_eq!(std::format!("{credentials:?}"), "Credentials(..)");
    }

    #[test]
    fn challenges_are_told_apart() {
        let value = "Negotiate, NTLM, Digest realm=\"a, b\", nonce=\"x=\", Basic realm=\"me\"";
        let found: Vec<_> = Challenges::new(value).collect();
        assert_eq!(found.len(), 4);
        assert_eq!(found[2], Challenge { scheme: "Digest", realm: Some("a, b") });
        assert!(found[3].is_basic() && found[3].realm == Some("me"));
        assert_eq!(Challenges::new("\"\" x").count(), 0);
    }
}
