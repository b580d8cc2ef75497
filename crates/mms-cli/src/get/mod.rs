//! `mms get`.

mod interrupt;
mod output;
mod playlist;
mod progress;
mod recording;
mod summary;
mod tally;

use std::path::Path;
use std::time::Instant;

use mms_core::asf::{HeaderSummary, StreamInfo, StreamKind};
use mms_core::client::{Options, Play, Player, Position, Transport, Until};
use mms_core::selection::{Selection, Thinning};
use mms_std::Client;

use crate::address::{Address, redacted};
use crate::args::GetArgs;
use crate::exit::{Failure, Kind, line};
use crate::serve::io_limits;
use crate::stdout::print_json;
use crate::text::{clock, printable};

pub(crate) use interrupt::{Interrupt, SAME_SIGNAL};
pub(crate) use output::{Output, Target};
use progress::Progress;
use recording::{Next, Recording};
use summary::{Network, Summary};

/// A transport as it is shown.
pub(crate) fn name_of(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "MMS/UDP",
        _ => "MMS/TCP",
    }
}

pub(crate) fn run(args: &GetArgs) -> Result<(), Failure> {
    let path = Path::new(&args.url);
    if path.is_file() {
        return playlist::run(args, path);
    }
    let (summary, result) = attempt(args, &Interrupt::install()?);
    say(&summary, &result, args.quiet);
    if args.json {
        print_json(&summary)?;
    }
    result
}

/// Fetches one stream and tells what came of it.
fn attempt(args: &GetArgs, interrupt: &Interrupt) -> (Summary, Result<(), Failure>) {
    let begun = Instant::now();
    let mut summary = Summary { url: redacted(&args.url), ..Summary::default() };
    let result = fetch(args, interrupt, &mut summary);
    summary.duration_seconds = millis(begun.elapsed().as_secs_f64());
    if let Err(failure) = &result {
        summary.error = Some(failure.message.clone());
        summary.error_kind = Some(failure.kind);
    }
    (summary, result)
}

fn say(summary: &Summary, result: &Result<(), Failure>, quiet: bool) {
    if !quiet && (summary.packets_received > 0 || result.is_ok()) {
        line(&printable(&summary.line()));
    }
}

fn millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn fetch(args: &GetArgs, interrupt: &Interrupt, summary: &mut Summary) -> Result<(), Failure> {
    let address = Address::parse(&args.url)?;
    summary.url = address.shown().to_owned();
    let target = Target::choose(args.output.as_deref(), &address, args.force)?;
    check_stdout(&target, args.json)?;
    let output = Output::open(&target, args.force)?;
    interrupt.guard(output.temporary());

    let mut client = client(&address, args)?;
    interrupt.arm(client.closer());
    let mut recording = Recording::new(output, wishes(args));
    let mut progress = Progress::new(args.quiet);
    let failure = receive(&mut client, &mut recording, &mut progress, &address, args);
    progress.end();

    if recording.header().is_some() {
        let driver = client.driver();
        summary.transport = Some(name_of(driver.transport()));
        summary.network = driver.reception().map(Network::from);
    }
    let failure = if interrupt.is_raised() && !recording.has_ended() {
        Some(Failure::new(Kind::Interrupted, "interrupted"))
    } else {
        failure
    };
    conclude(recording, failure, &target, summary, args.quiet)
}

fn check_stdout(target: &Target, json: bool) -> Result<(), Failure> {
    use std::io::IsTerminal;
    if *target != Target::Stdout {
        return Ok(());
    }
    if json {
        return Err(Failure::new(Kind::Usage, "-o - and --json both want standard output")
            .with_hint("write the stream to a file with -o FILE"));
    }
    if std::io::stdout().is_terminal() {
        return Err(Failure::new(Kind::Usage, "a stream is nothing for a terminal")
            .with_hint("send it to a program: mms get URL -o - | ffplay -"));
    }
    Ok(())
}

/// A client that waits with playing until the header was looked at.
fn client(address: &Address, args: &GetArgs) -> Result<Client, Failure> {
    let mut options = Options::default();
    options.play = None;
    let guid = mms_media::random()
        .map_err(|error| Failure::new(Kind::Local, format!("the system gives no random bytes: {error}")))?;
    options.mms.player = Player::with_guid(guid);
    let client =
        Client::new(address.url(), options).map_err(|error| Failure::of_session(error, address, false))?;
    Ok(match args.io_bytes {
        Some(most) => client.with_io_limits(io_limits(most.get())),
        None => client,
    })
}

/// What is asked for, beyond the whole stream.
fn wishes(args: &GetArgs) -> recording::Wishes {
    recording::Wishes {
        start: args.start.is_some_and(|start| !start.is_zero()),
        end: args.duration.is_some(),
        streams: !args.streams.is_empty() || args.key_frames,
    }
}

fn play(args: &GetArgs, header: &HeaderSummary) -> Result<Play, Failure> {
    let mut selection = if args.streams.is_empty() { Selection::ALL } else { Selection::NONE };
    for number in &args.streams {
        if !header.streams.contains(*number) {
            let name = |stream: StreamInfo| format!("{} ({})", stream.number, stream.kind);
            let streams: Vec<String> = header.streams.iter().map(name).collect();
            return Err(Failure::new(Kind::Usage, format!("there is no stream {number}"))
                .with_hint(format!("the streams are {}", streams.join(", "))));
        }
        selection.set(u16::from(*number), Thinning::Full);
    }
    let videos = header.streams.iter().filter(|stream| stream.kind == StreamKind::Video);
    for number in videos.map(|video| u16::from(video.number)).filter(|_| args.key_frames) {
        if selection.level(number) == Thinning::Full {
            selection.set(number, Thinning::KeyFrames);
        }
    }
    let from = match args.start {
        Some(start) if !start.is_zero() => Position::Time(start),
        _ => Position::Beginning,
    };
    Ok(Play { from, until: args.duration.map(Until::AfterStart), selection, ..Play::default() })
}

/// Receives until all is over; says why it did not end in order.
fn receive(
    client: &mut Client,
    recording: &mut Recording,
    progress: &mut Progress,
    address: &Address,
    args: &GetArgs,
) -> Option<Failure> {
    loop {
        let next = match client.next() {
            Ok(Some(event)) => recording.take(&event),
            Ok(None) if recording.has_ended() => return None,
            Ok(None) => {
                return Some(Failure::new(broken(recording), "the server ended the session too early"));
            }
            // what comes behind the end of the stream does not matter any more
            Err(_) if recording.has_ended() => return None,
            Err(error) => return Some(Failure::of_session(error, address, recording.packets() > 0)),
        };
        let done = match next {
            Ok(Next::GoOn) => Ok(()),
            Ok(Next::Packet) => {
                progress.show(recording.media_bytes(), recording.media_time());
                Ok(())
            }
            Ok(Next::Header) => start(client, recording, progress, address, args),
            Ok(Next::Another) => {
                Failure::warn("the stream goes on with another entry, which is not fetched");
                close(client);
                return None;
            }
            Err(failure) => Err(failure),
        };
        if let Err(failure) = done {
            close(client);
            return Some(failure);
        }
    }
}

fn broken(recording: &Recording) -> Kind {
    if recording.packets() > 0 { Kind::BrokeOff } else { Kind::Connection }
}

/// The header is there: checks it against what is asked for, and plays.
fn start(
    client: &mut Client,
    recording: &mut Recording,
    progress: &mut Progress,
    address: &Address,
    args: &GetArgs,
) -> Result<(), Failure> {
    let Some(header) = recording.header().cloned() else { return Ok(()) };
    let play = play(args, &header)?;
    let properties = &header.file_properties;
    let whole = Some(properties.content_duration()).filter(|duration| !duration.is_zero());
    if let (Some(start), Some(whole)) = (args.start, whole)
        && start >= whole
    {
        return Err(Failure::new(Kind::Usage, format!("nothing plays at {} or behind", clock(start)))
            .with_hint(format!("the stream lasts {}: choose an earlier --start", clock(whole))));
    }
    recording.begin()?;
    let media = whole.map(|whole| {
        let rest = whole.saturating_sub(args.start.unwrap_or_default());
        args.duration.map_or(rest, |duration| rest.min(duration))
    });
    progress.begin(recording.expected_bytes(), media);
    client.driver().play(play).map_err(|error| Failure::of_session(error, address, false))
}

/// Ends the session in order. It always comes to its end: the core has timers.
fn close(client: &mut Client) {
    client.driver().close();
    while let Ok(Some(_)) = client.next() {}
}

/// Keeps what came, under the name that it deserves.
fn conclude(
    mut recording: Recording,
    failure: Option<Failure>,
    target: &Target,
    summary: &mut Summary,
    quiet: bool,
) -> Result<(), Failure> {
    let has_ended = recording.has_ended() && failure.is_none();
    let finished = recording.finish(has_ended);
    summary.bytes = recording.bytes();
    summary.packets_received = recording.packets();
    summary.packets_missing = recording.missing();
    summary.media_seconds = recording.media_time().as_secs_f64();
    if recording.packets() == 0 {
        return Err(failure.unwrap_or_else(|| {
            Failure::new(Kind::BrokeOff, "the stream ended without a packet; nothing is kept")
                .with_hint("is --start behind the end?")
        }));
    }
    finished?;
    let missing = recording.missing();
    let kept = recording.into_output().keep(!has_ended)?;
    if let (Some(path), false, false) = (&kept, has_ended, quiet) {
        line(&printable(&format!("what came is kept as {}", path.display())));
    }
    summary.output = Some(kept.map_or_else(|| target.shown(), |path| path.display().to_string()));
    if let Some(failure) = failure {
        return Err(failure);
    }
    if missing > 0 {
        return Err(Failure::new(Kind::BrokeOff, format!("the server left out {missing} of the packets")));
    }
    summary.complete = true;
    Ok(())
}
