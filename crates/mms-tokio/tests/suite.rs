//! The adapter suite on tokio.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::pin;
use std::io;

use mms_core::error::Error;
use mms_media::Host;
use mms_testkit::suite::{Adapter, Fetching, See, Serving};
use mms_tokio::{Client, Server, ServerOptions};
use tokio::io::AsyncReadExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

struct Tokio;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn client(fetching: Fetching) -> Result<Client, Error> {
    let client = Client::new(&fetching.url, fetching.options)?;
    Ok(client.with_io_limits(fetching.io).with_clock(fetching.clock))
}

async fn read(fetching: Fetching) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    client(fetching).map_err(io::Error::other)?.into_reader().read_to_end(&mut bytes).await?;
    Ok(bytes)
}

impl Adapter for Tokio {
    const NAME: &'static str = "mms-tokio";

    fn serve<H: Host>(host: H, options: ServerOptions) -> Serving {
        let runtime = runtime();
        let server = {
            let _context = runtime.enter();
            Server::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))], options).unwrap()
        };
        let address = server.local_addrs().unwrap()[0];
        let (stop, stopped) = oneshot::channel::<()>();
        let task = runtime.spawn(server.serve(host, async move {
            // a sender that is dropped stops the server, too
            let _ = stopped.await;
        }));
        let abort = task.abort_handle();
        Serving {
            address,
            stop: Some(Box::new(move || drop(stop))),
            abort: Some(Box::new(move || abort.abort())),
            join: Some(Box::new(move || {
                let result = runtime.block_on(task);
                assert!(
                    result.as_ref().is_ok_and(|()| true) || result.is_err_and(|error| error.is_cancelled())
                );
            })),
        }
    }

    fn fetch(fetching: Fetching, see: See<'_>) -> Result<(), Error> {
        runtime().block_on(async {
            let mut client = client(fetching)?;
            while client.next().await?.is_some() {
                see(client.driver());
            }
            Ok(())
        })
    }

    fn read(fetchings: Vec<Fetching>) -> Vec<io::Result<Vec<u8>>> {
        let runtime = runtime();
        let tasks: Vec<_> = fetchings.into_iter().map(|fetching| runtime.spawn(read(fetching))).collect();
        tasks.into_iter().map(|task| runtime.block_on(task).unwrap()).collect()
    }

    fn fetch_dropping(
        fetching: Fetching,
        see: See<'_>,
        dropped: &mut dyn FnMut(),
    ) -> Option<Result<(), Error>> {
        Some(runtime().block_on(async {
            let mut client = client(fetching)?;
            while poll_fn(|cx| {
                let next = pin!(client.next()).poll(cx).map(|event| event.map(|event| event.is_some()));
                if next.is_pending() {
                    dropped();
                }
                next
            })
            .await?
            {
                see(client.driver());
            }
            Ok(())
        }))
    }

    fn read_dropping(fetching: Fetching, dropped: &mut dyn FnMut()) -> Option<io::Result<Vec<u8>>> {
        Some(runtime().block_on(async {
            let mut reader = client(fetching).map_err(io::Error::other)?.into_reader();
            let (mut bytes, mut part) = (Vec::new(), [0; 100]);
            loop {
                let count = poll_fn(|cx| {
                    let read = pin!(reader.read(&mut part)).poll(cx);
                    if read.is_pending() {
                        dropped();
                    }
                    read
                });
                match count.await? {
                    0 => return Ok(bytes),
                    count => bytes.extend_from_slice(&part[..count]),
                }
            }
        }))
    }
}

mms_testkit::adapter_suite!(Tokio);
