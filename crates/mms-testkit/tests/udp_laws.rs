//! The fuzz bodies of media over UDP, over bytes of proptest's.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use mms_testkit::fuzz::{udp_header, udp_receiver, udp_ring};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_receiver_hands_out_what_was_sent_in_order_and_once(
        mut data in vec(any::<u8>(), 0..600),
        settings in 0..8_u8,
    ) {
        data.insert(0, settings & !1);
        udp_receiver(&data);
    }

    #[test]
    fn a_receiver_survives_whatever_others_send(mut data in vec(any::<u8>(), 0..2000), settings in 0..8_u8) {
        data.insert(0, settings | 1);
        udp_receiver(&data);
    }

    #[test]
    fn a_header_comes_out_whole_or_not_at_all(data in vec(any::<u8>(), 0..400)) {
        udp_header(&data);
    }

    #[test]
    fn a_ring_sends_again_only_what_was_sent_and_not_too_much(data in vec(any::<u8>(), 0..600)) {
        udp_ring(&data);
    }
}
