//! Open files: what tells one from another, and reads at a place. The only file that differs by system.

use std::fs::{File, Metadata};
use std::io;
use std::time::SystemTime;

/// What a file is as long as nobody touches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    len: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    place: (u64, u64),
}

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            place: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino())
            },
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

/// Fills `bytes` from `offset` on, or fails.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Fills `bytes` from `offset` on, or fails.
#[cfg(not(unix))]
pub(crate) fn read_at(mut file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}

/// Fills `bytes` from `offset` on if all of that is in the system's cache, so that nothing must be waited for.
#[cfg(target_os = "linux")]
pub(crate) fn read_at_once(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let len = bytes.len();
    // a read that is short ends where the cache does; some file systems cannot tell and give an error
    match preadv2(file, &mut [io::IoSliceMut::new(bytes)], offset, ReadWriteFlags::NOWAIT)? {
        count if count == len => Ok(()),
        _ => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Other systems do not tell what a read would wait for.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read_at_once(_: &File, _: u64, _: &mut [u8]) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}
