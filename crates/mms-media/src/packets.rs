//! Bytes of one batch in memory: shared by the packets that are cut out of it, and used again behind them.

use core::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Buffers that wait to be used again.
const KEPT: usize = 32;
/// Larger buffers go back to the system. Batches of datagrams in a hurry are the largest, of 256 KiB.
const LARGEST: usize = 1 << 18;

/// Bytes in memory that are shared: cloning copies nothing.
#[derive(Clone)]
pub struct Packets(Arc<Batch>);

struct Batch {
    bytes: Vec<u8>,
    len: usize,
    buffers: Option<Arc<Buffers>>,
}

/// Buffers of one server. A batch is read into memory that the last one has just left, so it is in the processor's
/// cache still, and nothing is cleared or asked of the system.
#[derive(Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Packets {
    /// `len` bytes that `fill` writes, in a buffer that was used before if there is one.
    pub(crate) fn read(
        buffers: &Arc<Buffers>,
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut bytes = buffers.take();
        if bytes.len() < len {
            bytes.resize(len, 0);
        }
        let filled = fill(bytes.get_mut(..len).unwrap_or_default());
        // dropping the batch gives its buffer back
        let batch = Self(Arc::new(Batch { bytes, len, buffers: Some(Arc::clone(buffers)) }));
        filled.map(|()| batch)
    }
}

impl From<Vec<u8>> for Packets {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Batch { len: bytes.len(), bytes, buffers: None }))
    }
}

impl AsRef<[u8]> for Packets {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes.get(..self.0.len).unwrap_or_default()
    }
}

impl PartialEq for Packets {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Packets {}

impl fmt::Debug for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packets({} bytes)", self.0.len)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if let Some(buffers) = &self.buffers {
            buffers.put(core::mem::take(&mut self.bytes));
        }
    }
}

impl Buffers {
    fn take(&self) -> Vec<u8> {
        self.free().pop().unwrap_or_default()
    }

    fn put(&self, bytes: Vec<u8>) {
        let mut free = self.free();
        if free.len() < KEPT && bytes.capacity() <= LARGEST {
            free.push(bytes);
        }
    }

    /// The list is whole after every call above, so a panic elsewhere does not spoil it.
    fn free(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffers({} free)", self.free().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(buffers: &Arc<Buffers>, text: &[u8]) -> Packets {
        Packets::read(buffers, text.len(), |bytes| {
            bytes.copy_from_slice(text);
            Ok(())
        })
        .unwrap()
    }

    #[test]
    fn a_buffer_is_used_again_behind_its_last_packet_only() {
        let buffers = Arc::new(Buffers::default());
        let first = read(&buffers, b"0123456789");
        let (place, packet) = (first.as_ref().as_ptr(), first.clone());
        drop(first);
        let second = read(&buffers, b"other");
        assert_ne!(second.as_ref().as_ptr(), place);
        drop(packet);
        let third = read(&buffers, b"short");
        assert_eq!((third.as_ref().as_ptr(), third.as_ref()), (place, &b"short"[..]));
        assert!(third != second && third == Packets::from(b"short".to_vec()));
    }

    #[test]
    fn a_read_that_fails_gives_its_buffer_back_and_few_are_kept() {
        let buffers = Arc::new(Buffers::default());
        Packets::read(&buffers, 8, |_| Err(io::ErrorKind::UnexpectedEof.into())).unwrap_err();
        assert_eq!(buffers.free().len(), 1);
        drop((0..2 * KEPT).map(|_| read(&buffers, b"x")).collect::<Vec<_>>());
        assert_eq!(buffers.free().len(), KEPT);
        drop(read(&Arc::clone(&buffers), &vec![1; LARGEST + 1]));
        assert!(buffers.free().iter().all(|free| free.capacity() <= LARGEST));
    }
}
