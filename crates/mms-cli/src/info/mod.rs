//! `mms info`.

mod explain;
mod header;
mod show;

use std::fs::File;
use std::io;
use std::path::Path;

use mms_core::client::{Event, Options, Player};
use mms_std::Client;

use crate::address::Address;
use crate::args::InfoArgs;
use crate::exit::{Failure, Kind};
use crate::get::TRANSPORT;
use crate::stdout::{print, print_json};
use crate::text::printable;
use explain::Info;
use header::RawHeader;

pub(crate) fn run(args: &InfoArgs) -> Result<(), Failure> {
    let is_url = args.what.contains("://") && !Path::new(&args.what).exists();
    let info = if is_url { of_url(&args.what)? } else { of_file(&args.what)? };
    if args.json { print_json(&info) } else { print(&show::text(&info)) }
}

fn of_file(name: &str) -> Result<Info, Failure> {
    let shown = printable(name);
    let failed = |error: io::Error| {
        let failure = Failure::new(Kind::Local, format!("{shown} cannot be read: {error}"));
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.with_hint("name a file that exists, or a URL: mmst://HOST/NAME")
            }
            io::ErrorKind::IsADirectory => failure.with_hint("name a file in the folder"),
            _ => failure,
        }
    };
    let file = File::open(name).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let len = metadata.is_file().then_some(metadata.len());
    let raw = RawHeader::read(file).map_err(failed)?;
    Info::new(shown.clone(), &raw, len)
        .map_err(|error| Failure::new(Kind::Local, format!("{shown}: {error}")))
}

/// Fetches the header of a stream and nothing else.
fn of_url(url: &str) -> Result<Info, Failure> {
    let address = Address::parse(url)?;
    let mut options = Options::default();
    options.play = None;
    let guid = mms_media::random()
        .map_err(|error| Failure::new(Kind::Local, format!("the system gives no random bytes: {error}")))?;
    options.mms.player = Player::with_guid(guid);
    let failed = |error| Failure::of_session(error, &address, false);
    let mut client = Client::new(address.url(), options).map_err(failed)?;
    let mut bytes = Vec::new();
    let mut is_complete = false;
    while !is_complete {
        match client.next().map_err(failed)? {
            Some(Event::HeaderPart { bytes: part, last, .. }) => {
                bytes.extend_from_slice(part);
                is_complete = last;
            }
            Some(_) => {}
            None => {
                return Err(Failure::new(Kind::Connection, "the server ended the session before the header"));
            }
        }
    }
    client.driver().close();
    // what is said while closing changes nothing
    while let Ok(Some(_)) = client.next() {}
    let raw = RawHeader::whole(bytes);
    let mut info = Info::new(address.shown().to_owned(), &raw, None)
        .map_err(|error| Failure::new(Kind::Protocol, format!("{}: {error}", address.shown())))?;
    info.transport = Some(TRANSPORT);
    Ok(info)
}
