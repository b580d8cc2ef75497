//! Text as written in a metafile, decoded when somebody asks.

use core::fmt;

use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take_while_m_n};
use nom::character::complete::char;
use nom::combinator::{map_opt, opt, value};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::markup::{Token, Tokens};
use super::{TEXT_LIMIT, is_space};

/// A text of a metafile: an attribute's value, the content of an element, or part of a line.
///
/// `Display` shows it without control characters, runs of white space as one blank, and cut at
/// [`TEXT_LIMIT`](super::TEXT_LIMIT).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Value<'a> {
    raw: &'a str,
    form: Form,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    /// No markup and no references.
    #[default]
    Verbatim,
    /// With references.
    Attribute,
    /// With references, comments, CDATA sections and tags, which do not count.
    Content,
}

impl<'a> Value<'a> {
    /// A text without markup and references.
    #[must_use]
    pub const fn verbatim(raw: &'a str) -> Self {
        Self { raw, form: Form::Verbatim }
    }

    pub(super) const fn attribute(raw: &'a str) -> Self {
        Self { raw, form: Form::Attribute }
    }

    pub(super) const fn content(raw: &'a str) -> Self {
        Self { raw, form: Form::Content }
    }

    /// The text as written.
    #[must_use]
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    /// The characters; `&` without a reference that is known stands for itself.
    #[must_use]
    pub fn chars(&self) -> Chars<'a> {
        match self.form {
            Form::Content => Chars { tokens: Tokens::new(self.raw), rest: "", verbatim: true },
            form => Chars { tokens: Tokens::new(""), rest: self.raw, verbatim: form == Form::Verbatim },
        }
    }

    /// The characters for display: no control characters, white space collapsed and trimmed, at most
    /// [`TEXT_LIMIT`](super::TEXT_LIMIT) taken into account.
    #[must_use]
    pub fn text(&self) -> Cleaned<'a> {
        Cleaned::new(self.chars(), Use::Text)
    }

    /// The characters as a URL: blanks around it and control characters within dropped.
    #[must_use]
    pub fn url(&self) -> Cleaned<'a> {
        Cleaned::new(self.chars(), Use::Url)
    }

    /// Whether nothing is left to display.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.text().next().is_none()
    }

    /// Whether the text for display is `other` but for ASCII case.
    #[must_use]
    pub fn is(&self, other: &str) -> bool {
        let lower = |c: char| c.to_ascii_lowercase();
        self.text().map(lower).eq(other.chars().map(lower))
    }

    /// The text for display as a time in milliseconds, see [`time_ms`](super::time_ms).
    #[must_use]
    pub fn time_ms(&self) -> Option<u32> {
        // Longer times are above every limit, and the digits of a fraction end to count much earlier.
        let mut first = [0u8; 64];
        for (place, c) in first.iter_mut().zip(self.text()) {
            *place = u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?');
        }
        let text = first.split(|byte| *byte == 0).next().unwrap_or_default();
        super::time_ms(core::str::from_utf8(text).unwrap_or_default())
    }

    /// The text for display as a decimal number, `u32::MAX` if it is larger.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        let digit = |sum: u32, c: char| Some(sum.saturating_mul(10).saturating_add(c.to_digit(10)?));
        if self.is_blank() { None } else { self.text().try_fold(0, digit) }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().try_for_each(|c| fmt::Write::write_char(f, c))
    }
}

/// The characters of a [`Value`].
#[derive(Clone, Debug)]
pub struct Chars<'a> {
    tokens: Tokens<'a>,
    rest: &'a str,
    verbatim: bool,
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        while self.rest.is_empty() {
            (self.rest, self.verbatim) = match self.tokens.next()? {
                Token::Text(text) => (text, false),
                Token::Cdata(text) => (text, true),
                Token::Start { .. } | Token::End { .. } | Token::Other => continue,
            };
        }
        if !self.verbatim
            && let Ok((rest, c)) = reference(self.rest)
        {
            self.rest = rest;
            return Some(c);
        }
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }
}

/// One of the five named references of XML, or one by number of at most eight digits.
fn reference(input: &str) -> IResult<&str, char> {
    let named = alt((
        value('&', tag_no_case("amp")),
        value('<', tag_no_case("lt")),
        value('>', tag_no_case("gt")),
        value('"', tag_no_case("quot")),
        value('\'', tag_no_case("apos")),
    ));
    let decimal = by_number(10);
    let hexadecimal = preceded(tag_no_case("x"), by_number(16));
    let number = preceded(char('#'), alt((hexadecimal, decimal)));
    delimited(char('&'), alt((named, number)), char(';')).parse_complete(input)
}

fn by_number<'a>(radix: u32) -> impl Parser<&'a str, Output = char, Error = nom::error::Error<&'a str>> {
    map_opt(take_while_m_n(1, 8, move |c: char| c.is_digit(radix)), move |digits: &str| {
        u32::from_str_radix(digits, radix).ok().and_then(char::from_u32)
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Text,
    Url,
}

/// The characters of a [`Value`] without what does not belong there.
#[derive(Clone, Debug)]
pub struct Cleaned<'a> {
    chars: core::iter::Take<Chars<'a>>,
    purpose: Use,
    /// Blanks seen that count only if something follows, then the character behind them.
    blanks: usize,
    held: Option<char>,
    begun: bool,
}

impl<'a> Cleaned<'a> {
    fn new(chars: Chars<'a>, purpose: Use) -> Self {
        let most = if purpose == Use::Text { TEXT_LIMIT } else { usize::MAX };
        Self { chars: chars.take(most), purpose, blanks: 0, held: None, begun: false }
    }
}

impl Iterator for Cleaned<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        while self.held.is_none() {
            let c = self.chars.next()?;
            let blank = if self.purpose == Use::Text { is_space(c) } else { c == ' ' };
            if blank {
                let most = if self.purpose == Use::Text { 1 } else { usize::MAX };
                self.blanks = self.blanks.saturating_add(usize::from(self.begun)).min(most);
            } else if !c.is_control() {
                self.held = Some(c);
            }
        }
        self.begun = true;
        if self.blanks > 0 {
            self.blanks = self.blanks.saturating_sub(1);
            return Some(' ');
        }
        self.held.take()
    }
}

/// White space, which may be none.
pub(super) fn space(input: &str) -> &str {
    opt(nom::bytes::complete::take_while1::<_, _, nom::error::Error<&str>>(is_space))
        .parse_complete(input)
        .map_or(input, |(rest, _)| rest)
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};

    use super::*;

    #[test]
    fn known_references_are_decoded_and_others_stand_for_themselves() {
        for (raw, decoded) in [
            ("?x=1&amp;y=2&z=3", "?x=1&y=2&z=3"),
            ("&lt;&GT;&quot;&apos;", "<>\"'"),
            ("&#233;&#xE9;&#X1f3b5;", "éé\u{1F3B5}"),
            ("&xxe; &nbsp; &# &#; &#x; &amp", "&xxe; &nbsp; &# &#; &#x; &amp"),
            ("&#xD800; &#1114112; &#000000065;", "&#xD800; &#1114112; &#000000065;"),
            ("&amp;lt;", "&lt;"),
        ] {
            assert_eq!(Value::attribute(raw).chars().collect::<String>(), decoded);
        }
        assert_eq!(Value::verbatim("a&amp;b").chars().collect::<String>(), "a&amp;b");
    }

    #[test]
    fn content_loses_its_markup_and_keeps_its_cdata() {
        let value = Value::content("a<!-- x > --><b c='>'>d</b><![CDATA[<&amp;>]]> &lt; 1 < 2");
        assert_eq!(value.chars().collect::<String>(), "ad<&amp;> < 1 < 2");
    }

    #[test]
    fn display_has_no_control_characters_and_an_end() {
        let value = Value::attribute(" \r\n a\0\x1B[2J\t&#10; &#7;b\u{85} ");
        assert_eq!(value.to_string(), "a[2J b");
        let long = "x".repeat(TEXT_LIMIT + 1);
        assert_eq!(Value::attribute(&long).to_string().len(), TEXT_LIMIT);
        assert!(Value::content(" <b> </b>&#0;").is_blank());
    }

    #[test]
    fn a_url_loses_line_breaks_and_the_blanks_around_it() {
        let value = Value::attribute(" \tmms://h/\r\na  b&#0; ");
        assert_eq!(value.url().collect::<String>(), "mms://h/a  b");
    }

    #[test]
    fn numbers_saturate_and_are_whole() {
        assert_eq!(Value::attribute(" 12 ").number(), Some(12));
        assert_eq!(Value::attribute("99999999999").number(), Some(u32::MAX));
        assert_eq!(Value::attribute("").number(), None);
        assert_eq!(Value::attribute("1x").number(), None);
    }
}
