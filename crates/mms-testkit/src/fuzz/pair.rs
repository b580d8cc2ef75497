//! A client and a server over a network that changes bytes.

use std::collections::VecDeque;

use mms_core::client::Options;
use mms_core::error::Error;
use mms_core::server::{self, Outcome};

use super::Control;
use super::session::content;
use crate::hostile::unpaced;
use crate::pair::{Network, Pair, Turn};

/// Turns that a session of a few packets may take.
const MOST_TURNS: usize = 20_000;
/// Turns after which a damaged session, in which pings may go to and fro for ever, loses its network.
const DAMAGED_TURNS: usize = 2_000;

/// What the network does to bytes under way.
#[derive(Clone, Copy, Debug)]
struct Damage {
    after: usize,
    to_client: bool,
    kind: u8,
    at: usize,
    value: u8,
}

/// Both sides come to an end; without damage everything arrives.
pub fn pair(data: &[u8]) {
    let mut control = Control(data);
    let flags = control.byte();
    let sizes = [1, 3, 16, 100, 1000, usize::MAX];
    let network = Network {
        read: sizes[control.size() % sizes.len()],
        write: sizes[control.size() % sizes.len()],
        window: 64 << (control.size() % 8),
        ..Network::default()
    };
    let config = if flags & 1 == 0 { unpaced() } else { server::Config::default() };
    let mut options = Options::default();
    options.mms.packet_pair = flags & 2 != 0;
    let mut damages = Vec::new();
    while !control.is_empty() && damages.len() < 32 {
        let (after, kind) = (control.size(), control.byte());
        damages.push(Damage {
            after,
            to_client: kind & 1 == 0,
            kind: kind >> 1,
            at: control.size() + 256 * (control.size() % 8),
            value: control.byte(),
        });
    }
    let mut pair = Pair::new(content().clone(), options, config, network);
    let touched = run(&mut pair, &damages);
    check(&pair, touched);
}

fn run(pair: &mut Pair, damages: &[Damage]) -> bool {
    let mut touched = false;
    let mut damages = damages.iter();
    let (mut next, mut quiet) = (damages.next(), 0);
    for _ in 0..MOST_TURNS {
        if let Some(damage) = next.filter(|damage| quiet >= damage.after) {
            touched |= pair.tamper(|to_server, to_client| {
                apply(damage, if damage.to_client { to_client } else { to_server })
            });
            (next, quiet) = (damages.next(), 0);
        }
        if touched && quiet == DAMAGED_TURNS {
            // a message was lost that the client still waits for
            pair.kill_server();
            pair.kill_client();
        }
        if pair.turn() == Turn::Done {
            return touched;
        }
        quiet += 1;
    }
    panic!("the pair does not end");
}

/// Changes bytes and says whether it did.
fn apply(damage: &Damage, bytes: &mut VecDeque<u8>) -> bool {
    if bytes.is_empty() {
        return false;
    }
    let at = damage.at % bytes.len();
    match damage.kind % 5 {
        0 => bytes[at] ^= damage.value | 1,
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, damage.value),
        3 => bytes.truncate(at),
        _ => {
            let end = bytes.len().min(at + usize::from(damage.value) + 1);
            let doubled: Vec<u8> = bytes.range(at..end).copied().collect();
            bytes.extend(doubled);
        }
    }
    true
}

fn check(pair: &Pair, touched: bool) {
    if !touched {
        pair.assert_complete();
    }
    let ours = |error: Option<Error>| error.filter(|e| matches!(e, Error::Bug(_) | Error::ApiMisuse(_)));
    assert_eq!(ours(pair.client.error()), None);
    assert_eq!(ours(pair.server_error()), None);
    assert_ne!(pair.server.report().outcome, Outcome::Open, "both ends are over");
}

#[cfg(test)]
mod tests {
    use super::super::panics;
    use super::*;

    fn with(damages: &[Damage]) -> (Pair, bool) {
        let mut pair = Pair::new(content().clone(), Options::default(), unpaced(), Network::default());
        let touched = run(&mut pair, damages);
        (pair, touched)
    }

    #[test]
    fn a_network_that_changes_media_in_secret_is_caught() {
        let (pair, touched) = with(&[]);
        assert!(!touched);
        check(&pair, false);
        let mut seen = 0;
        for after in 0..30 {
            let last = Damage { after, to_client: true, kind: 0, at: 1999, value: 0x40 };
            let (pair, touched) = with(&[last]);
            check(&pair, touched);
            if touched {
                seen += 1;
                assert!(panics(core::panic::AssertUnwindSafe(|| check(&pair, false))), "after {after}");
            }
        }
        assert!(seen > 0, "bytes were under way");
    }
}
