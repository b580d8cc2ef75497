//! tokio's sockets.

use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};
use std::net::UdpSocket;

use mms_media::adapter::{self, Stream, poll_io};
use tokio::net::TcpStream;

pub(crate) struct Socket(TcpStream);

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }
}

/// Only reading is watched where that can be said: epoll wakes somebody for each datagram that has left, too.
#[cfg(unix)]
pub(crate) struct Datagrams(tokio::io::unix::AsyncFd<UdpSocket>);

#[cfg(unix)]
impl Datagrams {
    #[allow(
        deprecated,
        reason = "its successor is unsafe; a socket of std keeps its descriptor, which is all it asks"
    )]
    pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
        tokio::io::unix::AsyncFd::with_interest(socket, tokio::io::Interest::READABLE).map(Self)
    }
}

#[cfg(unix)]
impl adapter::Datagrams for Datagrams {
    fn try_recv_from(&mut self, space: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.get_ref().recv_from(space)
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // what comes from now on is noted again
        self.0.poll_read_ready(cx).map_ok(|mut guard| guard.clear_ready())
    }

    fn try_send_to(&mut self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.0.get_ref().send_to(datagram, to)
    }
}

#[cfg(not(unix))]
pub(crate) struct Datagrams(tokio::net::UdpSocket);

#[cfg(not(unix))]
impl Datagrams {
    pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
        tokio::net::UdpSocket::from_std(socket).map(Self)
    }
}

#[cfg(not(unix))]
impl adapter::Datagrams for Datagrams {
    fn try_recv_from(&mut self, space: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.try_recv_from(space)
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_recv_ready(cx)
    }

    fn try_send_to(&mut self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.0.try_send_to(datagram, to)
    }
}

impl Stream for Socket {
    type Datagrams = Datagrams;

    fn datagrams(&self, socket: UdpSocket) -> io::Result<Datagrams> {
        Datagrams::new(socket)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }

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
