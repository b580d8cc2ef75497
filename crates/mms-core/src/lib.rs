//! The Sans-IO core of **mms**, a memory-safe Microsoft Media Server stack.
//!
//! It does no I/O, allocates nothing and never reads a clock: bytes, time and randomness come in as
//! arguments, bytes to write and events go out as values.
#![no_std]
#![cfg_attr(
    not(test),
    warn(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic,
        clippy::expect_used,
        clippy::unreachable,
        clippy::todo
    )
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

#[cfg(test)]
extern crate std;

pub mod asf;
mod buffer;
pub mod client;
pub mod error;
pub mod hresult;
pub mod mmsp;
pub mod selection;
pub mod server;
pub mod text;
pub mod time;
mod timer;
pub mod url;
pub mod wmsp;
