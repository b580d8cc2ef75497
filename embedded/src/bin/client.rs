//! A client alone, against what a server said to another: for the size of its code.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use cortex_m_rt::entry;
use mms_core::client::{Client, Options, Storage};
use mms_core::time::Instant;
use mms_embedded::{Fetch, STORAGE, URL, end};

static FILE: &[u8] = include_bytes!("../../../testdata/made/metadata-utf16.wma");
static SAID: &[u8] = include_bytes!("../../said-by-server.bin");

#[entry]
fn main() -> ! {
    let (mut receive, mut send) = ([0; STORAGE], [0; STORAGE]);
    let storage = Storage { receive: &mut receive[..], send: &mut send[..] };
    let Ok(driver) = Client::new(URL, Options::default(), storage) else { end(false) };
    let mut fetch = Fetch::new(driver, FILE);
    let mut said = SAID;
    for turn in 0..10_000 {
        let read = |space: &mut [u8]| {
            let count = said.len().min(space.len());
            let (now, later) = said.split_at_checked(count)?;
            space.get_mut(..count)?.copy_from_slice(now);
            said = later;
            (count > 0).then_some(count)
        };
        if !fetch.turn(Instant::from_millis(turn), read, <[u8]>::len) {
            break;
        }
    }
    end(fetch.is_good())
}
