//! The Headwater server and command line.

pub mod wire;
