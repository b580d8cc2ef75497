//! Simple Index Objects made while packets pass, so that players can seek in what was fetched.

use mms_core::asf::{Header, IndexBuilder, IndexRun, Packet, indexed_streams, simple_index_head};

/// The indexes of all visible video streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct Indexes {
    builders: Vec<(IndexBuilder, Vec<IndexRun>)>,
    packets: u64,
    /// Whether times begin at 0; in a stream that was joined late they do not, and an index would lie.
    begins_at_zero: bool,
}

impl Indexes {
    /// Before the first packet.
    pub(crate) fn new(header: &[u8]) -> Self {
        let Ok(header) = Header::decode(header) else { return Self::default() };
        let builder = |stream| (IndexBuilder::new(stream, IndexBuilder::INTERVAL_MS), Vec::new());
        Self { builders: indexed_streams(&header).map(builder).collect(), packets: 0, begins_at_zero: false }
    }

    /// Takes the next packet.
    pub(crate) fn add(&mut self, packet: &[u8]) {
        let number = self.packets;
        self.packets += 1;
        if self.builders.is_empty() {
            return;
        }
        let Ok(packet) = Packet::decode(packet) else { return };
        if number == 0 {
            self.begins_at_zero = packet.head().send_time_ms == 0;
        }
        for (builder, runs) in &mut self.builders {
            runs.extend(builder.packet(number, &packet));
        }
    }

    /// The objects as they stand behind the packets; nothing unless every stream has entries.
    pub(crate) fn finish(mut self, file_id: mms_core::asf::Guid) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (builder, runs) in &mut self.builders {
            runs.extend(builder.finish().into_iter().flatten());
            let count = builder.entry_count();
            if count == 0 || !self.begins_at_zero {
                return Vec::new();
            }
            let spans = builder.maximum_packet_count();
            bytes.extend_from_slice(&simple_index_head(file_id, builder.interval(), spans, count));
            for run in runs.iter() {
                (0..run.count).for_each(|_| bytes.extend_from_slice(&run.entry.to_bytes()));
            }
        }
        bytes
    }
}
