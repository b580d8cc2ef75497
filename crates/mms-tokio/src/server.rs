//! A server on tokio's sockets: one task for each connection.

use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use std::io;

use mms_media::Host;
use mms_media::adapter::{ACCEPT_PAUSE, Answered, Doors, ServerOptions, Session, Turn, answer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use crate::socket::Socket;

type Job<H> = Pin<Box<dyn Future<Output = Answered<H>> + Send>>;

/// Listens, and serves what a host publishes.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    options: ServerOptions,
}

impl Server {
    /// Listens on these addresses; port 0 takes a free one.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub fn bind(addresses: &[SocketAddr], options: ServerOptions) -> io::Result<Self> {
        let listen = |address: &SocketAddr| TcpListener::from_std(mms_media::listen(*address)?);
        let listeners = addresses.iter().map(listen).collect::<io::Result<_>>()?;
        Ok(Self { listeners, options })
    }

    /// The addresses that are listened on.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// Serves until `stop` is ready; then connections end in order, within the time set for it.
    pub async fn serve<H: Host>(self, host: H, stop: impl Future<Output = ()>) {
        let Self { listeners, options } = self;
        let shut_down = options.shut_down;
        let doors = Doors::new(options, host);
        let (going_down, watch) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&listeners) => accepted,
                Some(_) = tasks.join_next() => continue,
            };
            match accepted {
                Ok((stream, peer)) => {
                    if let (Some(session), Ok(socket)) = (doors.admit(peer), Socket::new(stream)) {
                        tasks.spawn(run(session, socket, watch.clone()));
                    }
                }
                Err(error) => {
                    // out of descriptors, most likely: others have to end first
                    tracing::warn!(%error, "accept");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listeners);
        going_down.send_replace(true);
        let all = async { while tasks.join_next().await.is_some() {} };
        if timeout(shut_down, all).await.is_err() {
            tracing::warn!("connections did not end in time");
        }
    }
}

/// The next connection of any listener.
async fn accept(listeners: &[TcpListener]) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|cx| {
        for listener in listeners {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    })
    .await
}

async fn run<H: Host>(
    mut session: Box<Session<H, Job<H>>>,
    mut socket: Socket,
    mut watch: watch::Receiver<bool>,
) {
    let mut timer = pin!(sleep(Duration::ZERO));
    let mut shut_down = pin!(async move {
        // an error means that the server is gone, which is the same
        let _ = watch.wait_for(|going_down| *going_down).await;
    });
    let mut going_down = false;
    let ask = |host, question| -> Job<H> {
        let job = spawn_blocking(move || answer(host, question));
        // an error means that the runtime is going down
        Box::pin(async { job.await.unwrap_or_else(|error| Err(Box::new(error))) })
    };
    poll_fn(|cx| {
        if !going_down && shut_down.as_mut().poll(cx).is_ready() {
            going_down = true;
            session.shut_down();
        }
        match session.turn(cx, &mut socket, ask) {
            Turn::Over => return Poll::Ready(()),
            Turn::Sleep(until) => {
                timer.as_mut().reset(session.clock().at(until).into());
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
