//! The usual messages of a session.

use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::*;
use mms_core::text::Text;

/// Connect of a player.
#[must_use]
pub fn connect(name: &str) -> Message<'_> {
    Message::Connect(Connect {
        play_incarnation: MMS_DISABLE_PACKET_PAIR,
        mac_to_viewer_protocol_revision: MAC_TO_VIEWER_PROTOCOL_REVISION,
        viewer_to_mac_protocol_revision: VIEWER_TO_MAC_PROTOCOL_REVISION,
        subscriber_name: Text::Str(name),
    })
}

/// FunnelInfo.
#[must_use]
pub fn funnel_info(play_incarnation: u32) -> Message<'static> {
    Message::FunnelInfo(FunnelInfo { play_incarnation })
}

/// ConnectFunnel with this name.
#[must_use]
pub fn connect_funnel(name: &str) -> Message<'_> {
    Message::ConnectFunnel(ConnectFunnel {
        play_incarnation: 0,
        max_block_bytes: u32::MAX,
        max_funnel_bytes: 0,
        max_bit_rate: 10_000_000,
        funnel_mode: 2,
        funnel_name: Text::Str(name),
    })
}

/// OpenFile.
#[must_use]
pub fn open_file(play_incarnation: u32, name: &str) -> Message<'_> {
    Message::OpenFile(OpenFile { play_incarnation, spare: 0, file_name: Text::Str(name), token_data: &[] })
}

/// ReadBlock.
#[must_use]
pub fn read_block(play_incarnation: u32) -> Message<'static> {
    Message::ReadBlock(ReadBlock {
        open_file_id: 1,
        file_block_id: 0,
        offset: 0,
        length: 0x8000,
        flags: u32::MAX,
        t_earliest: 0.0,
        t_deadline: 3600.0,
        play_incarnation,
        play_sequence: 0,
    })
}

/// An entry of StreamSwitch.
#[must_use]
pub fn entry(src: u16, dst: u16, thinning_level: u16) -> StreamSwitchEntry {
    StreamSwitchEntry { src_stream_number: src, dst_stream_number: dst, thinning_level }
}

/// StreamSwitch.
#[must_use]
pub fn switch(entries: &[StreamSwitchEntry]) -> Message<'_> {
    Message::StreamSwitch(StreamSwitch { entries: StreamEntries::new(entries) })
}

/// StartPlaying from the beginning to the end.
#[must_use]
pub fn start_fields(play_incarnation: u32) -> StartPlaying {
    StartPlaying {
        open_file_id: 1,
        position: 0.0,
        asf_offset: u32::MAX,
        location_id: u32::MAX,
        frame_offset: 0,
        play_incarnation,
        acceleration: None,
    }
}

/// StartPlaying from the beginning to the end.
#[must_use]
pub fn start(play_incarnation: u32) -> Message<'static> {
    Message::StartPlaying(start_fields(play_incarnation))
}

/// StartStriding from the beginning.
#[must_use]
pub fn stride(play_incarnation: u32, rate: f64) -> Message<'static> {
    Message::StartStriding(StartStriding {
        open_file_id: 1,
        position: 0.0,
        asf_offset: u32::MAX,
        location_id: u32::MAX,
        frame_offset: 0,
        play_incarnation,
        rate,
    })
}

/// StopPlaying.
#[must_use]
pub fn stop(play_incarnation: u32) -> Message<'static> {
    Message::StopPlaying(StopPlaying { open_file_id: 1, play_incarnation })
}

/// CloseFile.
#[must_use]
pub fn close_file() -> Message<'static> {
    Message::CloseFile(CloseFile { play_incarnation: 0, open_file_id: 1 })
}

/// ReportConnectedEX of a server of this version.
#[must_use]
pub fn connected<'a>(version: &'a str, authen_package: Option<&'a str>) -> Message<'a> {
    Message::ReportConnectedEx(ReportConnectedEx {
        hr: Hresult::S_OK,
        play_incarnation: MMS_DISABLE_PACKET_PAIR,
        mac_to_viewer_protocol_revision: MAC_TO_VIEWER_PROTOCOL_REVISION,
        viewer_to_mac_protocol_revision: VIEWER_TO_MAC_PROTOCOL_REVISION,
        block_group_play_time: 1.0,
        block_group_blocks: 1,
        max_open_files: 1,
        block_max_bytes: 0x8000,
        max_bit_rate: 10_000_000,
        server_version_info: Some(Text::Str(version)),
        version_info: None,
        version_url: None,
        authen_package: authen_package.map(Text::Str),
    })
}

/// ReportFunnelInfo, with the bytes of a packet pair.
#[must_use]
pub fn report_funnel_info(play_incarnation: u32, packet_pair: &[u8]) -> Message<'_> {
    Message::ReportFunnelInfo(ReportFunnelInfo {
        hr: Hresult::S_OK,
        play_incarnation,
        transport_mask: 8,
        block_fragments: 1,
        fragment_bytes: 0x1_0000,
        cubs: 7,
        failed_cubs: 0,
        disks: 1,
        decluster: 0,
        cubdd_datagram_size: 0,
        packet_pair,
    })
}

/// ReportConnectedFunnel.
#[must_use]
pub fn connected_funnel() -> Message<'static> {
    Message::ReportConnectedFunnel(ReportConnectedFunnel {
        hr: Hresult::S_OK,
        play_incarnation: 0,
        packet_payload_size: 0,
        funnel_name: Text::Str("Funnel Of The Gods"),
    })
}

/// ReportOpenFile of content with these attributes.
#[must_use]
pub fn report_open(hr: Hresult, file_attributes: FileAttributes, packets: u64) -> Message<'static> {
    Message::ReportOpenFile(ReportOpenFile {
        hr,
        play_incarnation: 9,
        open_file_id: 1,
        file_attributes,
        file_duration: 12.5,
        file_blocks: 13,
        file_packet_size: 1444,
        file_packet_count: packets,
        file_bit_rate: 64_000,
        file_header_size: 2000,
    })
}

/// ReportReadBlock.
#[must_use]
pub fn report_read_block(hr: Hresult) -> Message<'static> {
    Message::ReportReadBlock(ReportReadBlock { hr, play_incarnation: 1, play_sequence: 0 })
}

/// ReportStreamSwitch.
#[must_use]
pub fn switched() -> Message<'static> {
    Message::ReportStreamSwitch(ReportStreamSwitch { hr: Hresult::S_OK })
}

/// ReportStartedPlaying.
#[must_use]
pub fn started(hr: Hresult, play_incarnation: u32) -> Message<'static> {
    Message::ReportStartedPlaying(ReportStartedPlaying { hr, play_incarnation, tiger_file_id: 1 })
}

/// ReportEndOfStream.
#[must_use]
pub fn end(hr: Hresult, play_incarnation: u32) -> Message<'static> {
    Message::ReportEndOfStream(ReportEndOfStream { hr, play_incarnation })
}

/// ReportStreamChange to content like the first.
#[must_use]
pub fn change() -> Message<'static> {
    Message::ReportStreamChange(ReportStreamChange {
        hr: Hresult::S_OK,
        tcp_hdr_incarnation: 0xFF,
        packet_size: 1444,
        header_size: 2000,
        bit_rate: 64_000,
    })
}
