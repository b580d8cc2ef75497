//! Standard output, which may be a pipe that was closed.

use std::io::{self, Write};

use serde::Serialize;

use crate::exit::Failure;

/// Prints text at once.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|e| Failure::writing("standard output", &e))
}

/// Prints one JSON object on a line.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text =
        serde_json::to_string(value).map_err(|e| Failure::writing("JSON", &io::Error::other(e)))?;
    text.push('\n');
    print(&text)
}
