//! The session table: which client plays on which connection, and what it ordered on others.

use core::time::Duration;

use super::request::RequestKind;
use super::session::Session;
use crate::selection::Selection;
use crate::time::Instant;
use crate::wmsp::wire::{Status, SwitchPlan};

/// The host's name for a connection, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

/// Connections that the host shall step and attend again.
pub type Wakes = [Option<Key>; 2];

/// What other connections ordered of a stream: the newest state, not a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// Counts the changes.
    pub version: u32,
    /// The streams that are wanted.
    pub selection: Selection,
    /// The client said Stop.
    pub stop: bool,
}

impl Orders {
    const NONE: Self = Self { version: 0, selection: Selection::ALL, stop: false };
}

/// A request as the table sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub kind: RequestKind,
    /// The client-id that the client sent.
    pub client_id: Option<u32>,
    /// An unpredictable id for a new session.
    pub fresh: u32,
    /// The selection that the client sent.
    pub plan: Option<SwitchPlan>,
    /// The content's streams, for Play.
    pub streams: u128,
    /// Whether a client without a session is answered all the same.
    pub lenient: bool,
    /// When the request was read.
    pub since: Instant,
}

/// What the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Go on.
    Granted {
        /// Name of the session; `None` if there is none and none is needed.
        client_id: Option<u32>,
        /// The session that the client named is gone, and this is a new one.
        reset: bool,
        /// How the stream starts.
        orders: Orders,
    },
    /// No.
    Refused(Status),
    /// The stream runs on another connection, which may be about to end: ask again when woken, or then.
    Later {
        /// When.
        until: Instant,
    },
}

/// One session, in the host's storage.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// 0 if the record is free
    client_id: u32,
    owner: Option<Key>,
    waiter: Option<Key>,
    deadline: Instant,
    streams: u128,
    orders: Orders,
}

impl Record {
    /// A record that is free.
    pub const FREE: Self = Self {
        client_id: 0,
        owner: None,
        waiter: None,
        deadline: Instant::ZERO,
        streams: 0,
        orders: Orders::NONE,
    };

    fn is_live(&self, now: Instant) -> bool {
        self.client_id != 0 && (self.owner.is_some() || self.deadline > now)
    }
}

impl Default for Record {
    fn default() -> Self {
        Self::FREE
    }
}

/// All sessions of a server, shared by its connections. `S` is storage of the host's, as many records as
/// sessions shall be remembered. The table has no timer: records that are over are used again.
#[derive(Clone, Debug)]
pub struct Table<S> {
    records: S,
    session_timeout: Duration,
    take_over: Duration,
}

impl<S: AsRef<[Record]> + AsMut<[Record]>> Table<S> {
    /// A table in this storage. Sessions that do not stream are forgotten after `session_timeout`
    /// (section 3.2.2), which should be longer than the one that clients are told.
    #[must_use]
    pub fn new(records: S, session_timeout: Duration) -> Self {
        Self { records, session_timeout, take_over: Duration::from_millis(500) }
    }

    /// The one call of the host: after a step while a request of the session waits, and when a connection was
    /// woken. It answers the request and brings the owner of a stream its orders.
    pub fn attend(&mut self, now: Instant, key: Key, session: &mut Session) -> Wakes {
        let mut wakes = [None; 2];
        if let Some(request) = session.session_request() {
            let (answer, woken) = self.request(now, key, &request);
            session.answered(now, answer);
            wakes = [woken, None];
        }
        let id = session.client_id().unwrap_or(0);
        let owned = self.find(now, id).filter(|record| record.owner == Some(key));
        if let Some(record) = owned {
            session.orders(now, record.orders);
        }
        wakes
    }

    /// Answers one request; the second value is a connection to wake.
    pub fn request(&mut self, now: Instant, key: Key, request: &Request) -> (Answer, Option<Key>) {
        let deadline = now + self.session_timeout;
        let opens = matches!(request.kind, RequestKind::Describe | RequestKind::Play);
        let known = request.client_id.is_some_and(|id| self.find(now, id).is_some());
        if !known && !opens {
            return (without_session(request), None);
        }
        let id = if known { request.client_id.unwrap_or(0) } else { self.create(now, request.fresh) };
        let take_over = request.since + self.take_over;
        let Some(record) = self.find(now, id) else {
            return (Answer::Refused(Status::SERVICE_UNAVAILABLE), None);
        };
        record.deadline = deadline;
        let mut woken = None;
        match request.kind {
            RequestKind::Play => {
                if record.owner.is_some_and(|owner| owner != key) {
                    if now >= take_over {
                        // section 3.2.5.6: somebody else may be trying to take the stream
                        record.waiter = record.waiter.filter(|waiter| *waiter != key);
                        return (Answer::Refused(Status::CONFLICT), None);
                    }
                    record.waiter = Some(key);
                    return (Answer::Later { until: take_over }, None);
                }
                record.owner = Some(key);
                record.waiter = None;
                record.streams = request.streams;
                let selection = match request.plan {
                    Some(plan) => plan.apply(Selection::NONE, request.streams),
                    None if request.lenient => Selection::ALL,
                    None => Selection::NONE,
                };
                record.orders = Orders { selection, ..Orders::NONE };
            }
            RequestKind::SelectStream => {
                let orders = &mut record.orders;
                if let Some(plan) = request.plan {
                    orders.selection = plan.apply(orders.selection, record.streams);
                }
                orders.version = orders.version.wrapping_add(1);
                woken = record.owner;
            }
            RequestKind::Stop => {
                record.orders.stop = true;
                record.orders.version = record.orders.version.wrapping_add(1);
                woken = record.owner;
            }
            _ => {}
        }
        let reset = request.client_id.is_some() && !known;
        (Answer::Granted { client_id: Some(id), reset, orders: record.orders }, woken)
    }

    /// The connection is gone, however it went. Wakes who waits for its stream.
    pub fn released(&mut self, now: Instant, key: Key) -> Wakes {
        let deadline = now + self.session_timeout;
        let mut wakes = [None; 2];
        for record in self.records.as_mut() {
            if record.owner == Some(key) {
                record.owner = None;
                record.deadline = deadline;
                let [first, _] = &mut wakes;
                *first = record.waiter.take().or(*first);
            }
            record.waiter = record.waiter.filter(|waiter| *waiter != key);
        }
        wakes
    }

    /// Sessions that are remembered.
    #[must_use]
    pub fn len(&self, now: Instant) -> usize {
        self.records.as_ref().iter().filter(|record| record.is_live(now)).count()
    }

    /// Whether no session is remembered.
    #[must_use]
    pub fn is_empty(&self, now: Instant) -> bool {
        self.len(now) == 0
    }

    fn find(&mut self, now: Instant, id: u32) -> Option<&mut Record> {
        self.records.as_mut().iter_mut().find(|record| record.client_id == id && record.is_live(now))
    }

    /// Makes a session and returns its id; 0 if all records are streaming. Clients that describe and never come
    /// back in great number (digest 16.1) push out each other, the oldest first.
    fn create(&mut self, now: Instant, fresh: u32) -> u32 {
        let deadline = now + self.session_timeout;
        let mut id = fresh;
        // of n + 1 different ids, one is free
        for _ in 0..=self.records.as_ref().len() {
            id &= 0x7FFF_FFFF;
            if id != 0 && self.find(now, id).is_none() {
                break;
            }
            id = id.wrapping_add(1);
        }
        let idle = self.records.as_mut().iter_mut().filter(|record| record.owner.is_none());
        let Some(record) = idle.min_by_key(|record| record.deadline) else { return 0 };
        *record = Record { client_id: id, deadline, ..Record::FREE };
        id
    }
}

fn without_session(request: &Request) -> Answer {
    let orders = Orders::NONE;
    match (request.kind, request.client_id) {
        (RequestKind::Log | RequestKind::KeepAlive, _) if request.lenient => {
            Answer::Granted { client_id: None, reset: false, orders }
        }
        (RequestKind::SendEvent | RequestKind::GetContentInfo | RequestKind::Options, None) => {
            Answer::Granted { client_id: None, reset: false, orders }
        }
        (RequestKind::Options, _) => Answer::Granted { client_id: None, reset: false, orders },
        (_, None) => Answer::Refused(Status::BAD_REQUEST),
        (_, Some(_)) => Answer::Refused(Status::NOT_FOUND),
    }
}
