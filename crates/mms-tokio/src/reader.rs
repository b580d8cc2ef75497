//! The bytes of an ASF file, as tokio reads bytes.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use mms_media::adapter::AsfBytes;
use tokio::io::{AsyncRead, ReadBuf};

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
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if let Some(count) = this.bytes.read(this.client.driver(), buf.initialize_unfilled())? {
                buf.advance(count);
                return Poll::Ready(Ok(()));
            }
            let has_event = ready!(this.client.poll_ready(cx));
            this.bytes.driven(has_event);
        }
    }
}
