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
    #[inline]
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, pos: 0 }
    }

    /// Goes on with `rest`, which is the end of what is left.
    #[inline]
    pub(super) fn skip_to(&mut self, rest: &'a [u8]) {
        let len = self.rest.len().saturating_sub(rest.len());
        self.advance(rest, len);
    }

    /// Reads the bytes from `start` to `end`; positions count from the first byte of `bytes`.
    #[inline]
    pub(super) fn at(bytes: &'a [u8], start: usize, end: usize) -> Result<Self, DecodeError> {
        let rest = bytes.get(start..end).ok_or(DecodeError::new(Reason::Truncated, start))?;
        Ok(Self { rest, pos: start })
    }

    #[inline]
    pub(super) fn pos(&self) -> usize {
        self.pos
    }

    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(super) fn error(&self, reason: Reason) -> DecodeError {
        DecodeError::new(reason, self.pos)
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(self.error(Reason::Truncated))?;
        self.advance(rest, len);
        Ok(head)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(self.error(Reason::Truncated))?;
        self.advance(rest, N);
        Ok(*head)
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn guid(&mut self) -> Result<Guid, DecodeError> {
        self.array().map(Guid)
    }

    #[inline]
    fn advance(&mut self, rest: &'a [u8], len: usize) {
        self.rest = rest;
        self.pos = self.pos.saturating_add(len);
    }
}

/// An iterator over entries of an object: bounded by their count and by the bytes that are there, and
/// ended by the first entry that is cut.
macro_rules! entries {
    ($(#[$meta:meta])* $name:ident<$lt:lifetime>, $item:ty, $read:expr) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name<$lt> {
            reader: Reader<$lt>,
            left: u32,
        }

        impl<$lt> $name<$lt> {
            fn new(reader: Reader<$lt>, count: u32) -> Self {
                Self { reader, left: count }
            }
        }

        impl<$lt> Iterator for $name<$lt> {
            type Item = $item;

            fn next(&mut self) -> Option<$item> {
                self.left = self.left.checked_sub(1)?;
                let read: fn(&mut Reader<$lt>) -> Result<$item, DecodeError> = $read;
                let entry = read(&mut self.reader).ok();
                if entry.is_none() {
                    self.left = 0;
                }
                entry
            }
        }
    };
}
pub(super) use entries;

impl<'a> Reader<'a> {
    /// Bytes behind a length of 16 bits.
    pub(super) fn bytes16(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    /// Bytes behind a length of 32 bits.
    pub(super) fn bytes32(&mut self) -> Result<&'a [u8], DecodeError> {
        let too_long = self.error(Reason::NestedLength);
        let len = usize::try_from(self.u32()?).map_err(|_| too_long)?;
        self.take(len).map_err(|_| too_long)
    }
}
