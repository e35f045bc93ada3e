//! Tests of the Databricks connector: against minilake, an emulator by others, and a workspace of our own making.

mod auth;
mod conformance;
mod faults;
mod fields;
mod minilake;
mod reads;
mod statements;

mod fake;
mod shop;
