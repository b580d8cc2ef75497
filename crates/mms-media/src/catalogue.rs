//! The names that are published.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mms_core::hresult::Hresult;

use crate::name::Candidates;
use crate::probe::{Media, MediaInfo, Unservable};
use crate::scan::{Problem, Reason, Scan, ScanError, ScanLimits};

/// The files that are published, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// sorted by name
    entries: Vec<Entry>,
    /// lower-case names; `None` if several entries differ by case only
    folded: HashMap<String, Option<usize>>,
    ignored: usize,
    slim_headers: bool,
}

/// Headers that are larger than this are shortened where that is asked for: what MPlayer and xine take of MMS/TCP.
const SLIM_ABOVE: u32 = 8192;

/// One published file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The name that clients ask for.
    pub name: String,
    /// Where the file is.
    pub path: PathBuf,
    /// What it held when it was scanned.
    pub media: MediaInfo,
    /// the folder that it may not leave, links resolved
    pub(crate) root: Option<PathBuf>,
}

impl Catalogue {
    /// Looks for ASF files at these paths: a file is published under its file name, a folder with all that
    /// is below it, named relative to it.
    ///
    /// What cannot be published is a [`Problem`], except for files in folders that are not ASF: those are
    /// only counted.
    ///
    /// # Errors
    /// There are no paths, or one does not exist or cannot be read.
    pub fn scan(paths: &[PathBuf]) -> Result<(Self, Vec<Problem>), ScanError> {
        Self::scan_within(paths, ScanLimits::default())
    }

    /// The same with other limits.
    ///
    /// # Errors
    /// There are no paths, or one does not exist or cannot be read.
    pub fn scan_within(paths: &[PathBuf], limits: ScanLimits) -> Result<(Self, Vec<Problem>), ScanError> {
        if paths.is_empty() {
            return Err(ScanError::NoPaths);
        }
        let mut scan = Scan::new(limits);
        for path in paths {
            scan.argument(path)?;
        }
        let Scan { mut entries, mut problems, ignored, .. } = scan;
        // stable: of two with one name the first argument wins
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
        for entry in entries {
            match kept.last() {
                Some(first) if first.name == entry.name => problems.push(Problem {
                    path: entry.path,
                    reason: Reason::Duplicate { name: entry.name, first: first.path.clone() },
                }),
                _ => kept.push(entry),
            }
        }
        let mut folded = HashMap::with_capacity(kept.len());
        for (index, entry) in kept.iter().enumerate() {
            folded.entry(entry.name.to_lowercase()).and_modify(|one| *one = None).or_insert(Some(index));
        }
        Ok((Self { entries: kept, folded, ignored, slim_headers: false }, problems))
    }

    /// Announces headers of more than 8192 bytes without pictures, padding and index parameters.
    ///
    /// MPlayer and xine refuse headers of more than 8192 bytes over MMS/TCP, libmms those of more than 16384. The
    /// packets stay as they are; what a client saves has no pictures then.
    #[must_use]
    pub fn with_slim_headers(mut self) -> Self {
        self.slim_headers = true;
        self
    }

    /// What is published, sorted by name.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many files in folders are not ASF.
    #[must_use]
    pub fn ignored(&self) -> usize {
        self.ignored
    }

    /// The entry that a client means by `request`: literal before percent-decoded, with before without its
    /// query, and in any letter case if only one entry fits.
    ///
    /// # Errors
    /// `NS_E_INVALID_NAME` if the request would leave the folders, `NS_E_FILE_NOT_FOUND` otherwise.
    pub fn find(&self, request: &str) -> Result<&Entry, Hresult> {
        if let Some(entry) = self.exact(request) {
            return Ok(entry);
        }
        let candidates = Candidates::of(request);
        let names = &candidates.names;
        let exact = names.iter().find_map(|name| self.exact(name));
        let found = exact.or_else(|| names.iter().find_map(|name| self.in_any_case(name)));
        found.ok_or(if candidates.has_invalid {
            Hresult::NS_E_INVALID_NAME
        } else {
            Hresult::NS_E_FILE_NOT_FOUND
        })
    }

    /// Opens what is there now. It may be another file than the one that was scanned; then it is served as
    /// it is, if it can be.
    pub(crate) fn open(&self, entry: &Entry) -> Result<Media, Unservable> {
        let mut media = entry.open()?;
        if self.slim_headers {
            media.slim_header(SLIM_ABOVE)?;
        }
        Ok(media)
    }

    fn exact(&self, name: &str) -> Option<&Entry> {
        let index = self.entries.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok()?;
        self.entries.get(index)
    }

    fn in_any_case(&self, name: &str) -> Option<&Entry> {
        let index = (*self.folded.get(&name.to_lowercase())?)?;
        self.entries.get(index)
    }
}

impl Entry {
    pub(crate) fn open(&self) -> Result<Media, Unservable> {
        let media = Media::open(&self.path)?;
        self.check_place(&media)?;
        Ok(media)
    }

    /// A link may have come in the place of the file since the scan.
    fn check_place(&self, media: &Media) -> Result<(), Unservable> {
        let Some(root) = &self.root else { return Ok(()) };
        let place = self.path.canonicalize()?;
        if !place.starts_with(root) {
            return Err(Unservable::Outside);
        }
        if media.is_untouched(&place) { Ok(()) } else { Err(Unservable::Changing) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
