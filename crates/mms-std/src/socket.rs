//! Sockets that remember whether they may be ready, and one that is to be connected.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read as _, Write as _};

use mio::event::Event;
use mio::net::{TcpStream, UdpSocket};
use mio::{Interest, Registry, Token};
use mms_core::client::{SocketId, Wanted};
use mms_media::adapter::{self, Resolving, Stream, poll_io};

use crate::bell::Bell;

/// Readiness is told once for each change; it holds until a call would block.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    readable: bool,
    writable: bool,
    /// of a client, for its UDP socket
    registry: Option<Registry>,
}

impl Socket {
    pub(crate) fn new(mut stream: TcpStream, registry: &Registry, token: Token) -> io::Result<Self> {
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, readable: false, writable: false, registry: None })
    }

    /// Notes what the system says about readiness.
    pub(crate) fn note(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
    }

    /// After a connect began.
    fn poll_connected(&self) -> Poll<io::Result<()>> {
        if !self.writable {
            return Poll::Pending;
        }
        match self.stream.take_error() {
            Ok(Some(error)) | Err(error) => return Poll::Ready(Err(error)),
            Ok(None) => {}
        }
        match self.stream.peer_addr() {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Pending,
            result => Poll::Ready(result.and_then(|_| self.stream.set_nodelay(true))),
        }
    }
}

/// The same for a UDP socket, of which only receiving waits.
#[derive(Debug)]
pub(crate) struct Datagrams {
    socket: UdpSocket,
    readable: bool,
}

impl Datagrams {
    pub(crate) fn new(socket: std::net::UdpSocket, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut socket = UdpSocket::from_std(socket);
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self { socket, readable: true })
    }

    pub(crate) fn note(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_error();
    }
}

impl adapter::Datagrams for Datagrams {
    fn try_recv_from(&mut self, space: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        if self.readable { self.socket.recv_from(space) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.readable = false;
        Poll::Pending
    }

    fn try_send_to(&mut self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.socket.send_to(datagram, to)
    }
}

impl Stream for Socket {
    type Datagrams = Datagrams;

    fn datagrams(&self, socket: std::net::UdpSocket) -> io::Result<Datagrams> {
        let registry = self.registry.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        Datagrams::new(socket, registry, Token(SocketId::MEDIA.index()))
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    fn poll_read(&mut self, _: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_if(&mut self.readable, || self.stream.read(space))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        poll_if(&mut self.writable, || self.stream.write_vectored(slices))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }
}

fn poll_if(is_ready: &mut bool, call: impl FnMut() -> io::Result<usize>) -> Poll<io::Result<usize>> {
    if !*is_ready {
        return Poll::Pending;
    }
    poll_io(call, || {
        *is_ready = false;
        Poll::Pending
    })
}

/// A socket that is to be connected, to one of the addresses of a name.
#[derive(Debug)]
pub(crate) struct Connecting {
    registry: io::Result<Registry>,
    token: Token,
    resolving: Option<Resolving>,
    addresses: VecDeque<SocketAddr>,
    socket: Option<Socket>,
    failed: Option<io::Error>,
}

impl Connecting {
    /// Resolves the name on a thread of its own, which may outlive its use.
    pub(crate) fn new(wanted: Wanted<'_>, registry: io::Result<Registry>, token: Token, bell: Bell) -> Self {
        let resolving = Some(Resolving::start(wanted.host, wanted.port, move || bell.wake()));
        Self { registry, token, resolving, addresses: VecDeque::new(), socket: None, failed: None }
    }

    pub(crate) fn note(&mut self, event: &Event) {
        if let Some(socket) = &mut self.socket {
            socket.note(event);
        }
    }
}

impl Future for Connecting {
    type Output = io::Result<Socket>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        let this = &mut *self;
        if let Some(resolving) = &this.resolving {
            this.addresses = ready!(resolving.poll())?;
            this.resolving = None;
        }
        loop {
            if let Some(socket) = &this.socket {
                let result = ready!(socket.poll_connected());
                match (result, this.socket.take()) {
                    (Ok(()), Some(mut socket)) => {
                        socket.registry = this.registry.as_ref().ok().and_then(|all| all.try_clone().ok());
                        return Poll::Ready(Ok(socket));
                    }
                    (result, _) => this.failed = result.err(),
                }
            }
            let Some(address) = this.addresses.pop_front() else {
                let failed = this.failed.take();
                return Poll::Ready(Err(failed.unwrap_or_else(|| io::ErrorKind::NotFound.into())));
            };
            let registry = match &this.registry {
                Ok(registry) => registry,
                Err(error) => return Poll::Ready(Err(error.kind().into())),
            };
            match TcpStream::connect(address).and_then(|stream| Socket::new(stream, registry, this.token)) {
                Ok(socket) => this.socket = Some(socket),
                Err(error) => this.failed = Some(error),
            }
        }
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
        let poll = mio::Poll::new().unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut socket = Socket::new(stream, poll.registry(), Token(0)).unwrap();
        socket.writable = true;
        // a connection on loopback is there when the system says so
        let mut cx = Context::from_waker(Waker::noop());
        let slices = [b"head", b"body"].map(|bytes| IoSlice::new(bytes));
        assert_eq!(socket.poll_write(&mut cx, &slices).map(Result::unwrap), Poll::Ready(8));
    }
}
