//! Fetches a stream into a file: `cargo run -p mms-tokio --example tokio_fetch -- URL FILE`
use core::error::Error;

use mms_tokio::Client;
use tokio::fs::File;
use tokio::io;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("which URL?")?;
    let mut file = File::create(arguments.next().ok_or("which file?")?).await?;
    let mut reader = Client::new(&url, Default::default())?.into_reader();
    let bytes = io::copy(&mut reader, &mut file).await?;
    println!("{bytes} bytes, {} packets", reader.client().driver().statistics().packets_received);
    Ok(())
}
