//! A server on async-io's sockets: one task for each connection, on an executor of its own.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::pin;
use core::task::{Context, Poll};
use std::io;
use std::net::{TcpListener, TcpStream};

use async_executor::Executor;
use async_io::{Async, Timer};
use blocking::{Task, unblock};
use event_listener::{Event, EventListener};
use futures_lite::future::{or, yield_now};
use mms_media::Host;
use mms_media::adapter::{ACCEPTS, Answered, Doors, Listeners, ServerOptions, Session, answer, poll_io};

use crate::socket::{Datagrams, Socket};

type Job<H> = Task<Answered<H>>;

/// Listens, and serves what a host publishes.
#[derive(Debug)]
pub struct Server {
    listeners: Listeners<Async<TcpListener>>,
    options: ServerOptions,
}

impl Server {
    /// Listens on these addresses; port 0 takes a free one.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub fn bind(addresses: &[SocketAddr], options: ServerOptions) -> io::Result<Self> {
        let listeners = Listeners::bind(addresses, options.udp, Async::try_from)?;
        Ok(Self { listeners, options })
    }

    /// The addresses that are listened on.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(self.listeners.addresses().to_vec())
    }

    /// Serves until `stop` is ready; then connections end in order, within the time set for it. Connections
    /// run on the threads that poll this future, and end when it is dropped.
    pub async fn serve<H: Host>(self, host: H, stop: impl Future<Output = ()>) {
        let Self { listeners, options } = self;
        let shut_down = options.shut_down;
        let doors = Doors::new(options, host);
        let (going_down, ended) = (Event::new(), Event::new());
        let executor = Executor::new();
        for port in listeners.udp() {
            executor.spawn(port.clone().run(Datagrams::new)).detach();
        }
        let accepting = async {
            loop {
                for _ in 0..ACCEPTS {
                    let (stream, peer, udp) = listeners.next(poll_accept, Timer::after).await;
                    if let (Some(session), Ok(socket)) = (doors.admit(peer, udp), Socket::new(stream)) {
                        let (shut_down, ended) = (going_down.listen(), &ended);
                        let session = async move {
                            run(session, socket, shut_down).await;
                            ended.notify(usize::MAX);
                        };
                        executor.spawn(session).detach();
                    }
                }
                // others get their turn, however fast clients come
                yield_now().await;
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

type Accepted = (Async<TcpStream>, SocketAddr);

fn poll_accept(listener: &Async<TcpListener>, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
    let accepted = poll_io(|| listener.get_ref().accept(), || listener.poll_readable(cx));
    accepted.map(|accepted| accepted.and_then(|(stream, peer)| Ok((Async::new(stream)?, peer))))
}

async fn run<H: Host>(session: Box<Session<H, Job<H>>>, socket: Socket, shut_down: EventListener) {
    let mut timer = pin!(Timer::never());
    let sleep = |cx: &mut Context<'_>, until| {
        timer.as_mut().set_at(until);
        timer.as_mut().poll(cx).map(drop)
    };
    session.run(socket, shut_down, sleep, |host, question| unblock(move || answer(host, question))).await;
}
