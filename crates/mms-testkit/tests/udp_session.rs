//! Whole sessions with media in datagrams.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::client::{Options, Play, Position, Transport};
use mms_core::mmsp::server::Pace;
use mms_core::server;
use mms_core::time::Instant;
use mms_testkit::content::Content;
use mms_testkit::netem::{SEED_VARIABLE, seeds};
use mms_testkit::pair::{Pair, UdpPlan};

const URL: &str = "mmsu://server/content.wmv";
/// Packets of 1,400 bytes or less.
const FILE: &str = "made/audio-wmav1.wma";

fn unpaced() -> server::Config {
    let mut config = server::Config::default();
    config.mms.pace = Pace::Off;
    config
}

fn pair(url: &str, file: &str, plan: UdpPlan) -> Pair {
    Pair::over_udp(url, Content::testdata(file), Options::default(), server::Config::default(), plan)
}

#[test]
fn a_file_arrives_in_datagrams_as_it_was_sent() {
    let mut pair = pair(URL, FILE, UdpPlan::new(1));
    pair.run();
    pair.assert_complete();
    assert_eq!(pair.server.report().transport, server::Transport::MmsUdp);
    assert_eq!(pair.client.transport(), Transport::Udp);
    let story: Vec<&str> =
        pair.story().iter().map(|what| what.split([' ', '(']).next().unwrap_or_default()).collect();
    let header = story.iter().filter(|what| **what == "HeaderPart").count();
    assert_eq!(story.len(), header + 5, "{story:?}");
    assert_eq!(story.last(), Some(&"EndOfStream"));
    assert!(pair.datagram_log().iter().all(|(_, from_client, _)| !from_client), "nothing was lost");
}

#[test]
fn what_is_lost_is_sent_again() {
    for seed in seeds(1..=10) {
        for (file, loss) in
            [(FILE, 100), (FILE, 300), ("made/seek-125s.wmv", 100), ("made/av-16000.wmv", 100)]
        {
            let mut pair = pair(URL, file, UdpPlan::new(seed).with_loss(loss));
            pair.run();
            println!("{SEED_VARIABLE}={seed} {file} {loss}: {:?}", pair.client.reception());
            pair.assert_complete();
        }
    }
}

#[test]
fn without_pacing_what_is_lost_is_sent_again_too() {
    for seed in seeds(1..=5) {
        let plan = UdpPlan::new(seed).with_loss(50);
        let mut pair =
            Pair::over_udp(URL, Content::testdata("made/seek-125s.wmv"), Options::default(), unpaced(), plan);
        pair.run();
        pair.assert_complete();
    }
}

#[test]
fn every_file_of_the_repository_arrives_over_a_lossy_path() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let mut count = 0;
    for kind in ["made", "real"] {
        for entry in std::fs::read_dir(folder.join(kind)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if !name.ends_with(".wma") && !name.ends_with(".wmv") && !name.ends_with(".asf") {
                continue;
            }
            let content = Content::testdata(&format!("{kind}/{name}"));
            if content.is_empty() {
                continue;
            }
            println!("{kind}/{name}: {} packets", content.len());
            let plan = UdpPlan::new(7).with_loss(50);
            let mut config = server::Config::default();
            config.mms.pace = Pace::PerMille(20_000);
            let mut pair = Pair::over_udp(URL, content, Options::default(), config, plan);
            pair.run();
            pair.assert_complete();
            count += 1;
        }
    }
    assert!(count > 20, "{count} files");
}

#[test]
fn a_server_that_refuses_datagrams_is_asked_for_tcp_on_the_same_connection() {
    let plan = UdpPlan { speaks_udp: false, ..UdpPlan::new(1) };
    let mut generic = pair("mms://server/content.wmv", FILE, plan);
    generic.run();
    generic.assert_complete();
    assert_eq!(generic.client.transport(), Transport::Tcp);
    assert_eq!(generic.server.report().transport, server::Transport::MmsTcp);
    let mut strict = pair(URL, FILE, plan);
    strict.run();
    assert!(strict.client.error().is_some(), "mmsu means UDP");
}

#[test]
fn when_nothing_arrives_the_client_takes_tcp() {
    let plan = UdpPlan::new(1).with_loss(1000);
    let mut generic = pair("mms://server/content.wmv", FILE, plan);
    let start = generic.now;
    generic.run_until(|what| what.starts_with("HeaderPart"));
    let waited = generic.now.since(start);
    assert!(waited >= Duration::from_secs(2) && waited < Duration::from_secs(8), "{waited:?}");
    generic.run();
    assert_eq!(generic.client.transport(), Transport::Tcp);
    assert!(generic.media() == generic.content.media());
    let mut strict = pair(URL, FILE, plan);
    strict.run();
    assert!(strict.client.error().is_some());
}

#[test]
fn storage_too_small_for_a_content_means_tcp() {
    for (slot_bytes, header_bytes) in [(4_000, 1 << 17), (1 << 20, 100)] {
        let plan = UdpPlan { slot_bytes, header_bytes, ..UdpPlan::new(1) };
        let mut pair = pair("mms://server/content.wmv", FILE, plan);
        pair.run();
        assert_eq!(pair.client.error(), None);
        assert_eq!(pair.client.transport(), Transport::Tcp);
        assert!(pair.media() == pair.content.media());
    }
}

#[test]
fn the_bandwidth_is_measured_with_two_datagrams() {
    let mut options = Options::default();
    options.mms.packet_pair = true;
    let mut plan = UdpPlan::new(1);
    plan.rules[0].rate = Some(125_000);
    plan.rules[0].queue = 1 << 20;
    let mut pair = Pair::over_udp(URL, Content::testdata(FILE), options, server::Config::default(), plan);
    pair.run();
    pair.assert_complete();
    let bandwidth = pair.story().into_iter().find(|what| what.starts_with("Bandwidth")).unwrap();
    assert_eq!(bandwidth, "Bandwidth { bits_per_second: 1000000 }");
}

#[test]
fn a_seek_loses_nothing_and_shows_nothing_of_before() {
    for seed in seeds(1..=10) {
        let content = Content::testdata("made/seek-125s.wmv");
        let mut options = Options::default();
        options.play = Some(Play::default());
        let plan = UdpPlan::new(seed).with_loss(100);
        let mut pair = Pair::over_udp(URL, content, options, server::Config::default(), plan);
        pair.run_until(|what| what.starts_with("Packet 40 "));
        let wanted = pair.content.packet_at(Duration::from_secs(60));
        pair.client.seek(Position::Packet(wanted)).unwrap();
        pair.run_until(|what| what.starts_with("Started"));
        let at = pair.seen.len();
        pair.run();
        assert_eq!(pair.client.error(), None);
        let packets: Vec<u32> = pair.seen[at..]
            .iter()
            .filter_map(|seen| seen.what.strip_prefix("Packet ")?.split(' ').next()?.parse().ok())
            .collect();
        let expected: Vec<u32> = (wanted..pair.content.len()).collect();
        assert_eq!(packets, expected, "{SEED_VARIABLE}={seed}");
    }
}

#[test]
fn a_stop_reports_stopped_and_a_resume_goes_on_behind_the_last_packet() {
    let plan = UdpPlan::new(3).with_loss(100);
    let mut pair = Pair::over_udp(
        URL,
        Content::testdata("made/seek-125s.wmv"),
        Options::default(),
        server::Config::default(),
        plan,
    );
    pair.run_until(|what| what.starts_with("Packet 30 "));
    pair.client.pause().unwrap();
    pair.run_until(|what| what == "Stopped");
    pair.client.resume().unwrap();
    pair.run();
    assert_eq!(pair.client.error(), None);
    let packets: Vec<u32> = pair
        .seen
        .iter()
        .filter_map(|seen| seen.what.strip_prefix("Packet ")?.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(packets, (0..pair.content.len()).collect::<Vec<_>>());
}

#[test]
fn the_client_log_tells_what_was_lost_and_recovered() {
    let mut pair = pair(URL, FILE, UdpPlan::new(2).with_loss(200));
    pair.run();
    let reception = pair.client.reception().unwrap();
    assert!(reception.packets_recovered_resent > 0);
    let log = pair.to_server_log.windows(4).position(|bytes| bytes == [0x32, 0, 3, 0]).unwrap() + 4;
    let log = mms_core::mmsp::wire::ClientLog::decode(&pair.to_server_log[log..]).unwrap();
    assert_eq!(log.transport.as_bytes(), b"UDP");
    assert_eq!(u64::from(log.packets_lost_net), reception.packets_lost_net);
    assert_eq!(u64::from(log.packets_recovered_resent), reception.packets_recovered_resent);
    assert_eq!(u64::from(log.resend_requests), reception.resend_requests);
    let [received, lost, requested, recovered] = pair.client_logs[0].map(u64::from);
    assert_eq!(pair.client_logs.len(), 1, "the server's host is told");
    assert_eq!((received, lost), (reception.packets_received, reception.packets_lost_net));
    assert_eq!((requested, recovered), (reception.resend_requests, reception.packets_recovered_resent));
}

#[test]
fn a_client_that_cannot_ask_gets_small_bursts() {
    let mut options = Options::default();
    options.mms.funnel_info = false;
    let content = Content::testdata("made/seek-125s.wmv");
    let mut pair = Pair::over_udp(URL, content, options, unpaced(), UdpPlan::new(1));
    pair.run_until(|what| what.starts_with("EndOfStream"));
    let last = pair.datagram_log().last().unwrap().0;
    assert!(
        pair.now.since(last) >= Duration::from_millis(200),
        "VLC reads its socket no more behind the end"
    );
    pair.run();
    pair.assert_complete();
    let bursts = bursts(&pair);
    assert!(bursts.len() > 10 && bursts.iter().all(|(_, sum)| *sum <= 16 * 1024), "{bursts:?}");
    assert!(bursts.windows(2).all(|two| two[1].0.since(two[0].0) >= Duration::from_millis(5)));
}

/// Moments at which datagrams left, and their bytes.
fn bursts(pair: &Pair) -> Vec<(Instant, usize)> {
    let mut bursts: Vec<(Instant, usize)> = Vec::new();
    for (at, _, bytes) in pair.datagram_log() {
        match bursts.last_mut() {
            Some((begun, sum)) if at == begun => *sum += bytes.len(),
            _ => bursts.push((*at, bytes.len())),
        }
    }
    bursts
}

#[test]
fn without_the_quirk_a_server_bursts_at_every_client() {
    let mut options = Options::default();
    options.mms.funnel_info = false;
    let mut config = unpaced();
    config.mms.quirks.small_bursts = false;
    let content = Content::testdata("made/seek-125s.wmv");
    let mut pair = Pair::over_udp(URL, content, options, config, UdpPlan::new(1));
    pair.run();
    assert!(bursts(&pair).iter().any(|(_, sum)| *sum > 500_000));
}

#[test]
fn closing_while_the_tail_is_awaited_ends_at_once() {
    let mut plan = UdpPlan::new(1);
    plan.rules[0].loss = 300;
    plan.rules[1].loss = 1000;
    let mut pair = Pair::over_udp(URL, Content::testdata(FILE), Options::default(), unpaced(), plan);
    pair.run_until(|what| what.starts_with("Packet 3 "));
    pair.client.close();
    let at = pair.now;
    pair.run();
    assert!(pair.now.since(at) < Duration::from_secs(6));
}
