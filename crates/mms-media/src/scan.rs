//! Looking for files to publish.

use core::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::catalogue::Entry;
use crate::probe::{Media, Unservable};

/// How much a scan looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanLimits {
    /// Folders inside folders.
    pub depth: usize,
    /// Files that are published.
    pub files: usize,
    /// Files and folders that are looked at, whatever they are.
    pub looked_at: usize,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self { depth: 32, files: 65_536, looked_at: 1_000_000 }
    }
}

/// Something that is not published although it was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub struct Problem {
    /// Where.
    pub path: PathBuf,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // quoted, because names of files may hold anything
        write!(f, "{:?} is not served: {}", self.path, self.reason)
    }
}

/// Why something is not published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The file cannot be served.
    #[error(transparent)]
    Unservable(#[from] Unservable),
    /// Another file has this name already.
    #[error("the name {name:?} belongs to {first:?} already")]
    Duplicate {
        /// The name.
        name: String,
        /// The file that has it.
        first: PathBuf,
    },
    /// The name is not UTF-8.
    #[error("its name is not UTF-8")]
    NameNotUtf8,
    /// A link that leads out of the folder.
    #[error("the link leads out of the folder that is served")]
    LinkLeaves,
    /// A link that leads to a folder around it.
    #[error("the link leads to a folder that it lies in")]
    LinkLoop,
    /// A link that leads nowhere.
    #[error("the link leads nowhere: {0}")]
    LinkBroken(io::Error),
    /// A folder that cannot be read.
    #[error("the folder cannot be read: {0}")]
    FolderUnreadable(io::Error),
    /// Too many folders inside each other.
    #[error("it lies more than {allowed} folders deep")]
    TooDeep {
        /// The limit.
        allowed: usize,
    },
    /// A limit on the number of files was reached here.
    #[error("{allowed} files are the limit; nothing behind this one is looked at")]
    TooMany {
        /// The limit.
        allowed: usize,
    },
}

/// Why a scan is impossible.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// No path was given.
    #[error("no file or folder to serve was named")]
    NoPaths,
    /// A path that was given does not lead to a file or folder.
    #[error("{path:?} cannot be opened: {error}")]
    Path {
        /// The path.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}

/// A scan under way.
#[derive(Debug)]
pub(crate) struct Scan {
    limits: ScanLimits,
    pub(crate) entries: Vec<Entry>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) ignored: usize,
    looked_at: usize,
    is_full: bool,
}

/// A folder of the way down, links resolved.
struct Folder<'a> {
    root: &'a Path,
    place: PathBuf,
    /// relative to the root, with a slash at its end unless empty
    prefix: String,
    around: Option<&'a Folder<'a>>,
    depth: usize,
}

impl Folder<'_> {
    fn lies_in(&self, place: &Path) -> bool {
        self.place == place || self.around.is_some_and(|around| around.lies_in(place))
    }
}

impl Scan {
    pub(crate) fn new(limits: ScanLimits) -> Self {
        Self { limits, entries: Vec::new(), problems: Vec::new(), ignored: 0, looked_at: 0, is_full: false }
    }

    /// A path that the user named. Where it leads is the user's choice, links or not.
    pub(crate) fn argument(&mut self, path: &Path) -> Result<(), ScanError> {
        let fail = |error| ScanError::Path { path: path.to_owned(), error };
        let place = path.canonicalize().map_err(fail)?;
        if fs::metadata(&place).map_err(fail)?.is_dir() {
            fs::read_dir(&place).map_err(fail)?;
            let prefix = String::new();
            self.folder(path, &Folder { root: &place, place: place.clone(), prefix, around: None, depth: 0 });
            return Ok(());
        }
        match path.file_name().unwrap_or(place.as_os_str()).to_str() {
            Some(name) => self.file(path, name.to_owned(), None, true),
            None => self.problem(path, Reason::NameNotUtf8),
        }
        Ok(())
    }

    fn folder(&mut self, path: &Path, folder: &Folder<'_>) {
        if folder.depth > self.limits.depth {
            return self.problem(path, Reason::TooDeep { allowed: self.limits.depth });
        }
        let children = match children(path, self.limits.looked_at - self.looked_at) {
            Ok(children) => children,
            Err(error) => return self.problem(path, Reason::FolderUnreadable(error)),
        };
        for child in children {
            if self.is_full {
                return;
            }
            self.looked_at += 1;
            if self.looked_at >= self.limits.looked_at {
                self.is_full = true;
                return self.problem(&child, Reason::TooMany { allowed: self.limits.looked_at });
            }
            self.child(&child, folder);
        }
    }

    fn child(&mut self, path: &Path, folder: &Folder<'_>) {
        let is_link = path.is_symlink();
        let place = match path.canonicalize() {
            Ok(place) => place,
            Err(error) if is_link => return self.problem(path, Reason::LinkBroken(error)),
            Err(error) => return self.problem(path, Unservable::Unreadable(error).into()),
        };
        if !place.starts_with(folder.root) {
            return self.problem(path, Reason::LinkLeaves);
        }
        let is_folder = place.is_dir();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.map(|name| format!("{}{name}", folder.prefix)) else {
            // what is not ASF has no need of a name
            return match Media::open(path) {
                Err(Unservable::NotAsf) => self.ignored += 1,
                _ => self.problem(path, Reason::NameNotUtf8),
            };
        };
        if !is_folder {
            return self.file(path, name, Some(folder.root), false);
        }
        if folder.lies_in(&place) {
            return self.problem(path, Reason::LinkLoop);
        }
        let (root, depth) = (folder.root, folder.depth + 1);
        self.folder(path, &Folder { root, place, prefix: name + "/", around: Some(folder), depth });
    }

    fn file(&mut self, path: &Path, name: String, root: Option<&Path>, was_named: bool) {
        match Media::open(path) {
            Ok(_) if self.entries.len() >= self.limits.files => {
                self.is_full = true;
                self.problem(path, Reason::TooMany { allowed: self.limits.files });
            }
            Ok(media) => self.entries.push(Entry {
                name,
                path: path.to_owned(),
                media: *media.info(),
                root: root.map(Path::to_owned),
            }),
            Err(Unservable::NotAsf | Unservable::NotAFile) if !was_named && !is_named_as_asf(path) => {
                self.ignored += 1;
            }
            Err(error) => self.problem(path, error.into()),
        }
    }

    fn problem(&mut self, path: &Path, reason: Reason) {
        self.problems.push(Problem { path: path.to_owned(), reason });
    }
}

/// Whether the name promises ASF, so that anything else is worth a word.
fn is_named_as_asf(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["asf", "wma", "wmv"].iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// What lies in a folder, sorted, so that every scan gives the same; at most `limit`.
fn children(path: &Path, limit: usize) -> io::Result<Vec<PathBuf>> {
    let mut children = Vec::new();
    for child in fs::read_dir(path)?.take(limit) {
        children.push(child?.path());
    }
    children.sort();
    Ok(children)
}
