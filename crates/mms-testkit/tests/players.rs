//! The first messages of real players, with all that they send differently from the document, each fetching
//! a whole file.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::hresult::Hresult;
use mms_core::mmsp::server::Pace;
use mms_core::mmsp::wire::{
    MMS_DISABLE_PACKET_PAIR, MMS_PACKET_PAIR_TCP_HIGH_ENTROPY, MMS_USE_PACKET_PAIR, Message, Mid,
};
use mms_core::server;
use mms_testkit::asf::Recipe;
use mms_testkit::content::{Content, shared};
use mms_testkit::script::{Packet, ScriptedClient, packets};

/// A message out of raw fields, padded as the player pads.
fn raw(seq: u32, mid: Mid, fields: &[&[u8]]) -> Vec<u8> {
    let mut body = fields.concat();
    body.resize(body.len().next_multiple_of(8).max(8), 0);
    let length = body.len() as u32 + 8 + 16;
    let mut bytes = vec![1, 0, 0, 0, 0xCE, 0xFA, 0x0B, 0xB0];
    for word in [length, 0x2053_4D4D, length / 8, seq, 0, 0, length / 8 - 2, mid.0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(body);
    bytes
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn text(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

const VERSION: [u32; 2] = [0x0004_000B, 0x0003_001C];
const ZERO: [u8; 8] = [0; 8];

fn deadline() -> [u8; 8] {
    3600_f64.to_le_bytes()
}

/// What a player sends; an absent FunnelInfo is left out.
struct Player {
    connect: Vec<u8>,
    funnel_info: Option<Vec<u8>>,
    connect_funnel: Vec<u8>,
    open_file: Vec<u8>,
    read_block: Vec<u8>,
    stream_switch: Option<Vec<u8>>,
    start: Vec<u8>,
    header_incarnation: u8,
    play_incarnation: u8,
}

impl Player {
    /// What the open-source players have in common.
    fn open_source(guid: &str, address: &str) -> Self {
        let name = format!("NSPlayer/7.0.0.1956; {{{guid}}}; Host: example.com\0");
        let on = [0xFF, 0xFF, 1, 0, 0, 0, 0xFF, 0xFF, 2, 0, 0, 0];
        Self {
            connect: raw(0, Mid::CONNECT, &[&words(&[0]), &words(&VERSION), &text(&name)]),
            funnel_info: None,
            connect_funnel: raw(
                1,
                Mid::CONNECT_FUNNEL,
                &[&words(&[0, u32::MAX, 0, 0x0098_9680, 2]), &text(&format!("\\\\{address}\\TCP\\1037\0"))],
            ),
            open_file: raw(2, Mid::OPEN_FILE, &[&words(&[1, u32::MAX, 0, 0]), &text("a/b.wmv\0")]),
            read_block: raw(
                3,
                Mid::READ_BLOCK,
                &[&words(&[1, 0, 0, 0x0080_0000, u32::MAX, 0]), &ZERO, &deadline(), &words(&[2, 0])],
            ),
            stream_switch: Some(raw(4, Mid::STREAM_SWITCH, &[&words(&[2]), &on])),
            start: start(4, 0x00FF_FFFF),
            header_incarnation: 2,
            play_incarnation: 4,
        }
    }

    /// The whole file, with the replies that the player waits for, one after the other.
    fn fetch(self) -> ScriptedClient {
        let mut config = server::Config::default();
        config.mms.pace = Pace::Off;
        let mut client = ScriptedClient::new(Content::made_up(&Recipe::default()), config);
        expect(&mut client, &self.connect, &[Mid::REPORT_CONNECTED_EX]);
        if let Some(bytes) = &self.funnel_info {
            let reply = expect(&mut client, bytes, &[Mid::REPORT_FUNNEL_INFO]);
            let Message::ReportFunnelInfo(info) = reply[0].message() else { unreachable!() };
            assert_eq!((info.play_incarnation, info.packet_pair), (MMS_DISABLE_PACKET_PAIR, &[][..]));
        }
        expect(&mut client, &self.connect_funnel, &[Mid::REPORT_CONNECTED_FUNNEL]);
        let reply = expect(&mut client, &self.open_file, &[Mid::REPORT_OPEN_FILE]);
        let Message::ReportOpenFile(open) = reply[0].message() else { unreachable!() };
        assert_eq!((open.hr, open.open_file_id), (Hresult::S_OK, 1));
        let incarnation = u32::from_le_bytes(self.open_file[40..44].try_into().unwrap());
        assert_eq!(open.play_incarnation, incarnation, "echoed");
        let reply = packets(&client.send(&self.read_block));
        assert_eq!(reply[0].mid(), Some(Mid::REPORT_READ_BLOCK));
        let mut header: Vec<u8> = Vec::new();
        for (index, packet) in reply[1..].iter().enumerate() {
            let Packet::Data { header: head, payload } = packet else { panic!("{packet:?}") };
            let last = index == reply.len() - 2;
            assert_eq!(head.play_incarnation, self.header_incarnation);
            assert_eq!((head.location_id, head.af_flags), (index as u32, if last { 0x0C } else { 0x04 }));
            header.extend(payload);
        }
        assert_eq!(header, client.content.header());
        assert_eq!(header.len(), open.file_header_size as usize);
        assert_eq!(header[header.len() - 2..], [1, 1]);
        if let Some(bytes) = &self.stream_switch {
            expect(&mut client, bytes, &[Mid::REPORT_STREAM_SWITCH]);
        }
        let media = packets(&client.send(&self.start));
        assert_eq!(media[0].mid(), Some(Mid::REPORT_STARTED_PLAYING));
        let (end, data) = media[1..].split_last().unwrap();
        let mut received: Vec<u8> = Vec::new();
        for (number, packet) in data.iter().enumerate() {
            let Packet::Data { header, payload } = packet else { panic!("{packet:?}") };
            assert_eq!(header.play_incarnation, self.play_incarnation);
            assert_eq!((header.location_id, header.af_flags), (number as u32, number as u8));
            received.extend(payload);
        }
        assert!(received == client.content.media(), "the media differs");
        let Message::ReportEndOfStream(end) = end.message() else { panic!("{end:?}") };
        let start_incarnation = u32::from(self.play_incarnation);
        assert_eq!((end.hr, end.play_incarnation), (Hresult::S_OK, start_incarnation));
        client
    }
}

fn start(incarnation: u32, frame_offset: u32) -> Vec<u8> {
    let tail = words(&[u32::MAX, u32::MAX, frame_offset, incarnation]);
    raw(5, Mid::START_PLAYING, &[&words(&[1, 0x0001_FFFF]), &ZERO, &tail])
}

/// Sends bytes, expects these replies and nothing else, and that each reply had a write of its own.
fn expect(client: &mut ScriptedClient, bytes: &[u8], mids: &[Mid]) -> Vec<Packet> {
    client.writes.clear();
    let reply = packets(&client.send(bytes));
    assert_eq!(reply.iter().filter_map(Packet::mid).collect::<Vec<_>>(), mids);
    assert_eq!(client.writes.len(), mids.len(), "one reply in one write");
    reply
}

#[test]
fn ffmpeg_fetches_a_whole_file() {
    let mut ffmpeg = Player::open_source("7E667F5D-A661-495E-A512-F55686DDA178", "192.168.0.129");
    ffmpeg.funnel_info = Some(raw(1, Mid::FUNNEL_INFO, &[&words(&[0x00F0_F0F0, 0x0004_000B])]));
    let mut client = ffmpeg.fetch();
    assert_eq!(client.send(&raw(7, Mid::PONG, &[&words(&[1, 0x0100_FFFF])])), []);
    assert_eq!(client.send(&raw(8, Mid::CLOSE_FILE, &[&words(&[1, 1])])), []);
    assert!(client.done && client.error().is_none());
}

#[test]
fn libmms_fetches_a_whole_file_and_goes_without_a_word() {
    let libmms = Player::open_source("3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11", "192.168.0.129");
    let mut client = libmms.fetch();
    assert!(client.close().is_empty());
    assert!(client.done && client.error().is_none());
}

#[test]
fn libmms_seeks_with_a_packet_and_position_zero_without_a_stop() {
    let mut client = Player::open_source("3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11", "192.168.0.129").fetch();
    let tail = words(&[u32::MAX, 30, 0x00FF_FFFF, 5]);
    let media =
        packets(&client.send(&raw(6, Mid::START_PLAYING, &[&words(&[1, 0x0001_FFFF]), &ZERO, &tail])));
    let data = media[1].data().unwrap();
    assert_eq!((data.location_id, data.play_incarnation, data.af_flags), (30, 5, 70));
    assert_eq!(media.len(), 42);
}

#[test]
fn vlc_fetches_a_whole_file_and_seeks_with_the_same_incarnation() {
    let mut vlc = Player::open_source("3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11", "192.168.0.1");
    vlc.connect_funnel = raw(
        1,
        Mid::CONNECT_FUNNEL,
        &[&words(&[0, u32::MAX, 0, 0x000A_0000, 2]), &text("\\\\192.168.0.1\\TCP\\1242\0"), b"0\0"],
    );
    let off = [0xFF, 0xFF, 1, 0, 0, 0, 0xFF, 0xFF, 2, 0, 2, 0];
    vlc.stream_switch = Some(raw(4, Mid::STREAM_SWITCH, &[&words(&[2]), &off]));
    let mut client = vlc.fetch();
    // an unasked Pong, then stop and start in one piece
    assert!(client.send(&raw(6, Mid::PONG, &[&words(&[0, 0])])).is_empty());
    let stop = raw(7, Mid::STOP_PLAYING, &[&words(&[1, 0x001F_FFFF])]);
    let tail = words(&[u32::MAX, 60, 0x00FF_FFFF, 4]);
    let begin = raw(8, Mid::START_PLAYING, &[&words(&[1, 0x0001_FFFF]), &ZERO, &tail]);
    let said = packets(&client.send(&[stop, begin].concat()));
    let Message::ReportEndOfStream(end) = said[0].message() else { panic!("{:?}", said[0]) };
    assert_eq!((end.hr, end.play_incarnation), (Hresult::S_OK, 0x001F_FFFF), "echoed, not verified");
    assert_eq!(said[1].mid(), Some(Mid::REPORT_STARTED_PLAYING));
    assert_eq!(said[2].data().unwrap().location_id, 60);
}

#[test]
fn mplayer_fetches_a_whole_file_and_the_server_closes() {
    let mut mplayer = Player::open_source("33715801-BAB3-9D85-24E9-03B90328270A", "192.168.0.1");
    mplayer.connect_funnel = raw(
        1,
        Mid::CONNECT_FUNNEL,
        &[&words(&[0, 0, 0, 0, 2]), &text("\\\\192.168.0.1\\TCP\\1037"), &[0; 12]],
    );
    mplayer.open_file = raw(2, Mid::OPEN_FILE, &[&words(&[0, 0, 0, 0]), &text("a/b.wmv"), &[0; 14]]);
    mplayer.read_block =
        raw(3, Mid::READ_BLOCK, &[&words(&[1, 0, 0, 0, 0, 0]), &ZERO, &ZERO, &words(&[2, 0])]);
    // it claims five entries and sends two
    mplayer.stream_switch = None;
    let mut client = mplayer.fetch();
    assert!(!client.done);
    assert!(client.pass(Duration::from_millis(1900)).is_empty());
    assert!(!client.done);
    assert!(client.pass(Duration::from_millis(200)).is_empty());
    assert!(client.done && client.error().is_none());
}

#[test]
fn without_the_quirk_mplayer_is_not_closed() {
    let mut config = server::Config::default();
    config.mms.quirks.close_after_end = None;
    config.mms.pace = Pace::Off;
    let mplayer = Player::open_source("33715801-BAB3-9D85-24E9-03B90328270A", "192.168.0.1");
    let mut client = ScriptedClient::new(Content::made_up(&Recipe::default()), config);
    for bytes in
        [&mplayer.connect, &mplayer.connect_funnel, &mplayer.open_file, &mplayer.read_block, &mplayer.start]
    {
        client.send(bytes);
    }
    client.pass(Duration::from_secs(60));
    assert!(!client.done);
}

#[test]
fn mplayer_claims_more_entries_than_it_sends() {
    let mplayer = Player::open_source("33715801-BAB3-9D85-24E9-03B90328270A", "192.168.0.1");
    let mut client = ScriptedClient::new(Content::made_up(&Recipe::default()), server::Config::default());
    for bytes in [&mplayer.connect, &mplayer.connect_funnel, &mplayer.open_file, &mplayer.read_block] {
        client.send(bytes);
    }
    let two = [0xFF, 0xFF, 1, 0, 0, 0, 0xFF, 0xFF, 2, 0, 2, 0];
    let reply = packets(&client.send(&raw(4, Mid::STREAM_SWITCH, &[&words(&[5]), &two])));
    assert_eq!(reply.len(), 1, "{:?}", client.error());
    assert_eq!(reply[0].mid(), Some(Mid::REPORT_STREAM_SWITCH));
}

#[test]
fn xine_fetches_a_whole_file() {
    let mut xine = Player::open_source("3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11", "192.168.0.129");
    xine.connect_funnel = raw(
        1,
        Mid::CONNECT_FUNNEL,
        &[&words(&[0, 0, 0, 0, 2]), &text("\\\\192.168.0.129\\TCP\\1037\0"), b"0\0"],
    );
    xine.open_file = raw(2, Mid::OPEN_FILE, &[&words(&[1, u32::MAX, 0, 0]), &text("a/b.wmv\0"), &[0; 2]]);
    let six_more = [0xFF, 0xFF, 1, 0, 0, 0, 0xFF, 0xFF, 2, 0, 2, 0, 9, 9, 9, 9, 9, 9];
    xine.stream_switch = Some(raw(4, Mid::STREAM_SWITCH, &[&words(&[2]), &six_more]));
    let mut client = xine.fetch();
    client.close();
    assert!(client.error().is_none());
}

#[test]
fn crtmpserver_fetches_a_whole_file() {
    let mut crt = Player::open_source("babac001-d7f9-3374-f085658ba1e3ba91", "192.168.0.1");
    crt.stream_switch = Some(raw(4, Mid::STREAM_SWITCH, &[&words(&[1]), &[0xFF, 0xFF, 1, 0, 0, 0]]));
    crt.start = start(1, 0);
    crt.play_incarnation = 1;
    crt.fetch();
}

#[test]
fn windows_media_player_6_4_measures_the_bandwidth_and_fetches_a_whole_file() {
    let Some(folder) = shared() else { return };
    let bytes = std::fs::read(folder.join("testdata/real/mms-tcp/wmp64-client-messages.bin")).unwrap();
    let cuts = [0, 176, 224, 336, 488, 576, 640, 712];
    let mut config = server::Config::default();
    config.mms.pace = Pace::Off;
    let mut client = ScriptedClient::new(Content::made_up(&Recipe::default()), config);
    let mut replies = cuts.windows(2).map(|cut| packets(&client.send(&bytes[cut[0]..cut[1]])));
    let reply = replies.next().unwrap();
    let Message::ReportConnectedEx(connected) = reply[0].message() else { panic!("{reply:?}") };
    assert_eq!(connected.play_incarnation, MMS_USE_PACKET_PAIR);
    let pairs = replies.next().unwrap();
    let mut sizes = Vec::new();
    for packet in &pairs {
        let Message::ReportFunnelInfo(info) = packet.message() else { panic!("{packet:?}") };
        assert_eq!(info.play_incarnation, MMS_PACKET_PAIR_TCP_HIGH_ENTROPY);
        sizes.push(info.packet_pair.len() + 80);
    }
    assert_eq!(sizes, [512, 512, 1056]);
    assert_ne!(pairs[0].message(), pairs[1].message(), "the bytes are random");
    for mid in [Mid::REPORT_CONNECTED_FUNNEL, Mid::REPORT_OPEN_FILE] {
        assert_eq!(replies.next().unwrap()[0].mid(), Some(mid));
    }
    let header = replies.next().unwrap();
    assert_eq!(header[1].data().unwrap().play_incarnation, 2);
    assert_eq!(replies.next().unwrap()[0].mid(), Some(Mid::REPORT_STREAM_SWITCH));
    let media = replies.next().unwrap();
    assert_eq!(media.iter().filter_map(Packet::data).count(), 70, "it stops 248 s after the start");
    drop(replies);
    assert!(client.wishes[0].contains("eagles28.asf"), "{:?}", client.wishes);
}

#[test]
fn windows_media_player_6_4_may_send_everything_without_waiting() {
    let Some(folder) = shared() else { return };
    let bytes = std::fs::read(folder.join("testdata/real/mms-tcp/wmp64-client-messages.bin")).unwrap();
    let mut config = server::Config::default();
    config.mms.pace = Pace::Off;
    let mut client = ScriptedClient::new(Content::made_up(&Recipe::default()), config);
    let all = packets(&client.send(&bytes));
    let started = all.iter().position(|packet| packet.mid() == Some(Mid::REPORT_STARTED_PLAYING)).unwrap();
    let header = all.iter().take(started).filter_map(Packet::data).count();
    let media = all.iter().skip(started).filter_map(Packet::data).count();
    assert_eq!((header, media), (2, 70));
    assert_eq!(client.error(), None);
}

#[test]
fn replies_share_a_write_only_without_the_quirk_for_mplayer() {
    for (quirk, writes) in [(true, 3), (false, 1)] {
        let mut config = server::Config::default();
        config.mms.quirks.one_reply_per_write = quirk;
        let mut client = ScriptedClient::new(Content::made_up(&Recipe::default()), config);
        let player = Player::open_source("33715801-BAB3-9D85-24E9-03B90328270A", "192.168.0.1");
        for bytes in [&player.connect, &player.connect_funnel, &player.open_file, &player.read_block] {
            client.send(bytes);
        }
        client.writes.clear();
        client.reads = false;
        client.send(&player.stream_switch.unwrap().repeat(3));
        client.reads = true;
        client.settle();
        assert_eq!(client.writes.len(), writes, "quirk {quirk}");
    }
}
