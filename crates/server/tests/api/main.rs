//! The REST API as a client meets it: a real listener, a catalog in a temporary SQLite file, a scripted source
//! or a real PostgreSQL. Each rule of the published contract has a test here.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic, as tests do"
)]

mod access;
mod bigquery;
#[path = "../../../bigquery/tests/it/fake/mod.rs"]
#[expect(dead_code, reason = "the tests of the connector use more of it")]
mod bigquery_fake;
mod bigquery_grants;
mod connectors;
mod database;
mod databricks;
#[path = "../../../databricks/tests/it/fake/mod.rs"]
#[expect(dead_code, reason = "the tests of the connector use more of it")]
mod databricks_fake;
mod dbt_cloud;
mod faults;
mod first_start;
mod history;
mod links;
mod nodes;
mod operations;
mod postgres;
mod problems;
mod products;
mod program;
mod proxy;
mod redshift;
#[path = "../../../redshift/tests/peer/mod.rs"]
#[expect(dead_code, reason = "the tests of the connector use more of it")]
mod redshift_peer;
mod removals;
mod secrets;
mod shape;
mod shutdown;
mod snowflake;
#[path = "../../../snowflake/tests/it/fake/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the tests of the connector use more of it"
)]
mod snowflake_fake;
mod spaces;
mod syncs;
mod test_app;
mod uploads;
mod verify;
