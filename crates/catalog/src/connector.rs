//! Connectors: configured sources, with their credentials sealed.

use crate::{
    Actor, ConnectorId, Error, Result, SpaceId, Store,
    audit::{AuditQueries as _, AuditRow},
    db::{Engine as _, in_tx, on_conn, queries},
    id,
    run::RunQueries as _,
    schema::{connector, namespace, product, run, space},
    store::{count, now, time},
};
use diesel::{dsl::count_star, prelude::*};
use diesel_async::RunQueryDsl;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;

/// A configured source.
#[derive(Debug, Clone, PartialEq)]
pub struct Connector {
    /// Its id.
    pub id: ConnectorId,
    /// The space it belongs to.
    pub space_id: SpaceId,
    /// Its name; not unique.
    pub name: String,
    /// The canonical kind: `postgres`.
    pub kind: String,
    /// The config as it was sent.
    pub config: Value,
    /// The caller's own id of the source, echoed.
    pub source_system_id: Option<Value>,
    /// Whether it may be synced.
    pub is_active: bool,
    /// How many active products it has.
    pub product_count: u64,
    /// When the newest completed run was asked for.
    pub last_sync: Option<Timestamp>,
    /// What the source was at the first sync; see [`Discovery::identity`](headwater_core::Discovery).
    pub source_identity: Option<String>,
    /// Where the ends of its edges in other families are looked for; it may be gone.
    pub links_into: Option<ConnectorId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a person last changed it.
    pub updated_at: Timestamp,
}

/// A connector to be made. `Debug` shows no credentials.
#[derive(Clone)]
pub struct NewConnector {
    /// Its name.
    pub name: String,
    /// The canonical kind.
    pub kind: String,
    /// The config as it was sent, validated by the caller.
    pub config: Value,
    /// The credentials, validated by the caller.
    pub credentials: Value,
    /// The caller's own id of the source.
    pub source_system_id: Option<Value>,
    /// The connector of the space that the config names at [`Connect::LINKS_INTO`](headwater_core::Connect),
    /// checked by the caller.
    pub links_into: Option<ConnectorId>,
}

impl std::fmt::Debug for NewConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewConnector")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A change to a connector: `None` leaves things as they are. `Debug` shows no credentials.
#[derive(Clone, Default)]
pub struct ConnectorPatch {
    /// Its name.
    pub name: Option<String>,
    /// The whole config, merged by the caller.
    pub config: Option<Value>,
    /// The whole credentials.
    pub credentials: Option<Value>,
    /// Whether it may be synced.
    pub is_active: Option<bool>,
    /// The caller's own id of the source; `Some(None)` takes it away.
    pub source_system_id: Option<Option<Value>>,
    /// The connector that the config names; `Some(None)` where it no longer names one.
    pub links_into: Option<Option<ConnectorId>>,
    /// The names of the changed fields, for the audit log.
    pub changed: Vec<String>,
    /// The `updated_at` of the connector that config and credentials were checked against. Where it has
    /// moved the change is refused: two changes that are each fine may together send one's secret to the
    /// other's host.
    pub based_on: Option<Timestamp>,
}

impl std::fmt::Debug for ConnectorPatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectorPatch")
            .field("changed", &self.changed)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The connectors of a space, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_connectors(&self, space: SpaceId) -> Result<Vec<Connector>> {
        let space = space.to_string();
        on_conn!(self.db(), |c| {
            let rows: Vec<ConnectorRow> = connector::table
                .filter(connector::space_id.eq(&space))
                .order((connector::created_at, connector::id))
                .select(ConnectorRow::as_select())
                .load(c)
                .await?;
            let counts: Vec<(String, i64)> = product::table
                .filter(product::space_id.eq(&space))
                .filter(product::state.eq("active"))
                .group_by(product::connector_id)
                .select((product::connector_id, count_star()))
                .load(c)
                .await?;
            let counts: HashMap<String, i64> = counts.into_iter().collect();
            rows.into_iter()
                .map(|row| {
                    let products = counts.get(&row.id).copied().unwrap_or(0);
                    row.counted(products)
                })
                .collect()
        })
    }

    /// One connector.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_connector(&self, space: SpaceId, connector: ConnectorId) -> Result<Connector> {
        let (space, id) = (space.to_string(), connector.to_string());
        on_conn!(self.db(), |c| c.connector(&space, &id).await)
    }

    /// Makes a connector.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the space is gone.
    pub async fn create_connector(
        &self,
        space: SpaceId,
        new: NewConnector,
        actor: &Actor,
    ) -> Result<Connector> {
        let (id, at) = (ConnectorId::new(), now());
        let row = ConnectorRow {
            id: id.to_string(),
            space_id: space.to_string(),
            name: new.name,
            kind: new.kind,
            config: new.config.to_string(),
            source_system_id: new.source_system_id.map(|value| value.to_string()),
            is_active: true,
            source_identity: None,
            links_into: new.links_into.map(|id| id.to_string()),
            last_sync_at: None,
            created_at: at,
            updated_at: at,
        };
        let sealed = self.seal(&row.id, &new.credentials)?;
        in_tx!(self.db(), |c| {
            // Taken first, so that the space is not deleted meanwhile.
            let held = diesel::update(space::table.find(&row.space_id))
                .set(space::id.eq(&row.space_id))
                .execute(c)
                .await?;
            if held == 0 {
                return Err(Error::NotFound("space"));
            }
            diesel::insert_into(connector::table)
                .values((
                    &row,
                    connector::credentials.eq(&sealed),
                    connector::visibility.eq("[]"),
                ))
                .execute(c)
                .await?;
            c.record(AuditRow::new(
                Some(space),
                actor,
                "connector.create",
                ("connector", id),
            ))
            .await
        })?;
        row.counted(0)
    }

    /// Changes a connector. New credentials are sealed with the active key and used from the next run on.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Conflict`] when it has changed since `based_on`.
    pub async fn update_connector(
        &self,
        space: SpaceId,
        connector: ConnectorId,
        patch: ConnectorPatch,
        actor: &Actor,
    ) -> Result<Connector> {
        let (space_id, id) = (space.to_string(), connector.to_string());
        let sealed = match &patch.credentials {
            Some(credentials) => Some(self.seal(&id, credentials)?),
            None => None,
        };
        let fields: Vec<&String> = patch
            .changed
            .iter()
            .filter(|name| *name != "credentials")
            .collect();
        in_tx!(self.db(), |c| {
            let before = c.lock_connector(&space_id, &id).await?;
            if patch
                .based_on
                .is_some_and(|read| read.as_microsecond() != before.updated_at)
            {
                return Err(Error::Conflict);
            }
            diesel::update(connector::table.find(&id))
                .set(&ConnectorChange {
                    name: patch.name.as_deref(),
                    config: patch.config.as_ref().map(Value::to_string),
                    credentials: sealed.as_deref(),
                    is_active: patch.is_active,
                    source_system_id: patch
                        .source_system_id
                        .as_ref()
                        .map(|id| id.as_ref().map(Value::to_string)),
                    links_into: patch.links_into.map(|id| id.map(|id| id.to_string())),
                    updated_at: now().max(before.updated_at + 1),
                })
                .execute(c)
                .await?;
            if sealed.is_some() {
                let event = AuditRow::new(Some(space), actor, "credentials.update", ("connector", connector));
                c.record(event).await?;
            }
            if !fields.is_empty() {
                let event = AuditRow::new(Some(space), actor, "connector.update", ("connector", connector));
                c.record(event.with_fields(&fields)).await?;
            }
            c.connector(&space_id, &id).await
        })
    }

    /// Deletes a connector: ends its run as cancelled, disconnects its products, keeps its history.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_connector(
        &self,
        space: SpaceId,
        connector: ConnectorId,
        actor: &Actor,
    ) -> Result<()> {
        let (space_id, id) = (space.to_string(), connector.to_string());
        in_tx!(self.db(), |c| {
            // Workers hold their run before they touch its connector; so does this. A run that was asked
            // for in between is ended by the second call.
            c.cancel_active(&id).await?;
            c.lock_connector(&space_id, &id).await?;
            c.cancel_active(&id).await?;
            // What a deleted connector's run held back can no longer be decided.
            diesel::update(run::table)
                .filter(run::connector_id.eq(&id))
                .filter(run::removals.eq("held"))
                .set(run::removals.eq("superseded"))
                .execute(c)
                .await?;
            diesel::update(product::table.filter(product::connector_id.eq(&id)))
                .set((product::state.eq("disconnected"), product::updated_at.eq(now())))
                .execute(c)
                .await?;
            diesel::delete(namespace::table.filter(namespace::connector_id.eq(&id)))
                .execute(c)
                .await?;
            diesel::delete(connector::table.find(&id)).execute(c).await?;
            c.wake_all().await?;
            c.record(AuditRow::new(
                Some(space),
                actor,
                "connector.delete",
                ("connector", connector),
            ))
            .await
        })
    }

    /// The opened credentials. They go into the connector that is being opened, nowhere else.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Keys`] when the key ring cannot open them.
    pub async fn credentials(&self, connector: ConnectorId) -> Result<Value> {
        let id = connector.to_string();
        let sealed: Option<Vec<u8>> = on_conn!(self.db(), |c| {
            Ok(connector::table
                .find(&id)
                .select(connector::credentials)
                .first(c)
                .await
                .optional()?)
        })?;
        let plain = self
            .keys()
            .open(&id, &sealed.ok_or(Error::NotFound("connector"))?)?;
        serde_json::from_slice(&plain).map_err(|_quotes_values| Error::corrupt("connector.credentials"))
    }

    fn seal(&self, connector: &str, credentials: &Value) -> Result<Vec<u8>> {
        self.keys().seal(connector, credentials.to_string().as_bytes())
    }
}

/// A row of `connector` without its credentials.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = connector)]
pub(crate) struct ConnectorRow {
    pub(crate) id: String,
    space_id: String,
    pub(crate) name: String,
    kind: String,
    config: String,
    source_system_id: Option<String>,
    pub(crate) is_active: bool,
    source_identity: Option<String>,
    links_into: Option<String>,
    last_sync_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl ConnectorRow {
    fn counted(self, products: i64) -> Result<Connector> {
        let corrupt = |_quotes_values: serde_json::Error| Error::corrupt("connector.config");
        Ok(Connector {
            id: id::stored(&self.id, "connector.id")?,
            space_id: id::stored(&self.space_id, "connector.space_id")?,
            name: self.name,
            kind: self.kind,
            config: serde_json::from_str(&self.config).map_err(corrupt)?,
            source_system_id: self
                .source_system_id
                .map(|text| serde_json::from_str(&text).map_err(corrupt))
                .transpose()?,
            is_active: self.is_active,
            product_count: count(products),
            last_sync: self.last_sync_at.map(time),
            source_identity: self.source_identity,
            links_into: self
                .links_into
                .map(|id| id::stored(&id, "connector.links_into"))
                .transpose()?,
            created_at: time(self.created_at),
            updated_at: time(self.updated_at),
        })
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = connector)]
struct ConnectorChange<'a> {
    name: Option<&'a str>,
    config: Option<String>,
    credentials: Option<&'a [u8]>,
    is_active: Option<bool>,
    source_system_id: Option<Option<String>>,
    links_into: Option<Option<String>>,
    updated_at: i64,
}

queries! {
    /// Queries on connectors.
    pub(crate) trait ConnectorQueries {
        /// The connector, counted.
        async fn connector(&mut self, space: &str, id: &str) -> Result<Connector> {
            let row: Option<ConnectorRow> = connector::table
                .find(id)
                .filter(connector::space_id.eq(space))
                .select(ConnectorRow::as_select())
                .first(self)
                .await
                .optional()?;
            let products: i64 = product::table
                .filter(product::connector_id.eq(id))
                .filter(product::state.eq("active"))
                .count()
                .get_result(self)
                .await?;
            row.ok_or(Error::NotFound("connector"))?.counted(products)
        }

        /// The connector's row, held until the transaction ends: syncs that start, changes and the
        /// deletion of one connector follow one another.
        async fn lock_connector(&mut self, space: &str, id: &str) -> Result<ConnectorRow> {
            diesel::update(connector::table.find(id))
                .filter(connector::space_id.eq(space))
                .set(connector::id.eq(id))
                .returning(ConnectorRow::as_returning())
                .get_result(self)
                .await
                .optional()?
                .ok_or(Error::NotFound("connector"))
        }
    }
}
