//! What every adapter to a runtime must do, over real sockets on loopback.
//!
//! An adapter implements [`Adapter`] in its tests and calls [`adapter_suite!`](crate::adapter_suite), which makes a
//! test of each function in [`tests`]. Nothing here sleeps to let time pass: servers and clients whose timers
//! matter get a clock that is set by hand.

mod ends;
pub mod examples;
mod host;
mod http;
mod peers;
pub mod tests;
mod trace;

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mms_core::client::{Client, Options};
use mms_core::error::Error;
use mms_core::mmsp::server::Pace;
use mms_media::adapter::ServerOptions;
use mms_media::{Clock, GateLimits, Host, IoLimits};

pub use host::{Log, Memory};

/// What a test wants of a client.
#[derive(Clone, Debug)]
pub struct Fetching {
    /// The URL.
    pub url: String,
    /// Settings.
    pub options: Options,
    /// Most bytes of one read and one write.
    pub io: IoLimits,
    /// The clock.
    pub clock: Clock,
}

impl Fetching {
    /// A client for a name on a server, with default settings.
    #[must_use]
    pub fn new(address: SocketAddr, name: &str) -> Self {
        Self {
            url: format!("mmst://{address}/{name}"),
            options: Options::default(),
            io: IoLimits::default(),
            clock: Clock::start(),
        }
    }
}

/// Looks at the event of the driver, and may give it commands.
pub type See<'a> = &'a mut dyn FnMut(&mut Client<Vec<u8>>);

/// An adapter under test.
pub trait Adapter {
    /// For messages.
    const NAME: &'static str;

    /// Starts a server on a free port of loopback, in the background.
    fn serve<H: Host>(host: H, options: ServerOptions) -> Serving;

    /// Fetches to the end. Each event is shown while it is the driver's.
    ///
    /// # Errors
    /// Why the session failed.
    fn fetch(fetching: Fetching, see: See<'_>) -> Result<(), Error>;

    /// Fetches through the byte readers of as many clients at the same time, in the runtime's own way.
    fn read(fetchings: Vec<Fetching>) -> Vec<io::Result<Vec<u8>>>;

    /// As [`fetch`](Self::fetch), but each future is dropped when it was polled once, which `dropped` is told if it was
    /// not ready. `None` if the adapter has no futures.
    fn fetch_dropping(
        fetching: Fetching,
        see: See<'_>,
        dropped: &mut dyn FnMut(),
    ) -> Option<Result<(), Error>> {
        let _ = (fetching, see, dropped);
        None
    }

    /// The same with the futures of the byte reader.
    fn read_dropping(fetching: Fetching, dropped: &mut dyn FnMut()) -> Option<io::Result<Vec<u8>>> {
        let _ = (fetching, dropped);
        None
    }
}

/// A server in the background; dropping it stops it in order and waits for its end.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// Stops it in order; does not wait.
    pub stop: Option<Box<dyn FnOnce() + Send>>,
    /// Drops its future; `None` if it has none.
    pub abort: Option<Box<dyn FnOnce() + Send>>,
    /// Waits for its end.
    pub join: Option<Box<dyn FnOnce() + Send>>,
}

impl Serving {
    /// Stops in order, without waiting.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop();
        if let Some(join) = self.join.take() {
            join();
        }
    }
}

impl core::fmt::Debug for Serving {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Serving").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Settings of a server that sends as fast as its clients read, and takes any number of them.
fn unpaced() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.connection.mms.pace = Pace::Off;
    options.connection.http.pace = Pace::Off;
    options.gate = GateLimits { total: usize::MAX, per_address: usize::MAX, ..GateLimits::default() };
    options
}

/// Waits until something happens in the background.
fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !happened() {
        assert!(begin.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Raises the limit of descriptors, if the system allows it. How many of those wanted one test may have, alone until it drops
/// the guard; other tests need `SPARE` beside them.
pub fn descriptors(wanted: usize) -> (MutexGuard<'static, ()>, usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let limit = getrlimit(Resource::Nofile);
    let with_others = wanted + SPARE;
    let raised = limit.maximum.map_or(with_others as u64, |maximum| maximum.min(with_others as u64));
    if limit.current.is_some_and(|current| current < raised) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    }
    let now = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |now| now.try_into().unwrap());
    (guard, wanted.min(now.saturating_sub(SPARE)))
}

/// Descriptors that are left to tests that run at the same time.
const SPARE: usize = 1500;

/// Makes a test of each function in [`suite::tests`](crate::suite::tests), for one adapter.
#[macro_export]
macro_rules! adapter_suite {
    ($adapter:ty) => {
        $crate::adapter_suite!($adapter:
            every_file_arrives_as_it_was_sent,
            every_file_arrives_over_udp_as_it_was_sent,
            every_file_arrives_over_http_as_it_was_sent,
            an_unpaced_server_loses_nothing_over_udp,
            without_udp_on_the_server_the_client_takes_tcp,
            a_hundred_sessions_share_one_udp_socket,
            a_file_arrives_when_each_call_moves_one_byte,
            a_file_arrives_when_writes_end_anywhere,
            a_name_that_is_not_there_is_refused,
            nobody_listening_is_a_failed_connection,
            a_future_that_is_dropped_at_any_await_loses_nothing,
            a_future_that_is_dropped_between_any_two_parts_loses_nothing,
            a_server_whose_future_is_dropped_ends_its_connections,
            requests_and_media_flow_at_the_same_time,
            pings_and_pongs_flow_at_the_same_time,
            a_client_that_closes_its_side_is_done,
            a_server_that_closes_its_side_ends_the_session,
            a_client_that_says_nothing_is_closed,
            a_client_that_never_reads_is_closed,
            a_server_that_says_nothing_is_given_up,
            a_client_that_vanishes_is_noticed,
            a_server_that_vanishes_is_noticed,
            a_clock_that_jumps_to_and_fro_loses_nothing,
            a_clock_that_jumps_far_ends_at_most_its_session,
            a_client_that_was_busy_finds_what_came_meanwhile,
            a_host_that_panics_ends_its_connection_only,
            a_thousand_sessions_at_once_get_their_files,
            an_idle_session_is_small,
            sessions_end_in_order_when_the_server_stops,
            events_are_those_of_two_peers_in_memory,
            files_arrive_over_http_framed_and_as_they_are,
            http_works_when_each_call_moves_one_byte,
            a_stop_on_another_connection_ends_the_stream,
            a_stream_is_taken_over_from_a_connection_that_closed,
            one_listener_speaks_mms_and_http,
            a_full_server_says_so_to_a_few_and_closes_the_rest,
            who_is_turned_away_and_says_nothing_is_closed,
            a_file_that_changes_ends_its_download,
            events_over_udp_are_those_of_two_peers_in_memory,
            events_over_http_are_those_of_two_peers_in_memory,
        );
    };
    ($adapter:ty: $($name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                $crate::suite::tests::$name::<$adapter>();
            }
        )*
    };
}
