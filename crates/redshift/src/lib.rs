#![doc = include_str!("../README.md")]

mod access;
mod ambient;
mod aws;
mod check;
mod config;
mod connect;
mod connector;
mod convert;
mod credentials;
mod databases;
mod deployment;
mod discover;
mod error;
mod iam;
mod lineage;
mod payload;
mod read;
mod rows;
mod session;
mod types;
mod usage;
mod visibility;

pub use config::Config;
pub use connector::Redshift;
pub use credentials::{AuthType, Credentials};
pub use headwater_core::Databases;
pub use headwater_pg_wire::SslMode;
