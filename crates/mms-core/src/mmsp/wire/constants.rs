//! Values that several messages share.

/// Revision of the server-to-client messages: Connect and ReportConnectedEX (sections 2.2.4.2, 2.2.4.17).
pub const MAC_TO_VIEWER_PROTOCOL_REVISION: u32 = 0x0004_000B;
/// Revision of the client-to-server messages: Connect and ReportConnectedEX (sections 2.2.4.2, 2.2.4.17).
pub const VIEWER_TO_MAC_PROTOCOL_REVISION: u32 = 0x0003_001C;

/// `play_incarnation` of the four messages about packet pairs: no bandwidth measurement (section 2.2.4.19).
pub const MMS_DISABLE_PACKET_PAIR: u32 = 0xF0F0_F0EF;
/// `play_incarnation` of the four messages about packet pairs: measurement wanted (section 2.2.4.19).
pub const MMS_USE_PACKET_PAIR: u32 = 0xF0F0_F0F0;
/// `play_incarnation` of FunnelInfo and ReportFunnelInfo: measured in ReportFunnelInfo (section 2.2.4.19).
pub const MMS_PACKET_PAIR_TCP_HIGH_ENTROPY: u32 = 0xF0F0_F0F1;
/// `play_incarnation` of FunnelInfo and ReportFunnelInfo: measured with Data packets on UDP (section 2.2.4.19).
pub const MMS_PACKET_PAIR_UDP_HIGH_ENTROPY: u32 = 0xF0F0_F901;
/// `location_id` of the first and second packet-pair Data packet (section 2.2.2).
pub const PACKET_PAIR_LOCATION_IDS: [u32; 2] = [0xF0F0_F000, 0xF0F0_F001];
/// `af_flags` of a packet-pair Data packet (section 2.2.2).
pub const AF_PACKET_PAIR: u8 = 0x10;
/// `af_flags` of every header fragment but the last (section 2.2.2).
pub const AF_HEADER_MORE: u8 = 0x04;
/// `af_flags` of the last header fragment (section 2.2.2).
pub const AF_HEADER_LAST: u8 = 0x0C;

/// `play_incarnation` of content behind a ReportStreamChange, and of packet pairs (section 2.2.4.12).
pub const STREAM_CHANGE_INCARNATION: u8 = 0xFF;
/// `position` of StartPlaying that means "use `asf_offset` or `location_id`" (section 2.2.4.25).
pub const POSITION_NOT_USED: f64 = f64::MAX;
/// `asf_offset` or `location_id` of StartPlaying that means "not used" (section 2.2.4.25).
pub const START_NOT_USED: u32 = 0xFFFF_FFFF;
/// Stream number of a StreamSwitch entry that means "no stream" (section 2.2.4.28).
pub const NO_STREAM: u16 = 0xFFFF;
/// `thinning_level`: send everything (section 2.2.4.28).
pub const THINNING_NONE: u16 = 0;
/// `thinning_level`: send key frames only (section 2.2.4.28).
pub const THINNING_KEY_FRAMES: u16 = 1;
/// `thinning_level`: send nothing (section 2.2.4.28).
pub const THINNING_ALL: u16 = 2;
