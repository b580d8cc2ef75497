//! Media over UDP across a simulated network.

mod simulation;

pub use simulation::{Outcome, Simulation};
