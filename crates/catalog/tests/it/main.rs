//! The store's suite: each test runs once on SQLite and once on PostgreSQL.

mod support;
mod toy;

mod audit;
mod connectors;
mod hang_up;
mod keys;
mod leases;
mod migrations;
mod reconcile;
mod runs;
mod spaces;
