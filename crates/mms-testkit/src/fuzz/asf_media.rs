//! Media objects, indexes, thinning and repair.

use std::collections::BTreeMap;
use std::io::Cursor;

use mms_core::asf::{
    AssembledObject, DATA_OBJECT_LEN, FileFlags, Filtered, Fragment, Guid, Header, Index, IndexBlockToWrite,
    IndexBuilder, IndexKind, IndexSpecifier, IndexToWrite, IndexType, Keep, MediaObject, ObjectAssembly,
    Packet, PacketFilter, Packetised, Packetiser, Seek, SeekStreams, SimpleIndex, SimpleIndexEntry,
    StreamTable, packet_count, restore_padding, strip_padding, top_level_object,
};
use mms_media::{Repaired, repair_to};

use super::Control;
use crate::build::{file_properties, header, stream};

/// Largest media object that is put together.
const LARGEST: usize = 1 << 16;

/// A media object that is put into packets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Object {
    stream: u8,
    number: u8,
    time: u32,
    is_key: bool,
    data: Vec<u8>,
}

/// At most 60 objects of streams 1 to 3, so that no number comes twice.
fn objects(control: &mut Control<'_>) -> Vec<Object> {
    let (mut numbers, mut time, mut all) = ([0u8; 4], 1000, Vec::new());
    for turn in 0..control.byte() % 61 {
        let kind = control.byte();
        let len = 1 + control.size() * usize::from(kind >> 6);
        time += u32::from(kind & 0x0f) * 10;
        let stream = 1 + (kind >> 4) % 3;
        let number = &mut numbers[usize::from(stream)];
        let data = (0..len).map(|at| turn.wrapping_mul(31).wrapping_add(at.to_le_bytes()[0])).collect();
        all.push(Object { stream, number: *number, time, is_key: kind & 1 == 0, data });
        *number = number.wrapping_add(1);
    }
    all
}

fn packetise(objects: &[Object], packet_size: u32) -> Vec<Vec<u8>> {
    let mut packetiser = Packetiser::new(packet_size).unwrap();
    let mut packet = vec![0xaa; packet_size as usize];
    let mut packets = Vec::new();
    for object in objects {
        let object = MediaObject {
            stream_number: object.stream,
            number: object.number,
            is_key_frame: object.is_key,
            presentation_time_ms: object.time,
            send_time_ms: object.time - 1000,
            send_end_ms: object.time - 1000,
            keep_whole: object.stream == 1,
            extensions: &[],
            data: &object.data,
        };
        while packetiser.push(&object, &mut packet).unwrap() == Packetised::PacketFull {
            packets.push(packet.clone());
        }
    }
    if packetiser.flush(&mut packet, 10) {
        packets.push(packet);
    }
    packets
}

/// A packet size that holds at least a byte of an object.
fn packet_size(control: &mut Control<'_>) -> u32 {
    64 + 2 * u32::from(control.byte())
}

/// What reassembly gives: whole objects, and how many bytes are told to be missing of which object.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    objects: Vec<Object>,
    missing: BTreeMap<(u8, u8), usize>,
}

type Push = fn(&mut ObjectAssembly, &Fragment<'_>, &mut [u8]) -> (Option<AssembledObject>, Vec<(u32, usize)>);

/// The object that ends with a fragment, and what it shows to be missing: object, bytes.
fn push(
    assembly: &mut ObjectAssembly,
    fragment: &Fragment<'_>,
    buffer: &mut [u8],
) -> (Option<AssembledObject>, Vec<(u32, usize)>) {
    let Ok(done) = assembly.push(fragment, buffer) else { return (None, Vec::new()) };
    assert!(!done.is_duplicate || (done.object.is_none() && !done.has_loss()));
    let losses = done.abandoned.iter().chain(&done.hole);
    (done.object, losses.map(|loss| (loss.number, loss.missing.len())).collect())
}

fn reassemble<'a>(packets: impl IntoIterator<Item = &'a [u8]>, push: Push) -> Found {
    let mut found = Found::default();
    let mut streams: BTreeMap<u8, (ObjectAssembly, Vec<u8>)> = BTreeMap::new();
    for bytes in packets {
        let Ok(packet) = Packet::decode(bytes) else { continue };
        let by_payload = packet
            .payloads()
            .map_while(Result::ok)
            .flat_map(|payload| payload.fragments().collect::<Vec<_>>());
        assert!(packet.fragments().eq(by_payload), "all fragments at once are those of each payload");
        for fragment in packet.fragments() {
            assert!(!fragment.data.is_empty() && fragment.end() <= fragment.object_size);
            let place = fragment.data.as_ptr() as usize - bytes.as_ptr() as usize;
            assert!(place + fragment.data.len() <= bytes.len(), "a fragment lies in its packet");
            let (assembly, buffer) = streams.entry(fragment.stream_number).or_default();
            buffer.resize(LARGEST, 0xee);
            let (done, losses) = push(assembly, &fragment, buffer);
            for (number, bytes) in losses {
                *found.missing.entry((fragment.stream_number, number.to_le_bytes()[0])).or_default() += bytes;
            }
            let Some(object) = done.filter(|object| object.missing == 0) else { continue };
            let whole = if object.is_fragment { fragment.data } else { &buffer[..object.size as usize] };
            assert_eq!(whole.len(), object.size as usize);
            found.objects.push(Object {
                stream: fragment.stream_number,
                number: object.number.to_le_bytes()[0],
                time: object.presentation_time_ms.unwrap_or(0),
                is_key: object.is_key_frame,
                data: whole.to_vec(),
            });
        }
    }
    for (stream, (mut assembly, _)) in streams {
        if let Some(loss) = assembly.finish() {
            *found.missing.entry((stream, loss.number.to_le_bytes()[0])).or_default() += loss.missing.len();
        }
    }
    found
}

/// Media objects come back whole, in their order and once; of those that lost packets each byte that is missing
/// is told; packets of any bytes do no harm.
pub fn asf_reassembly(data: &[u8]) {
    let mut control = Control(data);
    let size = packet_size(&mut control);
    let (objects, lost) = (objects(&mut control), control.bytes(32));
    let bit = |of: &[u8], at: usize| of.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    check_reassembly(&objects, size, |number| bit(lost, number), push);
    reassemble(control.0.chunks(size as usize), push);
    reassemble([control.0], push);
}

fn check_reassembly(objects: &[Object], size: u32, is_lost: impl Fn(usize) -> bool, push: Push) {
    let packets = packetise(objects, size);
    let kept = packets.iter().enumerate().filter(|(number, _)| !is_lost(*number));
    // a packet that comes twice changes nothing
    let twice = kept.clone().flat_map(|(number, packet)| vec![&packet[..]; 1 + number % 2]);
    let found = reassemble(twice, push);
    // by another way: which bytes of which object were in the packets that came
    let mut came: BTreeMap<(u8, u8), usize> = BTreeMap::new();
    for (_, packet) in kept {
        for payload in Packet::decode(packet).unwrap().payloads() {
            let payload = payload.unwrap();
            let key = (payload.stream_number, payload.object_number.to_le_bytes()[0]);
            *came.entry(key).or_default() += payload.data.len();
        }
    }
    let of = |object: &Object| came.get(&(object.stream, object.number)).copied().unwrap_or(0);
    let mut whole: Vec<_> =
        objects.iter().filter(|object| of(object) == object.data.len()).cloned().collect();
    let mut got = found.objects;
    // objects of different streams may end in another order than they began
    whole.sort_by_key(|object| (object.stream, object.number));
    got.sort_by_key(|object| object.stream);
    assert_eq!(got, whole);
    for object in objects {
        let wanted = object.data.len() - of(object);
        let told = found.missing.get(&(object.stream, object.number)).copied().unwrap_or(0);
        assert_eq!(told, if of(object) == 0 { 0 } else { wanted }, "{object:?}");
    }
}

/// Indexes are read as they were written, whatever bytes they are; those that are made name the last key frame of
/// each interval; a search finds the right packet, whatever an index says.
pub fn asf_index(data: &[u8]) {
    let mut control = Control(data);
    let interval = 1 + u32::from(control.byte()) * 8;
    let wanted = u32::from(control.byte()) * 24;
    let hint = u64::from(control.byte());
    let keys = control.bytes(12);
    check_keys(keys, interval, IndexBuilder::finish);
    check_seek(keys, wanted, hint);
    check_written(&mut control);
    for guid in [Guid::SIMPLE_INDEX, Guid::INDEX, Guid::MEDIA_OBJECT_INDEX, Guid::TIMECODE_INDEX] {
        let frame = [&guid.0[..], &(control.0.len() as u64 + 24).to_le_bytes(), control.0].concat();
        let object = top_level_object(&frame, 0).unwrap();
        if let Ok(index) = SimpleIndex::decode(&object) {
            assert!(index.len() * 6 <= control.0.len());
            assert!(index.lookup(u64::from(wanted)).is_none() || !index.is_empty());
        }
        let Ok(index) = Index::decode(&object) else { continue };
        let columns = index.specifiers().count();
        let entries: usize = index.blocks().map(|block| block.len()).sum();
        assert!(entries * columns * 4 <= control.0.len());
        for column in 0..columns.min(3) {
            let there = index.position(u64::from(wanted), column);
            let any =
                index.blocks().any(|block| (0..block.len()).any(|at| block.position(at, column).is_some()));
            assert_eq!(there.is_some(), any, "a place is found if there is one");
        }
    }
}

/// 96 packets with a picture each, 40 ms apart, from 1000 ms on; a bit tells whether it is a key frame.
fn pictures(keys: &[u8]) -> (Vec<Vec<u8>>, Vec<u32>) {
    let is_key = |at: u8| keys.get(usize::from(at / 8)).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    let of = |number: u8| {
        let time = 1000 + u32::from(number) * 40;
        Object { stream: 1, number, time, is_key: is_key(number), data: vec![number; 50] }
    };
    let all: Vec<_> = (0..96).map(of).collect();
    let packets = packetise(&all, 90);
    assert_eq!(packets.len(), 96);
    (packets, (0..96u8).filter(|number| is_key(*number)).map(u32::from).collect())
}

fn check_keys(
    keys: &[u8],
    interval: u32,
    finish: fn(&mut IndexBuilder) -> [Option<mms_core::asf::IndexRun>; 2],
) {
    let (packets, keys) = pictures(keys);
    let mut builder = IndexBuilder::new(1, interval);
    let mut runs = Vec::new();
    for (number, packet) in (0..).zip(&packets) {
        runs.extend(builder.packet(number, &Packet::decode(packet).unwrap()));
    }
    runs.extend(finish(&mut builder).into_iter().flatten());
    let entries: Vec<SimpleIndexEntry> =
        runs.iter().flat_map(|run| vec![run.entry; run.count as usize]).collect();
    let Some(first) = keys.first() else {
        assert!(entries.is_empty());
        return;
    };
    assert_eq!(entries.len(), (1000 + 95 * 40) as usize / interval as usize + 1);
    for (at, entry) in (0..).zip(&entries) {
        let last = keys.iter().rev().find(|key| 1000 + **key * 40 <= at * interval).unwrap_or(first);
        assert_eq!((entry.packet_number, entry.packet_count), (*last, 1), "entry {at}");
    }
}

fn video() -> StreamTable {
    let bytes = header(&[file_properties(90, 90), stream(Guid::VIDEO_MEDIA, 1)]);
    Header::decode(&bytes).unwrap().summary().streams
}

fn check_seek(keys: &[u8], wanted: u32, hint: u64) {
    let (packets, keys) = pictures(keys);
    let streams = video();
    let streams = SeekStreams::of(&streams, &PacketFilter::new(&streams));
    let mut seek = Seek::new(96, u64::from(wanted), streams).with_hint(1, hint);
    for _ in 0..200 {
        let Some(wish) = seek.wish() else { break };
        let packet = &packets[usize::try_from(wish).unwrap()];
        seek.answer(Packet::decode(packet).ok().as_ref());
    }
    let found = seek.found().expect("a search comes to its end");
    let last = keys.iter().rev().find(|key| 1000 + **key * 40 <= wanted);
    let place = (last.map_or(0, |key| u64::from(*key)), last.map(|key| 1000 + key * 40));
    assert_eq!((found.packet, found.presentation_time_ms), place, "at {wanted} ms, hint {hint}");
}

fn check_written(control: &mut Control<'_>) {
    let kind = [IndexKind::Time, IndexKind::MediaObject, IndexKind::Timecode][control.size() % 3];
    let columns = 1 + control.size() % 3;
    let rows = control.size() % 9;
    let offsets: Vec<u32> = (0..rows * columns).map(|_| u32::from(control.byte()) << 20).collect();
    let specifiers: Vec<_> = (0..columns)
        .map(|at| IndexSpecifier {
            stream_number: u16::try_from(at + 1).unwrap(),
            index_type: IndexType::CLEANPOINT,
        })
        .collect();
    let positions = vec![u64::from(control.byte()) << 36; columns];
    let timecodes: Vec<u32> = (0..rows).map(|at| u32::try_from(at).unwrap()).collect();
    let block = IndexBlockToWrite {
        positions: &positions,
        timecode_range: 1,
        timecodes: &timecodes,
        offsets: &offsets,
    };
    let written = IndexToWrite { kind, interval: 1, specifiers: &specifiers, blocks: &[block, block] };
    let mut bytes = vec![0; written.encoded_len()];
    assert_eq!(written.encode(&mut bytes), Ok(bytes.len()));
    let object = top_level_object(&bytes, 0).unwrap();
    let index = Index::decode(&object).unwrap();
    assert!(index.kind == kind && index.specifiers().eq(specifiers.iter().copied()));
    assert_eq!(index.blocks().count(), 2);
    for block in index.blocks() {
        assert_eq!(block.len(), rows);
        for (at, row) in offsets.chunks(columns).enumerate() {
            for (column, offset) in row.iter().enumerate() {
                assert_eq!(block.offset(at, column), Some(*offset));
                assert_eq!(block.position(at, column), Some(positions[column] + u64::from(*offset)));
            }
        }
    }
}

type Apply = fn(&mut PacketFilter, &Packet<'_>, &mut [u8]) -> Filtered;

fn apply(filter: &mut PacketFilter, packet: &Packet<'_>, out: &mut [u8]) -> Filtered {
    filter.apply(packet, out).expect("a packet of ours can be filtered into as many bytes")
}

/// Of streams that are left out or thinned exactly the wanted media objects remain, byte for byte, also when the
/// choice changes on the way; padding that is removed comes back; packets of any bytes do no harm.
pub fn asf_thinning(data: &[u8]) {
    let mut control = Control(data);
    let size = packet_size(&mut control);
    let levels = control.bytes(3);
    let switches = control.bytes(6);
    let objects = objects(&mut control);
    check_thinning(&objects, size, levels, apply);
    check_switching(&objects, size, levels, switches);
    let mut filter = PacketFilter::new(&three_streams());
    filter.set(2, Keep::Nothing);
    let mut out = vec![0; control.0.len()];
    let Ok(packet) = Packet::decode(control.0) else { return };
    if let Ok(Filtered::Rewritten(len)) = filter.apply(&packet, &mut out) {
        let kept = Packet::decode(&out[..len]).expect("what was rewritten is a packet");
        let others = packet.payloads().flatten().filter(|payload| payload.stream_number != 2);
        assert!(kept.payloads().flatten().map(|payload| payload.data).eq(others.map(|payload| payload.data)));
    }
}

fn level(byte: Option<&u8>) -> Keep {
    match byte.copied().unwrap_or(0) % 3 {
        0 => Keep::Full,
        1 => Keep::KeyFrames,
        _ => Keep::Nothing,
    }
}

/// Stream 1 is audio, the others are video.
fn three_streams() -> StreamTable {
    let kinds = [Guid::AUDIO_MEDIA, Guid::VIDEO_MEDIA, Guid::VIDEO_MEDIA];
    let streams = (1..).zip(kinds).map(|(number, kind)| stream(kind, number));
    let bytes = header(&core::iter::once(file_properties(100, 100)).chain(streams).collect::<Vec<_>>());
    Header::decode(&bytes).unwrap().summary().streams
}

fn check_thinning(objects: &[Object], size: u32, levels: &[u8], apply: Apply) {
    let mut filter = PacketFilter::new(&three_streams());
    for stream in 1..=3u8 {
        filter.set(stream, level(levels.get(usize::from(stream) - 1)));
    }
    let mut sent = Vec::new();
    let mut out = vec![0; size as usize];
    for bytes in packetise(objects, size) {
        let packet = Packet::decode(&bytes).unwrap();
        match apply(&mut filter, &packet, &mut out) {
            Filtered::Unchanged => sent.push(bytes.clone()),
            Filtered::Rewritten(len) => sent.push(out[..len].to_vec()),
            _ => {}
        }
        let stripped = strip_padding(&packet).unwrap().slices().concat();
        assert!(stripped.len() <= bytes.len());
        let restored = restore_padding(&stripped, size).unwrap();
        let mut whole = restored.slices().concat();
        whole.resize(restored.total_len(), 0);
        let again = Packet::decode(&whole).unwrap();
        assert_eq!(whole.len(), bytes.len());
        assert!(again.fragments().eq(packet.fragments()), "padding that is removed and comes back");
    }
    let found = reassemble(sent.iter().map(Vec::as_slice), push);
    let is_wanted = |object: &&Object| match filter.level(object.stream) {
        Keep::Full => true,
        Keep::KeyFrames => object.stream == 1 || object.is_key,
        _ => false,
    };
    let mut wanted: Vec<_> = objects.iter().filter(is_wanted).cloned().collect();
    let mut got = found.objects;
    wanted.sort_by_key(|object| (object.stream, object.number));
    got.sort_by_key(|object| object.stream);
    assert_eq!(got, wanted);
    assert!(found.missing.is_empty());
}

/// Each switch: when, which stream, what then.
fn check_switching(objects: &[Object], size: u32, levels: &[u8], switches: &[u8]) {
    let mut filter = PacketFilter::new(&three_streams());
    for stream in 1..=3u8 {
        filter.set(stream, level(levels.get(usize::from(stream) - 1)));
    }
    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut out = vec![0; size as usize];
    for (number, bytes) in packetise(objects, size).into_iter().enumerate() {
        for switch in switches.chunks_exact(2).filter(|switch| usize::from(switch[0]) == number) {
            filter.switch(1 + switch[1] % 3, level(Some(&(switch[1] / 3))));
        }
        match apply(&mut filter, &Packet::decode(&bytes).unwrap(), &mut out) {
            Filtered::Unchanged => sent.push(bytes),
            Filtered::Rewritten(len) => sent.push(out[..len].to_vec()),
            _ => {}
        }
    }
    let found = reassemble(sent.iter().map(Vec::as_slice), push);
    assert!(found.missing.is_empty(), "an object that is begun comes to its end: {:?}", found.missing);
    for object in &found.objects {
        assert!(objects.contains(object));
    }
    for stream in [2, 3] {
        let mut before: Option<u8> = None;
        for object in found.objects.iter().filter(|object| object.stream == stream) {
            // behind pictures that were left out only a key frame can be decoded
            let follows = before.map_or(object.number == 0, |before| object.number == before.wrapping_add(1));
            assert!(follows || object.is_key, "{object:?} behind {before:?}");
            before = Some(object.number);
        }
    }
}

/// A repaired file says of itself what it holds, keeps each whole packet, and is the same when repaired again.
pub fn asf_repair(data: &[u8]) {
    let mut control = Control(data);
    let size = packet_size(&mut control);
    let flags = control.byte();
    let cut = control.size() * 64 + control.size();
    let objects = objects(&mut control);
    let mut file = built(&objects, size, flags & 1 == 1);
    let whole = file.len();
    file.truncate(cut.min(whole));
    check_repair(&file, size, flags & 2 == 0, repaired);
    // the rest exchanges bytes of it
    for change in control.0.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]]));
        if let Some(byte) = file.get_mut(at) {
            *byte = change[2];
        }
    }
    check_any(&file, repaired);
    check_any(control.0, repaired);
}

/// A file of three streams without an index.
fn built(objects: &[Object], size: u32, is_live: bool) -> Vec<u8> {
    let kinds = [Guid::AUDIO_MEDIA, Guid::VIDEO_MEDIA, Guid::VIDEO_MEDIA];
    let streams = (1..).zip(kinds).map(|(number, kind)| stream(kind, number));
    let mut parts = vec![file_properties(size, size)];
    if is_live {
        // Flags stand behind the frame of 24 bytes and 64 more
        parts[0][24 + 64] = 9;
    }
    parts.extend(streams);
    let mut file = header(&parts);
    packetise(objects, size).iter().for_each(|packet| file.extend(packet));
    file
}

type Repair = fn(&[u8]) -> Option<(Repaired, Vec<u8>)>;

fn repaired(file: &[u8]) -> Option<(Repaired, Vec<u8>)> {
    let mut out = Cursor::new(Vec::new());
    let told = repair_to(file, &mut out, Guid([7; 16])).ok()?;
    Some((told, out.into_inner()))
}

fn check_repair(file: &[u8], size: u32, is_moved_back: bool, repair: Repair) {
    let Ok(header) = Header::decode(file) else {
        assert!(repair(file).is_none());
        return;
    };
    let start = usize::try_from(header.summary().header_len).unwrap();
    let packets = (file.len() - start) / size as usize;
    let Some((told, out)) = check_any(file, repair) else {
        assert_eq!(packets, 0, "a file with a whole packet can be repaired");
        return;
    };
    assert_eq!((told.packets, told.unreadable, told.indexes), (packets as u64, 0, 2));
    if !told.moved && is_moved_back {
        let len = packets * size as usize;
        assert!(out[start..start + len] == file[start..start + len], "packets stay as they are");
    }
}

fn check_any(file: &[u8], repair: Repair) -> Option<(Repaired, Vec<u8>)> {
    let (told, out) = repair(file)?;
    let header = Header::decode(&out).expect("a repaired file has a header");
    let (summary, properties) = (header.summary(), header.file_properties());
    let count = packet_count(out.len() as u64, summary);
    assert_eq!((told.packets, told.len), (count, out.len() as u64));
    assert_eq!((summary.data_packets, properties.data_packets_count), (count, count));
    let media = count * u64::from(summary.packet_size());
    assert_eq!(summary.data_size, DATA_OBJECT_LEN as u64 + media);
    assert_eq!((properties.file_size, properties.file_id), (out.len() as u64, Guid([7; 16])));
    assert!(!properties.flags.intersects(FileFlags::BROADCAST | FileFlags::LIVE));
    assert_eq!(told.duration, properties.content_duration());
    let mut at = usize::try_from(summary.header_len + media).unwrap();
    let mut indexes = 0;
    while at < out.len() {
        let object =
            top_level_object(&out[at..], at as u64).expect("what stands behind the packets is whole");
        at += usize::try_from(object.size()).unwrap();
        let Ok(index) = SimpleIndex::decode(&object) else { continue };
        indexes += 1;
        let inside = |entry: SimpleIndexEntry| u64::from(entry.packet_number) < count;
        assert!((0..index.len()).filter_map(|at| index.entry(at)).all(inside));
    }
    assert_eq!((at, indexes), (out.len(), told.indexes));
    let (again, twice) = repair(&out).expect("a repaired file can be repaired");
    assert!(twice == out && !again.moved, "repairing twice changes nothing");
    Some((told, out))
}

#[cfg(test)]
mod tests {
    use super::super::panics;
    use super::*;

    fn some() -> Vec<Object> {
        let bytes: Vec<u8> = (0..150u8).map(|n| n.wrapping_mul(73)).collect();
        let all = objects(&mut Control(&[&[40], &bytes[..]].concat()));
        assert!(all.len() == 40 && (1..=3).all(|stream| all.iter().any(|object| object.stream == stream)));
        all
    }

    #[test]
    fn an_assembly_that_loses_bytes_or_tells_of_too_few_is_caught() {
        check_reassembly(&some(), 100, |number| number % 5 == 3, push);
        assert!(panics(|| check_reassembly(
            &some(),
            100,
            |_| false,
            |assembly, fragment, buffer| {
                let (object, losses) = push(assembly, fragment, buffer);
                buffer[0] = 0;
                (object, losses)
            }
        )));
        assert!(panics(|| check_reassembly(
            &some(),
            100,
            |number| number % 5 == 3,
            |assembly, fragment, buffer| { (push(assembly, fragment, buffer).0, Vec::new()) }
        )));
    }

    #[test]
    fn an_index_without_its_last_entries_is_caught() {
        let keys = [0x11, 0, 0x80, 1, 0, 0, 0x40];
        check_keys(&keys, 500, IndexBuilder::finish);
        assert!(panics(|| check_keys(&keys, 500, |builder| [builder.finish()[0], None])));
    }

    #[test]
    fn a_filter_that_keeps_too_much_or_nothing_is_caught() {
        check_thinning(&some(), 200, &[0, 1, 2], apply);
        assert!(panics(|| check_thinning(&some(), 200, &[0, 1, 2], |_, _, _| Filtered::Unchanged)));
        assert!(panics(|| check_thinning(&some(), 200, &[0, 1, 2], |_, _, _| Filtered::Empty)));
    }

    #[test]
    fn a_repair_that_counts_wrong_or_exchanges_a_packet_is_caught() {
        let file = built(&some(), 100, false);
        check_repair(&file[..file.len() - 7], 100, true, repaired);
        assert!(panics(|| check_repair(&built(&some(), 100, false), 100, true, |file| {
            let (mut told, out) = repaired(file)?;
            told.packets += 1;
            Some((told, out))
        })));
        assert!(panics(|| check_repair(&built(&some(), 100, false), 100, true, |file| {
            let mut other = file.to_vec();
            other[600] ^= 1;
            repaired(&other)
        })));
    }
}
