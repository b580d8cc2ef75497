//! The packets of a file as one client wants them: streams left out, thinned, or key frames only.

use core::ops::Range;
use std::collections::VecDeque;
use std::io;

use mms_core::asf::{Filtered, Keep, Packet, PacketFilter, StreamKind, restore_padding};
use mms_core::selection::{Selection, Thinning};
use mms_core::server::Order;

use crate::key_frames::KeyFrames;
use crate::probe::Media;

/// Batches that are looked through for one answer.
const BATCHES: u32 = 16;
/// Key frames that are tried for one answer.
const KEY_FRAMES: u32 = 64;

/// Packets for an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// Packets as they stand in the file; nothing is left out.
    AsStored,
    /// Packets from this one on, each of the packet size; none if nothing was found so far.
    Rewritten { first: u32, packets: Vec<u8> },
    /// Nothing follows.
    Ended,
}

/// What a client is sent of a file. It remembers where the client is, because a stream that starts waits for
/// a key frame.
#[derive(Debug)]
pub(crate) struct Selected {
    selection: Selection,
    filter: PacketFilter,
    next: u32,
    key_frames: Option<Vec<KeyFrames>>,
    /// The filter as it was before each of the last batches, so that a packet can be made again.
    history: VecDeque<(Range<u32>, PacketFilter)>,
}

/// Batches that are remembered: those of some seconds.
const HISTORY: usize = 64;

impl Selected {
    pub(crate) fn new(media: &Media, selection: Selection) -> Self {
        Self {
            selection,
            filter: filter(media, selection),
            next: u32::MAX,
            key_frames: None,
            history: VecDeque::new(),
        }
    }

    /// Takes another selection over; streams change where their next media object begins.
    fn select(&mut self, media: &Media, selection: Selection) {
        if self.selection != selection {
            self.selection = selection;
            for stream in media.streams().iter() {
                self.filter.switch(stream.number, keep(selection, stream.number));
            }
        }
    }

    /// Whether a client with this selection gets the packets as they stand in the file.
    pub(crate) fn is_as_stored(&self, selection: Selection) -> bool {
        self.selection == selection && self.filter.keeps_all()
    }

    pub(crate) fn locate(
        &mut self,
        media: &Media,
        time: core::time::Duration,
        selection: Selection,
    ) -> io::Result<u32> {
        self.select(media, selection);
        let filter = filter(media, selection);
        media.locate(time, &filter, self.key_frames(media)?)
    }

    /// The packets from `from` on, at most `max_bytes`.
    pub(crate) fn run(
        &mut self,
        media: &Media,
        (from, order): (u32, Order),
        max_bytes: u32,
        selection: Selection,
    ) -> io::Result<Run> {
        self.select(media, selection);
        if order != Order::All {
            return self.key_frame(media, from, order);
        }
        let info = *media.info();
        let batch = max_bytes.checked_div(info.packet_size).unwrap_or(0).max(1);
        if self.filter.keeps_all() {
            self.history.clear();
            self.next = from + batch.min(info.packet_count.saturating_sub(from));
            return Ok(Run::AsStored);
        }
        if from != self.next {
            self.filter.restart();
        }
        let mut first = from;
        for _ in 0..BATCHES {
            let count = batch.min(info.packet_count.saturating_sub(first));
            if count == 0 {
                return Ok(Run::Ended);
            }
            let before = self.filter.clone();
            let (skipped, packets) = filtered(media, &mut self.filter, first, count)?;
            self.remember(first..first + count, before);
            first += skipped;
            if !packets.is_empty() {
                let sent = u32::try_from(packets.len()).unwrap_or(u32::MAX) / info.packet_size;
                self.next = first + sent;
                return Ok(Run::Rewritten { first, packets });
            }
        }
        self.next = first;
        Ok(Run::Rewritten { first, packets: Vec::new() })
    }

    fn remember(&mut self, packets: Range<u32>, filter: PacketFilter) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((packets, filter));
    }

    /// A packet as it was given out; `AsStored` if nothing was left out.
    pub(crate) fn again(&self, media: &Media, packet: u32) -> io::Result<Run> {
        let Some((packets, filter)) = self.history.iter().rev().find(|(range, _)| range.contains(&packet))
        else {
            return Ok(if self.filter.keeps_all() { Run::AsStored } else { Run::Ended });
        };
        let mut filter = filter.clone();
        for passed in packets.start..packet {
            filtered(media, &mut filter, passed, 1)?;
        }
        let (skipped, packets) = filtered(media, &mut filter, packet, 1)?;
        Ok(if skipped == 0 { Run::Rewritten { first: packet, packets } } else { Run::Ended })
    }

    /// The packets of the next key frame, with nothing else in them.
    fn key_frame(&mut self, media: &Media, mut from: u32, order: Order) -> io::Result<Run> {
        let selection = self.selection;
        let wanted = |stream: u8| selection.level(u16::from(stream)) != Thinning::Nothing;
        let mut filter = filter(media, Selection::NONE);
        for _ in 0..KEY_FRAMES {
            let keys = self.key_frames(media)?.iter().filter(|key| wanted(key.stream));
            let next = if order == Order::KeyFramesBackward {
                keys.filter_map(|key| Some((key.before(from)?, key.stream))).max()
            } else {
                keys.filter_map(|key| Some((key.at_or_behind(from)?, key.stream))).min()
            };
            let Some(((packet, count), stream)) = next else { return Ok(Run::Ended) };
            for other in media.streams().iter().filter(|other| other.kind == StreamKind::Video) {
                filter
                    .set(other.number, if other.number == stream { Keep::KeyFrames } else { Keep::Nothing });
            }
            filter.restart();
            let (skipped, packets) = filtered(media, &mut filter, packet, count)?;
            if !packets.is_empty() {
                return Ok(Run::Rewritten { first: packet + skipped, packets });
            }
            from = if order == Order::KeyFramesBackward { packet } else { packet + count };
        }
        Ok(Run::Ended)
    }

    fn key_frames(&mut self, media: &Media) -> io::Result<&[KeyFrames]> {
        if self.key_frames.is_none() {
            self.key_frames = Some(media.key_frames()?);
        }
        Ok(self.key_frames.as_deref().unwrap_or_default())
    }
}

fn keep(selection: Selection, stream: u8) -> Keep {
    match selection.level(u16::from(stream)) {
        Thinning::Full => Keep::Full,
        Thinning::KeyFrames => Keep::KeyFrames,
        _ => Keep::Nothing,
    }
}

fn filter(media: &Media, selection: Selection) -> PacketFilter {
    let mut filter = PacketFilter::new(media.streams());
    for stream in media.streams().iter() {
        filter.set(stream.number, keep(selection, stream.number));
    }
    filter
}

/// Packets as the filter leaves them, up to the first empty one behind them; how many empty ones came before,
/// and the packets, each padded to the packet size again.
fn filtered(media: &Media, filter: &mut PacketFilter, first: u32, count: u32) -> io::Result<(u32, Vec<u8>)> {
    let size = media.info().packet_size;
    let len = usize::try_from(size).unwrap_or(usize::MAX);
    let mut stored = vec![0; len * usize::try_from(count).unwrap_or_default()];
    media.read_packets(first, &mut stored)?;
    let (mut skipped, mut out, mut room) = (0, Vec::new(), vec![0; len]);
    for bytes in stored.chunks_exact(len) {
        let kept =
            Packet::decode_of(bytes, size).ok().and_then(|packet| filter.apply(&packet, &mut room).ok());
        match kept {
            Some(Filtered::Unchanged) => out.extend_from_slice(bytes),
            Some(Filtered::Rewritten(used)) => {
                let Ok(restored) = restore_padding(&room[..used], size) else { continue };
                out.extend(restored.slices().concat());
                out.resize(out.len() + restored.zeros(), 0);
            }
            // what cannot be taken apart is not for this client
            _ if out.is_empty() => skipped += 1,
            _ => break,
        }
    }
    Ok((skipped, out))
}
