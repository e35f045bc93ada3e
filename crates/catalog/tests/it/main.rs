//! The store's suite: each test runs once on SQLite and once on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic, as tests do"
)]

mod support;
mod toy;

mod audit;
mod careless;
mod connectors;
mod declared;
mod engine;
mod hang_up;
mod keys;
mod leases;
mod lineage;
mod links;
mod migrations;
mod products;
mod reconcile;
mod removals;
mod renames;
mod runs;
mod schemas;
mod spaces;
mod uploads;
mod wakeups;
mod wide;
