//! The command line.

use core::net::{IpAddr, SocketAddr};
use core::num::NonZeroUsize;
use core::time::Duration;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mms_core::asf::MAX_PACKET_SIZE;
use mms_core::client::Transport;
use mms_core::mmsp::server::Pace;
use mms_core::url::MMS_PORT;

use crate::exit::EXIT_CODES;
use crate::time_arg::parse_time;

/// Serves, fetches and explains Windows Media streams.
#[derive(Debug, Parser)]
#[command(name = "mms", version, max_term_width = 100, after_help = TOP_EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const TOP_EXAMPLES: &str = "\
Examples:
  mms demo                             see that everything works
  mms serve ~/videos                   serve a folder on 127.0.0.1:1755 and :8080
  mms get mmst://127.0.0.1/clip.wmv    fetch a stream into clip.wmv
  mms info clip.wmv                    explain a file or a stream
  mms repair recording.asf             make a proper file of a recording
  mms remux clip.wmv part.wmv --start 1:30 --duration 20

RUST_LOG=debug shows more of what happens.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve files and folders
    Serve(ServeArgs),
    /// Fetch a stream into a file
    Get(GetArgs),
    /// Explain a file or a stream
    Info(InfoArgs),
    /// Turn a recording that was cut off or never finished into a proper file
    Repair(RepairArgs),
    /// Copy media objects, untouched, into packets of a new file
    Remux(RemuxArgs),
    /// Serve and fetch a sample by each transport, and compare
    #[command(after_help = DEMO_HELP)]
    Demo,
}

const DEMO_HELP: &str = "\
Needs no file, no privilege and no network beyond this machine.

Exit codes:
  0    what was fetched is what was sent, packet for packet
  1    it is not, or the system failed";

const SERVE_EXAMPLES: &str = "\
Examples:
  One file, for this machine only:
    mms serve clip.wmv
  A folder with all below it, for everyone who can connect:
    mms serve --listen 0.0.0.0 --listen '[::]' ~/videos
  On a free port; the URL that is printed names it:
    mms serve --listen 127.0.0.1:0 clip.wmv
  As fast as clients read, but at most 2 Mbit/s for each:
    mms serve --pace off --max-rate 2M ~/videos
  On the port of HTTP, for players and browsers behind firewalls:
    mms serve --listen 0.0.0.0:80 --listen 0.0.0.0:1755 ~/videos

Any player of Windows Media opens the mms:// and .asx URLs, a browser those of
http://, which begin with a page of all that is served.

The URLs to open go to standard output, one line for each connection to
standard error. Ctrl-C ends sessions in order; a second Ctrl-C ends at once.

Exit codes:
  0    ended by Ctrl-C or SIGTERM
  1    nothing can be served, or an address cannot be listened on
  2    the command line is wrong
  130  ended at once by a second signal";

#[derive(Args, Debug)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Files, and folders with all ASF files below them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Address to listen on, with a port or port 1755; port 0 takes a free one. May be given again; each speaks MMS
    /// and HTTP [default: 127.0.0.1:1755, and 127.0.0.1:8080 if that is free]
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub(crate) listen: Vec<SocketAddr>,
    /// How fast to send: `off` is as fast as the client reads, `realtime` as the content plays, or a factor
    #[arg(long, value_name = "off|realtime|FACTOR", default_value = "realtime", value_parser = parse_pace)]
    pub(crate) pace: Pace,
    /// Most connections at a time. Beyond them clients are told that the server is full (HTTP: 503), 32 at a time; others
    /// are closed
    #[arg(long, value_name = "N", default_value = "1024")]
    pub(crate) max_connections: NonZeroUsize,
    /// Most connections of one address at a time
    #[arg(long, value_name = "N", default_value = "64")]
    pub(crate) max_per_address: NonZeroUsize,
    /// How long a client may read nothing while bytes wait for it, in the forms of times. That ends players, too, that pause
    /// by not reading any more and do not say so: for those set the longest pause, such as 8:00:00
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = parse_length)]
    pub(crate) stall_timeout: Duration,
    /// Most bit/s of media for each session, such as 500k or 2M
    #[arg(long, value_name = "BITS", value_parser = parse_rate)]
    pub(crate) max_rate: Option<u64>,
    /// Only for who knows NAME and PASSWORD: Basic authentication, which only HTTP has. The password crosses the
    /// network readably
    #[arg(long, value_name = "NAME:PASSWORD", value_parser = parse_user)]
    pub(crate) user: Option<(String, String)>,
    /// Leave pictures and padding out of headers of more than 8192 bytes, which MPlayer, xine and libmms (16384)
    /// refuse. Packets stay as they are
    #[arg(long)]
    pub(crate) slim_headers: bool,
    /// Most bytes of one read and of one write, for tests and for fairness between many clients
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) io_bytes: Option<NonZeroUsize>,
}

const GET_EXAMPLES: &str = "\
Examples:
  Into clip.wmv, then into a player:
    mms get mmst://127.0.0.1/clip.wmv
    mms get mmst://127.0.0.1/clip.wmv -o - | ffplay -
  An excerpt, then a choice of streams:
    mms get mmst://127.0.0.1/clip.wmv --start 1:30 --duration 20 -o part.wmv
    mms get mmst://127.0.0.1/clip.wmv --streams 1 -o sound.wma
  Measure only:
    mms get mmst://127.0.0.1/clip.wmv -o /dev/null --json
  What a metafile names, one file for each entry:
    mms get playlist.asx
    mms get http://127.0.0.1/playlist.asx
  Without datagrams, or over HTTP first:
    mms get mms://127.0.0.1/clip.wmv --transport tcp,http
    mms get mms://127.0.0.1/clip.wmv --transport http,udp,tcp

mms:// tries MMS with media over UDP, then over TCP (port 1755), then HTTP
(port 80); a port in the URL holds for all. mmsu://, mmst:// and mmsh:// are one
transport each. http:// is whatever the server has there: a stream, a plain
file, or a metafile, which is followed. User name and password belong into the
URL: http://USER:PASSWORD@HOST/NAME (Basic authentication, HTTP only). The
environment variables http_proxy and no_proxy are honoured for HTTP.

The file appears under its name when the stream has ended. What came of a
stream that broke off or was interrupted is a valid file too, named
NAME.partial.EXT. Devices, pipes and standard output are written directly;
with --start, --duration, --streams or --key-frames they get the header of a broadcast,
which promises nothing about sizes.

A file that came whole under a true header stays as it came, byte for byte.
Otherwise its header is made true, and video gets an index if its times begin
at 0; `mms repair` moves those of a broadcast that was joined late.
";

fn get_help() -> String {
    format!("{GET_EXAMPLES}\n{EXIT_CODES}")
}

#[derive(Args, Clone, Debug)]
#[command(after_help = get_help())]
pub(crate) struct GetArgs {
    /// Where the stream is: mms://, mmsu://, mmst://, mmsh:// or http://, or a metafile on this machine: ASX, WAX,
    /// WVX, a list of URLs
    #[arg(value_name = "URL|FILE")]
    pub(crate) url: String,
    /// File to write, or - for standard output [default: the last part of the URL]. Of a metafile with several
    /// entries only the first is fetched then
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Where to start: SECONDS, MM:SS or HH:MM:SS.mmm
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) start: Option<Duration>,
    /// How much to fetch, in the same forms
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    pub(crate) duration: Option<Duration>,
    /// Numbers of the streams to fetch, such as 1,3; `mms info` shows them
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=127))]
    pub(crate) streams: Vec<u8>,
    /// Fetch only the key frames of video, for a preview or a thin line
    #[arg(long)]
    pub(crate) key_frames: bool,
    /// What mms:// tries, in this order: udp, tcp, http [default: udp,tcp,http]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_transport)]
    pub(crate) transport: Vec<Transport>,
    /// Print one JSON object about what was done on standard output, also after an error
    #[arg(long)]
    pub(crate) json: bool,
    /// Overwrite a file that exists
    #[arg(long)]
    pub(crate) force: bool,
    /// No progress bar, and nothing but errors and warnings on standard error
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Most bytes of one read and of one write, for tests and for fairness between many clients
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) io_bytes: Option<NonZeroUsize>,
}

const INFO_EXAMPLES: &str = "\
Examples:
  mms info clip.wmv
  mms info mms://127.0.0.1/clip.wmv     fetches the header only
  mms info http://127.0.0.1/list.asx    a stream, a plain file or a metafile
  mms info clip.wmv --json | jq .streams
  mms info clip.wmv --packets | less
  mms info playlist.asx                 entries, references, and the first fault
";

fn info_help() -> String {
    format!("{INFO_EXAMPLES}\n{EXIT_CODES}")
}

#[derive(Args, Debug)]
#[command(after_help = info_help())]
pub(crate) struct InfoArgs {
    /// A file (ASF, or a metafile such as ASX), or the URL of a stream
    #[arg(value_name = "FILE|URL")]
    pub(crate) what: String,
    /// Print one JSON object; with --packets one for each packet, each on a line
    #[arg(long)]
    pub(crate) json: bool,
    /// List the packets of a file and the payloads in them instead
    #[arg(long)]
    pub(crate) packets: bool,
}

const REWRITE_EXIT_CODES: &str = "\
Exit codes:
  0    the new file is there
  1    a file or the system failed; nothing changed
  2    the command line is wrong
  130  interrupted; nothing changed";

const REPAIR_EXAMPLES: &str = "\
Examples:
  In its place, at once or not at all:
    mms repair recording.asf
  Into another file:
    mms repair clip.partial.wmv -o clip.wmv

Every whole packet is kept. Counts, sizes, durations and flags become true, and
each visible video stream gets an index, so that players can seek.
";

fn repair_help() -> String {
    format!("{REPAIR_EXAMPLES}\n{REWRITE_EXIT_CODES}")
}

#[derive(Args, Debug)]
#[command(after_help = repair_help())]
pub(crate) struct RepairArgs {
    /// The recording
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// File to write [default: FILE itself]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) how: RewriteArgs,
}

const REMUX_EXAMPLES: &str = "\
Examples:
  One stream of a file:
    mms remux clip.wmv sound.wma --streams 1
  An excerpt; with video it begins at the key frame at 1:30 or before:
    mms remux clip.wmv part.wmv --start 1:30 --duration 20
  In packets that fit a network:
    mms remux clip.wmv small.wmv --packet-size 1400
";

fn remux_help() -> String {
    format!("{REMUX_EXAMPLES}\n{REWRITE_EXIT_CODES}")
}

#[derive(Args, Debug)]
#[command(after_help = remux_help())]
pub(crate) struct RemuxArgs {
    /// File to read
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// File to write
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Numbers of the streams to copy, such as 1,3; `mms info` shows them
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=127))]
    pub(crate) streams: Vec<u8>,
    /// Where to start: SECONDS, MM:SS or HH:MM:SS.mmm
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) start: Option<Duration>,
    /// How much to copy, in the same forms
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    pub(crate) duration: Option<Duration>,
    /// Bytes of each packet [default: as in the input]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PACKET_SIZE)))]
    pub(crate) packet_size: Option<u32>,
    #[command(flatten)]
    pub(crate) how: RewriteArgs,
}

/// What repair and remux have in common.
#[derive(Args, Debug)]
pub(crate) struct RewriteArgs {
    /// Print one JSON object about what was done on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Overwrite a file that exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Nothing but errors on standard error
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

fn parse_transport(text: &str) -> Result<Transport, String> {
    match text.trim() {
        "udp" => Ok(Transport::Udp),
        "tcp" => Ok(Transport::Tcp),
        "http" => Ok(Transport::Http),
        _ => Err("expected udp, tcp or http".to_owned()),
    }
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, MMS_PORT));
    }
    let local = match text.strip_prefix("localhost") {
        Some(port) => format!("127.0.0.1{port}"),
        None => text.to_owned(),
    };
    if local == "127.0.0.1" {
        return Ok(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), MMS_PORT));
    }
    local.parse().map_err(|_| "an address is 127.0.0.1, 0.0.0.0:1755, [::1]:1755 or the like".to_owned())
}

fn parse_user(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((user, password)) if !user.is_empty() => Ok((user.to_owned(), password.to_owned())),
        _ => Err("it is NAME:PASSWORD".to_owned()),
    }
}

fn parse_length(text: &str) -> Result<Duration, String> {
    parse_time(text).and_then(|length| {
        if length.is_zero() { Err("it must be longer than 0".to_owned()) } else { Ok(length) }
    })
}

fn parse_pace(text: &str) -> Result<Pace, String> {
    let wrong = || "a pace is off, realtime, or a factor from 0.001 to 1000000 such as 1.5".to_owned();
    match text {
        "off" => return Ok(Pace::Off),
        "realtime" => return Ok(Pace::REALTIME),
        _ => {}
    }
    let per_mille = scaled(text, 1000).ok_or_else(wrong)?;
    match u32::try_from(per_mille) {
        Ok(per_mille @ 1..=1_000_000_000) => Ok(Pace::PerMille(per_mille)),
        _ => Err(wrong()),
    }
}

fn parse_rate(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (text.get(..at), 1000),
        Some((at, 'm' | 'M')) => (text.get(..at), 1_000_000),
        Some((at, 'g' | 'G')) => (text.get(..at), 1_000_000_000),
        _ => (Some(text), 1),
    };
    let bits = number.and_then(|number| scaled(number, unit)).filter(|bits| *bits > 0);
    bits.ok_or_else(|| "a rate is a number of bit/s such as 500000, 500k or 2.5M".to_owned())
}

/// A decimal number times a unit that is a power of ten, without rounding surprises.
fn scaled(text: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let mut value = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        value = value.checked_add(u64::from(digit - b'0').checked_mul(place)?)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn addresses_are_read_with_and_without_port() {
        let read = |text| parse_listen(text).map(|address| address.to_string());
        assert_eq!(read("127.0.0.1:0").as_deref(), Ok("127.0.0.1:0"));
        assert_eq!(read("0.0.0.0").as_deref(), Ok("0.0.0.0:1755"));
        assert_eq!(read("[::1]:80").as_deref(), Ok("[::1]:80"));
        assert_eq!(read("::").as_deref(), Ok("[::]:1755"));
        assert_eq!(read("[::]").as_deref(), Ok("[::]:1755"));
        assert_eq!(read("localhost:9").as_deref(), Ok("127.0.0.1:9"));
        assert_eq!(read("localhost").as_deref(), Ok("127.0.0.1:1755"));
        assert!(read("example.com").is_err() && read(":80").is_err());
    }

    #[test]
    fn paces_and_rates_are_read() {
        assert_eq!(parse_pace("off"), Ok(Pace::Off));
        assert_eq!(parse_pace("20"), Ok(Pace::PerMille(20_000)));
        assert_eq!(parse_pace("0.5"), Ok(Pace::PerMille(500)));
        assert_eq!(parse_rate("500k"), Ok(500_000));
        assert_eq!(parse_rate("2.5M"), Ok(2_500_000));
        assert_eq!(parse_rate("123"), Ok(123));
        for wrong in ["", "0", "-1", "1.", "k", "nan", "1e9", "99999999999999999999"] {
            assert!(parse_rate(wrong).is_err() && parse_pace(wrong).is_err(), "{wrong}");
        }
    }
}
