//! The client's driver: one face over the client sessions. URL in, ASF out.
//!
//! A [`Client`] names the sockets that it wants and never touches one. Its host connects, moves bytes and
//! sleeps as [`Client::step`] says; it knows no protocol.
//!
//! # What the host brings
//!
//! | what | how much |
//! |---|---|
//! | a URL | `mms://host[:port]/path` or `mmst`, `mmsu`, `mmsh`, `http`; where no port is given it is 1755, and 80 over HTTP |
//! | [`Storage::receive`] | bytes, at least [`Client::RECEIVE_BYTES`]; 65,536 hold any packet, and make reads longer |
//! | [`Storage::send`] | bytes, at least [`Client::SEND_BYTES`], and [`Client::HTTP_SEND_BYTES`] for long requests over HTTP; never grows |
//! | [`UdpStorage`] | only for [`Client::with_udp`], without which media does not come in datagrams |
//! | moments | [`Instant`](crate::time::Instant): microseconds since an origin that the host chooses once; they must not go back |
//!
//! Storage is anything that lends bytes: `Vec<u8>`, `[u8; N]`, `&mut [u8]`.
//!
//! # What the host does
//!
//! | [`Step`] | do | then call |
//! |---|---|---|
//! | `Connect(id)` | begin a TCP connection to [`wanted(id)`](Client::wanted): a name or an address, and a port | [`connected`](Client::connected) with the address of our own end, or [`connection_failed`](Client::connection_failed) |
//! | `Bind(id)` | bind a UDP socket to any port; only after [`Client::with_udp`] | [`bound`](Client::bound) or [`bind_failed`](Client::bind_failed) |
//! | `Close(id)` | drop that socket, or the attempt to connect it | nothing |
//! | `Event` | look at [`event`](Client::event) | nothing; the next step takes the event away |
//! | `Storage { needed }` | find `needed` bytes or more | [`replace_storage`](Client::replace_storage), which gives the old storage back; what is in it is copied. Without memory: [`close`](Client::close), or drop the client |
//! | `Wait { read, write, until }` | see below | see below |
//! | `Done` | drop the sockets | [`error`](Client::error) says whether it failed |
//!
//! `Step` is non-exhaustive: answer a step that you do not know by [`no_progress`](Client::no_progress), which ends the session with an
//! error. After every answer, call `step` again. Connecting may take its time: until it is answered, `step` returns `Wait`.
//! `Storage` never asks for more than [`Options::storage_bytes`]; a frame that would need more is an error.
//!
//! `Wait` names two [`Sockets`], the set to read from and the set to write to, and may name a socket in both or in none:
//!
//! - [`SocketId::CONTROL`] and [`SocketId::SHORT`] are TCP sockets, the second of which HTTP uses beside a stream. Keep a place for each
//!   of [`SocketId::COUNT`] sockets; they are independent of one another.
//! - A TCP socket in `read`: read once into [`space(id)`](Client::space), at most that many bytes, then [`filled(id, count)`](Client::filled).
//!   0 bytes are [`end_of_stream(id)`](Client::end_of_stream); any error but "not ready" and "interrupted" is `connection_failed(id)`.
//! - A TCP socket in `write`: write once from [`pending(id)`](Client::pending), then [`written(id, count)`](Client::written), which may be less than all.
//! - [`SocketId::MEDIA`] in `read`: receive one datagram into `space`, then [`datagram_received`](Client::datagram_received). In `write`: send all of
//!   `pending` as one datagram to [`datagram_target`](Client::datagram_target), then `written` with its whole length, sent or lost. Call
//!   [`set_peer`](Client::set_peer) before `connected`, or no datagram is taken.
//! - Nothing is ready: sleep until something is, or until the clock shows `until`
//!   ([`Instant::MAX`](crate::time::Instant::MAX): no timer runs). Then step, even if nothing was ready. A moment in the past means: do not sleep.
//!
//! Every socket in `read` has space, and every one in `write` something pending, when `Wait` is returned. Read and write once
//! each, then step: after an answer of the same turn `space` may be empty, and reading into it would look like the end. Asking
//! for `pending` or `space` is always allowed. When connecting failed or timed out, drop the attempt: what comes of it later is
//! not reported.
//!
//! A socket that is not ready is reported to nobody. The session lies in the driver, so the host may stop between any two calls.
//!
//! # What it tells
//!
//! Events come in this order; `*` may come several times, and those in brackets need not come:
//!
//! ```text
//! [RolledOver, Redirected]  Connected  [Bandwidth]  Opened  HeaderPart*  [StreamsSwitched]  Started  Packet*  EndOfStream   Done
//!                                                           ^ again after StreamChange       ^ again after play, seek, resume
//! ```
//!
//! - [`Event::HeaderPart`]: `bytes` stand at `offset` in the file's header, the first at 0, and follow one another without a gap; `last` says that
//!   the header is whole. From then on [`Client::header`] tells packet size, streams and duration.
//! - [`Event::Packet`]: one ASF data packet. It may be shorter than the packet size, because servers leave padding out;
//!   [`FileBytes`] puts it back. `location_id` is its number in the file. Packets come at the server's pace, mostly the playing
//!   speed: an hour takes an hour. [`Play::acceleration`] asks for a faster beginning, and servers decide; a plain file over
//!   HTTP comes as fast as it can.
//! - [`Event::RolledOver`], [`Event::Redirected`]: all begins anew, perhaps after parts of a header were told. What was written
//!   is void.
//! - [`Event::FellBack`]: media in datagrams stayed away, and the client asks for it over TCP. What was told stays valid; header
//!   and wish are the same, and `Started` follows anew. There is nothing to do; [`Client::header`] and [`Client::content`] are
//!   empty until the header is there again, or for good if it does not come.
//! - [`Event::EndOfStream`]: by default ([`Options::close_at_end`]) the client then closes and `Done` follows, and if `hr` is a
//!   failure [`Client::error`] is `Refused` with it. With `more` it goes on: `StreamChange` and the header of the next entry
//!   follow, which plays by itself (over MMS unless [`Options::play`] is `None`); [`Client::header`] is `None` until it is whole. To have one entry only, [`close`](Client::close).
//! - [`Event::TextPart`]: `Done` follows the last, and it is no error: no header came, which the host can tell from
//!   [`Client::header`].
//! - At `Done` all that can be asked is still there: `header`, `content`, `statistics`, `url`.
//!
//! With [`Options::play`] `None` the client stops behind the header and waits for a command. Commands ([`play`](Client::play),
//! [`seek`](Client::seek), [`pause`](Client::pause), [`resume`](Client::resume), [`stop`](Client::stop), [`close`](Client::close)) can be given between any two calls; one that
//! does not fit now returns [`Error::ApiMisuse`](crate::error::Error::ApiMisuse) and changes nothing. What each does in each state is
//! printed in `docs/states.md` of the repository.
//!
//! # When it fails
//!
//! `Done`, with [`Client::error`] saying whose fault it was: the network's (`ConnectionFailed`, `TimedOut` with the timer's name), the server's answer
//! (`Refused` with its HRESULT, `PeerIncompatible`), a broken or hostile server (`InvalidMessage`, `PeerMisbehaved`, `Limit`), the caller's
//! (`ApiMisuse`). Other transports ([`Options::transports`]) and redirects were tried before. What has failed stays failed; to try again, make a new client.
//!
//! # A whole session
//!
//! Client and server in memory, on a clock that jumps to the next timer when nothing moves. With sockets, "take from a vector" becomes
//! "read what is ready", and the jump becomes a wait; the tutorial *Embed mms in your own runtime* (`embedding`) does just that.
//!
//! ```
//! use mms_core::asf::{HeaderLimits, HeaderWalker, packet_count};
//! use mms_core::client::{self, Client, FileBytes, Options};
//! use mms_core::hresult::Hresult;
//! use mms_core::server::{self, Accepted, Ask, Config, Connection, Opened, Refusal};
//! use mms_core::time::Instant;
//!
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/made/one-packet.wma");
//! # let mut file = std::fs::read(path)?;
//! // `file` has the bytes of an ASF file. What must be known of it:
//! let mut walker = HeaderWalker::new(HeaderLimits::default());
//! walker.feed(&file).map_err(|_| "not an ASF file")?;
//! let header = walker.summary().ok_or("the header is cut")?;
//! let opened = Opened {
//!     header_len: u32::try_from(header.header_len)?,
//!     packet_size: header.packet_size(),
//!     packet_count: Some(u32::try_from(packet_count(file.len() as u64, header))?),
//!     duration: Some(header.file_properties.content_duration()),
//!     bit_rate: header.bit_rate,
//!     seekable: false,
//!     stridable: false,
//!     file_len: Some(file.len() as u64),
//!     streams: header.streams.bits(),
//! };
//! let (header_len, packet_size) = (opened.header_len as usize, opened.packet_size as usize);
//!
//! let mut now = Instant::ZERO;
//! let (mut to_server, mut to_client) = (Vec::<u8>::new(), Vec::<u8>::new());
//! let storage = client::Storage { receive: vec![0; 65536], send: vec![0; Client::<Vec<u8>>::SEND_BYTES] };
//! let mut client = Client::new("mmst://server/film", Options::default(), storage)?;
//! let address = "192.0.2.1:50000".parse()?;
//! type Server<'a> = Connection<Vec<u8>, &'a [u8]>;
//! let storage = server::Storage { receive: vec![0; 65536], send: vec![0; Server::SEND_BYTES] };
//! let accepted = Accepted { peer: address, random: [7; 16] };
//! let mut server = Server::new(Config::default(), storage, accepted, now)?;
//!
//! let (mut bytes, mut fetched) = (FileBytes::default(), Vec::new());
//! let (mut client_is_done, mut server_is_done) = (false, false);
//! while !(client_is_done && server_is_done) {
//!     let (mut moved, mut wake) = (false, Instant::MAX);
//!     match client.step(now) {
//!         client::Step::Connect(id) => {
//!             client.connected(id, address);
//!             moved = true;
//!         }
//!         client::Step::Close(_) => moved = true,
//!         client::Step::Event => {
//!             let event = client.event().ok_or("it was announced")?;
//!             let size = client.header().map_or(0, |header| header.packet_size());
//!             let mut part = [0; 512];
//!             while let count @ 1.. = bytes.read(&event, size, None, &mut part)? {
//!                 fetched.extend_from_slice(&part[..count]);
//!             }
//!             moved = true;
//!         }
//!         client::Step::Storage { needed } => {
//!             client.replace_storage(vec![0; needed]);
//!             moved = true;
//!         }
//!         client::Step::Wait { read, write, until } => {
//!             let id = client::SocketId::CONTROL;
//!             if read.contains(id) && !to_client.is_empty() {
//!                 let space = client.space(id);
//!                 let count = space.len().min(to_client.len());
//!                 space[..count].copy_from_slice(&to_client[..count]);
//!                 to_client.drain(..count);
//!                 client.filled(id, count);
//!                 moved = true;
//!             } else if read.contains(id) && server_is_done {
//!                 client.end_of_stream(id);
//!                 moved = true;
//!             }
//!             if write.contains(id) {
//!                 let count = client.pending(id).len();
//!                 to_server.extend_from_slice(client.pending(id));
//!                 client.written(id, count);
//!                 moved = true;
//!             }
//!             wake = wake.min(until);
//!         }
//!         client::Step::Done => client_is_done = true,
//!         _ => client.no_progress(),
//!     }
//!     match server.step(now) {
//!         server::Step::Event => moved = true,
//!         server::Step::Storage { needed } => {
//!             server.replace_storage(vec![0; needed]);
//!             moved = true;
//!         }
//!         server::Step::Wait { read, write, until } => {
//!             while let Some(wish) = server.next_wish() {
//!                 let ticket = wish.ticket;
//!                 match wish.ask {
//!                     Ask::Open { name, .. } if name.chars().eq("film".chars()) => server.opened(ticket, opened),
//!                     Ask::Open { .. } => server.refused(ticket, Refusal(Hresult::NS_E_FILE_NOT_FOUND)),
//!                     Ask::Header { offset, .. } => server.header(ticket, &file[offset as usize..header_len]),
//!                     Ask::Packets { from, .. } => {
//!                         let place = header_len + from as usize * packet_size;
//!                         server.packets(ticket, from, &file[place..place + packet_size])
//!                     }
//!                     _ => server.failed(now, ticket, Hresult::E_INVALIDARG),
//!                 };
//!                 moved = true;
//!             }
//!             if read && !to_server.is_empty() {
//!                 let space = server.space();
//!                 let count = space.len().min(to_server.len());
//!                 space[..count].copy_from_slice(&to_server[..count]);
//!                 to_server.drain(..count);
//!                 server.filled(count);
//!                 moved = true;
//!             } else if read && client_is_done {
//!                 server.end_of_stream();
//!                 moved = true;
//!             }
//!             if write {
//!                 let mut slices = [&[][..]; 8];
//!                 let used = server.pending(&mut slices);
//!                 let written = slices[..used].concat();
//!                 server.written(now, written.len());
//!                 to_client.extend(written);
//!                 moved = true;
//!             }
//!             wake = wake.min(until);
//!         }
//!         server::Step::Done => server_is_done = true,
//!     }
//!     if !moved && wake > now && wake < Instant::MAX {
//!         now = wake;
//!     }
//! }
//! assert_eq!(client.error(), None);
//! assert!(fetched.len() > header_len && file.starts_with(&fetched));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod commands;
mod datagrams;
mod driver;
mod event;
mod file;
#[cfg(feature = "http")]
mod http;
#[cfg(not(feature = "http"))]
#[path = "no_http.rs"]
mod http;
mod options;
mod patience;
mod place;
mod protocol;
#[cfg(feature = "http")]
mod proxy;
mod socket;
mod udp;

pub use crate::mmsp::client::{
    Acceleration, AuthenticationScheme, Config, Content, Play, Player, Position, Quirks, RedirectKind,
    Statistics, Until,
};
pub use crate::rollover::{Attempt, Outcome, Transport, Transports};
#[cfg(feature = "http")]
pub use crate::wmsp::client::{Config as HttpConfig, Quirks as HttpQuirks};
pub use driver::Client;
pub use event::Event;
pub use file::FileBytes;
pub use options::{Options, Step, Storage, Wanted};
#[cfg(feature = "http")]
pub use proxy::Proxy;
pub use socket::{SocketId, Sockets};
pub use udp::UdpStorage;
