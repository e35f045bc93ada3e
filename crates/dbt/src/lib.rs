#![doc = include_str!("../README.md")]

mod artifact;
mod config;
mod connector;
mod convert;
mod credentials;
mod emit;
mod error;
mod files;
mod identity;
mod index;
mod lineage;
mod project;
mod read;
mod source;
mod spool;

pub use config::{Config, Id};
pub use connector::Dbt;
pub use credentials::Credentials;
