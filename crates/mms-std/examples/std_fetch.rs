//! Fetches a stream into a file: `cargo run -p mms-std --example std_fetch -- URL FILE`
use core::error::Error;
use std::fs::File;
use std::io;

use mms_std::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("which URL?")?;
    let mut file = File::create(arguments.next().ok_or("which file?")?)?;
    let mut reader = Client::new(&url, Default::default())?.into_reader();
    let bytes = io::copy(&mut reader, &mut file)?;
    println!("{bytes} bytes, {} packets", reader.client().driver().statistics().packets_received);
    Ok(())
}
