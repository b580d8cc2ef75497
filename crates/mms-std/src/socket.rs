//! A TCP socket that remembers whether it may be ready.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::SocketAddr;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use mms_media::IoLimits;

/// Readiness is told once for each change; it holds until a call would block.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    readable: bool,
    writable: bool,
    limits: IoLimits,
}

impl Socket {
    pub(crate) fn new(
        mut stream: TcpStream,
        registry: &Registry,
        token: Token,
        limits: IoLimits,
    ) -> io::Result<Self> {
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, readable: false, writable: false, limits })
    }

    /// Notes what the system says about readiness.
    pub(crate) fn note(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
    }

    /// After a connect began: `None` while it is under way, then our address or the error.
    pub(crate) fn connected(&self) -> Option<io::Result<SocketAddr>> {
        if !self.writable {
            return None;
        }
        match self.stream.take_error() {
            Ok(Some(error)) | Err(error) => return Some(Err(error)),
            Ok(None) => {}
        }
        match self.stream.peer_addr() {
            Ok(_) => Some(self.stream.set_nodelay(true).and_then(|()| self.stream.local_addr())),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Reads once; `None` if the socket is not ready.
    pub(crate) fn read(&mut self, space: &mut [u8]) -> Option<io::Result<usize>> {
        let most = space.len().min(self.limits.read);
        attempt(&mut self.readable, || self.stream.read(&mut space[..most]))
    }

    /// Writes once; `None` if the socket is not ready. The slices may be cut.
    pub(crate) fn write<const N: usize>(
        &mut self,
        mut slices: [&[u8]; N],
        used: usize,
    ) -> Option<io::Result<usize>> {
        let used = self.limits.cut(&mut slices[..used]);
        let slices = slices.map(IoSlice::new);
        attempt(&mut self.writable, || self.stream.write_vectored(&slices[..used]))
    }
}

fn attempt(ready: &mut bool, mut call: impl FnMut() -> io::Result<usize>) -> Option<io::Result<usize>> {
    while *ready {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => *ready = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Some(result),
        }
    }
    None
}
