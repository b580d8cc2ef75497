//! Hostile clients.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use mms_core::error::{DecodeError, Error, LimitName, Reason, TimerName};
use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::{FunnelName, MMS_DISABLE_PACKET_PAIR, Message, Mid, TcpMessageHeader};
use mms_core::server::Outcome;
use mms_core::text::Text;
use mms_media::{Gate, GateLimits};
use mms_testkit::content::{Content, shared};
use mms_testkit::hostile::{Attack, Ending, Fate};
use mms_testkit::scripted::{self, client_plays, connect, packet, packet_of, stream_switch};
use mms_testkit::talk::{close_file, connect_funnel, funnel_info, open_file, read_block, start, stop};

use super::{and, content, invalid, len, limit, put, server_meets, server_under};

/// The results of the server's messages of one kind.
fn results(fate: &Fate, mid: Mid) -> Vec<Hresult> {
    fate.said().iter().filter(|said| said.mid == Some(mid)).filter_map(|said| said.hr).collect()
}

fn refusals(fate: &Fate) -> usize {
    fate.said().iter().filter(|said| said.hr == Some(Hresult::NS_E_INVALID_REQUEST)).count()
}

fn packets(fate: &Fate) -> Vec<u32> {
    fate.said().iter().filter_map(|said| said.location_id).collect()
}

/// The requests of a real player of 2000, without what it waited for.
fn recorded() -> Option<Vec<Vec<u8>>> {
    let bytes = std::fs::read(shared()?.join("testdata/real/mms-tcp/wmp64-client-messages.bin")).unwrap();
    let mut chunks = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let total = TcpMessageHeader::decode(rest).unwrap().packet_len();
        let (chunk, behind) = rest.split_at(usize::try_from(total).unwrap());
        chunks.push(chunk.to_vec());
        rest = behind;
    }
    assert_eq!(chunks.len(), 7);
    Some(chunks)
}

/// Every order of the numbers below `n`, by Heap's method.
fn orders(n: usize) -> Vec<Vec<usize>> {
    let mut all = vec![(0..n).collect::<Vec<_>>()];
    let (mut order, mut state, mut at) = ((0..n).collect::<Vec<_>>(), vec![0; n], 1);
    while at < n {
        if state[at] < at {
            order.swap(if at % 2 == 0 { 0 } else { state[at] }, at);
            all.push(order.clone());
            state[at] += 1;
            at = 1;
        } else {
            state[at] = 0;
            at += 1;
        }
    }
    all
}

#[test]
fn s1_the_requests_of_a_session_at_once_are_a_session() {
    for chunks in [Some(client_plays()), recorded()].into_iter().flatten() {
        let at_once = [chunks.concat()];
        let fate = server_under(&Attack { ending: Ending::Close, ..Attack::new(&at_once) });
        assert_eq!((fate.error, fate.report.unwrap().outcome), (None, Outcome::Closed));
        let at_once = [and(chunks, packet(&close_file())).concat()];
        let fate = server_meets(&at_once);
        assert_eq!((fate.error, refusals(&fate)), (None, 0));
    }
}

#[test]
fn s1_the_requests_of_a_session_in_another_order_are_refused_one_by_one() {
    for chunks in [Some(client_plays()), recorded()].into_iter().flatten() {
        let mut reversed = chunks.clone();
        reversed.reverse();
        let at_once = [reversed.concat()];
        let fate = server_under(&Attack { ending: Ending::Close, ..Attack::new(&at_once) });
        assert_eq!(fate.report.unwrap().outcome, Outcome::Closed);
        // before Connect: StartPlaying, StreamSwitch, ReadBlock, OpenFile, ConnectFunnel, FunnelInfo
        assert_eq!(refusals(&fate), 6);
        assert_eq!(packets(&fate), [0; 0]);
        let doubled: Vec<Vec<u8>> = chunks.iter().flat_map(|chunk| [chunk.clone(), chunk.clone()]).collect();
        let fate = server_under(&Attack { ending: Ending::Close, ..Attack::new(&doubled) });
        assert_eq!((fate.error, fate.report.unwrap().outcome), (None, Outcome::Closed));
        let four_times = vec![reversed.concat(); 4];
        let fate = server_meets(&four_times);
        assert_eq!(fate.error, limit(LimitName::Requests, 9, 8));
    }
}

#[test]
fn s1_no_order_of_the_requests_does_harm() {
    let chunks = client_plays();
    let small = Content::testdata("made/one-packet.wma");
    for order in orders(chunks.len()) {
        let bytes = [order.iter().flat_map(|at| chunks[*at].clone()).collect::<Vec<u8>>()];
        let attack = Attack { ending: Ending::Close, ..Attack::new(&bytes) };
        let fate = mms_testkit::hostile::attack_server(&small, mms_testkit::hostile::unpaced(), &attack);
        fate.assert_server_heap();
        assert_eq!(fate.report.unwrap().outcome, Outcome::Closed, "{order:?}");
    }
}

#[test]
fn s3_a_disconnect_after_any_byte_is_a_close() {
    let bytes = client_plays().concat();
    for end in (0..bytes.len()).step_by(7).chain([bytes.len()]) {
        let chunks = [bytes[..end].to_vec()];
        for (ending, outcome) in
            [(Ending::Close, Outcome::Closed), (Ending::Reset, Outcome::Failed(Error::ConnectionFailed))]
        {
            let fate = server_under(&Attack { ending, ..Attack::new(&chunks) });
            assert_eq!(fate.report.unwrap().outcome, outcome, "{end}");
        }
    }
}

#[test]
fn s3_a_malformed_request_before_the_disconnect_is_the_error() {
    for at in 1..client_plays().len() {
        let before = client_plays()[..at].to_vec();
        let place = len(&before) + 12;
        let mut bad = client_plays().remove(at);
        bad[12] = b'm';
        let chunks = and(before, bad);
        for ending in [Ending::Close, Ending::Reset, Ending::Silence] {
            let fate = server_under(&Attack { ending, ..Attack::new(&chunks) });
            assert_eq!(fate.error, invalid(Reason::Seal, place), "request {at}");
        }
    }
}

#[test]
fn s4_connections_cut_in_every_state_leave_nothing() {
    let gate = Gate::new(GateLimits { total: 1024, per_address: 4, ..GateLimits::default() });
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for round in 0..20 {
        for state in 0..=client_plays().len() {
            let _permit = gate.admit(address).unwrap();
            let chunks = &client_plays()[..state];
            let ending = if round % 2 == 0 { Ending::Reset } else { Ending::Close };
            let attack = Attack { ending, host_answers: round % 3 != 0, ..Attack::new(chunks) };
            // asserts that nothing is left of the heap
            server_under(&attack);
        }
    }
    assert_eq!(gate.open(), 0);
    let permits: Vec<_> = (0..4).map(|_| gate.admit(address).unwrap()).collect();
    assert!(gate.admit(address).is_err(), "the fifth at a time");
    drop(permits);
    assert!(gate.admit(address).is_ok());
}

#[test]
fn s6_a_funnel_name_with_a_long_host_is_refused() {
    let opens = [packet(&connect()), packet(&funnel_info(MMS_DISABLE_PACKET_PAIR))];
    for chars in [257, 420, 840, 2000, 7000] {
        let name = format!(r"\\{}\TCP\1755", "A".repeat(chars));
        let error = FunnelName::parse(Text::Str(&name)).unwrap_err();
        assert_eq!(error, DecodeError { reason: Reason::FunnelName, offset: 4 });
        let good = packet(&connect_funnel(r"\\127.0.0.1\TCP\1755"));
        let chunks = [&opens[..], &[packet(&connect_funnel(&name)), good]].concat();
        let fate = server_under(&Attack { ending: Ending::Close, ..Attack::new(&chunks) });
        assert_eq!(fate.error, None);
        assert_eq!(results(&fate, Mid::REPORT_DISCONNECTED_FUNNEL), [Hresult::E_INVALIDARG]);
        assert_eq!(results(&fate, Mid::REPORT_CONNECTED_FUNNEL), [Hresult::S_OK], "the session goes on");
        let again = [&opens[..], &vec![packet(&connect_funnel(&name)); 9]].concat();
        assert_eq!(server_meets(&again).error, limit(LimitName::Requests, 9, 8));
    }
    let name = format!(r"\\{}\TCP\1755", "A".repeat(9000));
    let bytes = packet(&connect_funnel(&name));
    let found = u32::try_from(bytes.len()).unwrap();
    let fate = server_meets(&[&opens[..], &[bytes]].concat());
    assert_eq!(fate.error, limit(LimitName::CommandBytes, found, 16_384));
}

#[test]
fn s7_a_length_of_a_gigabyte_costs_nothing() {
    let idle = server_meets(&[]);
    for length in [0x4000_0000, 0x7FFF_FFF8, 0xFFFF_FFF0] {
        let mut bytes = packet(&connect());
        put(&mut bytes, 8, length);
        let fate = server_meets(&[bytes]);
        assert_eq!(fate.error, limit(LimitName::CommandBytes, length.saturating_add(16), 16_384));
        assert_eq!(fate.most_live, idle.most_live);
    }
}

#[test]
fn s8_requests_before_open_file_are_refused_and_the_session_goes_on() {
    let plays = client_plays();
    for (request, reply) in [
        (read_block(1), Mid::REPORT_READ_BLOCK),
        (start(10), Mid::REPORT_STARTED_PLAYING),
        (stream_switch(), Mid::REPORT_STREAM_SWITCH),
        (stop(10), Mid::REPORT_END_OF_STREAM),
    ] {
        for at in 0..4 {
            let mut chunks = plays.clone();
            chunks.insert(at, packet(&request));
            chunks.push(packet(&close_file()));
            let fate = server_meets(&chunks);
            assert_eq!((fate.error, refusals(&fate)), (None, 1), "{request:?} as request {at}");
            let first = results(&fate, reply)[0];
            assert_eq!(first, Hresult::NS_E_INVALID_REQUEST);
            assert_eq!(results(&fate, Mid::REPORT_STARTED_PLAYING).last(), Some(&Hresult::S_OK));
        }
        let many = vec![packet(&request); 9];
        assert_eq!(server_meets(&many).error, limit(LimitName::Requests, 9, 8));
    }
}

#[test]
fn s9_a_second_open_file_is_refused() {
    let mut chunks = client_plays();
    chunks.insert(4, packet(&open_file(9, "content.wmv")));
    chunks.push(packet(&close_file()));
    let fate = server_meets(&chunks);
    assert_eq!(fate.error, None);
    let opened = results(&fate, Mid::REPORT_OPEN_FILE);
    assert_eq!(opened, [Hresult::S_OK, Hresult::NS_E_INVALID_REQUEST]);
    let mut chunks = client_plays();
    chunks.insert(3, packet(&open_file(9, "missing")));
    chunks.push(packet(&close_file()));
    let opened = results(&server_meets(&chunks), Mid::REPORT_OPEN_FILE);
    assert_eq!(opened, [Hresult::NS_E_FILE_NOT_FOUND, Hresult::S_OK], "another name may be tried");
}

#[test]
fn s9_a_name_beyond_the_limit_is_refused() {
    let name = "a".repeat(4097);
    let chunks = and(client_plays()[..3].to_vec(), packet(&open_file(9, &name)));
    assert_eq!(server_meets(&chunks).error, limit(LimitName::NameChars, 4097, 4096));
}

#[test]
fn s9_a_source_that_does_not_answer_blocks_only_its_own_client() {
    // the bystander gets its file meanwhile, and the client that goes away is let go
    for requests in 4..=client_plays().len() {
        let chunks = &client_plays()[..requests];
        let attack = Attack { host_answers: false, ending: Ending::Close, ..Attack::new(chunks) };
        assert_eq!(server_under(&attack).report.unwrap().outcome, Outcome::Closed);
    }
}

#[test]
fn s10_nothing_is_sent_to_an_address_in_the_funnel_name() {
    // over TCP the address means nothing: media goes where the connection comes from
    for address in ["203.0.113.7", "255.255.255.255", "2001:db8::1", "", "localhost"] {
        let mut chunks = client_plays();
        let name = format!(r"\\{address}\TCP\7");
        chunks[2] = packet(&connect_funnel(&name));
        chunks.push(packet(&close_file()));
        let attack = Attack { pause: Duration::from_secs(1), ..Attack::new(&chunks) };
        let fate = server_under(&attack);
        assert_eq!(fate.error, None);
        assert!(packets(&fate).len() > 100, "{address}");
        let name = format!(r"\\{address}\UDP\7");
        chunks[2] = packet(&connect_funnel(&name));
        let fate = server_under(&Attack { ending: Ending::Close, ..Attack::new(&chunks[..3]) });
        assert_eq!(results(&fate, Mid::REPORT_DISCONNECTED_FUNNEL), [Hresult::NS_E_UDP_DISABLED]);
        let fate = server_under(&Attack { ending: Ending::Close, ..Attack::new(&chunks) });
        assert_eq!(packets(&fate), [0; 0], "no funnel, no media");
    }
}

#[test]
fn s11_keep_alives_are_not_answered_with_keep_alives() {
    let count = |fate: &Fate, mid| fate.said().iter().filter(|said| said.mid == Some(mid)).count();
    for flood in [Message::Pong, Message::Ping] {
        let mut chunks = client_plays();
        chunks.extend(vec![packet_of(&[flood; 32]); 100]);
        chunks.push(packet(&close_file()));
        let fate = server_meets(&chunks);
        assert_eq!(fate.error, None);
        assert_eq!((count(&fate, Mid::PING), count(&fate, Mid::PONG)), (0, 0), "{flood:?}");
    }
    // a client that says nothing but Pong is asked every half minute, and its own are not counted as requests
    let mut chunks = vec![client_plays().concat()];
    chunks.extend(vec![packet(&Message::Pong); 40]);
    chunks.push(packet(&close_file()));
    let fate = server_under(&Attack { pause: Duration::from_secs(29), ..Attack::new(&chunks) });
    assert_eq!(fate.error, None);
    assert!(count(&fate, Mid::PING) <= 40);
}

#[test]
fn s11_pings_that_nobody_answers_end_the_session() {
    let fate = server_meets(&client_plays());
    assert_eq!(fate.error, Some(Error::TimedOut(TimerName::Pong)));
    let pings = fate.said().iter().filter(|said| said.mid == Some(Mid::PING)).count();
    assert_eq!(pings, 3);
}

#[test]
fn s13_slow_first_bytes_meet_a_timer() {
    let bytes: Vec<Vec<u8>> = client_plays().concat().chunks(1).map(<[u8]>::to_vec).collect();
    let slow = Attack { pause: Duration::from_secs(10), ..Attack::new(&bytes) };
    let fate = server_under(&slow);
    assert_eq!((fate.error, fate.lived), (Some(Error::TimedOut(TimerName::Sniff)), Duration::from_secs(5)));
    let fate = server_meets(&[]);
    assert_eq!(fate.error, Some(Error::TimedOut(TimerName::Sniff)));
}

#[test]
fn s13_a_handshake_without_end_meets_a_timer() {
    let bytes = client_plays().concat();
    let mut chunks = vec![bytes[..8].to_vec()];
    chunks.extend(bytes[8..].chunks(1).map(<[u8]>::to_vec));
    let fate = server_under(&Attack { pause: Duration::from_secs(4), ..Attack::new(&chunks) });
    let handshake = Some(Error::TimedOut(TimerName::Handshake));
    assert_eq!((fate.error, fate.lived), (handshake, Duration::from_secs(30)));
    // requests that keep it busy do not help
    let chunks = vec![packet(&funnel_info(MMS_DISABLE_PACKET_PAIR)); 100];
    let chunks = [&client_plays()[..1], &chunks].concat();
    let fate = server_under(&Attack { pause: Duration::from_secs(2), ..Attack::new(&chunks) });
    assert_eq!(fate.error, handshake);
}

#[test]
fn s13_first_bytes_of_something_else_are_refused() {
    for bytes in [&b"GET / HTTP/1.0\r\n\r\n"[..], b"OPTIONS * RTSP/1.0\r\n", &[0; 8], b"MSB \x06\x01\0\0"] {
        let fate = server_meets(&[bytes.to_vec()]);
        assert_eq!(fate.error, invalid(Reason::SessionId, 4));
    }
}

#[test]
fn s13_requests_without_reading_the_replies_stop_being_read() {
    let mut chunks = client_plays()[..3].to_vec();
    chunks.extend(vec![packet(&funnel_info(MMS_DISABLE_PACKET_PAIR)); 20_000]);
    let fate = server_under(&Attack { reads: false, ..Attack::new(&chunks) });
    assert_eq!(fate.error, Some(Error::TimedOut(TimerName::Handshake)));
    assert!(fate.taken < 8192, "{} bytes were read", fate.taken);
    // the same while media waits to be read
    let mut chunks = client_plays();
    let at = chunks.len();
    chunks.extend(vec![packet(&stream_switch()); 20_000]);
    let attack = Attack { reads: false, ..Attack::new(&chunks) };
    let fate = server_under(&attack);
    assert!(matches!(fate.error, Some(Error::TimedOut(_))), "{:?}", fate.error);
    assert!(fate.taken < len(&chunks[..at]) + 8192, "{} bytes were read", fate.taken);
    assert!(fate.lived <= Duration::from_secs(70), "{:?}", fate.lived);
}

#[test]
fn s13_a_client_that_closes_and_reads_nothing_is_let_go_at_once() {
    let chunks = client_plays();
    let attack = Attack { reads: false, ending: Ending::Close, ..Attack::new(&chunks) };
    // a connection that asks to be stepped at once, again and again, does not end within the steps of an attack
    let fate = server_under(&attack);
    assert_eq!((fate.error, fate.lived), (None, Duration::ZERO));
}

#[test]
fn s13_two_messages_count_as_two_in_one_packet() {
    let many = [packet(&connect()), packet_of(&[funnel_info(MMS_DISABLE_PACKET_PAIR); 65])];
    assert_eq!(server_meets(&many).error, limit(LimitName::MessagesPerPacket, 65, 64));
    let name = content().len().to_string();
    let whole = packet_of(&[connect(), connect_funnel(r"\\a\TCP\1"), open_file(9, &name), read_block(1)]);
    let fate = server_under(&Attack { ending: Ending::Close, ..Attack::new(&[whole]) });
    assert_eq!(fate.error, None);
    assert!(scripted::said(&fate.sent).iter().any(|said| said.mid == Some(Mid::REPORT_READ_BLOCK)));
}
