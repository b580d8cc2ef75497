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
use std::path::{Path, PathBuf};

use mms_core::asf::Header;
use mms_core::client::{Event, Transports};
use mms_std::Client;

use crate::address::Address;
use crate::args::InfoArgs;
use crate::client;
use crate::exit::{Failure, Kind};
use crate::metafile::{Document, Origin};
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
    let Some(info) = (if is_url { of_url(&args.what, args)? } else { of_file(&args.what, args)? }) else {
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
        let info = MetafileInfo::new(shown.clone(), &Origin::File(PathBuf::from(name)), &document)
            .map_err(|error| Failure::new(Kind::Local, format!("{shown}: {error}")))?;
        return print_metafile(&info, args).map(|()| None);
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

fn print_metafile(info: &MetafileInfo, args: &InfoArgs) -> Result<(), Failure> {
    if args.json { print_json(info) } else { print(&metafile::text(info)) }
}

/// Fetches the header of a stream and nothing else, or a metafile, which is told at once.
fn of_url(url: &str, args: &InfoArgs) -> Result<Option<Info>, Failure> {
    let address = Address::parse(url)?;
    let failed = |error| Failure::of_session(error, &address, false);
    let options = client::options(&address, Transports::DEFAULT)?;
    let mut client = Client::new(address.url(), options).map_err(failed)?;
    let mut bytes = Vec::new();
    let mut text = client::Text::default();
    let mut document = None;
    let mut is_complete = false;
    while !is_complete {
        let next = match client.next() {
            Ok(next) => next,
            Err(error) => return Err(client::failure(&mut client, error, &address, false)),
        };
        match next {
            Some(Event::HeaderPart { bytes: part, last, .. }) => {
                bytes.extend_from_slice(part);
                is_complete = last;
            }
            Some(Event::TextPart { bytes: part, last, .. }) => {
                document = text.take(part, last)?;
                is_complete = last;
            }
            // another transport, or another place
            Some(Event::Connected { .. }) => bytes.clear(),
            Some(_) => {}
            None => {
                return Err(Failure::new(Kind::Connection, "the server ended the session before the header"));
            }
        }
    }
    let transport = client.driver().transport().to_string();
    let found_at = client.driver().url().as_str().to_owned();
    client.driver().close();
    // what is said while closing changes nothing
    while let Ok(Some(_)) = client.next() {}
    if let Some(document) = document {
        let info = MetafileInfo::new(address.shown().to_owned(), &Origin::Url(found_at), &document)
            .map_err(|error| Failure::new(Kind::Protocol, format!("{}: {error}", address.shown())))?;
        return print_metafile(&info, args).map(|()| None);
    }
    let raw = RawHeader::whole(bytes);
    let mut info = Info::new(address.shown().to_owned(), &raw, None)
        .map_err(|error| Failure::new(Kind::Protocol, format!("{}: {error}", address.shown())))?;
    info.transport = Some(transport);
    Ok(Some(info))
}
