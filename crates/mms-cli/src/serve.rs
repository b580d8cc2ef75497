//! `mms serve`.

use core::fmt::Write as _;
use core::net::{Ipv4Addr, SocketAddr};
use std::io;
use std::sync::Arc;

use mms_core::url::MMS_PORT;
use mms_media::{Catalogue, Feed, IoLimits};
use mms_tokio::{Server, ServerOptions};
use tokio::runtime::{Builder, Runtime};

use crate::address::url_of;
use crate::args::ServeArgs;
use crate::exit::{Failure, Kind, line};
use crate::get::SAME_SIGNAL;
use crate::stdout::print;
use crate::text::{count, printable};

/// Where to listen when nobody says: the port of MMS, and one for HTTP that needs no privilege.
const DEFAULT_PORTS: [u16; 2] = [MMS_PORT, 8080];
/// Most URLs that are printed.
const URLS: usize = 50;
/// Most problems of the catalogue that are told one by one.
const PROBLEMS: usize = 50;

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let catalogue = Arc::new(scan(args)?);
    let runtime = runtime()?;
    let result = runtime.block_on(serve(args, catalogue));
    // a thread that reads a file may be stuck in a slow file system
    runtime.shutdown_background();
    result
}

/// A runtime for servers.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let built = Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Failure::new(Kind::Local, format!("threads cannot be started: {error}")))
}

fn scan(args: &ServeArgs) -> Result<Catalogue, Failure> {
    let (catalogue, problems) = Catalogue::scan(&args.paths).map_err(|error| {
        Failure::new(Kind::Local, error.to_string()).with_hint("name files or folders that exist")
    })?;
    for problem in problems.iter().take(PROBLEMS) {
        Failure::warn(&printable(&problem.to_string()));
    }
    if problems.len() > PROBLEMS {
        Failure::warn(&format!("{} more files are not served", problems.len() - PROBLEMS));
    }
    if catalogue.entries().is_empty() {
        return Err(Failure::new(Kind::Local, "there is nothing to serve")
            .with_hint("name ASF files (.wmv, .wma, .asf) or folders that hold some"));
    }
    Ok(if args.slim_headers { catalogue.with_slim_headers() } else { catalogue })
}

async fn serve(args: &ServeArgs, catalogue: Arc<Catalogue>) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(Kind::Local, format!("signals cannot be handled: {error}"));
    let mut signals = Signals::install().map_err(failed)?;
    let server = bind(args)?;
    let addresses = server
        .local_addrs()
        .map_err(|error| Failure::new(Kind::Local, format!("the address is not known: {error}")))?;
    match print(&urls(&addresses, &catalogue)) {
        // whoever wanted the URLs has them; clients are still to be served
        Err(failure) if failure.kind == Kind::OutputClosed => {}
        printed => printed?,
    }
    tell(&addresses, &catalogue);
    let stop = async move {
        signals.next().await;
        line("ending sessions; once more to end at once");
        tokio::spawn(async move {
            tokio::time::sleep(SAME_SIGNAL).await;
            signals.forget();
            signals.next().await;
            std::process::exit(i32::from(Kind::Interrupted.code()));
        });
    };
    let mut feed = Feed::new(catalogue);
    if let Some((user, password)) = &args.user {
        feed = feed.guarded(user.clone(), password.clone());
    }
    server.serve(feed, stop).await;
    Ok(())
}

fn bind(args: &ServeArgs) -> Result<Server, Failure> {
    let mut options = ServerOptions::default();
    options.connection.mms.pace = args.pace;
    options.connection.mms.max_bit_rate = args.max_rate;
    options.connection.stall_timeout = args.stall_timeout;
    options.connection.http.pace = args.pace;
    options.connection.http.max_bit_rate = args.max_rate;
    options.gate.total = args.max_connections.get();
    options.gate.per_address = args.max_per_address.get();
    if let Some(most) = args.io_bytes {
        options.io = io_limits(most.get());
    }
    if !args.listen.is_empty() {
        return Server::bind(&args.listen, options).map_err(|error| listen_failure(&args.listen, &error));
    }
    let [mms, http] = DEFAULT_PORTS.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    // nobody asked for the second one, so it is no reason to give up
    Server::bind(&[mms, http], options.clone()).or_else(|error| {
        let server = Server::bind(&[mms], options).map_err(|error| listen_failure(&[mms], &error))?;
        Failure::warn(&format!(
            "not listening on {http}: {error}; {mms} serves HTTP too, and --listen chooses other ports"
        ));
        Ok(server)
    })
}

/// So many bytes for each read and each write.
pub(crate) fn io_limits(most: usize) -> IoLimits {
    IoLimits { read: most, write: most }
}

fn listen_failure(addresses: &[SocketAddr], error: &io::Error) -> Failure {
    let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let failure = Failure::new(Kind::Local, format!("cannot listen on {}: {error}", list.join(", ")));
    match error.kind() {
        io::ErrorKind::AddrInUse => failure.with_hint(
            "another program listens there: end it, or choose another port with --listen 127.0.0.1:PORT (0 takes a free one)",
        ),
        io::ErrorKind::PermissionDenied => {
            failure.with_hint("ports below 1024 need privileges: choose another with --listen")
        }
        io::ErrorKind::AddrNotAvailable => {
            failure.with_hint("this machine does not have the address: 0.0.0.0 and [::] mean all that it has")
        }
        _ => failure,
    }
}

/// What can be opened, one URL on each line: those of HTTP for listeners on other ports than that of MMS, whose own URLs
/// are those of mmst://. The pages, which lead to everything, come last and are never left out.
fn urls(addresses: &[SocketAddr], catalogue: &Catalogue) -> String {
    let is_mms = |address: &&SocketAddr| address.port() == MMS_PORT;
    let mms = addresses.iter().filter(is_mms).collect::<Vec<_>>();
    let http = addresses.iter().filter(|address| !is_mms(address)).collect::<Vec<_>>();
    // each speaks both, and one that has no other beside it says so
    let mms = if mms.is_empty() { &http } else { &mms };
    let http = if http.is_empty() { mms } else { &http };
    let names = || catalogue.entries().iter().map(|entry| entry.name.as_str());
    let pages = http.iter().map(|address| url_of("http", **address, ""));
    let mms = mms.iter().flat_map(|address| names().map(|name| url_of("mmst", **address, name)));
    let http = http.iter().flat_map(|address| {
        names().flat_map(|name| {
            let url = url_of("http", **address, name);
            [format!("{url}.asx"), url]
        })
    });
    let (mut text, mut total) = (String::new(), 0_usize);
    for url in mms.chain(http) {
        total += 1;
        if total <= URLS {
            text.push_str(&url);
            text.push('\n');
        }
    }
    if total > URLS {
        // a String takes all that is written
        let _ = writeln!(text, "... and {} more", total - URLS);
    }
    for page in pages {
        text.push_str(&page);
        text.push('\n');
    }
    text
}

fn tell(addresses: &[SocketAddr], catalogue: &Catalogue) {
    let files = count(u64::try_from(catalogue.entries().len()).unwrap_or(u64::MAX), "file");
    let ignored = match catalogue.ignored() {
        0 => String::new(),
        ignored => format!(" ({ignored} that are not ASF left out)"),
    };
    let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    line(&format!("serving {files}{ignored} on {}; Ctrl-C ends", list.join(", ")));
}

/// The signals that end the server.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Drops signals that came already: wrappers pass one on twice.
    fn forget(&mut self) {
        // on failure the old ones stay, which only ends earlier
        if let Ok(fresh) = Self::install() {
            *self = fresh;
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        // without means to wait for a signal there is none
        if tokio::signal::ctrl_c().await.is_err() {
            core::future::pending::<()>().await;
        }
    }

    fn forget(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_use_says_what_to_do() {
        let failure = listen_failure(&["127.0.0.1:1755".parse().unwrap()], &io::ErrorKind::AddrInUse.into());
        assert!(failure.message.contains("127.0.0.1:1755"));
        assert!(failure.hint.unwrap().contains("--listen"));
    }
}
