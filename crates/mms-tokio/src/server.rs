//! A server on tokio's sockets: one task for each connection.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::{Pin, pin};
use core::task::Context;
use core::time::Duration;
use std::io;
use std::time::Instant;

use mms_media::Host;
use mms_media::adapter::{Answered, Doors, Listeners, ServerOptions, Session, answer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use crate::socket::{Datagrams, Socket};

type Job<H> = Pin<Box<dyn Future<Output = Answered<H>> + Send>>;

/// Listens, and serves what a host publishes.
#[derive(Debug)]
pub struct Server {
    listeners: Listeners<TcpListener>,
    options: ServerOptions,
}

impl Server {
    /// Listens on these addresses; port 0 takes a free one.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub fn bind(addresses: &[SocketAddr], options: ServerOptions) -> io::Result<Self> {
        let listeners = Listeners::bind(addresses, options.udp, TcpListener::from_std)?;
        Ok(Self { listeners, options })
    }

    /// The addresses that are listened on.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(self.listeners.addresses().to_vec())
    }

    /// Serves until `stop` is ready; then connections end in order, within the time set for it.
    pub async fn serve<H: Host>(self, host: H, stop: impl Future<Output = ()>) {
        let Self { listeners, options } = self;
        let shut_down = options.shut_down;
        let doors = Doors::new(options, host);
        let (going_down, watch) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut routers = JoinSet::new();
        for port in listeners.udp() {
            routers.spawn(port.clone().run(Datagrams::new));
        }
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                (stream, peer, udp) = listeners.next(TcpListener::poll_accept, sleep) => {
                    if let (Some(session), Ok(socket)) = (doors.admit(peer, udp), Socket::new(stream)) {
                        tasks.spawn(run(session, socket, watch.clone()));
                    }
                }
                Some(_) = tasks.join_next() => {}
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

async fn run<H: Host>(session: Box<Session<H, Job<H>>>, socket: Socket, mut watch: watch::Receiver<bool>) {
    let mut timer = pin!(sleep(Duration::ZERO));
    let sleep = |cx: &mut Context<'_>, until: Instant| {
        timer.as_mut().reset(until.into());
        timer.as_mut().poll(cx)
    };
    let shut_down = async move {
        // an error means that the server is gone, which is the same
        let _ = watch.wait_for(|going_down| *going_down).await;
    };
    let ask = |host, question| -> Job<H> {
        let job = spawn_blocking(move || answer(host, question));
        // an error means that the runtime is going down
        Box::pin(async { job.await.unwrap_or_else(|error| Err(Box::new(error))) })
    };
    session.run(socket, shut_down, sleep, ask).await;
}
