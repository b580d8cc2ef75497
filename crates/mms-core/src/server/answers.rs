//! What a connection asks of its host, and what becomes of the answers.

use super::connection::{Asked, Connection};
use super::protocol::{Protocol, Want};
use super::queue::Kind;
use super::staged::{Staged, low};
use super::wish::{Ask, Opened, Refusal, Ticket, Wish};
use crate::error::{Error, Misuse};
use crate::hresult::Hresult;
use crate::time::Instant;

/// Batches of a hasty play are so many times as large.
const HASTY: u32 = 4;

impl<B, H, const N: usize> Connection<B, H, N>
where
    B: AsRef<[u8]> + AsMut<[u8]>,
    H: AsRef<[u8]> + Clone,
{
    /// A wish that was not handed out yet. Answer it with its ticket, now or later.
    pub fn next_wish(&mut self) -> Option<Wish<'_>> {
        let Some(asked) = self.asked.as_mut().filter(|asked| !asked.handed_out) else {
            return self.udp.as_mut()?.next_wish();
        };
        asked.handed_out = true;
        // datagrams that leave faster than they are read come in larger pieces: each costs a way to a thread and back
        let batch_bytes = self.config.batch_bytes.saturating_mul(if self.hasty { HASTY } else { 1 });
        let selection = self.protocol.selection()?;
        let ask = match asked.what {
            Want::Open => {
                let input = self.receive.data();
                let http = match &self.protocol {
                    Protocol::Http(http) => Some(http.request(input)),
                    _ => None,
                };
                Ask::Open { name: self.protocol.name(input)?, http }
            }
            Want::Header { offset, .. } => Ask::Header { offset, max_bytes: batch_bytes },
            Want::Locate { time } => Ask::Locate { time, selection },
            Want::Packets { from, order } => {
                Ask::Packets { from, max_bytes: batch_bytes.max(self.packet_size), selection, order }
            }
            Want::Bytes { from, to } => {
                let left = u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX);
                Ask::Bytes { offset: from, max_bytes: batch_bytes.min(left) }
            }
        };
        Some(Wish { ticket: Ticket(asked.ticket), ask })
    }

    /// The host allows the name. `false`: the wish was withdrawn.
    pub fn opened(&mut self, ticket: Ticket, content: Opened) -> bool {
        if !self.answered(ticket, |what| *what == Want::Open) {
            return false;
        }
        self.packet_size = content.packet_size;
        let result = self.protocol.opened(content);
        self.answer_read(result);
        true
    }

    /// The host refuses the name. `false`: the wish was withdrawn.
    pub fn refused(&mut self, ticket: Ticket, refusal: Refusal) -> bool {
        if !self.answered(ticket, |what| *what == Want::Open) {
            return false;
        }
        let result = self.protocol.refused(refusal);
        self.answer_read(result);
        true
    }

    /// So many bytes of the input were kept for the answer.
    pub(super) fn answer_read(&mut self, result: Result<usize, Error>) {
        match result {
            Ok(consumed) => self.receive.consume(consumed),
            Err(error) => self.fail(error),
        }
    }

    /// Header bytes from the offset that was asked for, as many as the host likes to give, at least one.
    /// `false`: the wish was withdrawn.
    pub fn header(&mut self, ticket: Ticket, bytes: H) -> bool {
        let Some(Asked { what: Want::Header { offset, .. }, .. }) = self.asked else { return false };
        let staged = Staged { kind: Kind::Fragment, handle: bytes, first: offset };
        self.answered(ticket, |what| matches!(what, Want::Header { .. })) && self.stage(staged)
    }

    /// Bytes of the file or text from the offset that was asked for, as many as the host likes to give, at least one.
    /// `false`: the wish was withdrawn.
    pub fn bytes(&mut self, ticket: Ticket, bytes: H) -> bool {
        let Some(Asked { what: Want::Bytes { from, .. }, .. }) = self.asked else { return false };
        let staged = Staged { kind: Kind::Bytes, handle: bytes, first: low(from) };
        self.answered(ticket, |what| matches!(what, Want::Bytes { .. })) && self.stage(staged)
    }

    /// Whole packets, the first of which has the number `first`: the one that was asked for, or a later one
    /// if those between hold nothing for this client; then there may be none at all. When rewinding, an
    /// earlier one. `false`: the wish was withdrawn.
    pub fn packets(&mut self, ticket: Ticket, first: u32, packets: H) -> bool {
        let mut staged = Staged { kind: Kind::Packet, handle: packets, first };
        if let Some(udp) = &mut self.udp {
            match udp.answered(ticket, Some(staged)) {
                Err(Some(other)) => staged = other,
                _ => return true,
            }
        }
        let Some(Asked { what: Want::Packets { from, .. }, .. }) = self.asked else { return false };
        if !self.answered(ticket, |what| matches!(what, Want::Packets { .. })) {
            return false;
        }
        if first > from {
            // there may be none
            self.push_staged(staged);
            return true;
        }
        self.stage(staged)
    }

    /// No packet follows what was delivered. `false`: the wish was withdrawn.
    pub fn ended(&mut self, ticket: Ticket) -> bool {
        if self.udp.as_mut().is_some_and(|udp| udp.answered(ticket, None).is_ok()) {
            return true;
        }
        let answered = self.answered(ticket, |what| matches!(what, Want::Packets { .. }));
        self.no_more |= answered;
        answered
    }

    /// The packet of a time. `false`: the wish was withdrawn.
    pub fn located(&mut self, ticket: Ticket, packet: u32) -> bool {
        if !self.answered(ticket, |what| matches!(what, Want::Locate { .. })) {
            return false;
        }
        if let Err(error) = self.protocol.located(packet) {
            self.fail(error);
        }
        true
    }

    /// The host cannot give what was asked for. `false`: the wish was withdrawn.
    pub fn failed(&mut self, now: Instant, ticket: Ticket, hr: Hresult) -> bool {
        if self.udp.as_mut().is_some_and(|udp| udp.answered(ticket, None).is_ok()) {
            return true;
        }
        if self.asked.is_some_and(|asked| asked.what == Want::Open) {
            return self.refused(ticket, Refusal(hr));
        }
        if !self.answered(ticket, |_| true) {
            return false;
        }
        self.protocol.content_failed(now, hr);
        true
    }

    /// The server is full, and the client is only told so: HTTP gets a 503 for its first request, whatever that asks for, and MMS
    /// a refusal with `NS_E_MAX_CLIENTS`; then the connection ends. Nothing is wished for and no event is raised. All of it may take as
    /// long as [`sniff_timeout`](super::Config::sniff_timeout) and no longer. To be called before the first step.
    pub fn turn_away(&mut self) {
        self.turned_away = true;
    }

    // ---- helpers

    pub(super) fn answered(&mut self, ticket: Ticket, fits: impl FnOnce(&Want) -> bool) -> bool {
        match self.asked {
            Some(Asked { ticket: raised, what, .. }) if raised == ticket.0 && fits(&what) => {
                self.asked = None;
                true
            }
            _ => false,
        }
    }

    /// Keeps what the host delivered; nothing is no answer.
    fn stage(&mut self, staged: Staged<H>) -> bool {
        if staged.handle.as_ref().is_empty() {
            self.fail(Error::ApiMisuse(Misuse::OutOfRange));
        } else {
            self.push_staged(staged);
        }
        true
    }

    fn push_staged(&mut self, staged: Staged<H>) {
        if self.staged.is_none() {
            self.staged = Some(staged);
        } else {
            self.next = Some(staged);
        }
    }
}
