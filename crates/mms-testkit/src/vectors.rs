//! The worked examples of the protocol, as bytes.

use crate::content::testdata;

/// The vector of this name in a file of `testdata/vectors/mmsp`.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn vector(file: &str, name: &str) -> Vec<u8> {
    let path = testdata().join("vectors/mmsp").join(file);
    let text = std::fs::read_to_string(&path).expect(file);
    let rows = text.lines().map(str::trim).skip_while(|line| *line != format!("[{name}]")).skip(1);
    let bytes: Vec<u8> = rows
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(": "))
        .flat_map(|(_, row)| row.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("a byte")))
        .collect();
    assert!(!bytes.is_empty(), "{file} has no vector {name}");
    bytes
}
