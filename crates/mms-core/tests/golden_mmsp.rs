//! Every worked example of the protocol, in both directions.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod vectors;

use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::*;
use mms_core::text::Text;

type Expected = (&'static str, u16, Message<'static>);

const CONNECT: Connect<'_> = Connect {
    play_incarnation: MMS_DISABLE_PACKET_PAIR,
    mac_to_viewer_protocol_revision: MAC_TO_VIEWER_PROTOCOL_REVISION,
    viewer_to_mac_protocol_revision: VIEWER_TO_MAC_PROTOCOL_REVISION,
    subscriber_name: Text::Parts(&[
        "NSPlayer/9.0.0.2980; {3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11}",
        "; Host: ",
        "media.example.com",
    ]),
};

const CONNECTED: ReportConnectedEx<'_> = ReportConnectedEx {
    hr: Hresult::S_OK,
    play_incarnation: MMS_DISABLE_PACKET_PAIR,
    mac_to_viewer_protocol_revision: MAC_TO_VIEWER_PROTOCOL_REVISION,
    viewer_to_mac_protocol_revision: VIEWER_TO_MAC_PROTOCOL_REVISION,
    block_group_play_time: 1.0,
    block_group_blocks: 1,
    max_open_files: 1,
    block_max_bytes: 0x8000,
    max_bit_rate: 0x0098_9680,
    server_version_info: Some(Text::Str("9.01.01.3841")),
    version_info: None,
    version_url: None,
    authen_package: None,
};

const FUNNEL_INFO: ReportFunnelInfo<'_> = ReportFunnelInfo {
    hr: Hresult::S_OK,
    play_incarnation: MMS_DISABLE_PACKET_PAIR,
    transport_mask: 8,
    block_fragments: 1,
    fragment_bytes: 0x1_0000,
    cubs: 0x5EED_1234,
    failed_cubs: 0,
    disks: 1,
    decluster: 0,
    cubdd_datagram_size: 0,
    packet_pair: &[],
};

const CONNECT_FUNNEL: ConnectFunnel<'_> = ConnectFunnel {
    play_incarnation: 0,
    max_block_bytes: u32::MAX,
    max_funnel_bytes: 0,
    max_bit_rate: 0x0098_9680,
    funnel_mode: 2,
    funnel_name: Text::Str(r"\\192.0.2.10\TCP\1755"),
};

const OPENED: ReportOpenFile = ReportOpenFile {
    hr: Hresult::S_OK,
    play_incarnation: 9,
    open_file_id: 1,
    file_attributes: FileAttributes::CANSEEK,
    file_duration: 12.5,
    file_blocks: 13,
    file_packet_size: 1444,
    file_packet_count: 70,
    file_bit_rate: 64_000,
    file_header_size: 2000,
};

const READ_BLOCK: ReadBlock = ReadBlock {
    open_file_id: 1,
    file_block_id: 0,
    offset: 0,
    length: 0x8000,
    flags: u32::MAX,
    t_earliest: 0.0,
    t_deadline: 3600.0,
    play_incarnation: 1,
    play_sequence: 0,
};

const START: StartPlaying = StartPlaying {
    open_file_id: 1,
    position: 0.0,
    asf_offset: START_NOT_USED,
    location_id: START_NOT_USED,
    frame_offset: 0,
    play_incarnation: 0x0A,
    acceleration: None,
};

const SEEK: StartPlaying = StartPlaying { position: 6.25, play_incarnation: 0x0B, ..START };

const FIRST_ON_SECOND_OFF: StreamEntries<'_> = StreamEntries::new(&[
    StreamSwitchEntry { src_stream_number: NO_STREAM, dst_stream_number: 1, thinning_level: 0 },
    StreamSwitchEntry { src_stream_number: 2, dst_stream_number: NO_STREAM, thinning_level: 0 },
]);

fn tcp_session() -> Vec<Expected> {
    let hr = Hresult::S_OK;
    let acceleration =
        Acceleration { accel_bandwidth: 512_000, accel_duration: 5000, link_bandwidth: Some(1_000_000) };
    let stride = StartStriding {
        open_file_id: 1,
        position: 6.25,
        asf_offset: START_NOT_USED,
        location_id: START_NOT_USED,
        frame_offset: 0,
        play_incarnation: 0x0B,
        rate: 5.0,
    };
    let open =
        OpenFile { play_incarnation: 9, spare: 0, file_name: "music/test.wma".into(), token_data: &[] };
    let funnel = ReportConnectedFunnel {
        hr,
        play_incarnation: 0,
        packet_payload_size: 0,
        funnel_name: "Funnel Of The Gods".into(),
    };
    let started = ReportStartedPlaying { hr, play_incarnation: 0x0A, tiger_file_id: 1 };
    vec![
        ("connect", 0, Message::Connect(CONNECT)),
        ("report-connected-ex", 0, Message::ReportConnectedEx(CONNECTED)),
        ("funnel-info", 1, Message::FunnelInfo(FunnelInfo { play_incarnation: 0xF0F0_F0EF })),
        ("report-funnel-info", 1, Message::ReportFunnelInfo(FUNNEL_INFO)),
        ("connect-funnel", 2, Message::ConnectFunnel(CONNECT_FUNNEL)),
        ("report-connected-funnel", 2, Message::ReportConnectedFunnel(funnel)),
        ("open-file", 3, Message::OpenFile(open)),
        ("report-open-file", 3, Message::ReportOpenFile(OPENED)),
        ("read-block", 4, Message::ReadBlock(READ_BLOCK)),
        (
            "report-read-block",
            4,
            Message::ReportReadBlock(ReportReadBlock { hr, play_incarnation: 1, play_sequence: 0 }),
        ),
        ("stream-switch", 5, Message::StreamSwitch(StreamSwitch { entries: FIRST_ON_SECOND_OFF })),
        ("report-stream-switch", 5, Message::ReportStreamSwitch(ReportStreamSwitch { hr })),
        ("start-playing", 6, Message::StartPlaying(START)),
        (
            "start-playing-accelerated",
            6,
            Message::StartPlaying(StartPlaying { acceleration: Some(acceleration), ..START }),
        ),
        ("report-started-playing", 6, Message::ReportStartedPlaying(started)),
        ("ping", 7, Message::Ping),
        ("pong", 7, Message::Pong),
        ("stop-playing", 8, Message::StopPlaying(StopPlaying { open_file_id: 1, play_incarnation: 0x0A })),
        (
            "report-end-of-stream",
            8,
            Message::ReportEndOfStream(ReportEndOfStream { hr, play_incarnation: 0x0A }),
        ),
        ("start-playing-seek", 11, Message::StartPlaying(SEEK)),
        ("start-striding", 11, Message::StartStriding(stride)),
        ("close-file", 10, Message::CloseFile(CloseFile { play_incarnation: 0, open_file_id: 1 })),
    ]
}

fn udp_session() -> Vec<Expected> {
    let pair = MMS_PACKET_PAIR_UDP_HIGH_ENTROPY;
    let info = ReportFunnelInfo { play_incarnation: pair, ..FUNNEL_INFO };
    let funnel = ConnectFunnel { funnel_name: Text::Str(r"\\192.0.2.10\UDP\2512"), ..CONNECT_FUNNEL };
    let refused = ReportDisconnectedFunnel { hr: Hresult::NS_E_UDP_DISABLED, play_incarnation: 0 };
    vec![
        ("funnel-info", 1, Message::FunnelInfo(FunnelInfo { play_incarnation: pair })),
        ("report-funnel-info", 1, Message::ReportFunnelInfo(info)),
        ("connect-funnel", 2, Message::ConnectFunnel(funnel)),
        ("report-disconnected-funnel", 2, Message::ReportDisconnectedFunnel(refused)),
        ("cancel-read-block", 5, Message::CancelReadBlock(CancelReadBlock { play_incarnation: 1 })),
    ]
}

fn open_and_end() -> Vec<Expected> {
    let realm = b"r\0e\0a\0l\0m\0=\0\"\0w\0m\0\"\0\0\0";
    let change = ReportStreamChange {
        hr: Hresult::S_OK,
        tcp_hdr_incarnation: 0xFF,
        packet_size: 1444,
        header_size: 1800,
        bit_rate: 96_000,
    };
    let redirect = ReportRedirect {
        hr: Hresult::S_OK,
        redirect_type: RedirectType::URL,
        location: "mmst://b.example/x.asf".into(),
    };
    let not_found = ReportOpenFile {
        hr: Hresult::NS_E_FILE_NOT_FOUND,
        play_incarnation: 9,
        open_file_id: 0,
        file_attributes: FileAttributes::empty(),
        file_duration: 0.0,
        file_blocks: 0,
        file_packet_size: 0,
        file_packet_count: 0,
        file_bit_rate: 0,
        file_header_size: 0,
    };
    let more = ReportEndOfStream { hr: Hresult::S_FALSE, play_incarnation: 0x0A };
    let challenge =
        |token| Message::SecurityChallenge(SecurityChallenge { play_incarnation: 9, cookie: 1, token });
    let response = SecurityResponse { play_incarnation: 9, cookie: 1, token: b"dXNlcjpwYXNz\0" };
    vec![
        ("security-challenge-basic", 3, challenge(realm)),
        ("security-response-basic", 4, Message::SecurityResponse(response)),
        ("security-challenge-ntlm", 3, challenge(b"\0\0")),
        ("report-end-of-stream-more", 9, Message::ReportEndOfStream(more)),
        ("report-stream-change", 10, Message::ReportStreamChange(change)),
        ("report-redirect", 3, Message::ReportRedirect(redirect)),
        ("report-open-file-not-found", 3, Message::ReportOpenFile(not_found)),
    ]
}

fn captured() -> Vec<Expected> {
    let funnel = ConnectFunnel {
        play_incarnation: MMS_PACKET_PAIR_TCP_HIGH_ENTROPY,
        max_bit_rate: 0x00A0_0000,
        funnel_name: Text::Str(r"\\192.168.1.85\TCP\2516"),
        ..CONNECT_FUNNEL
    };
    vec![("connect-funnel-2005", 2, Message::ConnectFunnel(funnel))]
}

fn check_packet(bytes: &[u8], seq: u16, expected: &Message<'_>) {
    let frame = Deframer::client(FrameLimits::default()).next(bytes);
    assert_eq!(frame, Ok(Frame::Command { total: bytes.len() }));
    let header = TcpMessageHeader::decode(bytes).unwrap();
    assert_eq!(header, TcpMessageHeader::for_messages(bytes.len() - TcpMessageHeader::LEN, seq));
    assert_eq!(header.encode(), bytes[..TcpMessageHeader::LEN]);
    let messages: Vec<_> = Messages::new(&bytes[TcpMessageHeader::LEN..]).collect();
    assert_eq!(messages, [Ok(*expected)]);
    assert_eq!(expected.encoded_len(), bytes.len() - TcpMessageHeader::LEN);
    for message in [*expected, messages[0].unwrap()] {
        let mut out = [0xAA; 512];
        assert_eq!(encode_packet(&message, seq, &mut out), Ok(bytes.len()));
        assert_eq!(out[..bytes.len()], *bytes);
        assert!(out[bytes.len()..].iter().all(|byte| *byte == 0xAA));
    }
}

fn check_file(file: &'static str, expected: &[Expected]) {
    let packets: Vec<_> = vectors::read(file)
        .into_iter()
        .filter(|vector| !vector.name.starts_with("data-") && vector.bytes.starts_with(&[1, 0, 0, 0]))
        .filter(|vector| !vector.name.ends_with("prefix"))
        .collect();
    let names = |vectors: &[vectors::Vector]| vectors.iter().map(|vector| vector.name).collect::<Vec<_>>();
    assert_eq!(names(&packets), expected.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    for (vector, (_, seq, message)) in packets.iter().zip(expected) {
        println!("{}", vector.name);
        check_packet(&vector.bytes, *seq, message);
    }
}

#[test]
fn there_are_46_vectors_and_their_names_are_unique_within_a_file() {
    let files: Vec<_> = vectors::ALL.iter().map(|file| vectors::read(file)).collect();
    assert_eq!(files.iter().map(Vec::len).collect::<Vec<_>>(), [26, 9, 9, 2]);
    assert_eq!(vectors::packets().len(), 22 + 5 + 7 + 1);
    for file in files {
        let names: std::collections::BTreeSet<_> = file.iter().map(|vector| vector.name).collect();
        assert_eq!(names.len(), file.len());
    }
}

#[test]
fn the_tcp_session_decodes_and_encodes() {
    check_file(vectors::TCP_SESSION, &tcp_session());
}

#[test]
fn the_udp_session_decodes_and_encodes() {
    check_file(vectors::UDP_SESSION, &udp_session());
}

#[test]
fn authentication_redirect_and_stream_change_decode_and_encode() {
    check_file(vectors::OPEN_AND_END, &open_and_end());
}

#[test]
fn the_connect_funnel_of_2005_decodes_and_encodes() {
    check_file(vectors::CAPTURED_2005, &captured());
}

#[test]
fn the_start_of_a_windows_media_server_packet_of_2005_is_understood() {
    let vectors = vectors::read(vectors::CAPTURED_2005);
    let bytes =
        &vectors.iter().find(|vector| vector.name == "report-connected-ex-2005-prefix").unwrap().bytes;
    assert_eq!(bytes.len(), 40);
    let frame = Deframer::client(FrameLimits::default()).next(bytes);
    assert_eq!(frame, Ok(Frame::Incomplete { needed: 144 }));
    let header = TcpMessageHeader::decode(bytes).unwrap();
    let expected = TcpMessageHeader { time_sent: *b"s\0p\0:\0/\0", ..TcpMessageHeader::for_messages(112, 0) };
    assert_eq!(header, expected);
    assert_eq!(header.encode(), bytes[..32]);
    assert_eq!(bytes[36..40], Mid::REPORT_CONNECTED_EX.0.to_le_bytes());
    assert_eq!(8 * u32::from_le_bytes(bytes[32..36].try_into().unwrap()), 112);
    assert!(Message::decode(&bytes[32..]).is_err());
}

#[test]
fn data_headers_decode_and_encode() {
    let expected: [(&str, u32, u8, u8, usize); 9] = [
        ("data-header-fragment-0", 0, 1, AF_HEADER_MORE, 1444),
        ("data-header-fragment-1-last", 1, 1, AF_HEADER_LAST, 556),
        ("data-packet-0", 0, 0x0A, 0, 1444),
        ("data-packet-1-stripped", 1, 0x0A, 1, 900),
        ("data-packet-pair-0", PACKET_PAIR_LOCATION_IDS[0], 0xFF, AF_PACKET_PAIR, 1464),
        ("data-packet-pair-1", PACKET_PAIR_LOCATION_IDS[1], 0xFF, AF_PACKET_PAIR, 1464),
        ("data-packet-3-resent", 3, 0x0A, 3, 1444),
        ("data-new-header-fragment-0", 0, STREAM_CHANGE_INCARNATION, AF_HEADER_MORE, 1444),
        ("data-new-header-fragment-1-last", 1, STREAM_CHANGE_INCARNATION, AF_HEADER_LAST, 356),
    ];
    let vectors: Vec<_> = vectors::ALL
        .iter()
        .flat_map(|file| vectors::read(file))
        .filter(|vector| vector.name.starts_with("data-"))
        .collect();
    assert_eq!(vectors.len(), expected.len());
    for (vector, (name, location_id, play_incarnation, af_flags, payload_len)) in vectors.iter().zip(expected)
    {
        assert_eq!(vector.name, name);
        let header = DataHeader::for_payload(location_id, play_incarnation, af_flags, payload_len).unwrap();
        assert_eq!(DataHeader::decode(&vector.bytes), Ok(header), "{name}");
        assert_eq!(header.encode(), *vector.bytes, "{name}");
        assert_eq!(header.payload_len(), payload_len, "{name}");
        let total = payload_len + DataHeader::LEN;
        let mut packet = vector.bytes.clone();
        packet.resize(total, 0x55);
        let mut deframer = Deframer::client(FrameLimits::default());
        assert_eq!(deframer.next(&vector.bytes), Ok(Frame::Incomplete { needed: total }), "{name}");
        assert_eq!(deframer.next(&packet), Ok(Frame::Data { header, total }), "{name}");
        let data = Data::decode(&packet).unwrap();
        assert_eq!((data.header(), data.payload.len()), (Some(header), payload_len), "{name}");
        let mut out = vec![0; total];
        assert_eq!(data.encode(&mut out), Ok(total), "{name}");
        assert_eq!(out, packet, "{name}");
    }
}

#[test]
fn the_resend_request_decodes_and_encodes() {
    let vectors = vectors::read(vectors::UDP_SESSION);
    let bytes = &vectors.iter().find(|vector| vector.name == "request-packet-list-resend").unwrap().bytes;
    let sequences = Sequences::new(&[3, 4]).unwrap();
    let request = RequestPacketListResend { client_id: 0x5EED_1234, source_id: 1, sequences };
    assert_eq!(RequestPacketListResend::decode(bytes), Ok(request));
    let mut out = [0; 20];
    assert_eq!(request.encode(&mut out), Ok(20));
    assert_eq!(out, **bytes);
}

#[test]
fn both_ways_of_switching_a_stream_off_are_carried() {
    let entry = StreamSwitchEntry { src_stream_number: NO_STREAM, dst_stream_number: 2, thinning_level: 2 };
    let vectors = vectors::read(vectors::TCP_SESSION);
    let mut bytes = vectors.iter().find(|vector| vector.name == "stream-switch").unwrap().bytes.clone();
    let at = bytes.len() - 6;
    bytes[at..].copy_from_slice(&[0xFF, 0xFF, 2, 0, 2, 0]);
    let entries = [FIRST_ON_SECOND_OFF.iter().next().unwrap(), entry];
    check_packet(&bytes, 5, &Message::StreamSwitch(StreamSwitch { entries: StreamEntries::new(&entries) }));
}

#[test]
fn every_truncation_is_incomplete_or_an_error() {
    for vector in vectors::packets() {
        for cut in 0..vector.bytes.len() {
            let cut = &vector.bytes[..cut];
            let frame = Deframer::client(FrameLimits::default()).next(cut);
            assert!(
                matches!(frame, Ok(Frame::Incomplete { needed }) if needed > cut.len()),
                "{}",
                vector.name
            );
            assert!(TcpMessageHeader::decode(cut).is_ok() == (cut.len() >= 32), "{}", vector.name);
            assert!(Message::decode(cut.get(32..).unwrap_or_default()).is_err(), "{}", vector.name);
        }
    }
}

#[test]
fn a_chunk_len_that_cuts_the_body_never_reads_beyond_it() {
    for vector in vectors::packets() {
        let mut message = vector.bytes[32..].to_vec();
        for chunk_len in 0..=u32::try_from(message.len() / 8).unwrap() + 1 {
            message[..4].copy_from_slice(&chunk_len.to_le_bytes());
            let consumed = Message::decode(&message).map(|(_, consumed)| consumed);
            if let Ok(consumed) = consumed {
                assert_eq!(consumed, usize::try_from(chunk_len * 8).unwrap(), "{}", vector.name);
                assert!((2..=message.len() / 8).contains(&(consumed / 8)), "{}", vector.name);
            }
        }
    }
}

#[test]
fn lengths_near_the_top_of_32_bits_do_not_overflow() {
    for vector in vectors::packets() {
        for at in (0..vector.bytes.len() - 3).step_by(2) {
            for value in [u32::MAX, u32::MAX - 7, u32::MAX / 2, u32::MAX / 2 + 1, 0x2000_0000, 0x1FFF_FFFF] {
                let mut bytes = vector.bytes.clone();
                bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let _ = Deframer::client(FrameLimits::default()).next(&bytes);
                for message in Messages::new(&bytes[32..]).flatten() {
                    assert!(message.encoded_len() <= bytes.len(), "{} at {at}", vector.name);
                }
            }
        }
    }
}
