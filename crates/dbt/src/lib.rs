#![doc = include_str!("../README.md")]

mod artifact;
mod config;
mod connector;
mod convert;
mod emit;
mod error;
mod identity;
mod lineage;
mod project;
mod read;
mod spool;

pub use config::{Config, Credentials};
pub use connector::Dbt;
