//! The bytes of an ASF file, as readers of all runtimes want them.

use std::io;

use mms_core::client::{Client, Event, FileBytes};

/// Where a reader is between two reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsfBytes {
    bytes: FileBytes,
    place: Place,
    broadcast: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    Between,
    InEvent,
    Over,
}

impl AsfBytes {
    /// Gives the file a broadcast header, which promises no counts.
    #[must_use]
    pub fn broadcast(mut self) -> Self {
        self.broadcast = true;
        self
    }

    /// Copies bytes of the driver's event; 0 at the end. `None`: drive it to its next event, then tell
    /// [`driven`](Self::driven).
    ///
    /// # Errors
    /// Why the session failed, a packet that cannot be taken apart, or `InvalidData` for a text, such as a metafile.
    pub fn read(&mut self, driver: &Client<Vec<u8>>, out: &mut [u8]) -> io::Result<Option<usize>> {
        if out.is_empty() {
            return Ok(Some(0));
        }
        match (self.place, driver.event()) {
            (Place::Over, _) => driver.error().map_or(Ok(Some(0)), |error| Err(io::Error::other(error))),
            (Place::InEvent, Some(Event::TextPart { .. })) => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "the server sent a text, not media"))
            }
            (Place::InEvent, Some(event)) => {
                let patch = if self.broadcast { driver.broadcast_patch() } else { None };
                let size = driver.header().map_or(0, |header| header.packet_size());
                let count = self.bytes.read(&event, size, patch.as_ref(), out).map_err(io::Error::other)?;
                if count == 0 {
                    // driving it may take several attempts
                    self.place = Place::Between;
                    return Ok(None);
                }
                Ok(Some(count))
            }
            (Place::InEvent | Place::Between, _) => Ok(None),
        }
    }

    /// The driver has its next event, or all is over.
    pub fn driven(&mut self, has_event: bool) {
        self.place = if has_event { Place::InEvent } else { Place::Over };
    }
}
