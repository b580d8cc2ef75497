//! What `mms info` prints for people.

use core::fmt::{self, Write};
use core::time::Duration;

use super::explain::{Info, Packets, Stream};
use super::objects::ObjectInfo;
use crate::text::{bit_rate, clock, count, printable};

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
    if let Some(transport) = &info.transport {
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
    if !info.protection.is_empty() {
        writeln!(out, "  protection {}: recognised, not interpreted", info.protection.join(", "))?;
    }
    for tag in &info.tags {
        let stream = tag.stream.map(|stream| format!(" of stream {stream}")).unwrap_or_default();
        writeln!(out, "  tag        {}{stream} = {}", printable(&tag.name), shortened(&tag.value))?;
    }
    writeln!(out, "  objects of the header, with place and size")?;
    objects(out, &info.objects, 4)?;
    if !info.behind.is_empty() {
        writeln!(out, "  objects behind the packets")?;
        objects(out, &info.behind, 4)?;
    }
    Ok(())
}

/// A text that is not too long for a line.
fn shortened(text: &str) -> String {
    let mut value: String = text.chars().take(TAG_CHARS).collect();
    if value.len() < text.len() {
        value.push_str("...");
    }
    printable(&value)
}

fn objects(out: &mut String, list: &[ObjectInfo], indent: usize) -> fmt::Result {
    for object in list {
        let place = format!("{:>indent$}{:<10}", "", object.offset);
        writeln!(out, "{place} {:>9}  {}", object.bytes, object.shown())?;
        let indent = indent + 23;
        for line in &object.lines {
            writeln!(out, "{:indent$}{}", "", shortened(line))?;
        }
        if let Some(problem) = &object.problem {
            writeln!(out, "{:indent$}cannot be read: {problem}", "")?;
        }
        objects(out, &object.objects, indent - 21)?;
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
