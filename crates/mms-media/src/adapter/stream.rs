//! Sockets as the drivers' turns see them.

use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};

use crate::IoLimits;

/// A connected TCP socket of a runtime, tried without blocking.
///
/// `Pending` means that the context's task is woken, or the next turn made, when it is worth trying again.
pub trait Stream {
    /// Reads once.
    fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes once, several slices with one call of the system.
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// The address of our end.
    ///
    /// # Errors
    /// If the system does not tell.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// Tries until it works, fails, or the socket is not ready and the task is registered.
pub fn poll_io<T>(
    mut io: impl FnMut() -> io::Result<T>,
    mut ready: impl FnMut() -> Poll<io::Result<()>>,
) -> Poll<io::Result<T>> {
    loop {
        match io() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => match ready() {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Poll::Ready(result),
        }
    }
}

/// One read of at most the limit; `None` if the socket is not ready.
pub(super) fn read<S: Stream>(
    stream: &mut S,
    cx: &mut Context<'_>,
    space: &mut [u8],
    limits: IoLimits,
) -> Option<io::Result<usize>> {
    let most = space.len().min(limits.read);
    ready(stream.poll_read(cx, &mut space[..most]))
}

/// One vectored write of at most the limit; `None` if the socket is not ready. The slices may be cut.
pub(super) fn write<S: Stream, const N: usize>(
    stream: &mut S,
    cx: &mut Context<'_>,
    mut slices: [&[u8]; N],
    used: usize,
    limits: IoLimits,
) -> Option<io::Result<usize>> {
    let used = limits.cut(&mut slices[..used]);
    let slices = slices.map(IoSlice::new);
    ready(stream.poll_write(cx, &slices[..used]))
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
