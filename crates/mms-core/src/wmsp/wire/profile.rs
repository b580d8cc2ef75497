//! X-StartupProfile (section 2.2.1.12).

use core::fmt;

use nom::bytes::complete::{tag_no_case, take_till, take_while};
use nom::character::complete::{char, space0};
use nom::combinator::{map, map_opt};
use nom::sequence::{delimited, terminated};
use nom::{IResult, Parser};

/// A comma list of decimal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers<'a>(pub &'a str);

impl<'a> Numbers<'a> {
    /// The numbers; what is none is left out.
    pub fn iter(&self) -> impl Iterator<Item = u32> + 'a {
        self.0.split(',').filter_map(|number| number.trim().parse().ok())
    }
}

/// How the start of the content can be sent faster; four lists run in parallel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartupProfile<'a> {
    /// Acceleration, ten times that of the average bit rate.
    pub rate: Numbers<'a>,
    /// Worst buffer underflow in bytes at that rate.
    pub max_bytes: Numbers<'a>,
    /// When it happens, in ms behind `start_time`.
    pub time: Numbers<'a>,
    /// Lowest presentation time of the accelerated part in ms.
    pub start_time: u32,
    /// Its length in ms.
    pub last_time: u32,
    /// Where the largest lag is, in ms behind `start_time`.
    pub max_diff_time: u32,
    /// The largest lag between sound and picture in ms, negative if the picture lags.
    pub max_diff_snd_time: i32,
    /// Average bytes per second over the part.
    pub byte_rate: Numbers<'a>,
}

impl<'a> StartupProfile<'a> {
    /// Decodes the value of a field; `None` if it does not follow the grammar.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<Self> {
        profile(value.trim()).ok().map(|(_, profile)| profile)
    }
}

fn profile(input: &str) -> IResult<&str, StartupProfile<'_>> {
    let (input, rate) = list("Rate", input)?;
    let (input, max_bytes) = list("MaxBytes", input)?;
    let (input, time) = list("Time", input)?;
    let (input, start_time) = number("StartTime", input)?;
    let (input, last_time) = number("LastTime", input)?;
    let (input, max_diff_time) = number("MaxDiffTime", input)?;
    let (input, max_diff_snd_time) = number("MaxDiffSndTime", input)?;
    let (input, byte_rate) = list("ByteRate", input)?;
    let profile = StartupProfile {
        rate,
        max_bytes,
        time,
        start_time,
        last_time,
        max_diff_time,
        max_diff_snd_time,
        byte_rate,
    };
    Ok((input, profile))
}

fn list<'a>(name: &'static str, input: &'a str) -> IResult<&'a str, Numbers<'a>> {
    let digits = take_while(|c: char| c.is_ascii_digit() || matches!(c, ',' | ' '));
    delimited((tag_no_case(name), char('=')), map(digits, Numbers), (char(';'), space0)).parse_complete(input)
}

fn number<'a, N: core::str::FromStr>(name: &'static str, input: &'a str) -> IResult<&'a str, N> {
    let value =
        map_opt(terminated(take_till(|c| c == ';'), char(';')), |text: &str| text.trim().parse().ok());
    delimited((tag_no_case(name), char('=')), value, space0).parse_complete(input)
}

impl fmt::Display for StartupProfile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rate,
            max_bytes,
            time,
            start_time,
            last_time,
            max_diff_time,
            max_diff_snd_time,
            byte_rate,
        } = self;
        write!(f, "Rate={};MaxBytes={};Time={};StartTime={start_time};", rate.0, max_bytes.0, time.0)?;
        write!(f, "LastTime={last_time};MaxDiffTime={max_diff_time};MaxDiffSndTime={max_diff_snd_time};")?;
        write!(f, "ByteRate={};", byte_rate.0)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn the_example_of_a_real_server_survives() {
        let value = "Rate=10,12,15,20,30;MaxBytes=459,459,459,459,459;Time=0,0,0,0,0;StartTime=3290;LastTime=15120;MaxDiffTime=0;MaxDiffSndTime=-5;ByteRate=2538,2538,2538,2538,2538;";
        let profile = StartupProfile::parse(value).unwrap();
        assert_eq!((profile.start_time, profile.max_diff_snd_time), (3290, -5));
        assert!(profile.rate.iter().eq([10, 12, 15, 20, 30]));
        assert_eq!(profile.to_string(), value);
        assert_eq!(StartupProfile::parse("Rate=10;MaxBytes=1;"), None);
    }
}
