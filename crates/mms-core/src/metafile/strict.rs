//! Strict reading of ASX: the first fault that Silverlight reported ends it.

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while1};
use nom::combinator::recognize;
use nom::sequence::preceded;

use super::element::Element;
use super::is_space;
use super::markup::{is_name, name, quoted};
use super::value::{Value, space};
use crate::error::{DecodeError, Reason};

/// Most attributes of one tag; no element of ASX has as many names.
const ATTRIBUTES_LIMIT: usize = 16;

/// The elements nest no deeper than ASX, ENTRY, REF, STARTTIME.
const DEPTH_LIMIT: usize = 4;

type Check = Result<(), DecodeError>;

/// Checks a whole document.
pub(super) fn check(text: &str) -> Check {
    let mut checker =
        Checker { len: text.len(), rest: space(text), open: [None; DEPTH_LIMIT], depth: 0, seen: false };
    let root = preceded(tag("<"), name).parse_complete(checker.rest);
    let root = root.map_err(|_: nom::Err<nom::error::Error<&str>>| checker.fault(Reason::NotMetafile))?;
    if Element::of(root.1) != Some(Element::Asx) {
        return Err(checker.fault(Reason::NotMetafile));
    }
    while !checker.rest.is_empty() {
        checker.token()?;
    }
    if checker.depth > 0 { Err(checker.fault(Reason::Xml)) } else { Ok(()) }
}

struct Checker<'a> {
    len: usize,
    rest: &'a str,
    open: [Option<Element>; DEPTH_LIMIT],
    depth: usize,
    seen: bool,
}

impl<'a> Checker<'a> {
    fn fault(&self, reason: Reason) -> DecodeError {
        self.fault_at(reason, self.rest)
    }

    fn fault_at(&self, reason: Reason, rest: &str) -> DecodeError {
        DecodeError::new(reason, self.len.saturating_sub(rest.len()))
    }

    fn parent(&self) -> Option<Element> {
        self.depth.checked_sub(1).and_then(|top| self.open.get(top).copied().flatten())
    }

    fn token(&mut self) -> Check {
        if !self.rest.starts_with('<') {
            let (rest, text) = self
                .rest
                .split_at_checked(self.rest.find('<').unwrap_or(self.rest.len()))
                .map_or(("", ""), |(text, rest)| (rest, text));
            self.text(text)?;
            self.rest = rest;
            return Ok(());
        }
        if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
            let (text, rest) = rest.split_once("]]>").ok_or_else(|| self.fault(Reason::Xml))?;
            self.text(text)?;
            self.rest = rest;
            return Ok(());
        }
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            self.rest = rest.split_once("-->").ok_or_else(|| self.fault(Reason::Xml))?.1;
            return Ok(());
        }
        if let Some(rest) = self.rest.strip_prefix("</") {
            return self.end(rest);
        }
        self.start()
    }

    fn text(&self, text: &str) -> Check {
        match self.parent() {
            Some(parent) if parent.is_text() => Ok(()),
            _ if text.chars().all(is_space) => Ok(()),
            Some(_) => Err(self.fault(Reason::AsxStructure)),
            None => Err(self.fault(Reason::Xml)),
        }
    }

    fn end(&mut self, behind: &'a str) -> Check {
        let broken = self.fault(Reason::Xml);
        let (rest, name) = name(behind).map_err(|_| broken)?;
        let element = Element::of(name);
        if element.is_none() || element != self.parent() {
            return Err(broken);
        }
        self.rest = space(rest).strip_prefix('>').ok_or(broken)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn start(&mut self) -> Check {
        let broken = self.fault(Reason::Xml);
        let (attributes, name) = preceded(tag("<"), name).parse_complete(self.rest).map_err(|_| broken)?;
        let behind = self.attributes(attributes)?;
        let element = self.element(name)?;
        self.check_attributes(element, attributes)?;
        self.rest = match (behind.strip_prefix("/>"), behind.strip_prefix('>')) {
            (Some(rest), _) => rest,
            (None, Some(rest)) => {
                let place = self
                    .open
                    .get_mut(self.depth)
                    .ok_or(DecodeError { reason: Reason::AsxStructure, ..broken })?;
                *place = Some(element);
                self.depth = self.depth.saturating_add(1);
                rest
            }
            (None, None) => return Err(self.fault_at(Reason::Xml, behind)),
        };
        Ok(())
    }

    /// What XML asks of attributes; returns what is behind them.
    fn attributes(&self, start: &'a str) -> Result<&'a str, DecodeError> {
        let mut names = [""; ATTRIBUTES_LIMIT];
        let mut rest = start;
        for place in 0..=ATTRIBUTES_LIMIT {
            let at = space(rest);
            if at.starts_with('>') || at.starts_with("/>") {
                return Ok(at);
            }
            if at.len() == rest.len() {
                return Err(self.fault_at(Reason::Xml, at));
            }
            let (behind, (name, _)) = attribute(at).map_err(|reason| self.fault_at(reason, at))?;
            if names.contains(&name) {
                return Err(self.fault_at(Reason::XmlDuplicate, at));
            }
            *names.get_mut(place).ok_or_else(|| self.fault_at(Reason::AsxAttribute, at))? = name;
            rest = behind;
        }
        Err(self.fault_at(Reason::AsxAttribute, rest))
    }

    /// The element of a name, if it may stand here.
    fn element(&mut self, name: &str) -> Result<Element, DecodeError> {
        use Element as E;
        let element = Element::of(name).ok_or_else(|| self.fault(Reason::AsxElement))?;
        if matches!(element, E::Repeat | E::Event | E::StartMarker | E::EndMarker) {
            return Err(self.fault(Reason::AsxElementUnsupported));
        }
        let allowed = match self.parent() {
            None if self.seen => return Err(self.fault(Reason::Xml)),
            None => element == E::Asx,
            Some(E::Asx) => !matches!(element, E::Asx | E::Ref | E::StartTime | E::Duration),
            Some(E::Entry) => !matches!(element, E::Asx | E::Entry | E::EntryRef),
            Some(E::Ref) => element.is_of_ref(),
            Some(E::Banner) => matches!(element, E::Abstract | E::MoreInfo),
            Some(_) => false,
        };
        self.seen = true;
        if allowed { Ok(element) } else { Err(self.fault(Reason::AsxStructure)) }
    }

    fn check_attributes(&self, element: Element, start: &'a str) -> Check {
        let mut rest = space(start);
        while let Ok((behind, (name, value))) = attribute(rest) {
            let verdict = verdict(element, name, Value::attribute(value));
            verdict.map_err(|reason| self.fault_at(reason, rest))?;
            rest = space(behind);
        }
        Ok(())
    }
}

/// `name = "value"`.
fn attribute(input: &str) -> Result<(&str, (&str, &str)), Reason> {
    type Fault<'a> = nom::Err<nom::error::Error<&'a str>>;
    let (rest, name) =
        recognize(take_while1(is_name)).parse_complete(input).map_err(|_: Fault<'_>| Reason::Xml)?;
    let rest = space(rest).strip_prefix('=').map(space).ok_or(Reason::Xml)?;
    if !rest.starts_with(['"', '\'']) {
        return Err(Reason::XmlQuote);
    }
    let (rest, value) =
        alt((quoted('"'), quoted('\''))).parse_complete(rest).map_err(|_: Fault<'_>| Reason::Xml)?;
    Ok((rest, (name, value)))
}

/// Whether an element may have an attribute of this value.
fn verdict(element: Element, name: &str, value: Value<'_>) -> Result<(), Reason> {
    use Element as E;
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let one_of = |values: [&str; 2]| {
        if values.iter().any(|known| value.is(known)) { Ok(()) } else { Err(Reason::AsxStructure) }
    };
    match element {
        E::Asx if is("VERSION") => one_of(["3.0", "3"]),
        E::Asx if is("PREVIEWMODE") || is("BANNERBAR") => Err(Reason::AsxAttributeUnsupported),
        E::Entry if is("CLIENTSKIP") => one_of(["YES", "NO"]),
        E::Entry if is("SKIPIFREF") => Err(Reason::AsxAttributeUnsupported),
        E::StartTime | E::Duration | E::PreviewDuration if is("VALUE") => {
            if value.text().next().is_some_and(|c| c.is_ascii_digit()) {
                Ok(())
            } else {
                Err(Reason::AsxTime)
            }
        }
        E::Ref | E::EntryRef | E::Base | E::MoreInfo | E::Banner | E::LogUrl if is("HREF") => Ok(()),
        E::MoreInfo if is("TARGET") => Ok(()),
        E::Param if is("NAME") || is("VALUE") => Ok(()),
        _ => Err(Reason::AsxAttribute),
    }
}
