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
