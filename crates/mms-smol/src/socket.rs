//! async-io's TCP socket.

use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};

use async_io::Async;
use blocking::unblock;
use mms_media::adapter::{Stream, poll_io};

pub(crate) struct Socket(Async<TcpStream>);

impl Socket {
    pub(crate) fn new(stream: Async<TcpStream>) -> io::Result<Self> {
        stream.get_ref().set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Resolves the name on a thread that may block, then tries the addresses in their order.
    pub(crate) async fn connect(host: String, port: u16) -> io::Result<Self> {
        let mut failed = io::ErrorKind::NotFound.into();
        for address in unblock(move || (host, port).to_socket_addrs()).await? {
            match Async::<TcpStream>::connect(address).await {
                Ok(stream) => return Self::new(stream),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

impl Stream for Socket {
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_io(|| self.0.get_ref().read(space), || self.0.poll_readable(cx))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        poll_io(|| self.0.get_ref().write_vectored(slices), || self.0.poll_writable(cx))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use core::task::Waker;

    use super::*;

    #[test]
    fn several_slices_are_written_with_one_call() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = Async::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap()).unwrap();
        let mut socket = Socket::new(stream).unwrap();
        // a connection on loopback is there when the system says so
        let mut cx = Context::from_waker(Waker::noop());
        let slices = [b"head", b"body"].map(|bytes| IoSlice::new(bytes));
        assert_eq!(socket.poll_write(&mut cx, &slices).map(Result::unwrap), Poll::Ready(8));
    }
}
