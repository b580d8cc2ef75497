//! A server on tokio's sockets: one task for each connection.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use mms_core::server::{Accepted, Config, Connection, Event, Step, Storage};
use mms_media::{Answer, Clock, Ended, Gate, GateLimits, Host, IoLimits, Permit, Question};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Sleep;

use crate::client::poll_io;

/// Slices of one vectored write.
const SLICES: usize = 64;
/// Turns without progress after which a connection is taken for broken.
const IDLE_TURNS: u32 = 1000;
/// Turns of one connection before others get their turn.
const BUDGET: u32 = 32;

/// Wait after the system had no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Settings of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Settings of each connection.
    pub connection: Config,
    /// Connections in all and of one address.
    pub gate: GateLimits,
    /// How long connections may take to end in order when the server goes down.
    pub shut_down: Duration,
    /// Most bytes of one read and one write.
    pub io: IoLimits,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            connection: Config::default(),
            gate: GateLimits::default(),
            shut_down: Duration::from_secs(5),
            io: IoLimits::default(),
        }
    }
}

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
        let gate = Gate::new(options.gate);
        let (going_down, watch) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&listeners) => accepted,
                Some(_) = tasks.join_next() => continue,
            };
            match accepted {
                Ok((stream, peer)) => match gate.admit(peer.ip()) {
                    Ok(permit) => {
                        let task = Task::new(stream, peer, host.clone(), &options, permit, watch.clone());
                        if let Some(task) = task {
                            tasks.spawn(task.run());
                        }
                    }
                    Err(full) => tracing::warn!(%peer, "refused: {full}"),
                },
                Err(error) => {
                    // out of descriptors, most likely: others have to end first
                    tracing::warn!(%error, "accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listeners);
        going_down.send_replace(true);
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(options.shut_down, all).await.is_err() {
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

type Job<H> = JoinHandle<(H, Answer<<H as Host>::Packets>)>;

struct Task<H: Host> {
    driver: Connection<Vec<u8>, H::Packets>,
    stream: TcpStream,
    peer: SocketAddr,
    host: Option<H>,
    job: Option<Job<H>>,
    clock: Clock,
    sleep: Pin<Box<Sleep>>,
    limits: IoLimits,
    shut_down: Pin<Box<dyn Future<Output = ()> + Send>>,
    going_down: bool,
    idle_turns: u32,
    _permit: Permit,
}

impl<H: Host> Task<H> {
    fn new(
        stream: TcpStream,
        peer: SocketAddr,
        host: H,
        options: &ServerOptions,
        permit: Permit,
        mut watch: watch::Receiver<bool>,
    ) -> Option<Self> {
        let clock = Clock::start();
        let storage = Storage {
            receive: vec![0; Connection::<Vec<u8>, H::Packets>::RECEIVE_BYTES],
            send: vec![0; Connection::<Vec<u8>, H::Packets>::SEND_BYTES],
        };
        let accepted = Accepted { peer, random: mms_media::random().ok()? };
        let driver = Connection::new(options.connection.clone(), storage, accepted, clock.now()).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self {
            driver,
            stream,
            peer,
            host: Some(host),
            job: None,
            clock,
            sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            limits: options.io,
            shut_down: Box::pin(async move {
                // an error means that the server is gone, which is the same
                let _ = watch.wait_for(|going_down| *going_down).await;
            }),
            going_down: false,
            idle_turns: 0,
            _permit: permit,
        })
    }

    async fn run(mut self) {
        poll_fn(|cx| self.poll_drive(cx)).await;
        let duration = self.clock.now().since(Clock::ORIGIN);
        if let Some(job) = self.job.take() {
            self.host = job.await.ok().map(|(host, _)| host);
        }
        if let Some(host) = &mut self.host {
            host.ended(&Ended { peer: self.peer, duration, report: self.driver.report() });
        }
    }

    fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.going_down && self.shut_down.as_mut().poll(cx).is_ready() {
            self.going_down = true;
            self.driver.shut_down(self.clock.now());
        }
        for _ in 0..BUDGET {
            match self.driver.step(self.clock.now()) {
                Step::Event => {
                    if let (Some(Event::ClientLog(log)), Some(host)) = (self.driver.event(), &mut self.host) {
                        host.client_log(&log);
                    }
                }
                Step::Storage { needed } => {
                    self.driver.replace_storage(vec![0; needed.next_power_of_two()]);
                }
                Step::Wait { read, write, until } => {
                    let answered = self.poll_wishes(cx);
                    if self.poll_socket(cx, read, write) || answered {
                        self.idle_turns = 0;
                        continue;
                    }
                    self.sleep.as_mut().reset(self.clock.at(until).into());
                    if self.sleep.as_mut().poll(cx).is_pending() {
                        self.idle_turns = 0;
                        return Poll::Pending;
                    }
                    self.idle_turns += 1;
                    if self.idle_turns > IDLE_TURNS {
                        self.driver.no_progress();
                    }
                }
                Step::Done => return Poll::Ready(()),
            }
        }
        // others get their turn
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Hands out wishes to a thread that may block; whether an answer came.
    fn poll_wishes(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(mut host) = self.host.take() {
            let Some(wish) = self.driver.next_wish() else {
                self.host = Some(host);
                return false;
            };
            let question = Question::new(&wish, self.peer);
            self.job = Some(tokio::task::spawn_blocking(move || {
                let answer = host.answer(question);
                (host, answer)
            }));
        }
        let Some(job) = &mut self.job else { return false };
        let Poll::Ready(result) = Pin::new(job).poll(cx) else { return false };
        self.job = None;
        match result {
            Ok((host, answer)) => {
                self.host = Some(host);
                answer.give(&mut self.driver, self.clock.now());
            }
            // the host panicked; its connection ends
            Err(_) => self.driver.connection_failed(),
        }
        true
    }

    fn poll_socket(&mut self, cx: &mut Context<'_>, read: bool, write: bool) -> bool {
        let Self { driver, stream, limits, .. } = self;
        let mut moved = false;
        if read {
            let space = driver.space();
            let most = space.len().min(limits.read);
            let result = poll_io(|| stream.poll_read_ready(cx), || stream.try_read(&mut space[..most]));
            moved |= result.is_ready();
            match result {
                Poll::Ready(Ok(0)) => driver.end_of_stream(),
                Poll::Ready(Ok(count)) => driver.filled(count),
                Poll::Ready(Err(_)) => driver.connection_failed(),
                Poll::Pending => {}
            }
        }
        if write {
            let mut slices = [&[][..]; SLICES];
            let used = driver.pending(&mut slices);
            let used = limits.cut(&mut slices[..used]);
            let slices = slices.map(IoSlice::new);
            let result =
                poll_io(|| stream.poll_write_ready(cx), || stream.try_write_vectored(&slices[..used]));
            moved |= result.is_ready();
            match result {
                Poll::Ready(Ok(count)) => driver.written(self.clock.now(), count),
                Poll::Ready(Err(_)) => driver.connection_failed(),
                Poll::Pending => {}
            }
        }
        moved
    }
}
