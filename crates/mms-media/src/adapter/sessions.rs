//! The sessions of HTTP clients, which several connections share.

use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Waker};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mms_core::server::{Connection, Key, Record, Table, Wakes};
use mms_core::time::Instant;
use mms_core::wmsp::server::Config;

/// Fewest and most sessions that are remembered.
const RECORDS: (usize, usize) = (64, 16_384);

/// The table of a server, and the bells of the connections that have to do with it. Media never comes here.
#[derive(Debug)]
pub(super) struct Sessions {
    shared: Mutex<Shared>,
    next_key: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    table: Table<Vec<Record>>,
    bells: HashMap<u64, Arc<Bell>>,
}

/// Wakes a connection.
#[derive(Debug, Default)]
struct Bell(Mutex<(bool, Option<Waker>)>);

/// The place of one connection in the table.
#[derive(Debug)]
pub(super) struct Seat {
    sessions: Arc<Sessions>,
    key: Key,
    /// there is one as soon as the table knows the connection
    bell: Option<Arc<Bell>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // every change is whole before it can panic
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bell {
    fn ring(&self) {
        let mut state = lock(&self.0);
        state.0 = true;
        let waker = state.1.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Whether it rang; if not, the task is woken when it does.
    fn rang(&self, cx: &mut Context<'_>) -> bool {
        let mut state = lock(&self.0);
        if !state.1.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.1 = Some(cx.waker().clone());
        }
        core::mem::take(&mut state.0)
    }
}

impl Shared {
    fn ring(&self, wakes: Wakes) {
        wakes.iter().flatten().filter_map(|key| self.bells.get(&key.0)).for_each(|bell| bell.ring());
    }
}

impl Sessions {
    pub(super) fn new(config: &Config, connections: usize) -> Arc<Self> {
        let records = connections.clamp(RECORDS.0, RECORDS.1);
        // longer than what clients are told (section 3.2.2)
        let timeout = config.session_timeout.saturating_add(config.session_timeout / 4);
        let table = Table::new(vec![Record::FREE; records], timeout);
        let shared = Mutex::new(Shared { table, bells: HashMap::new() });
        Arc::new(Self { shared, next_key: AtomicU64::new(0) })
    }

    pub(super) fn seat(self: &Arc<Self>) -> Seat {
        let key = Key(self.next_key.fetch_add(1, Ordering::Relaxed));
        Seat { sessions: Arc::clone(self), key, bell: None }
    }
}

impl Seat {
    /// Lets the table attend to the connection, if there is something for it; whether anything changed.
    pub(super) fn attend<B, H>(
        &mut self,
        now: Instant,
        cx: &mut Context<'_>,
        driver: &mut Connection<B, H>,
    ) -> bool
    where
        B: AsRef<[u8]> + AsMut<[u8]>,
        H: AsRef<[u8]> + Clone,
    {
        let wanted = driver.wants_session();
        let rang = self.bell.as_ref().is_some_and(|bell| bell.rang(cx));
        if !wanted && !rang {
            return false;
        }
        let mut shared = lock(&self.sessions.shared);
        if self.bell.is_none() {
            let bell = Arc::<Bell>::default();
            // from now on it may ring
            bell.rang(cx);
            shared.bells.insert(self.key.0, Arc::clone(&bell));
            self.bell = Some(bell);
        }
        let wakes = driver.attend(now, self.key, &mut shared.table);
        shared.ring(wakes);
        rang || !driver.wants_session()
    }

    /// The connection is gone.
    pub(super) fn release(&mut self, now: Instant) {
        if self.bell.take().is_some() {
            let mut shared = lock(&self.sessions.shared);
            shared.bells.remove(&self.key.0);
            let wakes = shared.table.released(now, self.key);
            shared.ring(wakes);
        }
    }
}
