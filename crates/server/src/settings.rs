//! Checks a connector's settings before anything is stored: all faults at once, and without a call to the
//! source unless asked to verify.

use crate::{
    app::App,
    problem::{Code, Problem},
    wire,
};
use headwater_catalog::{Connector, ConnectorPatch, NewConnector};
use headwater_core::{ConnectorType, Error, ErrorKind, Result};
use serde_json::Value;

/// A connector to be made.
pub(crate) async fn check_new(
    app: &App,
    new: wire::NewConnector,
    verify: bool,
) -> Result<NewConnector, Problem> {
    let name = checked_name(new.name.as_deref());
    let kind = match &new.connector_type {
        Some(kind) => app.registry.get(kind),
        None => Err(Error::invalid_field("/connector_type", "is missing")),
    };
    let opened = match &kind {
        Ok(kind) => kind
            .open(new.config.clone(), new.credentials.clone(), &app.host)
            .map(Some),
        Err(_) => Ok(None),
    };
    let (name, kind, opened) = match (name, kind, opened) {
        (Ok(name), Ok(kind), Ok(opened)) => (name, kind, opened),
        (name, kind, opened) => return Err(faults([name.err(), kind.err(), opened.err()])),
    };
    if let Some(opened) = opened.filter(|_| verify) {
        app.verify(opened).await?;
    }
    Ok(NewConnector {
        name,
        kind: kind.kind.to_owned(),
        config: new.config,
        credentials: new.credentials,
        source_system_id: new.source_system_id,
    })
}

/// A change to a connector.
pub(crate) async fn check_patch(
    app: &App,
    before: &Connector,
    patch: wire::ConnectorPatch,
    verify: bool,
) -> Result<ConnectorPatch, Problem> {
    let kind = app.registry.get(&before.kind)?;
    let name = patch
        .name
        .as_deref()
        .map(|name| checked_name(Some(name)))
        .transpose();
    let same_kind = check_same_kind(app, kind, patch.connector_type.as_deref());
    let config = match &patch.config {
        Some(change) => merge(&before.config, change).map(Some),
        None => Ok(None),
    };
    let (name, config) = match (name, same_kind, config) {
        (Ok(name), Ok(()), Ok(config)) => (name, config),
        (name, same_kind, config) => return Err(faults([name.err(), same_kind.err(), config.err()])),
    };
    let config = config.filter(|config| *config != before.config);
    if config.is_some() || patch.credentials.is_some() || verify {
        let whole = config.as_ref().unwrap_or(&before.config);
        check_whole(app, before, whole, patch.credentials.as_ref(), verify).await?;
    }
    Ok(change(before, name, config, patch))
}

/// The settings that result from a change, as a whole: with the stored credentials where none are sent.
async fn check_whole(
    app: &App,
    before: &Connector,
    config: &Value,
    sent: Option<&Value>,
    verify: bool,
) -> Result<(), Problem> {
    let kind = app.registry.get(&before.kind)?;
    let credentials = match sent {
        Some(credentials) => credentials.clone(),
        None => app.store.credentials(before.id).await?,
    };
    let opened = kind.open(config.clone(), credentials, &app.host)?;
    // Before the source is asked: asking sends it the secret.
    if sent.is_none() && kind.destination_changed(&before.config, config) {
        return Err(credentials_required(kind));
    }
    match verify {
        true => app.verify(opened).await,
        false => Ok(()),
    }
}

/// The change for the store, with the names of what it changes.
fn change(
    before: &Connector,
    name: Option<String>,
    config: Option<Value>,
    patch: wire::ConnectorPatch,
) -> ConnectorPatch {
    let source_system_id = patch
        .source_system_id
        .map(|id| Some(id).filter(|id| !id.is_null()));
    let changes = [
        ("name", name.as_ref().is_some_and(|name| *name != before.name)),
        ("config", config.is_some()),
        ("credentials", patch.credentials.is_some()),
        (
            "is_active",
            patch.is_active.is_some_and(|active| active != before.is_active),
        ),
        (
            "source_system_id",
            source_system_id
                .as_ref()
                .is_some_and(|id| *id != before.source_system_id),
        ),
    ];
    let changed = changes.iter().filter(|(_, changed)| *changed);
    ConnectorPatch {
        changed: changed.map(|(name, _)| (*name).to_owned()).collect(),
        name,
        config,
        credentials: patch.credentials,
        is_active: patch.is_active,
        source_system_id,
        based_on: Some(before.updated_at),
    }
}

fn checked_name(name: Option<&str>) -> Result<String> {
    match name {
        None => Err(Error::invalid_field("/name", "is missing")),
        Some(name) if name.trim().is_empty() => {
            Err(Error::invalid_field("/name", "expected a name that is not blank"))
        }
        Some(name) => Ok(name.to_owned()),
    }
}

fn check_same_kind(app: &App, own: &ConnectorType, sent: Option<&str>) -> Result<()> {
    match sent {
        Some(sent) if app.registry.find(sent).is_none_or(|kind| kind.kind != own.kind) => {
            Err(Error::invalid_field(
                "/connector_type",
                format!("is {} and cannot change; make another connector", own.kind),
            ))
        }
        _ => Ok(()),
    }
}

/// RFC 7396: objects are merged, null removes, anything else replaces.
fn merge(before: &Value, change: &Value) -> Result<Value> {
    if !change.is_object() {
        return Err(Error::invalid_field("/config", "expected an object"));
    }
    let mut merged = before.clone();
    merge_into(&mut merged, change);
    Ok(merged)
}

fn merge_into(target: &mut Value, change: &Value) {
    let Value::Object(change) = change else {
        *target = change.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(target) = target {
        for (key, value) in change {
            match value {
                Value::Null => drop(target.remove(key)),
                value => merge_into(target.entry(key.clone()).or_insert(Value::Null), value),
            }
        }
    }
}

fn credentials_required(kind: &ConnectorType) -> Problem {
    let fields: Vec<&str> = kind
        .destinations
        .iter()
        .map(|pointer| pointer.trim_start_matches('/'))
        .collect();
    let detail = format!("send the credentials with a change of {}", fields.join(", "));
    Problem::new(Code::CredentialsRequired, detail).with_error("/credentials", "is missing")
}

/// The faults of all these errors in one answer.
fn faults<const N: usize>(errors: [Option<Error>; N]) -> Problem {
    let mut whole = Error::new(ErrorKind::ConfigInvalid, "invalid configuration");
    for error in errors.into_iter().flatten() {
        if error.kind() != ErrorKind::ConfigInvalid {
            return Problem::from(error);
        }
        for fault in error.fields() {
            whole = whole.with_field(&*fault.pointer, &*fault.detail);
        }
    }
    Problem::from(whole)
}

#[cfg(test)]
mod tests {
    use super::merge;
    use serde_json::json;

    #[test]
    fn merge_patch_follows_rfc_7396() {
        let before = json!({"a": "b", "c": {"d": "e", "f": "g"}, "list": [1, 2]});
        for (change, after) in [
            (json!({}), before.clone()),
            (
                json!({"a": "z", "c": {"f": null}}),
                json!({"a": "z", "c": {"d": "e"}, "list": [1, 2]}),
            ),
            (
                json!({"list": [3]}),
                json!({"a": "b", "c": {"d": "e", "f": "g"}, "list": [3]}),
            ),
            (
                json!({"a": {"new": {"x": null, "y": 1}}}),
                json!({"a": {"new": {"y": 1}}, "c": {"d": "e", "f": "g"}, "list": [1, 2]}),
            ),
            (json!({"absent": null}), before.clone()),
        ] {
            assert_eq!(merge(&before, &change).unwrap(), after, "{change}");
        }
        assert!(merge(&before, &json!([])).is_err());
        assert!(merge(&before, &json!(null)).is_err());
    }
}
