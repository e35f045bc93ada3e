use super::Time;
use headwater_catalog as catalog;
use serde::Serialize;
use utoipa::ToSchema;

/// Something that was changed, and by whom. It names fields, never values.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEvent {
    /// Its id.
    id: String,
    /// When.
    at: Time,
    /// The name of the key it was done with.
    actor: String,
    /// The id of the key; null for the key that the server was started with.
    #[schema(required)]
    key_id: Option<String>,
    /// What was done.
    #[schema(example = "connector.update")]
    action: String,
    /// The kind of object.
    #[schema(example = "connector")]
    object: String,
    /// Which one.
    object_id: String,
    /// The names of the fields that changed.
    fields: Vec<String>,
}

impl From<catalog::AuditEvent> for AuditEvent {
    fn from(event: catalog::AuditEvent) -> Self {
        Self {
            id: event.id.to_string(),
            at: Time(event.at),
            actor: event.actor,
            key_id: event.key_id.map(|key| key.to_string()),
            action: event.action,
            object: event.object,
            object_id: event.object_id,
            fields: event.fields,
        }
    }
}
