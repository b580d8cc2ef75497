//! Every object of a header: read as what it is, written again, put into a header by its parts.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use asf::parts::{describe, rewrite};
use asf::{all_files, at_least, example_a, example_b, good, header, object, stream, walk};
use mms_core::asf::{
    AudioSpread, CodecEntry, CodecKind, CommandSample, ContentDescription, ExtendedStream, ExtensionSystem,
    FileFlags, FileProperties, Guid, Header, HeaderRewrite, HeaderWriteError, HeaderWriter, IndexKind,
    IndexSpecifier, IndexType, Marker, MetadataRecord, ScriptCommand, StreamBitRate, StreamKind, StreamName,
    StreamPriority, StreamProperties, Tag, TagValue, Utf16, View, WebSample, top_level_object,
};
use proptest::prelude::*;

fn written(build: impl Fn(&mut HeaderWriter<'_>), data: (u64, u64)) -> Vec<u8> {
    let mut measure = HeaderWriter::new(&mut []);
    build(&mut measure);
    let Err(HeaderWriteError::Buffer(error)) = measure.finish(data.0, data.1) else {
        panic!("nothing measured")
    };
    let mut out = vec![0xee; error.needed];
    let mut writer = HeaderWriter::new(&mut out);
    build(&mut writer);
    assert_eq!(writer.finish(data.0, data.1), Ok(out.len()));
    out
}

#[test]
fn the_headers_of_the_examples_are_written_byte_by_byte() {
    for (file, data) in [(example_a(), (242, 3)), (example_b(), (562, 4))] {
        let header = Header::decode(&file).unwrap();
        let out = written(|writer| rewrite(writer, header.objects()), data);
        assert_eq!(out, file[..out.len()]);
    }
}

#[test]
fn every_object_of_every_file_has_a_view_and_survives_being_written() {
    let files = all_files();
    let (mut same, mut seen) = (0, 0);
    for (name, file) in files {
        let header = Header::decode(&file).unwrap();
        let before = describe(header.objects());
        let summary = header.summary();
        let out =
            written(|writer| rewrite(writer, header.objects()), (summary.data_size, summary.data_packets));
        let again = Header::decode(&out).unwrap();
        assert_eq!(describe(again.objects()), before, "{name}");
        assert_eq!(again.summary().streams, summary.streams, "{name}");
        seen += 1;
        same += usize::from(out == file[..usize::try_from(summary.header_len).unwrap()]);
    }
    at_least(seen, 46);
    at_least(same, 16);
}

#[test]
fn known_objects_of_real_files_are_told_from_each_other() {
    let files = all_files();
    let all_data = asf::shared("").is_some();
    let mut kinds = std::collections::BTreeSet::new();
    let mut unknown = vec![];
    for (name, file) in &files {
        let header = Header::decode(file).unwrap();
        for object in header.objects().chain(header.extension_objects()) {
            let view = format!("{:?}", object.view().unwrap_or_else(|e| panic!("{name} {object:?}: {e}")));
            kinds.insert(view.split(['(', ' ']).next().unwrap().to_owned());
            if view.starts_with("Unknown") {
                unknown.push((name, object.guid));
            }
        }
    }
    for kind in [
        "AdvancedMutualExclusion",
        "BitrateMutualExclusion",
        "CodecList",
        "Compatibility",
        "ContentDescription",
        "ExtendedContentDescription",
        "ExtendedStreamProperties",
        "FileProperties",
        "HeaderExtension",
        "IndexParameters",
        "LanguageList",
        "Markers",
        "Metadata",
        "MetadataLibrary",
        "Padding",
        "ScriptCommands",
        "StreamBitRates",
        "StreamPrioritization",
        "StreamProperties",
    ] {
        let is_missing = all_data && !kinds.contains(kind);
        assert!(!is_missing, "no file has {kind}; they have {kinds:?}");
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn objects_that_no_file_has_are_read_by_their_tables() {
    let one =
        |bytes: &[u8], check: &dyn Fn(View<'_>)| check(top_level_object(bytes, 0).unwrap().view().unwrap());
    let text = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_le_bytes()[..], bytes].concat();
    let guid = [7; 16];
    one(&object(Guid::ERROR_CORRECTION, &[&guid[..], &text(b"abc")].concat()), &|view| {
        let View::ErrorCorrection(view) = view else { panic!("{view:?}") };
        assert_eq!((view.error_correction_type, view.data), (Guid(guid), &b"abc"[..]));
    });
    let parts = [text(b"12"), text(b"DRM\0"), text(b"k"), text(b"")].concat();
    one(&object(Guid::CONTENT_ENCRYPTION, &parts), &|view| {
        let View::ContentEncryption(view) = view else { panic!("{view:?}") };
        let found = (view.secret, view.protection_type, view.key_id, view.license_url);
        assert_eq!(found, (&b"12"[..], &b"DRM\0"[..], &b"k"[..], &b""[..]));
    });
    one(
        &object(
            Guid::CONTENT_BRANDING,
            &[text(b"")[..].to_vec(), text(b"i"), text(b"u"), text(b"c")].concat(),
        ),
        &|view| {
            let View::ContentBranding(view) = view else { panic!("{view:?}") };
            assert_eq!(
                (view.image_type, view.image, view.image_url, view.copyright_url),
                (0, &b"i"[..], &b"u"[..], &b"c"[..])
            );
        },
    );
    one(&object(Guid::DIGITAL_SIGNATURE, &[&[2, 0, 0, 0][..], &text(b"sig")].concat()), &|view| {
        let View::DigitalSignature(view) = view else { panic!("{view:?}") };
        assert_eq!((view.signature_type, view.data), (2, &b"sig"[..]));
    });
    let record =
        [&guid[..], &[1, 0, 0, 0], &[2, 0], &[1, 0, 2, 0, 5, 0], &[1, 0, 2, 0, 0, 0], &text(b"xyz")].concat();
    let records = object(Guid::ADVANCED_CONTENT_ENCRYPTION, &[&[1, 0][..], &record].concat());
    one(&records, &|view| {
        let View::AdvancedContentEncryption(mut records) = view else { panic!("{view:?}") };
        let record = records.next().unwrap();
        assert_eq!((record.system, record.version, record.data), (Guid(guid), 1, &b"xyz"[..]));
        assert_eq!(record.streams().collect::<Vec<_>>(), [5, 0]);
        assert!(records.next().is_none());
    });
    for guid in [Guid::EXTENDED_CONTENT_ENCRYPTION, Guid::PROTECTION_SYSTEM] {
        let bytes = object(guid, b"opaque");
        let object = top_level_object(&bytes, 0).unwrap();
        assert!(object.is_protection() && matches!(object.view(), Ok(View::Protection(b"opaque"))));
    }
    assert!(matches!(
        top_level_object(&object(Guid([9; 16]), b"?"), 0).unwrap().view(),
        Ok(View::Unknown(b"?"))
    ));
}

#[test]
fn streams_of_other_kinds_have_their_formats() {
    let word = |n: u16| n.to_le_bytes();
    let jpeg = [&[64, 0, 0, 0, 48, 0, 0, 0, 0, 0, 2, 0, 4, 0][..], &word(3), b"abc"].concat();
    let binary = [
        &Guid::FILE_TRANSFER_MEDIA.0[..],
        &Guid::WEB_STREAM_SUBTYPE.0,
        &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0],
        &Guid::WEB_STREAM_FORMAT.0,
        &[8, 0, 0, 0],
        &[8, 0, 10, 0, 1, 0, 0, 0],
    ]
    .concat();
    let bytes = header(&[
        good()[0].clone(),
        stream(Guid::JFIF_MEDIA, 1, &[64, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0]),
        stream(Guid::DEGRADABLE_JPEG_MEDIA, 2, &jpeg),
        stream(Guid::FILE_TRANSFER_MEDIA, 3, &binary),
        stream(Guid::BINARY_MEDIA, 4, &binary[..40]),
    ]);
    let header = Header::decode(&bytes).unwrap();
    let streams: Vec<_> = header.streams().collect();
    assert_eq!((streams[0].image().unwrap().width, streams[0].image().unwrap().height), (64, 48));
    assert_eq!(streams[1].image().unwrap().interchange, b"abc");
    let format = streams[2].binary().unwrap();
    assert_eq!((format.subtype, format.format_type), (Guid::WEB_STREAM_SUBTYPE, Guid::WEB_STREAM_FORMAT));
    assert_eq!(
        (format.fixed_size_samples, format.temporal_compression, format.sample_size),
        (true, false, 9)
    );
    assert_eq!(format.format, [8, 0, 10, 0, 1, 0, 0, 0]);
    assert!(streams[3].binary().is_none() && streams[0].binary().is_none() && streams[2].image().is_none());
    assert!(streams.iter().all(|stream| stream.audio_spread().is_none()));
}

#[test]
fn samples_of_command_and_web_streams_are_split() {
    let mut units = vec![];
    for unit in "TEXT\0héllo\0".encode_utf16() {
        units.extend_from_slice(&unit.to_le_bytes());
    }
    let sample = CommandSample::new(&units);
    assert_eq!((sample.kind.to_string().as_str(), sample.value.to_string().as_str()), ("TEXT", "héllo"));
    assert!(CommandSample::new(b"a\0b").value.is_empty() && CommandSample::new(b"").kind.is_empty());
    let web = [&[14, 0, 1, 0, 2, 0, 1, 0][..], b"a\0b\0\0\0", b"data"].concat();
    let sample = WebSample::decode(&web).unwrap();
    assert_eq!((sample.part_number, sample.part_count, sample.sample_type), (1, 2, 1));
    assert_eq!((sample.url.to_string().as_str(), sample.data), ("ab", &b"data"[..]));
    for len in [0u8, 7, 200] {
        let mut wrong = web.clone();
        wrong[0] = len;
        assert!(WebSample::decode(&wrong).is_err(), "{len}");
    }
}

#[test]
fn spread_audio_is_put_in_order_and_odd_lengths_are_left_alone() {
    let spread = AudioSpread { span: 3, virtual_packet_len: 4, virtual_chunk_len: 2 };
    let mut out = [0; 12];
    // Two columns of three rows, written row by row.
    assert!(spread.is_spread(12) && spread.descramble(b"aabbccddeeff", &mut out));
    assert_eq!(&out, b"aacceebbddff");
    for (span, packet, chunk, len) in [
        (1, 4, 2, 4),
        (3, 4, 4, 12),
        (3, 4, 0, 12),
        (3, 0, 2, 12),
        (3, 5, 2, 15),
        (0, 4, 2, 0),
        (3, 2, 4, 6),
        (3, 4, 2, 11),
    ] {
        let odd = AudioSpread { span, virtual_packet_len: packet, virtual_chunk_len: chunk };
        let before = vec![9; len];
        let mut out = before.clone();
        assert!(!odd.descramble(&vec![1; len], &mut out) && out == before, "{odd:?}");
    }
    assert!(!spread.descramble(b"aabbccddeeff", &mut [0; 11]));
}

#[test]
fn a_header_is_rewritten_in_place_in_any_parts() {
    let file = example_b();
    let summary = walk(&file).unwrap().unwrap();
    let properties = FileProperties {
        file_id: Guid([3; 16]),
        file_size: 77,
        flags: FileFlags::BROADCAST,
        play_duration: 5,
        ..summary.file_properties
    };
    let rewrite = HeaderRewrite::new(&summary, &properties, 50, 9);
    let mut whole = file[..676].to_vec();
    rewrite.apply(0, &mut whole);
    let found = walk(&whole).unwrap().unwrap();
    assert_eq!((found.file_properties, found.data_size, found.data_packets), (properties, 50, 9));
    assert_eq!(whole[626 + 24..626 + 40], [3; 16], "the File ID of the Data Object");
    for cut in [0, 1, 50, 54, 60, 133, 640, 675] {
        let mut parts = file[..676].to_vec();
        let (before, behind) = parts.split_at_mut(cut);
        rewrite.apply(cut as u64, behind);
        rewrite.apply(0, before);
        assert_eq!(parts, whole, "cut at {cut}");
    }
    let same =
        HeaderRewrite::new(&summary, &summary.file_properties, summary.data_size, summary.data_packets);
    let mut unchanged = file[..676].to_vec();
    same.apply(0, &mut unchanged);
    assert_eq!(unchanged, file[..676]);
}

#[test]
fn a_header_that_cannot_be_written_says_why() {
    let build = |f: &dyn Fn(&mut HeaderWriter<'_>)| {
        let mut out = vec![0; 300_000];
        let mut writer = HeaderWriter::new(&mut out);
        f(&mut writer);
        writer.finish(50, 0)
    };
    let long = vec![0; 70_000];
    let text = Utf16::new(&long);
    assert_eq!(build(&|w| w.language_list(&[Utf16::new(&[0; 256])])), Err(HeaderWriteError::TooLong));
    let tag = Tag { name: text, value: TagValue::U16(1) };
    assert_eq!(build(&|w| w.extended_content(&[tag])), Err(HeaderWriteError::TooLong));
    assert_eq!(build(&|w| w.end_extension()), Err(HeaderWriteError::Misplaced));
    assert_eq!(build(&|w| w.begin_extension()), Err(HeaderWriteError::Misplaced));
    assert_eq!(build(&|w| w.markers(Utf16::new(b"abc"), &[])), Ok(30 + 24 + 24 + 3 + 50));
    let mut room = [0; 20];
    assert_eq!(Utf16::encode("ab", &mut room).unwrap().as_bytes(), b"a\0b\0\0\0");
    assert_eq!(Utf16::encode("0123456789", &mut room).unwrap_err().needed, 22);
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    "[a-zß𝄞 ]{0,12}".prop_map(|text| text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect())
}

type Value = (u8, Vec<u8>, u64);

fn value() -> impl Strategy<Value = Value> {
    (0..7u8, text(), any::<u64>())
}

fn tag_value((kind, bytes, number): &Value) -> TagValue<'_> {
    let [a, b, c, d, ..] = number.to_le_bytes();
    match kind {
        0 => TagValue::Text(Utf16::new(bytes)),
        1 => TagValue::Bytes(bytes),
        2 => TagValue::Bool(a % 2 == 0),
        3 => TagValue::U32(u32::from_le_bytes([a, b, c, d])),
        4 => TagValue::U64(*number),
        5 => TagValue::U16(u16::from_le_bytes([a, b])),
        _ => TagValue::Guid(Guid([a; 16])),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_header_of_any_parts_is_read_as_it_was_written(
        texts in prop::collection::vec(text(), 5),
        values in prop::collection::vec((text(), value()), 0..5),
        numbers in prop::collection::vec((1..128u16, any::<u16>(), any::<u32>()), 0..6),
        wide in prop::collection::vec(any::<u64>(), 6),
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        padding in 24..100usize,
        hidden in any::<bool>(),
    ) {
        let properties = FileProperties {
            file_id: Guid([numbers.len().to_le_bytes()[0]; 16]), file_size: wide[0], creation_date: wide[1],
            data_packets_count: wide[2], play_duration: wide[3], send_duration: wide[4], preroll_ms: wide[5],
            flags: FileFlags::from_bits_retain(7), min_packet_size: 100, max_packet_size: 100, max_bitrate: 5,
        };
        let audio = StreamProperties {
            number: 127, kind: StreamKind::Audio, stream_type: Guid::AUDIO_MEDIA, hidden: false, encrypted: true,
            error_correction_type: Guid::AUDIO_SPREAD, time_offset: wide[0], type_specific: &bytes, error_correction: &texts[0],
        };
        let extended = ExtendedStream { stream_number: 3, data_bit_rate: 7, average_time_per_frame: wide[1], ..ExtendedStream::default() };
        let names: Vec<_> = texts.iter().map(|t| StreamName { language_index: 1, name: Utf16::new(t) }).collect();
        let systems = [
            ExtensionSystem { id: Guid::EXTENSION_TIMECODE, data_size: None, info: &bytes },
            ExtensionSystem { id: Guid::EXTENSION_SAMPLE_DURATION, data_size: Some(2), info: &[] },
        ];
        let tags: Vec<_> = values.iter().map(|(n, v)| Tag { name: Utf16::new(n), value: tag_value(v) }).collect();
        let records: Vec<_> = values.iter().zip(1u16..).map(|((n, v), at)| MetadataRecord {
            language_index: at, stream_number: at * 2, name: Utf16::new(n), value: tag_value(v),
        }).collect();
        let streams: Vec<u16> = numbers.iter().map(|n| n.0).collect();
        let rates: Vec<_> = numbers.iter().map(|n| StreamBitRate { number: n.0.to_le_bytes()[0], bit_rate: n.2 }).collect();
        let specifiers: Vec<_> = numbers.iter().map(|n| IndexSpecifier { stream_number: n.0, index_type: IndexType(n.1) }).collect();
        let priorities: Vec<_> = numbers.iter().map(|n| StreamPriority { stream_number: n.0, flags: n.1 }).collect();
        let commands: Vec<_> = numbers.iter().zip(texts.iter().cycle()).map(|(n, t)| ScriptCommand {
            presentation_time_ms: n.2, type_index: n.1, command: Utf16::new(t),
        }).collect();
        let markers: Vec<_> = numbers.iter().zip(texts.iter().cycle()).map(|(n, t)| Marker {
            offset: wide[0], presentation_time: wide[1], send_time_ms: n.2, flags: 0, description: Utf16::new(t),
        }).collect();
        let languages: Vec<_> = texts.iter().map(|t| Utf16::new(t)).collect();
        let codecs: Vec<_> = texts.iter().map(|t| CodecEntry {
            kind: CodecKind::VIDEO, name: Utf16::new(t), description: Utf16::new(&texts[0]), information: &bytes,
        }).collect();
        let content = ContentDescription {
            title: languages[0], author: languages[1], copyright: languages[2], description: languages[3], rating: languages[4],
        };
        let out = written(|w| {
            w.file_properties(&properties);
            w.begin_extension();
            w.language_list(&languages);
            w.extended_stream(&extended, &names, &systems, hidden.then_some(&StreamProperties { hidden: true, ..audio }));
            w.mutual_exclusion(Guid::MUTEX_LANGUAGE, &streams);
            w.group_mutual_exclusion(Guid::MUTEX_UNKNOWN, &[&streams, &[], &[1]]);
            w.stream_prioritization(&priorities);
            w.bandwidth_sharing(Guid::BANDWIDTH_SHARING_PARTIAL, 1, 2, &streams);
            w.metadata(&records);
            w.metadata_library(&records);
            w.index_parameters(IndexKind::Time, 500, &specifiers);
            w.index_parameters(IndexKind::MediaObject, 1, &specifiers);
            w.index_parameters(IndexKind::Timecode, 1, &specifiers);
            w.compatibility();
            w.padding(padding);
            w.end_extension();
            w.stream_properties(&audio);
            w.codec_list(&codecs);
            w.script_commands(&languages, &commands);
            w.markers(languages[0], &markers);
            w.mutual_exclusion(Guid::MUTEX_BITRATE, &streams);
            w.content_description(&content);
            w.extended_content(&tags);
            w.stream_bit_rates(&rates);
            w.object(Guid([9; 16]), &bytes);
        }, (wide[0], wide[1]));
        let header = Header::decode(&out).unwrap();
        prop_assert_eq!(header.file_properties(), &properties);
        prop_assert_eq!((header.summary().data_size, header.summary().data_packets), (wide[0], wide[1]));
        prop_assert_eq!((header.objects().count(), header.extension_objects().count()), (11, 13));
        prop_assert_eq!(u32::from_le_bytes(out[24..28].try_into().unwrap()), 11);
        let found = header.streams().find(|s| !s.hidden).unwrap_or(audio);
        prop_assert!(found == audio || hidden, "of two with one number the first");
        let read = header.extended_stream(3).unwrap();
        prop_assert_eq!(read.stream, extended);
        prop_assert_eq!(read.names().collect::<Vec<_>>(), names);
        prop_assert_eq!(read.extension_systems().collect::<Vec<_>>(), systems);
        prop_assert_eq!(read.stream_properties(), hidden.then_some(StreamProperties { hidden: true, ..audio }));
        prop_assert_eq!(header.content_description(), Some(content));
        prop_assert_eq!(header.extended_content().collect::<Vec<_>>(), tags);
        prop_assert_eq!(header.stream_bit_rates().collect::<Vec<_>>(), rates);
        prop_assert_eq!(header.codecs().collect::<Vec<_>>(), codecs);
        for object in header.objects().chain(header.extension_objects()) {
            match object.view().unwrap() {
                View::LanguageList(read) => prop_assert_eq!(read.collect::<Vec<_>>(), languages.clone()),
                View::Metadata(read) | View::MetadataLibrary(read) => {
                    prop_assert_eq!(read.collect::<Vec<_>>(), records.clone());
                }
                View::IndexParameters(read) => prop_assert_eq!(read.specifiers().collect::<Vec<_>>(), specifiers.clone()),
                View::StreamPrioritization(read) => prop_assert_eq!(read.collect::<Vec<_>>(), priorities.clone()),
                View::AdvancedMutualExclusion(read) | View::BitrateMutualExclusion(read) => {
                    prop_assert_eq!(read.streams().collect::<Vec<_>>(), streams.clone());
                }
                View::GroupMutualExclusion(read) => {
                    let groups: Vec<Vec<_>> = read.groups().map(Iterator::collect).collect();
                    prop_assert_eq!(groups, vec![streams.clone(), vec![], vec![1]]);
                }
                View::BandwidthSharing(read) => {
                    prop_assert_eq!((read.data_bit_rate, read.buffer_size_bits), (1, 2));
                    prop_assert_eq!(read.streams().collect::<Vec<_>>(), streams.clone());
                }
                View::Markers(read) => {
                    prop_assert_eq!(read.name, languages[0]);
                    prop_assert_eq!(read.markers().collect::<Vec<_>>(), markers.clone());
                }
                View::ScriptCommands(read) => {
                    prop_assert_eq!(read.types().collect::<Vec<_>>(), languages.clone());
                    prop_assert_eq!(read.commands().collect::<Vec<_>>(), commands.clone());
                    for command in &commands {
                        let wanted = languages.get(usize::from(command.type_index)).copied();
                        prop_assert_eq!(read.type_of(command), wanted);
                    }
                }
                View::Padding(len) => prop_assert_eq!(len + 24, padding),
                View::Unknown(read) => prop_assert_eq!(read, bytes.as_slice()),
                _ => {}
            }
        }
    }

    #[test]
    fn views_of_any_bytes_come_to_an_end(
        which in 0..30usize,
        body in prop::collection::vec(any::<u8>(), 0..300),
        small in any::<bool>(),
    ) {
        let guids = [
            Guid::FILE_PROPERTIES, Guid::STREAM_PROPERTIES, Guid::HEADER_EXTENSION, Guid::CODEC_LIST,
            Guid::SCRIPT_COMMAND, Guid::MARKER, Guid::BITRATE_MUTUAL_EXCLUSION, Guid::ERROR_CORRECTION,
            Guid::CONTENT_DESCRIPTION, Guid::EXTENDED_CONTENT_DESCRIPTION, Guid::STREAM_BITRATE_PROPERTIES,
            Guid::CONTENT_BRANDING, Guid::CONTENT_ENCRYPTION, Guid::EXTENDED_CONTENT_ENCRYPTION,
            Guid::DIGITAL_SIGNATURE, Guid::PADDING, Guid::EXTENDED_STREAM_PROPERTIES,
            Guid::ADVANCED_MUTUAL_EXCLUSION, Guid::GROUP_MUTUAL_EXCLUSION, Guid::STREAM_PRIORITIZATION,
            Guid::BANDWIDTH_SHARING, Guid::LANGUAGE_LIST, Guid::METADATA, Guid::METADATA_LIBRARY,
            Guid::INDEX_PARAMETERS, Guid::MEDIA_OBJECT_INDEX_PARAMETERS, Guid::TIMECODE_INDEX_PARAMETERS,
            Guid::COMPATIBILITY, Guid::ADVANCED_CONTENT_ENCRYPTION, Guid::INDEX_PLACEHOLDER,
        ];
        // Small numbers make lengths that fit more often.
        let body: Vec<u8> = body.iter().map(|byte| if small { byte % 6 } else { *byte }).collect();
        let bytes = object(guids[which], &body);
        let object = top_level_object(&bytes, 0).unwrap();
        if object.view().is_ok() {
            let bytes = header(&[good()[0].clone(), good()[1].clone(), bytes]);
            let Ok(header) = Header::decode(&bytes) else { return Ok(()) };
            let is_good = |object| mms_core::asf::Object::view(&object).is_ok();
            if header.objects().chain(header.extension_objects()).all(is_good) {
                prop_assert!(describe(header.objects()).len() <= 10 * bytes.len());
            }
        }
    }
}
