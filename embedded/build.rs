//! Gives the linker the memory map of the board.

use std::path::PathBuf;

fn main() {
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    if let Err(error) = std::fs::write(folder.join("memory.x"), include_str!("memory.x")) {
        println!("cargo::error=memory.x: {error}");
    }
    println!("cargo::rustc-link-search={}", folder.display());
    println!("cargo::rustc-link-arg=-Tlink.x");
    println!("cargo::rerun-if-changed=memory.x");
}
