//! A session as lines of text, without times and without what depends on how the bytes were cut.

use std::path::PathBuf;

use mms_core::client::Event;

use crate::pair::Seen;

/// Collects lines.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) lines: Vec<String>,
    header: Vec<u8>,
    /// media comes on a way of its own
    datagrams: bool,
}

impl Trace {
    pub(super) fn new(datagrams: bool) -> Self {
        Self { datagrams, ..Self::default() }
    }

    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::HeaderPart { bytes, last, .. } => {
                self.header.extend_from_slice(bytes);
                if *last {
                    let header = core::mem::take(&mut self.header);
                    self.lines.push(format!("Header {} {:016x}", header.len(), hash(&header)));
                }
            }
            Event::Packet { location_id, bytes, .. } => {
                self.lines.push(format!("Packet {location_id} {} {:016x}", bytes.len(), hash(bytes)));
            }
            Event::Bandwidth { .. } => self.lines.push("Bandwidth".to_owned()),
            Event::Started if self.datagrams => {
                // datagrams may overtake the reply on the control connection, so it has no place among them
                let packets = self.lines.iter().rev().take_while(|line| line.starts_with("Packet "));
                self.lines.insert(self.lines.len() - packets.count(), "Started".to_owned());
            }
            other => self.lines.push(format!("{other:?}")),
        }
    }

    /// The same of what a pair in memory saw.
    pub(super) fn seen(&mut self, seen: &Seen) {
        let mut words = seen.what.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("HeaderPart"), _, last) => {
                let last = last == Some("true");
                self.event(&Event::HeaderPart { offset: 0, bytes: &seen.bytes, last });
            }
            (Some("Packet"), Some(number), _) => {
                let location_id = number.parse().unwrap();
                self.event(&Event::Packet { location_id, af_flags: 0, bytes: &seen.bytes });
            }
            (Some("Bandwidth"), ..) => self.lines.push("Bandwidth".to_owned()),
            (Some("Started"), ..) => self.event(&Event::Started),
            _ => self.lines.push(seen.what.clone()),
        }
    }

    /// Writes the lines to a file, if the variable `MMS_TRACES` names a folder.
    pub(super) fn keep(&self, adapter: &str, transport: &str, name: &str) {
        let Some(folder) = std::env::var_os("MMS_TRACES") else { return };
        let folder = PathBuf::from(folder).join(adapter).join(transport);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.txt")), self.lines.join("\n") + "\n").unwrap();
    }
}

/// FNV-1a: short, and the same everywhere.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}
