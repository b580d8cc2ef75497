//! Simple Index Objects, made while packets pass (section 6.1).

use mms_core::asf::{Guid, Header, IndexBuilder, IndexRun, Packet, indexed_streams, simple_index_head};

/// Makes the Simple Index of each visible video stream of a file.
///
/// Runs of equal entries are kept, so that memory grows with the number of key frames.
#[derive(Clone, Debug, Default)]
pub struct Indexes {
    builders: Vec<(IndexBuilder, Vec<IndexRun>)>,
    packets: u64,
    first_send_ms: Option<u32>,
}

/// The objects as they stand behind the packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FinishedIndexes {
    /// The objects, one after the other.
    pub bytes: Vec<u8>,
    /// How many there are.
    pub count: usize,
    /// True if each has an entry. Also where there is no video.
    pub is_complete: bool,
}

impl Indexes {
    /// Before the first packet of a file with this header.
    #[must_use]
    pub fn new(header: &Header<'_>) -> Self {
        let builder = |stream| (IndexBuilder::new(stream, IndexBuilder::INTERVAL_MS), Vec::new());
        Self { builders: indexed_streams(header).map(builder).collect(), packets: 0, first_send_ms: None }
    }

    /// Takes the next packet; `None` for one that cannot be read, which counts nevertheless.
    pub fn add(&mut self, packet: Option<&Packet<'_>>) {
        let number = self.packets;
        self.packets += 1;
        let Some(packet) = packet else { return };
        self.first_send_ms = self.first_send_ms.or(Some(packet.head().send_time_ms));
        for (builder, runs) in &mut self.builders {
            runs.extend(builder.packet(number, packet));
        }
    }

    /// True if sending begins at 0. In a stream that was joined late it does not, and an index would promise
    /// places that the duration does not have.
    #[must_use]
    pub fn begins_at_zero(&self) -> bool {
        self.first_send_ms == Some(0)
    }

    /// All packets were taken; the File ID is that of the file.
    #[must_use]
    pub fn finish(self, file_id: Guid) -> FinishedIndexes {
        let mut finished =
            FinishedIndexes { bytes: Vec::new(), count: self.builders.len(), is_complete: true };
        for (mut builder, mut runs) in self.builders {
            runs.extend(builder.finish().into_iter().flatten());
            let count = builder.entry_count();
            finished.is_complete &= count > 0;
            let head = simple_index_head(file_id, builder.interval(), builder.maximum_packet_count(), count);
            finished.bytes.extend_from_slice(&head);
            for run in runs {
                let entries = usize::try_from(run.count).unwrap_or(usize::MAX);
                finished.bytes.extend(run.entry.to_bytes().repeat(entries));
            }
        }
        finished
    }
}
