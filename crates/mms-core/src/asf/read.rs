//! A cursor over little-endian fields that fails instead of panicking.

use super::guid::Guid;
use crate::error::{DecodeError, Reason};

/// Reads forward over a slice; an error names the offset of the field that is missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    pos: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, pos: 0 }
    }

    /// Reads the bytes from `start` to `end`; positions count from the first byte of `bytes`.
    pub(super) fn at(bytes: &'a [u8], start: usize, end: usize) -> Result<Self, DecodeError> {
        let rest = bytes.get(start..end).ok_or(DecodeError::new(Reason::Truncated, start))?;
        Ok(Self { rest, pos: start })
    }

    pub(super) fn pos(&self) -> usize {
        self.pos
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn error(&self, reason: Reason) -> DecodeError {
        DecodeError::new(reason, self.pos)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(self.error(Reason::Truncated))?;
        self.advance(rest, len);
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(self.error(Reason::Truncated))?;
        self.advance(rest, N);
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn guid(&mut self) -> Result<Guid, DecodeError> {
        self.array().map(Guid)
    }

    fn advance(&mut self, rest: &'a [u8], len: usize) {
        self.rest = rest;
        self.pos = self.pos.saturating_add(len);
    }
}
