//! Media over UDP across a simulated network.

mod fuzz;
mod simulation;

pub use fuzz::{udp_header, udp_receiver, udp_ring};
pub use simulation::{Outcome, Simulation};
