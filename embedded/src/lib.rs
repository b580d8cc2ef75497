//! What both programs need: how they end, and a client that checks what it gets.
#![no_std]
#![forbid(unsafe_code)]

use core::net::SocketAddr;
use core::panic::PanicInfo;

use cortex_m_semihosting::debug::{EXIT_FAILURE, EXIT_SUCCESS, exit};
use mms_core::client::{Client, Event, FileBytes, SocketId, Step};
use mms_core::time::Instant;

/// The URL that is fetched.
pub const URL: &str = "mmst://192.0.2.1/content.wmv";
/// Bytes of storage in each direction: a packet of this content fits.
pub const STORAGE: usize = 4096;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    end(false)
}

/// Ends qemu with an exit status.
pub fn end(is_good: bool) -> ! {
    loop {
        exit(if is_good { EXIT_SUCCESS } else { EXIT_FAILURE });
    }
}

/// Bytes under way in one direction.
#[derive(Clone, Debug)]
pub struct Wire {
    bytes: [u8; 2048],
    len: usize,
}

impl Wire {
    /// Nothing under way.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; 2048], len: 0 }
    }

    /// Takes as much as there is room for and says how much.
    pub fn put(&mut self, bytes: &[u8]) -> usize {
        let room = self.bytes.get_mut(self.len..).unwrap_or_default();
        let count = room.len().min(bytes.len());
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.len += count;
        count
    }

    /// Gives as much as fits and says how much.
    pub fn take(&mut self, space: &mut [u8]) -> usize {
        let count = self.len.min(space.len());
        for (to, from) in space.iter_mut().zip(self.bytes.iter()).take(count) {
            *to = *from;
        }
        self.bytes.copy_within(count..self.len, 0);
        self.len -= count;
        count
    }
}

impl Default for Wire {
    fn default() -> Self {
        Self::new()
    }
}

/// A client that compares what it gets with what it should get.
#[derive(Debug)]
pub struct Fetch<'a> {
    /// The driver.
    pub driver: Client<&'a mut [u8]>,
    bytes: FileBytes,
    expected: &'a [u8],
    /// Bytes of the file that came and were right.
    pub received: usize,
}

impl<'a> Fetch<'a> {
    /// A client that expects these bytes.
    #[must_use]
    pub fn new(driver: Client<&'a mut [u8]>, expected: &'a [u8]) -> Self {
        Self { driver, bytes: FileBytes::default(), expected, received: 0 }
    }

    /// Does what can be done now. `read` fills in what came, or says that no more will come; `write` takes
    /// what is to be sent. `false` when all is over.
    pub fn turn(
        &mut self,
        now: Instant,
        read: impl FnOnce(&mut [u8]) -> Option<usize>,
        write: impl FnOnce(&[u8]) -> usize,
    ) -> bool {
        let id = SocketId::CONTROL;
        match self.driver.step(now) {
            Step::Connect(id) => self.driver.connected(id, SocketAddr::from(([192, 0, 2, 2], 40_000))),
            Step::Close(_) => {}
            Step::Event => self.compare(),
            Step::Wait { read: reads, write: writes, .. } => {
                if reads.contains(id) {
                    match read(self.driver.space(id)) {
                        Some(count) => self.driver.filled(id, count),
                        None => self.driver.end_of_stream(id),
                    }
                }
                if writes.contains(id) {
                    let count = write(self.driver.pending(id));
                    self.driver.written(id, count);
                }
            }
            Step::Done => return false,
            // there is no more storage, and no other step is known
            _ => self.driver.no_progress(),
        }
        true
    }

    fn compare(&mut self) {
        let Some(event) = self.driver.event() else { return };
        if !matches!(event, Event::HeaderPart { .. } | Event::Packet { .. }) {
            return;
        }
        let size = self.driver.header().map_or(0, |header| header.packet_size());
        let mut part = [0; 256];
        while let Ok(count @ 1..) = self.bytes.read(&event, size, None, &mut part) {
            let end = self.received + count;
            if self.expected.get(self.received..end) != part.get(..count) {
                end_of_comparison();
            }
            self.received = end;
        }
    }

    /// Whether everything came and nothing failed.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.driver.error().is_none() && self.received == self.expected.len()
    }
}

fn end_of_comparison() -> ! {
    end(false)
}
