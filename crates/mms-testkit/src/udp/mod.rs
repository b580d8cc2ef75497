//! Media over UDP across a simulated network.

mod checker;
mod simulation;

pub use checker::{Checker, Rule, Sent, Violation};
pub use simulation::{Outcome, Simulation};
