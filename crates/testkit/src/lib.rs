//! Tests for authors of Headwater connectors.
//!
//! - [`conformance`]: one public async function for each rule of the contract, over a [`Fixture`] that the
//!   author writes. A function that finds the rule broken panics with a message that names it.
//! - [`toy`]: a scripted source in this process, for tests of what consumes connectors.
//! - [`collect`]: runs a connector to its end and holds what it reported.
//!
//! # Using the conformance suite
//!
//! Write a fixture and choose the tests. Each function runs on a fixture of its own, since many of them
//! change the source. An ability that the source does not have (a CSV folder cannot refuse a part) is left
//! out of the list; a test that is in the list although the fixture lacks the ability fails and says so.
//!
//! ```
//! use headwater_core::Path;
//! use headwater_testkit::{Fixture, Toy, ToySource};
//! use serde_json::Value;
//!
//! struct Shop(ToySource);
//!
//! impl Fixture for Shop {
//!     type C = Toy;
//!     fn config(&self) -> Value {
//!         self.0.config()
//!     }
//!     fn credentials(&self) -> Value {
//!         self.0.credentials()
//!     }
//!     fn expected(&self) -> Vec<Path> {
//!         self.0.paths()
//!     }
//! }
//!
//! headwater_testkit::conformance_tests! {
//!     async { Shop(ToySource::shop()) } => settings, check, discovery, full_listing, second_sync, stop
//! }
//! ```

mod collect;
pub mod conformance;
mod fixture;
mod part;
pub mod toy;

pub use collect::{Collected, Ended, collect};
pub use fixture::{Fixture, RefusedPart};
pub use part::Part;
pub use toy::{Action, Call, Defect, Gate, Toy, ToySource};

/// Makes a `#[tokio::test]` of each named function of [`conformance`], each on a fixture of its own.
///
/// The calling crate needs `tokio` with `macros` and `rt-multi-thread` among its dev-dependencies.
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:expr => $($test:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let fixture = $fixture.await;
                $crate::conformance::$test(&fixture).await;
            }
        )+
    };
}
