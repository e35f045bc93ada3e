//! The connector against a PostgreSQL that looks like Redshift: the one of `HEADWATER_TEST_POSTGRES`, with the catalog
//! of `../peer/peer.sql`, behind the wire of `../peer/proxy.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests are tests"
)]

mod access;
mod aws;
mod broken;
mod conformance;
mod databases;
mod digest;
mod iam;
#[path = "../peer/mod.rs"]
mod peer;
mod reading;
mod rich;
mod tls;
mod wire;
