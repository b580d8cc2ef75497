//! The core without the feature `http`: what speaks HTTP is told so, and nothing else changes.
#![cfg(not(feature = "http"))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use mms_core::client::{Client, Options, Transport};
use mms_core::error::{Error, Misuse, Reason};
use mms_core::server::{self, Accepted, Config, Connection, Outcome};
use mms_core::time::Instant;

fn client(url: &str) -> Result<Client<Vec<u8>>, Error> {
    let storage = mms_core::client::Storage { receive: vec![0; 4096], send: vec![0; 4096] };
    Client::new(url, Options::default(), storage)
}

#[test]
fn a_url_of_http_has_no_transport() {
    for url in ["http://server/film.wmv", "mmsh://server/film.wmv"] {
        assert_eq!(client(url).err(), Some(Error::ApiMisuse(Misuse::NoTransport)), "{url}");
    }
}

#[test]
fn a_url_of_mms_does_not_lead_to_http() {
    let client = client("mms://server/film.wmv").unwrap();
    let transports: Vec<_> = client.attempts().map(|attempt| attempt.transport).collect();
    assert_eq!(transports, [Transport::Tcp]);
}

#[test]
fn a_server_closes_a_connection_that_speaks_http() {
    type Server<'a> = Connection<Vec<u8>, &'a [u8]>;
    let storage = server::Storage { receive: vec![0; 4096], send: vec![0; Server::SEND_BYTES] };
    let accepted = Accepted { peer: "192.0.2.1:50000".parse().unwrap(), random: [7; 16] };
    let mut server = Server::new(Config::default(), storage, accepted, Instant::ZERO).unwrap();
    let request = b"GET / HTTP/1.1\r\n\r\n";
    assert!(matches!(server.step(Instant::ZERO), server::Step::Wait { read: true, .. }));
    server.space()[..request.len()].copy_from_slice(request);
    server.filled(request.len());
    assert_eq!(server.step(Instant::ZERO), server::Step::Done);
    let error = Error::InvalidMessage { reason: Reason::SessionId, offset: 4 };
    assert_eq!(server.report().outcome, Outcome::Failed(error));
}
