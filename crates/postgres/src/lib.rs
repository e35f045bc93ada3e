#![doc = include_str!("../README.md")]

mod access;
mod check;
mod config;
mod connect;
mod connector;
mod convert;
mod databases;
mod discover;
mod error;
mod options;
mod quote;
mod read;
mod session;
mod tls;
mod types;

pub use config::{Config, Credentials, Databases, SslMode};
pub use connector::Postgres;
