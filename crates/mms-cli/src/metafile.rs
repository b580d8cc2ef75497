//! Metafiles: what they are and where their references lead.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mms_core::metafile::{
    Base, Encoding, Kind, Target, URL_LIMIT, Unresolved, Value, nsc, resolve, sniff, text_len, to_text,
};
use mms_core::url::percent_decoded;

use crate::address::{Address, redacted};

/// A metafile in memory.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) kind: Kind,
    pub(crate) encoding: Encoding,
    pub(crate) text: String,
    /// Bytes of the file.
    pub(crate) bytes: usize,
}

impl Document {
    /// Reads a file, if it is a metafile or the announcement of a multicast; otherwise tells what it is.
    pub(crate) fn read(path: &Path) -> io::Result<Result<Self, Kind>> {
        // one byte more than the limit, so that the parser sees that it is too large
        let most = u64::try_from(nsc::BYTES_LIMIT).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        let file = File::open(path)?;
        (&file).take(16).read_to_end(&mut bytes)?;
        if sniff(&bytes) != Kind::Asf {
            file.take(most).read_to_end(&mut bytes)?;
        }
        Self::of_bytes(&bytes)
    }

    /// The same of bytes that are in memory.
    pub(crate) fn of_bytes(bytes: &[u8]) -> io::Result<Result<Self, Kind>> {
        let kind = sniff(bytes);
        if !kind.is_metafile() && kind != Kind::Nsc {
            return Ok(Err(kind));
        }
        let mut room = vec![0; text_len(bytes)];
        let (encoding, text) = to_text(bytes, &mut room).map_err(io::Error::other)?;
        Ok(Ok(Self { kind, encoding, text: text.to_owned(), bytes: bytes.len() }))
    }
}

/// Where a metafile came from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    File(PathBuf),
    /// After all redirects.
    Url(String),
}

impl Origin {
    /// For people and for JSON.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => redacted(url),
        }
    }

    /// The name without its extension.
    pub(crate) fn stem(&self) -> String {
        let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match self {
            Self::File(path) => stem(path),
            Self::Url(url) => {
                let name = Address::parse(url).ok().and_then(|address| address.file_name());
                stem(Path::new(&name.unwrap_or_else(|| "stream".to_owned())))
            }
        }
    }
}

/// Where a reference of a metafile leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Url(String),
    File(PathBuf),
}

/// Follows a reference of a metafile.
pub(crate) fn place(origin: &Origin, reference: Value<'_>) -> Result<Place, Unresolved> {
    let mut room = [0; URL_LIMIT];
    let base = match origin {
        Origin::File(_) => Base::Local,
        Origin::Url(url) => Base::Url(url),
    };
    Ok(match (resolve(base, reference, &mut room)?, origin) {
        (Target::Url(url), _) => Place::Url(url.to_owned()),
        (Target::Local(written), Origin::File(path)) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            Place::File(folder.join(path_of(written)))
        }
        _ => return Err(Unresolved::Scheme),
    })
}

/// The path in a `file:` URL, or the path as it was written.
fn path_of(written: &str) -> PathBuf {
    let scheme = written.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("file:"));
    let Some(rest) = scheme.and_then(|scheme| written.get(scheme.len()..)) else {
        return PathBuf::from(written.replace('\\', "/"));
    };
    let path = match rest.strip_prefix("//") {
        Some(behind) => behind.find('/').and_then(|at| behind.get(at..)).unwrap_or_default(),
        None => rest,
    };
    let decoded: Vec<u8> = percent_decoded(path).collect();
    PathBuf::from(String::from_utf8_lossy(&decoded).into_owned())
}

/// Why a URL is not fetched, if its transport is not spoken.
pub(crate) fn unspoken(url: &str) -> Option<String> {
    let scheme = url.split("://").next().unwrap_or_default().to_ascii_lowercase();
    let is_spoken = matches!(scheme.as_str(), "mms" | "mmst" | "mmsu" | "mmsh" | "mmshttp" | "http");
    (!is_spoken).then(|| format!("{scheme}:// is not spoken yet"))
}

/// The text of a value as it is shown to people.
pub(crate) fn shown(value: Option<Value<'_>>) -> Option<String> {
    value.map(|value| value.to_string()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_beside_the_metafile_or_where_a_url_says() {
        assert_eq!(path_of("a b.asx"), Path::new("a b.asx"));
        assert_eq!(path_of("sub\\a.asx"), Path::new("sub/a.asx"));
        assert_eq!(path_of("file:///x/a%20b.asx"), Path::new("/x/a b.asx"));
        assert_eq!(path_of("FILE://localhost/x/a.asx"), Path::new("/x/a.asx"));
    }

    #[test]
    fn only_schemes_of_transports_that_are_spoken_are_tried() {
        assert_eq!(unspoken("mms://h/a"), None);
        assert_eq!(unspoken("MMST://h/a"), None);
        assert_eq!(unspoken("mmsu://h/a"), None);
        assert_eq!(unspoken("http://h/a"), None);
        assert_eq!(unspoken("rtsp://h/a").as_deref(), Some("rtsp:// is not spoken yet"));
    }
}
