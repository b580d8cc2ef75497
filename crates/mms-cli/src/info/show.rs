//! What `mms info` prints for people.

use core::fmt::{self, Write};
use core::time::Duration;

use super::explain::{Info, Packets, Stream};
use crate::text::{bit_rate, clock, count};

/// Most characters of a tag's value.
const TAG_CHARS: usize = 200;

pub(crate) fn text(info: &Info) -> String {
    let mut out = String::new();
    // a String takes all that is written
    let _ = write(&mut out, info);
    out
}

fn write(out: &mut String, info: &Info) -> fmt::Result {
    writeln!(out, "{}", info.source)?;
    if let Some(transport) = info.transport {
        writeln!(out, "  transport  {transport}")?;
    }
    if let Some(bytes) = info.file_bytes {
        writeln!(out, "  size       {}", count(bytes, "byte"))?;
    }
    let cut = if info.header_is_cut { ", of which the file holds only a part" } else { "" };
    writeln!(out, "  header     {}{cut}", count(info.header_bytes, "byte"))?;
    match info.duration_seconds {
        Some(seconds) => writeln!(out, "  duration   {}", clock(time(seconds)))?,
        None => writeln!(out, "  duration   unknown: a broadcast")?,
    }
    writeln!(out, "  preroll    {}", clock(time(info.preroll_seconds)))?;
    writeln!(out, "  bit rate   {}", bit_rate(u64::from(info.bit_rate)))?;
    writeln!(out, "  packets    {}", packets(&info.packets))?;
    writeln!(out, "  flags      {}", flags(info))?;
    for stream in &info.streams {
        writeln!(out, "  stream {:<3} {}", stream.number, line(stream))?;
    }
    for tag in &info.tags {
        let mut value: String = tag.value.chars().take(TAG_CHARS).collect();
        if value.len() < tag.value.len() {
            value.push_str("...");
        }
        writeln!(out, "  tag        {} = {value}", tag.name)?;
    }
    Ok(())
}

fn time(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn packets(packets: &Packets) -> String {
    let size = format!("of {}", count(u64::from(packets.size), "byte"));
    match (packets.declared, packets.present) {
        (Some(declared), Some(present)) if declared == present => format!("{present} {size}"),
        (Some(declared), Some(present)) => format!("{present} {size}; the header says {declared}"),
        (None, Some(present)) => format!("{present} {size}"),
        (Some(declared), None) => format!("{declared} {size}"),
        (None, None) => format!("unknown number {size}"),
    }
}

fn flags(info: &Info) -> String {
    let mut names = Vec::new();
    if info.flags.broadcast {
        names.push("broadcast");
    }
    if info.flags.seekable {
        names.push("seekable");
    }
    if names.is_empty() {
        names.push("none");
    }
    names.join(", ")
}

fn line(stream: &Stream) -> String {
    let mut parts = vec![stream.kind.clone()];
    parts.extend(stream.codec.clone());
    if let (Some(rate), Some(channels)) = (stream.samples_per_second, stream.channels) {
        parts.push(format!("{rate} Hz"));
        parts.push(count(u64::from(channels), "channel"));
    }
    if let (Some(width), Some(height)) = (stream.width, stream.height) {
        parts.push(format!("{width}x{height}"));
    }
    parts.extend(stream.bit_rate.map(|rate| bit_rate(u64::from(rate))));
    if stream.encrypted {
        parts.push("encrypted".to_owned());
    }
    if stream.hidden {
        parts.push("hidden".to_owned());
    }
    parts.join(", ")
}
