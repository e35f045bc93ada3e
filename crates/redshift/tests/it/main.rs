//! The connector against a PostgreSQL that looks like Redshift: the one of `HEADWATER_TEST_POSTGRES`, with the catalog
//! of `peer.sql`, behind the wire of `proxy`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests are tests"
)]

mod access;
mod broken;
mod conformance;
mod databases;
mod peer;
mod proxy;
mod rich;
mod tls;
mod wire;
