//! The adapter suite on blocking calls.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use core::net::SocketAddr;
use std::io::{self, Read as _};
use std::thread;

use mms_core::error::Error;
use mms_media::Host;
use mms_std::{Client, Server, ServerOptions};
use mms_testkit::suite::{Adapter, Fetching, See, Serving};

struct Std;

fn client(fetching: Fetching) -> Result<Client, Error> {
    let client = Client::new(&fetching.url, fetching.options)?;
    Ok(client.with_io_limits(fetching.io).with_clock(fetching.clock))
}

impl Adapter for Std {
    const NAME: &'static str = "mms-std";

    fn serve<H: Host>(host: H, options: ServerOptions) -> Serving {
        let server = Server::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))], options).unwrap();
        let (address, stopper) = (server.local_addrs().unwrap()[0], server.stopper());
        let thread = thread::spawn(move || server.serve(host).unwrap());
        Serving {
            address,
            stop: Some(Box::new(move || stopper.stop())),
            abort: None,
            join: Some(Box::new(move || thread.join().unwrap())),
        }
    }

    fn fetch(fetching: Fetching, see: See<'_>) -> Result<(), Error> {
        let mut client = client(fetching)?;
        while client.next()?.is_some() {
            see(client.driver());
        }
        Ok(())
    }

    fn read(fetchings: Vec<Fetching>) -> Vec<io::Result<Vec<u8>>> {
        let read = |fetching| {
            let mut bytes = Vec::new();
            client(fetching).map_err(io::Error::other)?.into_reader().read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        thread::scope(|scope| {
            let threads: Vec<_> =
                fetchings.into_iter().map(|fetching| scope.spawn(move || read(fetching))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }
}

mms_testkit::adapter_suite!(Std);
