//! Serves a folder: `cargo run -p mms-std --example std_serve -- FOLDER [ADDRESS]`
use core::error::Error;
use std::sync::Arc;

use mms_media::{Catalogue, Feed};
use mms_std::{Server, ServerOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:1755".to_owned()).parse()?;
    let (catalogue, problems) = Catalogue::scan(&[folder.into()])?;
    for problem in problems {
        eprintln!("{problem}");
    }
    let server = Server::bind(&[address], ServerOptions::default())?;
    for entry in catalogue.entries() {
        println!("mmst://{}/{}", server.local_addrs()?[0], entry.name);
    }
    server.serve(Feed::new(Arc::new(catalogue)))?;
    Ok(())
}
