//! Writes what a server says in a whole session: for the folder `embedded`.
//! `cargo run -p mms-testkit --example said_by_server -- testdata/made/metadata-utf16.wma embedded/said-by-server.bin`

use core::error::Error;

use mms_core::client::Options;
use mms_core::mmsp::server::Pace;
use mms_core::server::Config;
use mms_testkit::content::Content;
use mms_testkit::pair::{Network, Pair};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let content = Content::new(std::fs::read(arguments.next().ok_or("which ASF file?")?)?);
    let mut config = Config::default();
    config.mms.pace = Pace::Off;
    let mut pair = Pair::new(content, Options::default(), config, Network::default());
    pair.run();
    pair.assert_complete();
    std::fs::write(arguments.next().ok_or("which file to write?")?, pair.to_client_log)?;
    Ok(())
}
