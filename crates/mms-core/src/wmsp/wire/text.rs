//! Writing text: counted first, then written, so that output is whole or nothing.

use core::fmt::{self, Write};

use crate::error::BufferTooSmall;
pub use crate::text::utf8_prefix;

/// Writes what `value` displays and returns its length.
///
/// # Errors
///
/// `out` is too small; nothing was written.
pub fn encode_text(value: &impl fmt::Display, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
    let needed = text_len(value);
    let room = out.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
    let mut target = Room { room, at: 0 };
    match write!(target, "{value}") {
        Ok(()) => Ok(needed),
        Err(_) => Err(BufferTooSmall { needed }),
    }
}

/// Bytes of what `value` displays.
#[must_use]
pub fn text_len(value: &impl fmt::Display) -> usize {
    let mut counter = Counter(0);
    // counting cannot fail
    let _ = write!(counter, "{value}");
    counter.0
}

struct Counter(usize);

impl Write for Counter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

struct Room<'b> {
    room: &'b mut [u8],
    at: usize,
}

impl Write for Room<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.at.saturating_add(text.len());
        let target = self.room.get_mut(self.at..end).ok_or(fmt::Error)?;
        target.copy_from_slice(text.as_bytes());
        self.at = end;
        Ok(())
    }
}

/// Text of the caller's inside a line of a head: control characters are left out, so that it cannot end
/// the line.
#[derive(Clone, Copy, Debug)]
pub struct Clean<'a>(pub &'a str);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split(char::is_control).try_for_each(|part| f.write_str(part))
    }
}

/// The target of a request: what may not stand in a request line is percent-encoded, `%` stays (W6).
#[derive(Clone, Copy, Debug)]
pub struct RequestTarget<'a>(pub &'a str);

impl fmt::Display for RequestTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}') {
                f.write_char(c)?;
            } else {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    write!(f, "%{byte:02X}")?;
                }
            }
        }
        Ok(())
    }
}

/// Whether two texts are equal but for the case of ASCII letters.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn text_is_written_whole_or_not_at_all() {
        let mut out = [0xAA; 4];
        assert_eq!(encode_text(&"abcde", &mut out), Err(BufferTooSmall { needed: 5 }));
        assert_eq!(out, [0xAA; 4]);
        assert_eq!(encode_text(&"abc", &mut out), Ok(3));
        assert_eq!(&out, b"abc\xAA");
    }

    #[test]
    fn w6_a_percent_sign_in_a_path_is_only_text_and_lines_cannot_be_ended() {
        assert_eq!(RequestTarget("/a%n%s b\r\nX: y/é").to_string(), "/a%n%s%20b%0D%0AX:%20y/%C3%A9");
        assert_eq!(Clean("a\r\nInjected: 1\0").to_string(), "aInjected: 1");
    }
}
