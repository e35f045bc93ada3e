#![doc = include_str!("../README.md")]

mod access;
mod config;
mod connect;
mod connector;
mod convert;
mod discover;
mod error;
mod quote;
mod read;
mod session;
mod tls;
mod types;

pub use config::{Config, Credentials, SslMode};
pub use connector::Postgres;
