//! Choosing streams.

use core::slice;

use crate::error::DecodeError;
use crate::hresult::Hresult;

use super::cursor::{Reader, Writer};

/// The client chooses streams (section 2.2.4.28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSwitch<'a> {
    /// What to switch.
    pub entries: StreamEntries<'a>,
}

impl<'a> StreamSwitch<'a> {
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let claimed = usize::try_from(reader.fixed::<4>()?.u32()).unwrap_or(usize::MAX);
        // Clients claim more entries than they send and send more than they claim.
        let present = reader.rest().as_chunks::<6>().0;
        let entries = present.get(..claimed).unwrap_or(present);
        Ok(Self { entries: StreamEntries { list: List::Wire(entries) } })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.count32(self.entries.len());
        for entry in self.entries.iter() {
            writer.u16(entry.src_stream_number);
            writer.u16(entry.dst_stream_number);
            writer.u16(entry.thinning_level);
        }
    }
}

/// STREAM_SWITCH_ENTRY: one change (section 2.2.4.28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamSwitchEntry {
    /// Stream that is replaced, 0xFFFF for none.
    pub src_stream_number: u16,
    /// Stream that takes its place, 0xFFFF for none.
    pub dst_stream_number: u16,
    /// 0 sends everything, 1 key frames only, 2 nothing.
    pub thinning_level: u16,
}

impl StreamSwitchEntry {
    fn from_wire(bytes: [u8; 6]) -> Self {
        let [s0, s1, d0, d1, t0, t1] = bytes;
        Self {
            src_stream_number: u16::from_le_bytes([s0, s1]),
            dst_stream_number: u16::from_le_bytes([d0, d1]),
            thinning_level: u16::from_le_bytes([t0, t1]),
        }
    }
}

/// The entries of a [`StreamSwitch`], as received or as the caller has them.
#[derive(Clone, Copy, Debug)]
pub struct StreamEntries<'a> {
    list: List<'a>,
}

#[derive(Clone, Copy, Debug)]
enum List<'a> {
    Wire(&'a [[u8; 6]]),
    Own(&'a [StreamSwitchEntry]),
}

impl<'a> StreamEntries<'a> {
    /// Entries to send.
    #[must_use]
    pub const fn new(entries: &'a [StreamSwitchEntry]) -> Self {
        Self { list: List::Own(entries) }
    }

    /// How many entries are there.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.list {
            List::Wire(entries) => entries.len(),
            List::Own(entries) => entries.len(),
        }
    }

    /// Whether there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries in their order.
    #[must_use]
    pub fn iter(&self) -> StreamEntryIter<'a> {
        StreamEntryIter {
            list: match self.list {
                List::Wire(entries) => ListIter::Wire(entries.iter()),
                List::Own(entries) => ListIter::Own(entries.iter()),
            },
        }
    }
}

impl<'a> From<&'a [StreamSwitchEntry]> for StreamEntries<'a> {
    fn from(entries: &'a [StreamSwitchEntry]) -> Self {
        Self::new(entries)
    }
}

impl<'a> IntoIterator for StreamEntries<'a> {
    type Item = StreamSwitchEntry;
    type IntoIter = StreamEntryIter<'a>;

    fn into_iter(self) -> StreamEntryIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &StreamEntries<'a> {
    type Item = StreamSwitchEntry;
    type IntoIter = StreamEntryIter<'a>;

    fn into_iter(self) -> StreamEntryIter<'a> {
        self.iter()
    }
}

impl PartialEq for StreamEntries<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for StreamEntries<'_> {}

/// Iterator over [`StreamEntries`].
#[derive(Clone, Debug)]
pub struct StreamEntryIter<'a> {
    list: ListIter<'a>,
}

#[derive(Clone, Debug)]
enum ListIter<'a> {
    Wire(slice::Iter<'a, [u8; 6]>),
    Own(slice::Iter<'a, StreamSwitchEntry>),
}

impl Iterator for StreamEntryIter<'_> {
    type Item = StreamSwitchEntry;

    fn next(&mut self) -> Option<StreamSwitchEntry> {
        match &mut self.list {
            ListIter::Wire(entries) => entries.next().copied().map(StreamSwitchEntry::from_wire),
            ListIter::Own(entries) => entries.next().copied(),
        }
    }
}

/// The streams are switched, or why not (section 2.2.4.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportStreamSwitch {
    /// Result.
    pub hr: Hresult,
}

impl ReportStreamSwitch {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { hr: reader.fixed::<4>()?.hr() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for StreamSwitchEntry {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self {
            src_stream_number: u.arbitrary()?,
            dst_stream_number: u.arbitrary()?,
            thinning_level: u.int_in_range(0..=2)?,
        })
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for StreamEntries<'a> {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let bytes: &'a [u8] = u.arbitrary()?;
        Ok(Self { list: List::Wire(bytes.as_chunks().0) })
    }
}
