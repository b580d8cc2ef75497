//! What the adapters share: everything but sockets, sleep and threads.
//!
//! ```text
//! runtime's socket -> Stream  --\
//! runtime's connect -> Future ----> Fetch::turn   -> Event | Sleep(until) | Yield | Over        a client
//! runtime's threads -> Future ----> Session::turn -> Sleep(until) | Yield | Over                one connection
//! ```
//!
//! A turn does what can be done now: it moves bytes on sockets that are ready, polls what was begun, and says how
//! long to sleep. All that is half done lies in the drivers, so nothing is lost between two turns. Callers without
//! futures pass a context whose waker does nothing.

mod asf_bytes;
mod datagrams;
mod doors;
mod fetch;
mod listeners;
mod resolve;
mod room;
mod session;
mod sessions;
mod stream;
mod table;

pub use asf_bytes::AsfBytes;
pub use datagrams::{Datagrams, UdpPort};
pub use doors::{Doors, ServerOptions};
pub use fetch::{Fetch, Link, Next};
pub use listeners::{ACCEPT_PAUSE, ACCEPTS, Listeners};
pub use resolve::Resolving;
pub use session::{Answered, Guest, Session, Turn, answer};
pub use stream::{Stream, poll_io};
pub use table::Table;
