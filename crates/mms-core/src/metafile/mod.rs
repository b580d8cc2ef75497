//! Metafiles: small texts that name the media to play. ASX (also called WAX, WVX and WMX), `[Reference]` files, plain
//! lists of URLs, and NSC, the announcement of a multicast.
//!
//! ```text
//! bytes --sniff--> Kind      ASF and frames go elsewhere
//!       --to_text--> &str    any character set, through a buffer of the caller
//!       --Metafile::parse--> Asx | Lines
//!       --candidates--> Candidate { href, times }, in order
//!       --resolve--> absolute URL of an allowed scheme
//! ```
//!
//! Everything borrows the text; nothing is fetched and nothing is stored. [`Trail`] bounds how deep and how often a
//! client follows. [`Mode::Lenient`] reads whatever a desktop player reads and fails on nothing but size and kind;
//! [`Mode::Strict`] accepts what Silverlight accepted, and [`player_code`] is the number it reported otherwise.

mod asx;
mod candidates;
mod element;
mod encoding;
mod lines;
mod markup;
pub mod nsc;
mod resolve;
mod sniff;
mod strict;
mod time;
mod trail;
mod value;
mod write;

pub use asx::{Asx, Banner, Details, Entry, Event, Item, Items, MoreInfo, Param, Ref, Refs, Root};
pub use candidates::{Candidate, CandidateKind, Candidates, Metafile};
pub use encoding::{Encoding, text_len, to_text};
pub use lines::{Lines, LinesKind, References};
pub use resolve::{Base, Target, Unresolved, resolve};
pub use sniff::{Kind, sniff};
pub use time::time_ms;
pub use trail::{Trail, TrailEnd};
pub use value::{Chars, Cleaned, Value};
pub use write::{AsxOffer, write_asx};

use crate::error::Reason;

/// Most bytes of a metafile.
pub const BYTES_LIMIT: usize = 256 * 1024;
/// Deepest chain of metafiles below the first one, as of Windows Media Player 9.
pub const DEPTH_LIMIT: usize = 5;
/// Most metafiles fetched to open one URL.
pub const METAFILES_LIMIT: usize = 16;
/// Most entries of one metafile, repeated ones included.
pub const ENTRIES_LIMIT: u32 = 10_000;
/// Most entries that a REPEAT adds.
pub const REPEATED_LIMIT: u32 = 1000;
/// Most alternatives of one entry.
pub const REFS_LIMIT: u32 = 32;
/// Most characters of a text for display.
pub const TEXT_LIMIT: usize = 8 * 1024;
/// Most bytes of a URL.
pub const URL_LIMIT: usize = 4096;

/// How ASX is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// As desktop players do: whatever can be understood is, the rest is skipped.
    #[default]
    Lenient,
    /// As Silverlight did: the first fault ends it.
    Strict,
}

/// The number that Silverlight reported for a fault, if it is one of a playlist.
#[must_use]
pub const fn player_code(reason: Reason) -> Option<u16> {
    Some(match reason {
        Reason::AsxElement => 3004,
        Reason::AsxAttribute => 3005,
        Reason::AsxElementUnsupported => 3006,
        Reason::AsxAttributeUnsupported => 3007,
        Reason::AsxStructure => 3008,
        Reason::AsxTime => 2210,
        Reason::Xml => 7000,
        Reason::XmlQuote => 7007,
        Reason::XmlDuplicate => 7031,
        Reason::NotMetafile => 4001,
        _ => return None,
    })
}

/// White space of markup and of text files.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0C')
}
