#![doc = include_str!("../README.md")]

mod account;
mod arrow;
mod channel;
mod check;
mod config;
mod connector;
mod convert;
mod credentials;
mod discover;
mod error;
mod key;
mod login;
mod quote;
mod read;
mod result;
mod row;
mod server;
mod session;
mod types;
mod wire;

pub use config::{Config, Databases};
pub use connector::Snowflake;
pub use credentials::{AuthType, Credentials};
