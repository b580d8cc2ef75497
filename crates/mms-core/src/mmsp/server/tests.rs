use std::{eprintln, vec};

use super::*;
use crate::error::{Error, Misuse};
use crate::hresult::Hresult;
use crate::mmsp::wire::{self, CloseFile, Message};
use crate::time::Instant;

fn session() -> Session {
    Session::new(Config::default(), [7; 16], Instant::ZERO)
}

#[test]
fn the_state_of_a_session_is_small() {
    type Connection = crate::server::Connection<[u8; 0], &'static [u8]>;
    eprintln!("server session: {} bytes", size_of::<Session>());
    eprintln!("connection without storage: {} bytes", size_of::<Connection>());
    assert!(size_of::<Session>() <= 1024);
    assert!(size_of::<Connection>() <= 6400);
    assert!(size_of::<crate::server::Step>() <= 24);
}

#[test]
fn answers_to_wishes_that_are_not_raised_are_misuse_and_change_nothing() {
    let misuse = Error::ApiMisuse(Misuse::NoSuchWish);
    let mut session = session();
    let content = Content {
        header_len: 1,
        packet_size: 1,
        packet_count: None,
        duration: None,
        bit_rate: 0,
        seekable: false,
        stridable: false,
    };
    assert_eq!(session.opened(content), Err(misuse));
    assert_eq!(session.refused(Hresult::NS_E_FILE_NOT_FOUND), Err(misuse));
    assert_eq!(session.located(1), Err(misuse));
    assert_eq!(session.frame(Instant::ZERO, 0, 1), None);
    assert_eq!(session.frame_header(Instant::ZERO, 1), None);
    assert!(!session.skip_to(9) && !session.is_at_end() && session.wish().is_none());
    assert_eq!(session.error(), None);
}

#[test]
fn a_closed_session_takes_input_and_says_nothing() {
    let mut session = session();
    let mut out = vec![0; 2048];
    let close = Message::CloseFile(CloseFile { play_incarnation: 0, open_file_id: 1 });
    let len = wire::encode_packet(&close, 0, &mut out).unwrap();
    let input = out[..len].to_vec();
    assert_eq!(session.handle_input(Instant::ZERO, &input).unwrap().consumed, 32);
    assert_eq!(session.handle_input(Instant::ZERO, &input[32..]).unwrap().consumed, 16);
    assert!(session.has_ended());
    assert_eq!(session.poll_transmit(Instant::ZERO, &mut out), Ok(None));
    assert!(session.is_closed() && session.poll_timeout() == Instant::MAX);
    assert_eq!(session.handle_input(Instant::ZERO, &[1, 2, 3]).unwrap().consumed, 3);
}
