//! `mms repair` and `mms remux`: a file is read, and a better one takes its place at once or not at all.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use mms_core::asf::Guid;
use mms_media::{RemuxOptions, Repaired, RewriteError, remux_to, repair_to};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::args::{RemuxArgs, RepairArgs, RewriteArgs};
use crate::exit::{Failure, Kind, line};
use crate::get::{Interrupt, Output, Target};
use crate::stdout::print_json;
use crate::text::{clock, count, printable};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Done {
    input: String,
    output: String,
    bytes: u64,
    packets: u64,
    /// Packets that no reader can decode; they were kept.
    packets_unreadable: u64,
    /// Simple Index Objects that were made.
    indexes: usize,
    duration_seconds: f64,
    /// Whether times were moved to the beginning.
    times_moved: bool,
}

pub(crate) fn repair(args: &RepairArgs) -> Result<(), Failure> {
    // in its own place there is nothing to protect
    let is_in_place = args.output.as_ref().is_none_or(|output| output == &args.file);
    let output = args.output.as_deref().unwrap_or(&args.file);
    rewrite(&args.file, output, is_in_place, &args.how, repair_to)
}

pub(crate) fn remux(args: &RemuxArgs) -> Result<(), Failure> {
    let mut options = RemuxOptions::default();
    options.streams = args.streams.iter().copied().collect();
    options.start = args.start.unwrap_or_default();
    options.duration = args.duration;
    options.packet_size = args.packet_size;
    rewrite(&args.input, &args.output, false, &args.how, |source, out, id| {
        remux_to(source, out, &options, id)
    })
}

type Out = BufWriter<NamedTempFile>;

fn rewrite(
    input: &Path,
    output: &Path,
    is_in_place: bool,
    how: &RewriteArgs,
    make: impl FnOnce(&File, &mut Out, Guid) -> Result<Repaired, RewriteError>,
) -> Result<(), Failure> {
    let shown = printable(&input.display().to_string());
    let cannot_read = |error| {
        Failure::new(Kind::Local, format!("{shown} cannot be read: {error}"))
            .with_hint("name a file that exists")
    };
    let source = File::open(input).map_err(cannot_read)?;
    let permissions = source.metadata().map_err(cannot_read)?.permissions();
    let force = how.force || is_in_place;
    let mut kept = Output::open(&place(output, force)?, force)?;
    let interrupt = Interrupt::install()?;
    interrupt.guard(kept.temporary());
    let Output::File { file, .. } = &mut kept else { return Err(no_way_back()) };
    if is_in_place {
        fs::set_permissions(file.get_ref().path(), permissions)
            .map_err(|error| Failure::writing(&shown, &error))?;
    }
    let done = make(&source, file, file_id()?).map_err(|error| failure(&shown, &error))?;
    let output = kept.keep(false)?.unwrap_or_default();
    tell(input, output, &done, how)
}

fn no_way_back() -> Failure {
    Failure::new(Kind::Usage, "the output must be a file: its header is written last")
}

fn place(path: &Path, force: bool) -> Result<Target, Failure> {
    if path == Path::new("-") {
        return Err(no_way_back());
    }
    match Target::of_path(path.to_owned(), force)? {
        target @ Target::File(_) => Ok(target),
        _ => Err(no_way_back()),
    }
}

/// A File ID of its own: version 4, variant 1.
fn file_id() -> Result<Guid, Failure> {
    let mut bytes = mms_media::random()
        .map_err(|error| Failure::new(Kind::Local, format!("the system gives no random bytes: {error}")))?;
    bytes[7] = (bytes[7] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Ok(Guid(bytes))
}

fn failure(shown: &str, error: &RewriteError) -> Failure {
    match error {
        RewriteError::Output(error) => Failure::writing("the output", error),
        RewriteError::PacketSize(_) => Failure::new(Kind::Usage, format!("{shown}: {error}"))
            .with_hint("larger packets take them: try another --packet-size, or leave it out"),
        RewriteError::Nothing => Failure::new(Kind::Usage, format!("nothing is left of {shown}"))
            .with_hint("`mms info` shows its streams and its duration"),
        RewriteError::StartBehindEnd { .. } => {
            Failure::new(Kind::Usage, format!("{shown}: {error}")).with_hint("choose an earlier --start")
        }
        error => Failure::new(Kind::Local, format!("{shown}: {error}")),
    }
}

fn tell(input: &Path, output: PathBuf, done: &Repaired, how: &RewriteArgs) -> Result<(), Failure> {
    let output = output.display().to_string();
    if !how.quiet {
        let mut text = format!(
            "{output}: {}, {}, {} of media, {}",
            count(done.packets, "packet"),
            count(done.len, "byte"),
            clock(done.duration),
            match done.indexes {
                0 => "no index".to_owned(),
                1 => "1 index".to_owned(),
                indexes => format!("{indexes} indexes"),
            },
        );
        if done.unreadable > 0 {
            text.push_str(&format!("; {} kept that cannot be read", count(done.unreadable, "packet")));
        }
        line(&printable(&text));
    }
    if !how.json {
        return Ok(());
    }
    print_json(&Done {
        input: input.display().to_string(),
        output,
        bytes: done.len,
        packets: done.packets,
        packets_unreadable: done.unreadable,
        indexes: done.indexes,
        duration_seconds: done.duration.as_secs_f64(),
        times_moved: done.moved,
    })
}
