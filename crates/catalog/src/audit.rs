//! Who changed what: append-only events, written in the transaction of the change.
//!
//! An event names fields, never values.

use crate::{
    AuditId, Error, KeyId, Page, PageRequest, Result, SpaceId, Store,
    db::{on_conn, queries},
    id,
    schema::audit,
    store::{now, time},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use jiff::Timestamp;

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name that the history shows.
    pub name: String,
    /// The API key it was done with.
    pub key_id: Option<KeyId>,
}

/// Something that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// The name of who did it.
    pub actor: String,
    /// The API key it was done with.
    pub key_id: Option<KeyId>,
    /// `connector.create`, `credentials.update`, `sync.start`, ...
    pub action: String,
    /// The kind of object: `connector`, `sync_job`, ...
    pub object: String,
    /// Which one.
    pub object_id: String,
    /// The names of the fields that changed.
    pub fields: Vec<String>,
}

impl Store {
    /// The events of a space, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_audit(&self, space: SpaceId, page: PageRequest) -> Result<Page<AuditEvent>> {
        let space = space.to_string();
        let (rows, total) = on_conn!(self.db(), |c| {
            let of_space = audit::table.filter(audit::space_id.eq(&space));
            let rows: Vec<AuditRow> = of_space
                .order((audit::at.desc(), audit::id.desc()))
                .limit(page.limit())
                .offset(page.offset())
                .select(AuditRow::as_select())
                .load(c)
                .await?;
            let total: i64 = of_space.count().get_result(c).await?;
            Ok((rows, total))
        })?;
        let events = rows
            .into_iter()
            .map(AuditEvent::try_from)
            .collect::<Result<_>>()?;
        Ok(page.of(events, total))
    }
}

/// A row of `audit`.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit)]
pub(crate) struct AuditRow {
    id: String,
    space_id: Option<String>,
    at: i64,
    actor: String,
    key_id: Option<String>,
    action: String,
    object: String,
    object_id: String,
    fields: String,
}

impl AuditRow {
    /// An event of now, that changed no field worth a name.
    pub(crate) fn new(
        space: Option<SpaceId>,
        actor: &Actor,
        action: &'static str,
        (object, object_id): (&'static str, impl ToString),
    ) -> Self {
        Self {
            id: AuditId::new().to_string(),
            space_id: space.map(|id| id.to_string()),
            at: now(),
            actor: actor.name.clone(),
            key_id: actor.key_id.map(|id| id.to_string()),
            action: action.to_owned(),
            object: object.to_owned(),
            object_id: object_id.to_string(),
            fields: "[]".to_owned(),
        }
    }

    /// With the names of the fields that changed.
    pub(crate) fn with_fields<S: AsRef<str>>(mut self, fields: &[S]) -> Self {
        let names: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
        self.fields = serde_json::json!(names).to_string();
        self
    }
}

impl TryFrom<AuditRow> for AuditEvent {
    type Error = Error;

    fn try_from(row: AuditRow) -> Result<Self> {
        Ok(Self {
            id: id::stored(&row.id, "audit.id")?,
            at: time(row.at),
            actor: row.actor,
            key_id: row
                .key_id
                .map(|key| id::stored(&key, "audit.key_id"))
                .transpose()?,
            action: row.action,
            object: row.object,
            object_id: row.object_id,
            fields: serde_json::from_str(&row.fields)
                .map_err(|_quotes_values| Error::corrupt("audit.fields"))?,
        })
    }
}

queries! {
    /// Writes of the audit log.
    pub(crate) trait AuditQueries {
        /// Records an event; part of the transaction that it tells of.
        async fn record(&mut self, event: AuditRow) -> Result<()> {
            diesel::insert_into(audit::table).values(&event).execute(self).await?;
            Ok(())
        }
    }
}
