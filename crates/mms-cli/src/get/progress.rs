//! The progress bar, on a terminal only.

use core::time::Duration;
use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::exit::line;
use crate::text::{printable, seconds};

/// Shows bytes, media time, rate and the time left.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    is_hidden: bool,
    media_in_all: Option<Duration>,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let is_shown = !quiet && stderr().is_terminal();
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style("{spinner} {msg}"));
        bar.set_message("connecting");
        bar.tick();
        // asking the bar takes a lock, which is too much for each packet
        let is_hidden = bar.is_hidden();
        Self { bar, is_hidden, media_in_all: None }
    }

    /// Media begins; bytes and media time in all, if they are known.
    pub(crate) fn begin(&mut self, bytes: Option<u64>, media: Option<Duration>) {
        self.media_in_all = media;
        match bytes {
            Some(bytes) => {
                self.bar.set_length(bytes);
                self.bar
                    .set_style(style("{wide_bar} {bytes}/{total_bytes}  {msg}  {bytes_per_sec}  {eta} left"));
            }
            None => self.bar.set_style(style("{spinner} {bytes}  {msg}  {bytes_per_sec}")),
        }
        self.bar.set_message("");
        self.bar.reset_eta();
    }

    /// So much is there.
    pub(crate) fn show(&self, bytes: u64, media: Duration) {
        if self.is_hidden {
            return;
        }
        self.bar.set_message(match self.media_in_all {
            Some(all) => format!("{} of {}", seconds(media), seconds(all)),
            None => seconds(media),
        });
        self.bar.set_position(bytes);
    }

    /// A line for people, above the bar.
    pub(crate) fn say(&self, text: &str) {
        self.bar.suspend(|| line(&printable(text)));
    }

    /// Leaves the line to others.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_valid() {
        for template in [
            "{spinner} {msg}",
            "{wide_bar} {bytes}/{total_bytes}  {msg}  {bytes_per_sec}  {eta} left",
            "{spinner} {bytes}  {msg}  {bytes_per_sec}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
