//! Where `mms get` writes: a file that appears when it is whole, or a device, pipe or standard output directly.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::address::Address;
use crate::exit::{Failure, Kind};
use crate::text::printable;

/// Bytes of one write to a device or pipe.
const BATCH: usize = 1 << 16;
/// Most files named partial beside each other.
const PARTIALS: u32 = 1000;

/// Where the stream shall go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A regular file, there or not.
    File(PathBuf),
    /// A device, a pipe or a socket.
    Direct(PathBuf),
    /// Standard output.
    Stdout,
}

impl Target {
    /// Finds out what the name means. A file that exists needs `force`.
    pub(crate) fn choose(name: Option<&Path>, address: &Address, force: bool) -> Result<Self, Failure> {
        if name == Some(Path::new("-")) {
            return Ok(Self::Stdout);
        }
        let path = match name {
            Some(path) => path.to_owned(),
            None => PathBuf::from(address.file_name().ok_or_else(|| {
                Failure::new(Kind::Usage, "the URL has no name that could be that of a file")
                    .with_hint("name the file with -o FILE")
            })?),
        };
        Self::of_path(path, force)
    }

    /// The same for a path.
    pub(crate) fn of_path(path: PathBuf, force: bool) -> Result<Self, Failure> {
        let shown = show(&path);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                Err(Failure::new(Kind::Local, format!("{shown} is a folder"))
                    .with_hint(format!("name a file in it: -o {}", show(&path.join("NAME.wmv")))))
            }
            Ok(metadata) if !metadata.is_file() => Ok(Self::Direct(path)),
            Ok(_) if !force => Err(exists(&shown)),
            // through a link, so that the link stays
            Ok(_) if path.is_symlink() => Ok(Self::File(path.canonicalize().unwrap_or(path))),
            Ok(_) => Ok(Self::File(path)),
            Err(_) if path.is_symlink() && !force => Err(exists(&shown)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::File(path)),
            Err(error) => Err(Failure::new(Kind::Local, format!("{shown} cannot be used: {error}"))),
        }
    }

    /// For people and for JSON.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::File(path) | Self::Direct(path) => path.display().to_string(),
            Self::Stdout => "-".to_owned(),
        }
    }
}

fn exists(shown: &str) -> Failure {
    Failure::new(Kind::Local, format!("{shown} exists already"))
        .with_hint("overwrite it with --force, or name another file with -o")
}

fn show(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// An open output.
#[derive(Debug)]
pub(crate) enum Output {
    /// Under a temporary name beside its place.
    File { file: BufWriter<NamedTempFile>, path: PathBuf, force: bool },
    /// Without a way back.
    Direct { writer: BufWriter<Direct>, shown: String },
}

/// A writer that cannot be rewound.
#[derive(Debug)]
pub(crate) enum Direct {
    File(File),
    Stdout(io::Stdout),
}

impl Write for Direct {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            // locked by nobody else, and it would hold back what follows the last line break
            Self::Stdout(stdout) => {
                stdout.write_all(bytes)?;
                stdout.flush()?;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}

impl Output {
    pub(crate) fn open(target: &Target, force: bool) -> Result<Self, Failure> {
        let shown = target.shown();
        let failed = |error: io::Error| {
            let failure =
                Failure::new(Kind::Local, format!("{} cannot be written: {error}", printable(&shown)));
            match error.kind() {
                io::ErrorKind::NotFound => failure.with_hint("make the folder first"),
                io::ErrorKind::PermissionDenied => failure.with_hint("write to another folder with -o"),
                _ => failure,
            }
        };
        match target {
            Target::File(path) => {
                let file = BufWriter::with_capacity(1 << 14, temporary(path).map_err(failed)?);
                Ok(Self::File { file, path: path.clone(), force })
            }
            Target::Direct(path) => {
                let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
                Ok(Self::direct(Direct::File(file), shown))
            }
            Target::Stdout => Ok(Self::direct(Direct::Stdout(io::stdout()), "standard output".to_owned())),
        }
    }

    fn direct(writer: Direct, shown: String) -> Self {
        Self::Direct { writer: BufWriter::with_capacity(BATCH, writer), shown }
    }

    /// Whether the header can be changed at the end.
    pub(crate) fn can_rewind(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    /// The file to remove when all ends at once.
    pub(crate) fn temporary(&self) -> Option<PathBuf> {
        match self {
            Self::File { file, .. } => Some(file.get_ref().path().to_owned()),
            Self::Direct { .. } => None,
        }
    }

    /// Writes all, a device or pipe in batches: its reader may be a player, so [`hand_on`](Self::hand_on) follows
    /// before anything is waited for.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::File { file, path, .. } => {
                file.write_all(bytes).map_err(|error| Failure::writing(&show(path), &error))
            }
            Self::Direct { writer, shown } => {
                writer.write_all(bytes).map_err(|error| Failure::writing(&printable(shown), &error))
            }
        }
    }

    /// Gives a device or pipe all that was written for it.
    pub(crate) fn hand_on(&mut self) -> Result<(), Failure> {
        match self {
            Self::File { .. } => Ok(()),
            Self::Direct { writer, shown } => {
                writer.flush().map_err(|error| Failure::writing(&printable(shown), &error))
            }
        }
    }

    /// Puts a header in the place of the first one, where that is possible.
    pub(crate) fn replace_header(&mut self, header: &[u8]) -> Result<(), Failure> {
        let Self::File { file, path, .. } = self else { return Ok(()) };
        let rewritten = file.flush().and_then(|()| {
            let file = file.get_mut();
            file.seek(SeekFrom::Start(0))?;
            file.write_all(header)
        });
        rewritten.map_err(|error| Failure::writing(&show(path), &error))
    }

    /// Gives the file its name, or one that says that it is partial. Returns the name; `None` if the output
    /// was written directly.
    pub(crate) fn keep(mut self, is_partial: bool) -> Result<Option<PathBuf>, Failure> {
        self.hand_on()?;
        let Self::File { mut file, path, force } = self else { return Ok(None) };
        let failed = |error: &io::Error| Failure::writing(&show(&path), error);
        file.flush().map_err(|error| failed(&error))?;
        let file = file.into_inner().map_err(|error| failed(error.error()))?;
        // some file systems tell only now that there is no space
        file.as_file().sync_all().map_err(|error| failed(&error))?;
        if is_partial { keep_partial(file, &path, force) } else { keep_whole(file, &path, force) }.map(Some)
    }
}

/// A file beside its later place, so that renaming is one step.
fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mms-").suffix(".tmp");
    #[cfg(unix)]
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666);
    // the file becomes the user's: with the permissions that other programs would give it
    #[cfg(unix)]
    builder.permissions(mode);
    builder.tempfile_in(folder)
}

fn keep_whole(file: NamedTempFile, path: &Path, force: bool) -> Result<PathBuf, Failure> {
    let kept = if force { file.persist(path) } else { file.persist_noclobber(path) };
    match kept {
        Ok(_) => Ok(path.to_owned()),
        // somebody else made it meanwhile
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            let partial = keep_partial(error.file, path, false)?;
            Err(exists(&show(path)).with_hint(format!("the stream was kept as {}", show(&partial))))
        }
        Err(error) => Err(Failure::writing(&show(path), &error.error)),
    }
}

fn keep_partial(mut file: NamedTempFile, path: &Path, force: bool) -> Result<PathBuf, Failure> {
    for number in 1..=PARTIALS {
        let name = partial_name(path, number);
        let kept = if force { file.persist(&name) } else { file.persist_noclobber(&name) };
        match kept {
            Ok(_) => return Ok(name),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.file,
            Err(error) => return Err(Failure::writing(&show(&name), &error.error)),
        }
    }
    Err(Failure::new(Kind::Local, format!("there are {PARTIALS} partial files of {} already", show(path))))
}

/// `clip.wmv` becomes `clip.partial.wmv`, then `clip.partial-2.wmv`.
fn partial_name(path: &Path, number: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(".partial");
    if number > 1 {
        name.push(format!("-{number}"));
    }
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_name_keeps_folder_and_extension() {
        assert_eq!(partial_name(Path::new("a/clip.x.wmv"), 1), Path::new("a/clip.x.partial.wmv"));
        assert_eq!(partial_name(Path::new("clip"), 3), Path::new("clip.partial-3"));
    }

    #[test]
    fn a_file_that_came_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.wmv");
        let mut output = Output::open(&Target::File(path.clone()), false).unwrap();
        output.write(b"new").unwrap();
        fs::write(&path, "old").unwrap();
        let failure = output.keep(false).unwrap_err();
        assert_eq!(failure.kind, Kind::Local);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read(folder.path().join("clip.partial.wmv")).unwrap(), b"new");
    }

    #[test]
    fn an_output_that_is_not_kept_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut output = Output::open(&Target::File(folder.path().join("clip.wmv")), false).unwrap();
        output.write(b"new").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(output);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
