//! A slow decoder of TcpMessageHeader, written again with nom, against the one in use.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use mms_core::error::{DecodeError, Reason};
use mms_core::mmsp::wire::TcpMessageHeader;
use nom::bytes::complete::take;
use nom::combinator::{map, verify};
use nom::error::Error;
use nom::number::complete::{le_u8, le_u16, le_u32};
use nom::{IResult, Parser};
use proptest::prelude::*;

fn header(input: &[u8]) -> IResult<&[u8], TcpMessageHeader> {
    let (input, (rep, version, version_minor, padding)) =
        (le_u8, le_u8, le_u8, le_u8).parse_complete(input)?;
    let (input, _) = verify(le_u32, |id| *id == 0xB00B_FACE).parse_complete(input)?;
    let (input, message_length) =
        verify(le_u32, |len| *len >= 16 && len.is_multiple_of(8)).parse_complete(input)?;
    let (input, _) = verify(take(4_usize), |seal: &[u8]| seal == b"MMS ").parse_complete(input)?;
    let (input, (chunk_count, seq, mbz)) = (le_u32, le_u16, le_u16).parse_complete(input)?;
    let (input, time_sent) =
        map(take::<_, _, Error<_>>(8_usize), |time: &[u8]| time.try_into().unwrap()).parse_complete(input)?;
    let header = TcpMessageHeader {
        rep,
        version,
        version_minor,
        padding,
        message_length,
        chunk_count,
        seq,
        mbz,
        time_sent,
    };
    Ok((input, header))
}

/// The reference has offsets only: those of the field where it stopped.
fn reference(bytes: &[u8]) -> Result<TcpMessageHeader, usize> {
    match header(bytes) {
        Ok((_, header)) => Ok(header),
        Err(nom::Err::Error(error) | nom::Err::Failure(error)) => Err(bytes.len() - error.input.len()),
        Err(nom::Err::Incomplete(_)) => panic!("complete parsers only"),
    }
}

fn check(bytes: &[u8]) {
    match (TcpMessageHeader::decode(bytes), reference(bytes)) {
        (Ok(fast), Ok(slow)) => assert_eq!(fast, slow),
        (Err(DecodeError { reason: Reason::Truncated, offset }), Err(_)) => {
            assert!(bytes.len() < 32 && usize::try_from(offset) == Ok(bytes.len()));
        }
        (Err(fast), Err(slow)) => assert_eq!(usize::try_from(fast.offset), Ok(slow), "{fast}"),
        (fast, slow) => panic!("{fast:?} against {slow:?}"),
    }
}

/// Random bytes with the constants in place or nearly so: without them all would fail at once.
fn nearly_headers() -> impl Strategy<Value = Vec<u8>> {
    let parts = (any::<[u8; 32]>(), 0_u8..16, 0_u8..33, 0..32_usize, 1..=u8::MAX);
    parts.prop_map(|(mut bytes, spoiled, len, at, bit)| {
        bytes[4..8].copy_from_slice(&[0xCE, 0xFA, 0x0B, 0xB0]);
        bytes[8] &= 0xF8;
        bytes[12..16].copy_from_slice(b"MMS ");
        match spoiled {
            0..4 => bytes[at] ^= bit,
            4 => bytes[9..12].fill(0),
            _ => {}
        }
        let len = if len % 2 == 0 { 32 } else { usize::from(len) };
        bytes[..len].to_vec()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_decoders_agree_on_random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        check(&bytes);
    }

    #[test]
    fn both_decoders_agree_on_headers_and_spoiled_headers(bytes in nearly_headers()) {
        check(&bytes);
    }
}

#[test]
fn the_reference_accepts_a_header_and_refuses_each_wrong_field() {
    let good = TcpMessageHeader::for_messages(192, 3).encode();
    assert_eq!(reference(&good), Ok(TcpMessageHeader::for_messages(192, 3)));
    for (at, offset) in [(4, 4), (8, 8), (12, 12)] {
        let mut bad = good;
        bad[at] ^= 1;
        assert_eq!(reference(&bad), Err(offset));
        check(&bad);
    }
}
