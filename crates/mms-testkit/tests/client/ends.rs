//! Timers and ends of a client.

use super::*;

#[test]
fn each_timer_ends_the_session_at_its_time() {
    let names = [
        (At::Connecting, TimerName::Reply),
        (At::Connected, TimerName::Funnel),
        (At::Funnel, TimerName::Funnel),
        (At::Opening, TimerName::Open),
        (At::Header, TimerName::Header),
        (At::Switching, TimerName::Play),
        (At::Starting, TimerName::Play),
    ];
    for (state, name) in names {
        let mut server = at(state);
        server.pass(Duration::from_millis(19_990));
        assert_eq!(server.client.error(), None, "{state:?}");
        server.pass(Duration::from_millis(20));
        assert_eq!(server.client.error(), Some(Error::TimedOut(name)), "{state:?}");
    }
    let mut server = at(At::Streaming);
    media(&mut server, 0..1, 10);
    server.pass(89 * SECOND);
    server.say(&Message::Ping);
    server.pass(89 * SECOND);
    media(&mut server, 1..2, 10);
    server.pass(89 * SECOND);
    assert_eq!(server.client.error(), None, "pings and media count");
    server.pass(2 * SECOND);
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Silence)));
    let mut ready = at(At::Ready);
    ready.pass(100_000 * SECOND);
    assert_eq!(ready.client.error(), None, "who does not play may wait");
}

#[test]
fn a_stop_waits_as_long_as_packets_come() {
    let mut server = at(At::Streaming);
    server.client.stop().unwrap();
    server.settle();
    for number in 0..10 {
        server.pass(15 * SECOND);
        media(&mut server, number..number + 1, 10);
    }
    assert_eq!(server.client.error(), None);
    server.pass(15 * SECOND);
    server.say(&Message::Ping);
    server.pass(6 * SECOND);
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Stop)), "pings stop nothing");
}

#[test]
fn a_server_that_says_what_is_not_asked_opens_in_its_time_too() {
    let mut server = at(At::Connected);
    for _ in 0..3 {
        assert_eq!(server.client.error(), None);
        server.pass(7 * SECOND);
        server.say(&Message::Ping);
    }
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Funnel)), "20 s for each answer");
    // each answer within its 20 s, and all together beyond 30
    let mut server = at(At::Connected);
    for answer in [talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]), talk::connected_funnel()] {
        server.pass(14 * SECOND);
        server.say(&answer);
    }
    server.pass(SECOND);
    assert_eq!(server.client.error(), None);
    server.pass(2 * SECOND);
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Open)));
}

#[test]
fn a_header_that_comes_in_drops_has_its_time() {
    let content = content();
    let mut server = at(At::Header);
    server.say(&talk::report_read_block(OK));
    for (number, byte) in content.header()[..4].iter().enumerate() {
        assert_eq!(server.client.error(), None, "{number}");
        server.send(&data(number as u32, 1, 4, &[*byte]));
        server.pass(15 * SECOND);
    }
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Header)));
    let mut server = at(At::Header);
    server.say(&talk::report_read_block(OK));
    server.send(&data(0, 1, 4, &content.header()[..1000]));
    server.pass(21 * SECOND);
    assert_eq!(
        server.client.error(),
        Some(Error::TimedOut(TimerName::Header)),
        "and one that stops half way"
    );
}

#[test]
fn media_that_never_begins_is_waited_for_in_its_time_whatever_else_comes() {
    let mut server = at(At::Streaming);
    server.pass(14 * SECOND);
    server.say(&Message::Ping);
    assert_eq!(server.client.error(), None);
    server.pass(2 * SECOND);
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Media)));
    // of one stream the first packet may be far away
    let mut server = at(At::Ready);
    let selection = Selection::NONE.with(1, Thinning::Full);
    server.client.play(Play { selection, ..Play::all() }).unwrap();
    server.settle();
    server.say(&talk::switched());
    server.say(&talk::started(OK, 10));
    server.pass(80 * SECOND);
    assert_eq!(server.client.error(), None);
}

#[test]
fn connecting_has_its_time() {
    use mms_core::client::{Client, Step, Storage};
    use mms_core::time::Instant;
    let storage = Storage { receive: vec![0; 2048], send: vec![0; 2560] };
    let mut client = Client::new("mmst://h/a", manual(), storage).unwrap();
    assert_eq!(client.step(Instant::ZERO), Step::Connect(SocketId::CONTROL));
    let Step::Wait { until, .. } = client.step(Instant::ZERO) else { panic!() };
    assert_eq!(until, Instant::from_millis(15_000));
    assert_eq!(client.step(until), Step::Close(SocketId::CONTROL));
    assert_eq!(client.step(until), Step::Done);
    assert_eq!(client.error(), Some(Error::TimedOut(TimerName::Connect)));
}

#[test]
fn a_server_that_closes_early_is_an_error_but_not_when_nothing_plays() {
    for state in [
        At::Connecting,
        At::Connected,
        At::Funnel,
        At::Opening,
        At::Header,
        At::Switching,
        At::Starting,
        At::Streaming,
    ] {
        let mut server = at(state);
        server.close();
        assert!(server.done);
        let fault = Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd);
        assert_eq!(server.client.error(), Some(fault), "{state:?}");
    }
    let mut ready = at(At::Ready);
    ready.close();
    assert_eq!(ready.story(), ["Closed"]);
    assert!(ready.done && ready.client.error().is_none());
}

#[test]
fn close_says_what_is_left_to_say_in_every_state() {
    let rows = [
        (At::Connecting, vec![]),
        (At::Connected, vec![]),
        (At::Funnel, vec![]),
        (At::Opening, vec![]),
        (At::Header, vec![Mid::CLOSE_FILE]),
        (At::Ready, vec![Mid::CLOSE_FILE]),
        (At::Switching, vec![Mid::CLOSE_FILE]),
        (At::Starting, vec![Mid::STOP_PLAYING, Mid::LOGGING, Mid::CLOSE_FILE]),
        (At::Streaming, vec![Mid::STOP_PLAYING, Mid::LOGGING, Mid::CLOSE_FILE]),
    ];
    for (state, expected) in rows {
        let mut server = at(state);
        server.client.close();
        assert_eq!(mids(&packets(&server.settle())), expected, "{state:?}");
        assert!(server.done, "{state:?}");
        assert_eq!(server.client.error(), None);
        assert!(server.client.play(Play::all()).is_err(), "nothing after the end");
    }
    let mut server = at(At::Streaming);
    server.client.stop().unwrap();
    server.client.close();
    let said = mids(&packets(&server.settle()));
    assert_eq!(said, [Mid::STOP_PLAYING, Mid::LOGGING, Mid::CLOSE_FILE], "a stop not sent yet is");
}

#[test]
fn a_goodbye_that_nobody_takes_ends_after_its_time_without_an_error() {
    let mut server = at(At::Streaming);
    server.write = 0;
    server.client.close();
    server.settle();
    assert!(!server.done);
    server.pass(6 * SECOND);
    server.settle();
    assert!(server.done);
    assert_eq!(server.client.error(), None);
}

#[test]
fn a_network_that_fails_after_the_goodbye_is_no_error() {
    let mut server = at(At::Streaming);
    server.write = 0;
    server.client.close();
    server.settle();
    server.client.connection_failed(SocketId::CONTROL);
    server.settle();
    assert!(server.done && server.client.error().is_none());
    let mut early = at(At::Streaming);
    early.client.connection_failed(SocketId::CONTROL);
    early.settle();
    assert_eq!(early.client.error(), Some(Error::ConnectionFailed));
}

#[test]
fn bad_headers_and_packets_are_told_by_their_fault() {
    let content = content();
    let bad: [(&str, Vec<u8>, Misbehaviour); 4] = [
        ("order", data(1, 1, 4, &content.header()[..100]), Misbehaviour::FragmentOrder),
        ("short", data(0, 1, 0x0C, &content.header()[..100]), Misbehaviour::HeaderTooShort),
        ("long", data(0, 1, 0x0C, &[content.header(), &[0; 9]].concat()), Misbehaviour::HeaderTooLong),
        (
            "twice",
            [data(0, 1, 4, &content.header()[..9]), data(0, 1, 4, b"x")].concat(),
            Misbehaviour::FragmentOrder,
        ),
    ];
    for (name, bytes, fault) in bad {
        let mut server = at(At::Header);
        server.send(&bytes);
        assert_eq!(server.client.error(), Some(Error::PeerMisbehaved(fault)), "{name}");
    }
    let mut server = at(At::Streaming);
    server.send(&data(0, 10, 0, &[0; 1445]));
    let fault = Error::PeerMisbehaved(Misbehaviour::PacketTooLarge);
    assert_eq!(server.client.error(), Some(fault));
}

#[test]
fn what_came_while_the_host_was_elsewhere_is_in_time() {
    let mut server = at(At::Streaming);
    for number in 0..3 {
        server.now = server.now + 600 * SECOND;
        media(&mut server, number..number + 1, 10);
        assert_eq!((server.client.error(), server.story().last().is_some()), (None, true), "{number}");
    }
    server.now = server.now + 600 * SECOND;
    server.settle();
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Silence)), "nothing came");
}

#[test]
fn media_behind_a_seek_is_waited_for_in_its_time() {
    let mut server = at(At::Streaming);
    media(&mut server, 0..3, 10);
    server.client.seek(Position::Packet(20)).unwrap();
    server.settle();
    server.say(&talk::end(OK, 10));
    server.say(&talk::switched());
    server.say(&talk::started(OK, 11));
    server.pass(14 * SECOND);
    assert_eq!(server.client.error(), None);
    server.pass(2 * SECOND);
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Media)));
}

#[test]
fn packets_before_the_one_that_is_wanted_are_media_too() {
    let mut server = at(At::Ready);
    server.client.play(Play::from(Position::Packet(3))).unwrap();
    server.settle();
    server.say(&talk::switched());
    server.say(&talk::started(OK, 10));
    for number in 0..4 {
        server.pass(10 * SECOND);
        assert_eq!((server.client.error(), server.events("Packet").len()), (None, 0), "{number}");
        media(&mut server, number..number + 1, 10);
    }
    assert_eq!(server.events("Packet").len(), 1);
}
