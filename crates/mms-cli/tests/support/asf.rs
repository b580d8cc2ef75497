//! Just enough of ASF to compare a dump with its source packet by packet.
//!
//! Written apart from the decoder of the core on purpose: a fault there must not hide itself here.

use std::path::Path;

const HEADER: [u8; 16] = *b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
const DATA: [u8; 16] = *b"\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
const FILE_PROPERTIES: [u8; 16] = *b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65";
const DATA_HEAD_LEN: usize = 50;

/// A file or a dump, cut into what a server sends: the head, then packets of one size.
pub(crate) struct Asf {
    bytes: Vec<u8>,
    head_len: usize,
    packet_size: usize,
    packets: usize,
}

impl Asf {
    /// A source: what lies behind its packets (an index) is not streamed and not counted.
    pub(crate) fn source(path: &Path) -> Result<Self, String> {
        let mut asf = Self::dump(path)?;
        let declared = u64_at(&asf.bytes, asf.head_len - DATA_HEAD_LEN + 40)?;
        asf.packets = usize::try_from(declared).map_or(asf.packets, |declared| declared.min(asf.packets));
        Ok(asf)
    }

    /// A dump: everything behind the head is packets.
    pub(crate) fn dump(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(bytes).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.get(..16) != Some(&HEADER[..]) {
            return Err(format!("{} bytes that do not begin with an ASF header", bytes.len()));
        }
        let header_len = usize_at(&bytes, 16)?;
        if bytes.get(header_len..header_len + 16) != Some(&DATA[..]) {
            return Err(format!("no Data object behind the header of {header_len} bytes"));
        }
        let packet_size = packet_size(&bytes, header_len)?;
        let head_len = header_len + DATA_HEAD_LEN;
        let media = bytes.len().checked_sub(head_len).ok_or("the Data object's head is cut off")?;
        Ok(Self { head_len, packet_size, packets: media / packet_size, bytes })
    }

    pub(crate) fn head(&self) -> &[u8] {
        &self.bytes[..self.head_len]
    }

    pub(crate) fn packet(&self, number: usize) -> &[u8] {
        let start = self.head_len + number * self.packet_size;
        &self.bytes[start..start + self.packet_size]
    }

    pub(crate) fn packets(&self) -> usize {
        self.packets
    }

    pub(crate) fn packet_size(&self) -> usize {
        self.packet_size
    }

    /// Head and whole packets, without what lies behind them.
    pub(crate) fn streamed(&self) -> &[u8] {
        &self.bytes[..self.head_len + self.packets * self.packet_size]
    }

    /// What is left behind the last whole packet.
    fn rest(&self) -> &[u8] {
        &self.bytes[self.streamed().len()..]
    }

    /// The send time of a packet in milliseconds.
    pub(crate) fn send_time(&self, number: usize) -> u32 {
        const LENGTHS: [usize; 4] = [0, 1, 2, 4];
        let packet = self.packet(number);
        let mut at = if packet[0] & 0x80 == 0 { 0 } else { 1 + usize::from(packet[0] & 0x0f) };
        let flags = packet[at];
        let field = |shift: u8| LENGTHS[usize::from((flags >> shift) & 3)];
        at += 2 + field(5) + field(1) + field(3);
        u32::from_le_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
    }
}

fn packet_size(bytes: &[u8], header_len: usize) -> Result<usize, String> {
    let mut at = 30;
    while at + 24 <= header_len {
        let size = usize_at(bytes, at + 16)?;
        if bytes.get(at..at + 16) == Some(&FILE_PROPERTIES[..]) {
            let field = bytes.get(at + 92..at + 96).ok_or("File Properties are cut off")?;
            let size = u32::from_le_bytes([field[0], field[1], field[2], field[3]]);
            return match usize::try_from(size) {
                Ok(size) if size > 0 => Ok(size),
                _ => Err(format!("packet size {size}")),
            };
        }
        at = at.checked_add(size.max(24)).ok_or("an object of absurd size")?;
    }
    Err("no File Properties in the header".into())
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, String> {
    let field = bytes.get(at..at + 8).ok_or_else(|| format!("cut off at offset {at}"))?;
    Ok(field.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}

fn usize_at(bytes: &[u8], at: usize) -> Result<usize, String> {
    let value = u64_at(bytes, at)?;
    usize::try_from(value)
        .ok()
        .filter(|value| *value <= bytes.len())
        .ok_or_else(|| format!("size {value} at offset {at} in {} bytes", bytes.len()))
}

/// The dump is the head and every packet of the source, except for at most `allowed_missing` packets at the end.
pub(crate) fn compare(source: &Asf, dump: &Asf, allowed_missing: usize) -> Result<(), String> {
    compare_heads(source, dump)?;
    let missing = compare_packets(source, 0, dump)?;
    let rest = dump.rest();
    let cut_short = missing > 0 && source.packet(dump.packets()).starts_with(rest);
    if !rest.is_empty() && !cut_short {
        return Err(format!("{} bytes behind packet {} that nobody sent", rest.len(), dump.packets()));
    }
    if missing > allowed_missing {
        return Err(format!("{missing} of {} packets are missing at the end", source.packets()));
    }
    Ok(())
}

/// The dump is the head and the packets of the source from some packet to the last. Gives that packet's number.
pub(crate) fn compare_from_somewhere(source: &Asf, dump: &Asf) -> Result<usize, String> {
    compare_heads(source, dump)?;
    if dump.packets() == 0 {
        return Err("no packet in the dump".into());
    }
    let start = (0..source.packets())
        .find(|number| source.packet(*number) == dump.packet(0))
        .ok_or("the first packet of the dump is none of the source's")?;
    match compare_packets(source, start, dump)? {
        0 if dump.rest().is_empty() => Ok(start),
        0 => Err(format!("{} bytes behind the last packet that nobody sent", dump.rest().len())),
        missing => Err(format!("started at packet {start}, {missing} packets are missing at the end")),
    }
}

fn compare_heads(source: &Asf, dump: &Asf) -> Result<(), String> {
    if source.head() == dump.head() {
        return Ok(());
    }
    let at = first_difference(source.head(), dump.head());
    Err(format!("headers of {} and {} bytes differ at offset {at}", source.head_len, dump.head_len))
}

/// Gives how many packets are missing at the end.
fn compare_packets(source: &Asf, start: usize, dump: &Asf) -> Result<usize, String> {
    let expected = source.packets() - start;
    if dump.packets() > expected {
        return Err(format!("{} packets where {expected} were expected", dump.packets()));
    }
    for number in 0..dump.packets() {
        let (sent, got) = (source.packet(start + number), dump.packet(number));
        if sent != got {
            let at = first_difference(sent, got);
            return Err(format!("packet {} differs at its offset {at}", start + number));
        }
    }
    Ok(expected - dump.packets())
}

fn first_difference(left: &[u8], right: &[u8]) -> usize {
    let common = left.len().min(right.len());
    left.iter().zip(right).position(|(left, right)| left != right).unwrap_or(common)
}
