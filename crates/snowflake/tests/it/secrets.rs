//! No secret in any log, at any level.

use crate::{
    fake::{CHUNK_KEY, Catalog, Fake, PASSWORD, SIGNATURE},
    support::run,
};
use serde_json::json;
use std::{
    io::Write,
    sync::{Arc, Mutex},
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything at trace level, of all crates, over whole runs.
///
/// The fake runs in this process, and what it sends is logged by the HTTP client and not by the server.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_log_of_a_run() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let key = include_str!("../../src/key/keys/encrypted_aes.pem");
    let fake = Fake::with(Catalog::shop(), |knobs| {
        knobs.chunk = Some(3);
        knobs.requests_of_a_token = Some(3);
    })
    .await;
    let mut tokens = Vec::new();
    for credentials in [
        json!({"username": "reader", "password": PASSWORD}),
        json!({"username": "reader", "private_key": key, "passphrase": "open-sesame"}),
        json!({"username": "reader", "token": "the-pat-token"}),
    ] {
        let run = run(fake.config(), credentials).await;
        assert!(run.is_complete(), "{:?} {:?}", run.failed, run.ended);
    }
    for login in &fake.lock().logins {
        tokens.extend(login["TOKEN"].as_str().map(str::to_owned));
    }
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(
        text.contains("TRACE") && text.contains("/queries/v1/query-request"),
        "nothing was logged"
    );
    assert!(tokens.len() >= 4);
    let mut secrets = vec![
        PASSWORD.to_owned(),
        "open-sesame".to_owned(),
        "the-pat-token".to_owned(),
        "session-token-".to_owned(),
        CHUNK_KEY.to_owned(),
        SIGNATURE.to_owned(),
    ];
    secrets.extend(tokens);
    secrets.extend(key.lines().filter(|line| line.len() > 40).map(str::to_owned));
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(&secret));
        assert!(
            line.is_none(),
            "a secret is in the log, by {:?}",
            line.map(|line| line.split(": ").next())
        );
    }
}
