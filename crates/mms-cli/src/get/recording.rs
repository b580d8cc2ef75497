//! An ASF file out of the events of a client.

use core::time::Duration;

use mms_core::asf::{
    FileScan, Header, HeaderLimits, HeaderPatch, HeaderSummary, HeaderWalker, Packet, restore_padding,
};
use mms_core::client::Event;
use mms_core::hresult::Hresult;
use mms_media::Indexes;

use super::output::Output;
use super::tally::Tally;
use crate::exit::{Failure, Kind};

/// What was asked for beyond the whole stream.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    /// Another start than the beginning.
    pub(crate) start: bool,
    /// An earlier end.
    pub(crate) end: bool,
    /// A choice of streams, or of what is in them.
    pub(crate) streams: bool,
}

impl Wishes {
    fn is_excerpt(self) -> bool {
        self.start || self.end || self.streams
    }
}

/// What an event means for the one who receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    GoOn,
    /// The header is complete.
    Header,
    /// A packet was written.
    Packet,
    /// Another entry with another header begins.
    Another,
}

/// Writes header and packets, and finishes the file.
#[derive(Debug)]
pub(crate) struct Recording {
    output: Output,
    wishes: Wishes,
    header: Vec<u8>,
    summary: Option<HeaderSummary>,
    tally: Tally,
    indexes: Indexes,
    scan: Option<FileScan>,
    packet: Vec<u8>,
    bytes: u64,
    has_ended: bool,
    /// The source is a plain file, which is copied as it is.
    is_file: bool,
}

impl Recording {
    pub(crate) fn new(output: Output, wishes: Wishes) -> Self {
        Self {
            output,
            wishes,
            header: Vec::new(),
            summary: None,
            tally: Tally::default(),
            indexes: Indexes::default(),
            scan: None,
            packet: Vec::new(),
            bytes: 0,
            has_ended: false,
            is_file: false,
        }
    }

    /// All begins anew, by another transport or at another place.
    pub(crate) fn forget(&mut self) {
        if self.summary.is_none() {
            self.header.clear();
            self.is_file = false;
        }
    }

    /// Takes what the client reports.
    pub(crate) fn take(&mut self, event: &Event<'_>) -> Result<Next, Failure> {
        match event {
            Event::Redirected { .. } if self.summary.is_some() => Err(Failure::new(
                Kind::Protocol,
                "the server sends the client elsewhere behind the header of the stream",
            )),
            Event::Redirected { .. } => {
                self.forget();
                Ok(Next::GoOn)
            }
            Event::File { .. } => {
                self.is_file = true;
                Ok(Next::GoOn)
            }
            Event::FilePart { bytes, .. } if self.summary.is_some() && !self.wishes.is_excerpt() => {
                self.output.write(bytes)?;
                self.bytes += length(bytes.len());
                Ok(Next::GoOn)
            }
            // parts come in order; the client has checked that
            Event::HeaderPart { bytes, last, .. } if self.summary.is_none() => {
                self.header.extend_from_slice(bytes);
                if !last {
                    return Ok(Next::GoOn);
                }
                self.summary = Some(walk(&self.header)?);
                Ok(Next::Header)
            }
            Event::Packet { location_id, bytes, .. } => self.packet(*location_id, bytes),
            Event::EndOfStream { hr, more } => {
                self.has_ended = *hr == Hresult::S_OK || *more;
                if self.has_ended && !self.wishes.is_excerpt() && !more && !self.is_file {
                    self.tally.end(self.expected_packets());
                }
                Ok(if *more { Next::Another } else { Next::GoOn })
            }
            Event::StreamChange { .. } => {
                self.has_ended = true;
                Ok(Next::Another)
            }
            _ => Ok(Next::GoOn),
        }
    }

    /// Writes the header: as it came, or as that of a broadcast where counts could turn out false and not
    /// be corrected any more.
    pub(crate) fn begin(&mut self) -> Result<(), Failure> {
        let Some(summary) = &self.summary else { return Ok(()) };
        let mut header = self.header.clone();
        if self.wishes.is_excerpt() && !self.output.can_rewind() {
            HeaderPatch::broadcast(summary).apply(0, &mut header);
        }
        let is_on_demand = !summary.file_properties.is_broadcast();
        // what a choice of streams leaves out is not missing
        let counts_from = is_on_demand && !self.wishes.start && !self.wishes.streams;
        self.tally = Tally::starting_at(counts_from.then_some(0));
        // what is copied as it is needs no look at its packets; with video it may turn out to need an index
        let is_looked_at = !is_on_demand || self.wishes.is_excerpt() || summary.streams.has_video();
        if let Ok(header) = Header::decode(&header)
            && self.output.can_rewind()
            && is_looked_at
        {
            self.indexes = Indexes::new(&header);
            self.scan = Some(FileScan::new(&header));
        }
        self.output.write(&header)?;
        self.bytes = length(header.len());
        Ok(())
    }

    fn packet(&mut self, location_id: u32, bytes: &[u8]) -> Result<Next, Failure> {
        let Some(summary) = &self.summary else { return Ok(Next::GoOn) };
        let restored = restore_padding(bytes, summary.packet_size()).map_err(|error| {
            Failure::new(Kind::Protocol, format!("packet {location_id} cannot be restored: {error}"))
        })?;
        let packet = if restored.borrowed().len() == restored.total_len() {
            restored.borrowed()
        } else {
            self.packet.clear();
            for slice in restored.slices() {
                self.packet.extend_from_slice(slice);
            }
            self.packet.resize(restored.total_len(), 0);
            &self.packet
        };
        self.output.write(packet)?;
        self.bytes += length(packet.len());
        if let Some(scan) = &mut self.scan {
            let packet = Packet::decode(packet).ok();
            self.indexes.add(packet.as_ref());
            packet.iter().for_each(|packet| scan.packet(packet));
        }
        let number = u64::from(location_id);
        if self.wishes.streams {
            self.tally.add_unnumbered(packet);
        } else {
            self.tally.add(number, packet);
        }
        Ok(Next::Packet)
    }

    /// Makes the header tell the truth, where it still can be changed, and puts indexes behind the packets. What
    /// came whole under a header that is true stays as it came.
    pub(crate) fn finish(&mut self, has_ended: bool) -> Result<(), Failure> {
        let Some(summary) = &self.summary else { return Ok(()) };
        let is_whole = has_ended && !self.wishes.is_excerpt() && self.tally.missing == 0;
        let packets = self.tally.packets;
        if is_whole && self.is_file {
            return Ok(());
        }
        if packets == 0 || (is_whole && is_true(summary, packets, self.bytes)) {
            return Ok(());
        }
        let indexes = core::mem::take(&mut self.indexes);
        let begins_at_zero = indexes.begins_at_zero();
        let indexes = indexes.finish(summary.file_properties.file_id);
        let is_indexed = begins_at_zero && indexes.count > 0 && indexes.is_complete;
        if is_indexed {
            self.output.write(&indexes.bytes)?;
            self.bytes += length(indexes.bytes.len());
        }
        let media = self.tally.media();
        let is_measured = !is_whole || summary.file_properties.is_broadcast();
        let send = is_measured.then_some(media);
        let play =
            is_measured.then(|| self.play_duration(media.saturating_add(summary.file_properties.preroll())));
        let mut header = self.header.clone();
        let seekable = summary.streams.is_seekable(is_indexed);
        HeaderPatch::finished(summary, packets, send, play, self.bytes, seekable).apply(0, &mut header);
        self.output.replace_header(&header)
    }

    /// How long what was received plays, with the preroll: players leave out what begins behind it. Times count
    /// from the first packet, since players begin there.
    fn play_duration(&self, by_sending: Duration) -> Duration {
        let Some(scan) = &self.scan else { return by_sending };
        let begin = Duration::from_millis(u64::from(scan.first_send_time_ms().unwrap_or(0)));
        // in units of 100 ns
        let end = Duration::from_micros(scan.play_duration() / 10);
        end.checked_sub(begin).filter(|play| !play.is_zero()).unwrap_or(by_sending)
    }

    /// Gives a device or pipe all that was written for it.
    pub(crate) fn hand_on(&mut self) -> Result<(), Failure> {
        self.output.hand_on()
    }

    pub(crate) fn into_output(self) -> Output {
        self.output
    }

    /// Whether the source is a plain file.
    pub(crate) fn is_file(&self) -> bool {
        self.is_file
    }

    /// Packets that the header promises and a plain file does not have.
    pub(crate) fn lacks(&self) -> u64 {
        if self.wishes.is_excerpt() {
            return 0;
        }
        self.expected_packets().saturating_sub(self.tally.packets)
    }

    /// What the header says, once it is complete.
    pub(crate) fn header(&self) -> Option<&HeaderSummary> {
        self.summary.as_ref()
    }

    /// Whether the stream ended in order.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub(crate) fn packets(&self) -> u64 {
        self.tally.packets
    }

    pub(crate) fn missing(&self) -> u64 {
        self.tally.missing
    }

    /// Bytes written.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of packets.
    pub(crate) fn media_bytes(&self) -> u64 {
        self.bytes.saturating_sub(length(self.header.len()))
    }

    /// The time that the packets cover.
    pub(crate) fn media_time(&self) -> Duration {
        self.tally.media()
    }

    /// Bytes of packets in all, if all come and the header knows them.
    pub(crate) fn expected_bytes(&self) -> Option<u64> {
        let summary = self.summary.as_ref()?;
        let packets = Some(self.expected_packets()).filter(|packets| *packets > 0)?;
        if self.wishes.is_excerpt() {
            return None;
        }
        packets.checked_mul(u64::from(summary.packet_size()))
    }

    /// Packets in all; 0 if the header does not know.
    fn expected_packets(&self) -> u64 {
        match &self.summary {
            Some(summary) if !summary.file_properties.is_broadcast() => summary.data_packets,
            _ => 0,
        }
    }
}

fn walk(header: &[u8]) -> Result<HeaderSummary, Failure> {
    let mut walker = HeaderWalker::new(HeaderLimits::default());
    walker.feed(header).map_err(|error| Failure::new(Kind::Protocol, error.to_string()))?;
    walker.summary().cloned().ok_or_else(|| Failure::new(Kind::Protocol, "the header is not whole"))
}

/// Whether sizes and counts in the header are those of the file.
fn is_true(summary: &HeaderSummary, packets: u64, file_size: u64) -> bool {
    let properties = &summary.file_properties;
    let media = packets.saturating_mul(u64::from(summary.packet_size()));
    !properties.is_broadcast()
        && properties.file_size == file_size
        && properties.data_packets_count == packets
        && summary.data_packets == packets
        && summary.data_size == media.saturating_add(50)
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::output::Target;
    use super::*;

    const SAMPLE: &[u8] = include_bytes!("../../assets/sample.wmv");
    const HEADER: usize = 709;
    const PACKET: usize = 3200;

    fn packet(number: usize) -> &'static [u8] {
        &SAMPLE[HEADER + number * PACKET..][..PACKET]
    }

    /// Records these packets of the sample and returns the file.
    fn record(wishes: Wishes, numbers: &[u32], change: impl Fn(&mut Vec<u8>)) -> (Recording, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::File(folder.path().join("x.wmv"));
        let mut recording = Recording::new(Output::open(&target, false).unwrap(), wishes);
        let mut header = SAMPLE[..HEADER].to_vec();
        change(&mut header);
        let (first, second) = header.split_at(100);
        let part = |offset, bytes, last| Event::HeaderPart { offset, bytes, last };
        assert_eq!(recording.take(&part(0, first, false)).unwrap(), Next::GoOn);
        assert_eq!(recording.take(&part(100, second, true)).unwrap(), Next::Header);
        recording.begin().unwrap();
        for number in numbers {
            let bytes = packet(usize::try_from(*number).unwrap());
            let event = Event::Packet { location_id: *number, af_flags: 0, bytes };
            assert_eq!(recording.take(&event).unwrap(), Next::Packet);
        }
        recording.take(&Event::EndOfStream { hr: Hresult::S_OK, more: false }).unwrap();
        recording.finish(true).unwrap();
        recording.output.replace_header(&[]).unwrap();
        let file = std::fs::read(recording.output.temporary().unwrap()).unwrap();
        (recording, file)
    }

    #[test]
    fn a_gap_is_counted_and_the_header_tells_what_is_there() {
        let numbers: Vec<u32> = (0..52).filter(|number| ![3, 4, 51].contains(number)).collect();
        let (recording, file) = record(Wishes::default(), &numbers, |_| {});
        assert_eq!((recording.packets(), recording.missing()), (49, 3));
        let summary = walk(&file[..HEADER]).unwrap();
        assert!(is_true(&summary, 49, u64::try_from(file.len()).unwrap()));
        assert_eq!(&file[HEADER + 3 * PACKET..][..PACKET], packet(5));
    }

    #[test]
    fn what_was_not_asked_for_is_not_missing() {
        let wishes = Wishes { start: true, ..Wishes::default() };
        assert_eq!(record(wishes, &[20, 21], |_| {}).0.missing(), 0);
        let wishes = Wishes { end: true, ..Wishes::default() };
        assert_eq!(record(wishes, &[0, 1], |_| {}).0.missing(), 0);
        let wishes = Wishes { streams: true, ..Wishes::default() };
        assert_eq!(record(wishes, &[1, 7], |_| {}).0.missing(), 0);
    }

    #[test]
    fn a_broadcast_becomes_a_file_with_true_counts_and_durations() {
        let broadcast =
            |header: &mut Vec<u8>| HeaderPatch::broadcast(&walk(header).unwrap()).apply(0, header);
        let (recording, file) = record(Wishes::default(), &[10, 11], broadcast);
        assert_eq!((recording.packets(), recording.missing()), (2, 0));
        let summary = walk(&file[..HEADER]).unwrap();
        assert!(is_true(&summary, 2, u64::try_from(file.len()).unwrap()));
        assert!(summary.file_properties.content_duration() > Duration::ZERO);
        assert!(summary.file_properties.content_duration() < Duration::from_secs(1));
    }

    #[test]
    fn a_new_entry_ends_the_recording() {
        let (mut recording, _) = record(Wishes::default(), &[0], |_| {});
        let change = Event::StreamChange { packet_size: 1, header_len: 1, bit_rate: 1 };
        assert_eq!(recording.take(&change).unwrap(), Next::Another);
        let end = Event::EndOfStream { hr: Hresult::S_FALSE, more: true };
        assert_eq!(recording.take(&end).unwrap(), Next::Another);
    }
}
