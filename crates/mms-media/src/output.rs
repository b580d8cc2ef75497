//! A file that takes its place at once or not at all.

use core::time::Duration;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use mms_core::asf::{HeaderWriteError, PacketiseError};

use crate::probe::Unservable;
use crate::system::random;

/// Why a file was not rewritten.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// The input cannot be used.
    #[error(transparent)]
    Input(#[from] Unservable),
    /// The output cannot be written.
    #[error("it cannot be written: {0}")]
    Output(#[from] io::Error),
    /// The header cannot be written.
    #[error("its header cannot be written: {0}")]
    Header(#[from] HeaderWriteError),
    /// The media objects do not fit packets of the size that was asked for.
    #[error("{0}")]
    PacketSize(#[from] PacketiseError),
    /// The start that was asked for is behind the last media object.
    #[error("the last of it is at {:.3} s, before the start that was asked for", last.as_secs_f64())]
    StartBehindEnd {
        /// When the last media object of the streams is presented.
        last: Duration,
    },
    /// Nothing is left of the streams or of the time that was asked for.
    #[error("nothing is left of it")]
    Nothing,
}

/// A file beside its place until it is complete.
#[derive(Debug)]
pub(crate) struct Output {
    file: BufWriter<File>,
    beside: PathBuf,
    place: PathBuf,
    is_done: bool,
}

impl Output {
    pub(crate) fn create(place: &Path) -> io::Result<Self> {
        let name = place.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mark = random()?.iter().take(6).map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut beside_name = OsString::from(".");
        beside_name.push(name);
        beside_name.push(format!(".{mark}.part"));
        let beside = place.with_file_name(beside_name);
        let file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
        let output = Self { file: BufWriter::new(file), beside, place: place.to_path_buf(), is_done: false };
        if let Ok(before) = fs::metadata(place) {
            fs::set_permissions(&output.beside, before.permissions())?;
        }
        Ok(output)
    }

    pub(crate) fn file(&mut self) -> &mut BufWriter<File> {
        &mut self.file
    }

    /// Puts the file into its place, once its bytes are on the disk.
    pub(crate) fn replace(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.beside, &self.place)?;
        self.is_done = true;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = fs::remove_file(&self.beside);
        }
    }
}
