//! The store's suite: each test runs once on SQLite and once on PostgreSQL.

mod support;
mod toy;

mod audit;
mod connectors;
mod engine;
mod hang_up;
mod keys;
mod leases;
mod lineage;
mod migrations;
mod products;
mod reconcile;
mod removals;
mod runs;
mod spaces;
