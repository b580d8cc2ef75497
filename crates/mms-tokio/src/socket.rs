//! tokio's TCP socket.

use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};

use mms_media::adapter::{Stream, poll_io};
use tokio::net::TcpStream;

pub(crate) struct Socket(TcpStream);

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }
}

impl Stream for Socket {
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_io(|| self.0.try_read(space), || self.0.poll_read_ready(cx))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        poll_io(|| self.0.try_write_vectored(slices), || self.0.poll_write_ready(cx))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}
