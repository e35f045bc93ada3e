use super::{connector_type, lacks, open, open_with, options};
use crate::Fixture;
use futures_util::StreamExt;
use headwater_core::{Cx, ErrorKind};
use serde_json::Value;
use std::collections::BTreeSet;

/// Credentials that the source refuses are `Unauthenticated`, for `check` and for `discover`, and the error
/// does not show them.
pub async fn bad_credentials<F: Fixture>(fixture: &F) {
    let Some(bad) = fixture.bad_credentials() else {
        lacks("bad_credentials", "bad_credentials")
    };
    let secrets = secrets::<F>(&bad);
    let opened = open_with("bad_credentials", fixture, fixture.config(), bad);
    let cx = Cx::default();
    let checked = opened.connector.check(&cx).await.map(|_| ());
    let discovered = opened.connector.discover(&opened.scope, &cx).await.map(|_| ());
    for (call, result) in [("check", checked), ("discover", discovered)] {
        let Err(error) = result else {
            panic!("bad_credentials: {call} succeeds with credentials that the source should refuse")
        };
        assert!(
            error.kind() == ErrorKind::Unauthenticated,
            "bad_credentials: {call} answers {} instead of unauthenticated: {error}",
            error.kind()
        );
        assert_hidden(&secrets, "the error of bad credentials", &format!("{error:?}"));
    }
}

/// No secret of the credentials is in the `Debug` of the connector, in its check report, its discovery
/// (which is stored), or any event of a run.
pub async fn no_secret<F: Fixture>(fixture: &F) {
    let secrets = secrets::<F>(&fixture.credentials());
    assert!(
        !secrets.is_empty(),
        "no_secret: the fixture's credentials hold no secret of four characters or more: give it one, or \
         leave this test out of the list"
    );
    let opened = open("no_secret", fixture);
    assert_hidden(
        &secrets,
        "Debug of the connector",
        &format!("{:?}", opened.connector),
    );
    let report = opened.connector.check(&Cx::default()).await;
    assert_hidden(&secrets, "the check report", &format!("{report:?}"));
    let mut events = headwater_core::sync(opened.connector, options(opened.scope));
    while let Some(event) = events.next().await {
        assert_hidden(&secrets, "an event of the run", &format!("{event:?}"));
    }
}

fn assert_hidden(secrets: &BTreeSet<String>, place: &str, text: &str) {
    for secret in secrets {
        // The text itself would show the secret in the test's log.
        assert!(
            !text.contains(secret.as_str()),
            "no_secret: {place} shows a secret of the credentials"
        );
    }
}

/// The secret texts of some credentials: the values at properties that the schema marks `writeOnly`.
fn secrets<F: Fixture>(credentials: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    secret_names(&connector_type::<F>().credentials_schema, &mut names);
    let mut texts = BTreeSet::new();
    secret_texts(credentials, &names, &mut texts);
    texts
}

pub(super) fn secret_names(schema: &Value, names: &mut BTreeSet<String>) {
    let is_secret = |schema: &Value| schema.to_string().contains(r#""writeOnly":true"#);
    match schema {
        Value::Object(object) => {
            let properties = object.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                if property.get("properties").is_none() && is_secret(property) {
                    names.insert(name.clone());
                }
            }
            object.values().for_each(|inner| secret_names(inner, names));
        }
        Value::Array(all) => all.iter().for_each(|inner| secret_names(inner, names)),
        _ => {}
    }
}

fn secret_texts(value: &Value, names: &BTreeSet<String>, texts: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                match inner.as_str() {
                    Some(text) if names.contains(name) && text.len() >= 4 => {
                        texts.insert(text.to_owned());
                    }
                    _ => secret_texts(inner, names, texts),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|inner| secret_texts(inner, names, texts)),
        _ => {}
    }
}
