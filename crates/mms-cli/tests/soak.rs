//! Clients that come over MMS/TCP and HTTP, seek, pause, break off and return at random, for a while: every film that was fetched is equal,
//! the server's memory and descriptors are flat at the end, and its log holds nothing that is not explained.
//!
//! CI runs it for some seconds; `benches/soak.sh` for ten minutes (`MMS_SOAK_SECONDS`, `MMS_SOAK_SEED`).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "other tests use the rest")]
mod many;
#[allow(dead_code, reason = "the interoperability tests use the rest")]
mod support;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use many::{Film, Process, fetch, runtime, setting};
use mms_core::client::{Event, Options, Play, Position};
use mms_testkit::scripted;
use mms_tokio::Client;
use support::process::Scratch;
use support::server::{Server, field};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Clients at a time.
const CLIENTS: u64 = 24;
/// Packets of 25 ms: 40 s, which the pace makes 2 s.
const PACKETS: u32 = 1600;
const PACE: &str = "20";
const NAME: &str = "content.wmv";
/// No act takes longer than this on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const MIB: u64 = 1 << 20;
/// What a client says about a name that is not there, over MMS and over HTTP.
const NOT_FOUND: [&str; 3] = ["0xC00D001A", "NS_E_FILE_NOT_FOUND", "404"];

/// What a client does in one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Whole,
    Seek,
    Pause,
    Return,
    BreakOff,
    Vanish,
    Hush,
    Stammer,
    Miss,
}

const ACTS: [Act; 9] = [
    Act::Whole,
    Act::Seek,
    Act::Pause,
    Act::Return,
    Act::BreakOff,
    Act::Vanish,
    Act::Hush,
    Act::Stammer,
    Act::Miss,
];

/// How a client comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Mms,
    Http,
}

impl Way {
    fn url(self, address: SocketAddr, name: &str) -> String {
        let scheme = match self {
            Self::Mms => "mmst",
            Self::Http => "mmsh",
        };
        format!("{scheme}://{address}/{name}")
    }

    /// A request for everything.
    fn plays(self) -> Vec<u8> {
        match self {
            Self::Mms => scripted::client_plays().concat(),
            Self::Http => format!(
                "GET /{NAME} HTTP/1.0\r\nUser-Agent: NSPlayer/7.1.0.3055\r\nPragma: xPlayStrm=1\r\n\r\n"
            )
            .into_bytes(),
        }
    }
}

type Done = BTreeMap<(Way, Act), u64>;

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 16) % u64::from(below)).unwrap()
    }

    async fn wait(&mut self, below_ms: u32) {
        sleep(Duration::from_millis(self.roll(below_ms).into())).await;
    }
}

#[test]
fn a_server_stays_as_it_was_while_clients_come_and_go_at_random() {
    let seconds = setting("MMS_SOAK_SECONDS", 15);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = setting("MMS_SOAK_SEED", clock);
    tell(&format!("{seconds} s, MMS_SOAK_SEED={seed}"));
    let scratch = Scratch::new("soak");
    let film = Film::make(&scratch, NAME, PACKETS);
    let life = Duration::from_secs(seconds) + 3 * PATIENCE;
    let mut server = Server::start_for(life, &["--pace", PACE], core::slice::from_ref(&film.path));
    let process = Process::of(&mut server);
    let address = SocketAddr::from(([127, 0, 0, 1], server.port()));
    let descriptors = process.descriptors();

    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let (done, memory) = runtime().block_on(async {
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let dice = Dice((seed ^ number << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            clients.spawn(client(dice, address, film.clone(), end));
        }
        let mut memory = Vec::new();
        while Instant::now() < end {
            sleep(Duration::from_millis(500)).await;
            memory.push(process.anonymous());
        }
        let mut done = Done::new();
        while let Some(acts) = clients.join_next().await {
            acts.unwrap().into_iter().for_each(|act| *done.entry(act).or_default() += 1);
        }
        (done, memory)
    });
    let acts: u64 = done.values().sum();
    tell(&format!("{acts} acts: {done:?}"));
    let each = [Way::Mms, Way::Http].iter().flat_map(|way| ACTS.map(|act| (*way, act)));
    assert!(each.into_iter().all(|what| done.contains_key(&what)), "each act came each way");
    assert_flat(&memory);
    assert_closed(process, descriptors);
    assert_explained(&server.logs(), &done);
}

/// One after the other, until the time is over; what was done.
async fn client(mut dice: Dice, address: SocketAddr, film: Film, end: Instant) -> Vec<(Way, Act)> {
    let mut done = Vec::new();
    while Instant::now() < end {
        let act = ACTS[dice.roll(u32::try_from(ACTS.len()).unwrap()) as usize];
        let way = if dice.roll(2) == 0 { Way::Mms } else { Way::Http };
        let result = timeout(PATIENCE, perform((way, act), &mut dice, address, &film)).await;
        match result {
            Ok(Ok(())) => done.push((way, act)),
            Ok(Err(error)) => panic!("{way:?} {act:?}: {error}"),
            Err(_) => panic!("{way:?} {act:?} takes too long"),
        }
        dice.wait(200).await;
    }
    done
}

async fn perform(
    (way, act): (Way, Act),
    dice: &mut Dice,
    address: SocketAddr,
    film: &Film,
) -> Result<(), String> {
    let url = way.url(address, NAME);
    match act {
        Act::Whole => fetch(&url, film).await,
        Act::Seek | Act::Pause | Act::Return | Act::BreakOff => restless(act, dice, &url, film).await,
        Act::Miss => match fetch(&way.url(address, "missing.wmv"), film).await {
            Err(error) if NOT_FOUND.iter().any(|word| error.contains(word)) => Ok(()),
            other => Err(format!("{other:?}")),
        },
        Act::Vanish | Act::Hush | Act::Stammer => rude(way, act, dice, address).await,
    }
}

/// Clients that say less than they should, or do not listen.
async fn rude(way: Way, act: Act, dice: &mut Dice, address: SocketAddr) -> Result<(), String> {
    let mut stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let all = way.plays();
    let said = match act {
        // plays, reads nothing and is gone
        Act::Vanish => all.len(),
        // gone in the middle of a request
        Act::Stammer => 1 + dice.roll(u32::try_from(all.len() - 1).unwrap()) as usize,
        _ => 0,
    };
    // the server may have closed before
    let _ = stream.write_all(&all[..said]).await;
    dice.wait(600).await;
    Ok(())
}

/// A client that compares every packet and changes its mind on the way.
async fn restless(act: Act, dice: &mut Dice, url: &str, film: &Film) -> Result<(), String> {
    let mut client = Client::new(url, Options::default()).map_err(|error| error.to_string())?;
    // packets until the next change, and changes that are left
    let mut until = 1 + dice.roll(PACKETS / 2);
    let mut changes = 1 + dice.roll(3);
    let mut next = Some(0);
    // what was asked for and has not started yet
    let mut wanted = None;
    loop {
        let event = client.next().await.map_err(|error| format!("{error} at {next:?}"))?;
        match event {
            Some(Event::Packet { location_id, bytes, .. }) => {
                if next.is_some_and(|next| next != location_id) || !film.has_packet(location_id, bytes) {
                    return Err(format!(
                        "packet {location_id} came, or differs, where {next:?} was expected"
                    ));
                }
                next = Some(location_id + 1);
            }
            Some(Event::Started) => {
                next = wanted.take().or(next);
                continue;
            }
            Some(Event::Stopped) if wanted.is_none() => {
                dice.wait(400).await;
                match act {
                    Act::Pause => client.driver().resume(),
                    _ => {
                        wanted = Some(0);
                        client.driver().play(Play::default())
                    }
                }
                .map_err(|error| error.to_string())?;
                continue;
            }
            Some(_) => continue,
            None => break,
        }
        until -= 1;
        if until > 0 || changes == 0 || wanted.is_some() || next == Some(PACKETS) {
            until = until.max(1);
            continue;
        }
        until = 1 + dice.roll(PACKETS / 4);
        changes -= 1;
        match act {
            Act::BreakOff => return Ok(()),
            Act::Seek => {
                let packet = dice.roll(PACKETS);
                client.driver().seek(Position::Packet(packet)).map_err(|error| error.to_string())?;
                wanted = Some(packet);
            }
            Act::Pause => client.driver().pause().map_err(|error| error.to_string())?,
            _ => client.driver().stop().map_err(|error| error.to_string())?,
        }
    }
    if next == Some(film.packets()) { Ok(()) } else { Err(format!("the end came at {next:?}")) }
}

/// The last quarter needs no more memory than the second.
fn assert_flat(memory: &[u64]) {
    let quarter = memory.len() / 4;
    let most = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    let (early, late) = (most(&memory[quarter..2 * quarter]), most(&memory[3 * quarter..]));
    let mib = |bytes: u64| bytes as f64 / MIB as f64;
    tell(&format!("memory: {:.1} MiB in the second quarter, {:.1} MiB in the last", mib(early), mib(late)));
    assert!(late <= early + early / 4 + 2 * MIB, "{memory:?}");
}

/// All connections are closed again.
fn assert_closed(process: Process, before: usize) {
    let patience = Instant::now() + PATIENCE;
    while process.descriptors() > before {
        let now = process.descriptors();
        assert!(Instant::now() < patience, "{now} descriptors, {before} before");
        std::thread::sleep(Duration::from_millis(200));
    }
    tell(&format!("descriptors: {before} before, {} at the end", process.descriptors()));
}

/// Each line of the log is one connection that ended in a way that what was done explains.
fn assert_explained(log: &str, done: &Done) {
    let mut connections: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for line in log.lines() {
        let (Some(transport), Some(outcome)) = (field(line, "transport"), field(line, "outcome")) else {
            continue;
        };
        *outcomes.entry(outcome.clone()).or_default() += 1;
        *connections.entry(transport).or_default().entry(outcome).or_default() += 1;
    }
    let over = |transport: &str| connections.get(transport).map_or(0, |ends| ends.values().sum::<u64>());
    let (mms, http, none) = (over("MMS/TCP"), over("HTTP"), over("none"));
    tell(&format!("{} connections: MMS/TCP {mms}, HTTP {http}, nothing said {none}", mms + http + none));
    tell(&format!("outcomes: {connections:?}"));
    for (way, transport) in [(Way::Mms, "MMS/TCP"), (Way::Http, "HTTP")] {
        let count = |acts: &[Act]| acts.iter().filter_map(|act| done.get(&(way, *act))).sum::<u64>();
        let of =
            |outcome| connections.get(transport).and_then(|ends| ends.get(outcome)).copied().unwrap_or(0);
        let completed = count(&[Act::Whole, Act::Seek, Act::Pause, Act::Return]);
        assert!(of("completed") >= completed, "{completed} were completed over {transport}\n{connections:?}");
        assert_eq!(of("refused"), count(&[Act::Miss]), "{transport}");
    }
    // an act over MMS is one connection; over HTTP it is one or more, and those that say little may be taken for silent ones
    let is_rude = |act: &Act| matches!(act, Act::Vanish | Act::Hush | Act::Stammer);
    let acts = |of: Way, rude: bool| {
        let acts = done.iter().filter(|((way, act), _)| *way == of && is_rude(act) == rude);
        acts.map(|(_, count)| count).sum::<u64>()
    };
    let of_mms = acts(Way::Mms, false) + acts(Way::Mms, true);
    let explained = of_mms..=of_mms + acts(Way::Http, true);
    assert!(explained.contains(&(mms + none)), "{mms} and {none} where {explained:?} were made");
    assert!(http >= acts(Way::Http, false), "one line or more for each");
    let explained = ["completed", "stopped", "closed", "refused", "connection failed"];
    let strange: Vec<_> = outcomes.keys().filter(|outcome| !explained.contains(&outcome.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?}");
    // URLs go to standard output; the log is what follows it
    let (_, log) = log.split_once("standard error:\n").expect("both are there");
    let other: Vec<_> = log.lines().filter(|line| !is_expected(line)).collect();
    assert!(other.is_empty(), "{other:#?}");
}

/// The line of a connection, whose outcome is looked at above, and that of the start.
fn is_expected(line: &str) -> bool {
    (line.contains(" INFO ") && line.contains("outcome=")) || line.contains("serving 1 file on ")
}

/// Past the test harness, which swallows the output of tests that pass.
fn tell(line: &str) {
    drop(std::io::stderr().write_all(format!("{line}\n").as_bytes()));
}
