//! The bytes of an ASF file, as tokio reads bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use mms_core::client::FileBytes;
use tokio::io::{AsyncRead, ReadBuf};

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

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            let driver = this.client.driver();
            if this.in_event {
                let patch = if this.broadcast { driver.broadcast_patch() } else { None };
                let size = driver.header().map_or(0, |header| header.packet_size());
                let Some(event) = driver.event() else { return Poll::Ready(Ok(())) };
                let out = buf.initialize_unfilled();
                let count = this.bytes.read(&event, size, patch.as_ref(), out).map_err(io::Error::other)?;
                if count > 0 {
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                this.in_event = false;
            }
            this.in_event = ready!(this.client.poll_ready(cx));
            if !this.in_event {
                let error = this.client.driver().error();
                return Poll::Ready(error.map_or(Ok(()), |error| Err(io::Error::other(error))));
            }
        }
    }
}
