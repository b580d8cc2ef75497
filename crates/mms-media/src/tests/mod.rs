//! Tests of the catalogue and of files that change, on real files in a folder of their own.

mod headers;
mod lookup;
mod repairing;
mod scanning;
mod serving;

use core::sync::atomic::{AtomicU32, Ordering};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::feed::Feed;
use crate::scan::Problem;

/// A folder that is gone when the test is.
pub(crate) struct TempFolder(PathBuf);

impl TempFolder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mms-media-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn scan(&self) -> (Catalogue, Vec<Problem>) {
        Catalogue::scan(core::slice::from_ref(&self.0)).unwrap()
    }

    /// A catalogue of everything in the folder, which must be without problems.
    pub(crate) fn feed(&self) -> Feed {
        let (catalogue, problems) = self.scan();
        assert!(problems.is_empty(), "{problems:?}");
        Feed::new(Arc::new(catalogue))
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn testdata(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(folder)
}

pub(crate) fn made(name: &str) -> Vec<u8> {
    fs::read(testdata("made").join(name)).unwrap()
}

pub(crate) fn names(catalogue: &Catalogue) -> Vec<&str> {
    catalogue.entries().iter().map(|entry| entry.name.as_str()).collect()
}

/// Longer than the ticks in which file systems count time.
pub(crate) fn let_the_clock_tick() {
    std::thread::sleep(core::time::Duration::from_millis(30));
}
