//! Copies media objects of a file, untouched, into packets of a new one.

use core::time::Duration;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use mms_core::asf::{
    DATA_OBJECT_LEN, FileProperties, FileScan, Guid, Header, HeaderError, HeaderRewrite, HeaderWriter,
    MediaObject, ObjectAssembly, Objects, Packet, Packetised, Packetiser, StreamKind, View,
};

use crate::indexes::Indexes;
use crate::output::{Output, RewriteError};
use crate::probe::{Unservable, walk_source};
use crate::repair::{PacketReader, Repaired, Source, random_guid, take};

/// What is copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemuxOptions {
    /// Streams by number; all if there is none.
    pub streams: BTreeSet<u8>,
    /// Where the copy begins: with video, at the key frame at this time or before it, because that is what is
    /// seen then. So where sound goes on behind the end of video, the last pictures come with it.
    pub start: Duration,
    /// How much is copied from there; all if not given.
    pub duration: Option<Duration>,
    /// Size of the packets; that of the input if not given.
    pub packet_size: Option<u32>,
}

/// Largest media object that is copied.
const LARGEST_OBJECT: usize = 16 << 20;

/// Copies media objects into a new file. `output` may be the same path as `input`; it is replaced when
/// everything was written.
///
/// # Errors
/// If the input cannot be used, nothing would be left, or reading or writing failed; then there is nothing
/// new at `output`.
pub fn remux(input: &Path, output: &Path, options: &RemuxOptions) -> Result<Repaired, RewriteError> {
    let source = File::open(input).map_err(Unservable::from)?;
    let mut out = Output::create(output)?;
    let done = remux_to(&source, out.file(), options, Guid(random_guid()?))?;
    out.replace()?;
    Ok(done)
}

/// The same from any source into any output; the File ID is that of the new file.
///
/// # Errors
/// As [`remux`].
pub fn remux_to<S, W>(
    source: &S,
    out: &mut W,
    options: &RemuxOptions,
    file_id: Guid,
) -> Result<Repaired, RewriteError>
where
    S: Source + ?Sized,
    W: Write + Seek,
{
    let len = source.source_len().map_err(Unservable::from)?;
    let summary = walk_source(source, len)?;
    let mut bytes = vec![0; usize::try_from(summary.header_len).map_err(|_| Unservable::HeaderCut)?];
    source.read_exact_at(0, &mut bytes).map_err(Unservable::from)?;
    let invalid = |error| Unservable::from(HeaderError::from(error));
    let header = Header::decode(&bytes).map_err(invalid)?;
    let cut = Cut::new(source, &header, options, len)?;
    let packet_size = options.packet_size.unwrap_or(summary.packet_size());

    let mut new_bytes = write_header(&header, &cut, packet_size)?;
    let new_header = Header::decode(&new_bytes).map_err(invalid)?;
    out.write_all(&new_bytes)?;
    let mut writer = PacketsOut {
        packetiser: Packetiser::new(packet_size)?,
        packet: vec![0; usize::try_from(packet_size).map_err(|_| Unservable::PacketSizes)?],
        out,
        scan: FileScan::new(&new_header),
        indexes: Indexes::new(&new_header),
    };
    copy_objects(source, &header, &cut, len, &mut writer)?;
    let PacketsOut { scan, indexes, .. } = writer;
    if scan.packet_count() == 0 {
        return Err(RewriteError::Nothing);
    }
    let indexes = indexes.finish(file_id);
    out.write_all(&indexes.bytes)?;
    let new_summary = new_header.summary().clone();
    let data_size = scan.data_size(&new_summary);
    let file_len = new_summary.header_len - DATA_OBJECT_LEN as u64 + data_size + indexes.bytes.len() as u64;
    let properties = scan.finished(&new_summary, file_id, file_len, indexes.is_complete);
    HeaderRewrite::new(&new_summary, &properties, data_size, scan.packet_count()).apply(0, &mut new_bytes);
    out.seek(SeekFrom::Start(0))?;
    out.write_all(&new_bytes)?;
    out.flush()?;
    Ok(Repaired {
        packets: scan.packet_count(),
        unreadable: 0,
        indexes: indexes.count,
        duration: properties.content_duration(),
        moved: cut.start_ms > cut.preroll_ms,
        len: file_len,
    })
}

/// Media objects that wait for one that began before them.
const MOST_WAITING: usize = 4096;

/// Which media objects are copied, and how far they move.
struct Cut {
    streams: BTreeSet<u8>,
    video: BTreeSet<u8>,
    /// First and last presentation time of what is copied, with the preroll.
    start_ms: u64,
    end_ms: u64,
    preroll_ms: u64,
}

impl Cut {
    fn new<S: Source + ?Sized>(
        source: &S,
        header: &Header<'_>,
        options: &RemuxOptions,
        len: u64,
    ) -> Result<Self, RewriteError> {
        let known: BTreeSet<u8> = header.streams().map(|stream| stream.number).collect();
        let streams: BTreeSet<u8> = match &options.streams {
            wanted if wanted.is_empty() => known,
            wanted => wanted.intersection(&known).copied().collect(),
        };
        if streams.is_empty() {
            return Err(RewriteError::Nothing);
        }
        let is_video = |number: &u8| {
            header.summary().streams.get(*number).is_some_and(|stream| stream.kind == StreamKind::Video)
        };
        let video = streams.iter().copied().filter(is_video).collect();
        let preroll_ms = header.file_properties().preroll_ms;
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let wanted = preroll_ms.saturating_add(ms(options.start));
        let end_ms = options.duration.map_or(u64::MAX, |length| wanted.saturating_add(ms(length)));
        let mut cut = Self { streams, video, start_ms: wanted, end_ms, preroll_ms };
        if wanted > preroll_ms {
            cut.start_ms = cut.key_frame_before(source, header, len, wanted)?;
        }
        Ok(cut)
    }

    /// The time of the last key frame of video at or before a time, of several streams the earliest; of streams
    /// without video the time.
    fn key_frame_before<S: Source + ?Sized>(
        &self,
        source: &S,
        header: &Header<'_>,
        len: u64,
        wanted: u64,
    ) -> Result<u64, RewriteError> {
        let mut packets = PacketReader::new(source, header.summary(), len);
        let mut latest = None;
        let mut last: HashMap<u8, u64> = HashMap::new();
        while let Some(packet) = packets.next_packet().map_err(Unservable::from)? {
            let Ok(packet) = Packet::decode(packet) else { continue };
            for fragment in packet.fragments() {
                let stream = fragment.stream_number;
                let Some(time) = fragment.presentation_time_ms.map(u64::from) else { continue };
                if !self.streams.contains(&stream) {
                    continue;
                }
                latest = latest.max(Some(time));
                let is_start = fragment.is_key_frame && fragment.offset == 0;
                if is_start && self.video.contains(&stream) && time <= wanted {
                    last.entry(stream).and_modify(|last| *last = time.max(*last)).or_insert(time);
                }
            }
        }
        let latest = latest.ok_or(RewriteError::Nothing)?;
        if latest < wanted {
            let last = Duration::from_millis(latest.saturating_sub(self.preroll_ms));
            return Err(RewriteError::StartBehindEnd { last });
        }
        Ok(last.into_values().min().unwrap_or(wanted))
    }

    fn takes(&self, stream: u8, time_ms: u64) -> bool {
        // what lies before the start of everything is copied if everything is
        let from = if self.start_ms > self.preroll_ms { self.start_ms } else { 0 };
        self.streams.contains(&stream) && (from..self.end_ms).contains(&time_ms)
    }

    fn back_ms(&self) -> u64 {
        self.start_ms - self.preroll_ms
    }

    fn takes_number(&self, number: u16) -> bool {
        number == 0 || u8::try_from(number).is_ok_and(|number| self.streams.contains(&number))
    }
}

/// A header that names what is copied; counts and durations come later.
fn write_header(header: &Header<'_>, cut: &Cut, packet_size: u32) -> Result<Vec<u8>, RewriteError> {
    let mut room = vec![0; usize::try_from(header.summary().header_len).unwrap_or(0) + 4096];
    let mut writer = HeaderWriter::new(&mut room);
    let properties = FileProperties {
        min_packet_size: packet_size,
        max_packet_size: packet_size,
        ..*header.file_properties()
    };
    write_objects(&mut writer, header.objects(), cut, &properties);
    let len = writer.finish(DATA_OBJECT_LEN as u64, 0)?;
    room.truncate(len);
    Ok(room)
}

fn write_objects(
    writer: &mut HeaderWriter<'_>,
    objects: Objects<'_>,
    cut: &Cut,
    properties: &FileProperties,
) {
    for object in objects {
        let Ok(view) = object.view() else { continue };
        match view {
            View::FileProperties(_) => writer.file_properties(properties),
            View::StreamProperties(view) => {
                if cut.streams.contains(&view.number) {
                    writer.stream_properties(&view);
                }
            }
            View::HeaderExtension(inner) => {
                writer.begin_extension();
                write_objects(writer, inner, cut, properties);
                writer.end_extension();
            }
            View::ExtendedStreamProperties(view) => {
                if cut.streams.contains(&view.stream.stream_number) {
                    let (names, systems) =
                        (view.names().collect::<Vec<_>>(), view.extension_systems().collect::<Vec<_>>());
                    let mut stream = view.stream;
                    (stream.start_time_ms, stream.end_time_ms) = (0, 0);
                    writer.extended_stream(&stream, &names, &systems, view.stream_properties().as_ref());
                }
            }
            View::StreamBitRates(rates) => {
                writer.stream_bit_rates(
                    &rates.filter(|rate| cut.streams.contains(&rate.number)).collect::<Vec<_>>(),
                );
            }
            View::BitrateMutualExclusion(view) | View::AdvancedMutualExclusion(view) => {
                let streams: Vec<u16> = view.streams().filter(|number| cut.takes_number(*number)).collect();
                if streams.len() > 1 {
                    writer.mutual_exclusion(view.exclusion_type, &streams);
                }
            }
            View::StreamPrioritization(list) => {
                let list: Vec<_> = list.filter(|one| cut.takes_number(one.stream_number)).collect();
                writer.stream_prioritization(&list);
            }
            View::Metadata(records) => {
                writer
                    .metadata(&records.filter(|one| cut.takes_number(one.stream_number)).collect::<Vec<_>>());
            }
            View::MetadataLibrary(records) => {
                writer.metadata_library(
                    &records.filter(|one| cut.takes_number(one.stream_number)).collect::<Vec<_>>(),
                );
            }
            View::Markers(view) => {
                let moved = view.markers().filter_map(|marker| {
                    let time = marker.presentation_time.checked_sub(cut.back_ms() * 10_000)?;
                    let is_inside = cut.takes_time(marker.presentation_time / 10_000);
                    is_inside.then_some(mms_core::asf::Marker {
                        offset: 0,
                        send_time_ms: 0,
                        presentation_time: time,
                        ..marker
                    })
                });
                writer.markers(view.name, &moved.collect::<Vec<_>>());
            }
            View::ScriptCommands(view) => {
                let moved = view.commands().filter_map(|command| {
                    let back = u32::try_from(cut.back_ms()).ok()?;
                    let time = command.presentation_time_ms.checked_sub(back)?;
                    let is_inside = cut.takes_time(u64::from(command.presentation_time_ms));
                    is_inside
                        .then_some(mms_core::asf::ScriptCommand { presentation_time_ms: time, ..command })
                });
                writer.script_commands(&view.types().collect::<Vec<_>>(), &moved.collect::<Vec<_>>());
            }
            // Places and signatures of the other file.
            View::IndexParameters(_) | View::DigitalSignature(_) => {}
            _ => writer.object(object.guid, object.body),
        }
    }
}

impl Cut {
    fn takes_time(&self, time_ms: u64) -> bool {
        time_ms < self.end_ms
    }
}

/// Packets that are written, counted and indexed.
struct PacketsOut<'o, W> {
    packetiser: Packetiser,
    packet: Vec<u8>,
    out: &'o mut W,
    scan: FileScan,
    indexes: Indexes,
}

impl<W: Write> PacketsOut<'_, W> {
    fn push(&mut self, object: &MediaObject<'_>) -> Result<(), RewriteError> {
        while self.packetiser.push(object, &mut self.packet)? == Packetised::PacketFull {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), RewriteError> {
        take(&mut self.scan, &mut self.indexes, &self.packet);
        self.out.write_all(&self.packet)?;
        Ok(())
    }
}

/// An object whose fragments still come.
#[derive(Default)]
struct Open {
    assembly: ObjectAssembly,
    buffer: Vec<u8>,
    extensions: Vec<u8>,
    /// When its first fragment is sent.
    send_ms: u32,
    /// Its place among the objects that wait to be written.
    waits_at: Option<u64>,
    next_number: u8,
}

/// A whole object, or the place of one that is not yet whole.
struct Waiting {
    stream: u8,
    object: Option<Whole>,
    is_lost: bool,
}

struct Whole {
    is_key_frame: bool,
    time_ms: u64,
    send_ms: u32,
    send_end_ms: u32,
    extensions: Vec<u8>,
    data: Vec<u8>,
}

/// Copies objects in the order in which they begin.
fn copy_objects<S: Source + ?Sized, W: Write>(
    source: &S,
    header: &Header<'_>,
    cut: &Cut,
    len: u64,
    writer: &mut PacketsOut<'_, W>,
) -> Result<(), RewriteError> {
    let mut packets = PacketReader::new(source, header.summary(), len);
    let mut open: HashMap<u8, Open> = HashMap::new();
    let (mut waiting, mut first): (VecDeque<Waiting>, u64) = (VecDeque::new(), 0);
    let mut base = None;
    while let Some(bytes) = packets.next_packet().map_err(Unservable::from)? {
        let Ok(packet) = Packet::decode(bytes) else { continue };
        let send_ms = packet.head().send_time_ms;
        for payload in packet.payloads().map_while(Result::ok) {
            for fragment in payload.fragments() {
                let end = usize::try_from(fragment.end()).unwrap_or(usize::MAX);
                if !cut.streams.contains(&fragment.stream_number) || end > LARGEST_OBJECT {
                    continue;
                }
                let stream = open.entry(fragment.stream_number).or_default();
                if stream.buffer.len() < end {
                    stream.buffer.resize(end, 0);
                }
                let Ok(assembled) = stream.assembly.push(&fragment, &mut stream.buffer) else { continue };
                if assembled.is_duplicate {
                    continue;
                }
                let place = |at: u64| {
                    at.checked_sub(first).and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX)
                };
                if fragment.offset == 0 || stream.waits_at.is_none() {
                    if let Some(lost) = stream.waits_at.take().and_then(|at| waiting.get_mut(place(at))) {
                        lost.is_lost = true;
                    }
                    stream.waits_at = Some(first + waiting.len() as u64);
                    stream.send_ms = send_ms;
                    stream.extensions = fragment.extensions.to_vec();
                    waiting.push_back(Waiting {
                        stream: fragment.stream_number,
                        object: None,
                        is_lost: false,
                    });
                }
                let Some(object) = assembled.object else { continue };
                let slot = stream.waits_at.take().and_then(|at| waiting.get_mut(place(at)));
                let Some(slot) = slot else { continue };
                slot.is_lost = object.missing > 0;
                let size = usize::try_from(object.size).unwrap_or(0);
                let data =
                    if object.is_fragment { fragment.data } else { stream.buffer.get(..size).unwrap_or(&[]) };
                let preroll = u32::try_from(cut.preroll_ms).unwrap_or(u32::MAX);
                let time = object.presentation_time_ms.unwrap_or(send_ms.saturating_add(preroll));
                slot.object = Some(Whole {
                    is_key_frame: object.is_key_frame,
                    time_ms: u64::from(time),
                    send_ms: stream.send_ms,
                    send_end_ms: send_ms,
                    extensions: core::mem::take(&mut stream.extensions),
                    data: data.to_vec(),
                });
            }
        }
        // An object that does not end must not keep all that follow it waiting for ever.
        if waiting.len() > MOST_WAITING {
            waiting.front_mut().into_iter().for_each(|one| one.is_lost = one.object.is_none());
        }
        while waiting.front().is_some_and(|one| one.is_lost || one.object.is_some()) {
            first += 1;
            let Some(one) = waiting.pop_front() else { break };
            let Some(whole) = one.object.filter(|_| !one.is_lost) else { continue };
            if cut.takes(one.stream, whole.time_ms) {
                let base = *base.get_or_insert(whole.send_ms);
                let stream = open.entry(one.stream).or_default();
                write_object(writer, header, cut, one.stream, &mut stream.next_number, &whole, base)?;
            }
        }
    }
    for one in waiting {
        let Some(whole) = one.object.filter(|_| !one.is_lost) else { continue };
        if cut.takes(one.stream, whole.time_ms) {
            let base = *base.get_or_insert(whole.send_ms);
            let stream = open.entry(one.stream).or_default();
            write_object(writer, header, cut, one.stream, &mut stream.next_number, &whole, base)?;
        }
    }
    if writer.packetiser.flush(&mut writer.packet, 0) {
        writer.write()?;
    }
    Ok(())
}

fn write_object<W: Write>(
    writer: &mut PacketsOut<'_, W>,
    header: &Header<'_>,
    cut: &Cut,
    stream: u8,
    next_number: &mut u8,
    whole: &Whole,
    base_ms: u32,
) -> Result<(), RewriteError> {
    let time = u32::try_from(whole.time_ms.saturating_sub(cut.back_ms())).unwrap_or(u32::MAX);
    let send_time_ms = whole.send_ms.saturating_sub(base_ms).min(time);
    let kind = header.summary().streams.get(stream).map(|stream| stream.kind);
    let number = *next_number;
    *next_number = number.wrapping_add(1);
    writer.push(&MediaObject {
        stream_number: stream,
        number,
        is_key_frame: whole.is_key_frame,
        presentation_time_ms: time,
        send_time_ms,
        send_end_ms: whole.send_end_ms.saturating_sub(base_ms).clamp(send_time_ms, time.max(send_time_ms)),
        keep_whole: kind == Some(StreamKind::Audio),
        extensions: &whole.extensions,
        data: &whole.data,
    })
}
