//! Brings the tables up to this release, under a lock, and refuses those of a newer one.

use super::{postgres, sqlite};
use crate::{Error, Result};
use diesel::{SqliteConnection, backend::Backend, migration::MigrationSource};
use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::{collections::HashSet, path::Path};

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Any number will do, as long as every release takes the same.
const LOCK: &str = "SELECT pg_advisory_lock(7310453992187233)";

/// The lock lives as long as the connection, which ends here.
pub(super) async fn postgres(options: &postgres::Options) -> Result<()> {
    let mut conn = postgres::connect(options.clone()).await.map_err(Error::store)?;
    conn.batch_execute(LOCK).await?;
    tokio::task::spawn_blocking(move || run(&mut AsyncMigrationHarness::new(conn), POSTGRES))
        .await
        .map_err(Error::store)?
}

pub(super) async fn sqlite(file: &Path) -> Result<()> {
    let file = file.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut conn = sqlite::connect(&file)?;
        conn.immediate_transaction(|conn: &mut SqliteConnection| run(conn, SQLITE))
    })
    .await
    .map_err(Error::store)?
}

fn run<DB: Backend>(database: &mut impl MigrationHarness<DB>, embedded: EmbeddedMigrations) -> Result<()> {
    let known: HashSet<String> = MigrationSource::<DB>::migrations(&embedded)
        .map_err(Error::store)?
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let applied = database.applied_migrations().map_err(Error::store)?;
    if let Some(newer) = applied
        .iter()
        .find(|version| !known.contains(&version.to_string()))
    {
        return Err(Error::SchemaTooNew {
            version: newer.to_string(),
        });
    }
    database.run_pending_migrations(embedded).map_err(Error::store)?;
    Ok(())
}
