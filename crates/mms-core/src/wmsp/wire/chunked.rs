//! The chunked transfer coding of HTTP/1.1, decoded only.

use crate::error::{DecodeError, Reason};

/// Longest size line, with its extensions.
const LINE_BYTES: u16 = 256;
/// Most bytes of trailers.
const TRAILER_BYTES: u16 = 2048;

/// What is at the front of the raw bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chunk {
    /// So many bytes are framing and can be dropped; more must come.
    Framing(usize),
    /// So many bytes belong to the content.
    Content(usize),
    /// The body ended behind so many bytes of framing.
    End(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size { value: u32, digits: u8 },
    Extension,
    SizeLf,
    Content { left: u32 },
    ContentCr,
    ContentLf,
    Trailer { empty: bool, cr: bool },
    End,
}

/// Cuts a chunked body into framing and content; each byte is looked at once.
#[derive(Clone, Debug)]
pub struct Chunked {
    state: State,
    size: u32,
    line: u16,
    offset: u64,
    failed: Option<DecodeError>,
}

impl Default for Chunked {
    fn default() -> Self {
        Self::new()
    }
}

impl Chunked {
    /// At the start of a body.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Size { value: 0, digits: 0 }, size: 0, line: 0, offset: 0, failed: None }
    }

    /// Whether the last chunk and its trailers are over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::End
    }

    /// Looks at the raw bytes behind those that were reported before.
    ///
    /// # Errors
    ///
    /// A size that is no hexadecimal number of 32 bits, a line that is too long, or content that is not
    /// followed by a line end; the offset counts from the start of the body. An error is final.
    pub fn next(&mut self, raw: &[u8]) -> Result<Chunk, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if let State::Content { left } = self.state {
            let count = raw.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let left = left.saturating_sub(u32::try_from(count).unwrap_or(left));
            self.state = if left == 0 { State::ContentCr } else { State::Content { left } };
            self.advance(count);
            return Ok(Chunk::Content(count));
        }
        let mut used = 0_usize;
        for byte in raw {
            if matches!(self.state, State::Content { .. } | State::End) {
                break;
            }
            match self.framing(*byte) {
                Some(state) => self.state = state,
                None => {
                    let at = usize::try_from(self.offset).unwrap_or(usize::MAX).saturating_add(used);
                    let error = DecodeError::new(Reason::Chunk, at);
                    self.failed = Some(error);
                    return Err(error);
                }
            }
            used = used.saturating_add(1);
        }
        self.advance(used);
        Ok(if self.is_over() { Chunk::End(used) } else { Chunk::Framing(used) })
    }

    fn advance(&mut self, count: usize) {
        self.offset = self.offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn framing(&mut self, byte: u8) -> Option<State> {
        self.line = self.line.saturating_add(1);
        let allowed = if matches!(self.state, State::Trailer { .. }) { TRAILER_BYTES } else { LINE_BYTES };
        if self.line > allowed {
            return None;
        }
        match (self.state, byte) {
            (State::Size { value, digits }, _) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16)?;
                let value = value.checked_mul(16)?.checked_add(digit)?;
                Some(State::Size { value, digits: digits.checked_add(1)? })
            }
            (State::Size { digits: 0, .. }, _) => None,
            (State::Size { value, .. }, b'\r' | b';' | b' ' | b'\t') => {
                self.size = value;
                Some(if byte == b'\r' { State::SizeLf } else { State::Extension })
            }
            (State::Extension, b'\r') => Some(State::SizeLf),
            (State::Extension, b'\t' | b' '..=0xFF) => Some(State::Extension),
            (State::SizeLf, b'\n') => {
                self.line = 0;
                Some(match self.size {
                    0 => State::Trailer { empty: true, cr: false },
                    left => State::Content { left },
                })
            }
            (State::ContentCr, b'\r') => Some(State::ContentLf),
            (State::ContentLf, b'\n') => {
                self.line = 0;
                Some(State::Size { value: 0, digits: 0 })
            }
            (State::Trailer { empty, cr: false }, b'\r') => Some(State::Trailer { empty, cr: true }),
            (State::Trailer { empty: true, cr: true }, b'\n') => Some(State::End),
            (State::Trailer { empty: false, cr: true }, b'\n') => {
                Some(State::Trailer { empty: true, cr: false })
            }
            (State::Trailer { cr: false, .. }, b'\t' | b' '..=0xFF) => {
                Some(State::Trailer { empty: false, cr: false })
            }
            _ => None,
        }
    }

    /// Moves the content in `raw` to its front and returns how many bytes that is; everything behind is
    /// done with. Bytes behind the end of the body are dropped.
    ///
    /// # Errors
    ///
    /// As for [`next`](Self::next).
    pub fn compact(&mut self, raw: &mut [u8]) -> Result<usize, DecodeError> {
        match self.compact_as_far(raw) {
            (kept, None) => Ok(kept),
            (_, Some(error)) => Err(error),
        }
    }

    /// The same up to an error, with the content before it.
    pub(crate) fn compact_as_far(&mut self, raw: &mut [u8]) -> (usize, Option<DecodeError>) {
        let (mut kept, mut at) = (0_usize, 0_usize);
        while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
            // every round takes at least one byte, or is the last
            match self.next(rest) {
                Ok(Chunk::Framing(count)) => at = at.saturating_add(count),
                Ok(Chunk::Content(count)) => {
                    raw.copy_within(at..at.saturating_add(count), kept);
                    kept = kept.saturating_add(count);
                    at = at.saturating_add(count);
                }
                Ok(Chunk::End(_)) => break,
                Err(error) => return (kept, Some(error)),
            }
        }
        (kept, None)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn decode(raw: &[u8], step: usize) -> Result<(Vec<u8>, bool), Reason> {
        let mut chunked = Chunked::new();
        let mut content = Vec::new();
        for piece in raw.chunks(step) {
            let mut piece = Vec::from(piece);
            let kept = chunked.compact(&mut piece).map_err(|error| error.reason)?;
            content.extend(&piece[..kept]);
        }
        Ok((content, chunked.is_over()))
    }

    #[test]
    fn every_split_gives_the_same_content() {
        let raw = b"4\r\nabcd\r\n00A;x=y\r\n0123456789\r\n1 \r\n!\r\n0\r\nTrailer: 1\r\n\r\nbehind";
        for step in 1..=raw.len() {
            assert_eq!(decode(raw, step), Ok((Vec::from(*b"abcd0123456789!"), true)), "step {step}");
        }
    }

    #[test]
    fn bad_chunk_lengths_are_refused() {
        for raw in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x4\r\n",
            "100000000\r\n",
            "FFFFFFFFFFFFFFFF1\r\n",
            "4\nabcd",
            "4\r\nabcde\r\n",
            "4\r\nabcd\n",
            "4\r\rabcd",
            " 4\r\n",
            "4\u{1}\r\n",
            "0\r\nA: b\n\n",
        ] {
            assert_eq!(decode(raw.as_bytes(), 1), Err(Reason::Chunk), "{raw:?}");
            assert_eq!(decode(raw.as_bytes(), 100), Err(Reason::Chunk), "{raw:?}");
        }
        let endless = [b"1;".as_slice(), &[b'x'; 300]].concat();
        assert_eq!(decode(&endless, 7), Err(Reason::Chunk));
        let trailers = [b"0\r\n".as_slice(), &b"A: b\r\n".repeat(1000)].concat();
        assert_eq!(decode(&trailers, 9), Err(Reason::Chunk));
    }

    #[test]
    fn many_zeros_in_front_are_bounded_by_the_line() {
        let raw = [&[b'0'; 255][..], b"1\r\nx"].concat();
        assert_eq!(decode(&raw, 1), Err(Reason::Chunk));
    }
}
