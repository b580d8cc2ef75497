//! The typed view of ASX (digest 2 to 4).

use super::element::Element;
use super::markup::{Attributes, Token, Tokens};
use super::value::Value;
use super::{BYTES_LIMIT, Mode, REFS_LIMIT, strict};
use crate::error::{DecodeError, Reason};

/// An ASX document.
#[derive(Clone, Copy, Debug)]
pub struct Asx<'a> {
    text: &'a str,
}

impl<'a> Asx<'a> {
    /// Takes a document; lenient reading refuses nothing but its size.
    ///
    /// # Errors
    /// `MetafileBytes`; in strict mode the first fault, see [`player_code`](super::player_code).
    pub fn parse(text: &'a str, mode: Mode) -> Result<Self, DecodeError> {
        if text.len() > BYTES_LIMIT {
            return Err(DecodeError::new(Reason::MetafileBytes, BYTES_LIMIT));
        }
        match mode {
            Mode::Lenient => {}
            Mode::Strict => strict::check(text)?,
        }
        Ok(Self { text })
    }

    /// Everything in the document, in its order.
    #[must_use]
    pub fn items(&self) -> Items<'a> {
        Items::new(self.text)
    }

    /// What is said of the document as a whole.
    #[must_use]
    pub fn details(&self) -> Details<'a> {
        Details { items: self.items() }
    }

    /// The attributes of the root.
    #[must_use]
    pub fn root(&self) -> Option<Root<'a>> {
        self.items().find_map(|item| if let Item::Root(root) = item { Some(root) } else { None })
    }

    /// Whether the first REPEAT has no COUNT, so that its entries never end.
    #[must_use]
    pub fn repeats_forever(&self) -> bool {
        let count = |item| if let Item::RepeatStart { count } = item { Some(count.is_none()) } else { None };
        self.items().find_map(count).unwrap_or(false)
    }
}

/// The attributes of ASX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Root<'a> {
    /// VERSION: 3.0, as a rule.
    pub version: Option<Value<'a>>,
    /// PREVIEWMODE: YES or NO.
    pub preview_mode: Option<Value<'a>>,
    /// BANNERBAR: AUTO or FIXED.
    pub banner_bar: Option<Value<'a>>,
}

/// MOREINFO: a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MoreInfo<'a> {
    /// HREF.
    pub href: Option<Value<'a>>,
    /// TARGET: the frame to show it in.
    pub target: Option<Value<'a>>,
}

/// BANNER: a picture of 194 by 32.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Banner<'a> {
    /// HREF.
    pub href: Option<Value<'a>>,
    content: &'a str,
}

impl<'a> Banner<'a> {
    /// ABSTRACT and MOREINFO of the picture.
    #[must_use]
    pub fn details(&self) -> Details<'a> {
        Details { items: Items::new(self.content) }
    }
}

/// PARAM: a value for the player or for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Param<'a> {
    /// NAME.
    pub name: Option<Value<'a>>,
    /// VALUE.
    pub value: Option<Value<'a>>,
}

/// EVENT: entries for a script command; they end at the next `EventEnd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// NAME of the script command.
    pub name: Option<Value<'a>>,
    /// WHENDONE: RESUME, NEXT or BREAK.
    pub when_done: Option<Value<'a>>,
    /// Whether the tag closed itself, so that no `EventEnd` follows.
    pub empty: bool,
}

/// REF: one place of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ref<'a> {
    /// HREF.
    pub href: Option<Value<'a>>,
    /// STARTTIME within the REF; it overrides that of the ENTRY.
    pub start_time_ms: Option<u32>,
    /// DURATION within the REF; it overrides that of the ENTRY.
    pub duration_ms: Option<u32>,
}

/// ENTRY: one clip, its REFs being alternatives.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    attributes: Attributes<'a>,
    only: Option<Ref<'a>>,
    content: &'a str,
}

impl<'a> Entry<'a> {
    /// What stands in the entry, in its order.
    #[must_use]
    pub fn items(&self) -> Items<'a> {
        Items::new(self.content)
    }

    /// What is said of the clip.
    #[must_use]
    pub fn details(&self) -> Details<'a> {
        Details { items: self.items() }
    }

    /// The places to try in turn, at most [`REFS_LIMIT`](super::REFS_LIMIT). An HREF of ENTRY itself comes first, and
    /// a REF outside of any ENTRY is an entry of its own.
    #[must_use]
    pub fn refs(&self) -> Refs<'a> {
        let own = self.attributes.value("HREF").map(|href| Ref {
            href: Some(href),
            start_time_ms: None,
            duration_ms: None,
        });
        Refs { own: self.only.or(own), items: self.items(), left: REFS_LIMIT }
    }

    /// CLIENTSKIP: whether the user may skip the clip.
    #[must_use]
    pub fn client_skip(&self) -> bool {
        !self.attributes.value("CLIENTSKIP").is_some_and(|value| value.is("NO"))
    }

    /// SKIPIFREF: whether the clip is left out when another metafile includes this one.
    #[must_use]
    pub fn skip_if_ref(&self) -> bool {
        self.attributes.value("SKIPIFREF").is_some_and(|value| value.is("YES"))
    }
}

/// The REFs of an [`Entry`] that have an HREF.
#[derive(Clone, Debug)]
pub struct Refs<'a> {
    own: Option<Ref<'a>>,
    items: Items<'a>,
    left: u32,
}

impl<'a> Iterator for Refs<'a> {
    type Item = Ref<'a>;

    fn next(&mut self) -> Option<Ref<'a>> {
        self.left = self.left.checked_sub(1)?;
        if let Some(own) = self.own.take() {
            return Some(own);
        }
        self.items.find_map(|item| match item {
            Item::Ref(found) if found.href.is_some() => Some(found),
            _ => None,
        })
    }
}

/// Something in a document or in an entry.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Item<'a> {
    /// The start of ASX.
    Root(Root<'a>),
    /// ENTRY with all its content.
    Entry(Entry<'a>),
    /// REF; in a document it belongs into an entry, and most players ignore it.
    Ref(Ref<'a>),
    /// ENTRYREF with the HREF of a metafile whose entries belong here.
    EntryRef(Value<'a>),
    /// REPEAT: how often more than once the entries up to `RepeatEnd` are played.
    RepeatStart {
        /// COUNT; none is for ever.
        count: Option<u32>,
    },
    /// The end of REPEAT.
    RepeatEnd,
    /// EVENT.
    Event(Event<'a>),
    /// The end of EVENT.
    EventEnd,
    /// TITLE.
    Title(Value<'a>),
    /// AUTHOR.
    Author(Value<'a>),
    /// COPYRIGHT.
    Copyright(Value<'a>),
    /// ABSTRACT.
    Abstract(Value<'a>),
    /// HREF of BASE, a prefix for the URLs of script commands only.
    Base(Value<'a>),
    /// MOREINFO.
    MoreInfo(MoreInfo<'a>),
    /// BANNER.
    Banner(Banner<'a>),
    /// HREF of LOGURL; never to be used unless the user allows it.
    LogUrl(Value<'a>),
    /// PARAM.
    Param(Param<'a>),
    /// STARTTIME, none if it is no time.
    StartTime(Option<u32>),
    /// DURATION, none if it is no time.
    Duration(Option<u32>),
    /// PREVIEWDURATION, none if it is no time.
    PreviewDuration(Option<u32>),
    /// STARTMARKER: NUMBER or NAME.
    StartMarker(Value<'a>),
    /// ENDMARKER: NUMBER or NAME.
    EndMarker(Value<'a>),
}

/// The items of a document or an entry.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    tokens: Tokens<'a>,
    len: usize,
}

impl<'a> Items<'a> {
    const fn new(text: &'a str) -> Self {
        Self { tokens: Tokens::new(text), len: text.len() }
    }

    /// Bytes from the start of the text to here.
    pub(super) const fn offset(&self) -> usize {
        self.len.saturating_sub(self.tokens.rest().len())
    }

    fn start(&mut self, element: Element, attributes: Attributes<'a>, empty: bool) -> Option<Item<'a>> {
        let href = || attributes.value("HREF");
        let time = || attributes.value("VALUE").and_then(|value| value.time_ms());
        Some(match element {
            Element::Asx => Item::Root(Root {
                version: attributes.value("VERSION"),
                preview_mode: attributes.value("PREVIEWMODE"),
                banner_bar: attributes.value("BANNERBAR"),
            }),
            Element::Entry => {
                let content = if empty { "" } else { self.entry_content() };
                Item::Entry(Entry { attributes, only: None, content })
            }
            Element::Ref => {
                let content = if empty { "" } else { self.lookahead(element, Element::is_of_ref) };
                let times = Details { items: Self::new(content) };
                Item::Ref(Ref {
                    href: href(),
                    start_time_ms: times.start_time_ms(),
                    duration_ms: times.duration_ms(),
                })
            }
            Element::EntryRef => Item::EntryRef(href()?),
            Element::Repeat if empty => return None,
            Element::Repeat => Item::RepeatStart {
                count: attributes.value("COUNT").map(|count| count.number().unwrap_or(0)),
            },
            Element::Event => Item::Event(Event {
                name: attributes.value("NAME"),
                when_done: attributes.value("WHENDONE"),
                empty,
            }),
            Element::Title | Element::Author | Element::Copyright | Element::Abstract => {
                let text = Value::content(if empty { "" } else { self.text_content(element) });
                match element {
                    Element::Title => Item::Title(text),
                    Element::Author => Item::Author(text),
                    Element::Copyright => Item::Copyright(text),
                    _ => Item::Abstract(text),
                }
            }
            Element::Base => Item::Base(href()?),
            Element::MoreInfo => {
                Item::MoreInfo(MoreInfo { href: href(), target: attributes.value("TARGET") })
            }
            Element::Banner => {
                let inner = |element| matches!(element, Element::Abstract | Element::MoreInfo);
                let content = if empty { "" } else { self.lookahead(element, inner) };
                Item::Banner(Banner { href: href(), content })
            }
            Element::LogUrl => Item::LogUrl(href()?),
            Element::Param => {
                Item::Param(Param { name: attributes.value("NAME"), value: attributes.value("VALUE") })
            }
            Element::StartTime => Item::StartTime(time()),
            Element::Duration => Item::Duration(time()),
            Element::PreviewDuration => Item::PreviewDuration(time()),
            Element::StartMarker | Element::EndMarker => {
                let marker = attributes.value("NUMBER").or_else(|| attributes.value("NAME"))?;
                if element == Element::StartMarker {
                    Item::StartMarker(marker)
                } else {
                    Item::EndMarker(marker)
                }
            }
        })
    }

    /// The content of an entry, up to its end tag or to something that cannot stand in it.
    fn entry_content(&mut self) -> &'a str {
        let mut at = self.tokens.clone();
        let mut depth = 0usize;
        // Where a REPEAT or EVENT opened that the entry does not close: it does not belong to the entry then.
        let mut opened = None;
        loop {
            let before = at.clone();
            let (element, end) = match at.next() {
                None => (None, true),
                Some(Token::Start { name, empty, .. }) => match Element::of(name) {
                    Some(Element::Repeat | Element::Event) if empty => continue,
                    Some(element) => (Some(element), false),
                    None => continue,
                },
                Some(Token::End { name }) => match Element::of(name) {
                    Some(element) => (Some(element), true),
                    None => continue,
                },
                Some(_) => continue,
            };
            match (element, end) {
                (Some(Element::Repeat | Element::Event), false) => {
                    if depth == 0 {
                        opened = Some(before);
                    }
                    depth = depth.saturating_add(1);
                }
                (Some(Element::Repeat | Element::Event), true) if depth > 0 => {
                    depth = depth.saturating_sub(1)
                }
                (Some(Element::Entry), true) => {
                    let content = self.tokens.up_to(&before);
                    self.tokens = at;
                    return content;
                }
                (None | Some(Element::Asx | Element::Repeat | Element::Event), true)
                | (Some(Element::Entry | Element::EntryRef), false) => {
                    let stop = opened.filter(|_| depth > 0).unwrap_or(before);
                    let content = self.tokens.up_to(&stop);
                    self.tokens = stop;
                    return content;
                }
                _ => {}
            }
        }
    }

    /// The content of an element of text, up to its end tag or any other tag of ASX.
    fn text_content(&mut self, element: Element) -> &'a str {
        let mut at = self.tokens.clone();
        loop {
            let before = at.clone();
            let (name, end) = match at.next() {
                None => ("", true),
                Some(Token::Start { name, .. }) => (name, false),
                Some(Token::End { name }) => (name, true),
                Some(_) => continue,
            };
            let found = Element::of(name);
            if found.is_none() && !name.is_empty() {
                continue;
            }
            let content = self.tokens.up_to(&before);
            self.tokens = if end && found == Some(element) { at } else { before };
            return content;
        }
    }

    /// The content of an element that is often left open: what is in it if its end tag follows behind nothing but
    /// elements that may stand in it, otherwise nothing.
    fn lookahead(&mut self, element: Element, allowed: fn(Element) -> bool) -> &'a str {
        let mut at = self.tokens.clone();
        loop {
            let before = at.clone();
            let (name, end) = match at.next() {
                None => return "",
                Some(Token::Start { name, .. }) => (name, false),
                Some(Token::End { name }) => (name, true),
                Some(_) => continue,
            };
            match Element::of(name) {
                Some(found) if end && found == element => {
                    let content = self.tokens.up_to(&before);
                    self.tokens = at;
                    return content;
                }
                Some(found) if !allowed(found) => return "",
                _ => {}
            }
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            let item = match self.tokens.next()? {
                Token::Start { name, attributes, empty } => match Element::of(name) {
                    Some(element) => self.start(element, attributes, empty),
                    None => None,
                },
                Token::End { name } => match Element::of(name) {
                    Some(Element::Repeat) => Some(Item::RepeatEnd),
                    Some(Element::Event) => Some(Item::EventEnd),
                    _ => None,
                },
                Token::Text(_) | Token::Cdata(_) | Token::Other => None,
            };
            if item.is_some() {
                return item;
            }
        }
    }
}

impl<'a> Entry<'a> {
    /// The entry that a REF outside of any ENTRY stands for.
    pub(super) fn of_ref(only: Ref<'a>) -> Self {
        Self { attributes: Attributes::default(), only: Some(only), content: "" }
    }
}

/// What is said of a document or an entry; of each the first that is not empty. Every question reads the text again.
#[derive(Clone, Debug)]
pub struct Details<'a> {
    items: Items<'a>,
}

macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident $variant:ident,)*) => {
        impl<'a> Details<'a> {$(
            $(#[$meta])*
            #[must_use]
            pub fn $name(&self) -> Option<Value<'a>> {
                self.items.clone().find_map(|item| match item {
                    Item::$variant(value) if !value.is_blank() => Some(value),
                    _ => None,
                })
            }
        )*}
    };
}

texts! {
    /// TITLE.
    title Title,
    /// AUTHOR.
    author Author,
    /// COPYRIGHT.
    copyright Copyright,
    /// ABSTRACT.
    abstract_text Abstract,
    /// HREF of BASE.
    base Base,
    /// HREF of LOGURL.
    log_url LogUrl,
}

impl<'a> Details<'a> {
    /// STARTTIME in milliseconds.
    #[must_use]
    pub fn start_time_ms(&self) -> Option<u32> {
        self.items.clone().find_map(|item| if let Item::StartTime(ms) = item { ms } else { None })
    }

    /// DURATION in milliseconds.
    #[must_use]
    pub fn duration_ms(&self) -> Option<u32> {
        self.items.clone().find_map(|item| if let Item::Duration(ms) = item { ms } else { None })
    }

    /// PREVIEWDURATION in milliseconds.
    #[must_use]
    pub fn preview_duration_ms(&self) -> Option<u32> {
        self.items.clone().find_map(|item| if let Item::PreviewDuration(ms) = item { ms } else { None })
    }

    /// MOREINFO.
    #[must_use]
    pub fn more_info(&self) -> Option<MoreInfo<'a>> {
        self.items.clone().find_map(|item| if let Item::MoreInfo(link) = item { Some(link) } else { None })
    }

    /// BANNER.
    #[must_use]
    pub fn banner(&self) -> Option<Banner<'a>> {
        self.items.clone().find_map(|item| if let Item::Banner(banner) = item { Some(banner) } else { None })
    }

    /// VALUE of the first PARAM of a name, in any case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Value<'a>> {
        self.items.clone().find_map(|item| match item {
            Item::Param(param) if param.name.is_some_and(|written| written.is(name)) => param.value,
            _ => None,
        })
    }
}
