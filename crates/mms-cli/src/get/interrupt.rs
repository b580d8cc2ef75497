//! Ctrl-C: the first ends the session in order, the second ends at once.

use core::time::Duration;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mms_std::Closer;

use crate::exit::{Failure, Kind};

/// Wrappers such as timeout(1) pass one signal on twice; only a later one is a second wish.
pub(crate) const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// Listens for signals.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    since: Option<Instant>,
    closer: Option<Closer>,
    temporary: Option<PathBuf>,
}

impl Interrupt {
    /// From now on signals are handled here.
    pub(crate) fn install() -> Result<Self, Failure> {
        let interrupt = Self(Arc::default());
        let handler = interrupt.clone();
        ctrlc::set_handler(move || handler.signal())
            .map_err(|error| Failure::new(Kind::Local, format!("signals cannot be handled: {error}")))?;
        Ok(interrupt)
    }

    /// A file that must not stay behind when all ends at once.
    pub(crate) fn guard(&self, temporary: Option<PathBuf>) {
        self.state().temporary = temporary;
    }

    /// A session that can be ended in order.
    pub(crate) fn arm(&self, closer: Closer) {
        let mut state = self.state();
        if state.since.is_some() {
            // the signal came between two sessions
            closer.close();
        }
        state.closer = Some(closer);
    }

    /// Whether a signal came.
    pub(crate) fn is_raised(&self) -> bool {
        self.state().since.is_some()
    }

    fn signal(&self) {
        let mut state = self.state();
        let now = Instant::now();
        let since = *state.since.get_or_insert(now);
        match &state.closer {
            Some(closer) if since == now => closer.close(),
            Some(_) if now.duration_since(since) < SAME_SIGNAL => {}
            _ => {
                if let Some(path) = state.temporary.take() {
                    drop(std::fs::remove_file(path));
                }
                std::process::exit(i32::from(Kind::Interrupted.code()));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
