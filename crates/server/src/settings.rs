//! Checks a connector's settings before anything is stored: all faults at once, and without a call to the
//! source unless asked to verify.

use crate::{
    app::App,
    problem::{Code, Problem},
    wire,
};
use headwater_catalog::{self as catalog, Connector, ConnectorId, ConnectorPatch, NewConnector, SpaceId};
use headwater_core::{ConnectorType, Error, ErrorKind, Result, Warning};
use serde_json::Value;

/// A connector to be made, and what to know about its settings.
pub(crate) async fn check_new(
    app: &App,
    space: SpaceId,
    new: wire::NewConnector,
    verify: bool,
) -> Result<(NewConnector, Vec<Warning>), Problem> {
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
    let links_into = named_connector(app, space, kind, &new.config).await?;
    let warnings = opened.iter().flat_map(|opened| opened.warnings.clone()).collect();
    if let Some(opened) = opened.filter(|_| verify) {
        app.verify(opened).await?;
    }
    let new = NewConnector {
        name,
        kind: kind.kind.to_owned(),
        config: new.config,
        credentials: new.credentials,
        source_system_id: new.source_system_id,
        links_into,
    };
    Ok((new, warnings))
}

/// A change to a connector, and what to know about the settings that it results in.
pub(crate) async fn check_patch(
    app: &App,
    before: &Connector,
    patch: wire::ConnectorPatch,
    verify: bool,
) -> Result<(ConnectorPatch, Vec<Warning>), Problem> {
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
    let links_into = match &config {
        Some(config) => renamed_connector(app, kind, before, config).await?,
        None => None,
    };
    let mut warnings = Vec::new();
    if config.is_some() || patch.credentials.is_some() || verify {
        let whole = config.as_ref().unwrap_or(&before.config);
        warnings = check_whole(app, before, whole, patch.credentials.as_ref(), verify).await?;
    }
    let patch = ConnectorPatch {
        links_into,
        ..change(before, name, config, patch)
    };
    Ok((patch, warnings))
}

/// The connector that a config names for its links, which must be one of the space and of another family: links
/// within the own one are never looked for there.
async fn named_connector(
    app: &App,
    space: SpaceId,
    kind: &ConnectorType,
    config: &Value,
) -> Result<Option<ConnectorId>, Problem> {
    let Some((pointer, named)) = kind.links_into.and_then(|at| Some((at, config.pointer(at)?))) else {
        return Ok(None);
    };
    if named.is_null() {
        return Ok(None);
    }
    let invalid = |detail: &str| Err(Error::invalid_field(format!("/config{pointer}"), detail).into());
    let unknown = || invalid("expected the id of a connector of this space");
    let Some(id) = named.as_str().and_then(|text| text.parse().ok()) else {
        return unknown();
    };
    let named = match app.store.get_connector(space, id).await {
        Ok(named) => named,
        Err(catalog::Error::NotFound(_)) => return unknown(),
        Err(error) => return Err(error.into()),
    };
    match app.registry.find(&named.kind) {
        Some(other) if other.family.name == kind.family.name => invalid(&format!(
            "names a {} connector; expected one of another platform",
            other.kind
        )),
        _ => Ok(Some(id)),
    }
}

/// The connector that a changed config names; `None` where the change leaves that alone, so that one which was
/// deleted does not stand in the way of other changes.
async fn renamed_connector(
    app: &App,
    kind: &ConnectorType,
    before: &Connector,
    config: &Value,
) -> Result<Option<Option<ConnectorId>>, Problem> {
    match kind.links_into {
        Some(at) if before.config.pointer(at) != config.pointer(at) => {
            named_connector(app, before.space_id, kind, config)
                .await
                .map(Some)
        }
        _ => Ok(None),
    }
}

/// The settings that result from a change, as a whole: with the stored credentials where none are sent.
async fn check_whole(
    app: &App,
    before: &Connector,
    config: &Value,
    sent: Option<&Value>,
    verify: bool,
) -> Result<Vec<Warning>, Problem> {
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
    let warnings = opened.warnings.clone();
    if verify {
        app.verify(opened).await?;
    }
    Ok(warnings)
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
        links_into: None,
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
    let detail = format!(
        "send the credentials with a change of {}; {{}} where there are none",
        fields.join(" or ")
    );
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
