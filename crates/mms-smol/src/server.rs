//! A server on async-io's sockets: one task for each connection, on an executor of its own.

use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::{Pin, pin};
use core::task::Poll;
use std::io;
use std::net::{TcpListener, TcpStream};

use async_executor::Executor;
use async_io::{Async, Timer};
use blocking::{Task, unblock};
use event_listener::{Event, EventListener};
use futures_lite::future::or;
use mms_media::Host;
use mms_media::adapter::{ACCEPT_PAUSE, Answered, Doors, ServerOptions, Session, Turn, answer, poll_io};

use crate::socket::Socket;

type Job<H> = Task<Answered<H>>;

/// Listens, and serves what a host publishes.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Async<TcpListener>>,
    options: ServerOptions,
}

impl Server {
    /// Listens on these addresses; port 0 takes a free one.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub fn bind(addresses: &[SocketAddr], options: ServerOptions) -> io::Result<Self> {
        let listen = |address: &SocketAddr| Async::try_from(mms_media::listen(*address)?);
        let listeners = addresses.iter().map(listen).collect::<io::Result<_>>()?;
        Ok(Self { listeners, options })
    }

    /// The addresses that are listened on.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(|listener| listener.get_ref().local_addr()).collect()
    }

    /// Serves until `stop` is ready; then connections end in order, within the time set for it. Connections
    /// run on the threads that poll this future, and end when it is dropped.
    pub async fn serve<H: Host>(self, host: H, stop: impl Future<Output = ()>) {
        let Self { listeners, options } = self;
        let shut_down = options.shut_down;
        let doors = Doors::new(options, host);
        let (going_down, ended) = (Event::new(), Event::new());
        let executor = Executor::new();
        let accepting = async {
            loop {
                match accept(&listeners).await {
                    Ok((stream, peer)) => {
                        if let (Some(session), Ok(socket)) = (doors.admit(peer), Socket::new(stream)) {
                            let (shut_down, ended) = (going_down.listen(), &ended);
                            let session = async move {
                                run(session, socket, shut_down).await;
                                ended.notify(usize::MAX);
                            };
                            executor.spawn(session).detach();
                        }
                    }
                    Err(error) => {
                        // out of descriptors, most likely: others have to end first
                        tracing::warn!(%error, "accept");
                        Timer::after(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        executor.run(or(stop, accepting)).await;
        drop(listeners);
        going_down.notify(usize::MAX);
        let all = async {
            loop {
                let one = ended.listen();
                if doors.open() == 0 {
                    return;
                }
                one.await;
            }
        };
        let late = async {
            Timer::after(shut_down).await;
            tracing::warn!("connections did not end in time");
        };
        executor.run(or(all, late)).await;
    }
}

/// The next connection of any listener.
async fn accept(listeners: &[Async<TcpListener>]) -> io::Result<(Async<TcpStream>, SocketAddr)> {
    poll_fn(|cx| {
        for listener in listeners {
            let accepted = poll_io(|| listener.get_ref().accept(), || listener.poll_readable(cx));
            if let Poll::Ready(accepted) = accepted {
                return Poll::Ready(accepted.and_then(|(stream, peer)| Ok((Async::new(stream)?, peer))));
            }
        }
        Poll::Pending
    })
    .await
}

async fn run<H: Host>(
    mut session: Box<Session<H, Job<H>>>,
    mut socket: Socket,
    mut shut_down: EventListener,
) {
    let mut timer = pin!(Timer::never());
    let mut going_down = false;
    poll_fn(|cx| {
        if !going_down && Pin::new(&mut shut_down).poll(cx).is_ready() {
            going_down = true;
            session.shut_down();
        }
        match session.turn(cx, &mut socket, |host, question| unblock(move || answer(host, question))) {
            Turn::Over => return Poll::Ready(()),
            Turn::Sleep(until) => {
                timer.as_mut().set_at(session.clock().at(until));
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
            Turn::Yield => {}
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
