//! Serves a folder: `cargo run -p mms-tokio --example tokio_serve -- FOLDER [ADDRESS]`
use core::error::Error;
use std::sync::Arc;

use mms_media::{Catalogue, Feed};
use mms_tokio::{Server, ServerOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
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
    let stop = async {
        // without the signal it serves until it is killed
        let _ = tokio::signal::ctrl_c().await;
    };
    server.serve(Feed::new(Arc::new(catalogue)), stop).await;
    Ok(())
}
