//! A fake of an account over the drivers' protocol, for what fakesnow does not show: checked logins, chunks, long
//! statements, sessions that end, refusals, views, foreign keys, grants, `ACCOUNT_USAGE`.
//!
//! It is made after Snowflake's public documentation and the source of its own drivers. It knows statements by what
//! they are about, and answers from a small model of an account.

mod answer;
mod catalog;
mod protocol;

pub(crate) use catalog::Catalog;
pub(crate) use protocol::{CHUNK_KEY, Knobs, PASSWORD, SHOWN, SIGNATURE};

use protocol::State;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

/// A running fake.
pub(crate) struct Fake {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

impl Fake {
    /// Starts one that holds a catalog.
    pub(crate) async fn start(catalog: Catalog) -> Self {
        let server = MockServer::start().await;
        let state = Arc::new(Mutex::new(State::new(catalog, server.uri())));
        let answering = state.clone();
        let answer = move |request: &Request| -> ResponseTemplate {
            answering
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .respond(request)
        };
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self { server, state }
    }

    /// Starts one with changed behaviour.
    pub(crate) async fn with(catalog: Catalog, change: impl FnOnce(&mut Knobs)) -> Self {
        let fake = Self::start(catalog).await;
        change(&mut fake.lock().knobs);
        fake
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A config that reads its database.
    pub(crate) fn config(&self) -> Value {
        json!({"account": "myorg-acct", "host": self.server.uri(), "database": "SHOP", "role": "READER"})
    }
}

/// Credentials that it takes.
pub(crate) fn credentials() -> Value {
    json!({"username": "reader", "password": PASSWORD})
}
