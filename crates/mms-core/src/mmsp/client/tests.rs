use std::{eprintln, vec, vec::Vec};

use super::*;
use crate::error::{Error, Misuse};
use crate::mmsp::wire::{Message, TcpMessageHeader};
use crate::time::Instant;

const TARGET: Target<'_> = Target { host: "h", path: "a.wmv", url: "mms://h/a.wmv" };

#[test]
fn the_state_of_a_session_is_small() {
    eprintln!("client session: {} bytes, driver without storage: {} bytes", size_of::<Session>(), {
        size_of::<crate::client::Client<[u8; 0]>>()
    });
    assert!(size_of::<Session>() <= 2560);
    assert!(size_of::<crate::client::Client<[u8; 0]>>() <= 8448);
    assert!(size_of::<crate::client::Step>() <= 24);
}

#[test]
fn output_that_does_not_fit_is_not_lost() {
    let mut session = Session::new(Config::default());
    let mut out = vec![0; 4096];
    let needed = session.poll_transmit(Instant::ZERO, &TARGET, &mut out[..10]).unwrap_err().needed;
    assert!(session.wants_transmit());
    assert!(session.poll_transmit(Instant::ZERO, &TARGET, &mut out[..needed - 1]).is_err());
    assert_eq!(session.poll_transmit(Instant::ZERO, &TARGET, &mut out[..needed]), Ok(Some(needed)));
    assert_eq!(session.poll_transmit(Instant::ZERO, &TARGET, &mut out), Ok(None));
    assert!(matches!(Message::decode(&out[TcpMessageHeader::LEN..]), Ok((Message::Connect(_), _))));
}

#[test]
fn an_error_is_returned_again_by_each_later_call() {
    let mut session = Session::new(Config::default());
    let bytes = [0xFF; 64];
    let _ = session.handle_input(Instant::ZERO, &[&[0, 0, 0, 0, 1, 4, 3, 0][..], &bytes].concat());
    let error = session.error().unwrap();
    assert_eq!(session.handle_input(Instant::ZERO, &bytes), Err(error));
    assert_eq!(session.handle_timeout(Instant::MAX), Err(error));
    assert!(session.is_closed() && session.poll_timeout() == Instant::MAX);
    assert_eq!(session.play(Play::all()), Err(Error::ApiMisuse(Misuse::WrongState)));
}

#[test]
fn less_input_than_was_there_before_waits_for_the_rest() {
    let mut session = Session::new(Config::default());
    let ping: Vec<u8> = {
        let mut out = vec![0; 64];
        let len = crate::mmsp::wire::encode_packet(&Message::Ping, 0, &mut out).unwrap();
        out.truncate(len);
        out
    };
    let head = session.handle_input(Instant::ZERO, &ping).unwrap();
    assert_eq!(head.consumed, TcpMessageHeader::LEN);
    let again = session.handle_input(Instant::ZERO, &ping[32..40]).unwrap();
    assert_eq!((again.consumed, again.needed), (0, 16));
    assert_eq!(session.handle_input(Instant::ZERO, &ping[32..]).unwrap().consumed, 16);
}
