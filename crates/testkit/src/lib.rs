//! Tests for authors of Headwater connectors: a scripted source and a run that collects what it sees.

mod collect;
pub mod toy;

pub use collect::{Collected, Ended, collect};
pub use toy::{Action, Call, Defect, Gate, Part, Toy, ToySource};
