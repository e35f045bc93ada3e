//! Tests of the Databricks connector: against minilake, an emulator by others, and a workspace of our own making.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic, as tests do"
)]

mod auth;
mod conformance;
mod fake;
mod faults;
mod fields;
mod hive;
mod minilake;
mod queries;
mod reads;
mod sdk;
mod shop;
mod statements;
