//! RequestPacketListResend: the only thing a client sends over UDP.

use core::slice;

use crate::error::{BufferTooSmall, DecodeError, Reason};

use super::cursor::{Reader, Writer};

/// The client asks for lost Data packets (section 2.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestPacketListResend<'a> {
    /// `cubs` of ReportFunnelInfo.
    pub client_id: u32,
    /// Low 16 bits of `open_file_id`.
    pub source_id: u16,
    /// Sequence numbers of the wanted packets.
    pub sequences: Sequences<'a>,
}

impl<'a> RequestPacketListResend<'a> {
    /// The signature in front.
    pub const SIGNATURE: u32 = 0xBEEF_F00D;
    /// The longest request: 32 packets.
    pub const MAX_LEN: usize = 140;

    /// Decodes a datagram; bytes behind the last number are dropped.
    ///
    /// # Errors
    ///
    /// A wrong signature, a count outside 1 to 32, or fewer bytes than the count says.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(datagram, 0);
        let mut fields = reader.fixed::<12>()?;
        if fields.u32() != Self::SIGNATURE {
            return Err(DecodeError::new(Reason::Signature, 0));
        }
        let (client_id, source_id) = (fields.u32(), fields.u16());
        let count = usize::from(fields.u16());
        if !(1..=Sequences::MAX).contains(&count) {
            return Err(DecodeError::new(Reason::Count, 10));
        }
        let present = reader.rest().as_chunks::<4>().0;
        let list = present.get(..count).ok_or(DecodeError::new(Reason::NestedLength, 10))?;
        Ok(Self { client_id, source_id, sequences: Sequences { list: List::Wire(list) } })
    }

    /// Bytes of the datagram.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let mut counter = Writer::counter();
        self.write(&mut counter);
        counter.len()
    }

    /// Writes the datagram and returns its length.
    ///
    /// # Errors
    ///
    /// `out` is too small; nothing was written.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let room = out.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        self.write(&mut Writer::new(room));
        Ok(needed)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(Self::SIGNATURE);
        writer.u32(self.client_id);
        writer.u16(self.source_id);
        writer.count16(self.sequences.len());
        self.sequences.iter().for_each(|sequence| writer.u32(sequence));
    }
}

/// One to 32 sequence numbers, as received or as the caller has them (section 2.2.5).
#[derive(Clone, Copy, Debug)]
pub struct Sequences<'a> {
    list: List<'a>,
}

#[derive(Clone, Copy, Debug)]
enum List<'a> {
    Wire(&'a [[u8; 4]]),
    Own(&'a [u32]),
}

impl<'a> Sequences<'a> {
    /// Numbers that one request can hold.
    pub const MAX: usize = 32;

    /// Numbers to ask for; `None` if there are none or more than 32.
    #[must_use]
    pub const fn new(sequences: &'a [u32]) -> Option<Self> {
        match sequences.len() {
            1..=Self::MAX => Some(Self { list: List::Own(sequences) }),
            _ => None,
        }
    }

    /// How many there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "there is always at least one")]
    pub const fn len(&self) -> usize {
        match self.list {
            List::Wire(list) => list.len(),
            List::Own(list) => list.len(),
        }
    }

    /// The numbers in their order.
    #[must_use]
    pub fn iter(&self) -> SequenceIter<'a> {
        SequenceIter {
            list: match self.list {
                List::Wire(list) => ListIter::Wire(list.iter()),
                List::Own(list) => ListIter::Own(list.iter()),
            },
        }
    }
}

impl<'a> IntoIterator for Sequences<'a> {
    type Item = u32;
    type IntoIter = SequenceIter<'a>;

    fn into_iter(self) -> SequenceIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Sequences<'a> {
    type Item = u32;
    type IntoIter = SequenceIter<'a>;

    fn into_iter(self) -> SequenceIter<'a> {
        self.iter()
    }
}

impl PartialEq for Sequences<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Sequences<'_> {}

/// Iterator over [`Sequences`].
#[derive(Clone, Debug)]
pub struct SequenceIter<'a> {
    list: ListIter<'a>,
}

#[derive(Clone, Debug)]
enum ListIter<'a> {
    Wire(slice::Iter<'a, [u8; 4]>),
    Own(slice::Iter<'a, u32>),
}

impl Iterator for SequenceIter<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match &mut self.list {
            ListIter::Wire(list) => list.next().map(|bytes| u32::from_le_bytes(*bytes)),
            ListIter::Own(list) => list.next().copied(),
        }
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for RequestPacketListResend<'a> {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let (client_id, source_id) = u.arbitrary()?;
        let count = u.int_in_range(1..=Sequences::MAX)?.min(u.len() >> 2).max(1);
        let list = u.bytes(count << 2)?.as_chunks().0;
        Ok(Self { client_id, source_id, sequences: Sequences { list: List::Wire(list) } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_outside_1_to_32_and_missing_numbers_are_errors() {
        let mut datagram = [0; 12 + 33 * 4];
        datagram[..4].copy_from_slice(&RequestPacketListResend::SIGNATURE.to_le_bytes());
        for (count, reason) in [(0, Some(Reason::Count)), (1, None), (32, None), (33, Some(Reason::Count))] {
            datagram[10] = count;
            let decoded = RequestPacketListResend::decode(&datagram);
            assert_eq!(decoded.err().map(|error| error.reason), reason, "{count}");
        }
        datagram[10] = 3;
        let short = RequestPacketListResend::decode(&datagram[..23]);
        assert_eq!(short, Err(DecodeError::new(Reason::NestedLength, 10)));
        datagram[0] ^= 1;
        let forged = RequestPacketListResend::decode(&datagram);
        assert_eq!(forged, Err(DecodeError::new(Reason::Signature, 0)));
    }

    #[test]
    fn a_request_holds_1_to_32_numbers() {
        assert!(Sequences::new(&[]).is_none() && Sequences::new(&[0; 33]).is_none());
        let sequences = Sequences::new(&[7; 32]).unwrap();
        let request = RequestPacketListResend { client_id: 1, source_id: 2, sequences };
        assert_eq!(request.encoded_len(), RequestPacketListResend::MAX_LEN);
        assert_eq!(request.encode(&mut [0; 139]), Err(BufferTooSmall { needed: 140 }));
    }
}
