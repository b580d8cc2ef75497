//! What the content is called (sections 3.10 and 3.11).

use super::guid::Guid;
use super::read::Reader;
use super::utf16::Utf16;
use crate::error::DecodeError;

/// The Content Description Object (section 3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDescription<'a> {
    /// Title.
    pub title: Utf16<'a>,
    /// Author.
    pub author: Utf16<'a>,
    /// Copyright.
    pub copyright: Utf16<'a>,
    /// Description.
    pub description: Utf16<'a>,
    /// Rating.
    pub rating: Utf16<'a>,
}

impl<'a> ContentDescription<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let mut lens = [0u16; 5];
        for len in &mut lens {
            *len = reader.u16()?;
        }
        let mut texts = [Utf16::default(); 5];
        for (text, len) in texts.iter_mut().zip(lens) {
            *text = Utf16::new(reader.take(usize::from(len))?);
        }
        let [title, author, copyright, description, rating] = texts;
        Ok(Self { title, author, copyright, description, rating })
    }
}

/// One descriptor of the Extended Content Description Object (section 3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Descriptor Name.
    pub name: Utf16<'a>,
    /// Descriptor Value.
    pub value: TagValue<'a>,
}

/// A Descriptor Value (section 3.11). A number with fewer bytes than its type has is filled with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagValue<'a> {
    /// Type 0.
    Text(Utf16<'a>),
    /// Type 1, and the bytes of types that are not known here.
    Bytes(&'a [u8]),
    /// Type 2.
    Bool(bool),
    /// Type 3.
    U32(u32),
    /// Type 4.
    U64(u64),
    /// Type 5.
    U16(u16),
    /// Type 6, of the Metadata Library Object only (section 4.8).
    Guid(Guid),
}

impl<'a> TagValue<'a> {
    pub(super) fn new(kind: u16, bytes: &'a [u8]) -> Self {
        match kind {
            0 => Self::Text(Utf16::new(bytes)),
            2 => Self::Bool(u32::from_le_bytes(padded(bytes)) != 0),
            3 => Self::U32(u32::from_le_bytes(padded(bytes))),
            4 => Self::U64(u64::from_le_bytes(padded(bytes))),
            5 => Self::U16(u16::from_le_bytes(padded(bytes))),
            6 if bytes.len() == 16 => Self::Guid(Guid(padded(bytes))),
            _ => Self::Bytes(bytes),
        }
    }
}

impl core::fmt::Display for TagValue<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text}"),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Bool(value) => write!(f, "{value}"),
            Self::U32(value) => write!(f, "{value}"),
            Self::U64(value) => write!(f, "{value}"),
            Self::U16(value) => write!(f, "{value}"),
            Self::Guid(value) => write!(f, "{value}"),
        }
    }
}

fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}

/// The descriptors of an Extended Content Description Object, bounded by its bytes.
#[derive(Clone, Debug)]
pub struct Tags<'a> {
    reader: Reader<'a>,
    left: u16,
}

impl<'a> Tags<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        let mut reader = Reader::new(body);
        let left = reader.u16().unwrap_or(0);
        Self { reader, left }
    }

    fn tag(&mut self) -> Result<Tag<'a>, DecodeError> {
        let len = self.reader.u16()?;
        let name = Utf16::new(self.reader.take(usize::from(len))?);
        let (kind, len) = (self.reader.u16()?, self.reader.u16()?);
        Ok(Tag { name, value: TagValue::new(kind, self.reader.take(usize::from(len))?) })
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        self.left = self.left.checked_sub(1)?;
        let tag = self.tag().ok();
        if tag.is_none() {
            self.left = 0;
        }
        tag
    }
}
