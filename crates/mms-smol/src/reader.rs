//! The bytes of an ASF file, as futures-io reads bytes.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use futures_io::AsyncRead;
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

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            if let Some(count) = this.bytes.read(this.client.driver(), out)? {
                return Poll::Ready(Ok(count));
            }
            let has_event = ready!(this.client.poll_ready(cx));
            this.bytes.driven(has_event);
        }
    }
}
