//! Reading and writing little-endian layouts.

use crate::error::{DecodeError, Reason};
use crate::hresult::Hresult;
use crate::text::Text;

use super::AnsiStr;

/// What is left of one structure, and where in it we are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader over `bytes`, which start `offset` bytes into the structure that errors count from.
    pub(super) fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes, offset }
    }

    /// Takes a fixed part; one bounds check for all its fields.
    pub(super) fn fixed<const N: usize>(&mut self) -> Result<Fields<'a>, DecodeError> {
        let Some((fixed, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(DecodeError::new(Reason::Truncated, self.offset.saturating_add(self.rest.len())));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(N);
        Ok(Fields { rest: fixed })
    }

    /// Takes `len` bytes that a length field at `field` announced.
    pub(super) fn nested(&mut self, len: u64, field: usize) -> Result<&'a [u8], DecodeError> {
        let taken = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let (inner, rest) = taken.ok_or_else(|| DecodeError::new(Reason::NestedLength, field))?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(inner.len());
        Ok(inner)
    }

    /// Everything that is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// The fields of a fixed part, taken one after the other; its size was checked once for all of them.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Fields of an absent part of so many bytes: all zero.
    pub(super) fn absent<const N: usize>() -> Self {
        Self { rest: &[0; N] }
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let Some((field, rest)) = self.rest.split_first_chunk::<N>() else {
            return [0; N];
        };
        self.rest = rest;
        *field
    }

    pub(super) fn u8(&mut self) -> u8 {
        let [value] = self.array();
        value
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    pub(super) fn i16(&mut self) -> i16 {
        i16::from_le_bytes(self.array())
    }

    pub(super) fn f64(&mut self) -> f64 {
        f64::from_le_bytes(self.array())
    }

    pub(super) fn hr(&mut self) -> Hresult {
        Hresult(self.u32())
    }

    pub(super) fn skip<const N: usize>(&mut self) {
        let _ignored: [u8; N] = self.array();
    }

    /// A fixed-size string in the client's code page; its last byte belongs to the NUL.
    pub(super) fn ansi(&mut self, size: usize) -> AnsiStr<'a> {
        let Some((field, rest)) = self.rest.split_at_checked(size) else {
            return AnsiStr::default();
        };
        self.rest = rest;
        AnsiStr::new(field.split_last().map_or(&[], |(_nul, text)| text))
    }
}

/// Writes a layout, or only counts its bytes: lengths and bytes have one definition.
#[derive(Debug)]
pub(super) struct Writer<'b> {
    room: Option<&'b mut [u8]>,
    len: usize,
    unwritable: bool,
}

impl<'b> Writer<'b> {
    /// Length of a layout that holds a value its length field cannot express; no buffer is that long.
    pub(super) const UNWRITABLE: usize = usize::MAX & !7;

    /// A writer that only counts.
    pub(super) fn counter() -> Self {
        Self { room: None, len: 0, unwritable: false }
    }

    /// A writer into `room`, which the counter has measured.
    pub(super) fn new(room: &'b mut [u8]) -> Self {
        Self { room: Some(room), len: 0, unwritable: false }
    }

    /// Bytes counted or written so far.
    pub(super) fn len(&self) -> usize {
        if self.unwritable { Self::UNWRITABLE } else { self.len }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.len = self.len.saturating_add(bytes.len());
        let taken = self.room.take().and_then(|room| room.split_at_mut_checked(bytes.len()));
        if let Some((place, room)) = taken {
            place.copy_from_slice(bytes);
            self.room = Some(room);
        }
    }

    /// Fills what is left of the room with zeros.
    pub(super) fn fill(&mut self) {
        if let Some(room) = self.room.take() {
            room.fill(0);
        }
    }

    pub(super) fn zeros(&mut self, count: usize) {
        for _ in 0..count {
            self.bytes(&[0]);
        }
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn f64(&mut self, value: f64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn hr(&mut self, value: Hresult) {
        self.u32(value.0);
    }

    /// A length or count of 32 bits.
    pub(super) fn count32(&mut self, count: usize) {
        let value = u32::try_from(count);
        self.unwritable |= value.is_err();
        self.u32(value.unwrap_or(u32::MAX));
    }

    /// A length or count of 16 bits.
    pub(super) fn count16(&mut self, count: usize) {
        let value = u16::try_from(count);
        self.unwritable |= value.is_err();
        self.u16(value.unwrap_or(u16::MAX));
    }

    /// A string and its NUL.
    pub(super) fn text(&mut self, text: Text<'_>) {
        text.units().for_each(|unit| self.u16(unit));
        self.u16(0);
    }

    /// A fixed-size string in the client's code page; an empty one is written as `-`.
    pub(super) fn ansi(&mut self, text: AnsiStr<'_>, size: usize) {
        let bytes = if text.is_empty() { b"-" } else { text.as_bytes() };
        let kept = bytes.get(..size.saturating_sub(1)).unwrap_or(bytes);
        self.bytes(kept);
        self.zeros(size.saturating_sub(kept.len()));
    }
}

/// Bytes of a string with its NUL.
pub(super) fn text_len(text: Text<'_>) -> usize {
    text.encoded_len().saturating_add(2)
}
