//! The essentials of a header.

use mms_core::asf::{CodecTag, FileFlags, Header, Object, StreamProperties, codec_name, packet_count};
use mms_core::error::{DecodeError, Reason};
use serde::Serialize;

use super::header::{RawHeader, length};
use super::objects::{self, ObjectInfo};
use super::tags::{self, TagInfo};
use crate::text::printable;

/// What `mms info --json` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Info {
    /// File or URL.
    pub(crate) source: String,
    /// For a URL.
    pub(crate) transport: Option<String>,
    /// For a file.
    pub(crate) file_bytes: Option<u64>,
    /// Header Object and the head of the Data Object.
    pub(crate) header_bytes: u64,
    /// Whether the file ends inside of its header.
    pub(crate) header_is_cut: bool,
    /// As the header says; `null` for a broadcast.
    pub(crate) duration_seconds: Option<f64>,
    pub(crate) preroll_seconds: f64,
    /// Bit/s.
    pub(crate) bit_rate: u32,
    pub(crate) flags: Flags,
    pub(crate) packets: Packets,
    pub(crate) streams: Vec<Stream>,
    pub(crate) tags: Vec<TagInfo>,
    /// Objects that say that content is protected; they are recognised and not interpreted.
    pub(crate) protection: Vec<String>,
    /// Every object of the header, in order.
    pub(crate) objects: Vec<ObjectInfo>,
    /// Objects behind the packets of a file, indexes among them.
    pub(crate) behind: Vec<ObjectInfo>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Flags {
    pub(crate) broadcast: bool,
    pub(crate) seekable: bool,
    /// All 32 bits.
    pub(crate) value: u32,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Packets {
    /// Bytes of each.
    pub(crate) size: u32,
    /// As the header says; `null` if it does not know.
    pub(crate) declared: Option<u64>,
    /// Whole packets in the file; `null` for a URL.
    pub(crate) present: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Stream {
    pub(crate) number: u8,
    pub(crate) kind: String,
    pub(crate) codec: Option<String>,
    pub(crate) bit_rate: Option<u32>,
    pub(crate) samples_per_second: Option<u32>,
    pub(crate) channels: Option<u16>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) encrypted: bool,
    /// Only named by Extended Stream Properties.
    pub(crate) hidden: bool,
}

impl Info {
    /// Explains a header, cut or not; `file_bytes` is the size of its file.
    ///
    /// # Errors
    /// What makes the header unusable.
    pub(crate) fn new(source: String, raw: &RawHeader, file_bytes: Option<u64>) -> Result<Self, String> {
        let mended = if raw.is_cut() { raw.mended() } else { None };
        let bytes = mended.as_deref().unwrap_or(&raw.bytes);
        let header = Header::decode(bytes).map_err(|error| reason(error, raw))?;
        let summary = header.summary();
        let properties = header.file_properties();
        let is_broadcast = properties.is_broadcast();
        let declared = (!is_broadcast).then_some(if raw.is_cut() {
            properties.data_packets_count
        } else {
            summary.data_packets
        });
        let present = file_bytes.map(|len| if raw.is_cut() { 0 } else { packet_count(len, summary) });
        Ok(Self {
            source,
            transport: None,
            file_bytes,
            header_bytes: raw.declared.unwrap_or(length(&raw.bytes)),
            header_is_cut: raw.is_cut(),
            duration_seconds: (!is_broadcast).then(|| properties.content_duration().as_secs_f64()),
            preroll_seconds: properties.preroll().as_secs_f64(),
            bit_rate: summary.bit_rate,
            flags: Flags {
                broadcast: is_broadcast,
                seekable: properties.flags.contains(FileFlags::SEEKABLE),
                value: properties.flags.bits(),
            },
            packets: Packets { size: summary.packet_size(), declared, present },
            streams: header.streams().map(|stream| explain(&stream, &header)).collect(),
            tags: tags::all(&header),
            protection: protection(&header),
            objects: objects::all(header.objects(), properties.preroll_ms),
            behind: Vec::new(),
        })
    }
}

fn protection(header: &Header<'_>) -> Vec<String> {
    let objects = header.objects().chain(header.extension_objects());
    objects.filter(Object::is_protection).map(|object| objects::named(object.guid)).collect()
}

/// Why a header cannot be explained, for people.
fn reason(error: DecodeError, raw: &RawHeader) -> String {
    match error.reason {
        Reason::HeaderGuid => {
            "this is neither ASF (.wmv, .wma, .asf) nor a metafile (.asx, .wax, .wvx)".to_owned()
        }
        _ if raw.is_cut() => match raw.declared {
            Some(declared) => format!(
                "the file ends inside its header, after {} of {declared} bytes, and before what matters",
                raw.bytes.len()
            ),
            None => "the file is too short to be an ASF file".to_owned(),
        },
        _ => format!("the header is damaged: {error}"),
    }
}

fn explain(stream: &StreamProperties<'_>, header: &Header<'_>) -> Stream {
    let (audio, video) = (stream.audio(), stream.video());
    let tag = audio
        .map(|audio| CodecTag::Audio(audio.codec_id))
        .or(video.map(|video| CodecTag::Video(video.compression)));
    let info = header.summary().streams.get(stream.number);
    Stream {
        number: stream.number,
        kind: stream.kind.to_string(),
        codec: tag.map(|tag| name_of(tag, header)),
        bit_rate: info.and_then(|info| info.bit_rate).or_else(|| {
            // without the overhead of packets, which is better than nothing
            audio.map(|audio| audio.average_bytes_per_second.saturating_mul(8)).filter(|rate| *rate > 0)
        }),
        samples_per_second: audio.map(|audio| audio.samples_per_second),
        channels: audio.map(|audio| audio.channels),
        width: video.map(|video| video.width),
        height: video.map(|video| video.height),
        encrypted: stream.encrypted,
        hidden: stream.hidden,
    }
}

/// Our name of a codec, or what the file calls it, or its number.
fn name_of(tag: CodecTag, header: &Header<'_>) -> String {
    if let Some(name) = codec_name(tag) {
        return name.to_owned();
    }
    let entry = header.codecs().find(|entry| entry.tag() == Some(tag) && !entry.name.is_empty());
    match (entry, tag) {
        (Some(entry), _) => printable(&entry.name.to_string()),
        (None, CodecTag::Audio(id)) => format!("unknown (0x{id:04X})"),
        (None, CodecTag::Video(code)) => format!("unknown ({})", code.escape_ascii()),
        _ => "unknown".to_owned(),
    }
}
