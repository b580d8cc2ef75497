//! Names to addresses, on a thread of its own.

use core::net::SocketAddr;
use core::task::Poll;
use std::collections::VecDeque;
use std::io;
use std::net::ToSocketAddrs as _;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// A name that is being resolved, for callers without a pool of threads that may block.
#[derive(Debug)]
pub struct Resolving(Receiver<io::Result<VecDeque<SocketAddr>>>);

impl Resolving {
    /// Begins; `wake` is called on another thread when it is done. That thread may outlive this.
    pub fn start(host: &str, port: u16, wake: impl FnOnce() + Send + 'static) -> Self {
        let host = host.to_owned();
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let addresses = (host, port).to_socket_addrs();
            // if nobody listens any more, nobody waits
            let _ = sender.send(addresses.map(Iterator::collect));
            wake();
        });
        Self(receiver)
    }

    /// The addresses, once.
    pub fn poll(&self) -> Poll<io::Result<VecDeque<SocketAddr>>> {
        match self.0.try_recv() {
            Ok(addresses) => Poll::Ready(addresses),
            Err(TryRecvError::Empty) => Poll::Pending,
            Err(TryRecvError::Disconnected) => Poll::Ready(Ok(VecDeque::new())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_resolves_to_itself_and_wakes() {
        let (sender, woken) = channel();
        let resolving = Resolving::start("127.0.0.1", 1755, move || sender.send(()).unwrap());
        woken.recv().unwrap();
        let Poll::Ready(Ok(addresses)) = resolving.poll() else { panic!("it woke too early") };
        assert_eq!(addresses, [SocketAddr::from(([127, 0, 0, 1], 1755))]);
    }
}
