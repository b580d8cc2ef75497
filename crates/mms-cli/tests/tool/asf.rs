//! What a fetched file must be, checked without the decoder of the core.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::asf::Asf;
use crate::support::server::made;

const FILE_PROPERTIES: [u8; 16] = *b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65";
const SIMPLE_INDEX: [u8; 16] = *b"\x90\x08\x00\x33\xb1\xe5\xcf\x11\x89\xf4\x00\xa0\xc9\x03\x49\xcb";
const DATA_HEAD: usize = 50;
/// Places and sizes, in File Properties, of file size, packet count, durations and flags.
const COUNTS: [(usize, usize); 5] = [(40, 8), (56, 8), (64, 8), (72, 8), (88, 4)];

/// The repository's files with at least one whole packet.
pub(crate) fn whole_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["made", "real"] {
        for entry in fs::read_dir(made("..").join(folder)).expect("the test data is there") {
            let path = entry.expect("the folder can be read").path();
            let is_stream =
                path.extension().is_some_and(|ext| ["wma", "wmv", "asf"].iter().any(|x| ext == *x));
            if is_stream && source(&path).packets() > 0 {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// A file, cut to head and whole packets; the size of the Data Object decides where an index begins.
pub(crate) fn source(path: &Path) -> Asf {
    let whole = Asf::dump(path).unwrap_or_else(|error| panic!("{error}"));
    let counts = Counts::of(path);
    let media = usize::try_from(counts.data_size).unwrap_or(usize::MAX).saturating_sub(DATA_HEAD);
    let there = whole.packets() * whole.packet_size();
    if media == 0 || media > there {
        return whole;
    }
    let end = whole.head().len() + media / whole.packet_size() * whole.packet_size();
    Asf::parse(whole.streamed()[..end].to_vec()).unwrap_or_else(|error| panic!("{error}"))
}

/// The fetched file has the head and every packet of its source, and its counts are true.
pub(crate) fn assert_fetched(path: &Path, fetched: &Path) {
    let (sent, got) = (source(path), source(fetched));
    assert_eq!(got.packets(), sent.packets(), "{}", path.display());
    assert_same(path, &sent, &got);
    Counts::of(fetched).assert_true();
}

/// The fetched file has the head and the first packets of its source, at least one, and its counts are true.
pub(crate) fn assert_prefix(path: &Path, fetched: &Path) {
    let (sent, got) = (source(path), source(fetched));
    assert!(got.packets() > 0 && got.packets() < sent.packets(), "{} packets", got.packets());
    assert_same(path, &sent, &got);
    Counts::of(fetched).assert_true();
}

fn assert_same(path: &Path, sent: &Asf, got: &Asf) {
    let name = path.display();
    assert!(masked(sent.head()) == masked(got.head()), "{name}: the heads differ in more than counts");
    for number in 0..got.packets() {
        assert!(sent.packet(number) == got.packet(number), "{name}: packet {number} differs");
    }
}

/// A head without what must change when an index is left out or a file is cut.
fn masked(head: &[u8]) -> Vec<u8> {
    let mut head = head.to_vec();
    let (properties, data) = (file_properties(&head), head.len() - DATA_HEAD);
    for (at, len) in COUNTS {
        head[properties + at..properties + at + len].fill(0);
    }
    head[data + 16..data + 24].fill(0);
    head[data + 40..data + 48].fill(0);
    head
}

fn file_properties(head: &[u8]) -> usize {
    head.windows(16).position(|bytes| bytes == FILE_PROPERTIES).expect("File Properties")
}

/// What a header says of its file.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) flags: u64,
    pub(crate) data_size: u64,
    pub(crate) data_packets: u64,
    pub(crate) packets: u64,
    file_size: u64,
    send_duration: u64,
    real_size: u64,
    head_len: u64,
    packet_size: u64,
    /// Entries of each index behind the packets; nothing if anything else is there.
    pub(crate) indexes: Option<Vec<u64>>,
}

impl Counts {
    pub(crate) fn of(path: &Path) -> Self {
        let asf = Asf::dump(path).unwrap_or_else(|error| panic!("{error}"));
        let head = asf.head();
        let (properties, data) = (file_properties(head), head.len() - DATA_HEAD);
        let number = |at: usize, len: usize| {
            head[at..at + len].iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte))
        };
        let data_size = number(data + 16, 8);
        let bytes = fs::read(path).unwrap();
        let behind = data + usize::try_from(data_size).unwrap_or(0);
        Self {
            flags: number(properties + 88, 4),
            indexes: bytes.get(behind..).and_then(index_entries),
            head_len: head.len() as u64,
            data_size,
            data_packets: number(data + 40, 8),
            file_size: number(properties + 40, 8),
            packets: number(properties + 56, 8),
            send_duration: number(properties + 72, 8),
            real_size: fs::metadata(path).unwrap().len(),
            packet_size: asf.packet_size() as u64,
        }
    }

    /// Sizes and counts are those of the file, and behind the packets there is nothing but indexes.
    pub(crate) fn assert_true(&self) {
        assert_eq!(self.flags & 1, 0, "broadcast: {self:?}");
        assert_eq!(self.file_size, self.real_size, "{self:?}");
        assert_eq!(self.packets, self.data_packets, "{self:?}");
        assert_eq!(self.data_size, 50 + self.data_packets * self.packet_size, "{self:?}");
        let indexes = self.indexes.as_ref().unwrap_or_else(|| panic!("no index but other bytes: {self:?}"));
        let index_bytes: u64 = indexes.iter().map(|entries| 56 + 6 * entries).sum();
        assert_eq!(
            self.real_size,
            self.head_len + self.data_packets * self.packet_size + index_bytes,
            "{self:?}"
        );
        assert!(self.send_duration > 0, "{self:?}");
    }
}

/// Entries of each Simple Index Object; nothing if there is anything else.
fn index_entries(mut bytes: &[u8]) -> Option<Vec<u64>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = (bytes.get(..56)?, bytes.get(56..)?);
        let count = head[52..56].iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte));
        let size = head[16..24].iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte));
        if head[..16] != SIMPLE_INDEX || size != 56 + 6 * count {
            return None;
        }
        bytes = rest.get(usize::try_from(6 * count).ok()?..)?;
        entries.push(count);
    }
    Some(entries)
}
