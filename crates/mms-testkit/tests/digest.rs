//! The worked session of the protocol, packet by packet, against the server and against the client.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::client::{Options, Play, Player, Position};
use mms_core::mmsp::server::Pace;
use mms_core::selection::Thinning;
use mms_core::server;
use mms_testkit::asf::Recipe;
use mms_testkit::content::Content;
use mms_testkit::script::{ScriptedClient, ScriptedServer, packets};
use mms_testkit::vectors::vector;

fn tcp(name: &str) -> Vec<u8> {
    vector("tcp-session.hex", name)
}

/// A vector with another number, since the example leaves out packets.
fn numbered(name: &str, seq: u16) -> Vec<u8> {
    let mut bytes = tcp(name);
    bytes[20..22].copy_from_slice(&seq.to_le_bytes());
    bytes
}

fn content() -> Content {
    Content::made_up(&Recipe::default())
}

fn data(header: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = tcp(header)[..8].to_vec();
    bytes.extend(payload);
    bytes
}

#[test]
fn the_server_answers_the_worked_session_as_the_document_has_it() {
    let mut config = server::Config::default();
    config.mms.packet_pair = false;
    config.mms.burst = Duration::from_millis(180);
    let content = content();
    let mut client = ScriptedClient::new(content.clone(), config);
    assert_eq!(client.send(&tcp("connect")), tcp("report-connected-ex"));
    assert_eq!(client.send(&tcp("funnel-info")), tcp("report-funnel-info"));
    assert_eq!(client.send(&tcp("connect-funnel")), tcp("report-connected-funnel"));
    assert_eq!(client.send(&tcp("open-file")), tcp("report-open-file"));
    let header = content.header();
    let expected = [
        tcp("report-read-block"),
        data("data-header-fragment-0", &header[..1444]),
        data("data-header-fragment-1-last", &header[1444..]),
    ];
    assert_eq!(client.send(&tcp("read-block")), expected.concat());
    assert_eq!(client.send(&tcp("stream-switch")), tcp("report-stream-switch"));
    let second = [&[1, 0, 0, 0, 0x0A, 1, 0xAC, 0x05], content.packet(1)].concat();
    let expected = [tcp("report-started-playing"), data("data-packet-0", content.packet(0)), second].concat();
    assert_eq!(client.send(&tcp("start-playing")), expected);
    // 12.4 s of media, then its end; 30 s after the last message a Ping
    let media = client.pass(Duration::from_secs(29));
    assert_eq!(media.iter().filter(|(_, packet)| packet.data().is_some()).count(), 68);
    assert_eq!(packets(&numbered("report-end-of-stream", 7))[0], media.last().unwrap().1);
    let ping = client.pass(Duration::from_secs(25)).remove(0);
    assert_eq!(ping.1, packets(&numbered("ping", 8))[0]);
    assert!(client.send(&tcp("pong")).is_empty());
    assert_eq!(client.send(&tcp("stop-playing")), numbered("report-end-of-stream", 9));
    let again = client.send(&tcp("start-playing-seek"));
    let data = packets(&again)[1].data().unwrap();
    assert_eq!((data.location_id, data.play_incarnation, data.af_flags), (34, 0x0B, 70));
    assert!(client.send(&tcp("close-file")).is_empty());
    assert!(client.done);
    assert_eq!(client.error(), None);
}

#[test]
fn the_server_refuses_fast_forward_with_the_result_that_the_document_gives() {
    let mut client = ScriptedClient::new(content(), server::Config::default());
    for name in ["connect", "connect-funnel", "open-file", "read-block"] {
        assert!(!client.send(&tcp(name)).is_empty());
    }
    let reply = client.send(&tcp("start-striding"));
    assert_eq!(reply[36..48], [0x0A, 0, 4, 0, 0x45, 0, 0x0D, 0xC0, 0x0B, 0, 0, 0], "NS_E_STRIDE_REFUSED");
}

fn options() -> Options {
    let mut options = Options::default();
    options.mms.player = Player::with_guid([
        0x33, 0x00, 0xAD, 0x50, 0x2C, 0x39, 0x46, 0xC0, 0xAE, 0x0A, 0x1D, 0x3F, 0x5C, 0x9A, 0x7B, 0x11,
    ]);
    options.play = None;
    options.close_at_end = false;
    options
}

#[test]
fn the_client_says_the_worked_session_as_the_document_has_it() {
    let content = content();
    let mut server = ScriptedServer::new("mmst://media.example.com/music/test.wma", options());
    assert_eq!(server.settle(), tcp("connect"));
    assert_eq!(server.connects, ["media.example.com:1755"]);
    assert_eq!(server.send(&tcp("report-connected-ex")), tcp("funnel-info"));
    assert_eq!(server.send(&tcp("report-funnel-info")), tcp("connect-funnel"));
    assert_eq!(server.send(&tcp("report-connected-funnel")), tcp("open-file"));
    assert_eq!(server.send(&tcp("report-open-file")), tcp("read-block"));
    assert!(server.send(&tcp("report-read-block")).is_empty());
    let header = content.header();
    assert!(server.send(&data("data-header-fragment-0", &header[..1444])).is_empty());
    assert!(server.send(&data("data-header-fragment-1-last", &header[1444..])).is_empty());
    let mut play = Play::all();
    play.selection.set(2, Thinning::Nothing);
    server.client.play(play).unwrap();
    assert_eq!(server.settle(), tcp("stream-switch"));
    assert_eq!(server.send(&tcp("report-stream-switch")), tcp("start-playing"));
    assert!(server.send(&tcp("report-started-playing")).is_empty());
    assert!(server.send(&data("data-packet-0", content.packet(0))).is_empty());
    assert!(server.send(&data("data-packet-1-stripped", &content.packet(1)[..900])).is_empty());
    assert_eq!(server.send(&tcp("ping")), tcp("pong"));
    server.client.seek(Position::Time(Duration::from_millis(6250))).unwrap();
    let said = packets(&server.settle());
    assert_eq!(said[0], packets(&tcp("stop-playing"))[0]);
    assert_eq!(said[1].mid(), Some(mms_core::mmsp::wire::Mid::LOGGING));
    assert_eq!(said.len(), 2);
    assert_eq!(server.send(&tcp("report-end-of-stream")), numbered("stream-switch", 10));
    assert_eq!(server.send(&tcp("report-stream-switch")), tcp("start-playing-seek"));
    server.client.close();
    assert_eq!(
        server.settle()[..48],
        numbered("stop-playing", 12)[..44].iter().copied().chain([0x0B, 0, 0, 0]).collect::<Vec<_>>()[..]
    );
    let story = server.story().join(" ");
    assert!(story.contains("Packet 0 0 Packet 1 1"), "{story}");
    assert!(server.done);
}

/// A client that has the header.
fn ready(options: Options) -> ScriptedServer {
    let content = content();
    let mut server = ScriptedServer::new("mmst://media.example.com/music/test.wma", options);
    server.settle();
    for name in ["report-connected-ex", "report-funnel-info", "report-connected-funnel", "report-open-file"] {
        server.send(&tcp(name));
    }
    server.send(&data("data-header-fragment-0", &content.header()[..1444]));
    server.send(&data("data-header-fragment-1-last", &content.header()[1444..]));
    server
}

#[test]
fn the_client_closes_the_worked_session_as_the_document_has_it() {
    let mut server = ready(options());
    server.client.close();
    assert_eq!(server.settle(), numbered("close-file", 5));
    assert!(server.done);
    assert_eq!(server.client.error(), None);
}

#[test]
fn the_client_adds_the_acceleration_fields_for_a_server_of_version_9() {
    let mut options = options();
    options.play = Some(Play {
        acceleration: Some(mms_core::client::Acceleration {
            bandwidth: 512_000,
            duration: Duration::from_secs(5),
            link_bandwidth: Some(1_000_000),
        }),
        ..Play::all()
    });
    let mut server = ready(options);
    assert_eq!(server.send(&tcp("report-stream-switch")), tcp("start-playing-accelerated"));
}

#[test]
fn pace_off_sends_the_whole_file_at_once() {
    let mut config = server::Config::default();
    config.mms.pace = Pace::Off;
    let mut client = ScriptedClient::new(content(), config);
    for name in ["connect", "connect-funnel", "open-file", "read-block"] {
        client.send(&tcp(name));
    }
    let all = packets(&client.send(&tcp("start-playing")));
    assert_eq!(all.iter().filter_map(|packet| packet.data()).count(), 70);
}
