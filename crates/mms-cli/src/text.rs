//! Text from elsewhere on the way to a terminal.

use core::time::Duration;

/// The text with control characters made visible: what a peer or a file says must not command the terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // direction marks can make text look like other text
        if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// `h:mm:ss.mmm`, without hours where there are none.
pub(crate) fn clock(time: Duration) -> String {
    format!("{}.{:03}", seconds(time), time.subsec_millis())
}

/// `h:mm:ss`, without hours where there are none.
pub(crate) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Bit/s in a unit that people read.
pub(crate) fn bit_rate(bits: u64) -> String {
    match bits {
        0..1000 => format!("{bits} bit/s"),
        1000..10_000_000 => format!("{}.{} kbit/s", bits / 1000, bits % 1000 / 100),
        _ => format!("{}.{} Mbit/s", bits / 1_000_000, bits % 1_000_000 / 100_000),
    }
}

/// `1 packet`, `2 packets`.
pub(crate) fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(printable("a\u{1b}[2Jü\u{202e}"), "a\\u{1b}[2Jü\\u{202e}");
    }

    #[test]
    fn times_and_rates_are_readable() {
        assert_eq!(clock(Duration::from_millis(61_005)), "1:01.005");
        assert_eq!(clock(Duration::from_secs(3601)), "1:00:01.000");
        assert_eq!(bit_rate(999), "999 bit/s");
        assert_eq!(bit_rate(64_040), "64.0 kbit/s");
        assert_eq!(bit_rate(12_340_000), "12.3 Mbit/s");
    }
}
