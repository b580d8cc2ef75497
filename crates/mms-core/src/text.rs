//! Text on the wire: UTF-16LE, borrowed.
