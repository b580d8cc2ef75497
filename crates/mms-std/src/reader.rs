//! The bytes of an ASF file, as the standard library reads bytes.

use std::io::{self, Read};

use mms_media::adapter::AsfBytes;

use crate::Client;

/// Reads the whole ASF file of a stream: header, then packets with their padding.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    bytes: AsfBytes,
}

impl Reader {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, bytes: AsfBytes::default() }
    }

    /// Gives the file a broadcast header, which promises no counts: for a part of a stream.
    #[must_use]
    pub fn broadcast(mut self) -> Self {
        self.bytes = self.bytes.broadcast();
        self
    }

    /// The client behind it.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(count) = self.bytes.read(self.client.driver(), out)? {
                return Ok(count);
            }
            let has_event = self.client.drive();
            self.bytes.driven(has_event);
        }
    }
}
