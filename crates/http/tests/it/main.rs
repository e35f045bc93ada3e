//! The client against servers that misbehave.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which are outside of test functions"
)]

mod auth;
mod bodies;
mod pace;
mod retries;
mod secrets;

use headwater_core::Host;
use headwater_http::{Client, Retry, Settings, Url};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use wiremock::{Request, Respond, ResponseTemplate};

/// Settings that wait no longer than a test can.
fn quick() -> Settings {
    let mut settings = Settings::new("the source");
    settings.retry = Retry {
        attempts: 4,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_secs(5),
    };
    settings
}

fn client() -> Client {
    Client::new(&Host::default(), quick()).unwrap()
}

fn base(server: &wiremock::MockServer) -> Url {
    server.uri().parse().unwrap()
}

/// Answers one after the other; the last again and again.
struct InTurn(Vec<ResponseTemplate>, AtomicUsize);

impl InTurn {
    fn new(answers: impl IntoIterator<Item = ResponseTemplate>) -> Self {
        Self(answers.into_iter().collect(), AtomicUsize::new(0))
    }
}

impl Respond for InTurn {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let turn = self.1.fetch_add(1, Ordering::SeqCst);
        self.0[turn.min(self.0.len() - 1)].clone()
    }
}
