#![doc = include_str!("../README.md")]

mod access;
mod auth;
mod check;
mod client;
mod config;
mod connector;
mod convert;
mod credentials;
mod discover;
mod error;
mod grants;
mod hive;
mod lineage;
mod read;
mod rows;
mod statement;
mod types;

pub use config::{Catalogs, Config, Constraints};
pub use connector::Databricks;
pub use credentials::{AuthType, Credentials};
