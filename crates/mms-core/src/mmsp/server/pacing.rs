//! The clock of the media: which packet is due when, and where the stream stops.

use core::time::Duration;

use super::config::Pace;
use crate::time::Instant;

/// A step between send times that is longer is taken for a fault of the file, not for a pause.
const LONGEST_GAP: u64 = 60_000;

/// Where StartPlaying wants the stream to stop (`frameOffset`, section 2.2.4.25).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum StopAt {
    /// At this send time, in ms.
    Time(u32),
    /// So many ms after the first packet's send time.
    AfterStart(u32),
}

impl StopAt {
    /// What `frameOffset` means. `no_limit`: the values that real clients send for "to the end" mean that.
    pub(super) fn new(frame_offset: u32, no_limit: bool) -> Option<Self> {
        match frame_offset {
            0 => None,
            0x00FF_FFFF | 0x7FFF_FFFF | 0xFFFF_FFFF if no_limit => None,
            relative if relative & 0x8000_0000 != 0 => Some(Self::AfterStart(relative & 0x7FFF_FFFF)),
            absolute => Some(Self::Time(absolute)),
        }
    }
}

/// The first packet since playing started.
#[derive(Clone, Copy, Debug)]
struct Start {
    at: Instant,
    send_time_ms: u32,
    number: u32,
}

/// Media time against the host's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    start: Option<Start>,
    last_send_ms: u32,
    media_ms: u64,
    /// content that goes out ahead of its time
    burst_micros: u64,
    /// thousandths of the normal rate; striding is faster
    rate: u32,
    backward: bool,
    /// when the ceiling of the bit rate allows the next packet
    rate_free: Instant,
}

impl Pacing {
    pub(crate) fn new() -> Self {
        Self {
            start: None,
            last_send_ms: 0,
            media_ms: 0,
            burst_micros: 0,
            rate: 1000,
            backward: false,
            rate_free: Instant::ZERO,
        }
    }

    /// Playing starts anew with the next packet.
    pub(crate) fn restart(&mut self, burst: Duration) {
        self.start = None;
        self.burst_micros = u64::try_from(burst.as_micros()).unwrap_or(u64::MAX);
        self.rate = 1000;
        self.backward = false;
    }

    /// Striding starts with the next packet, at so many thousandths of the normal rate.
    pub(crate) fn restart_striding(&mut self, rate: u32, backward: bool) {
        self.restart(Duration::ZERO);
        self.rate = rate;
        self.backward = backward;
    }

    /// Whether a packet was sent since playing started.
    #[inline]
    pub(crate) fn has_started(&self) -> bool {
        self.start.is_some()
    }

    /// Number of the first packet since playing started.
    #[inline]
    pub(crate) fn first(&self) -> Option<u32> {
        self.start.map(|start| start.number)
    }

    /// When a packet with this send time may be sent.
    #[inline]
    pub(crate) fn due(&self, pace: Pace, send_time_ms: u32) -> Instant {
        let (Pace::PerMille(rate), Some(start)) = (pace, self.start) else { return self.rate_free };
        let media = self.media_at(send_time_ms);
        let rate = u64::from(rate).saturating_mul(u64::from(self.rate)) / 1000;
        let micros = media.saturating_mul(1_000_000).checked_div(rate).unwrap_or(u64::MAX);
        let at = start.at.as_micros().saturating_add(micros).saturating_sub(self.burst_micros);
        Instant::from_micros(at).max(self.rate_free)
    }

    /// A packet is sent now.
    #[inline]
    pub(crate) fn sent(
        &mut self,
        now: Instant,
        number: u32,
        send_time_ms: u32,
        len: u16,
        ceiling: Option<u64>,
    ) {
        if self.start.is_none() {
            self.start = Some(Start { at: now, send_time_ms, number });
            self.last_send_ms = send_time_ms;
            self.media_ms = 0;
        }
        self.media_ms = self.media_at(send_time_ms);
        self.last_send_ms = send_time_ms;
        if let Some(rate) = ceiling {
            let micros = u64::from(len).saturating_mul(8_000_000).checked_div(rate).unwrap_or(0);
            self.rate_free = self.rate_free.max(now).after(Duration::from_micros(micros));
        }
    }

    /// Whether a packet with this send time lies at or behind the stop position.
    #[inline]
    pub(crate) fn is_behind(&self, stop: Option<StopAt>, send_time_ms: u32) -> bool {
        match (stop, self.start) {
            (Some(StopAt::Time(stop)), _) => send_time_ms >= stop,
            (Some(StopAt::AfterStart(after)), Some(start)) => {
                send_time_ms >= start.send_time_ms.saturating_add(after)
            }
            _ => false,
        }
    }

    /// Media time since the start; send times that go back or jump count as nothing, and they may wrap.
    #[inline]
    fn media_at(&self, send_time_ms: u32) -> u64 {
        let (earlier, later) =
            if self.backward { (send_time_ms, self.last_send_ms) } else { (self.last_send_ms, send_time_ms) };
        let step = u64::from(later.wrapping_sub(earlier));
        if step > LONGEST_GAP { self.media_ms } else { self.media_ms.saturating_add(step) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Sends packets of 1000 bytes as they become due and returns when each was sent, in ms after the first.
    fn sent_at<const N: usize>(
        pace: Pace,
        burst: Duration,
        ceiling: Option<u64>,
        times: [u32; N],
    ) -> [u64; N] {
        let start = Instant::from_millis(7_000);
        let (mut pacing, mut now, mut number) = (Pacing::new(), start, 0);
        pacing.restart(burst);
        times.map(|time| {
            now = now.max(pacing.due(pace, time));
            pacing.sent(now, number, time, 1000, ceiling);
            number += 1;
            u64::try_from(now.since(start).as_millis()).unwrap()
        })
    }

    #[test]
    fn packets_go_out_at_their_send_times() {
        let times = [5_000, 5_500, 7_000];
        assert_eq!(sent_at(Pace::REALTIME, Duration::ZERO, None, times), [0, 500, 2_000]);
        assert_eq!(sent_at(Pace::PerMille(2000), Duration::ZERO, None, times), [0, 250, 1_000]);
        assert_eq!(sent_at(Pace::PerMille(500), Duration::ZERO, None, times), [0, 1_000, 4_000]);
        assert_eq!(sent_at(Pace::Off, Duration::ZERO, None, times), [0, 0, 0]);
    }

    #[test]
    fn the_burst_goes_out_at_once_and_pacing_keeps_that_lead() {
        let times = [0, 900, 1_000, 1_500, 3_000];
        assert_eq!(sent_at(Pace::REALTIME, SECOND, None, times), [0, 0, 0, 500, 2_000]);
    }

    #[test]
    fn a_rate_ceiling_holds_even_without_pacing_and_in_the_burst() {
        // 1000 bytes at 80 kbit/s take 100 ms
        assert_eq!(sent_at(Pace::Off, Duration::ZERO, Some(80_000), [0, 0, 0]), [0, 100, 200]);
        assert_eq!(sent_at(Pace::REALTIME, SECOND, Some(80_000), [0, 0, 2_000]), [0, 100, 1_000]);
        assert_eq!(sent_at(Pace::Off, Duration::ZERO, Some(0), [0, 0]), [0, 0], "no division by zero");
    }

    #[test]
    fn send_times_that_go_back_or_jump_cost_no_time_and_may_wrap() {
        let back = [100_000, 100_500, 0, 500, 1_000];
        assert_eq!(sent_at(Pace::REALTIME, Duration::ZERO, None, back), [0, 500, 500, 1_000, 1_500]);
        let jump = [0, 500, 5_000_000, 5_000_500];
        assert_eq!(sent_at(Pace::REALTIME, Duration::ZERO, None, jump), [0, 500, 500, 1_000]);
        let wrap = [u32::MAX - 499, 0, 500];
        assert_eq!(sent_at(Pace::REALTIME, Duration::ZERO, None, wrap), [0, 500, 1_000]);
    }

    #[test]
    fn rewinding_counts_time_backward_and_striding_counts_it_faster() {
        let mut pacing = Pacing::new();
        pacing.restart_striding(5000, true);
        // two packets of a key frame, then one of the key frame 5 s before
        for (time, due) in [(60_000, 0), (60_200, 0), (55_000, 1_000), (50_000, 2_000)] {
            let at = pacing.due(Pace::REALTIME, time).max(Instant::from_millis(1));
            assert!(at.since(Instant::ZERO).as_millis().abs_diff(due) <= 50, "{time}: {at:?}");
            pacing.sent(at, 0, time, 1000, None);
        }
    }

    #[test]
    fn a_rate_of_nothing_never_sends_the_second_packet() {
        let mut pacing = Pacing::new();
        pacing.sent(Instant::ZERO, 0, 0, 1, None);
        assert_eq!(pacing.due(Pace::PerMille(0), 1), Instant::MAX);
    }

    #[test]
    fn frame_offset_is_absolute_or_relative_or_no_limit() {
        for no_limit in [true, false] {
            assert_eq!(StopAt::new(0, no_limit), None);
            assert_eq!(StopAt::new(5_000, no_limit), Some(StopAt::Time(5_000)));
            assert_eq!(StopAt::new(0x8000_1388, no_limit), Some(StopAt::AfterStart(5_000)));
        }
        assert_eq!(StopAt::new(0x00FF_FFFF, true), None);
        assert_eq!(StopAt::new(0x7FFF_FFFF, true), None);
        assert_eq!(StopAt::new(0xFFFF_FFFF, true), None);
        assert_eq!(StopAt::new(0x00FF_FFFF, false), Some(StopAt::Time(0x00FF_FFFF)));
        assert_eq!(StopAt::new(0xFFFF_FFFF, false), Some(StopAt::AfterStart(0x7FFF_FFFF)));
    }

    #[test]
    fn a_relative_stop_counts_from_the_first_packet_sent() {
        let mut pacing = Pacing::new();
        let stop = Some(StopAt::AfterStart(1_000));
        assert!(!pacing.is_behind(stop, u32::MAX), "nothing was sent yet");
        pacing.sent(Instant::ZERO, 0, 60_000, 1, None);
        assert!(!pacing.is_behind(stop, 60_999) && pacing.is_behind(stop, 61_000));
        assert!(pacing.is_behind(Some(StopAt::Time(60_000)), 60_000));
        assert!(!pacing.is_behind(None, u32::MAX));
    }
}
