//! Asking for lost packets (sections 2.2.5 and 3.1.4.7).

use super::receiver::Receiver;
use super::statistics::bump;
use super::window::{Row, State};
use crate::error::BufferTooSmall;
use crate::mmsp::wire::{RequestPacketListResend, Sequences};
use crate::time::Instant;

/// Requests that were repeated in vain before the numbers are taken to be the wrong ones (OPEN-9).
const WRONG_NUMBERS: u32 = 4;

/// Numbers of one datagram.
#[derive(Debug, Default)]
struct Batch {
    numbers: [u64; Sequences::MAX],
    len: usize,
}

impl Batch {
    fn push(&mut self, number: u64) -> bool {
        let Some(place) = self.numbers.get_mut(self.len) else { return false };
        *place = number;
        self.len = self.len.saturating_add(1);
        true
    }

    fn as_slice(&self) -> &[u64] {
        self.numbers.get(..self.len).unwrap_or_default()
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Receiver<B> {
    /// Writes a request for lost packets that is due into `out` and returns its length; `None` if none is
    /// due. It goes to the server's UDP port with the number of its TCP port. Call it until it returns
    /// `None`.
    ///
    /// # Errors
    /// `out` has fewer than [`RequestPacketListResend::MAX_LEN`] bytes; nothing changed.
    pub fn poll_resend(
        &mut self,
        now: Instant,
        client_id: u32,
        source_id: u16,
        out: &mut [u8],
    ) -> Result<Option<usize>, BufferTooSmall> {
        if out.len() < RequestPacketListResend::MAX_LEN {
            return Err(BufferTooSmall { needed: RequestPacketListResend::MAX_LEN });
        }
        if !self.resend || now < self.next_look {
            return Ok(None);
        }
        let batch = self.look(now);
        let mut numbers = [0; Sequences::MAX];
        for (number, sequence) in numbers.iter_mut().zip(batch.as_slice()) {
            *number = self.counter.on_wire(*sequence);
        }
        let numbers = numbers.get(..batch.len).unwrap_or_default();
        let Some(sequences) = Sequences::new(numbers) else { return Ok(None) };
        let len = RequestPacketListResend { client_id, source_id, sequences }.encode(out)?;
        bump(&mut self.statistics.request_datagrams);
        let mut repeated = false;
        for sequence in batch.as_slice() {
            repeated |= self.asked(now, *sequence);
        }
        if repeated && !self.answered {
            self.in_vain();
        }
        Ok(Some(len))
    }

    /// Looks through the window for numbers to ask for, and notes when to look again.
    fn look(&mut self, now: Instant) -> Batch {
        let mut batch = Batch::default();
        let mut next = Instant::MAX;
        let mut waiting = 0_usize;
        // What finds no slot is not asked for; one slot is always kept for what comes next.
        let mut room = self.window.free().saturating_add(1);
        self.undeclared = None;
        let end = self.high.min(self.head.saturating_add(self.window.span()));
        for sequence in self.head..end {
            let row = self.window.row(sequence);
            if row.state != State::Missing {
                continue;
            }
            let Some(left) = room.checked_sub(1) else { break };
            room = left;
            let Some(due) = self.due(now, sequence, row) else { continue };
            if due > now {
                waiting = waiting.saturating_add(usize::from(row.requests > 0));
                next = next.min(due);
                continue;
            }
            if waiting.saturating_add(batch.len) >= self.config.outstanding {
                break;
            }
            if batch.len == Sequences::MAX {
                next = now;
                break;
            }
            // without money this one waits for the next loss to pay in
            if self.pool.spend() {
                batch.push(sequence);
                next = next.min(now.after(self.trip.spacing()));
            }
        }
        self.next_look = next;
        batch
    }

    /// When a missing packet must be asked for; `None` if it is too late for it.
    fn due(&mut self, now: Instant, sequence: u64, row: Row) -> Option<Instant> {
        if now >= row.since.after(self.config.patience) {
            return None;
        }
        if !row.declared {
            // behind the last one that came, packets may still be under way as long as others come
            let tail = sequence >= self.counter.next;
            let since = if tail { row.since.max(self.last_arrival) } else { row.since };
            let lost_at = since.after(self.config.reorder_time);
            let later = self.advances.wrapping_sub(row.advance).saturating_add(1);
            if now < lost_at && (tail || later < self.config.reorder_packets) {
                self.undeclared.get_or_insert(row.advance);
                return Some(lost_at);
            }
            self.pool.pay_in(self.config.tenths_per_loss);
            self.window.set(sequence, &Row { declared: true, ..row });
        }
        if row.requests == 0 { Some(now) } else { Some(row.asked.after(self.trip.spacing())) }
    }

    /// Notes a request; true if there was one before it.
    fn asked(&mut self, now: Instant, sequence: u64) -> bool {
        let row = self.window.row(sequence);
        let requests = row.requests.saturating_add(1);
        self.window.set(sequence, &Row { requests, asked: now, ..row });
        bump(&mut self.statistics.resend_requests);
        row.requests > 0
    }

    /// A request had to be repeated, and none of the session was answered so far.
    fn in_vain(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
        if self.unanswered >= self.config.unanswered {
            // a server without resends: waiting for it would only delay what comes
            self.resend = false;
        } else if self.unanswered.checked_rem(WRONG_NUMBERS) == Some(0) {
            self.counter.try_other_offset();
        }
    }
}
