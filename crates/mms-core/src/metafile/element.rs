//! The elements of ASX (digest 2).

/// An element, by its name in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Element {
    Asx,
    Entry,
    Ref,
    EntryRef,
    Repeat,
    Event,
    StartTime,
    Duration,
    PreviewDuration,
    StartMarker,
    EndMarker,
    Base,
    Param,
    Title,
    Author,
    Copyright,
    Abstract,
    MoreInfo,
    Banner,
    LogUrl,
}

const NAMES: [(&str, Element); 20] = [
    ("ASX", Element::Asx),
    ("ENTRY", Element::Entry),
    ("REF", Element::Ref),
    ("ENTRYREF", Element::EntryRef),
    ("REPEAT", Element::Repeat),
    ("EVENT", Element::Event),
    ("STARTTIME", Element::StartTime),
    ("DURATION", Element::Duration),
    ("PREVIEWDURATION", Element::PreviewDuration),
    ("STARTMARKER", Element::StartMarker),
    ("ENDMARKER", Element::EndMarker),
    ("BASE", Element::Base),
    ("PARAM", Element::Param),
    ("TITLE", Element::Title),
    ("AUTHOR", Element::Author),
    ("COPYRIGHT", Element::Copyright),
    ("ABSTRACT", Element::Abstract),
    ("MOREINFO", Element::MoreInfo),
    ("BANNER", Element::Banner),
    ("LOGURL", Element::LogUrl),
];

impl Element {
    /// The element of a name, if ASX has it.
    pub(super) fn of(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, element)| *element)
    }

    /// Whether the element holds text.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Title | Self::Author | Self::Copyright | Self::Abstract)
    }

    /// Whether the element may stand in a REF.
    pub(super) const fn is_of_ref(self) -> bool {
        matches!(
            self,
            Self::StartTime | Self::Duration | Self::PreviewDuration | Self::StartMarker | Self::EndMarker
        )
    }
}
