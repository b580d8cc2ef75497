//! Times on the command line.

use core::time::Duration;

/// Reads seconds, `mm:ss` or `hh:mm:ss`, each with an optional fraction of a second.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || {
        "a time is SECONDS, MM:SS or HH:MM:SS, with a fraction if need be: 90, 1:30, 0:01:30.250".to_owned()
    };
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, nanos(fraction).ok_or_else(wrong)?),
        None => (text, 0),
    };
    let parts: Vec<&str> = whole.split(':').collect();
    if parts.len() > 3 {
        return Err(wrong());
    }
    let mut seconds = 0_u64;
    for (index, part) in parts.iter().enumerate() {
        let number = digits(part).ok_or_else(wrong)?;
        // only the first part may be as large as it likes
        if index > 0 && (number > 59 || part.len() != 2) {
            return Err(wrong());
        }
        seconds = seconds.checked_mul(60).and_then(|s| s.checked_add(number)).ok_or_else(wrong)?;
    }
    Ok(Duration::new(seconds, fraction))
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A fraction of a second; digits behind the ninth do not count.
fn nanos(fraction: &str) -> Option<u32> {
    digits(fraction).or_else(|| (fraction.len() > 9).then(|| digits(fraction.get(..9)?)).flatten())?;
    let nine: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    nine.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_is_read() {
        let millis = |text| parse_time(text).map(|time| time.as_millis());
        assert_eq!(millis("90"), Ok(90_000));
        assert_eq!(millis("0.25"), Ok(250));
        assert_eq!(millis("1:30"), Ok(90_000));
        assert_eq!(millis("90:00"), Ok(5_400_000));
        assert_eq!(millis("1:02:03.5"), Ok(3_723_500));
        assert_eq!(millis("1.123456789999999999999999"), Ok(1123));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1:2",
            "1:60",
            "1:2:3:4",
            "1e3",
            "a",
            "1:",
            "99999999999999999999",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
