//! The bytes of \[MS-MMSP\]: messages, Data packets and their framing. Nothing here knows a session.

mod client_log;
mod connect;
mod constants;
mod cursor;
mod data;
mod deframer;
mod end;
mod funnel;
mod funnel_name;
#[cfg(feature = "arbitrary")]
mod generate;
mod message;
mod mid;
mod open;
mod play;
mod read_block;
mod resend;
mod security;
mod stream_switch;
mod subscriber;
mod tcp_header;

pub use client_log::{AnsiStr, ClientLog, ClientLogInfo};
pub use connect::{Connect, ReportConnectedEx};
pub use constants::*;
pub use data::{Data, DataHeader};
pub use deframer::{Deframer, Frame, FrameError, FrameLimits};
pub use end::{ReportEndOfStream, ReportStreamChange};
pub use funnel::{
    ConnectFunnel, FunnelInfo, ReportConnectedFunnel, ReportDisconnectedFunnel, ReportFunnelInfo,
};
pub use funnel_name::{FunnelAddress, FunnelName, FunnelNameBuf, FunnelTransport};
pub use message::{Message, Messages};
pub use mid::Mid;
pub use open::{CloseFile, FileAttributes, OpenFile, RedirectType, ReportOpenFile, ReportRedirect};
pub use play::{
    Acceleration, ReportStartStriding, ReportStartedPlaying, StartPlaying, StartStriding, StopPlaying,
};
pub use read_block::{CancelReadBlock, ReadBlock, ReportReadBlock};
pub use resend::{RequestPacketListResend, SequenceIter, Sequences};
pub use security::{SecurityChallenge, SecurityResponse};
pub use stream_switch::{
    ReportStreamSwitch, StreamEntries, StreamEntryIter, StreamSwitch, StreamSwitchEntry,
};
pub use subscriber::{Product, ServerVersion, Subscriber};
pub use tcp_header::{TcpMessageHeader, encode_packet};
