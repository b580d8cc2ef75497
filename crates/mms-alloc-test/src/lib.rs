//! A counting allocator for tests; never published.
//!
//! It counts for each thread, so tests that run side by side do not disturb each other. Memory that one thread
//! allocates and another frees is counted where it happens.
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: mms_alloc_test::Counting = mms_alloc_test::Counting;
//!
//! let (vec, heap) = mms_alloc_test::measure(|| vec![0_u8; 100]);
//! assert_eq!((heap.allocations, heap.live, heap.peak), (1, 100, 100));
//! let (_, heap) = mms_alloc_test::measure(|| drop(vec));
//! assert_eq!((heap.allocations, heap.live, heap.peak), (0, -100, 0));
//! ```
#![warn(missing_docs, missing_debug_implementations, clippy::undocumented_unsafe_blocks)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

/// What a piece of work did to the heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heap {
    /// Allocations and reallocations.
    pub allocations: u64,
    /// Bytes that live longer than before; negative if more was freed.
    pub live: isize,
    /// The most bytes that lived at one time, against the beginning.
    pub peak: isize,
}

thread_local! {
    // `const` and without a destructor: using them never allocates.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(allocations: u64, freed: usize, taken: usize) {
    // while a thread ends its cells may be gone; nothing is measured then
    let _ = ALLOCATIONS.try_with(|cell| cell.set(cell.get().wrapping_add(allocations)));
    let change = (taken as isize).wrapping_sub(freed as isize);
    let live = LIVE.try_with(|cell| {
        cell.set(cell.get().wrapping_add(change));
        cell.get()
    });
    if let Ok(live) = live {
        let _ = PEAK.try_with(|cell| cell.set(cell.get().max(live)));
    }
}

// SAFETY: every call goes unchanged to the system's allocator, which keeps the contract; counting neither
// allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that `System` wants.
        let place = unsafe { System.alloc(layout) };
        if !place.is_null() {
            count(1, 0, layout.size());
        }
        place
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let place = unsafe { System.alloc_zeroed(layout) };
        if !place.is_null() {
            count(1, 0, layout.size());
        }
        place
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) };
        count(0, layout.size(), 0);
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        let place = unsafe { System.realloc(place, layout, size) };
        if !place.is_null() {
            count(1, layout.size(), size);
        }
        place
    }
}

/// Does the work and says what this thread did to the heap meanwhile. Calls may be nested.
///
/// Without [`Counting`] as the global allocator every number is 0: see [`is_counting`].
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Heap) {
    let (allocations, live, outer) = (ALLOCATIONS.get(), LIVE.get(), PEAK.get());
    PEAK.set(live);
    let result = work();
    let heap = Heap {
        allocations: ALLOCATIONS.get().wrapping_sub(allocations),
        live: LIVE.get().wrapping_sub(live),
        peak: PEAK.get().wrapping_sub(live),
    };
    PEAK.set(outer.max(PEAK.get()));
    (result, heap)
}

/// Whether allocations are counted at all, so that a test which finds none can say that it looked.
#[must_use]
pub fn is_counting() -> bool {
    measure(|| drop(std::hint::black_box(Box::new(0_u64)))).1.allocations == 1
}

/// Adds up several pieces of work that belong together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    total: Heap,
}

impl Meter {
    /// Measures one more piece of work.
    pub fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (result, heap) = measure(work);
        self.total.peak = self.total.peak.max(self.total.live.wrapping_add(heap.peak));
        self.total.live = self.total.live.wrapping_add(heap.live);
        self.total.allocations = self.total.allocations.wrapping_add(heap.allocations);
        result
    }

    /// What all pieces did together.
    #[must_use]
    pub fn heap(&self) -> Heap {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    #[test]
    fn a_planted_allocation_is_seen() {
        assert!(is_counting());
        let (kept, heap) = measure(|| {
            drop(std::hint::black_box(vec![0_u8; 500]));
            vec![1_u8; 300]
        });
        assert_eq!(heap, Heap { allocations: 2, live: 300, peak: 500 });
        let (_, heap) = measure(|| drop(kept));
        assert_eq!(heap, Heap { allocations: 0, live: -300, peak: 0 });
    }

    #[test]
    fn growing_counts_as_an_allocation() {
        let mut vec = Vec::with_capacity(10);
        let ((), heap) = measure(|| vec.extend([0_u8; 10]));
        assert_eq!(heap.allocations, 0);
        let ((), heap) = measure(|| vec.reserve_exact(90));
        assert_eq!((heap.allocations, heap.live), (1, 90));
    }

    #[test]
    fn other_threads_are_not_counted() {
        let worker = std::thread::spawn(|| {
            std::thread::park();
            std::hint::black_box(vec![0_u8; 1 << 20]).len()
        });
        let ((), heap) = measure(|| {
            worker.thread().unpark();
            while !worker.is_finished() {
                std::hint::spin_loop();
            }
        });
        assert_eq!(heap, Heap::default());
        assert_eq!(worker.join().ok(), Some(1 << 20));
    }

    #[test]
    fn a_meter_adds_up() {
        let mut meter = Meter::default();
        let first = meter.measure(|| vec![0_u8; 100]);
        let second = meter.measure(|| vec![0_u8; 50]);
        meter.measure(|| drop(first));
        let third = meter.measure(|| vec![0_u8; 20]);
        assert_eq!(meter.heap(), Heap { allocations: 3, live: 70, peak: 150 });
        drop((second, third));
    }
}
