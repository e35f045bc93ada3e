//! The connector against real servers: the one of `HEADWATER_TEST_POSTGRES`, and beside it that of
//! `HEADWATER_TEST_POSTGRES_ALT` where it is set. Each test has a database of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests are tests"
)]

mod access;
mod broken;
mod cluster;
mod conformance;
mod database;
mod databases;
mod failures;
mod locks;
mod names;
mod pgbouncer;
mod proxy;
mod rich;
mod scale;
mod silence;
mod sizes;
mod snapshot;
mod standby;
mod stop;
mod tls;
mod types;
