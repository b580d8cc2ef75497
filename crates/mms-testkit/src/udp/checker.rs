//! Checks an exchange over MMS/UDP against the rules of [MS-MMSP], whoever the two sides are.
//!
//! Written apart from the codec and the sessions of the core on purpose, from the offsets of the document alone: a
//! fault there must not hide itself here. It is told what each side sends, in the order of sending.

use core::fmt;
use std::collections::BTreeMap;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    clippy::exhaustive_enums,
    reason = "each rule has a planted violation in a test, which lists them all"
)]
pub enum Rule {
    /// A control packet has its fixed fields and whole messages (sections 2.2.3 and 2.2.4).
    ControlLength,
    /// The sender's counter of control packets goes up by one (section 2.2.3).
    ControlCounter,
    /// A client sends one message in a packet (section 3.1.5.1).
    OneMessage,
    /// A message has at least its mandatory fields.
    MessageLength,
    /// A request waits for the reply to the one before, and comes in the order of start-up (section 3.1.5).
    RequestOrder,
    /// A reply answers a request (section 3.2.5).
    ReplyOrder,
    /// A reply has the incarnation of its request.
    ReplyIncarnation,
    /// ReadBlock, StartPlaying and StartStriding take a fresh incarnation of 1 to 0xFE (section 3.1.1).
    RequestIncarnation,
    /// CancelReadBlock names the ReadBlock that is out (section 3.1.6.1).
    Cancel,
    /// `openFileId` is that of ReportOpenFile.
    FileId,
    /// Data goes the way that was agreed on (section 3.2.5.5).
    Transport,
    /// A datagram is as long as its `PacketSize` says, which is no more than the content's packets have.
    DataLength,
    /// The incarnation of Data is that of the request that caused it (section 2.2.2).
    DataIncarnation,
    /// Data follows the report on its request.
    DataOrder,
    /// Two packets of 1464 different bytes go ahead of ReportReadBlock, if they were agreed on (section 3.2.5.8).
    PacketPair,
    /// Header fragments count from 0, are marked, and add up to the header (section 3.2.5.8.1).
    Fragments,
    /// `AFFlags` is the low byte of a counter of packets (section 2.2.2).
    Sequence,
    /// `LocationId` goes up while the content plays forward, and stays below the number of packets.
    LocationId,
    /// What is sent again is what was sent (section 3.2.5.13).
    Copy,
    /// No more is sent again than was asked for.
    Unasked,
    /// A request for packets has its signature and as many numbers as it says, 1 to 32 (section 2.2.5).
    ResendLength,
    /// A request for packets has the identifiers that the server gave.
    ResendIdentifiers,
    /// Packets are asked for while they play (section 3.1.4.7).
    ResendOrder,
    /// Nothing new is sent behind the end of the stream.
    AfterEnd,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::ControlLength,
        Self::ControlCounter,
        Self::OneMessage,
        Self::MessageLength,
        Self::RequestOrder,
        Self::ReplyOrder,
        Self::ReplyIncarnation,
        Self::RequestIncarnation,
        Self::Cancel,
        Self::FileId,
        Self::Transport,
        Self::DataLength,
        Self::DataIncarnation,
        Self::DataOrder,
        Self::PacketPair,
        Self::Fragments,
        Self::Sequence,
        Self::LocationId,
        Self::Copy,
        Self::Unasked,
        Self::ResendLength,
        Self::ResendIdentifiers,
        Self::ResendOrder,
        Self::AfterEnd,
    ];
}

/// What one side sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests make them")]
pub struct Sent {
    /// The client, or the server.
    pub by_client: bool,
    /// Over UDP, or over TCP.
    pub is_datagram: bool,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A rule that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub rule: Rule,
    /// By what.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

type Checked = Result<(), Violation>;

fn must(holds: bool, rule: Rule, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation { rule, what: what() }) }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

const CONNECT: u32 = 0x0003_0001;
const CONNECT_FUNNEL: u32 = 0x0003_0002;
const OPEN_FILE: u32 = 0x0003_0005;
const START_PLAYING: u32 = 0x0003_0007;
const STOP_PLAYING: u32 = 0x0003_0009;
const READ_BLOCK: u32 = 0x0003_0015;
const FUNNEL_INFO: u32 = 0x0003_0018;
const CANCEL_READ_BLOCK: u32 = 0x0003_0025;
const START_STRIDING: u32 = 0x0003_0028;
const LOGGING: u32 = 0x0003_0032;
const STREAM_SWITCH: u32 = 0x0003_0033;
const REPORT_CONNECTED_EX: u32 = 0x0004_0001;
const REPORT_CONNECTED_FUNNEL: u32 = 0x0004_0002;
const REPORT_DISCONNECTED_FUNNEL: u32 = 0x0004_0003;
const REPORT_STARTED_PLAYING: u32 = 0x0004_0005;
const REPORT_OPEN_FILE: u32 = 0x0004_0006;
const REPORT_START_STRIDING: u32 = 0x0004_000A;
const REPORT_READ_BLOCK: u32 = 0x0004_0011;
const REPORT_FUNNEL_INFO: u32 = 0x0004_0015;
const REPORT_END_OF_STREAM: u32 = 0x0004_001E;
const REPORT_STREAM_CHANGE: u32 = 0x0004_0020;
const REPORT_STREAM_SWITCH: u32 = 0x0004_0021;

/// Mandatory bytes of a message and the place of its incarnation.
fn layout(mid: u32) -> (usize, Option<usize>) {
    match mid {
        CONNECT | FUNNEL_INFO | CANCEL_READ_BLOCK => (12, Some(8)),
        CONNECT_FUNNEL => (28, None),
        OPEN_FILE => (24, Some(8)),
        READ_BLOCK => (56, Some(48)),
        START_PLAYING => (40, Some(36)),
        START_STRIDING => (48, Some(36)),
        STOP_PLAYING => (16, Some(12)),
        LOGGING => (1498, None),
        REPORT_CONNECTED_EX => (64, None),
        REPORT_FUNNEL_INFO => (48, None),
        REPORT_OPEN_FILE => (116, Some(12)),
        REPORT_READ_BLOCK | REPORT_STARTED_PLAYING | REPORT_START_STRIDING => (20, Some(12)),
        REPORT_END_OF_STREAM => (16, Some(12)),
        REPORT_STREAM_CHANGE => (32, None),
        _ => (12, None),
    }
}

/// What a request is answered with.
fn replies(mid: u32) -> &'static [u32] {
    match mid {
        CONNECT => &[REPORT_CONNECTED_EX],
        FUNNEL_INFO => &[REPORT_FUNNEL_INFO],
        CONNECT_FUNNEL => &[REPORT_CONNECTED_FUNNEL, REPORT_DISCONNECTED_FUNNEL],
        // or SecurityChallenge, or ReportRedirect
        OPEN_FILE => &[REPORT_OPEN_FILE, 0x0004_001A, 0x0004_0022],
        READ_BLOCK => &[REPORT_READ_BLOCK],
        STREAM_SWITCH => &[REPORT_STREAM_SWITCH],
        START_PLAYING => &[REPORT_STARTED_PLAYING],
        START_STRIDING => &[REPORT_START_STRIDING],
        STOP_PLAYING => &[REPORT_END_OF_STREAM],
        _ => &[],
    }
}

/// How far start-up is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Nothing,
    Connected,
    Funnel,
    Open,
    Header,
}

#[derive(Debug)]
struct Read {
    incarnation: u32,
    is_reported: bool,
    pairs: Vec<Vec<u8>>,
    fragments: u32,
    bytes: u64,
    is_whole: bool,
}

#[derive(Debug)]
struct Play {
    incarnation: u32,
    is_forward: bool,
    is_reported: bool,
    stops: bool,
    has_ended: bool,
    is_fresh: bool,
    last_location: Option<u32>,
}

/// An exchange between a client and a server, from its first message on.
#[derive(Debug)]
pub struct Checker {
    unread: [Vec<u8>; 2],
    packets: [u16; 2],
    stage: Stage,
    /// Requests without a reply, with their incarnations.
    open: Vec<(u32, u32)>,
    client_id: Option<u32>,
    pairs: bool,
    udp: Option<bool>,
    file_id: u32,
    packet_size: u32,
    packet_count: u64,
    header_len: u64,
    read: Option<Read>,
    play: Option<Play>,
    sequence: u32,
    sent: BTreeMap<u32, Vec<u8>>,
    /// Copies that were asked for and not sent yet.
    asked: BTreeMap<u32, u32>,
    checked: u64,
}

impl Default for Checker {
    fn default() -> Self {
        Self {
            unread: [Vec::new(), Vec::new()],
            packets: [0; 2],
            stage: Stage::Nothing,
            open: Vec::new(),
            client_id: None,
            pairs: false,
            udp: None,
            file_id: 0,
            packet_size: 0,
            packet_count: 0,
            header_len: 0,
            read: None,
            play: None,
            sequence: 0,
            sent: BTreeMap::new(),
            asked: BTreeMap::new(),
            checked: 0,
        }
    }
}

impl Checker {
    /// How many messages and datagrams were looked at.
    #[must_use]
    pub fn checked(&self) -> u64 {
        self.checked
    }

    /// One side sends something.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn sent(&mut self, sent: &Sent) -> Result<(), Violation> {
        let Sent { by_client, is_datagram, bytes } = sent;
        if *is_datagram { self.datagram(*by_client, bytes) } else { self.control(*by_client, bytes) }
    }

    /// Bytes over TCP, cut in any way.
    fn control(&mut self, by_client: bool, bytes: &[u8]) -> Checked {
        let side = usize::from(by_client);
        self.unread[side].extend_from_slice(bytes);
        loop {
            let unread = &self.unread[side];
            let (Some(session), Some(low)) = (u32_at(unread, 4), u16_at(unread, 6)) else { return Ok(()) };
            if session != 0xB00B_FACE {
                let datagrams = self.udp == Some(true);
                must(!by_client && !datagrams, Rule::Transport, || format!("{unread:02X?} over TCP"))?;
                if unread.len() < usize::from(low) {
                    return Ok(());
                }
                let data: Vec<u8> = self.unread[side].drain(..usize::from(low).max(8)).collect();
                self.data(&data)?;
                continue;
            }
            let Some(len) = u32_at(unread, 8) else { return Ok(()) };
            let fits = len >= 16 && len % 8 == 0 && len < 1 << 20;
            must(fits, Rule::ControlLength, || format!("messageLength {len}"))?;
            let len = len as usize + 16;
            if unread.len() < len {
                return Ok(());
            }
            let packet: Vec<u8> = self.unread[side].drain(..len).collect();
            self.control_packet(by_client, &packet)?;
        }
    }

    fn control_packet(&mut self, by_client: bool, packet: &[u8]) -> Checked {
        let fixed = packet[0] == 1 && packet[1..3] == [0, 0] && packet[12..16] == *b"MMS ";
        must(fixed, Rule::ControlLength, || format!("{:02X?}", &packet[..32]))?;
        let count = u16_at(packet, 20).unwrap_or_default();
        let expected = &mut self.packets[usize::from(by_client)];
        must(count == *expected, Rule::ControlCounter, || format!("{count} behind {expected}"))?;
        *expected = expected.wrapping_add(1);
        let mut rest = &packet[32..];
        let mut messages = 0;
        while !rest.is_empty() {
            let chunks = u32_at(rest, 0).unwrap_or_default() as usize;
            let fits = chunks >= 2 && chunks * 8 <= rest.len();
            must(fits, Rule::ControlLength, || format!("chunkLen {chunks} in {} bytes", rest.len()))?;
            let (message, behind) = rest.split_at(chunks * 8);
            rest = behind;
            messages += 1;
            must(messages == 1 || !by_client, Rule::OneMessage, || "two messages in a packet".into())?;
            self.message(by_client, message)?;
        }
        Ok(())
    }

    fn message(&mut self, by_client: bool, message: &[u8]) -> Checked {
        self.checked += 1;
        let mid = u32_at(message, 4).unwrap_or_default();
        let (least, at) = layout(mid);
        must(message.len() >= least, Rule::MessageLength, || format!("{mid:#X}: {} bytes", message.len()))?;
        let incarnation = at.and_then(|at| u32_at(message, at)).unwrap_or_default();
        if by_client {
            self.request(mid, incarnation, message)
        } else {
            self.reply(mid, incarnation, message)
        }
    }

    // ---- the client's messages

    fn request(&mut self, mid: u32, incarnation: u32, message: &[u8]) -> Checked {
        let (stage, is_open) = (self.stage, !self.open.is_empty());
        let header = self.read.as_ref().is_some_and(|read| read.is_whole) || stage == Stage::Header;
        let in_order = match mid {
            CONNECT => stage == Stage::Nothing && !is_open,
            FUNNEL_INFO => stage == Stage::Connected && !is_open && self.client_id.is_none(),
            CONNECT_FUNNEL => stage == Stage::Connected && !is_open,
            OPEN_FILE => stage == Stage::Funnel && !is_open,
            READ_BLOCK => stage >= Stage::Open && !is_open,
            CANCEL_READ_BLOCK => stage >= Stage::Open,
            STREAM_SWITCH | START_PLAYING | START_STRIDING => header,
            STOP_PLAYING => self.play.is_some(),
            LOGGING => stage >= Stage::Open,
            _ => stage >= Stage::Connected,
        };
        must(in_order, Rule::RequestOrder, || format!("{mid:#X} at {stage:?}, open: {:X?}", self.open))?;
        self.file(mid, message)?;
        match mid {
            CONNECT_FUNNEL => self.udp = Some(is_udp(message)),
            READ_BLOCK => {
                self.fresh(incarnation)?;
                self.read = Some(Read {
                    incarnation,
                    is_reported: false,
                    pairs: Vec::new(),
                    fragments: 0,
                    bytes: 0,
                    is_whole: false,
                });
            }
            CANCEL_READ_BLOCK => {
                let out = self.read.as_ref().map(|read| read.incarnation);
                must(out == Some(incarnation), Rule::Cancel, || format!("{incarnation} of {out:?}"))?;
                // it is not answered any more
                self.open.retain(|(mid, _)| *mid != READ_BLOCK);
            }
            START_PLAYING | START_STRIDING => {
                self.fresh(incarnation)?;
                let rate =
                    message.get(40..48).and_then(|rate| rate.try_into().ok()).map_or(1.0, f64::from_le_bytes);
                self.play = Some(Play {
                    incarnation,
                    is_forward: mid == START_PLAYING || rate > 0.0,
                    is_reported: false,
                    stops: false,
                    has_ended: false,
                    is_fresh: true,
                    last_location: None,
                });
            }
            STOP_PLAYING => self.play.iter_mut().for_each(|play| play.stops = true),
            _ => {}
        }
        if !replies(mid).is_empty() {
            self.open.push((mid, incarnation));
        }
        Ok(())
    }

    fn file(&self, mid: u32, message: &[u8]) -> Checked {
        let found = match mid {
            READ_BLOCK | START_PLAYING | START_STRIDING | STOP_PLAYING => u32_at(message, 8),
            _ => return Ok(()),
        };
        must(found == Some(self.file_id), Rule::FileId, || format!("{found:?} for {}", self.file_id))
    }

    fn fresh(&self, incarnation: u32) -> Checked {
        let read = self.read.as_ref().map(|read| read.incarnation);
        let play = self.play.as_ref().map(|play| play.incarnation);
        let fresh = (1..=0xFE).contains(&incarnation) && ![read, play].contains(&Some(incarnation));
        must(fresh, Rule::RequestIncarnation, || format!("{incarnation:#X} behind {read:?} and {play:?}"))
    }

    // ---- the server's messages

    fn reply(&mut self, mid: u32, incarnation: u32, message: &[u8]) -> Checked {
        let ok = u32_at(message, 8) == Some(0);
        // the end of a stream, its change and Ping come unasked
        let unasked = matches!(mid, REPORT_END_OF_STREAM | REPORT_STREAM_CHANGE | 0x0004_001B);
        let asked = self.open.iter().position(|(request, _)| replies(*request).contains(&mid));
        // one of three, with a packet pair over TCP
        let again = mid == REPORT_FUNNEL_INFO && self.client_id.is_some() && self.stage == Stage::Connected;
        must(asked.is_some() || unasked || again, Rule::ReplyOrder, || {
            format!("{mid:#X} to {:X?}", self.open)
        })?;
        if let Some(asked) = asked {
            let (request, of_request) = self.open.remove(asked);
            let same = layout(mid).1.is_none() || layout(request).1.is_none() || of_request == incarnation;
            must(same, Rule::ReplyIncarnation, || format!("{mid:#X}: {incarnation:#X} for {of_request:#X}"))?;
        }
        if ok {
            self.granted(mid, message)?;
        }
        if mid == REPORT_END_OF_STREAM {
            let play = self.play.as_mut().filter(|play| play.is_reported || play.stops);
            let Some(play) = play else {
                return must(false, Rule::ReplyOrder, || "the end of a stream that never began".into());
            };
            let same = play.stops || play.incarnation == incarnation;
            must(same, Rule::ReplyIncarnation, || format!("end of {incarnation}, not {}", play.incarnation))?;
            play.has_ended = true;
        }
        Ok(())
    }

    fn granted(&mut self, mid: u32, message: &[u8]) -> Checked {
        let field = |at| u32_at(message, at).unwrap_or_default();
        match mid {
            REPORT_CONNECTED_EX => self.stage = Stage::Connected,
            REPORT_FUNNEL_INFO => {
                self.client_id = Some(field(28));
                self.pairs = field(12) == 0xF0F0_F901;
            }
            REPORT_CONNECTED_FUNNEL => self.stage = Stage::Funnel,
            REPORT_OPEN_FILE => {
                self.stage = Stage::Open;
                self.file_id = field(16);
                self.packet_size = field(60);
                self.packet_count = u64::from(field(64)) | u64::from(field(68)) << 32;
                self.header_len = u64::from(field(76));
            }
            REPORT_READ_BLOCK => {
                let pairs = if self.pairs && self.udp == Some(true) { 2 } else { 0 };
                if let Some(read) = &mut self.read {
                    read.is_reported = true;
                    let sent = read.pairs.len();
                    must(sent == pairs, Rule::PacketPair, || {
                        format!("{sent} of {pairs} ahead of the report")
                    })?;
                }
            }
            REPORT_STARTED_PLAYING | REPORT_START_STRIDING => {
                self.stage = Stage::Header;
                // what was sent before is not asked for any more
                self.asked.clear();
                self.play.iter_mut().for_each(|play| play.is_reported = true);
            }
            REPORT_STREAM_CHANGE => {
                self.stage = Stage::Open;
                (self.packet_size, self.header_len) = (field(16), u64::from(field(20)));
                self.packet_count = 0;
                (self.read, self.play) = (None, None);
            }
            _ => {}
        }
        Ok(())
    }

    // ---- datagrams

    fn datagram(&mut self, by_client: bool, bytes: &[u8]) -> Checked {
        self.checked += 1;
        let agreed = self.udp == Some(true) && self.stage >= Stage::Open;
        must(agreed, Rule::Transport, || "a datagram that was not agreed on".into())?;
        if by_client { self.resend_request(bytes) } else { self.data(bytes) }
    }

    fn resend_request(&mut self, bytes: &[u8]) -> Checked {
        let count = u16_at(bytes, 10).unwrap_or_default();
        let fits = u32_at(bytes, 0) == Some(0xBEEF_F00D)
            && (1..=32).contains(&count)
            && bytes.len() == 12 + 4 * usize::from(count);
        must(fits, Rule::ResendLength, || format!("{bytes:02X?}"))?;
        let ids = (u32_at(bytes, 4), u16_at(bytes, 8));
        let ours = (self.client_id, Some((self.file_id & 0xFFFF) as u16));
        must(ids == ours && ids.0.is_some(), Rule::ResendIdentifiers, || format!("{ids:?}, not {ours:?}"))?;
        let plays = self.play.as_ref().is_some_and(|play| play.is_reported && !play.stops);
        must(plays, Rule::ResendOrder, || "packets are asked for while none plays".into())?;
        for at in 0..usize::from(count) {
            *self.asked.entry(u32_at(bytes, 12 + 4 * at).unwrap_or_default()).or_default() += 1;
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Checked {
        let size = u16_at(bytes, 6).map_or(0, usize::from);
        must(size == bytes.len() && size > 8, Rule::DataLength, || {
            format!("{size} in {} bytes", bytes.len())
        })?;
        let (location, incarnation, flags) = (u32_at(bytes, 0).unwrap_or_default(), bytes[4], bytes[5]);
        if incarnation == 0xFF {
            return self.pair(location, flags, bytes);
        }
        let is = |of: u32| of & 0xFF == u32::from(incarnation);
        let packet_size = self.packet_size as usize;
        if let Some(read) = self.read.as_mut().filter(|read| is(read.incarnation)) {
            must(read.is_reported, Rule::DataOrder, || "a fragment ahead of ReportReadBlock".into())?;
            let most = if self.udp == Some(true) { packet_size.min(1464) } else { packet_size };
            must(size - 8 <= most, Rule::DataLength, || format!("a fragment of {size}"))?;
            return read.fragment(location, flags, size as u64 - 8, self.header_len);
        }
        let of_play = self.play.as_ref().is_some_and(|play| is(play.incarnation));
        must(of_play, Rule::DataIncarnation, || format!("{incarnation:#X}"))?;
        must(size - 8 <= packet_size, Rule::DataLength, || format!("{size} for packets of {packet_size}"))?;
        self.media(location, flags, bytes)
    }

    fn pair(&mut self, location: u32, flags: u8, bytes: &[u8]) -> Checked {
        let Some(read) = self.read.as_mut().filter(|read| !read.is_reported && self.pairs) else {
            return must(false, Rule::PacketPair, || "a packet pair that was not asked for".into());
        };
        let number = read.pairs.len() as u32;
        let fits = location == 0xF0F0_F000 + number && flags == 0x10 && bytes.len() == 1472 && number < 2;
        let new = !read.pairs.contains(&bytes[8..].to_vec());
        must(fits && new, Rule::PacketPair, || format!("{location:#X} {flags:#X}, {} bytes", bytes.len()))?;
        read.pairs.push(bytes[8..].to_vec());
        Ok(())
    }

    fn media(&mut self, location: u32, flags: u8, bytes: &[u8]) -> Checked {
        let Some(play) = &mut self.play else { return Ok(()) };
        must(play.is_reported, Rule::DataOrder, || "media ahead of the report".into())?;
        // the counter leaves out 0xFF ahead of a Start
        let skips = play.is_fresh && self.sequence & 0xFF == 0xFF;
        let next = self.sequence.wrapping_add(u32::from(skips));
        let is_new = play
            .last_location
            .is_none_or(|last| if play.is_forward { location > last } else { location != last });
        if !is_new || flags != next as u8 {
            let again = self.sent.iter().rev().find(|(_, sent)| sent[..6] == bytes[..6]);
            let Some((number, sent)) = again else {
                must(is_new, Rule::LocationId, || format!("{location} behind {:?}", play.last_location))?;
                return must(false, Rule::Sequence, || format!("{flags:#04X} and not {:#04X}", next as u8));
            };
            must(sent == bytes, Rule::Copy, || format!("packet {number} differs from what was sent"))?;
            let asked = self.asked.get_mut(number).filter(|asked| **asked > 0);
            let Some(asked) = asked else {
                return must(false, Rule::Unasked, || format!("packet {number} again, unasked"));
            };
            *asked -= 1;
            return Ok(());
        }
        must(!play.has_ended, Rule::AfterEnd, || format!("packet {location} behind the end"))?;
        let there = self.packet_count == 0 || u64::from(location) < self.packet_count;
        must(there, Rule::LocationId, || format!("{location} of {}", self.packet_count))?;
        play.last_location = Some(location);
        play.is_fresh = false;
        self.sent.insert(next, bytes.to_vec());
        self.sequence = next.wrapping_add(1);
        Ok(())
    }
}

impl Read {
    fn fragment(&mut self, location: u32, flags: u8, len: u64, header_len: u64) -> Checked {
        self.bytes += len;
        let flags_of = if self.bytes == header_len { 0x0C } else { 0x04 };
        let fits =
            location == self.fragments && flags == flags_of && self.bytes <= header_len && !self.is_whole;
        must(fits, Rule::Fragments, || {
            format!(
                "{location} for {}, flags {flags:#X}, {} of {header_len} bytes",
                self.fragments, self.bytes
            )
        })?;
        self.fragments += 1;
        self.is_whole |= self.bytes == header_len;
        Ok(())
    }
}

/// The second part of `\\address\protocol\port`, which begins at offset 28 in UTF-16.
fn is_udp(message: &[u8]) -> bool {
    let text: String =
        message.get(28..).unwrap_or_default().iter().step_by(2).map(|byte| char::from(*byte)).collect();
    text.split('\\').nth(3).is_some_and(|protocol| protocol.eq_ignore_ascii_case("UDP"))
}
