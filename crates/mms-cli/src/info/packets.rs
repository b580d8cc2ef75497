//! `mms info --packets`: packets, payloads, and what payloads tell of themselves.

use core::time::Duration;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use mms_core::asf::{
    DATA_OBJECT_LEN, ExtensionValue, Fragment, Guid, Header, HeaderSummary, Packet, PacketHead, Payload,
    PayloadForm, begins_top_level_object, packet_count,
};
use serde_json::{Value, json};

use super::objects::{hex, named};
use crate::exit::{Failure, Kind};
use crate::text::{clock, count, printable};

/// Lists the packets of a file; each is a JSON object on a line of its own, or a few lines for people.
pub(crate) fn list(shown: &str, file: &File, header: &Header<'_>, as_json: bool) -> Result<(), Failure> {
    let mut packets = Packets::new(file, header.summary())
        .map_err(|error| Failure::new(Kind::Local, format!("{shown} cannot be read: {error}")))?;
    let mut out = BufWriter::new(io::stdout().lock());
    loop {
        let next = packets
            .next()
            .map_err(|error| Failure::new(Kind::Local, format!("{shown} cannot be read: {error}")))?;
        let Some((number, offset, bytes)) = next else { break };
        let written = if as_json {
            writeln!(out, "{}", to_json(number, offset, bytes, header))
        } else {
            out.write_all(to_text(number, offset, bytes, header).as_bytes())
        };
        written.map_err(|error| Failure::writing("standard output", &error))?;
    }
    out.flush().map_err(|error| Failure::writing("standard output", &error))
}

/// The whole packets of a file, one after the other.
struct Packets<'f> {
    file: BufReader<&'f File>,
    bytes: Vec<u8>,
    header_bytes: u64,
    number: u64,
    count: u64,
    /// Whether the Data Object tells where the packets end.
    is_bounded: bool,
}

impl<'f> Packets<'f> {
    fn new(file: &'f File, summary: &HeaderSummary) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let head = u64::try_from(DATA_OBJECT_LEN).unwrap_or(u64::MAX);
        let there = len.saturating_sub(summary.data_offset);
        let mut reader = BufReader::with_capacity(1 << 16, file);
        reader.seek(SeekFrom::Start(summary.header_len))?;
        Ok(Self {
            file: reader,
            bytes: vec![0; usize::try_from(summary.packet_size()).unwrap_or(0)],
            header_bytes: summary.header_len,
            number: 0,
            count: packet_count(len, summary),
            is_bounded: summary.data_size > head && summary.data_size <= there,
        })
    }

    fn next(&mut self) -> io::Result<Option<(u64, u64, &[u8])>> {
        if self.number >= self.count {
            return Ok(None);
        }
        self.file.read_exact(&mut self.bytes)?;
        if !self.is_bounded && begins_top_level_object(&self.bytes) {
            return Ok(None);
        }
        let number = self.number;
        self.number += 1;
        let size = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        let offset = self.header_bytes.saturating_add(number.saturating_mul(size));
        Ok(Some((number, offset, &self.bytes)))
    }
}

/// A payload with the pieces of media objects in it, or why there are no more.
type Part<'a> = Result<(Payload<'a>, Vec<Fragment<'a>>), String>;

fn parts<'a>(packet: &Packet<'a>) -> impl Iterator<Item = Part<'a>> {
    packet.payloads().map(|payload| match payload {
        Ok(payload) => Ok((payload, payload.fragments().collect())),
        Err(error) => Err(error.to_string()),
    })
}

fn to_json(number: u64, offset: u64, bytes: &[u8], header: &Header<'_>) -> Value {
    let packet = match Packet::decode(bytes) {
        Ok(packet) => packet,
        Err(error) => return json!({ "packet": number, "offset": offset, "problem": error.to_string() }),
    };
    let (mut payloads, mut problem) = (Vec::new(), None);
    for part in parts(&packet) {
        match part {
            Ok((payload, fragments)) => payloads.push(payload_json(&payload, &fragments, header)),
            Err(error) => problem = Some(error),
        }
    }
    let head = packet.head();
    json!({
        "packet": number,
        "offset": offset,
        "send_ms": head.send_time_ms,
        "duration_ms": head.duration_ms,
        "padding_bytes": padding(&packet, head),
        "error_correction_bytes": head.error_correction_len,
        "payloads": payloads,
        "problem": problem,
    })
}

/// Bytes behind the payloads.
fn padding(packet: &Packet<'_>, head: &PacketHead) -> usize {
    let told = usize::try_from(head.padding_len).unwrap_or(usize::MAX);
    told.max(packet.bytes().len().saturating_sub(head.total_len))
}

fn payload_json(payload: &Payload<'_>, fragments: &[Fragment<'_>], header: &Header<'_>) -> Value {
    let form = match payload.form() {
        PayloadForm::Normal => "normal",
        PayloadForm::Bare => "bare",
        PayloadForm::Compressed => "compressed",
        _ => "unknown",
    };
    let range = payload.range();
    let pieces = fragments.iter().map(|fragment| {
        let told: Vec<Value> = header
            .extension_systems(fragment.stream_number)
            .values(fragment.extensions)
            .map(|(system, value)| extension_json(system, &value))
            .collect();
        json!({
            "object": fragment.object_number,
            "object_bytes": fragment.object_size,
            "presentation_ms": fragment.presentation_time_ms,
            "offset": fragment.offset,
            "bytes": fragment.data.len(),
            "extensions": told,
        })
    });
    json!({
        "stream": payload.stream_number,
        "key_frame": payload.is_key_frame,
        "form": form,
        "at": range.start,
        "bytes": range.len(),
        "objects": pieces.collect::<Vec<Value>>(),
    })
}

fn extension_json(system: Guid, value: &ExtensionValue<'_>) -> Value {
    let content = match value {
        ExtensionValue::Timecode { range, timecode, user_bits } => {
            json!({ "range": range, "timecode": shown_timecode(*timecode), "user_bits": user_bits })
        }
        ExtensionValue::FileName(name) => json!(name.to_string()),
        ExtensionValue::ContentType(flags) => json!(flags),
        ExtensionValue::PixelAspectRatio(x, y) => json!([x, y]),
        ExtensionValue::SampleDuration(ms) => json!(ms),
        ExtensionValue::EncryptionSampleId(bytes) | ExtensionValue::Other(bytes) => json!(hex(bytes)),
        ExtensionValue::OutputCleanPoint(is_key) => json!(is_key),
        _ => Value::Null,
    };
    json!({ "system": named(system), "value": content })
}

fn shown_timecode(timecode: u32) -> String {
    let [hours, minutes, seconds, frames] = timecode.to_be_bytes();
    format!("{hours:02x}:{minutes:02x}:{seconds:02x}:{frames:02x}")
}

fn to_text(number: u64, offset: u64, bytes: &[u8], header: &Header<'_>) -> String {
    let packet = match Packet::decode(bytes) {
        Ok(packet) => packet,
        Err(error) => return format!("packet {number} at {offset}: cannot be read: {error}\n"),
    };
    let head = packet.head();
    let mut text = format!(
        "packet {number} at {offset}: sent at {} for {} ms, {} of padding\n",
        clock(Duration::from_millis(u64::from(head.send_time_ms))),
        head.duration_ms,
        count(u64::try_from(padding(&packet, head)).unwrap_or(u64::MAX), "byte"),
    );
    for part in parts(&packet) {
        match part {
            Ok((payload, fragments)) => payload_text(&mut text, &payload, &fragments, header),
            Err(error) => text.push_str(&format!("  the rest cannot be read: {error}\n")),
        }
    }
    text
}

fn payload_text(text: &mut String, payload: &Payload<'_>, fragments: &[Fragment<'_>], header: &Header<'_>) {
    let stream = payload.stream_number;
    if fragments.is_empty() {
        text.push_str(&format!("  stream {stream}: {} bytes without meaning\n", payload.data.len()));
    }
    let key = if payload.is_key_frame { ", key frame" } else { "" };
    let preroll = header.file_properties().preroll_ms;
    for fragment in fragments {
        let time = match fragment.presentation_time_ms {
            Some(ms) => clock(Duration::from_millis(u64::from(ms).saturating_sub(preroll))),
            None => "no time".to_owned(),
        };
        let piece = if fragment.is_whole() {
            count(u64::from(fragment.object_size), "byte")
        } else {
            format!("bytes {} to {} of {}", fragment.offset, fragment.end(), fragment.object_size)
        };
        text.push_str(&format!("  stream {stream} object {}: {time}, {piece}{key}", fragment.object_number));
        for (system, value) in header.extension_systems(stream).values(fragment.extensions) {
            let shown = match &value {
                ExtensionValue::Timecode { timecode, .. } => shown_timecode(*timecode),
                ExtensionValue::FileName(name) => printable(&name.to_string()),
                ExtensionValue::PixelAspectRatio(x, y) => format!("{x}:{y}"),
                ExtensionValue::SampleDuration(ms) => format!("{ms} ms"),
                ExtensionValue::ContentType(flags) => format!("0x{flags:02x}"),
                ExtensionValue::OutputCleanPoint(is_key) => is_key.to_string(),
                ExtensionValue::EncryptionSampleId(bytes) | ExtensionValue::Other(bytes) => hex(bytes),
                _ => continue,
            };
            text.push_str(&format!(", {} {shown}", named(system)));
        }
        text.push('\n');
    }
}
