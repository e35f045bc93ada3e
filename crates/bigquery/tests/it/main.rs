//! The connector against an emulator, `HEADWATER_TEST_BIGQUERY`, and against a fake that was made from BigQuery's
//! public documentation, for what the emulator does not show. Google's own Python client reads the fake as well.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests are tests"
)]

mod auth;
mod completeness;
mod conformance;
mod emulator;
mod fake;
mod modes;
mod pace;
mod python;
mod run;
mod stop;
