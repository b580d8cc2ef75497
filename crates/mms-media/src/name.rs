//! What a requested name may mean (digest 7.2 and 8.1).

use mms_core::url::percent_decoded;

/// The names that a client may mean by what it sent, most literal first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Candidates {
    pub(crate) names: Vec<String>,
    /// Whether some reading of the request was no name at all.
    pub(crate) has_invalid: bool,
}

impl Candidates {
    /// Reads a request: literal, then percent-decoded, each with and without its query.
    pub(crate) fn of(request: &str) -> Self {
        let path = without_host(request);
        let bare = path.split_once('?').map_or(path, |(bare, _)| bare);
        let mut candidates = Self::default();
        candidates.add(normal(path));
        candidates.add(normal(bare));
        candidates.add(decoded(path));
        candidates.add(decoded(bare));
        candidates
    }

    fn add(&mut self, name: Option<String>) {
        match name {
            None => self.has_invalid = true,
            Some(name) if self.names.contains(&name) => {}
            Some(name) => self.names.push(name),
        }
    }
}

/// Some clients send the whole URL.
fn without_host(request: &str) -> &str {
    match request.split_once("://") {
        Some((scheme, rest)) if !scheme.is_empty() && scheme.bytes().all(|c| c.is_ascii_alphanumeric()) => {
            rest.split_once('/').map_or("", |(_, path)| path)
        }
        _ => request,
    }
}

/// One separator and no leading ones; `None` if it is no name inside of a folder.
fn normal(name: &str) -> Option<String> {
    let name = name.replace('\\', "/");
    let name = name.trim_start_matches('/');
    let is_bad = |segment: &str| matches!(segment, "." | "..");
    if name.contains('\0') || name.split('/').any(is_bad) || has_drive(name) {
        return None;
    }
    Some(name.to_owned())
}

fn has_drive(name: &str) -> bool {
    matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// Decoded once. A separator that only decoding brings would make another path, so it is no name.
fn decoded(name: &str) -> Option<String> {
    let text = String::from_utf8(percent_decoded(name).collect()).ok()?;
    let separators = |text: &str| text.bytes().filter(|c| matches!(c, b'/' | b'\\')).count();
    if separators(&text) != separators(name) {
        return None;
    }
    normal(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(request: &str) -> Vec<String> {
        Candidates::of(request).names
    }

    #[test]
    fn the_literal_name_comes_before_the_decoded_one_and_the_query_before_none() {
        assert_eq!(names("a%20b.wmv?x%20y"), ["a%20b.wmv?x%20y", "a%20b.wmv", "a b.wmv?x y", "a b.wmv"]);
        assert_eq!(names("a.wmv"), ["a.wmv"]);
        assert_eq!(names("a%3Fb?c").last().unwrap(), "a?b");
    }

    #[test]
    fn leading_slashes_backslashes_and_a_whole_url_are_tolerated() {
        for request in ["f/a.wmv", "/f/a.wmv", "///f/a.wmv", "\\f\\a.wmv", "mms://host:1755/f/a.wmv"] {
            assert_eq!(names(request), ["f/a.wmv"], "{request}");
        }
        assert_eq!(names("mmst://host"), [""]);
        assert_eq!(names("MMST://u:p@[::1]//f/a.wmv"), ["f/a.wmv"]);
    }

    #[test]
    fn what_leaves_the_folder_is_no_name() {
        for request in [
            "..",
            "../a",
            "a/..",
            "a/../b",
            "a/./b",
            ".",
            "./a",
            "\\..\\a",
            "a\\..\\b",
            "%2e%2e/a",
            "..%2fa",
            "%2E%2E%5Ca",
            "a/%2e%2e/b",
            "C:/a",
            "c:\\a",
            "/C:/a",
            "c%3A/a",
            "a%00.wmv",
            "a\0b",
            "a%2Fb",
            "a%5cb",
            "mms://host/../a",
            "mms://host/%2e%2e/a",
            "x?/../y",
        ] {
            assert!(Candidates::of(request).has_invalid, "{request}");
            let is_inside = |name: &String| {
                !name.contains(['\0', '\\']) && !name.split('/').any(|part| part == ".." || part == ".")
            };
            assert!(names(request).iter().all(is_inside), "{request}");
        }
    }

    #[test]
    fn decoding_happens_once() {
        assert_eq!(names("%252e%252e/a"), ["%252e%252e/a", "%2e%2e/a"]);
        assert_eq!(names("a%252Fb"), ["a%252Fb", "a%2Fb"]);
    }
}
