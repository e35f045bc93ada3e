//! The HTTP client of Headwater's connectors.
//!
//! One [`Client`] stands for one source and one principal. It takes what the [`Host`](headwater_core::Host) lends
//! (trusted roots, the name it goes by, the clock, the limiters) and adds what each API needs again:
//!
//! - **Retries** within a budget, so that the driver need not repeat a whole split for one lost request. What is
//!   asked only reads, so a request may be sent again; [`Request::once`] is for those that may not.
//! - **Pace**: a [`Limiter`](headwater_core::Limiter) that all splits share. An answer with `Retry-After` pauses
//!   them all.
//! - **Tokens** that are renewed before they end, and once when the source refuses one ([`Auth`]).
//! - **Errors** that name no secret: neither addresses with their queries nor bodies reach a message or a log. What
//!   a vendor's refusal means is said by its connector ([`Settings::explain`]).
//! - **Bounds**: an answer in memory has a largest size, and a larger one goes to a file ([`Request::download`]).
//!   A time-out is silence, not duration.
//!
//! Proxies come from the environment (`HTTPS_PROXY`, `NO_PROXY`), as everywhere.
//!
//! ```
//! # async fn list(host: &headwater_core::Host) -> headwater_core::Result<()> {
//! use headwater_core::Secret;
//! use headwater_http::{Auth, Client, Settings, origin};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Page {
//!     items: Vec<String>,
//!     next: Option<String>,
//! }
//!
//! let base = origin("api.example.com", "/config/host", host)?;
//! let client = Client::new(host, Settings::new("the example"))?.with_auth(Auth::bearer(Secret::new("token")));
//! let mut next = None;
//! loop {
//!     let request = client.get(&base, ["v1", "items"]).query_if("page", next.as_deref());
//!     let page: Page = request.send().await?.json()?;
//!     println!("{} items", page.items.len());
//!     next = page.next;
//!     if next.is_none() {
//!         return Ok(());
//!     }
//! }
//! # }
//! ```

mod auth;
mod client;
mod error;
mod origin;
mod reply;
mod request;
mod retry;
mod tls;

pub use auth::{Auth, Issue, Token};
pub use client::{Client, Settings};
pub use error::Refusal;
pub use origin::{address, is_loopback, origin, token_address};
pub use reply::Reply;
pub use request::Request;
pub use reqwest::{Method, StatusCode, header};
pub use retry::Retry;
pub use tls::tls;
pub use url::Url;
