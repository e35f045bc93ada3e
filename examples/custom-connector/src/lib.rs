#![doc = include_str!("../README.md")]

mod config;
mod connector;
mod convert;
mod error;
mod folder;
mod table;

pub use config::{Config, Credentials};
pub use connector::CsvFolder;
