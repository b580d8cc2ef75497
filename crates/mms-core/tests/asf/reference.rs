//! A slow decoder of packet heads, written with nom from the tables of the specification.

use nom::IResult;
use nom::Parser;
use nom::bytes::complete::take;
use nom::combinator::{cond, map, verify};
use nom::number::complete::{le_u8, le_u16, le_u32};

/// What is compared with the decoder of the library.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReferenceHead {
    pub(crate) error_correction_len: usize,
    pub(crate) length_type_flags: u8,
    pub(crate) property_flags: u8,
    pub(crate) packet_length: Option<u32>,
    pub(crate) sequence: Option<u32>,
    pub(crate) padding: u32,
    pub(crate) send_time: u32,
    pub(crate) duration: u16,
    pub(crate) head_len: usize,
    pub(crate) total_len: usize,
}

pub(crate) fn decode(packet: &[u8]) -> Option<ReferenceHead> {
    let (_, mut head) = head(packet).ok()?;
    head.total_len = head.packet_length.map_or(packet.len(), |length| length as usize);
    if head.total_len > packet.len() || head.total_len < head.head_len {
        return None;
    }
    let padding = head.padding as usize;
    let outside = head.packet_length.is_some() && padding > 0 && head.total_len + padding == packet.len();
    let too_much = padding > head.total_len - head.head_len;
    let multiple = head.length_type_flags & 0x01 == 0x01;
    match (outside, too_much, multiple) {
        (true, _, _) | (false, true, true) => head.padding = 0,
        (false, true, false) => return None,
        (false, false, _) => {}
    }
    Some(head)
}

fn head(packet: &[u8]) -> IResult<&[u8], ReferenceHead> {
    let (rest, error_correction_len) = error_correction(packet)?;
    let (rest, length_type_flags) = le_u8(rest)?;
    let (rest, property_flags) = verify(le_u8, |flags: &u8| flags & 0xc0 == 0x40).parse(rest)?;
    let (rest, packet_length) = optional(rest, length_type_flags & 0x60, [0x20, 0x40, 0x60])?;
    let (rest, sequence) = optional(rest, length_type_flags & 0x06, [0x02, 0x04, 0x06])?;
    let (rest, padding) = optional(rest, length_type_flags & 0x18, [0x08, 0x10, 0x18])?;
    let (rest, (send_time, duration)) = (le_u32, le_u16).parse(rest)?;
    let head = ReferenceHead {
        error_correction_len,
        length_type_flags,
        property_flags,
        packet_length,
        sequence,
        padding: padding.unwrap_or(0),
        send_time,
        duration,
        head_len: packet.len() - rest.len(),
        total_len: 0,
    };
    Ok((rest, head))
}

fn error_correction(packet: &[u8]) -> IResult<&[u8], usize> {
    let (rest, first) = le_u8(packet)?;
    if first < 0x80 {
        return Ok((packet, 0));
    }
    let (rest, len) =
        verify(map(nom::combinator::success(first), |flags| flags - 0x80), |len: &u8| *len < 0x10)
            .parse(rest)?;
    let (rest, _) =
        verify(take(len), |data: &[u8]| data.first().is_none_or(|kind| kind % 16 != 2)).parse(rest)?;
    Ok((rest, 1 + usize::from(len)))
}

fn optional(rest: &[u8], bits: u8, [byte, word, dword]: [u8; 3]) -> IResult<&[u8], Option<u32>> {
    let (rest, small) = cond(bits == byte, map(le_u8, u32::from)).parse(rest)?;
    let (rest, medium) = cond(bits == word, map(le_u16, u32::from)).parse(rest)?;
    let (rest, large) = cond(bits == dword, le_u32).parse(rest)?;
    Ok((rest, small.or(medium).or(large)))
}
