//! A host in memory that tells what it saw.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mms_core::hresult::Hresult;
use mms_media::{Answer, Ended, Host, Query, Question};

use crate::content::{Content, Slice};

/// Publishes one content under every name; a name with "missing" is refused, one with "panic" panics.
#[derive(Debug)]
pub struct Memory {
    content: Content,
    endless: bool,
    log: Arc<Log>,
    plays: bool,
}

/// What the hosts of all connections saw.
#[derive(Debug, Default)]
pub struct Log {
    playing: AtomicUsize,
    peak: AtomicUsize,
    batches: AtomicUsize,
    ended: Mutex<Vec<Ended>>,
}

impl Log {
    /// Most connections that had asked for packets at a time.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Acquire)
    }

    /// Batches of packets given out.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.batches.load(Ordering::Acquire)
    }

    /// The connections that ended.
    #[must_use]
    pub fn ended(&self) -> Vec<Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Memory {
    /// A host of this content.
    #[must_use]
    pub fn new(content: Content) -> Self {
        Self { content, endless: false, log: Arc::default(), plays: false }
    }

    /// Gives the first packet again and again.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.endless = true;
        self
    }

    /// What was seen so far, by all clones.
    #[must_use]
    pub fn log(&self) -> Arc<Log> {
        Arc::clone(&self.log)
    }
}

impl Clone for Memory {
    fn clone(&self) -> Self {
        let (content, log) = (self.content.clone(), self.log());
        Self { content, endless: self.endless, log, plays: false }
    }
}

impl Host for Memory {
    type Packets = Slice;

    fn answer(&mut self, question: Question) -> Answer<Slice> {
        match question.query().clone() {
            Query::Open { name, .. } if name.contains("missing") => {
                question.refused(Hresult::NS_E_FILE_NOT_FOUND)
            }
            Query::Open { name, .. } if name.contains("panic") => {
                panic!("the host panics, as it was asked to")
            }
            Query::Open { .. } => {
                let mut opened = self.content.opened();
                if self.endless {
                    opened.packet_count = Some(u32::MAX);
                }
                question.opened(opened)
            }
            Query::Header { offset, max_bytes } => {
                question.header(self.content.header_slice(offset, max_bytes))
            }
            Query::Locate { time, .. } => question.located(self.content.packet_at(time)),
            Query::Bytes { offset, max_bytes } => question.bytes(self.content.file_slice(offset, max_bytes)),
            Query::Again { packet, .. } => {
                let bytes = self.content.packet_slice(packet, 1);
                question.packets(packet, bytes)
            }
            Query::Packets { from, max_bytes, .. } => {
                if !core::mem::replace(&mut self.plays, true) {
                    let playing = self.log.playing.fetch_add(1, Ordering::AcqRel) + 1;
                    self.log.peak.fetch_max(playing, Ordering::AcqRel);
                }
                self.log.batches.fetch_add(1, Ordering::AcqRel);
                let place = if self.endless { 0 } else { from };
                question.packets(from, self.content.packet_slice(place, max_bytes))
            }
            other => panic!("unknown question {other:?}"),
        }
    }

    fn ended(&mut self, ended: &Ended) {
        if core::mem::take(&mut self.plays) {
            self.log.playing.fetch_sub(1, Ordering::AcqRel);
        }
        self.log.ended.lock().unwrap_or_else(PoisonError::into_inner).push(*ended);
    }
}
