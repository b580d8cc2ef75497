//! The adapter suite on smol.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::pin;
use std::io;
use std::thread;

use async_executor::Executor;
use event_listener::Event;
use futures_lite::AsyncReadExt as _;
use futures_lite::future::{block_on, or};
use mms_core::error::Error;
use mms_media::Host;
use mms_smol::{Client, Server, ServerOptions};
use mms_testkit::suite::{Adapter, Fetching, See, Serving};

struct Smol;

fn client(fetching: Fetching) -> Result<Client, Error> {
    let client = Client::new(&fetching.url, fetching.options)?;
    Ok(client.with_io_limits(fetching.io).with_clock(fetching.clock))
}

async fn read(fetching: Fetching) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    client(fetching).map_err(io::Error::other)?.into_reader().read_to_end(&mut bytes).await?;
    Ok(bytes)
}

impl Adapter for Smol {
    const NAME: &'static str = "mms-smol";

    fn serve<H: Host>(host: H, options: ServerOptions) -> Serving {
        let server = Server::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))], options).unwrap();
        let address = server.local_addrs().unwrap()[0];
        let (stop, abort) = (Event::new(), Event::new());
        let (stopped, aborted) = (stop.listen(), abort.listen());
        let thread = thread::spawn(move || block_on(or(server.serve(host, stopped), aborted)));
        Serving {
            address,
            stop: Some(Box::new(move || {
                stop.notify(usize::MAX);
            })),
            abort: Some(Box::new(move || {
                abort.notify(usize::MAX);
            })),
            join: Some(Box::new(move || thread.join().unwrap())),
        }
    }

    fn fetch(fetching: Fetching, see: See<'_>) -> Result<(), Error> {
        block_on(async {
            let mut client = client(fetching)?;
            while client.next().await?.is_some() {
                see(client.driver());
            }
            Ok(())
        })
    }

    fn read(fetchings: Vec<Fetching>) -> Vec<io::Result<Vec<u8>>> {
        let executor = Executor::new();
        let tasks: Vec<_> = fetchings.into_iter().map(|fetching| executor.spawn(read(fetching))).collect();
        block_on(executor.run(async {
            let mut results = Vec::new();
            for task in tasks {
                results.push(task.await);
            }
            results
        }))
    }

    fn fetch_dropping(
        fetching: Fetching,
        see: See<'_>,
        dropped: &mut dyn FnMut(),
    ) -> Option<Result<(), Error>> {
        Some(block_on(async {
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
        Some(block_on(async {
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

mms_testkit::adapter_suite!(Smol);
