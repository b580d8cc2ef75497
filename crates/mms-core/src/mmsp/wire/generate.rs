//! Valid messages out of arbitrary bytes, for property tests, fuzz targets and benches.
//!
//! Texts hold no NUL and numbers are no NaN, so that `decode(encode(x)) == x` can be asked for.

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::hresult::Hresult;

use super::{
    Acceleration, CancelReadBlock, CloseFile, Connect, ConnectFunnel, FileAttributes, FunnelInfo, OpenFile,
    ReadBlock, RedirectType, ReportConnectedEx, ReportConnectedFunnel, ReportDisconnectedFunnel,
    ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock, ReportRedirect,
    ReportStartStriding, ReportStartedPlaying, ReportStreamChange, ReportStreamSwitch, SecurityChallenge,
    SecurityResponse, StartPlaying, StartStriding, StopPlaying, StreamSwitch,
};

fn number(u: &mut Unstructured<'_>) -> Result<f64> {
    let value: f64 = u.arbitrary()?;
    Ok(if value.is_nan() { 0.0 } else { value })
}

/// The packet pair fills whole chunks: what is behind the fixed part of ReportFunnelInfo is all pair.
fn packet_pair<'a>(u: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let bytes: &'a [u8] = u.arbitrary()?;
    Ok(bytes.as_chunks::<8>().0.as_flattened())
}

macro_rules! generate {
    ($($name:ident $(<$life:lifetime>)? { $($field:ident $(: $with:path)?),* $(,)? })*) => {
        $(impl<'a> Arbitrary<'a> for $name $(<$life>)? {
            fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
                Ok(Self { $($field: generate!(@field u $($with)?)),* })
            }
        })*
    };
    (@field $u:ident) => { $u.arbitrary()? };
    (@field $u:ident $with:path) => { $with($u)? };
}

generate! {
    Connect<'a> {
        play_incarnation, mac_to_viewer_protocol_revision, viewer_to_mac_protocol_revision, subscriber_name,
    }
    ConnectFunnel<'a> {
        play_incarnation, max_block_bytes, max_funnel_bytes, max_bit_rate, funnel_mode, funnel_name,
    }
    FunnelInfo { play_incarnation }
    OpenFile<'a> { play_incarnation, spare, file_name, token_data }
    SecurityResponse<'a> { play_incarnation, cookie, token }
    ReadBlock {
        open_file_id, file_block_id, offset, length, flags, t_earliest: number, t_deadline: number,
        play_incarnation, play_sequence,
    }
    CancelReadBlock { play_incarnation }
    StreamSwitch<'a> { entries }
    StartPlaying {
        open_file_id, position: number, asf_offset, location_id, frame_offset, play_incarnation, acceleration,
    }
    StartStriding {
        open_file_id, position: number, asf_offset, location_id, frame_offset, play_incarnation, rate: number,
    }
    StopPlaying { open_file_id, play_incarnation }
    CloseFile { play_incarnation, open_file_id }
    ReportConnectedEx<'a> {
        hr, play_incarnation, mac_to_viewer_protocol_revision, viewer_to_mac_protocol_revision,
        block_group_play_time: number, block_group_blocks, max_open_files, block_max_bytes, max_bit_rate,
        server_version_info, version_info, version_url, authen_package,
    }
    ReportFunnelInfo<'a> {
        hr, play_incarnation, transport_mask, block_fragments, fragment_bytes, cubs, failed_cubs, disks,
        decluster, cubdd_datagram_size, packet_pair: packet_pair,
    }
    ReportConnectedFunnel<'a> { hr, play_incarnation, packet_payload_size, funnel_name }
    ReportDisconnectedFunnel { hr, play_incarnation }
    ReportOpenFile {
        hr, play_incarnation, open_file_id, file_attributes, file_duration: number, file_blocks,
        file_packet_size, file_packet_count, file_bit_rate, file_header_size,
    }
    ReportReadBlock { hr, play_incarnation, play_sequence }
    ReportStreamSwitch { hr }
    ReportStartedPlaying { hr, play_incarnation, tiger_file_id }
    ReportStartStriding { hr, play_incarnation }
    ReportEndOfStream { hr, play_incarnation }
    ReportStreamChange { hr, tcp_hdr_incarnation, packet_size, header_size, bit_rate }
    SecurityChallenge<'a> { play_incarnation, cookie, token }
}

impl<'a> Arbitrary<'a> for Acceleration {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let (accel_bandwidth, accel_duration) = u.arbitrary()?;
        // Without a link bandwidth the message has 6 chunks, which is exact; with it, 7 and padding.
        Ok(Self { accel_bandwidth, accel_duration, link_bandwidth: u.arbitrary()? })
    }
}

impl<'a> Arbitrary<'a> for ReportRedirect<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let hr = u.arbitrary()?;
        let redirect_type = RedirectType(u.arbitrary()?);
        let location: crate::text::Text<'a> = u.arbitrary()?;
        // The length field has 16 bits.
        let fits = location.encoded_len() <= 65_532;
        Ok(Self { hr, redirect_type, location: if fits { location } else { "".into() } })
    }
}

impl<'a> Arbitrary<'a> for FileAttributes {
    /// Unknown bits too.
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary().map(Self::from_bits_retain)
    }
}

impl<'a> Arbitrary<'a> for Hresult {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        if u.arbitrary()? { u.choose(crate::hresult::KNOWN).copied() } else { u.arbitrary().map(Self) }
    }
}
