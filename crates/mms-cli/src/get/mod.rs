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
use mms_core::client::{Event, Outcome, Play, Position, Transport, Transports, Until};
use mms_core::selection::{Selection, Thinning};
use mms_core::url::Scheme;
use mms_std::Client;

use crate::address::{Address, redacted};
use crate::args::GetArgs;
use crate::client;
use crate::exit::{Failure, Kind, line, reason};
use crate::metafile::Document;
use crate::serve::io_limits;
use crate::stdout::print_json;
use crate::text::{clock, count, printable};

pub(crate) use interrupt::{Interrupt, SAME_SIGNAL};
pub(crate) use output::{Output, Target};
use playlist::Source;
use progress::Progress;
use recording::{Next, Recording};
use summary::{Network, Summary};

pub(crate) fn run(args: &GetArgs) -> Result<(), Failure> {
    let path = Path::new(&args.url);
    if path.is_file() {
        return playlist::run(args, &Interrupt::install()?, Source::File(path));
    }
    let is_mms = Address::parse(&args.url)?.scheme() == Scheme::Mms;
    if !args.transport.is_empty() && !is_mms {
        return Err(Failure::new(
            Kind::Usage,
            "--transport is for mms:// only: other schemes are one transport",
        )
        .with_hint("give the same URL with mms://"));
    }
    let interrupt = Interrupt::install()?;
    let (summary, result) = attempt(args, &interrupt);
    let result = match result {
        Ok(Some(found)) => return playlist::run(args, &interrupt, Source::Found(found)),
        Ok(None) => Ok(()),
        Err(failure) => Err(failure),
    };
    say(&summary, &result, args.quiet);
    if args.json {
        print_json(&summary)?;
    }
    result
}

/// A metafile that came instead of media.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// After all redirects.
    url: String,
    document: Document,
}

/// Fetches one stream and tells what came of it.
fn attempt(args: &GetArgs, interrupt: &Interrupt) -> (Summary, Result<Option<Found>, Failure>) {
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
    // who closed the output does not want to hear of it
    let closed = matches!(result, Err(failure) if failure.kind == Kind::OutputClosed);
    if !quiet && !closed && (summary.packets_received > 0 || result.is_ok()) {
        line(&printable(&summary.line()));
    }
}

fn millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn fetch(args: &GetArgs, interrupt: &Interrupt, summary: &mut Summary) -> Result<Option<Found>, Failure> {
    let address = Address::parse(&args.url)?;
    summary.url = address.shown().to_owned();
    // a metafile gives its name to no file; whether it is one shows later
    let may_exist = args.force || args.output.is_none() && address.names_metafile();
    let target = Target::choose(args.output.as_deref(), &address, may_exist)?;
    check_stdout(&target, args.json)?;
    let output = Output::open(&target, args.force)?;
    interrupt.guard(output.temporary());

    let mut client = client(&address, args)?;
    interrupt.arm(client.closer());
    let mut recording = Recording::new(output, wishes(args));
    let mut progress = Progress::new(args.quiet);
    let received = receive(&mut client, &mut recording, &mut progress, &address, args);
    progress.end();

    let driver = client.driver();
    let opened = recording.header().is_some() || matches!(received, Received::Metafile(_));
    summary.attempts = client::attempts(driver, opened);
    if opened {
        summary.transport = Some(driver.transport().to_string());
        summary.plain_file = recording.is_file();
        summary.network = match driver.transport() {
            Transport::Http => Some(Network::reliable(driver.statistics().packets_received)),
            _ => driver.reception().map(Network::from),
        };
    } else if !args.quiet && summary.attempts.len() > 1 {
        tell_last_attempt(driver);
    }
    let failure = match received {
        _ if interrupt.is_raised() && !recording.has_ended() => {
            Some(Failure::new(Kind::Interrupted, "interrupted"))
        }
        Received::Metafile(document) => {
            return Ok(Some(Found { url: driver.url().as_str().to_owned(), document }));
        }
        Received::Stream => None,
        Received::Failed(failure) => Some(failure),
    };
    conclude(recording, failure, &target, summary, args.quiet).map(|()| None)
}

/// What receiving came to.
#[derive(Debug)]
enum Received {
    /// The stream ended in order.
    Stream,
    Metafile(Document),
    Failed(Failure),
}

/// Those before were told when the next one was tried.
fn tell_last_attempt(driver: &mut mms_core::client::Client<Vec<u8>>) {
    let last = driver.attempts().filter_map(|attempt| match attempt.outcome {
        Outcome::Failed(error) => Some((attempt.transport, error)),
        _ => None,
    });
    if let Some((transport, error)) = last.last() {
        line(&printable(&format!("{transport}: {error}")));
    }
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

fn client(address: &Address, args: &GetArgs) -> Result<Client, Failure> {
    let transports =
        if args.transport.is_empty() { Transports::DEFAULT } else { Transports::new(&args.transport) };
    let options = client::options(address, transports)?;
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

/// Receives until all is over.
fn receive(
    client: &mut Client,
    recording: &mut Recording,
    progress: &mut Progress,
    address: &Address,
    args: &GetArgs,
) -> Received {
    let mut text = client::Text::default();
    loop {
        // a player behind a pipe gets at once what is there
        if client.would_wait()
            && let Err(failure) = recording.hand_on()
        {
            close(client);
            return Received::Failed(failure);
        }
        let next = match client.next() {
            Ok(Some(Event::RolledOver { from, error, to })) => {
                if !args.quiet {
                    let reason = reason(error, client.system_error());
                    progress.say(&printable(&format!("{from}: {error}{reason}; trying {to}")));
                }
                recording.forget();
                continue;
            }
            Ok(Some(Event::FellBack { from, error, to })) => {
                if !args.quiet {
                    progress.say(&format!("{from}: {error}; trying {to}"));
                }
                continue;
            }
            Ok(Some(Event::TextPart { bytes, last, .. })) => match text.take(bytes, last) {
                Ok(Some(document)) => return Received::Metafile(document),
                Ok(None) => continue,
                Err(failure) => Err(failure),
            },
            Ok(Some(event)) => recording.take(&event),
            Ok(None) if recording.has_ended() => return Received::Stream,
            Ok(None) => {
                return Received::Failed(Failure::new(
                    broken(recording),
                    "the server ended the session too early",
                ));
            }
            // what comes behind the end of the stream does not matter any more
            Err(_) if recording.has_ended() => return Received::Stream,
            Err(error) => {
                return Received::Failed(client::failure(client, error, address, recording.packets() > 0));
            }
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
                return Received::Stream;
            }
            Err(failure) => Err(failure),
        };
        if let Err(failure) = done {
            close(client);
            return Received::Failed(failure);
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
    if recording.is_file() && (!args.streams.is_empty() || args.key_frames) {
        return Err(Failure::new(
            Kind::Refused,
            "the server has a plain file, which comes with all its streams",
        )
        .with_hint("leave --streams and --key-frames out"));
    }
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
    if recording.is_file() && recording.lacks() > 0 {
        Failure::warn(&format!(
            "the file has {} fewer than its header says; `mms repair` makes that true",
            count(recording.lacks(), "packet")
        ));
    }
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
