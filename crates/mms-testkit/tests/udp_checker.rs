//! The checker of exchanges over MMS/UDP: an honest exchange passes, and each rule is broken once.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "tests")]

use std::collections::BTreeSet;

use mms_core::client::Options;
use mms_core::server;
use mms_testkit::content::Content;
use mms_testkit::pair::{Pair, UdpPlan};
use mms_testkit::udp::{Checker, Rule, Sent};

const OPEN_FILE: u32 = 0x0003_0005;
const START_PLAYING: u32 = 0x0003_0007;
const READ_BLOCK: u32 = 0x0003_0015;
const STREAM_SWITCH: u32 = 0x0003_0033;
const REPORT_CONNECTED_FUNNEL: u32 = 0x0004_0002;
const REPORT_STARTED_PLAYING: u32 = 0x0004_0005;
const REPORT_OPEN_FILE: u32 = 0x0004_0006;
const REPORT_READ_BLOCK: u32 = 0x0004_0011;
const REPORT_END_OF_STREAM: u32 = 0x0004_001E;
/// Of a control packet without its messages.
const HEAD: usize = 32;

/// A whole exchange with a packet pair, lost packets and their copies; one control packet for each entry.
fn honest() -> Vec<Sent> {
    let mut options = Options::default();
    options.mms.packet_pair = true;
    let content = Content::testdata("made/av-256.wmv");
    let plan = UdpPlan::new(5).with_loss(100);
    let mut pair =
        Pair::over_udp("mmsu://server/content.wmv", content, options, server::Config::default(), plan);
    pair.run();
    pair.assert_complete();
    let mut exchange = Vec::new();
    for sent in pair.exchange() {
        let mut rest = sent.bytes.as_slice();
        while !rest.is_empty() {
            let len = if sent.is_datagram { rest.len() } else { field(rest, 8) as usize + 16 };
            let (packet, behind) = rest.split_at(len);
            exchange.push(Sent { bytes: packet.to_vec(), ..sent.clone() });
            rest = behind;
        }
    }
    exchange
}

fn field(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn broken(exchange: &[Sent]) -> Option<Rule> {
    let mut checker = Checker::default();
    let violation = exchange.iter().find_map(|sent| checker.sent(sent).err());
    violation.map(|violation| {
        println!("{violation}");
        violation.rule
    })
}

/// Where a message is.
fn of(exchange: &[Sent], mid: u32) -> usize {
    exchange.iter().position(|sent| !sent.is_datagram && field(&sent.bytes, HEAD + 4) == mid).unwrap()
}

fn message(exchange: &mut [Sent], mid: u32) -> &mut Vec<u8> {
    let at = of(exchange, mid);
    &mut exchange[at].bytes
}

/// Where datagrams of the server are, with an incarnation.
fn data(exchange: &[Sent], incarnation: u32) -> Vec<usize> {
    let is = |sent: &Sent| sent.is_datagram && !sent.by_client && u32::from(sent.bytes[4]) == incarnation;
    (0..exchange.len()).filter(|at| is(&exchange[*at])).collect()
}

fn media(exchange: &[Sent]) -> Vec<usize> {
    let start = of(exchange, START_PLAYING);
    data(exchange, field(&exchange[start].bytes, HEAD + 36))
}

fn fragments(exchange: &[Sent]) -> Vec<usize> {
    let read = of(exchange, READ_BLOCK);
    data(exchange, field(&exchange[read].bytes, HEAD + 48))
}

fn requests(exchange: &[Sent]) -> Vec<usize> {
    (0..exchange.len()).filter(|at| exchange[*at].is_datagram && exchange[*at].by_client).collect()
}

/// The first packet that is a copy.
fn copy(exchange: &[Sent]) -> usize {
    let media = media(exchange);
    let sent = |at: &usize| media.iter().any(|other| other < at && exchange[*other] == exchange[*at]);
    media.iter().copied().find(sent).unwrap()
}

fn shift(exchange: &mut Vec<Sent>, from: usize, to: usize) {
    let sent = exchange.remove(from);
    exchange.insert(to, sent);
}

/// Breaks a rule, and no other one before.
fn plant(rule: Rule, exchange: &mut Vec<Sent>) {
    match rule {
        Rule::ControlLength => put(message(exchange, OPEN_FILE), HEAD, 1000),
        Rule::ControlCounter => message(exchange, OPEN_FILE)[20] += 1,
        Rule::OneMessage => {
            let packet = message(exchange, OPEN_FILE);
            let len = field(packet, 8) + 16;
            put(packet, 8, len);
            packet.extend([2, 0, 0, 0, 0x1B, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        Rule::MessageLength => {
            let packet = message(exchange, READ_BLOCK);
            packet.truncate(HEAD + 48);
            put(packet, 8, 64);
            put(packet, HEAD, 6);
        }
        Rule::RequestOrder => {
            let at = of(exchange, REPORT_CONNECTED_FUNNEL);
            exchange.remove(at);
        }
        Rule::ReplyOrder => {
            let (reply, request) = (of(exchange, REPORT_OPEN_FILE), of(exchange, OPEN_FILE));
            shift(exchange, reply, request);
        }
        Rule::ReplyIncarnation => message(exchange, REPORT_READ_BLOCK)[HEAD + 12] ^= 1,
        Rule::RequestIncarnation => {
            let read = field(message(exchange, READ_BLOCK), HEAD + 48);
            put(message(exchange, START_PLAYING), HEAD + 36, read);
        }
        Rule::Cancel => put(message(exchange, STREAM_SWITCH), HEAD + 4, 0x0003_0025),
        Rule::FileId => message(exchange, START_PLAYING)[HEAD + 8] ^= 2,
        Rule::Transport => {
            let at = media(exchange)[3];
            exchange[at].is_datagram = false;
        }
        Rule::DataLength => {
            let at = media(exchange)[3];
            exchange[at].bytes.push(0);
        }
        Rule::DataIncarnation => {
            let at = media(exchange)[3];
            exchange[at].bytes[4] ^= 0x80;
        }
        Rule::DataOrder => {
            let (first, report) = (media(exchange)[0], of(exchange, REPORT_STARTED_PLAYING));
            shift(exchange, first, report);
        }
        Rule::PacketPair => {
            let (report, pair) = (of(exchange, REPORT_READ_BLOCK), data(exchange, 0xFF));
            assert_eq!(pair.len(), 2);
            shift(exchange, report, pair[1]);
        }
        Rule::Fragments => {
            let at = *fragments(exchange).last().unwrap();
            exchange[at].bytes[5] = 0x08;
        }
        Rule::Sequence => {
            let at = media(exchange)[3];
            exchange[at].bytes[5] += 1;
        }
        Rule::LocationId => {
            let at = media(exchange)[3];
            exchange[at].bytes[0] = 0;
        }
        Rule::Copy => {
            let at = copy(exchange);
            exchange[at].bytes[20] ^= 1;
        }
        Rule::Unasked => {
            let at = media(exchange)[3];
            let again = exchange[at].clone();
            exchange.insert(at + 1, again);
        }
        Rule::ResendLength => {
            let at = requests(exchange)[0];
            exchange[at].bytes[10] += 1;
        }
        Rule::ResendIdentifiers => {
            let at = requests(exchange)[0];
            exchange[at].bytes[4] ^= 1;
        }
        Rule::ResendOrder => {
            let (request, report) = (requests(exchange)[0], of(exchange, REPORT_STARTED_PLAYING));
            shift(exchange, request, report);
        }
        Rule::AfterEnd => {
            let (media, end) = (media(exchange), of(exchange, REPORT_END_OF_STREAM));
            let last = media.iter().rev().find(|at| {
                **at < end && !media.iter().any(|other| other < *at && exchange[*other] == exchange[**at])
            });
            shift(exchange, *last.unwrap(), end);
        }
    }
}

#[test]
fn an_honest_exchange_passes() {
    let exchange = honest();
    assert!(exchange.len() > 300 && !requests(&exchange).is_empty());
    assert_eq!(broken(&exchange), None);
}

#[test]
fn control_bytes_may_be_cut_anywhere() {
    let mut checker = Checker::default();
    for sent in honest() {
        let piece = if sent.is_datagram { sent.bytes.len() } else { 7 };
        for bytes in sent.bytes.chunks(piece) {
            checker.sent(&Sent { bytes: bytes.to_vec(), ..sent.clone() }).unwrap();
        }
    }
    assert!(checker.checked() > 300);
}

#[test]
fn each_rule_is_seen_to_be_broken() {
    let honest = honest();
    let mut seen = BTreeSet::new();
    for rule in Rule::ALL {
        let mut exchange = honest.clone();
        plant(rule, &mut exchange);
        assert_eq!(broken(&exchange), Some(rule), "{rule:?} was planted");
        seen.insert(rule);
    }
    assert_eq!(seen.len(), Rule::ALL.len());
}
