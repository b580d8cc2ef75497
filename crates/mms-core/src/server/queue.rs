//! What waits to be written: control messages and media, in order, never copied.

/// Bytes of an inline head: enough for each protocol's framing of a packet.
pub(super) const HEAD_BYTES: usize = 16;

/// Bytes that wait when more media is asked for.
const LOW_BYTES: usize = 1 << 16;

/// A queue of `N` entries. `H` is the host's handle of packets in memory.
#[derive(Clone, Debug)]
pub(super) struct SendQueue<H, const N: usize> {
    entries: [Option<Entry<H>>; N],
    first: usize,
    len: usize,
    /// bytes of the first entry that are written
    written: usize,
    /// bytes of all entries
    bytes: usize,
}

#[derive(Clone, Debug)]
enum Entry<H> {
    /// A message of so many bytes, the next ones of the control buffer.
    Control { len: usize, alone: bool },
    /// A head and a range of a handle.
    Media { kind: Kind, head: [u8; HEAD_BYTES], head_len: usize, handle: H, start: usize, len: usize },
}

/// What a media entry carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A part of the ASF header, which is never discarded.
    Fragment,
    /// An ASF data packet.
    Packet,
    /// A part of a file or text as it is.
    Bytes,
}

impl<H: AsRef<[u8]>> Entry<H> {
    fn len(&self) -> usize {
        match self {
            Self::Control { len, .. } => *len,
            Self::Media { head_len, len, .. } => head_len.saturating_add(*len),
        }
    }
}

/// What [`SendQueue::written`] finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Finished {
    /// Bytes of control messages that are written in full.
    pub(super) control_bytes: usize,
    /// ASF data packets written in full.
    pub(super) packets: u32,
    /// Bytes of files and texts written.
    pub(super) file_bytes: u64,
    /// Bytes that were reported beyond what was offered.
    pub(super) surplus: usize,
}

impl<H: AsRef<[u8]>, const N: usize> SendQueue<H, N> {
    pub(super) fn new() -> Self {
        Self { entries: [const { None }; N], first: 0, len: 0, written: 0, bytes: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_full(&self) -> bool {
        self.len >= N
    }

    /// Whether half of the room is free and not too many bytes wait: the moment to ask for more media, in few large
    /// pieces. Packets may have 64 KiB, and a crowd that reads slowly shall not hold more of them than it has to.
    pub(super) fn is_low(&self) -> bool {
        self.len <= N >> 1 && self.bytes <= LOW_BYTES
    }

    /// A message whose bytes were appended to the control buffer; `alone` keeps its write to itself.
    pub(super) fn push_control(&mut self, len: usize, alone: bool) -> bool {
        self.push(Entry::Control { len, alone })
    }

    /// A head and `len` bytes of the handle from `start` on.
    pub(super) fn push_media(
        &mut self,
        kind: Kind,
        head: &[u8],
        handle: H,
        start: usize,
        len: usize,
    ) -> bool {
        let mut inline = [0; HEAD_BYTES];
        let Some(target) = inline.get_mut(..head.len()) else { return false };
        target.copy_from_slice(head);
        self.push_framed(kind, (inline, head.len()), handle, (start, len))
    }

    /// The same with a head that lies in as much room as a head may have.
    #[inline]
    pub(super) fn push_framed(
        &mut self,
        kind: Kind,
        (head, head_len): ([u8; HEAD_BYTES], usize),
        handle: H,
        (start, len): (usize, usize),
    ) -> bool {
        self.push(Entry::Media { kind, head, head_len, handle, start, len })
    }

    #[inline]
    fn push(&mut self, entry: Entry<H>) -> bool {
        if self.is_full() {
            return false;
        }
        let at = self.slot(self.len);
        let len = entry.len();
        let Some(slot) = self.entries.get_mut(at) else { return false };
        *slot = Some(entry);
        self.bytes = self.bytes.saturating_add(len);
        self.len = self.len.saturating_add(1);
        true
    }

    fn slot(&self, index: usize) -> usize {
        self.first.saturating_add(index).checked_rem(N).unwrap_or(0)
    }

    fn entry(&self, index: usize) -> Option<&Entry<H>> {
        self.entries.get(self.slot(index))?.as_ref()
    }

    /// Fills `slices` from the front of the queue and returns how many are used.
    pub(super) fn slices<'a>(&'a self, control: &'a [u8], slices: &mut [&'a [u8]]) -> usize {
        let mut used = 0_usize;
        let mut control_at = 0_usize;
        let mut skip = self.written;
        let mut put = |bytes: &'a [u8]| {
            let bytes = match bytes.get(skip..) {
                Some(rest) => {
                    skip = 0;
                    rest
                }
                None => {
                    skip = skip.saturating_sub(bytes.len());
                    return true;
                }
            };
            if bytes.is_empty() {
                return true;
            }
            let Some(slot) = slices.get_mut(used) else { return false };
            *slot = bytes;
            used = used.saturating_add(1);
            true
        };
        for index in 0..self.len {
            let Some(entry) = self.entry(index) else { break };
            match entry {
                Entry::Control { len, alone } => {
                    if *alone && index > 0 {
                        break;
                    }
                    let end = control_at.saturating_add(*len);
                    let more = put(control.get(control_at..end).unwrap_or_default());
                    control_at = end;
                    if *alone || !more {
                        break;
                    }
                }
                Entry::Media { head, head_len, handle, start, len, .. } => {
                    let body = handle.as_ref().get(*start..start.saturating_add(*len)).unwrap_or_default();
                    if !put(head.get(..*head_len).unwrap_or_default()) || !put(body) {
                        break;
                    }
                }
            }
        }
        used
    }

    /// `count` bytes from the front were written.
    pub(super) fn written(&mut self, count: usize) -> Finished {
        let mut finished = Finished::default();
        let mut left = self.written.saturating_add(count);
        while let Some(entry) = self.entry(0) {
            let len = entry.len();
            if left < len {
                break;
            }
            match entry {
                Entry::Control { len, .. } => {
                    finished.control_bytes = finished.control_bytes.saturating_add(*len);
                }
                Entry::Media { kind: Kind::Packet, .. } => {
                    finished.packets = finished.packets.saturating_add(1)
                }
                Entry::Media { kind: Kind::Bytes, len, .. } => {
                    let len = u64::try_from(*len).unwrap_or(u64::MAX);
                    finished.file_bytes = finished.file_bytes.saturating_add(len);
                }
                Entry::Media { .. } => {}
            }
            left = left.saturating_sub(len);
            self.bytes = self.bytes.saturating_sub(len);
            self.pop_front();
        }
        if self.is_empty() {
            finished.surplus = left;
            left = 0;
        }
        self.written = left;
        finished
    }

    fn pop_front(&mut self) {
        if let Some(slot) = self.entries.get_mut(self.first) {
            *slot = None;
        }
        self.first = self.slot(1);
        self.len = self.len.saturating_sub(1);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Takes out the ASF data packets that were not begun and returns their number.
    pub(super) fn discard_packets(&mut self) -> u32 {
        let mut discarded = 0_u32;
        let mut kept = 0_usize;
        for index in 0..self.len {
            let from = self.slot(index);
            let begun = index == 0 && self.written > 0;
            let entry = self.entries.get_mut(from).and_then(Option::take);
            match entry {
                Some(entry @ Entry::Media { kind: Kind::Packet, .. }) if !begun => {
                    self.bytes = self.bytes.saturating_sub(entry.len());
                    discarded = discarded.saturating_add(1);
                }
                entry => {
                    let to = self.slot(kept);
                    if let Some(slot) = self.entries.get_mut(to) {
                        *slot = entry;
                    }
                    kept = kept.saturating_add(1);
                }
            }
        }
        self.len = kept;
        discarded
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn collect(queue: &SendQueue<&'static [u8], 4>, control: &[u8], room: usize) -> Vec<u8> {
        let mut slices = [&[][..]; 8];
        let used = queue.slices(control, &mut slices[..room]);
        slices[..used].concat()
    }

    fn filled() -> SendQueue<&'static [u8], 4> {
        let mut queue: SendQueue<&'static [u8], 4> = SendQueue::new();
        assert!(queue.push_media(Kind::Packet, b"h1", b"xxAAAA", 2, 4));
        assert!(queue.push_control(3, false));
        assert!(queue.push_media(Kind::Packet, b"h2", b"BBBB", 0, 4));
        queue
    }

    #[test]
    fn every_split_of_the_writes_sends_the_same_bytes() {
        let all = b"h1AAAACTLh2BBBB";
        for step in 1..=all.len() {
            let mut queue = filled();
            let mut control = &b"CTL"[..];
            let mut sent = Vec::new();
            while !queue.is_empty() {
                let mut bytes = collect(&queue, control, 8);
                bytes.truncate(step);
                let finished = queue.written(bytes.len());
                control = &control[finished.control_bytes..];
                assert_eq!(finished.surplus, 0);
                sent.extend(bytes);
            }
            assert_eq!(sent, all, "step {step}");
        }
    }

    #[test]
    fn too_few_slices_send_a_prefix() {
        let queue = filled();
        assert_eq!(collect(&queue, b"CTL", 3), b"h1AAAACTL");
    }

    #[test]
    fn a_message_that_wants_its_own_write_gets_it() {
        let mut queue: SendQueue<&'static [u8], 4> = SendQueue::new();
        queue.push_control(2, true);
        queue.push_media(Kind::Packet, b"h", b"A", 0, 1);
        queue.push_control(2, true);
        assert_eq!(collect(&queue, b"c1c2", 8), b"c1");
        queue.written(2);
        assert_eq!(collect(&queue, b"c2", 8), b"hA");
    }

    #[test]
    fn discard_keeps_messages_and_the_packet_that_was_begun() {
        let mut queue = filled();
        queue.written(1);
        assert_eq!(queue.discard_packets(), 1);
        assert_eq!(collect(&queue, b"CTL", 8), b"1AAAACTL");
        let mut queue = filled();
        assert_eq!(queue.discard_packets(), 2);
        assert_eq!(collect(&queue, b"CTL", 8), b"CTL");
        assert!(queue.push_media(Kind::Packet, b"n", b"C", 0, 1));
        assert_eq!(collect(&queue, b"CTL", 8), b"CTLnC");
    }

    #[test]
    fn discard_keeps_header_fragments_and_only_packets_are_counted() {
        let mut queue: SendQueue<&'static [u8], 4> = SendQueue::new();
        assert!(queue.push_media(Kind::Fragment, b"f", b"F", 0, 1));
        assert!(queue.push_media(Kind::Packet, b"p", b"P", 0, 1));
        assert!(queue.push_media(Kind::Fragment, b"g", b"G", 0, 1));
        assert_eq!(queue.clone().written(6).packets, 1);
        assert_eq!(queue.discard_packets(), 1);
        assert_eq!(collect(&queue, b"", 8), b"fFgG");
        assert_eq!(queue.written(4), Finished::default());
        assert!(queue.is_empty());
    }

    #[test]
    fn media_is_asked_for_while_few_bytes_wait() {
        const PACKET: &[u8] = &[0; 40_000];
        let mut queue: SendQueue<&'static [u8], 8> = SendQueue::new();
        let push = |queue: &mut SendQueue<&'static [u8], 8>| {
            assert!(queue.push_media(Kind::Packet, b"head", PACKET, 0, PACKET.len()));
        };
        push(&mut queue);
        assert!(queue.is_low());
        push(&mut queue);
        assert!(!queue.is_low(), "80,000 bytes");
        queue.written(40_003);
        assert!(!queue.is_low(), "a packet that is begun waits as a whole");
        queue.written(1);
        assert!(queue.is_low());
        push(&mut queue);
        assert!(!queue.is_low());
        assert_eq!(queue.discard_packets(), 2);
        assert!(queue.is_low() && queue.is_empty());
        (0..5).for_each(|_| assert!(queue.push_control(1, false)));
        assert!(!queue.is_low(), "more than half of the entries");
    }

    #[test]
    fn more_bytes_than_offered_are_told() {
        let mut queue = filled();
        assert_eq!(queue.written(100).surplus, 85);
    }
}
