//! What another thread may want of a loop that waits.

use core::sync::atomic::{AtomicBool, Ordering};
use std::io;
use std::sync::Arc;

use mio::{Registry, Token, Waker};

/// A wish to end, which wakes the loop. Clones are the same bell.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Arc<(AtomicBool, Waker)>);

impl Bell {
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Self(Arc::new((AtomicBool::new(false), Waker::new(registry, token)?))))
    }

    pub(crate) fn ring(&self) {
        self.0.0.store(true, Ordering::Release);
        self.wake();
    }

    /// Wakes the loop without a wish.
    pub(crate) fn wake(&self) {
        // a loop that cannot be woken looks at its next turn
        let _ = self.0.1.wake();
    }

    pub(crate) fn has_rung(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }
}
