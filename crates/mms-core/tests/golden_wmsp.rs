//! The worked examples of the digest's chapter 15, byte for byte, and the samples of chapters 3 to 9.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod wmsp;

use mms_core::asf::{HeaderLimits, HeaderWalker, PacketHead, restore_padding};
use mms_core::hresult::Hresult;
use mms_core::wmsp::wire::*;
use wmsp::{data, end, header, header_frame, hex, live_header, packet};

fn request(text: &str) -> Vec<u8> {
    let lines: String = text.trim().lines().map(|line| format!("{}\r\n", line.trim())).collect();
    format!("{lines}\r\n").into_bytes()
}

fn one(frame: &[u8]) -> FrameHead {
    let Ok(Frame::Packet { head, total }) = Deframer::new(FrameLimits::default()).next(frame) else {
        panic!()
    };
    assert_eq!(total, frame.len());
    assert_eq!(head.encode()[..head.encoded_len()], frame[..head.encoded_len()]);
    head
}

fn encoded(value: &impl core::fmt::Display) -> String {
    let mut out = vec![0; text_len(value)];
    encode_text(value, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn example_15_1_the_describe_pair() {
    let bytes = request(
        "GET /music/a.wma HTTP/1.0
        Accept: */*
        User-Agent: NSPlayer/7.1.0.3055
        Host: server:8080
        Pragma: no-cache,rate=1.000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0
        Pragma: xClientGUID={11223344-1122-1122-1122-AABBCCDDEEFF}
        Connection: Close",
    );
    let head = RequestHead::decode(&bytes).unwrap();
    assert_eq!((head.method, head.target, head.version), (Method::Get, "/music/a.wma", Version::Http10));
    let tokens: Vec<Token<'_>> = Tokens::new(head.fields.get("Pragma").unwrap()).collect();
    let expected = [
        Token::NoCache,
        Token::Rate(Decimal::ONE),
        Token::StreamTime(0),
        Token::StreamOffset(Offset(0)),
        Token::RequestContext(1),
        Token::MaxDuration(0),
    ];
    assert_eq!(tokens, expected);
    let again = [
        encoded(&RequestLine(head.method, head.target, head.version)),
        encoded(&HeaderLine("Accept", "*/*")),
        encoded(&Field::UserAgent(Product::new(ProductName::NsPlayer, [7, 1, 0, 3055]))),
        encoded(&Field::Host("server:8080")),
        encoded(&PragmaLine(&expected)),
        encoded(&PragmaLine(&[Token::XClientGuid("{11223344-1122-1122-1122-AABBCCDDEEFF}")])),
        "Connection: Close\r\n\r\n".into(),
    ];
    assert_eq!(again.concat().into_bytes(), bytes);
    let bytes = request(
        "HTTP/1.0 200 OK
        Server: Cougar/9.01.01.3814
        Content-Type: application/vnd.ms.wms-hdr.asfv1
        Content-Length: 356
        Pragma: no-cache, client-id=1953501979, features=\"seekable\", timeout=60000
        Cache-Control: no-cache, x-wms-content-size=1880
        Connection: close",
    );
    let head = ResponseHead::decode(&bytes).unwrap();
    assert_eq!((head.status, head.reason), (Status::OK, "OK"));
    let field = |name: &'static str| Field::decode(name, head.fields.get(name).unwrap().as_bytes());
    assert_eq!(field("Server"), Field::Server(Product::new(ProductName::Cougar, [9, 1, 1, 3814])));
    assert_eq!(field("Content-Type"), Field::ContentType(ContentType::HEADER));
    assert_eq!(field("Content-Length"), Field::ContentLength(356));
    assert_eq!(field("Connection"), Field::Connection(Connection { close: true, keep_alive: false }));
    let pragma = Pragma::of(head.fields);
    assert_eq!(pragma.client_id, Some(1_953_501_979));
    assert_eq!(pragma.features, Some(EntryFeatures::SEEKABLE));
    assert_eq!(pragma.timeout, Some(60_000));
    let cache: Vec<_> = CacheControl(head.fields.get("cache-control").unwrap()).iter().collect();
    assert_eq!(cache, [CacheDirective::NoCache, CacheDirective::ContentSize(1880)]);
}

#[test]
fn example_15_1_the_header_frame_and_the_packets() {
    let frame = header_frame();
    assert_eq!(frame.len(), 356);
    let head = one(&frame);
    assert_eq!((head.packet_id, head.packet_length), (PacketId::HEADER, 0x160));
    let inner = head.data_header().unwrap();
    assert_eq!((inner.location_id, inner.play_incarnation, inner.af_flags), (0, 0, 0x0C));
    let mut walker = HeaderWalker::new(HeaderLimits::default());
    walker.feed(&header()).unwrap();
    let summary = walker.summary().unwrap();
    assert_eq!((summary.packet_size(), summary.data_packets, summary.header_len), (512, 3, 344));
    for (number, send_time) in [(0, 0), (1, 186), (2, 372)] {
        let frame = data(number);
        assert_eq!(frame.len(), 524);
        let inner = one(&frame).data_header().unwrap();
        assert_eq!((inner.location_id, inner.af_flags), (u32::from(number), number));
        assert_eq!(PacketHead::decode(&frame[12..]).unwrap().send_time_ms, send_time);
    }
    assert_eq!(data(1)[..12], hex("24 44 08 02 01 00 00 00 00 01 08 02"));
    assert_eq!(data(2)[12..28], hex("82 00 00 08 5d 14 74 01 00 00 ba 00 81 02 00 00"));
    assert_eq!(one(&end(0)).result(), Some(Hresult::S_OK));
    assert_eq!(end(0), hex("24 45 04 00 00 00 00 00"));
}

#[test]
fn example_15_1_the_stripped_packet_describes_its_own_size() {
    let mut frame = hex("24 44 f5 01 00 00 00 00 00 00 f5 01 82 00 00 40 5d ed 01 00 00 00 00 ba 00 81 00
        00 00 00 00 08 d1 01 00 00 b8 0b 00 00");
    frame.extend([0x30; 465]);
    assert_eq!(frame.len(), 505);
    assert_eq!(one(&frame).payload(frame.len()).len(), 493);
    let restored = restore_padding(&frame[12..], 512).unwrap();
    assert_eq!(restored.total_len(), 512);
    let head = PacketHead::decode(&frame[12..]).unwrap();
    assert_eq!(head.payload_range().len(), PacketHead::decode(&packet(0)).unwrap().payload_range().len());
}

#[test]
fn example_15_1_the_log() {
    let bytes = request(
        "POST /music/a.wma HTTP/1.0
        User-Agent: NSPlayer/7.1.0.3055
        Host: server:8080
        Content-Type: text/plain
        Pragma: client-id=1953501979
        Pragma: log-line=0.0.0.0 2003-09-27 00:27:24 - http://server:8080/music/a.wma 0 1 1 200 {11223344-1122-1122-1122-AABBCCDDEEFF} 7.1.0.3055 en-US - - wmplayer.exe 7.1.0.3055 Windows_2000 5.0.0.2195 Pentium 1 1880 22064 http TCP Windows_Media_Audio - - - 1880 - 3 0 0 0 0 0 0 1 0 100 - - - -
        Content-Length: 0",
    );
    let pragma = Pragma::of(RequestHead::decode(&bytes).unwrap().fields);
    assert_eq!(pragma.client_id, Some(1_953_501_979));
    let line = pragma.log_line.unwrap();
    assert_eq!(line.split(' ').count(), 44);
    assert!(encoded(&PragmaLine(&[Token::LogLine(line)])).ends_with("100 - - - -\r\n"));
    let bytes = request(
        "HTTP/1.0 204 No Content
        Server: Cougar/9.01.01.3814
        Pragma: no-cache, client-id=1953501979, timeout=60000
        Cache-Control: no-cache
        Content-Length: 0",
    );
    let head = ResponseHead::decode(&bytes).unwrap();
    assert_eq!((head.status, head.reason), (Status::NO_CONTENT, Status::NO_CONTENT.phrase()));
}

#[test]
fn example_15_2_packet_pairs_and_metadata() {
    let pairs = [
        hex("24 50 f8 01 f8 01 00 00"),
        [hex("24 50 f8 01 f8 01 00 00"), vec![1; 504]].concat(),
        [hex("24 50 18 04 f8 01 00 00"), vec![2; 1552]].concat(),
    ];
    for (number, pair) in (0_u8..).zip(&pairs) {
        assert_eq!(FrameHead::packet_pair(number, 900).encode()[..8], pair[..8]);
    }
    let metadata =
        hex("24 4d 6d 01 00 00 00 00 00 0c 6d 01 70 6c 61 79 6c 69 73 74 2d 67 65 6e 2d 69 64 3d 32 35 38 37
        2c 20 62 72 6f 61 64 63 61 73 74 2d 69 64 3d 31 2c 20 66 65 61 74 75 72 65 73 3d 22 62 72 6f 61
        64 63 61 73 74 2c 70 6c 61 79 6c 69 73 74 22 00 38 2c 6c 61 6e 67 75 61 67 65 2c 33 31 2c 30 2c
        2c 34 34 2c 57 4d 53 5f 43 4f 4e 54 45 4e 54 5f 44 45 53 43 52 49 50 54 49 4f 4e 5f 53 45 52 56
        45 52 5f 42 52 41 4e 44 49 4e 47 5f 49 4e 46 4f 2c 33 31 2c 31 32 2c 57 4d 53 65 72 76 65 72 2f
        39 2e 30 2c 35 2c 74 69 74 6c 65 2c 33 31 2c 31 30 2c 41 64 2c 20 70 61 72 74 20 31 2c 35 31 2c
        57 4d 53 5f 43 4f 4e 54 45 4e 54 5f 44 45 53 43 52 49 50 54 49 4f 4e 5f 50 4c 41 59 4c 49 53 54
        5f 45 4e 54 52 59 5f 53 54 41 52 54 5f 4f 46 46 53 45 54 2c 33 2c 34 2c 33 30 30 30 2c 34 37 2c
        57 4d 53 5f 43 4f 4e 54 45 4e 54 5f 44 45 53 43 52 49 50 54 49 4f 4e 5f 50 4c 41 59 4c 49 53 54
        5f 45 4e 54 52 59 5f 44 55 52 41 54 49 4f 4e 2c 33 2c 31 2c 30 2c 34 32 2c 57 4d 53 5f 43 4f 4e
        54 45 4e 54 5f 44 45 53 43 52 49 50 54 49 4f 4e 5f 50 4c 41 59 4c 49 53 54 5f 45 4e 54 52 59 5f
        55 52 4c 2c 33 31 2c 36 2c 50 75 73 68 3a 2a 0d 0a");
    assert_eq!(metadata.len(), 369);
    one(&metadata);
    let found = Metadata::decode(&metadata[12..]).unwrap();
    assert_eq!((found.playlist_gen_id, found.broadcast_id), (2587, 1));
    assert_eq!(found.features, EntryFeatures::BROADCAST | EntryFeatures::PLAYLIST);
    let mut lists = found.descriptions;
    let list = lists.next().unwrap().unwrap();
    assert_eq!(list.get("title"), Some("Ad, part 1"));
    assert_eq!(list.get("WMS_CONTENT_DESCRIPTION_PLAYLIST_ENTRY_URL"), Some("Push:*"));
    assert_eq!((list.pairs().count(), list.get("language")), (6, Some("")));
    assert!(lists.next().is_none());
    assert_eq!(encoded(&found).into_bytes(), metadata[12..]);
    // the whole body of the Describe answer
    let live = [hex("24 48 60 01 00 00 00 00 00 0c 60 01"), live_header()].concat();
    let body = [pairs.concat(), metadata, live].concat();
    assert_eq!(body.len(), 2805);
    let (mut deframer, mut at, mut ids) = (Deframer::new(FrameLimits::default()), 0, String::new());
    while let Ok(Frame::Packet { head, total }) = deframer.next(&body[at..]) {
        ids.push(char::from(head.packet_id.0));
        at += total;
    }
    assert_eq!((ids.as_str(), at), ("PPPMH", 2805));
    let mut walker = HeaderWalker::new(HeaderLimits::default());
    walker.feed(&live_header()).unwrap();
    assert!(walker.summary().unwrap().file_properties.is_broadcast());
}

#[test]
fn example_15_2_the_pipeline_test_and_the_chunks_of_play() {
    let mut body = hex("34 0d 0a 24 54 00 00 0d 0a 30 0d 0a 0d 0a");
    let mut chunked = Chunked::new();
    assert_eq!(chunked.compact(&mut body), Ok(4));
    assert!(chunked.is_over());
    assert_eq!(one(&body[..4]), FrameHead::test());
    let tail = hex("38 0d 0a 24 45 04 00 01 00 00 00 0d 0a 38 0d 0a 24 43 04 00 00 00 00 00 0d 0a");
    let mut tail = [tail, b"0\r\n\r\n".to_vec()].concat();
    let kept = Chunked::new().compact(&mut tail).unwrap();
    assert_eq!(kept, 16);
    let ended = one(&tail[..8]);
    assert_eq!((ended.packet_id, ended.result()), (PacketId::END_OF_STREAM, Some(Hresult::S_FALSE)));
    assert_eq!(one(&tail[8..16]), FrameHead::reason(PacketId::STREAM_CHANGE, Hresult::S_OK));
}

#[test]
fn example_15_2_the_requests_of_a_pipelining_client() {
    let bytes = request(
        "GET /live HTTP/1.1
        User-Agent: NSPlayer/12.0.7680.0
        Pragma: version11-enabled=1
        Pragma: no-cache,rate=1.000,stream-time=0,stream-offset=4294967295:4294967295,packet-num=4294967295,max-duration=0
        Pragma: xPlayStrm=1
        Pragma: client-id=297067864
        Pragma: LinkBW=2147483647, AccelBW=2147483647, AccelDuration=18000
        Supported: com.microsoft.wm.srvppair, com.microsoft.wm.sswitch, com.microsoft.wm.startupprofile
        Pragma: playlist-gen-id=2587
        Pragma: stream-switch-count=1
        Pragma: stream-switch-entry=ffff:1:0",
    );
    let head = RequestHead::decode(&bytes).unwrap();
    let pragma = Pragma::of(head.fields);
    assert_eq!((pragma.version11_enabled, pragma.x_play_strm), (Some(true), Some(true)));
    assert_eq!(pragma.stream_offset, Some(Offset::NOT_GIVEN));
    assert_eq!(pragma.packet_num, Some(NOT_GIVEN));
    assert_eq!(
        (pragma.link_bw, pragma.accel_bw, pragma.accel_duration),
        (Some(i32::MAX as u32), Some(i32::MAX as u32), Some(18_000))
    );
    assert_eq!(pragma.playlist_gen_id, Some(2587));
    let entries: Vec<SwitchEntry> = pragma.stream_switch_entry.unwrap().iter(Base::Hexadecimal).collect();
    assert_eq!(entries, [SwitchEntry { src: NO_STREAM, dst: 1, level: 0 }]);
    let supported = Supported::parse(head.fields.get("Supported").unwrap());
    assert_eq!(supported, Supported::SRVPPAIR | Supported::SSWITCH | Supported::STARTUPPROFILE);
    assert_eq!(
        encoded(&Field::Supported(supported)),
        format!("Supported: {}\r\n", head.fields.get("Supported").unwrap())
    );
    let stop = request("POST /live HTTP/1.1\nPragma: client-id=1, xStopStrm=1");
    let stop = Pragma::of(RequestHead::decode(&stop).unwrap().fields);
    assert_eq!(stop.x_stop_strm, Some(true));
}

#[test]
fn example_15_3_the_server_of_vlc() {
    let bytes = request(
        "HTTP/1.0 200 OK
        Content-type: application/octet-stream
        Server: Cougar 4.1.0.3921
        Pragma: no-cache
        Pragma: client-id=20177
        Pragma: features=\"broadcast\"
        Cache-Control: no-cache
        Connection: close",
    );
    let head = ResponseHead::decode(&bytes).unwrap();
    let server = Product::parse(head.fields.get("Server").unwrap());
    assert_eq!((server.version, server.slash, server.is_modern_server()), ([4, 1, 0, 3921], false, false));
    let pragma = Pragma::of(head.fields);
    assert_eq!((pragma.client_id, pragma.features), (Some(20177), Some(EntryFeatures::BROADCAST)));
    assert_eq!(ContentType(head.fields.get("content-type").unwrap()), ContentType::OCTET_STREAM);
    let mut frame = hex("24 44 08 10 05 00 00 00 00 00 08 10 82 00 00 11 5d 0e 00 52 0f 00 00 00 00 92");
    frame.resize(12 + 4096, 0);
    assert_eq!(one(&frame).data_header().unwrap().location_id, 5);
}

#[test]
fn the_sample_of_a_describe_answer_of_version_9() {
    let bytes = request(
        "HTTP/1.1 200 OK
        Pragma: packet-pair-experiment=1, no-cache, pipeline-experiment=1, client-id=2676631236, xResetStrm=1, features=\"seekable,stridable\", timeout=60000
        Content-Type: application/vnd.ms.wms-hdr.asfv1
        Server: Cougar/9.5.6001.18281
        Content-Length: 5661
        Date: Thu, 25 Feb 2010 17:17:45 GMT
        Cache-Control: no-cache, x-wms-content-size=923118, max-age=86399, user-public, must-revalidate, proxy-public, proxy-revalidate
        Last-Modified: Tue, 22 Jan 2008 22:54:32 GMT
        Etag: \"923118\"
        Supported: com.microsoft.wm.srvppair, com.microsoft.wm.sswitch, com.microsoft.wm.predstrm, com.microsoft.wm.fastcache, com.microsoft.wm.startupprofile",
    );
    let head = ResponseHead::decode(&bytes).unwrap();
    let pragma = Pragma::of(head.fields);
    assert_eq!((pragma.packet_pair_experiment, pragma.pipeline_experiment), (Some(true), Some(true)));
    assert_eq!((pragma.client_id, pragma.x_reset_strm), (Some(2_676_631_236), Some(true)));
    assert_eq!(pragma.features, Some(EntryFeatures::SEEKABLE | EntryFeatures::STRIDABLE));
    let control = CacheControl(head.fields.get("Cache-Control").unwrap());
    assert!(control.may_be_cached());
    assert_eq!(control.iter().count(), 7);
    assert_eq!(Supported::parse(head.fields.get("Supported").unwrap()), Supported::all());
    assert_eq!(
        Pragma::of(
            RequestHead::decode(b"GET / HTTP/1.1\r\nPragma: Speed=869219.563\r\n\r\n").unwrap().fields
        )
        .speed,
        Some(Decimal(869_219_563))
    );
}

#[test]
fn every_status_has_a_phrase_and_a_meaning() {
    for status in Status::KNOWN {
        assert_ne!(status.phrase(), "Unknown");
        assert_eq!(status.is_success(), (200..300).contains(&status.0));
    }
    for wanted in [400, 404, 405, 408, 413, 414, 431, 501, 503] {
        assert!(Status::KNOWN.contains(&Status(wanted)), "{wanted}");
    }
    assert_eq!(encoded(&StatusLine(Version::Http10, Status(799))), "HTTP/1.0 799 Unknown\r\n");
    assert!(!Status::NOT_MODIFIED.is_redirect() && !Status::USE_PROXY.is_redirect());
}
