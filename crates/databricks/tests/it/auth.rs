//! Ways to log in.

use crate::{
    fake::{CLIENT, Fake, ID_TOKEN, State},
    shop::{open, run, shop, token},
};
use headwater_core::{Cx, ErrorKind};
use serde_json::{Value, json};
use std::io::Write;

fn m2m() -> Value {
    json!({"client_id": CLIENT.0, "client_secret": CLIENT.1})
}

#[tokio::test]
async fn a_service_principal_finds_its_token_endpoint_by_asking() {
    let described = "oidc/accounts/a-1/.well-known/oauth-authorization-server";
    let own = "oidc/.well-known/oauth-authorization-server";
    for (of_workspace, of_server, servers, endpoint) in [
        (true, true, &[described][..], "oidc/named/token"),
        (false, true, &[own], "oidc/named/token"),
        (true, false, &[described, own], "oidc/v1/token"),
        (false, false, &[own], "oidc/v1/token"),
    ] {
        let fake = Fake::start(State {
            described: of_workspace,
            oidc_described: of_server,
            oidc_server: "oidc/accounts/a-1",
            token_endpoint: "oidc/named/token",
            ..shop()
        })
        .await;
        let run = run(fake.config(), m2m()).await;
        assert!(run.is_complete(), "{of_workspace} {of_server}: {:?}", run.failed);
        assert_eq!(fake.state().issued, 1);
        let asked = |part: &str| -> Vec<String> {
            let seen = fake.seen(part).into_iter();
            seen.map(|seen| seen.path).collect()
        };
        assert_eq!(asked("oauth-authorization-server"), servers);
        assert_eq!(asked("/token"), [endpoint]);
    }
}

#[tokio::test]
async fn a_token_that_ends_or_is_refused_is_renewed_in_the_middle_of_a_run() {
    let fake = Fake::start(shop()).await;
    let opened = open(fake.config(), m2m());
    opened.connector.check(&Cx::default()).await.unwrap();
    fake.state().tokens.clear();
    opened
        .connector
        .discover(&opened.scope, &Cx::default())
        .await
        .unwrap();
    assert_eq!(fake.state().issued, 2);
    // Shorter than the margin: each request brings a new one.
    fake.state().token_lifetime = 60;
    fake.state().tokens.clear();
    opened
        .connector
        .discover(&opened.scope, &Cx::default())
        .await
        .unwrap();
    assert!(fake.state().issued > 4);
}

#[tokio::test]
async fn a_token_that_is_refused_in_the_middle_of_a_split_is_renewed_and_nothing_is_read_again() {
    let fake = Fake::start(shop()).await;
    fake.state()
        .when("unity-catalog/tables", |state| state.tokens.clear());
    let run = run(fake.config(), m2m()).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    assert_eq!(run.paths().len(), 10);
    assert_eq!(fake.state().issued, 2);
    assert!(run.ended.iter().all(|ended| ended.attempt == 1));
}

#[tokio::test]
async fn a_personal_token_that_ends_in_the_middle_of_a_run_fails_it_and_closes_nothing() {
    let fake = Fake::start(shop()).await;
    fake.state()
        .when("unity-catalog/tables", |state| state.tokens.clear());
    let run = run(fake.config(), token()).await;
    let [ended] = &run.ended[..] else {
        panic!("{:?}", run.ended)
    };
    let error = ended.result.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(run.closed.values().all(|listing| !listing.is_complete()));
}

#[tokio::test]
async fn a_token_of_another_identity_provider_is_exchanged() {
    let fake = Fake::start(shop()).await;
    let run_text = run(
        fake.config(),
        json!({"client_id": CLIENT.0, "oidc_token": ID_TOKEN}),
    )
    .await;
    assert!(run_text.is_complete(), "{:?}", run_text.failed);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{ID_TOKEN}").unwrap();
    let from_file = json!({"client_id": CLIENT.0, "oidc_token_file": file.path()});
    let run_file = run(fake.config(), from_file).await;
    assert!(run_file.is_complete(), "{:?}", run_file.failed);
}

#[tokio::test]
async fn a_service_principal_of_entra_id() {
    let fake = Fake::start(shop()).await;
    let mut config = fake.config();
    config["azure_authority"] = json!(fake.uri());
    let mut credentials = m2m();
    credentials["tenant_id"] = json!("tenant-1");
    let run = run(config, credentials).await;
    assert!(run.is_complete(), "{:?}", run.failed);
    assert_eq!(fake.seen("oidc").len(), 0);
}

#[tokio::test]
async fn credentials_that_are_refused_are_told_without_being_shown() {
    let fake = Fake::start(shop()).await;
    for credentials in [
        json!({"client_id": CLIENT.0, "client_secret": "not-the-secret"}),
        json!({"client_id": CLIENT.0, "oidc_token": "not-the-token"}),
        json!({"token": "not-the-secret"}),
    ] {
        let opened = open(fake.config(), credentials);
        let error = opened
            .connector
            .discover(&opened.scope, &Cx::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        let told = format!("{error:?}");
        assert!(
            !told.contains("not-the") && !told.contains(crate::fake::QUOTED),
            "{told}"
        );
    }
}

#[test]
fn no_secret_is_logged_at_any_level() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    // Of all threads: what another test meets first, with no subscriber on its own thread, is silent for all of them.
    tracing_subscriber::util::SubscriberInitExt::init(subscriber.with_writer(log.clone()).finish());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let fake = Fake::start(shop()).await;
        let mut config = crate::shop::with_warehouse(&fake);
        fake.state().inline = 0;
        run(config.clone(), token()).await;
        run(config.clone(), m2m()).await;
        run(
            config.clone(),
            json!({"client_id": CLIENT.0, "oidc_token": ID_TOKEN}),
        )
        .await;
        config["azure_authority"] = json!(fake.uri());
        let mut azure = m2m();
        azure["tenant_id"] = json!("tenant-1");
        run(config, azure).await;
    });
    let log = log.text();
    assert!(log.contains("unity-catalog/tables"), "the log is there");
    let secrets = [
        crate::fake::TOKEN,
        CLIENT.1,
        ID_TOKEN,
        "oauth-token-",
        "of-the-storage",
        "ZG9zZS1vZi",
    ];
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> tracing_subscriber::fmt::MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}
