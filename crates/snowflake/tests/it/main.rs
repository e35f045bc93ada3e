//! The connector against fakesnow (`HEADWATER_TEST_FAKESNOW`, started by `cargo xtask test`), and against a fake of the
//! drivers' protocol for what fakesnow does not show.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests are tests"
)]

mod contents;
mod contract;
mod emulator;
mod fake;
mod limits;
mod logins;
mod results;
mod secrets;
mod support;
