//! The object frame and the framing loop (section 2.1).

use super::guid::Guid;
use super::read::Reader;
use crate::error::{DecodeError, Reason};

/// Bytes of an object's identifier and size.
pub(super) const FRAME_LEN: usize = 24;

/// One object: identifier, place and body (section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    /// What the object is.
    pub guid: Guid,
    /// Offset of the object's first byte from the start of the header.
    pub offset: u64,
    /// The bytes behind identifier and size.
    pub body: &'a [u8],
}

impl Object<'_> {
    /// Size of the object with its frame, as stored in its size field.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::try_from(self.body.len().saturating_add(FRAME_LEN)).unwrap_or(u64::MAX)
    }
}

/// The objects of a container, in order.
///
/// It ends at the first object that does not fit the container; fewer bytes than a frame are ignored.
#[derive(Clone, Debug)]
pub struct Objects<'a> {
    rest: &'a [u8],
    offset: u64,
}

impl<'a> Objects<'a> {
    /// Objects in exactly these bytes, which stand at `offset` of the header.
    pub(super) fn new(bytes: &'a [u8], offset: u64) -> Self {
        Self { rest: bytes, offset }
    }

    fn split(&self) -> Result<(Object<'a>, &'a [u8]), DecodeError> {
        let mut reader = Reader::new(self.rest);
        let guid = reader.guid()?;
        let wrong_size = reader.error(Reason::ObjectSize);
        let size = usize::try_from(reader.u64()?).map_err(|_| wrong_size)?;
        let (object, rest) = self.rest.split_at_checked(size).ok_or(wrong_size)?;
        let body = object.get(FRAME_LEN..).ok_or(wrong_size)?;
        Ok((Object { guid, offset: self.offset, body }, rest))
    }
}

impl<'a> Iterator for Objects<'a> {
    type Item = Object<'a>;

    fn next(&mut self) -> Option<Object<'a>> {
        let (object, rest) = self.split().ok()?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(object.size());
        Some(object)
    }
}

/// The sub-objects of a Header Extension Object, empty if it is too short (section 3.4).
pub(super) fn extension_objects<'a>(extension: &Object<'a>) -> Objects<'a> {
    let mut reader = Reader::new(extension.body);
    let declared = reader.take(18).and_then(|_| reader.u32()).unwrap_or(0);
    let len = usize::try_from(declared).unwrap_or(usize::MAX).min(reader.rest().len());
    let offset = extension.offset.saturating_add(46);
    Objects::new(reader.rest().get(..len).unwrap_or(&[]), offset)
}

/// The Stream Properties Object inside an Extended Stream Properties Object (section 4.1).
pub(super) fn embedded_stream<'a>(extended: &Object<'a>) -> Option<Object<'a>> {
    let mut reader = Reader::new(extended.body);
    reader.take(60).ok()?;
    let (names, systems) = (reader.u16().ok()?, reader.u16().ok()?);
    for _ in 0..names {
        reader.u16().ok()?;
        let len = reader.u16().ok()?;
        reader.take(usize::from(len)).ok()?;
    }
    for _ in 0..systems {
        reader.take(18).ok()?;
        let len = reader.u32().ok()?;
        reader.take(usize::try_from(len).ok()?).ok()?;
    }
    let at = u64::try_from(reader.pos().saturating_add(FRAME_LEN)).ok()?;
    let inner = Objects::new(reader.rest(), extended.offset.saturating_add(at)).next()?;
    (inner.guid == Guid::STREAM_PROPERTIES).then_some(inner)
}
