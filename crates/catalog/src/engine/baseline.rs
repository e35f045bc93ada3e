//! What the catalog lends to a connector that can tell what has not changed.

use crate::{Result, Store, db::on_conn, reconcile::Target, schema::product};
use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use headwater_core::{Baseline, Error, ErrorKind, Path, model::Version};
use std::{collections::HashMap, sync::Arc};

/// How many keys one statement asks for.
const KEYS: usize = 1_000;

/// The stored versions of a connector's active products.
#[derive(Debug)]
pub(super) struct StoredVersions {
    pub(super) store: Store,
    pub(super) target: Arc<Target>,
}

impl StoredVersions {
    async fn read(&self, keys: &[String]) -> Result<HashMap<String, String>> {
        let mut found = HashMap::new();
        for keys in keys.chunks(KEYS) {
            let rows: Vec<(String, Option<String>)> = on_conn!(self.store.db(), |c| {
                Ok(product::table
                    .filter(product::connector_id.eq(&self.target.connector))
                    .filter(product::key.eq_any(keys))
                    .filter(product::state.eq("active"))
                    .filter(product::version.is_not_null())
                    .select((product::key, product::version))
                    .load(c)
                    .await?)
            })?;
            found.extend(
                rows.into_iter()
                    .filter_map(|(key, version)| Some((key, version?))),
            );
        }
        Ok(found)
    }
}

#[async_trait]
impl Baseline for StoredVersions {
    async fn versions(&self, keys: &[Path]) -> headwater_core::Result<Vec<Option<Version>>> {
        let keys: Vec<String> = keys.iter().map(crate::path::key).collect();
        let stored = self.read(&keys).await.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the catalog cannot be read").with_source(error)
        })?;
        Ok(keys
            .iter()
            .map(|key| self.target.unsalted(stored.get(key)?))
            .collect())
    }
}
