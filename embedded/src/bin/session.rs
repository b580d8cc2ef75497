//! A client and a server that talk through arrays.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::net::SocketAddr;

use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use mms_core::asf::{HeaderLimits, HeaderWalker, packet_count};
use mms_core::client::{Client, Options, Storage};
use mms_core::hresult::Hresult;
use mms_core::server::{self, Accepted, Ask, Config, Connection, Opened};
use mms_core::time::Instant;
use mms_embedded::{Fetch, STORAGE, URL, Wire, end};

static FILE: &[u8] = include_bytes!("../../../testdata/made/audio-wmav1.wma");

type Server<'a> = Connection<&'a mut [u8], &'static [u8], 8>;

#[entry]
fn main() -> ! {
    let (mut receive, mut send) = ([0; STORAGE], [0; STORAGE]);
    let storage = Storage { receive: &mut receive[..], send: &mut send[..] };
    let Ok(driver) = Client::new(URL, Options::default(), storage) else { end(false) };
    let mut client = Fetch::new(driver, FILE);

    let (mut receive, mut send) = ([0; STORAGE], [0; STORAGE]);
    let storage = server::Storage { receive: &mut receive[..], send: &mut send[..] };
    let accepted = Accepted { peer: SocketAddr::from(([192, 0, 2, 2], 40_000)), random: [7; 16] };
    let Ok(mut server) = Server::new(Config::default(), storage, accepted, Instant::ZERO) else { end(false) };
    let Some(opened) = opened() else { end(false) };

    let (mut requests, mut replies) = (Wire::new(), Wire::new());
    let (mut serves, mut turns) = (true, 0);
    while turns < 100_000 {
        turns += 1;
        let now = Instant::from_millis(turns);
        if serves {
            serves = serve(&mut server, opened, now, &mut requests, &mut replies);
        }
        let read = |space: &mut [u8]| {
            let count = replies.take(space);
            (count > 0 || serves).then_some(count)
        };
        if !client.turn(now, read, |bytes| requests.put(bytes)) {
            break;
        }
    }
    hprintln!("received {} bytes, {} packets", client.received, server.report().packets);
    hprintln!("turns {}", turns);
    hprintln!("client-state {}", size_of::<Client<&mut [u8]>>());
    hprintln!("server-state {}", size_of::<Server<'_>>());
    end(client.is_good())
}

/// `false` when the connection is over.
fn serve(
    server: &mut Server<'_>,
    opened: Opened,
    now: Instant,
    requests: &mut Wire,
    replies: &mut Wire,
) -> bool {
    match server.step(now) {
        server::Step::Event => {}
        server::Step::Storage { .. } => server.no_progress(),
        server::Step::Wait { read, write, .. } => {
            answer(server, opened, now);
            if read {
                let count = requests.take(server.space());
                server.filled(count);
            }
            if write {
                let mut slices = [&[][..]; 4];
                let used = server.pending(&mut slices);
                let count = slices.iter().take(used).map_while(|slice| whole(replies, slice)).sum();
                server.written(now, count);
            }
        }
        server::Step::Done => return false,
    }
    true
}

/// Puts a slice that fits, so that nothing is sent out of order.
fn whole(wire: &mut Wire, slice: &[u8]) -> Option<usize> {
    let count = wire.put(slice);
    (count > 0).then_some(count)
}

fn answer(server: &mut Server<'_>, opened: Opened, now: Instant) {
    let Some(wish) = server.next_wish() else { return };
    let (ticket, ask) = (wish.ticket, wish.ask);
    let header_len = opened.header_len as usize;
    match ask {
        Ask::Open { .. } => server.opened(ticket, opened),
        Ask::Header { offset, .. } => {
            server.header(ticket, FILE.get(offset as usize..header_len).unwrap_or_default())
        }
        Ask::Packets { from, .. } => {
            let start = header_len + from as usize * opened.packet_size as usize;
            server.packets(ticket, from, FILE.get(start..).unwrap_or_default())
        }
        _ => server.failed(now, ticket, Hresult::E_INVALIDARG),
    };
}

fn opened() -> Option<Opened> {
    let mut walker = HeaderWalker::new(HeaderLimits::default());
    walker.feed(FILE).ok()?;
    let header = walker.summary()?;
    Some(Opened {
        header_len: u32::try_from(header.header_len).ok()?,
        packet_size: header.packet_size(),
        packet_count: u32::try_from(packet_count(FILE.len() as u64, header)).ok(),
        duration: Some(header.file_properties.content_duration()),
        bit_rate: header.bit_rate,
        seekable: false,
        stridable: false,
        file_len: u64::try_from(FILE.len()).ok(),
        streams: header.streams.bits(),
    })
}
