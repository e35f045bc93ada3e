#![doc = include_str!("../README.md")]

mod access;
mod config;
mod connect;
mod connector;
mod convert;
mod credentials;
mod databases;
mod discover;
mod error;
mod iam;
mod identity;
mod options;
mod read;
mod session;
mod types;

pub use config::Config;
pub use connector::Postgres;
pub use credentials::{AuthType, Credentials};
pub use headwater_core::Databases;
pub use headwater_pg_wire::SslMode;
