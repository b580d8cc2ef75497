//! The header of a file that may be cut anywhere.

use std::io::{self, Read};

use mms_core::asf::DATA_OBJECT_LEN;

/// Largest header that is read.
const LARGEST: u64 = 64 << 20;
/// Identifier and size of an object.
const FRAME: usize = 24;
/// Fixed part of the Header Object (section 3.1).
const FIXED: usize = 30;
const DATA_GUID: [u8; 16] =
    [0x36, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c];

/// The bytes of a header, as many as there are.
#[derive(Clone, Debug)]
pub(crate) struct RawHeader {
    pub(crate) bytes: Vec<u8>,
    /// Bytes that the header should have, if its first ones tell.
    pub(crate) declared: Option<u64>,
}

impl RawHeader {
    /// A header that arrived whole.
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        Self { declared: declared(&bytes), bytes }
    }

    /// Reads the header of a file, or what is there of it.
    pub(crate) fn read(mut file: impl Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.by_ref().take(frame_len()).read_to_end(&mut bytes)?;
        let declared = declared(&bytes);
        let rest = declared.unwrap_or(0).min(LARGEST).saturating_sub(frame_len());
        file.take(rest).read_to_end(&mut bytes)?;
        Ok(Self { bytes, declared })
    }

    /// Whether the file ends inside of the header.
    pub(crate) fn is_cut(&self) -> bool {
        self.declared.is_none_or(|declared| declared > length(&self.bytes))
    }

    /// A cut header, ended behind its last whole object so that it can be explained as far as it goes.
    pub(crate) fn mended(&self) -> Option<Vec<u8>> {
        let header_len = self.declared?.checked_sub(u64::try_from(DATA_OBJECT_LEN).ok()?)?;
        let end = match usize::try_from(header_len) {
            // only the Data Object is cut
            Ok(header_len) if header_len <= self.bytes.len() => header_len,
            _ => self.end_of_objects(),
        };
        let mut mended = self.bytes.get(..end)?.to_vec();
        mended.get_mut(16..FRAME)?.copy_from_slice(&u64::try_from(end).ok()?.to_le_bytes());
        mended.extend_from_slice(&DATA_GUID);
        mended.extend_from_slice(&50_u64.to_le_bytes());
        mended.resize(end.checked_add(DATA_OBJECT_LEN)?, 0);
        Some(mended)
    }

    fn end_of_objects(&self) -> usize {
        let mut end = FIXED;
        while let Some(size) = object_size(&self.bytes, end) {
            let next = usize::try_from(size).ok().and_then(|size| end.checked_add(size));
            match next {
                Some(next) if size >= frame_len() && next <= self.bytes.len() => end = next,
                _ => break,
            }
        }
        end
    }
}

/// Bytes of Header Object and Data Object's head.
fn declared(bytes: &[u8]) -> Option<u64> {
    object_size(bytes, 0)?.checked_add(u64::try_from(DATA_OBJECT_LEN).ok()?)
}

fn object_size(bytes: &[u8], at: usize) -> Option<u64> {
    let frame = bytes.get(at..at.checked_add(FRAME)?)?;
    Some(u64::from_le_bytes(*frame.last_chunk()?))
}

fn frame_len() -> u64 {
    u64::try_from(FRAME).unwrap_or(u64::MAX)
}

pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use mms_core::asf::Header;

    use super::*;

    const SAMPLE: &[u8] = include_bytes!("../../assets/sample.wmv");

    #[test]
    fn a_header_cut_anywhere_never_panics_and_mends_to_a_good_one_or_to_a_known_lack() {
        let whole = RawHeader::read(SAMPLE).unwrap();
        assert!(!whole.is_cut());
        let mut explained = 0;
        for cut in 0..whole.bytes.len() {
            let raw = RawHeader::read(&SAMPLE[..cut]).unwrap();
            assert!(raw.is_cut(), "{cut}");
            explained += usize::from(raw.mended().is_some_and(|mended| Header::decode(&mended).is_ok()));
        }
        assert!(explained > 100, "{explained} of {} cuts can be explained", whole.bytes.len());
    }
}
