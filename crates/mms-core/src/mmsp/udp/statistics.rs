//! What the Logging message says about reception (section 2.2.1.1).

use core::time::Duration;

use crate::time::Instant;

/// What a receiver has seen since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Different ASF data packets received (`dwPacketsReceived`).
    pub packets_received: u64,
    /// Bytes of their payloads (`qwBytesReceived`).
    pub bytes_received: u64,
    /// Packets whose first copy was lost or came too late (`dwPacketsLostNet`).
    pub packets_lost_net: u64,
    /// Longest run of these (`dwPacketsLostContNet`).
    pub packets_lost_cont_net: u64,
    /// Numbers asked for, each time counted (`dwResendRequests`).
    pub resend_requests: u64,
    /// Packets that came after they were asked for (`dwPacketsRecoveredResent`).
    pub packets_recovered_resent: u64,
    /// Packets that had been sent again, with those that came twice (`dwPacketsResent`).
    pub packets_resent: u64,
    /// Packets never received (`dwPacketsLostClient`).
    pub packets_lost_client: u64,
    /// Worst percentage received or recovered within 30 s (`dwMinReceptionQuality`).
    pub min_reception_quality: u32,
    /// Datagrams with requests.
    pub request_datagrams: u64,
    /// Copies of packets that were there already.
    pub duplicates: u64,
    /// Datagrams of another incarnation, late header fragments among them.
    pub stale: u64,
    /// Datagrams that are no Data packet of this content.
    pub foreign: u64,
    /// Packets that came when there was no slot for them, and must be asked for.
    pub no_room: u64,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            packets_received: 0,
            bytes_received: 0,
            packets_lost_net: 0,
            packets_lost_cont_net: 0,
            resend_requests: 0,
            packets_recovered_resent: 0,
            packets_resent: 0,
            packets_lost_client: 0,
            min_reception_quality: 100,
            request_datagrams: 0,
            duplicates: 0,
            stale: 0,
            foreign: 0,
            no_room: 0,
        }
    }
}

impl Statistics {
    /// What came after `earlier`; the longest run and the worst quality are those of all.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        let mut later = self;
        for (count, before) in [
            (&mut later.packets_received, earlier.packets_received),
            (&mut later.bytes_received, earlier.bytes_received),
            (&mut later.packets_lost_net, earlier.packets_lost_net),
            (&mut later.resend_requests, earlier.resend_requests),
            (&mut later.packets_recovered_resent, earlier.packets_recovered_resent),
            (&mut later.packets_resent, earlier.packets_resent),
            (&mut later.packets_lost_client, earlier.packets_lost_client),
            (&mut later.request_datagrams, earlier.request_datagrams),
            (&mut later.duplicates, earlier.duplicates),
            (&mut later.stale, earlier.stale),
            (&mut later.foreign, earlier.foreign),
            (&mut later.no_room, earlier.no_room),
        ] {
            *count = count.saturating_sub(before);
        }
        later
    }
}

pub(super) fn bump(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

const QUALITY_WINDOW: Duration = Duration::from_secs(30);

/// Counts what came and what did not, in windows of 30 s.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quality {
    since: Instant,
    came: u64,
    lost: u64,
}

impl Quality {
    /// `came` packets came and `lost` were given up; returns the worst percentage so far.
    pub(super) fn count(&mut self, now: Instant, came: u64, lost: u64, worst: u32) -> u32 {
        let worst = if now.since(self.since) >= QUALITY_WINDOW {
            let worst = worst.min(self.percent());
            *self = Self { since: now, came: 0, lost: 0 };
            worst
        } else {
            worst
        };
        self.came = self.came.saturating_add(came);
        self.lost = self.lost.saturating_add(lost);
        worst
    }

    /// The percentage of the window that runs.
    pub(super) fn percent(&self) -> u32 {
        let all = self.came.saturating_add(self.lost);
        let percent = self.came.saturating_mul(100).checked_div(all).unwrap_or(100);
        u32::try_from(percent).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_half_minute_decides_the_quality() {
        let mut quality = Quality::default();
        let at = Instant::from_millis;
        assert_eq!(quality.count(at(0), 9, 1, 100), 100);
        assert_eq!(quality.count(at(30_000), 100, 0, 100), 90);
        assert_eq!(quality.percent(), 100);
        assert_eq!(quality.count(at(60_000), 0, 0, 90), 90);
    }
}
