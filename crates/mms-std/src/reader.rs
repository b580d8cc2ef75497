//! The bytes of an ASF file, as the standard library reads bytes.

use std::io::{self, Read};

use mms_core::client::FileBytes;

use crate::Client;

/// Reads the whole ASF file of a stream: header, then packets with their padding.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    bytes: FileBytes,
    in_event: bool,
    broadcast: bool,
}

impl Reader {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, bytes: FileBytes::default(), in_event: false, broadcast: false }
    }

    /// Gives the file a broadcast header, which promises no counts: for a part of a stream.
    #[must_use]
    pub fn broadcast(mut self) -> Self {
        self.broadcast = true;
        self
    }

    /// The client behind it.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let driver = self.client.driver();
            if self.in_event {
                let patch = if self.broadcast { driver.broadcast_patch() } else { None };
                let size = driver.header().map_or(0, |header| header.packet_size());
                let Some(event) = driver.event() else { return Ok(0) };
                let count = self.bytes.read(&event, size, patch.as_ref(), out).map_err(io::Error::other)?;
                if count > 0 {
                    return Ok(count);
                }
            }
            self.in_event = self.client.drive();
            if !self.in_event {
                let error = self.client.driver().error();
                return error.map_or(Ok(0), |error| Err(io::Error::other(error)));
            }
        }
    }
}
