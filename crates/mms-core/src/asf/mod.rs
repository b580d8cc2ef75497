//! The Advanced Systems Format. Imports nothing from the protocols.
