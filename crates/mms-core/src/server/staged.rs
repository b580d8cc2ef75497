//! What the host delivered, and how packets are cut out of it.

use super::protocol::{Head, Protocol};
use super::queue::Kind;
use crate::asf::PacketHead;
use crate::error::{Error, Misuse};
use crate::time::Instant;

/// Packets or header bytes that the host delivered and that are not framed yet.
#[derive(Clone, Debug)]
pub(super) struct Staged<H> {
    pub(super) kind: Kind,
    pub(super) handle: H,
    /// number of the first packet, or offset of the first byte; of a file only its low half, which is enough as long as
    /// no answer has 4 GiB
    pub(super) first: u32,
}

/// What became of the next packet.
pub(super) enum Framed {
    Packet {
        head: Head,
        start: usize,
        len: usize,
    },
    /// The host left out packets that hold nothing for this client.
    Skipped,
    Exhausted,
    NotDue,
    Stop,
}

pub(super) fn frame_packet<H: AsRef<[u8]>>(
    session: &mut Protocol,
    staged: &Staged<H>,
    now: Instant,
    from: u32,
    packet_size: u32,
) -> Result<Framed, Error> {
    if staged.first > from && session.skip_to(staged.first) {
        return Ok(Framed::Skipped);
    }
    let Some((start, packet)) = staged_packet(staged, from, packet_size) else {
        return Ok(Framed::Exhausted);
    };
    let send_time = send_time(session, packet);
    if session.is_behind_stop(send_time) {
        return Ok(Framed::Stop);
    }
    if session.due(send_time) > now {
        return Ok(Framed::NotDue);
    }
    let len = u16::try_from(packet.len()).map_err(|_| Error::ApiMisuse(Misuse::OutOfRange))?;
    match session.frame(now, send_time, len) {
        Some(head) => Ok(Framed::Packet { head, start, len: packet.len() }),
        None => Ok(Framed::NotDue),
    }
}

pub(super) fn staged_packet<H: AsRef<[u8]>>(
    staged: &Staged<H>,
    number: u32,
    packet_size: u32,
) -> Option<(usize, &[u8])> {
    let index = usize::try_from(number.checked_sub(staged.first)?).ok()?;
    let size = usize::try_from(packet_size).ok()?;
    let start = index.checked_mul(size)?;
    let bytes = staged.handle.as_ref();
    // a packet alone may be shorter than the packet size
    let end = start.checked_add(size)?.min(bytes.len());
    let packet = bytes.get(start..end).filter(|packet| !packet.is_empty())?;
    Some((start, packet))
}

/// The send time in ms, if it matters; a packet that does not parse is sent at once.
pub(super) fn send_time(session: &Protocol, packet: &[u8]) -> u32 {
    if !session.heeds_send_times() {
        return 0;
    }
    PacketHead::decode(packet).map_or(0, |head| head.send_time_ms)
}

/// The low half of an offset.
pub(super) fn low(offset: u64) -> u32 {
    let [a, b, c, d, ..] = offset.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
