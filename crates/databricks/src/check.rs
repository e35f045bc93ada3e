//! What the principal can read.

use crate::{
    access::{Principal, is_of_one_object},
    client::{Row, Workspace},
    config::{Constraints, Selection},
    connector::{Databricks, Settings},
    discover, grants,
    rows::CatalogRow,
    statement::Warehouse,
};
use headwater_core::{CheckReport, Connect, Cx, Error, ErrorKind, Readable, Result};
use std::{
    collections::BTreeMap,
    pin::pin,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How long a warehouse may take to answer. One that is stopped takes minutes to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks for one of everything.
pub(crate) async fn check(
    workspace: &Workspace,
    warehouse: Option<Warehouse>,
    selection: &Selection,
    settings: Settings,
) -> Result<CheckReport> {
    let principal = Principal::read(workspace).await?;
    let begun = Instant::now();
    let metastore = discover::metastore(workspace).await?;
    let latency = begun.elapsed();
    let catalogs = catalogs(workspace, selection, settings, &principal).await?;
    let mut listing = Readable::yes();
    for catalog in &catalogs {
        if let Err(error) = discover::schemas(workspace, catalog, settings.browse).await {
            listing = refused(discover::unopened(error, catalog, &principal))?;
        }
    }
    let mut capabilities: BTreeMap<&'static str, Readable> = Databricks::CAPABILITIES
        .iter()
        .map(|one| (one.name, listing.clone()))
        .collect();
    let probes = Probes {
        warehouse,
        catalog: catalogs.first().map(String::as_str),
        principal: &principal,
    };
    match settings.constraints {
        Constraints::None => {
            capabilities.insert("constraints", without("the config says that keys are not read"));
        }
        Constraints::Sql => {
            capabilities.insert(
                "constraints",
                probes.information_schema("table_constraints").await?,
            );
        }
        Constraints::Get => {}
    }
    capabilities.insert("tags", probes.information_schema("table_tags").await?);
    if listing.readable {
        capabilities.insert("lineage", probes.lineage(settings.lineage_days).await?);
    }
    let name = metastore.map_or_else(
        || "unknown".to_owned(),
        |found| found.name.unwrap_or(found.metastore_id),
    );
    Ok(CheckReport {
        message: format!(
            "Unity Catalog metastore {name} at {} as {}",
            workspace.base().host_str().unwrap_or_default(),
            principal.grantee(),
        ),
        latency,
        capabilities,
    })
}

/// The catalogs to look into: all that are named, or the first that is seen.
async fn catalogs(
    workspace: &Workspace,
    selection: &Selection,
    settings: Settings,
    principal: &Principal,
) -> Result<Vec<String>> {
    let names = match selection {
        Selection::Named(names) => names,
        Selection::All => {
            let mut pages = workspace.list::<CatalogRow>(&[("include_browse", settings.browse)]);
            while let Some(page) = pages.next().await? {
                let mut seen = page.into_iter().filter_map(|row| match row {
                    Row::Read(row) if !discover::is_own(&row) => Some(row.name),
                    _ => None,
                });
                if let Some(first) = seen.next() {
                    return Ok(vec![first]);
                }
            }
            let error = Error::new(ErrorKind::PermissionDenied, "the principal sees no catalog");
            let grant = grants::on_catalog("<catalog>", principal.grantee());
            return Err(error.with_grant(grant));
        }
    };
    for name in names {
        let opened = discover::catalog(workspace, name, settings.browse).await;
        opened.map_err(|error| discover::unopened(error, name, principal))?;
    }
    Ok(names.clone())
}

/// What needs a statement on a warehouse.
struct Probes<'a> {
    warehouse: Option<Warehouse>,
    catalog: Option<&'a str>,
    principal: &'a Principal,
}

impl Probes<'_> {
    async fn information_schema(&self, relation: &str) -> Result<Readable> {
        let (Some(warehouse), Some(catalog)) = (&self.warehouse, self.catalog) else {
            return Ok(without("needs a SQL warehouse: give warehouse_id or http_path"));
        };
        let sql = format!(
            "SELECT 1 FROM {}.information_schema.{relation} LIMIT 1",
            grants::quote(catalog)
        );
        let grant = grants::on_catalog(catalog, self.principal.grantee());
        self.answer(warehouse, &sql, grant).await
    }

    async fn lineage(&self, days: u16) -> Result<Readable> {
        let Some(warehouse) = self.warehouse.as_ref().filter(|_| days > 0) else {
            return Ok(Readable {
                detail: Some("of views only: other lineage needs a SQL warehouse and lineage_days".into()),
                ..Readable::yes()
            });
        };
        let sql = "SELECT 1 FROM system.access.table_lineage LIMIT 1";
        self.answer(warehouse, sql, grants::on_lineage(self.principal.grantee()))
            .await
    }

    async fn answer(&self, warehouse: &Warehouse, sql: &str, grant: String) -> Result<Readable> {
        let stop = warehouse.workspace.cx().stop().child_token();
        let own = Warehouse {
            workspace: warehouse.workspace.during(&Cx::new(stop.clone())),
            ..warehouse.clone()
        };
        let mut ran = pin!(own.execute(sql, &[], 1, || {}));
        let ran = tokio::select! {
            ran = &mut ran => ran,
            () = sleep(PATIENCE) => {
                stop.cancel();
                let _stopped = ran.await;
                return Ok(without("the SQL warehouse did not answer within a minute: it may still be starting"));
            }
        };
        match ran {
            Ok(_) => Ok(Readable::yes()),
            Err(error) => refused(match error.kind() {
                ErrorKind::PermissionDenied | ErrorKind::NotFound if error.grant().is_none() => {
                    error.with_grant(grant)
                }
                _ => error,
            }),
        }
    }
}

/// What cannot be read, and why; an error that is about more than this stays one.
fn refused(error: Error) -> Result<Readable> {
    match is_of_one_object(&error) {
        true => Ok(Readable {
            readable: false,
            detail: Some(error.message().to_owned()),
            grant: error.grant().map(str::to_owned),
        }),
        false => Err(error),
    }
}

fn without(detail: &str) -> Readable {
    Readable {
        readable: false,
        detail: Some(detail.to_owned()),
        grant: None,
    }
}
