//! Cutting a TCP stream into command packets and Data packets (section 3.1.5.2).

use core::fmt;

use crate::error::{DecodeError, Reason};

use super::cursor::Reader;
use super::data::DataHeader;
use super::tcp_header::TcpMessageHeader;

/// What a peer may send in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Bytes of a command packet with its header.
    pub command_bytes: u32,
    /// Bytes of a Data packet with its header.
    pub data_bytes: u16,
}

impl FrameLimits {
    /// The default limit of a command packet.
    pub const COMMAND_BYTES: u32 = 65_536;
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self { command_bytes: Self::COMMAND_BYTES, data_bytes: u16::MAX }
    }
}

/// What is at the start of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// Not enough for a decision, or for the frame.
    Incomplete {
        /// Bytes wanted in all, counted from the start of the frame.
        needed: usize,
    },
    /// A TcpMessageHeader and its messages.
    Command {
        /// Bytes of the packet.
        total: usize,
    },
    /// A Data packet.
    Data {
        /// Its header.
        header: DataHeader,
        /// Bytes of the packet.
        total: usize,
    },
}

/// Why the stream cannot be cut; there is no way to find the next packet behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// Not a packet; the offset counts from the start of the frame.
    Invalid(DecodeError),
    /// A packet that is larger than its limit.
    Limit {
        /// Bytes that the peer announced, `u32::MAX` if more.
        found: u32,
        /// Bytes that the limit allows.
        allowed: u32,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Limit { found, allowed } => write!(f, "packet of {found} bytes, {allowed} allowed"),
        }
    }
}

impl core::error::Error for FrameError {}

const _: () = assert!(size_of::<FrameError>() <= 12 && size_of::<Frame>() <= 24);

/// Finds the packets in a TCP stream; it holds no bytes and looks at each header once.
///
/// Give it everything from the start of a frame; after a complete frame remove `total` bytes. An error is
/// final: every later call returns it again.
///
/// ```
/// use mms_core::mmsp::wire::{Deframer, Frame, FrameLimits};
///
/// let mut deframer = Deframer::client(FrameLimits::default());
/// let stream = [3, 0, 0, 0, 0x0A, 3, 10, 0, 0xAA, 0xBB];
/// assert_eq!(deframer.next(&stream[..5]), Ok(Frame::Incomplete { needed: 8 }));
/// assert_eq!(deframer.next(&stream[..9]), Ok(Frame::Incomplete { needed: 10 }));
/// let Ok(Frame::Data { header, total: 10 }) = deframer.next(&stream) else { panic!() };
/// assert_eq!((header.location_id, header.payload_len()), (3, 2));
/// ```
#[derive(Clone, Debug)]
pub struct Deframer {
    limits: FrameLimits,
    accepts_data: bool,
    progress: Progress,
}

/// How much of the current frame was looked at.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// Nothing.
    Start,
    /// The first 8 bytes: they are those of a command.
    Prefix,
    /// The first 12 bytes: the length is allowed.
    Length { total: usize },
    /// Everything that says where the frame ends.
    Known(Frame),
    /// It is not a frame.
    Failed(FrameError),
}

impl Deframer {
    /// For a client: commands and Data packets.
    #[must_use]
    pub const fn client(limits: FrameLimits) -> Self {
        Self { limits, accepts_data: true, progress: Progress::Start }
    }

    /// For a server: commands only (section 3.2.5.1).
    #[must_use]
    pub const fn server(limits: FrameLimits) -> Self {
        Self { limits, accepts_data: false, progress: Progress::Start }
    }

    /// Sets the limit of Data packets, header included, from the next frame on.
    pub const fn set_max_data(&mut self, bytes: u16) {
        self.limits.data_bytes = bytes;
    }

    /// Looks at the frame at the start of `input`, which holds at least as much as in the last call.
    ///
    /// # Errors
    ///
    /// The bytes are no packet, or one that is larger than its limit; known as soon as its length is there.
    pub fn next(&mut self, input: &[u8]) -> Result<Frame, FrameError> {
        loop {
            let step = match self.progress {
                Progress::Start => self.prefix(input),
                Progress::Prefix => self.length(input),
                Progress::Length { total } => Self::seal(input, total),
                Progress::Known(frame) => return Ok(self.complete(input, frame)),
                Progress::Failed(error) => return Err(error),
            };
            match step {
                // Each step moves to a later state, so the loop ends.
                Ok(Step::Next(progress)) => self.progress = progress,
                Ok(Step::Wait(needed)) => return Ok(Frame::Incomplete { needed }),
                Err(error) => self.progress = Progress::Failed(error),
            }
        }
    }

    fn prefix(&self, input: &[u8]) -> Result<Step, FrameError> {
        let Some(bytes) = input.first_chunk::<8>() else {
            return Ok(Step::Wait(8));
        };
        if u32_at::<4>(bytes) == TcpMessageHeader::SESSION_ID {
            return Ok(Step::Next(Progress::Prefix));
        }
        if !self.accepts_data {
            return Err(FrameError::Invalid(DecodeError::new(Reason::SessionId, 4)));
        }
        let header = DataHeader::decode(bytes).map_err(FrameError::Invalid)?;
        let (found, allowed) = (header.packet_size, self.limits.data_bytes);
        if found > allowed {
            return Err(FrameError::Limit { found: found.into(), allowed: allowed.into() });
        }
        Ok(Step::Next(Progress::Known(Frame::Data { header, total: found.into() })))
    }

    fn length(&self, input: &[u8]) -> Result<Step, FrameError> {
        let Some(bytes) = input.first_chunk::<12>() else {
            return Ok(Step::Wait(16));
        };
        let length = u32_at::<8>(bytes);
        let (found, allowed) = (length.saturating_add(16), self.limits.command_bytes);
        if found > allowed {
            return Err(FrameError::Limit { found, allowed });
        }
        if !TcpMessageHeader::is_message_length(length) {
            return Err(FrameError::Invalid(DecodeError::new(Reason::MessageLength, 8)));
        }
        let total = usize::try_from(found).map_err(|_| FrameError::Limit { found, allowed })?;
        Ok(Step::Next(Progress::Length { total }))
    }

    /// A Data packet whose header looks like a session id has no seal either: an error, since the peer was
    /// to avoid it and the length cannot be trusted.
    fn seal(input: &[u8], total: usize) -> Result<Step, FrameError> {
        let Some(bytes) = input.first_chunk::<16>() else {
            return Ok(Step::Wait(16));
        };
        if u32_at::<12>(bytes) != TcpMessageHeader::SEAL {
            return Err(FrameError::Invalid(DecodeError::new(Reason::Seal, 12)));
        }
        Ok(Step::Next(Progress::Known(Frame::Command { total })))
    }

    fn complete(&mut self, input: &[u8], frame: Frame) -> Frame {
        let needed = match frame {
            Frame::Command { total } | Frame::Data { total, .. } => total,
            Frame::Incomplete { needed } => needed,
        };
        if input.len() < needed {
            return Frame::Incomplete { needed };
        }
        self.progress = Progress::Start;
        frame
    }
}

enum Step {
    Next(Progress),
    Wait(usize),
}

/// The field behind `OFFSET` bytes.
fn u32_at<const OFFSET: usize>(bytes: &[u8]) -> u32 {
    let field = bytes.get(OFFSET..).unwrap_or_default();
    Reader::new(field, OFFSET).fixed::<4>().map_or(0, |mut fields| fields.u32())
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn command(message_length: u32) -> [u8; 32] {
        TcpMessageHeader { message_length, ..TcpMessageHeader::for_messages(0, 0) }.encode()
    }

    #[test]
    fn a_length_above_the_limit_is_refused_as_soon_as_it_is_there() {
        let mut deframer = Deframer::server(FrameLimits::default());
        for length in [65_536 - 16 + 1, 0x4000_0000, 0xFFFF_FFF0, 0xFFFF_FFF1, u32::MAX] {
            let bytes = command(length);
            assert_eq!(deframer.next(&bytes[..11]), Ok(Frame::Incomplete { needed: 16 }));
            let error = FrameError::Limit { found: length.saturating_add(16), allowed: 65_536 };
            assert_eq!(deframer.next(&bytes[..12]), Err(error));
            assert_eq!(deframer.next(&bytes), Err(error), "an error is final");
            deframer = Deframer::server(FrameLimits::default());
        }
        assert_eq!(deframer.next(&command(65_520)), Ok(Frame::Incomplete { needed: 65_536 }));
    }

    #[test]
    fn lengths_below_16_or_not_of_whole_chunks_are_errors() {
        for length in [0, 8, 15, 17, 20, 25] {
            let error = FrameError::Invalid(DecodeError::new(Reason::MessageLength, 8));
            assert_eq!(Deframer::client(FrameLimits::default()).next(&command(length)), Err(error));
        }
        assert_eq!(
            Deframer::client(FrameLimits::default()).next(&command(16)),
            Ok(Frame::Command { total: 32 })
        );
    }

    #[test]
    fn session_id_without_seal_is_an_error_for_both_sides() {
        let mut bytes = command(16);
        bytes[12] = b'm';
        let error = FrameError::Invalid(DecodeError::new(Reason::Seal, 12));
        assert_eq!(Deframer::client(FrameLimits::default()).next(&bytes), Err(error));
        assert_eq!(Deframer::server(FrameLimits::default()).next(&bytes), Err(error));
    }

    #[test]
    fn other_values_of_rep_are_accepted() {
        let mut bytes = command(16);
        bytes[0] = 0;
        assert_eq!(Deframer::client(FrameLimits::default()).next(&bytes), Ok(Frame::Command { total: 32 }));
    }

    #[test]
    fn a_server_takes_no_data_packets_and_no_text() {
        for start in [[0, 0, 0, 0, 1, 4, 9, 0], *b"GET / HT"] {
            let error = FrameError::Invalid(DecodeError::new(Reason::SessionId, 4));
            assert_eq!(Deframer::server(FrameLimits::default()).next(&start), Err(error));
        }
    }

    #[test]
    fn the_limit_of_data_packets_can_be_lowered() {
        let mut deframer = Deframer::client(FrameLimits::default());
        let packet = DataHeader::for_payload(0, 1, 4, 1000).unwrap().encode();
        assert_eq!(deframer.next(&packet), Ok(Frame::Incomplete { needed: 1008 }));
        let mut deframer = Deframer::client(FrameLimits::default());
        deframer.set_max_data(1008);
        assert_eq!(deframer.next(&packet), Ok(Frame::Incomplete { needed: 1008 }));
        let mut deframer = Deframer::client(FrameLimits::default());
        deframer.set_max_data(1007);
        assert_eq!(deframer.next(&packet), Err(FrameError::Limit { found: 1008, allowed: 1007 }));
        let mut deframer = Deframer::client(FrameLimits::default());
        let empty = [0, 0, 0, 0, 1, 4, 7, 0];
        let error = FrameError::Invalid(DecodeError::new(Reason::PacketSize, 6));
        assert_eq!(deframer.next(&empty), Err(error));
    }

    #[test]
    fn frames_follow_each_other_under_one_byte_delivery() {
        let mut stream = Vec::from(command(16));
        stream.extend([3, 0, 0, 0, 1, 4, 9, 0, 0xAA]);
        stream.extend(command(16));
        let (mut deframer, mut start, mut frames) = (Deframer::client(FrameLimits::default()), 0, Vec::new());
        for end in 1..=stream.len() {
            match deframer.next(&stream[start..end]).unwrap() {
                Frame::Incomplete { needed } => assert!(needed > end - start),
                Frame::Command { total } | Frame::Data { total, .. } => {
                    frames.push(total);
                    start += total;
                }
            }
        }
        assert_eq!((frames, start), (Vec::from([32, 9, 32]), stream.len()));
    }

    #[test]
    fn a_decision_once_made_is_not_made_again() {
        let mut deframer = Deframer::client(FrameLimits::default());
        assert_eq!(deframer.next(&command(32)[..16]), Ok(Frame::Incomplete { needed: 48 }));
        // Other bytes in the same place: only their number is looked at.
        assert_eq!(deframer.next(&[0; 47]), Ok(Frame::Incomplete { needed: 48 }));
        assert_eq!(deframer.next(&[0; 48]), Ok(Frame::Command { total: 48 }));
    }
}
