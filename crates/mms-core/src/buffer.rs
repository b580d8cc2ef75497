//! Bytes between a socket and a parser, in storage that the host gave.

use core::fmt;

use crate::error::{Error, Misuse};

/// A byte queue over the host's storage: filled at the end, consumed at the front.
#[derive(Clone)]
pub(crate) struct Buffer<B> {
    storage: B,
    start: usize,
    end: usize,
}

/// Without the bytes, among which can be a password.
impl<B> fmt::Debug for Buffer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("start", &self.start).field("end", &self.end).finish_non_exhaustive()
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Buffer<B> {
    pub(crate) fn new(storage: B) -> Self {
        Self { storage, start: 0, end: 0 }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.storage.as_ref().len()
    }

    pub(crate) fn data(&self) -> &[u8] {
        self.storage.as_ref().get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn data_mut(&mut self) -> &mut [u8] {
        self.storage.as_mut().get_mut(self.start..self.end).unwrap_or_default()
    }

    /// Keeps the first `len` bytes of the data.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.start.saturating_add(len));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Bytes that can still be filled in, after moving what is there to the front.
    pub(crate) fn room(&self) -> usize {
        self.capacity().saturating_sub(self.end.saturating_sub(self.start))
    }

    /// Free bytes behind the data. Moves the data to the front only when fewer than `wanted` bytes,
    /// counted from the first byte of the data, would fit otherwise.
    pub(crate) fn space(&mut self, wanted: usize) -> &mut [u8] {
        if self.is_empty() {
            self.start = 0;
            self.end = 0;
        } else if self.start.saturating_add(wanted) > self.capacity() || self.end == self.capacity() {
            self.storage.as_mut().copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        let end = self.end;
        self.storage.as_mut().get_mut(end..).unwrap_or_default()
    }

    /// `count` bytes were written into the space.
    pub(crate) fn filled(&mut self, count: usize) -> Result<(), Error> {
        let end = self.end.saturating_add(count);
        if end > self.capacity() {
            return Err(Error::ApiMisuse(Misuse::TooManyBytes));
        }
        self.end = end;
        Ok(())
    }

    /// `count` bytes at the front are done with.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    pub(crate) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Takes other storage and gives the old one back; unread bytes are kept.
    /// Storage that is too small for them is given back unused.
    pub(crate) fn replace(&mut self, mut storage: B) -> B {
        let unread = self.data();
        let count = unread.len();
        let Some(target) = storage.as_mut().get_mut(..count) else { return storage };
        target.copy_from_slice(unread);
        self.start = 0;
        self.end = count;
        core::mem::replace(&mut self.storage, storage)
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn data_moves_to_the_front_only_when_a_frame_would_not_fit() {
        let mut buffer = Buffer::new([0_u8; 8]);
        buffer.space(8)[..6].copy_from_slice(b"abcdef");
        buffer.filled(6).unwrap();
        buffer.consume(4);
        assert_eq!(buffer.space(4).len(), 2);
        assert_eq!(buffer.space(5).len(), 6);
        assert_eq!(buffer.data(), b"ef");
        assert!(buffer.filled(7).is_err());
    }

    #[test]
    fn other_storage_keeps_unread_bytes_and_too_small_storage_comes_back() {
        let mut buffer = Buffer::new(vec![0_u8; 4]);
        buffer.space(4).copy_from_slice(b"wxyz");
        buffer.filled(4).unwrap();
        buffer.consume(1);
        assert_eq!(buffer.replace(vec![0; 2]).len(), 2);
        assert_eq!(buffer.replace(vec![0; 16]).len(), 4);
        assert_eq!(buffer.data(), b"xyz");
        assert_eq!(buffer.room(), 13);
    }
}
