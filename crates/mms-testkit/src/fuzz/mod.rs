//! Bodies of the fuzz targets, so that `cargo test` can run them over the corpora.
//!
//! Each takes bytes and panics if something that must hold does not. Each oracle has a test with a planted bug.

mod asf;
mod asf_media;
mod http;
mod http_client;
mod metafile;
mod pair;
mod session;
mod udp;
mod url;
mod wire;

pub use asf::{asf_header, asf_packet};
pub use asf_media::{asf_index, asf_reassembly, asf_repair, asf_thinning};
pub use http::{http_frame, http_head, http_pragma, http_server};
pub use http_client::http_client;
pub use metafile::metafile;
pub use pair::pair;
pub use session::{session_client, session_server};
pub use udp::{udp_header, udp_receiver, udp_ring};
pub use url::url;
pub use wire::{decode_data, decode_message, deframer_split, roundtrip_message};

/// A target's body.
pub type Body = fn(&[u8]);

/// The targets by name: that of the file in `fuzz/fuzz_targets` and of the folder in `fuzz/corpus`.
pub const TARGETS: &[(&str, Body)] = &[
    ("asf_header", asf_header),
    ("asf_index", asf_index),
    ("asf_packet", asf_packet),
    ("asf_reassembly", asf_reassembly),
    ("asf_repair", asf_repair),
    ("asf_thinning", asf_thinning),
    ("decode_data", decode_data),
    ("decode_message", decode_message),
    ("deframer_split", deframer_split),
    ("http_client", http_client),
    ("http_frame", http_frame),
    ("http_head", http_head),
    ("http_pragma", http_pragma),
    ("http_server", http_server),
    ("metafile", metafile),
    ("pair", pair),
    ("roundtrip_message", roundtrip_message),
    ("session_client", session_client),
    ("session_server", session_server),
    ("udp_header", udp_header),
    ("udp_receiver", udp_receiver),
    ("udp_ring", udp_ring),
    ("url", url),
];

/// Takes bytes from the front of the input; zeros when there are none.
#[derive(Debug)]
struct Control<'a>(&'a [u8]);

impl<'a> Control<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn size(&mut self) -> usize {
        usize::from(self.byte())
    }

    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether the work panics, for tests of oracles.
#[cfg(test)]
fn panics(work: impl FnOnce() + core::panic::UnwindSafe) -> bool {
    std::panic::catch_unwind(work).is_err()
}
