//! Headers for streaming: padding and pictures left out, everything else kept.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use asf::{all_files, at_least, extended, extension, good, header, object, stream, u32_of};
use mms_core::asf::{Guid, Header, LeaveOut, Object, StreamingHeader};

fn streamed(bytes: &[u8], leave_out: LeaveOut) -> Vec<u8> {
    let plan = StreamingHeader::new(bytes, leave_out).unwrap();
    let mut out = vec![0xee; plan.total_len()];
    assert_eq!(plan.copy_to(&mut out), Ok(out.len()));
    let pieces: Vec<u8> = plan.pieces().flat_map(|piece| piece.slices().concat()).collect();
    assert_eq!(pieces, out);
    assert_eq!(plan.pieces().map(|piece| piece.total_len()).sum::<usize>(), out.len());
    if let Some(short) = out.len().checked_sub(1) {
        assert_eq!(plan.copy_to(&mut vec![0; short]).unwrap_err().needed, out.len());
    }
    out
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn descriptor(name: &str, value: &[u8]) -> Vec<u8> {
    let name = utf16(name);
    let lens = |len: usize| u16::try_from(len).unwrap().to_le_bytes();
    [&lens(name.len())[..], &name, &[1, 0], &lens(value.len()), value].concat()
}

fn library(name: &str, value: &[u8]) -> Vec<u8> {
    let name = utf16(name);
    let len = u16::try_from(name.len()).unwrap().to_le_bytes();
    [&[0, 0, 0, 0][..], &len, &[1, 0], &u32_of(value.len()).to_le_bytes(), &name, value].concat()
}

fn listed(records: &[Vec<u8>]) -> Vec<u8> {
    let count = u16::try_from(records.len()).unwrap().to_le_bytes();
    [&count[..], &records.concat()].concat()
}

#[test]
fn padding_pictures_and_index_parameters_are_left_out_and_sizes_fit() {
    let [properties, audio] = good();
    let picture = vec![9; 40_000];
    let content = [descriptor("WM/Year", &[1]), descriptor("WM/Picture", &picture), descriptor("a", &[])];
    let records = [library("WM/Picture", &vec![7; 100_000]), library("WM/Mood", &[5; 9])];
    let build = |full: bool| {
        let content: Vec<_> = content.iter().filter(|d| full || d.len() < 1000).cloned().collect();
        let records: Vec<_> = records.iter().filter(|d| full || d.len() < 1000).cloned().collect();
        let mut inner = vec![object(Guid::METADATA_LIBRARY, &listed(&records))];
        let video = extended(2, 0, 0, &stream(Guid::VIDEO_MEDIA, 2, &[]));
        let mut outer = vec![properties.clone()];
        if full {
            inner.push(object(Guid::PADDING, &[0; 500]));
            inner.push(object(Guid::INDEX_PLACEHOLDER, &[0; 30]));
            inner.push(object(Guid::INDEX_PARAMETERS, &[0; 10]));
        }
        inner.push(video);
        outer.push(extension(&inner));
        outer.push(object(Guid::EXTENDED_CONTENT_DESCRIPTION, &listed(&content)));
        if full {
            outer.push(object(Guid::PADDING, &[0; 6000]));
            outer.push(object(Guid::DIGITAL_SIGNATURE, &[0; 20]));
        }
        outer.push(audio.clone());
        header(&outer)
    };
    let full = build(true);
    assert_eq!(streamed(&full, LeaveOut::all()), build(false));
    assert_eq!(streamed(&full, LeaveOut::empty()), full, "nothing left out, nothing changed");
    let plan = StreamingHeader::new(&full, LeaveOut::empty()).unwrap();
    assert!(!plan.is_changed());
    let with_pictures = streamed(&full, LeaveOut::PADDING);
    assert!(with_pictures.len() > 140_000 && with_pictures.len() < full.len() - 6000);
    assert!(Header::decode(&with_pictures).unwrap().find(Guid::DIGITAL_SIGNATURE).is_none());
}

#[test]
fn descriptors_that_are_not_understood_stay_as_they_are() {
    let [properties, audio] = good();
    let mut body = listed(&[descriptor("WM/Picture", &[1; 100])]);
    body[0] = 2;
    let bytes = header(&[properties, audio, object(Guid::EXTENDED_CONTENT_DESCRIPTION, &body)]);
    assert_eq!(streamed(&bytes, LeaveOut::all()), bytes);
}

#[test]
fn every_file_keeps_its_streams_and_properties_and_gets_no_larger() {
    let files = all_files();
    let mut saved = 0;
    for (name, file) in files {
        let header = Header::decode(&file).unwrap();
        let len = usize::try_from(header.summary().header_len).unwrap();
        let out = streamed(&file, LeaveOut::all());
        let after = Header::decode(&out).unwrap();
        let rows = |h: &Header<'_>| {
            h.streams().map(|s| (s.number, s.kind, s.type_specific.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(rows(&after), rows(&header), "{name}");
        assert_eq!(after.file_properties(), header.file_properties(), "{name}");
        let (a, b) = (after.summary(), header.summary());
        assert_eq!((a.data_size, a.data_packets, &a.streams), (b.data_size, b.data_packets, &b.streams));
        let is_padding = |o: &Object<'_>| [Guid::PADDING, Guid::INDEX_PLACEHOLDER].contains(&o.guid);
        assert_eq!(after.objects().chain(after.extension_objects()).filter(is_padding).count(), 0, "{name}");
        let count = u32::from_le_bytes(out[24..28].try_into().unwrap());
        assert_eq!(after.objects().count(), count as usize, "{name}");
        assert!(out.len() <= len);
        saved += len - out.len();
        assert_eq!(streamed(&out, LeaveOut::all()), out, "{name}: once is enough");
    }
    at_least(saved, 50001);
}
