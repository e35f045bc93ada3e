#![doc = include_str!("../README.md")]

mod auth;
mod check;
mod client;
mod config;
mod connector;
mod convert;
mod credentials;
mod discover;
mod error;
mod lineage;
mod pages;
mod partitioning;
mod resource;
mod rest;
mod session;
mod shards;
mod sql;
mod types;

pub use config::{Config, Mode};
pub use connector::BigQuery;
pub use credentials::{AuthType, Credentials, KeyFile};
