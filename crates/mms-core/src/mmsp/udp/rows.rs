//! Records of a fixed size in bytes that the caller gave.

/// The record at an index; zeros where there is no storage for it.
pub(super) fn get<const N: usize>(bytes: &[u8], index: usize) -> [u8; N] {
    bytes.as_chunks::<N>().0.get(index).copied().unwrap_or([0; N])
}

/// Writes the record at an index, if there is storage for it.
pub(super) fn set<const N: usize>(bytes: &mut [u8], index: usize, record: [u8; N]) {
    if let Some(place) = bytes.as_chunks_mut::<N>().0.get_mut(index) {
        *place = record;
    }
}

/// Takes the fields of a record one after the other.
#[derive(Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((field, rest)) = self.0.split_first_chunk::<N>() else { return [0; N] };
        self.0 = rest;
        *field
    }
}

/// Puts the fields of a record one after the other.
#[derive(Debug)]
pub(super) struct Put<const LEN: usize> {
    bytes: [u8; LEN],
    at: usize,
}

impl<const LEN: usize> Put<LEN> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { bytes: [0; LEN], at: 0 }
    }

    /// Always inlined: only then are all places known when it is compiled, and a record is a few stores.
    #[inline(always)]
    pub(super) fn field<const N: usize>(mut self, field: [u8; N]) -> Self {
        let end = self.at.saturating_add(N);
        if let Some(place) = self.bytes.get_mut(self.at..end) {
            place.copy_from_slice(&field);
        }
        self.at = end;
        self
    }

    #[inline(always)]
    pub(super) fn done(self) -> [u8; LEN] {
        self.bytes
    }
}
