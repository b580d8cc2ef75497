//! `mms info`.

mod behind;
mod explain;
mod header;
mod metafile;
mod objects;
mod packets;
mod show;
mod tags;

use std::fs::File;
use std::io;
use std::path::Path;

use mms_core::asf::Header;
use mms_core::client::{Event, Options, Player};
use mms_std::Client;

use crate::address::Address;
use crate::args::InfoArgs;
use crate::exit::{Failure, Kind};
use crate::get::name_of;
use crate::metafile::Document;
use crate::stdout::{print, print_json};
use crate::text::printable;
use explain::Info;
use header::RawHeader;
use metafile::MetafileInfo;

pub(crate) fn run(args: &InfoArgs) -> Result<(), Failure> {
    let is_url = args.what.contains("://") && !Path::new(&args.what).exists();
    if args.packets && is_url {
        return Err(Failure::new(Kind::Usage, "--packets lists what is in a file")
            .with_hint("fetch it first: mms get URL -o FILE"));
    }
    let Some(info) = (if is_url { Some(of_url(&args.what)?) } else { of_file(&args.what, args)? }) else {
        return Ok(());
    };
    if args.json { print_json(&info) } else { print(&show::text(&info)) }
}

/// Explains a file, unless its packets were asked for, which are listed at once.
fn of_file(name: &str, args: &InfoArgs) -> Result<Option<Info>, Failure> {
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
    if metadata.is_file()
        && let Ok(document) = Document::read(Path::new(name)).map_err(failed)?
    {
        if args.packets {
            return Err(Failure::new(Kind::Usage, format!("{shown} is a metafile and holds no packets")));
        }
        let info = MetafileInfo::new(shown.clone(), Path::new(name), &document)
            .map_err(|error| Failure::new(Kind::Local, format!("{shown}: {error}")))?;
        return if args.json { print_json(&info) } else { print(&metafile::text(&info)) }.map(|()| None);
    }
    let len = metadata.is_file().then_some(metadata.len());
    let raw = RawHeader::read(&file).map_err(failed)?;
    let unusable = |error| Failure::new(Kind::Local, format!("{shown}: {error}"));
    let mut info = Info::new(shown.clone(), &raw, len).map_err(unusable)?;
    let header = if raw.is_cut() { None } else { Header::decode(&raw.bytes).ok() };
    match (header, args.packets) {
        (Some(header), true) => packets::list(&shown, &file, &header, args.json).map(|()| None),
        (None, true) => Err(unusable("it holds no packets".to_owned())),
        (header, false) => {
            if let (Some(header), Some(len)) = (header, len) {
                info.behind = behind::objects(&file, header.summary(), len).map_err(failed)?;
            }
            Ok(Some(info))
        }
    }
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
    let transport = name_of(client.driver().transport());
    client.driver().close();
    // what is said while closing changes nothing
    while let Ok(Some(_)) = client.next() {}
    let raw = RawHeader::whole(bytes);
    let mut info = Info::new(address.shown().to_owned(), &raw, None)
        .map_err(|error| Failure::new(Kind::Protocol, format!("{}: {error}", address.shown())))?;
    info.transport = Some(transport);
    Ok(info)
}
