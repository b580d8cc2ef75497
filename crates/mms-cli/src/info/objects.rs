//! Every object of a header as what it is, for people and for JSON.

use core::fmt::Display;
use core::time::Duration;

use mms_core::asf::{
    CodecKind, ExtendedStreamFlags, ExtendedStreamProperties, FileProperties, Guid, IndexKind,
    IndexSpecifier, IndexType, MutualExclusion, Object, Objects, StreamProperties, View,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::text::{bit_rate, clock, count};

/// Deepest nesting of objects; only the Header Extension has any.
const DEPTH: u32 = 4;
/// Seconds from 1601 to 1970.
const EPOCH: u64 = 11_644_473_600;

/// An object of a file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ObjectInfo {
    /// `null` if it is not known.
    pub(crate) name: Option<&'static str>,
    pub(crate) guid: String,
    /// Where it stands in the file.
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    /// What it says, by the kind of object.
    pub(crate) content: Value,
    /// Why it cannot be read.
    pub(crate) problem: Option<String>,
    /// Objects in it.
    pub(crate) objects: Vec<Self>,
    /// What it says, for people.
    #[serde(skip)]
    pub(crate) lines: Vec<String>,
}

impl ObjectInfo {
    pub(crate) fn new(object: &Object<'_>, bytes: u64, told: Result<Told, String>) -> Self {
        let (told, problem) = match told {
            Ok(told) => (told, None),
            Err(problem) => (Told::default(), Some(problem)),
        };
        Self {
            name: object.guid.name(),
            guid: object.guid.to_string(),
            offset: object.offset,
            bytes,
            content: told.content,
            problem,
            objects: told.objects,
            lines: told.lines,
        }
    }

    /// The name, or the number.
    pub(crate) fn shown(&self) -> String {
        self.name.map_or_else(|| format!("unknown object {}", self.guid), str::to_owned)
    }
}

/// What an object says.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) content: Value,
    pub(crate) lines: Vec<String>,
    objects: Vec<ObjectInfo>,
}

impl Told {
    pub(crate) fn new(content: Value, lines: impl IntoIterator<Item = String>) -> Self {
        Self { content, lines: lines.into_iter().collect(), objects: Vec::new() }
    }
}

/// All objects, with those inside of others.
pub(crate) fn all(objects: Objects<'_>, preroll_ms: u64) -> Vec<ObjectInfo> {
    within(objects, preroll_ms, DEPTH)
}

fn within(objects: Objects<'_>, preroll_ms: u64, depth: u32) -> Vec<ObjectInfo> {
    let one = |object: Object<'_>| {
        let told = match object.view() {
            Ok(View::HeaderExtension(inner)) if depth > 0 => {
                Ok(Told { objects: within(inner, preroll_ms, depth - 1), ..Told::default() })
            }
            Ok(view) => Ok(tell(&view, preroll_ms)),
            Err(error) => Err(error.to_string()),
        };
        ObjectInfo::new(&object, object.size(), told)
    };
    objects.map(one).collect()
}

fn tell(view: &View<'_>, preroll_ms: u64) -> Told {
    match view {
        View::FileProperties(view) => file_properties(view),
        View::StreamProperties(view) => stream_properties(view),
        View::CodecList(_) | View::ScriptCommands(_) | View::Markers(_) => lists(view, preroll_ms),
        View::BitrateMutualExclusion(view) | View::AdvancedMutualExclusion(view) => exclusion(view),
        View::GroupMutualExclusion(view) => {
            let groups: Vec<Vec<u16>> = view.groups().map(Iterator::collect).collect();
            let shown: Vec<String> = groups.iter().map(|group| joined(group)).collect();
            let line = format!(
                "of these groups of streams one plays ({}): {}",
                named(view.exclusion_type),
                shown.join("; ")
            );
            Told::new(json!({ "type": named(view.exclusion_type), "groups": groups }), [line])
        }
        View::ErrorCorrection(view) => {
            let line = format!(
                "{}, {} of data",
                named(view.error_correction_type),
                count_len(view.data.len(), "byte")
            );
            Told::new(
                json!({ "type": named(view.error_correction_type), "data_bytes": view.data.len() }),
                [line],
            )
        }
        View::ContentDescription(_)
        | View::ExtendedContentDescription(_)
        | View::Metadata(_)
        | View::MetadataLibrary(_) => Told::default(),
        View::StreamBitRates(rates) => {
            let rates: Vec<_> = rates.clone().collect();
            let lines = rates
                .iter()
                .map(|rate| format!("stream {}: {}", rate.number, bit_rate(u64::from(rate.bit_rate))));
            let content =
                rates.iter().map(|rate| json!({ "stream": rate.number, "bit_rate": rate.bit_rate }));
            Told::new(content.collect(), lines)
        }
        View::ExtendedStreamProperties(view) => extended_stream(view),
        View::StreamPrioritization(_) | View::BandwidthSharing(_) | View::LanguageList(_) => relations(view),
        View::IndexParameters(view) => {
            let columns: Vec<IndexSpecifier> = view.specifiers().collect();
            index_columns(view.kind, view.interval, &columns, json!({}))
        }
        View::Padding(bytes) => Told::new(json!({ "padding_bytes": bytes }), []),
        View::Compatibility(view) => {
            let line = format!("profile {}, mode {}", view.profile, view.mode);
            Told::new(json!({ "profile": view.profile, "mode": view.mode }), [line])
        }
        _ => protection(view),
    }
}

fn file_properties(view: &FileProperties) -> Told {
    let created = date(view.creation_date);
    let mut lines = vec![format!("file ID {}", view.file_id)];
    lines.extend(created.as_ref().map(|created| format!("created {created}")));
    let content = json!({
        "file_id": view.file_id.to_string(),
        "file_bytes": view.file_size,
        "created": created,
        "packets": view.data_packets_count,
        "play_duration_seconds": units(view.play_duration).as_secs_f64(),
        "send_duration_seconds": units(view.send_duration).as_secs_f64(),
        "preroll_ms": view.preroll_ms,
        "flags": view.flags.bits(),
        "packet_bytes": [view.min_packet_size, view.max_packet_size],
        "bit_rate": view.max_bitrate,
    });
    Told::new(content, lines)
}

fn stream_properties(view: &StreamProperties<'_>) -> Told {
    let mut lines = vec![format!(
        "stream {}: {}, {} of type-specific data",
        view.number,
        view.kind,
        count_len(view.type_specific.len(), "byte")
    )];
    if view.time_offset > 0 {
        lines.push(format!("begins at {}", clock(units(view.time_offset))));
    }
    let image = view.image().map(|image| json!({ "width": image.width, "height": image.height }));
    lines.extend(view.image().map(|image| format!("pictures of {}x{}", image.width, image.height)));
    let binary = view.binary().map(|binary| {
        lines.push(format!("{} as {}", named(binary.major_type), named(binary.subtype)));
        json!({
            "major_type": named(binary.major_type),
            "subtype": named(binary.subtype),
            "format_type": named(binary.format_type),
            "sample_bytes": binary.sample_size,
            "format_bytes": binary.format.len(),
        })
    });
    let spread = view.audio_spread().map(|spread| {
        if spread.span > 1 {
            lines.push(format!("audio is spread over {} packets", spread.span));
        }
        json!({
            "span": spread.span,
            "virtual_packet_bytes": spread.virtual_packet_len,
            "virtual_chunk_bytes": spread.virtual_chunk_len,
        })
    });
    let content = json!({
        "stream": view.number,
        "type": named(view.stream_type),
        "error_correction": named(view.error_correction_type),
        "time_offset_seconds": units(view.time_offset).as_secs_f64(),
        "encrypted": view.encrypted,
        "type_specific_bytes": view.type_specific.len(),
        "image": image,
        "binary": binary,
        "audio_spread": spread,
    });
    Told::new(content, lines)
}

/// Codecs, script commands and markers.
fn lists(view: &View<'_>, preroll_ms: u64) -> Told {
    match view {
        View::CodecList(codecs) => {
            let (mut content, mut lines) = (Vec::new(), Vec::new());
            for codec in codecs.clone() {
                let kind = match codec.kind {
                    CodecKind::AUDIO => "audio",
                    CodecKind::VIDEO => "video",
                    _ => "unknown",
                };
                let (name, description) = (codec.name.to_string(), codec.description.to_string());
                lines.push(format!("{kind}: {}", shown_list(&[&name, &description])));
                content.push(json!({
                    "kind": kind,
                    "name": name,
                    "description": description,
                    "information": hex(codec.information),
                }));
            }
            Told::new(content.into(), lines)
        }
        View::ScriptCommands(view) => {
            let (mut content, mut lines) = (Vec::new(), Vec::new());
            for command in view.commands() {
                let kind = view.type_of(&command).map(|kind| kind.to_string());
                let at = u64::from(command.presentation_time_ms);
                let text = command.command.to_string();
                let shown = kind.as_deref().unwrap_or("unknown type");
                lines.push(format!("{}  {shown}  {text}", content_clock(at, preroll_ms)));
                content.push(json!({
                    "seconds": content_seconds(at, preroll_ms),
                    "presentation_ms": at,
                    "type": kind,
                    "command": text,
                }));
            }
            Told::new(content.into(), lines)
        }
        View::Markers(view) => {
            let (mut content, mut lines) = (Vec::new(), Vec::new());
            for marker in view.markers() {
                let at = marker.presentation_time / 10_000;
                let description = marker.description.to_string();
                lines.push(format!("{}  {description}", content_clock(at, preroll_ms)));
                content.push(json!({
                    "seconds": content_seconds(at, preroll_ms),
                    "presentation_ms": at,
                    "send_ms": marker.send_time_ms,
                    "offset": marker.offset,
                    "flags": marker.flags,
                    "description": description,
                }));
            }
            Told::new(json!({ "name": view.name.to_string(), "markers": content }), lines)
        }
        _ => Told::default(),
    }
}

fn exclusion(view: &MutualExclusion<'_>) -> Told {
    let streams: Vec<u16> = view.streams().collect();
    let line = format!("of streams {} one plays ({})", joined(&streams), named(view.exclusion_type));
    Told::new(json!({ "type": named(view.exclusion_type), "streams": streams }), [line])
}

fn extended_stream(view: &ExtendedStreamProperties<'_>) -> Told {
    let stream = &view.stream;
    let known = [
        (ExtendedStreamFlags::RELIABLE, "reliable"),
        (ExtendedStreamFlags::SEEKABLE, "seekable"),
        (ExtendedStreamFlags::NO_CLEANPOINTS, "no key frames"),
        (ExtendedStreamFlags::RESEND_LIVE_CLEANPOINTS, "resends live key frames"),
    ];
    let flags: Vec<&str> =
        known.iter().filter(|(flag, _)| stream.flags.contains(*flag)).map(|(_, name)| *name).collect();
    let mut line = format!(
        "stream {}: {} of data, buffer of {}",
        stream.stream_number,
        bit_rate(u64::from(stream.data_bit_rate)),
        clock(Duration::from_millis(u64::from(stream.buffer_size_ms))),
    );
    flags.iter().for_each(|flag| line.push_str(&format!(", {flag}")));
    let mut lines = vec![line];
    if stream.average_time_per_frame > 0 {
        let millis = units(stream.average_time_per_frame).as_secs_f64() * 1000.0;
        lines.push(format!("{millis:.3} ms for each frame on average"));
    }
    let names: Vec<Value> = view
        .names()
        .map(|name| json!({ "language": name.language_index, "name": name.name.to_string() }))
        .collect();
    lines.extend(view.names().map(|name| format!("called {}", name.name)));
    let systems: Vec<Value> = view
        .extension_systems()
        .map(|system| json!({ "system": named(system.id), "data_bytes": system.data_size, "info": hex(system.info) }))
        .collect();
    lines.extend(view.extension_systems().map(|system| format!("payloads tell: {}", named(system.id))));
    let embedded = view.stream_properties().map(|stream| stream_properties(&stream));
    lines.extend(embedded.iter().flat_map(|told| told.lines.clone()));
    let content = json!({
        "stream": stream.stream_number,
        "start_ms": stream.start_time_ms,
        "end_ms": stream.end_time_ms,
        "bit_rate": stream.data_bit_rate,
        "buffer_ms": stream.buffer_size_ms,
        "initial_fullness_ms": stream.initial_buffer_fullness_ms,
        "alternate_bit_rate": stream.alternate_data_bit_rate,
        "alternate_buffer_ms": stream.alternate_buffer_size_ms,
        "alternate_initial_fullness_ms": stream.alternate_initial_buffer_fullness_ms,
        "largest_object_bytes": stream.maximum_object_size,
        "flags": flags,
        "flags_value": stream.flags.bits(),
        "language": stream.language_index,
        "frame_seconds": units(stream.average_time_per_frame).as_secs_f64(),
        "names": names,
        "extension_systems": systems,
        "stream_properties": embedded.map(|told| told.content),
    });
    Told::new(content, lines)
}

/// Priorities, shared bandwidth and languages.
fn relations(view: &View<'_>) -> Told {
    match view {
        View::StreamPrioritization(list) => {
            let list: Vec<_> = list.clone().collect();
            let lines = list.iter().map(|one| {
                let mandatory = if one.is_mandatory() { ", mandatory" } else { "" };
                format!("stream {}{mandatory}", one.stream_number)
            });
            let content = list
                .iter()
                .map(|one| json!({ "stream": one.stream_number, "mandatory": one.is_mandatory() }));
            Told::new(content.collect(), lines)
        }
        View::BandwidthSharing(view) => {
            let streams: Vec<u16> = view.streams().collect();
            let rate = bit_rate(u64::from(view.data_bit_rate));
            let line = format!("streams {} share {rate} ({})", joined(&streams), named(view.sharing_type));
            let content = json!({
                "type": named(view.sharing_type),
                "bit_rate": view.data_bit_rate,
                "buffer_bits": view.buffer_size_bits,
                "streams": streams,
            });
            Told::new(content, [line])
        }
        View::LanguageList(languages) => {
            let languages: Vec<String> = languages.clone().map(|language| language.to_string()).collect();
            let line = shown_list(&languages.iter().map(String::as_str).collect::<Vec<_>>());
            Told::new(json!(languages), [line])
        }
        _ => Told::default(),
    }
}

/// What is recognised and not interpreted.
fn protection(view: &View<'_>) -> Told {
    let ascii = |bytes: &[u8]| {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
    };
    match view {
        View::ContentBranding(view) => {
            let (picture, link) = (ascii(view.image_url), ascii(view.copyright_url));
            let line = format!("picture of {}", count_len(view.image.len(), "byte"));
            let links = [&picture, &link].into_iter().filter(|link| !link.is_empty());
            let lines: Vec<String> = core::iter::once(line).chain(links.cloned()).collect();
            let content = json!({
                "image_type": view.image_type,
                "image_bytes": view.image.len(),
                "image_url": picture,
                "copyright_url": link,
            });
            Told::new(content, lines)
        }
        View::ContentEncryption(view) => {
            let (kind, license) = (ascii(view.protection_type), ascii(view.license_url));
            let line = format!("{kind}, licence from {license}");
            let content = json!({
                "type": kind,
                "key_id": ascii(view.key_id),
                "license_url": license,
                "secret_bytes": view.secret.len(),
            });
            Told::new(content, [line])
        }
        View::AdvancedContentEncryption(records) => {
            let (mut content, mut lines) = (Vec::new(), Vec::new());
            for record in records.clone() {
                let streams: Vec<u16> = record.streams().collect();
                lines.push(format!("system {}, streams {}", record.system, joined(&streams)));
                content.push(json!({
                    "system": record.system.to_string(),
                    "version": record.version,
                    "data_bytes": record.data.len(),
                    "streams": streams,
                }));
            }
            Told::new(content.into(), lines)
        }
        View::DigitalSignature(view) => {
            Told::new(json!({ "type": view.signature_type, "signature_bytes": view.data.len() }), [])
        }
        View::Protection(bytes) | View::Unknown(bytes) => {
            Told::new(json!({ "content_bytes": bytes.len() }), [])
        }
        _ => Told::default(),
    }
}

/// The columns of an index or of its parameters; `content` is what else is told.
pub(crate) fn index_columns(
    kind: IndexKind,
    interval: u32,
    columns: &[IndexSpecifier],
    mut content: Value,
) -> Told {
    let (unit, shown) = match kind {
        IndexKind::Time => ("interval_ms", format!("one entry each {interval} ms")),
        IndexKind::MediaObject => ("interval_objects", format!("one entry each {interval} objects")),
        _ => ("interval", "one entry each timecode".to_owned()),
    };
    let mut lines = vec![shown];
    let mut list = Vec::new();
    for column in columns {
        let what = match column.index_type {
            IndexType::PACKET => "packets",
            IndexType::OBJECT => "media objects",
            IndexType::CLEANPOINT => "key frames",
            IndexType::FRAME_NUMBER => "frame numbers",
            _ => "unknown places",
        };
        lines.push(format!("stream {}: {what}", column.stream_number));
        list.push(json!({ "stream": column.stream_number, "type": column.index_type.0, "places": what }));
    }
    content[unit] = interval.into();
    content["columns"] = list.into();
    Told::new(content, lines)
}

/// The name of a GUID, or the GUID.
pub(crate) fn named(guid: Guid) -> String {
    guid.name().map_or_else(|| guid.to_string(), str::to_owned)
}

/// Units of 100 ns.
pub(crate) fn units(units: u64) -> Duration {
    Duration::from_micros(units / 10) + Duration::from_nanos(units % 10 * 100)
}

fn joined<T: Display>(list: &[T]) -> String {
    list.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// Texts that are not empty, with commas.
fn shown_list(texts: &[&str]) -> String {
    texts.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(", ")
}

fn count_len(number: usize, one: &str) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX), one)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A presentation time without the preroll; some writers leave it out.
fn content_clock(ms: u64, preroll_ms: u64) -> String {
    clock(Duration::from_millis(ms.saturating_sub(preroll_ms)))
}

fn content_seconds(ms: u64, preroll_ms: u64) -> f64 {
    Duration::from_millis(ms.saturating_sub(preroll_ms)).as_secs_f64()
}

/// A date in units of 100 ns since 1601, as in ISO 8601; nothing before 1970 or behind 9999.
fn date(creation: u64) -> Option<String> {
    let seconds = (creation / 10_000_000).checked_sub(EPOCH)?;
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // years that begin in March, in eras of 400 of them
    let shifted = days.checked_add(719_468)?;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    (year <= 9999)
        .then(|| format!("{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_files_are_those_of_the_calendar() {
        let at = |seconds: u64| date((EPOCH + seconds) * 10_000_000);
        assert_eq!(at(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(at(951_782_399).as_deref(), Some("2000-02-28T23:59:59Z"));
        assert_eq!(at(951_782_400).as_deref(), Some("2000-02-29T00:00:00Z"));
        assert_eq!(at(1_109_635_200).as_deref(), Some("2005-03-01T00:00:00Z"));
        assert_eq!((date(0), date(u64::MAX)), (None, None));
    }
}
