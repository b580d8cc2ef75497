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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn several_slices_are_written_with_one_call() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let stream = runtime.block_on(TcpStream::connect(listener.local_addr().unwrap())).unwrap();
        let mut socket = Socket::new(stream).unwrap();
        let slices = [b"head", b"body"].map(|bytes| IoSlice::new(bytes));
        runtime.block_on(core::future::poll_fn(|cx| {
            let written = socket.poll_write(cx, &slices).map(Result::unwrap);
            written.map(|count| assert_eq!(count, 8))
        }));
    }
}
