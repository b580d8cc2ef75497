//! Pragma tokens (section 2.2.1.4).

use core::fmt;

use bitflags::bitflags;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_till, take_while, take_while1};
use nom::character::complete::{char, digit1, space0};
use nom::combinator::{map_res, opt, rest, value};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::head::Fields;
use super::stream_switch::SwitchEntries;
use super::text::{Clean, same, utf8_prefix};

bitflags! {
    /// Properties of the current entry (section 2.2.1.4.8). Names that are unknown are left out.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct EntryFeatures: u8 {
        /// Live or looped; no seeking.
        const BROADCAST = 1;
        /// `stream-time` and `stream-offset` work.
        const SEEKABLE = 2;
        /// From an encoder.
        const LIVE = 4;
        /// Entry of a playlist on the server.
        const PLAYLIST = 8;
        /// Rates other than 1 work.
        const STRIDABLE = 16;
        /// `pl-offset=1` works.
        const SKIPFORWARD = 32;
        /// `pl-offset=-1` works.
        const SKIPBACKWARD = 64;
        /// The last entry.
        const LAST = 128;
    }
}

/// Names, those first that MPlayer must find before the first comma (digest 4.1).
const ENTRY_FEATURES: [(&str, EntryFeatures); 8] = [
    ("broadcast", EntryFeatures::BROADCAST),
    ("seekable", EntryFeatures::SEEKABLE),
    ("live", EntryFeatures::LIVE),
    ("playlist", EntryFeatures::PLAYLIST),
    ("stridable", EntryFeatures::STRIDABLE),
    ("skipforward", EntryFeatures::SKIPFORWARD),
    ("skipbackward", EntryFeatures::SKIPBACKWARD),
    ("last", EntryFeatures::LAST),
];

impl EntryFeatures {
    /// The features of a comma list.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split(',')
            .filter_map(|name| ENTRY_FEATURES.iter().find(|(known, _)| same(known, name.trim())))
            .fold(Self::empty(), |all, (_, one)| all | *one)
    }
}

impl fmt::Display for EntryFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (name, _) in ENTRY_FEATURES.iter().filter(|(_, flag)| self.contains(*flag)) {
            if !first {
                f.write_str(",")?;
            }
            first = false;
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// A number with three decimals, in thousandths: rates and speeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(pub i64);

impl Decimal {
    /// 1.000.
    pub const ONE: Self = Self(1000);

    /// A number at the start of `text`; digits behind the third decimal are dropped, as is what follows.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let whole = (opt(char::<&str, nom::error::Error<&str>>('-')), digit1);
        let decimals = opt(preceded(char('.'), take_while(|c: char| c.is_ascii_digit())));
        let (_, ((minus, whole), decimals)) = (whole, decimals).parse_complete(text).ok()?;
        let whole: i64 = whole.parse().ok()?;
        let mut thousandths = 0_i64;
        let mut places = decimals.unwrap_or_default().chars();
        for _ in 0..3 {
            let digit = places.next().and_then(|c| c.to_digit(10)).unwrap_or(0);
            thousandths = thousandths.saturating_mul(10).saturating_add(i64::from(digit));
        }
        let value = whole.checked_mul(1000)?.checked_add(thousandths)?;
        Some(Self(if minus.is_some() { value.checked_neg()? } else { value }))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minus = if self.0 < 0 { "-" } else { "" };
        let value = self.0.unsigned_abs();
        let (whole, places) = (value.checked_div(1000), value.checked_rem(1000));
        write!(f, "{minus}{}.{:03}", whole.unwrap_or(0), places.unwrap_or(0))
    }
}

/// A byte offset in the ASF file, written as two halves (section 2.2.1.4.26).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset(pub u64);

impl Offset {
    /// Both halves are [`NOT_GIVEN`](super::NOT_GIVEN).
    pub const NOT_GIVEN: Self = Self(u64::MAX);

    fn parse(text: &str) -> Option<Self> {
        let (_, (high, _, low)) = (number, char(':'), number).parse_complete(text).ok()?;
        Some(Self(u64::from(high) << 32 | u64::from(low)))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// The digits at the start of `text` as a number of 32 bits; FFmpeg glues other text behind them.
fn number(text: &str) -> IResult<&str, u32> {
    map_res(digit1, str::parse::<u32>).parse_complete(text)
}

fn u32_of(text: &str) -> Option<u32> {
    number(text).ok().map(|(_, value)| value)
}

fn flag_of(text: &str) -> Option<bool> {
    match u32_of(text)? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn sign_of(text: &str) -> Option<i8> {
    let sign = alt((
        value(-1_i8, tag::<&str, &str, nom::error::Error<&str>>("-1")),
        value(0, tag("0")),
        value(1, tag("1")),
    ));
    terminated(sign, rest).parse_complete(text).ok().map(|(_, value)| value)
}

fn some(text: &str) -> Option<&str> {
    Some(text)
}

fn entries_of(text: &str) -> Option<SwitchEntries<'_>> {
    Some(SwitchEntries::Text(text))
}

fn features_of(text: &str) -> Option<EntryFeatures> {
    Some(EntryFeatures::parse(text))
}

struct Flag(bool);

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "1" } else { "0" })
    }
}

struct Quoted<T>(T);

impl<T: fmt::Display> fmt::Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

macro_rules! tokens {
    ($($(#[$meta:meta])* $variant:ident, $field:ident, $name:literal, $ty:ty, $parse:path, $show:expr;)*) => {
        /// A Pragma token (section 2.2.1.4). A known name with a malformed value is [`Token::Unknown`].
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Token<'a> {
            /// `no-cache`, which is always sent.
            NoCache,
            $($(#[$meta])* $variant($ty),)*
            /// A token that the document does not know, or a malformed one; to be ignored.
            Unknown {
                /// Its name.
                name: &'a str,
                /// What stands behind the equals sign.
                value: Option<&'a str>,
            },
        }

        impl<'a> Token<'a> {
            fn of(name: &'a str, value: Option<&'a str>) -> Self {
                let known = match value {
                    None if same(name, "no-cache") => Some(Self::NoCache),
                    $(Some(value) if same(name, $name) => $parse(value).map(Self::$variant),)*
                    _ => None,
                };
                known.unwrap_or(Self::Unknown { name, value })
            }
        }

        impl fmt::Display for Token<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::NoCache => f.write_str("no-cache"),
                    $(Self::$variant(value) => write!(f, concat!($name, "={}"), $show(*value)),)*
                    Self::Unknown { name, value: Some(value) } => write!(f, "{}={}", Clean(name), Clean(value)),
                    Self::Unknown { name, value: None } => Clean(name).fmt(f),
                }
            }
        }

        /// All tokens of a head; of a token that occurs twice, the last counts.
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Pragma<'a> {
            $($(#[$meta])* pub $field: Option<$ty>,)*
        }

        impl<'a> Pragma<'a> {
            fn take(&mut self, token: Token<'a>) {
                match token {
                    $(Token::$variant(value) => self.$field = Some(value),)*
                    Token::NoCache | Token::Unknown { .. } => {}
                }
            }
        }

        #[cfg(feature = "arbitrary")]
        impl<'a> arbitrary::Arbitrary<'a> for Token<'a> {
            fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
                use super::generate::Generate;
                match *u.choose(&[$($name,)* "no-cache", "x-new"])? {
                    $($name => Generate::generate(u).map(Self::$variant),)*
                    "no-cache" => Ok(Self::NoCache),
                    name => Ok(Self::Unknown { name, value: Some(super::generate::word(u)?) }),
                }
            }
        }
    };
}

tokens! {
    /// Bit/s of the burst at the start; 0 is ignored (2.2.1.4.1).
    AccelBw, accel_bw, "AccelBW", u32, u32_of, core::convert::identity;
    /// Milliseconds of media sent at that rate.
    AccelDuration, accel_duration, "AccelDuration", u32, u32_of, core::convert::identity;
    /// As `AccelBW`, on behalf of a device between.
    BurstBw, burst_bw, "BurstBW", u32, u32_of, core::convert::identity;
    /// As `AccelDuration`, on behalf of a device between.
    BurstDuration, burst_duration, "BurstDuration", u32, u32_of, core::convert::identity;
    /// Names the session.
    ClientId, client_id, "client-id", u32, u32_of, core::convert::identity;
    /// Milliseconds that the client lags behind by predicted entries.
    ClientLag, client_lag, "client-lag", u32, u32_of, core::convert::identity;
    /// The first header is followed at once by another.
    ExpectNewHeader, expect_new_header, "expect-new-header", bool, flag_of, Flag;
    /// Properties of the current entry (2.2.1.4.8).
    Features, features, "features", EntryFeatures, features_of, Quoted;
    /// Bit/s of the client's link; 0 is unknown.
    LinkBw, link_bw, "LinkBW", u32, u32_of, core::convert::identity;
    /// A client log, alone on its line (2.2.1.4.10).
    LogLine, log_line, "log-line", &'a str, some, Clean;
    /// Milliseconds to play, 0 to the end; the top bit makes it a place (2.2.1.4.11).
    MaxDuration, max_duration, "max-duration", u32, u32_of, core::convert::identity;
    /// Start at this ASF packet.
    PacketNum, packet_num, "packet-num", u32, u32_of, core::convert::identity;
    /// Whether packet pairs are wanted or follow.
    PacketPairExperiment, packet_pair_experiment, "packet-pair-experiment", bool, flag_of, Flag;
    /// Whether pipelining can be tried.
    PipelineExperiment, pipeline_experiment, "pipeline-experiment", bool, flag_of, Flag;
    /// Marks a Pipeline request.
    PipelineRequest, pipeline_request, "pipeline-request", bool, flag_of, Flag;
    /// Outcome of the pipeline test.
    PipelineResult, pipeline_result, "pipeline-result", bool, flag_of, Flag;
    /// The current playlist entry (2.2.1.4.18).
    PlaylistGenId, playlist_gen_id, "playlist-gen-id", u32, u32_of, core::convert::identity;
    /// The entry that positions refer to.
    PlaylistSeekId, playlist_seek_id, "playlist-seek-id", u32, u32_of, core::convert::identity;
    /// Stay, next or previous entry.
    PlOffset, pl_offset, "pl-offset", i8, sign_of, core::convert::identity;
    /// The original User-Agent, kept by proxies.
    ProxyClientAgent, proxy_client_agent, "proxy-client-agent", &'a str, some, quoted;
    /// Rate and direction of playing (2.2.1.4.21).
    Rate, rate, "rate", Decimal, Decimal::parse, core::convert::identity;
    /// Counter of WMP 6 and WMS 4 (2.2.1.4.22).
    RequestContext, request_context, "request-context", u32, u32_of, core::convert::identity;
    /// Pace against the average bit rate.
    Speed, speed, "Speed", Decimal, Decimal::parse, core::convert::identity;
    /// Byte offset in the ASF file.
    StreamOffset, stream_offset, "stream-offset", Offset, Offset::parse, core::convert::identity;
    /// Number of entries (2.2.1.4.26).
    StreamSwitchCount, stream_switch_count, "stream-switch-count", u32, u32_of, core::convert::identity;
    /// The stream selection, alone on its line (2.2.1.4.27).
    StreamSwitchEntry, stream_switch_entry, "stream-switch-entry", SwitchEntries<'a>, entries_of, core::convert::identity;
    /// Start time in ms.
    StreamTime, stream_time, "stream-time", u32, u32_of, core::convert::identity;
    /// Longest gap between KeepAlives in ms.
    Timeout, timeout, "timeout", u32, u32_of, core::convert::identity;
    /// Pipelined mode; a chunked answer is allowed.
    Version11Enabled, version11_enabled, "version11-enabled", bool, flag_of, Flag;
    /// Oldest player that is supported (2.2.1.4.31).
    VersionInfo, version_info, "version-info", &'a str, some, Clean;
    /// Where a newer one is.
    VersionUrl, version_url, "version-url", &'a str, some, quoted;
    /// The player's id; real clients send malformed ones.
    XClientGuid, x_client_guid, "xClientGUID", &'a str, some, Clean;
    /// A KeepAlive by POST.
    XKeepAliveInPause, x_keep_alive_in_pause, "xKeepAliveInPause", bool, flag_of, Flag;
    /// PlayNextEntry.
    XPlayNextEntry, x_play_next_entry, "xPlayNextEntry", bool, flag_of, Flag;
    /// 1 is Play, 0 Describe.
    XPlayStrm, x_play_strm, "xPlayStrm", bool, flag_of, Flag;
    /// The session that was named is gone; this is a new one.
    XResetStrm, x_reset_strm, "xResetStrm", bool, flag_of, Flag;
    /// Stop.
    XStopStrm, x_stop_strm, "xStopStrm", bool, flag_of, Flag;
}

fn quoted(text: &str) -> Quoted<Clean<'_>> {
    Quoted(Clean(text))
}

impl<'a> Pragma<'a> {
    /// Collects the tokens of all Pragma lines.
    #[must_use]
    pub fn of(fields: Fields<'a>) -> Self {
        let mut all = Self::default();
        for (name, value) in fields {
            if same(name, "Pragma") {
                Tokens::new(utf8_prefix(value)).for_each(|token| all.take(token));
            }
        }
        all
    }
}

/// The tokens of one Pragma line.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// Over the value of a line. `log-line` takes the whole line; otherwise commas outside of quotes
    /// separate tokens.
    #[must_use]
    pub fn new(line: &'a str) -> Self {
        Self { rest: line }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
        if self.rest.is_empty() {
            return None;
        }
        // every alternative takes at least one character
        let (rest, token) = alt((log_line, token)).parse_complete(self.rest).ok()?;
        self.rest = rest;
        Some(token)
    }
}

impl core::iter::FusedIterator for Tokens<'_> {}

fn log_line(input: &str) -> IResult<&str, Token<'_>> {
    let (input, text) = preceded((tag_no_case("log-line"), space0, char('=')), rest).parse_complete(input)?;
    Ok((input, Token::LogLine(text.trim())))
}

fn token(input: &str) -> IResult<&str, Token<'_>> {
    let (input, name) = take_while1(|c: char| !matches!(c, '=' | ',')).parse_complete(input)?;
    let (input, value) =
        opt(preceded((char('='), space0), alt((quoted_value, bare_value)))).parse_complete(input)?;
    // what stands between a value and the next comma belongs to nothing
    let (input, _) = take_till(|c| c == ',').parse_complete(input)?;
    Ok((input, Token::of(name.trim(), value.map(str::trim))))
}

fn quoted_value(input: &str) -> IResult<&str, &str> {
    delimited(char('"'), take_till(|c| c == '"'), opt(char('"'))).parse_complete(input)
}

fn bare_value(input: &str) -> IResult<&str, &str> {
    take_till(|c| c == ',').parse_complete(input)
}

/// A Pragma line of these tokens, for encoding.
#[derive(Clone, Copy, Debug)]
pub struct PragmaLine<'t, 'a>(pub &'t [Token<'a>]);

impl fmt::Display for PragmaLine<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pragma: ")?;
        for (index, token) in self.0.iter().enumerate() {
            // commas without blanks: what real clients send, and FFmpeg's glue shows what they skip
            if index > 0 {
                f.write_str(",")?;
            }
            token.fmt(f)?;
        }
        f.write_str("\r\n")
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    fn tokens(line: &str) -> Vec<Token<'_>> {
        Tokens::new(line).collect()
    }

    #[test]
    fn merged_lines_with_blanks_and_quoted_commas_are_split() {
        let line = "packet-pair-experiment=1, no-cache,client-id=2676631236 , xResetStrm=1, features=\"seekable, stridable\", timeout=60000";
        assert_eq!(
            tokens(line),
            [
                Token::PacketPairExperiment(true),
                Token::NoCache,
                Token::ClientId(2_676_631_236),
                Token::XResetStrm(true),
                Token::Features(EntryFeatures::SEEKABLE | EntryFeatures::STRIDABLE),
                Token::Timeout(60_000),
            ]
        );
        assert_eq!(tokens("features=\"\",,  ,no-cache")[0], Token::Features(EntryFeatures::empty()));
    }

    #[test]
    fn ffmpegs_glued_header_keeps_its_number() {
        let line = "no-cache,rate=1.000000,stream-time=4000Connection: Close";
        assert_eq!(tokens(line), [Token::NoCache, Token::Rate(Decimal::ONE), Token::StreamTime(4000)]);
    }

    #[test]
    fn a_log_line_takes_its_whole_line() {
        let line = "log-line=0.0.0.0 2003-09-27 a=b, no-cache c \"d";
        assert_eq!(tokens(line), [Token::LogLine("0.0.0.0 2003-09-27 a=b, no-cache c \"d")]);
        assert_eq!(tokens("LOG-LINE =x"), [Token::LogLine("x")]);
    }

    #[test]
    fn malformed_values_and_unknown_names_are_unknown_tokens() {
        for (line, name, value) in [
            ("client-id=", "client-id", Some("")),
            ("client-id=99999999999", "client-id", Some("99999999999")),
            ("client-id=-1", "client-id", Some("-1")),
            ("xPlayStrm=2", "xPlayStrm", Some("2")),
            ("xPlayStrm", "xPlayStrm", None),
            ("stream-offset=5", "stream-offset", Some("5")),
            ("pl-offset=x", "pl-offset", Some("x")),
            ("switch-stream-count=2", "switch-stream-count", Some("2")),
            ("what", "what", None),
        ] {
            assert_eq!(tokens(line), [Token::Unknown { name, value }], "{line}");
        }
        assert_eq!(tokens("=x,no-cache").last(), None);
    }

    #[test]
    fn names_are_found_in_any_case_and_the_last_of_two_counts() {
        let head = b"GET / HTTP/1.0\r\nPRAGMA: XPLAYSTRM=1,rate=2.5\r\nPragma: Rate=-0.5\r\n\r\n";
        let pragma = Pragma::of(super::super::RequestHead::decode(head).unwrap().fields);
        assert_eq!((pragma.x_play_strm, pragma.rate), (Some(true), Some(Decimal(-500))));
    }

    #[test]
    fn values_that_the_client_may_not_write_are_written_by_the_grammar() {
        let guid = "{0xbabac001-0xa6ae-0xfeed-0xa7967554b1fcb1e5}";
        let list = [
            Token::NoCache,
            Token::StreamOffset(Offset::NOT_GIVEN),
            Token::Speed(Decimal(91_268_055)),
            Token::PlOffset(-1),
            Token::XClientGuid(guid),
            Token::Features(EntryFeatures::PLAYLIST | EntryFeatures::BROADCAST),
            Token::ProxyClientAgent("NSPlayer/9.0, x"),
        ];
        let line = PragmaLine(&list).to_string();
        assert_eq!(
            line,
            std::format!(
                "Pragma: no-cache,stream-offset=4294967295:4294967295,Speed=91268.055,pl-offset=-1,\
                 xClientGUID={guid},features=\"broadcast,playlist\",proxy-client-agent=\"NSPlayer/9.0, x\"\r\n"
            )
        );
        assert_eq!(tokens(line.trim().strip_prefix("Pragma: ").unwrap()), list);
    }
}
