//! The markup of ASX, read without ever failing: what is no tag is text.

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_till, take_until, take_while};
use nom::character::complete::{char, satisfy};
use nom::combinator::{opt, recognize, rest};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::is_space;
use super::value::{Value, space};

/// A piece of markup or text.
#[derive(Clone, Debug)]
pub(super) enum Token<'a> {
    Start {
        name: &'a str,
        attributes: Attributes<'a>,
        empty: bool,
    },
    End {
        name: &'a str,
    },
    Text(&'a str),
    Cdata(&'a str),
    /// A comment, declaration or instruction.
    Other,
}

/// The tokens of a text; each takes at least one character.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(super) const fn rest(&self) -> &'a str {
        self.rest
    }

    /// The text from here to `later`, which must be the same tokens further on.
    pub(super) fn up_to(&self, later: &Self) -> &'a str {
        let len = self.rest.len().saturating_sub(later.rest.len());
        self.rest.get(..len).unwrap_or_default()
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (rest, token) = token(self.rest).unwrap_or(("", Token::Other));
        self.rest = rest;
        Some(token)
    }
}

fn token(input: &str) -> IResult<&str, Token<'_>> {
    if input.starts_with('<') {
        alt((comment, cdata, declaration, instruction, end_tag, start_tag, text)).parse_complete(input)
    } else {
        text(input)
    }
}

/// Up to and including `end`, or everything: an open comment hides the rest of the text.
fn until<'a>(
    end: &'static str,
) -> impl Parser<&'a str, Output = &'a str, Error = nom::error::Error<&'a str>> {
    alt((terminated(take_until(end), tag(end)), rest))
}

pub(super) fn comment(input: &str) -> IResult<&str, Token<'_>> {
    preceded(tag("<!--"), until("-->")).map(|_| Token::Other).parse_complete(input)
}

pub(super) fn cdata(input: &str) -> IResult<&str, Token<'_>> {
    preceded(tag_no_case("<![CDATA["), until("]]>")).map(Token::Cdata).parse_complete(input)
}

/// `<!...>`, where `[...]` may hold more of them: entities that are declared there are never used.
fn declaration(input: &str) -> IResult<&str, Token<'_>> {
    let (input, _) = preceded(tag("<!"), take_till(|c| matches!(c, '>' | '['))).parse_complete(input)?;
    let (input, _) = opt(preceded(char('['), until("]"))).parse_complete(input)?;
    let (input, _) = terminated(take_till(|c| c == '>'), opt(char('>'))).parse_complete(input)?;
    Ok((input, Token::Other))
}

fn instruction(input: &str) -> IResult<&str, Token<'_>> {
    let (input, _) = preceded(tag("<?"), take_till(|c| c == '>')).parse_complete(input)?;
    let (input, _) = opt(char('>')).parse_complete(input)?;
    Ok((input, Token::Other))
}

fn end_tag(input: &str) -> IResult<&str, Token<'_>> {
    let (input, _) = tag("</").parse_complete(input)?;
    let (input, name) = name(space(input))?;
    let (input, _) =
        terminated(take_till(|c| matches!(c, '<' | '>')), opt(char('>'))).parse_complete(input)?;
    Ok((input, Token::End { name }))
}

fn start_tag(input: &str) -> IResult<&str, Token<'_>> {
    let (start, name) = preceded(char('<'), name).parse_complete(input)?;
    let mut attributes = Attributes { rest: start };
    while attributes.next().is_some() {}
    let behind = junk(attributes.rest);
    let span = start.get(..start.len().saturating_sub(behind.len())).unwrap_or_default();
    let (input, empty) = opt(tag("/>")).parse_complete(behind)?;
    let (input, _) = opt(char('>')).parse_complete(input)?;
    Ok((input, Token::Start { name, attributes: Attributes { rest: span }, empty: empty.is_some() }))
}

/// Up to the next `<` that may begin markup; one in front that does not is part of the text.
fn text(input: &str) -> IResult<&str, Token<'_>> {
    let mut next = input.match_indices('<').map(|(at, _)| at).filter(|at| *at > 0);
    let begins = |at: &usize| {
        input.get(at.saturating_add(1)..).is_some_and(|behind| behind.starts_with(begins_markup))
    };
    let len = next.find(begins).unwrap_or(input.len());
    let (text, rest) = input.split_at_checked(len).unwrap_or((input, ""));
    Ok((rest, Token::Text(text)))
}

fn begins_markup(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '/' | '!' | '?')
}

/// A name of an element: a letter, then anything that does not end a name.
pub(super) fn name(input: &str) -> IResult<&str, &str> {
    recognize((satisfy(|c| c.is_alphabetic() || c == '_'), take_while(is_name))).parse_complete(input)
}

pub(super) fn is_name(c: char) -> bool {
    !is_space(c) && !matches!(c, '>' | '/' | '=' | '<' | '"' | '\'')
}

/// The attributes of a tag, names as written, later ones of one name included.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes<'a> {
    rest: &'a str,
}

impl<'a> Attributes<'a> {
    /// The value of the first attribute of a name, in any case.
    pub(super) fn value(&self, name: &str) -> Option<Value<'a>> {
        self.clone()
            .find(|(written, _)| written.eq_ignore_ascii_case(name))
            .map(|(_, value)| Value::attribute(value))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (rest, attribute) = attribute(junk(self.rest)).ok()?;
        self.rest = rest;
        Some(attribute)
    }
}

/// What stands between attributes without being one: white space, stray slashes, quotation marks, equals signs.
fn junk(mut input: &str) -> &str {
    loop {
        input = space(input);
        if input.starts_with("/>") {
            return input;
        }
        match input.strip_prefix(['/', '"', '\'', '=']) {
            Some(rest) => input = rest,
            None => return input,
        }
    }
}

fn attribute(input: &str) -> IResult<&str, (&str, &str)> {
    let (input, name) = recognize((satisfy(is_name), take_while(is_name))).parse_complete(input)?;
    match space(input).strip_prefix('=') {
        Some(input) => {
            let (input, value) = attribute_value(space(input))?;
            Ok((input, (name, value)))
        }
        None => Ok((input, (name, ""))),
    }
}

fn attribute_value(input: &str) -> IResult<&str, &str> {
    alt((quoted('"'), quoted('\''), open_quote, unquoted)).parse_complete(input)
}

/// A value between two quotation marks.
pub(super) fn quoted<'a>(
    mark: char,
) -> impl Parser<&'a str, Output = &'a str, Error = nom::error::Error<&'a str>> {
    delimited(char(mark), take_till(move |c| c == mark), char(mark))
}

/// A value whose quotation mark is nowhere closed: it ends with the tag or the line.
fn open_quote(input: &str) -> IResult<&str, &str> {
    let mark = satisfy(|c| matches!(c, '"' | '\''));
    preceded(mark, take_till(|c| matches!(c, '>' | '\r' | '\n'))).parse_complete(input)
}

/// A value without quotation marks, up to white space, `>` or `/>`.
fn unquoted(input: &str) -> IResult<&str, &str> {
    let (behind, value) = take_till(|c| c == '>' || is_space(c)).parse_complete(input)?;
    let shorter = value.strip_suffix('/').filter(|_| behind.starts_with('>')).unwrap_or(value);
    Ok((input.get(shorter.len()..).unwrap_or_default(), shorter))
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;
    use std::{format, vec};

    use super::*;

    fn told(text: &str) -> Vec<String> {
        Tokens::new(text)
            .map(|token| match token {
                Token::Start { name, attributes, empty } => {
                    format!("{name}{:?}{}", attributes.collect::<Vec<_>>(), if empty { "/" } else { "" })
                }
                Token::End { name } => format!("/{name}"),
                Token::Text(text) => format!("'{text}'"),
                Token::Cdata(text) => format!("[{text}]"),
                Token::Other => "!".into(),
            })
            .collect()
    }

    #[test]
    fn attributes_are_found_in_every_way_of_writing() {
        for text in [
            "<REF HREF=\"x/y\" a='1'/>",
            "<REF  HREF = 'x/y'\r\na=\"1\" />",
            "<REF HREF=x/y a=1/>",
            "<REF / HREF=\"x/y\" ' a=1 />",
        ] {
            assert_eq!(told(text), ["REF[(\"HREF\", \"x/y\"), (\"a\", \"1\")]/"], "{text}");
        }
        assert_eq!(told("<REF HREF=http://h/x/>"), ["REF[(\"HREF\", \"http://h/x\")]/"]);
        assert_eq!(told("<A b c=>"), ["A[(\"b\", \"\"), (\"c\", \"\")]"]);
        assert_eq!(told("<A b='>'>x"), ["A[(\"b\", \">\")]", "'x'"]);
    }

    #[test]
    fn open_tags_and_quotes_end_somewhere() {
        assert_eq!(told("<A b=\"x>y"), ["A[(\"b\", \"x\")]", "'y'"]);
        assert_eq!(told("<A b <C>"), ["A[(\"b\", \"\")]", "C[]"]);
        assert_eq!(told("<A b"), ["A[(\"b\", \"\")]"]);
        assert_eq!(told("</A <B/>"), ["/A", "B[]/"]);
        assert_eq!(told("x<!-- <A>"), ["'x'", "!"]);
    }

    #[test]
    fn what_is_no_tag_is_text() {
        assert_eq!(told("a < b <1> <"), ["'a < b <1> <'"]);
        assert_eq!(told("<![CDATA[<A>]]>"), ["[<A>]"]);
        assert_eq!(told("<!DOCTYPE x [<!ENTITY a \"<B>\">]><?c d?>e"), vec!["!", "!", "'e'"]);
    }

    #[test]
    fn the_first_attribute_of_a_name_counts_in_any_case() {
        let Some(Token::Start { attributes, .. }) = Tokens::new("<A Href='1' HREF='2'>").next() else {
            panic!("no tag")
        };
        assert_eq!(attributes.value("hREF").map(|value| value.raw()), Some("1"));
        assert_eq!(attributes.value("x"), None);
    }
}
