#![doc = include_str!("../README.md")]

mod address;
mod cancel;
mod connect;
mod digest;
pub mod error;
mod pulse;
pub mod quote;
pub mod report;
mod rows;
mod ssl_mode;
mod tls;

pub use address::{bare_host, is_loopback};
pub use cancel::or_cancel;
pub use connect::{Connection, Login, Refused, Server};
pub use pulse::Pulse;
pub use rows::{FromRow, Text, Values, optional_text, query, text, texts};
pub use ssl_mode::SslMode;
pub use tls::{Check, client};
