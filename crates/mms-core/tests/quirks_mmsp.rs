//! What real clients and servers send differently from the text, and packets recorded from one.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;
use std::path::PathBuf;

use mms_core::error::{DecodeError, Reason};
use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::*;
use mms_core::text::Text;

/// A message out of fields that are given as bytes; padded to whole chunks.
fn raw(mid: Mid, body: &[&[u8]]) -> Vec<u8> {
    let mut bytes = [&[0; 4], &mid.0.to_le_bytes()[..], &body.concat()].concat();
    bytes.resize(bytes.len().next_multiple_of(8).max(16), 0xEE);
    let chunk_len = u32::try_from(bytes.len() / 8).unwrap();
    bytes[..4].copy_from_slice(&chunk_len.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Message<'_> {
    let (message, consumed) = Message::decode(bytes).unwrap();
    assert_eq!(consumed, bytes.len());
    message
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn connect_of_open_source_clients_has_incarnation_zero() {
    let name = utf16("NSPlayer/7.0.0.1956; {7E667F5D-A661-495E-A512-F55686DDA178}; Host: example\0");
    let bytes = raw(Mid::CONNECT, &[&words(&[0, 0x0004_000B, 0x0003_001C]), &name]);
    let Message::Connect(connect) = decode(&bytes) else { panic!("no Connect") };
    assert_eq!(connect.play_incarnation, 0);
    let subscriber = Subscriber::parse(connect.subscriber_name);
    assert_eq!(subscriber.product, Product::NsPlayer { major: 7, minor: 0 });
    assert_eq!(subscriber.guid, Some(*b"7E667F5D-A661-495E-A512-F55686DDA178"));
}

#[test]
fn funnel_info_of_ffmpeg_has_an_extra_word() {
    let bytes = raw(Mid::FUNNEL_INFO, &[&words(&[0x00F0_F0F0, 0x0004_000B])]);
    assert_eq!(decode(&bytes), Message::FunnelInfo(FunnelInfo { play_incarnation: 0x00F0_F0F0 }));
    let longer = raw(Mid::FUNNEL_INFO, &[&words(&[0x00F0_F0F0, 0x0004_000B, 0, 0])]);
    assert_eq!(decode(&longer), decode(&bytes));
}

#[test]
fn funnel_names_end_at_nul_although_a_zero_digit_follows() {
    for end in ["\u{0}0", "\0", "", "\0\0garbage"] {
        let name = utf16(&format!("\\\\192.168.0.1\\TCP\\1242{end}"));
        // An odd number of units leaves padding that is part of the message.
        let mut bytes = raw(Mid::CONNECT_FUNNEL, &[&words(&[0, 0, 0, 0, 2]), &name]);
        let padding = bytes.len() - 28 - name.len();
        let at = bytes.len() - padding;
        if end.is_empty() {
            bytes[at..].fill(0);
        }
        let Message::ConnectFunnel(funnel) = decode(&bytes) else { panic!("no ConnectFunnel") };
        assert!(funnel.funnel_name.eq_str(r"\\192.168.0.1\TCP\1242"), "{}", funnel.funnel_name);
        assert_eq!(FunnelName::parse(funnel.funnel_name).unwrap().port, 1242);
    }
}

#[test]
fn a_funnel_name_may_fill_its_message_without_a_nul() {
    let name = utf16(r"\\1.2.3.4\UDP\7000");
    assert_eq!((28 + name.len()) % 8, 0);
    let bytes = raw(Mid::CONNECT_FUNNEL, &[&words(&[0, 0, 0, 0, 2]), &name]);
    let Message::ConnectFunnel(funnel) = decode(&bytes) else { panic!("no ConnectFunnel") };
    assert_eq!(FunnelName::parse(funnel.funnel_name).unwrap().port, 7000);
}

#[test]
fn open_file_of_mplayer_has_incarnation_zero_and_trailing_zeros() {
    let name = utf16("a/b.wmv\0\0\0\0\0\0");
    let bytes = raw(Mid::OPEN_FILE, &[&words(&[0, u32::MAX, 0, 0]), &name]);
    let open =
        OpenFile { play_incarnation: 0, spare: u32::MAX, file_name: "a/b.wmv".into(), token_data: &[] };
    assert_eq!(decode(&bytes), Message::OpenFile(open));
}

#[test]
fn open_file_without_a_name_is_an_empty_name() {
    let bytes = raw(Mid::OPEN_FILE, &[&words(&[1, 0, 0, 0])]);
    assert!(matches!(decode(&bytes), Message::OpenFile(open) if open.file_name.is_empty()));
}

#[test]
fn the_token_of_open_file_counts_from_the_name() {
    let open = OpenFile { play_incarnation: 9, spare: 0, file_name: "abc.asf".into(), token_data: b"dTpw\0" };
    let mut out = [0; 64];
    let len = Message::OpenFile(open).encode(&mut out).unwrap();
    assert_eq!(out[16..24], words(&[0x10, 5]));
    assert_eq!(out[24 + 0x10..][..5], *b"dTpw\0");
    assert_eq!(decode(&out[..len]), Message::OpenFile(open));
}

#[test]
fn tokens_of_open_file_beyond_the_message_are_errors() {
    let name = utf16("abc.asf\0");
    for (token, cb_token, offset) in [
        (0_u32, 5_u32, 16),
        (1, 5, 16),
        (0x10, 9, 20),
        (0x19, 1, 16),
        (u32::MAX, 1, 16),
        (0x10, u32::MAX, 20),
        (u32::MAX, u32::MAX, 16),
    ] {
        let bytes = raw(Mid::OPEN_FILE, &[&words(&[9, 0, token, cb_token]), &name, b"dTpw\0"]);
        let error = DecodeError::new(Reason::NestedLength, offset);
        assert_eq!(Message::decode(&bytes), Err(error), "{token:#X} {cb_token:#X}");
    }
    let bytes = raw(Mid::OPEN_FILE, &[&words(&[9, 0, 0x10, 8]), &name, b"dTpw\0\0\0\0"]);
    assert!(matches!(decode(&bytes), Message::OpenFile(open) if open.token_data == b"dTpw\0\0\0\0"));
}

#[test]
fn security_tokens_beyond_the_message_are_errors() {
    for mid in [Mid::SECURITY_CHALLENGE, Mid::SECURITY_RESPONSE] {
        for (cb_token, fits) in [(0_u32, true), (4, true), (5, false), (u32::MAX, false)] {
            let bytes = raw(mid, &[&words(&[9, 1, cb_token]), b"abcd"]);
            let error = Message::decode(&bytes).err();
            let expected = (!fits).then_some(DecodeError::new(Reason::NestedLength, 16));
            assert_eq!(error, expected, "{mid} {cb_token}");
        }
    }
}

#[test]
fn the_strings_of_report_connected_ex_are_counted_in_characters() {
    let fixed = |counts: &[u32; 4]| {
        [words(&[0, 0xF0F0_F0EF, 0x0004_000B, 0x0003_001C, 0, 0, 1, 1, 0x8000, 0]), words(counts)].concat()
    };
    let strings = utf16("4.1.0.3858\0\0NTLM\0");
    let bytes = raw(Mid::REPORT_CONNECTED_EX, &[&fixed(&[11, 1, 0, 5]), &strings]);
    let Message::ReportConnectedEx(message) = decode(&bytes) else { panic!("no ReportConnectedEX") };
    assert_eq!(message.server_version_info, Some(Text::Str("4.1.0.3858")));
    assert_eq!(message.version_info, Some(Text::Str("")));
    assert_eq!(message.version_url, None);
    assert_eq!(message.authen_package, Some(Text::Str("NTLM")));
    let mut out = vec![0; bytes.len()];
    assert_eq!(Message::ReportConnectedEx(message).encode(&mut out), Ok(bytes.len()));
    assert_eq!(out[48..64], words(&[11, 1, 0, 5]));
    for (counts, offset) in [
        ([u32::MAX, 0, 0, 0], 48),
        ([0x8000_0000, 0, 0, 0], 48),
        ([11, 0x7FFF_FFFF, 0, 0], 52),
        ([11, 1, 9, 0], 56),
        ([11, 1, 0, 9], 60),
    ] {
        let bytes = raw(Mid::REPORT_CONNECTED_EX, &[&fixed(&counts), &strings]);
        assert_eq!(
            Message::decode(&bytes),
            Err(DecodeError::new(Reason::NestedLength, offset)),
            "{counts:X?}"
        );
    }
}

#[test]
fn stream_switch_obeys_its_count_and_the_end_of_the_message() {
    let two = [0xFF, 0xFF, 1, 0, 0, 0, 0xFF, 0xFF, 2, 0, 2, 0];
    let count = |bytes: &[u8]| match decode(bytes) {
        Message::StreamSwitch(switch) => switch.entries.len(),
        other => panic!("{other:?}"),
    };
    // xine sends six bytes more than it counts.
    let bytes = raw(Mid::STREAM_SWITCH, &[&words(&[2]), &two, &[0; 6]]);
    assert_eq!(count(&bytes), 2);
    let Message::StreamSwitch(switch) = decode(&bytes) else { panic!("no StreamSwitch") };
    let last = StreamSwitchEntry { src_stream_number: NO_STREAM, dst_stream_number: 2, thinning_level: 2 };
    assert_eq!(switch.entries.iter().last(), Some(last));
    // MPlayer counts more than it sends.
    for claimed in [3, 23, u32::MAX] {
        assert_eq!(count(&raw(Mid::STREAM_SWITCH, &[&words(&[claimed]), &two])), 2, "{claimed}");
    }
    assert_eq!(count(&raw(Mid::STREAM_SWITCH, &[&words(&[0])])), 0);
}

#[test]
fn chunk_len_says_which_acceleration_fields_are_there() {
    let start =
        [words(&[1, 0x0001_FFFF]), 1.5_f64.to_le_bytes().into(), words(&[0, 77, 0x00FF_FFFF, 4])].concat();
    let accelerated = |extra: &[u32]| match decode(&raw(Mid::START_PLAYING, &[&start, &words(extra)])) {
        Message::StartPlaying(start) => {
            assert_eq!((start.position, start.location_id, start.frame_offset), (1.5, 77, 0x00FF_FFFF));
            assert_eq!(start.play_incarnation, 4);
            start.acceleration.map(|a| (a.accel_bandwidth, a.accel_duration, a.link_bandwidth))
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(accelerated(&[]), None);
    assert_eq!(accelerated(&[10, 20]), Some((10, 20, None)));
    assert_eq!(accelerated(&[10, 20, 30]), Some((10, 20, Some(30))));
    assert_eq!(accelerated(&[10, 20, 30, 0]), Some((10, 20, Some(30))));
    assert_eq!(accelerated(&[10, 20, 30, 0, 1, 2]), Some((10, 20, Some(30))));
}

#[test]
fn values_that_a_server_must_ignore_are_carried_as_they_are() {
    let pong = raw(Mid::PONG, &[&words(&[1, 0x0100_FFFF])]);
    assert_eq!(decode(&pong), Message::Pong);
    let stop = raw(Mid::STOP_PLAYING, &[&words(&[1, 0x001F_FFFF])]);
    assert_eq!(
        decode(&stop),
        Message::StopPlaying(StopPlaying { open_file_id: 1, play_incarnation: 0x001F_FFFF })
    );
    let close = raw(Mid::CLOSE_FILE, &[&words(&[1, 1])]);
    assert_eq!(decode(&close), Message::CloseFile(CloseFile { play_incarnation: 1, open_file_id: 1 }));
    let read = raw(Mid::READ_BLOCK, &[&words(&[1, 0, 0, 0x0080_0000, 0, 7, 0, 0, 0, 0, 2, 0])]);
    assert!(
        matches!(decode(&read), Message::ReadBlock(read) if read.length == 0x0080_0000 && read.flags == 0
        && read.t_deadline == 0.0 && read.play_incarnation == 2)
    );
}

#[test]
fn values_that_a_client_must_tolerate_are_decoded() {
    // Live content of a Windows server: a duration of -1e-7 and no packet count.
    let mut body = words(&[0, 1, 3, 0xDEAD, 0xDEAD, 0x4600_0000]);
    body.extend([0x48, 0xAF, 0xBC, 0x9A, 0xF2, 0xD7, 0x7A, 0xBE]);
    body.extend(words(&[0, 1, 2, 3, 4, 1444, u32::MAX, 0, 64_000, 2000]));
    body.extend([0xEE; 36]);
    let bytes = raw(Mid::REPORT_OPEN_FILE, &[&body]);
    assert_eq!(bytes.len(), 120);
    let Message::ReportOpenFile(open) = decode(&bytes) else { panic!("no ReportOpenFile") };
    assert_eq!(open.file_duration, -1e-7);
    assert_eq!((open.file_packet_count, open.open_file_id), (u64::from(u32::MAX), 3));
    let attributes = FileAttributes::PLAYLIST | FileAttributes::BROADCAST | FileAttributes::LIVE;
    assert_eq!(open.file_attributes, attributes);
    // A refusal may end behind the incarnation, a success may not.
    let refused = raw(Mid::REPORT_OPEN_FILE, &[&words(&[0xC00D_001A, 9])]);
    assert!(matches!(decode(&refused), Message::ReportOpenFile(open)
        if open.hr == Hresult::NS_E_FILE_NOT_FOUND && open.play_incarnation == 9 && open.file_header_size == 0));
    let short = raw(Mid::REPORT_OPEN_FILE, &[&words(&[0, 9])]);
    assert_eq!(Message::decode(&short), Err(DecodeError::new(Reason::Truncated, 16)));
    let funnel = raw(Mid::REPORT_CONNECTED_FUNNEL, &[&words(&[0, 1, 2]), &utf16("Funnel Of The ")]);
    assert!(matches!(decode(&funnel), Message::ReportConnectedFunnel(funnel)
        if funnel.funnel_name.to_string().starts_with("Funnel Of The ")));
}

#[test]
fn a_redirect_beyond_its_message_is_an_error_and_an_empty_one_is_not() {
    for (cb_location, fits) in [(0_u16, true), (2, true), (8, true), (10, false), (u16::MAX, false)] {
        let bytes = raw(
            Mid::REPORT_REDIRECT,
            &[&words(&[0]), &2_u16.to_le_bytes(), &cb_location.to_le_bytes(), &utf16("\0abc")],
        );
        match Message::decode(&bytes) {
            Ok((Message::ReportRedirect(redirect), _)) => {
                assert!(fits && redirect.location.is_empty());
                assert_eq!(redirect.redirect_type, RedirectType::PROXY);
            }
            other => assert_eq!(other.err(), (!fits).then_some(DecodeError::new(Reason::NestedLength, 14))),
        }
    }
}

#[test]
fn a_location_that_16_bits_cannot_count_is_never_written() {
    let long = "a".repeat(32_767);
    let redirect = |location| {
        let redirect_type = RedirectType::URL;
        Message::ReportRedirect(ReportRedirect { hr: Hresult::S_OK, redirect_type, location })
    };
    let mut out = vec![0xAA; 70_000];
    let error = redirect(Text::Str(&long)).encode(&mut out).unwrap_err();
    assert!(error.needed > usize::MAX - 8 && out.iter().all(|byte| *byte == 0xAA));
    assert!(encode_packet(&redirect(Text::Str(&long)), 0, &mut out).is_err());
    assert!(redirect(Text::Str(&long[1..])).encode(&mut out).is_ok());
}

#[test]
fn unknown_messages_are_carried_whole() {
    for mid in [0x0003_0003, 0x0003_0030, 0x0004_0018, 0, u32::MAX] {
        let bytes = raw(Mid(mid), &[&words(&[1, 2, 3, 4])]);
        assert_eq!(decode(&bytes), Message::Unknown { mid: Mid(mid), body: &bytes[8..] });
        let mut out = vec![0; bytes.len()];
        assert_eq!(decode(&bytes).encode(&mut out), Ok(out.len()));
        assert_eq!(out, bytes);
    }
    let empty = Message::Unknown { mid: Mid(5), body: &[] };
    assert_eq!(empty.encoded_len(), 16, "no message is shorter");
}

#[test]
fn a_chunk_len_below_2_or_beyond_the_end_is_an_error() {
    let error = Err(DecodeError::new(Reason::ChunkLen, 0));
    for chunk_len in [0, 1, 4, u32::MAX, 0x2000_0000, 0x2000_0002] {
        let mut bytes = raw(Mid::PING, &[&[0; 16]]);
        bytes[..4].copy_from_slice(&u32::to_le_bytes(chunk_len));
        assert_eq!(Message::decode(&bytes), error, "{chunk_len:#X}");
    }
}

#[test]
fn a_packet_may_hold_no_message_one_or_several() {
    let one = raw(Mid::PING, &[&[0; 8]]);
    let two = [&one[..], &raw(Mid::REPORT_STREAM_SWITCH, &[&[0; 4]])].concat();
    assert_eq!(Messages::new(&[]).count(), 0);
    assert_eq!(Messages::new(&one).collect::<Vec<_>>(), [Ok(Message::Ping)]);
    let switched = Message::ReportStreamSwitch(ReportStreamSwitch { hr: Hresult::S_OK });
    assert_eq!(Messages::new(&two).collect::<Vec<_>>(), [Ok(Message::Ping), Ok(switched)]);
}

#[test]
fn an_error_ends_the_messages_and_counts_from_the_packet() {
    let mut bytes = raw(Mid::PING, &[&[0; 8]]).repeat(3);
    bytes[16] = 9;
    let messages: Vec<_> = Messages::new(&bytes).collect();
    assert_eq!(messages, [Ok(Message::Ping), Err(DecodeError::new(Reason::ChunkLen, 32 + 16))]);
}

#[test]
fn a_packet_holds_at_most_64_messages() {
    let bytes = raw(Mid::PING, &[&[0; 8]]).repeat(65);
    assert!(Messages::new(&bytes[..64 * 16]).all(|message| message == Ok(Message::Ping)));
    let messages: Vec<_> = Messages::new(&bytes).collect();
    assert_eq!(messages.len(), 65);
    assert_eq!(messages[64], Err(DecodeError::new(Reason::Count, 32 + 64 * 16)));
}

#[test]
fn a_client_log_has_its_sizes_and_dashes() {
    let info =
        ClientLogInfo { url: "mms://h/a.asf".into(), lang: "de-AT".into(), rate: -5, ..Default::default() };
    let log = ClientLog { info, transport: "TCP".into(), packets_resent: 7, ..Default::default() };
    let bytes = log.encode();
    assert_eq!(bytes[..8], words(&[1490, 1142]));
    assert_eq!(bytes[8..22], *b"mms://h/a.asf\0");
    assert_eq!(bytes[268..271], *b"-\0\0", "the empty channel URL");
    assert_eq!(bytes[4 + 856..][..6], *b"de-AT\0");
    assert_eq!(bytes[4 + 1104..][..2], (-5_i16).to_le_bytes());
    assert_eq!(bytes[1454..1457], *b"-\0\0", "the empty protocol");
    assert_eq!(bytes[1462..1466], *b"TCP\0");
    assert_eq!(bytes[1486..], words(&[7]));
    assert_eq!(ClientLog::decode(&bytes), Ok(log));
    let mut out = [0; 1536];
    assert_eq!(encode_packet(&Message::Logging(log), 10, &mut out), Ok(1536));
    assert_eq!(out[32..36], words(&[188]));
    assert_eq!(ClientLog::decode(&bytes[1..]), Err(DecodeError::new(Reason::Truncated, 1489)));
}

#[test]
fn strings_of_a_client_log_are_cut_to_their_field() {
    let log =
        ClientLog { transport: "UDP/MULTICAST".into(), cpu: "\u{e9}Pentium\n".into(), ..Default::default() };
    let bytes = log.encode();
    assert_eq!(bytes[1462..1470], *b"UDP/MUL\0");
    let again = ClientLog::decode(&bytes).unwrap();
    assert_eq!(again.transport.to_string(), "UDP/MUL");
    assert_eq!(again.cpu.to_string(), "\u{FFFD}\u{FFFD}Pentium\u{FFFD}");
    let mut unterminated = bytes;
    unterminated[1462..1470].fill(b'X');
    let again = ClientLog::decode(&unterminated).unwrap();
    assert_eq!(again.transport.as_bytes(), b"XXXXXXX");
}

/// The folder of recorded data, which is not part of the repository.
fn recorded(path: &str) -> Option<Vec<u8>> {
    let Some(shared) = std::env::var_os("MMS_SHARED") else {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "MMS_SHARED is not set");
        // Written past the capture of test output, so that a skip is seen.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "skipped, MMS_SHARED is not set: {path}").unwrap();
        return None;
    };
    Some(std::fs::read(PathBuf::from(shared).join(path)).unwrap())
}

#[test]
fn the_messages_of_media_player_6_4_decode() {
    let Some(stream) = recorded("testdata/real/mms-tcp/wmp64-client-messages.bin") else { return };
    let mut deframer = Deframer::server(FrameLimits::default());
    let (mut rest, mut totals, mut times, mut messages) = (&stream[..], Vec::new(), Vec::new(), Vec::new());
    while !rest.is_empty() {
        let Ok(Frame::Command { total }) = deframer.next(rest) else { panic!("no command") };
        let header = TcpMessageHeader::decode(rest).unwrap();
        assert_eq!(usize::from(header.seq), totals.len());
        let time_sent = header.time_sent;
        assert_eq!(
            header,
            TcpMessageHeader { time_sent, ..TcpMessageHeader::for_messages(total - 32, header.seq) }
        );
        times.push(format!("{:.3}", f64::from_le_bytes(time_sent)));
        messages.extend(Messages::new(&rest[32..total]).map(Result::unwrap));
        totals.push(total);
        rest = &rest[total..];
    }
    assert_eq!(totals, [176, 48, 112, 152, 88, 64, 72]);
    assert_eq!(times, ["2.096", "2.146", "2.214", "2.246", "2.300", "4.260", "4.271"]);
    let entry = |dst_stream_number| StreamSwitchEntry {
        src_stream_number: NO_STREAM,
        dst_stream_number,
        thinning_level: THINNING_NONE,
    };
    let entries = [entry(1), entry(2)];
    let expected = [
        Message::Connect(Connect {
            play_incarnation: MMS_USE_PACKET_PAIR,
            mac_to_viewer_protocol_revision: MAC_TO_VIEWER_PROTOCOL_REVISION,
            viewer_to_mac_protocol_revision: VIEWER_TO_MAC_PROTOCOL_REVISION,
            subscriber_name: "NSPlayer/4.1.0.3857; {02d0c2c0-b507-11d2-9aa8-b70f3044ae7e}".into(),
        }),
        Message::FunnelInfo(FunnelInfo { play_incarnation: MMS_PACKET_PAIR_TCP_HIGH_ENTROPY }),
        Message::ConnectFunnel(ConnectFunnel {
            play_incarnation: MMS_PACKET_PAIR_TCP_HIGH_ENTROPY,
            max_block_bytes: u32::MAX,
            max_funnel_bytes: 0,
            max_bit_rate: 0x00A0_0000,
            funnel_mode: 2,
            funnel_name: r"\\192.168.0.2\TCP\1111".into(),
        }),
        Message::OpenFile(OpenFile {
            play_incarnation: 1,
            spare: u32::MAX,
            file_name: "The Eagles Tequila Sunrise 28k/eagles28.asf".into(),
            token_data: &[],
        }),
        Message::ReadBlock(ReadBlock {
            open_file_id: 1,
            file_block_id: 0,
            offset: 0,
            length: 0x8000,
            flags: u32::MAX,
            t_earliest: 0.0,
            t_deadline: 3600.0,
            play_incarnation: 2,
            play_sequence: 0,
        }),
        Message::StreamSwitch(StreamSwitch { entries: StreamEntries::new(&entries) }),
        Message::StartPlaying(StartPlaying {
            open_file_id: 1,
            position: 0.0,
            asf_offset: START_NOT_USED,
            location_id: START_NOT_USED,
            frame_offset: 0x8003_CA16,
            play_incarnation: 4,
            acceleration: None,
        }),
    ];
    assert_eq!(messages, expected);
    let Message::Connect(connect) = messages[0] else { panic!("no Connect") };
    let subscriber = Subscriber::parse(connect.subscriber_name);
    assert_eq!(subscriber.product, Product::NsPlayer { major: 4, minor: 1 });
    let Message::ConnectFunnel(funnel) = messages[2] else { panic!("no ConnectFunnel") };
    let name = FunnelName::parse(funnel.funnel_name).unwrap();
    assert_eq!((name.transport, name.port), (FunnelTransport::Tcp, 1111));
}
