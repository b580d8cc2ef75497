//! Fetches a stream into a file: `cargo run -p mms-smol --example smol_fetch -- URL FILE`
use core::error::Error;
use std::fs::File;

use blocking::Unblock;
use futures_lite::future::block_on;
use futures_lite::io;
use mms_smol::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("which URL?")?;
    // files block, so they are written on another thread
    let mut file = Unblock::new(File::create(arguments.next().ok_or("which file?")?)?);
    let mut reader = Client::new(&url, Default::default())?.into_reader();
    let bytes = block_on(io::copy(&mut reader, &mut file))?;
    println!("{bytes} bytes, {} packets", reader.client().driver().statistics().packets_received);
    Ok(())
}
