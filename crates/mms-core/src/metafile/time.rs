//! Times of ASX (digest 2.1).

use nom::bytes::complete::take_while1;
use nom::character::complete::char;
use nom::combinator::opt;
use nom::sequence::preceded;
use nom::{IResult, Parser};

/// The milliseconds of `[[hh:]mm:]ss[.fract]`. What follows the digits does not count; more than two colons, or text
/// that begins with no digit, is no time. What exceeds 32 bits is `u32::MAX`.
#[must_use]
pub fn time_ms(text: &str) -> Option<u32> {
    let (rest, ms) = time(text.trim_start_matches(super::is_space)).ok()?;
    (!rest.starts_with(':')).then(|| u32::try_from(ms).unwrap_or(u32::MAX))
}

fn time(input: &str) -> IResult<&str, u64> {
    let (input, first) = number(input)?;
    let (input, second) = opt(preceded(char(':'), number)).parse_complete(input)?;
    let (input, third) = match second {
        Some(_) => opt(preceded(char(':'), number)).parse_complete(input)?,
        None => (input, None),
    };
    let (input, fraction) = opt(preceded(char('.'), digits)).parse_complete(input)?;
    let seconds = [Some(first), second, third]
        .into_iter()
        .flatten()
        .fold(0u64, |sum, part| sum.saturating_mul(60).saturating_add(part));
    let ms = seconds.saturating_mul(1000).saturating_add(fraction.map_or(0, thousandths));
    Ok((input, ms))
}

fn digits(input: &str) -> IResult<&str, &str> {
    take_while1(|c: char| c.is_ascii_digit()).parse_complete(input)
}

fn number(input: &str) -> IResult<&str, u64> {
    let (rest, digits) = digits(input)?;
    Ok((rest, saturating(digits)))
}

/// A decimal number of any length, `u64::MAX` if it is larger.
pub(super) fn saturating(digits: &str) -> u64 {
    digits
        .bytes()
        .fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit.wrapping_sub(b'0'))))
}

fn thousandths(fraction: &str) -> u64 {
    let padded = fraction.bytes().chain([b'0'; 3]).take(3);
    padded.fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit.wrapping_sub(b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_one_time_are_equal() {
        for text in ["61.5", "1:01.5", "00:01:01.500", " 0:1:1.5000001", "61.5s", "0:0:61.5abc"] {
            assert_eq!(time_ms(text), Some(61_500), "{text}");
        }
    }

    #[test]
    fn odd_times_are_read_as_far_as_they_go() {
        assert_eq!(time_ms("48:61:61.1001"), Some(((48 * 60 + 61) * 60 + 61) * 1000 + 100));
        assert_eq!(time_ms("1.2.3"), Some(1200));
        assert_eq!(time_ms("7."), Some(7000));
        assert_eq!(time_ms("99999999999999999999:0"), Some(u32::MAX));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "abc", "-0.2", "::.", ".", ".3", "0:0:0:0", "aB:00:01", "5:", "1::2"] {
            assert_eq!(time_ms(text), None, "{text}");
        }
    }
}
