//! Which catalogs and schemas there are, and how the work is cut.

use crate::{
    access::{Principal, is_of_one_object},
    client::{Row, Workspace},
    config::Selection,
    grants,
    rows::{CatalogRow, MetastoreRow, SchemaRow},
};
use futures_util::future::join_all;
use headwater_core::{
    Container, Discovery, Error, ErrorKind, Listing, Path, Result, Scope, Split, Visibility,
};

/// Schemas of a split. A split runs three statements, so a catalog of fewer schemas costs no more than that.
const SPLIT: usize = 500;
/// The schema that every catalog has of itself.
const INFORMATION_SCHEMA: &str = "information_schema";
/// Databricks' own catalogs, read only where they are named.
const OWN_CATALOGS: [&str; 3] = ["system", "samples", "__databricks_internal"];
const OWN_TYPES: [&str; 2] = ["SYSTEM_CATALOG", "INTERNAL_CATALOG"];

/// What is to be found.
pub(crate) struct Finder<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) principal: &'a Principal,
    pub(crate) selection: &'a Selection,
    pub(crate) scope: &'a Scope,
    pub(crate) browse: &'a str,
    pub(crate) parallel: usize,
}

/// A catalog, and its schemas in scope.
struct Found {
    path: Path,
    schemas: Vec<Path>,
    children: Listing,
    visibility: Visibility,
}

impl Finder<'_> {
    /// Lists the catalogs, then the schemas of each.
    pub(crate) async fn find(&self) -> Result<Discovery> {
        let identity = metastore(self.workspace)
            .await?
            .map(|found| found.global_metastore_id.unwrap_or(found.metastore_id));
        let catalogs = self.catalogs().await?;
        let found = join_all(catalogs.names.iter().map(|name| self.catalog(name))).await;
        let found: Vec<Found> = found.into_iter().collect::<Result<_>>()?;
        let refused = catalogs.refused;
        if let (true, Some((_, error))) = (found.is_empty(), refused.first()) {
            return Err(error.clone());
        }
        let root = Container {
            path: Path::root(),
            children: catalogs.listing,
            visibility: self.principal.visibility(),
        };
        let unopened = refused.iter().map(|(name, error)| Container {
            path: Path::new([name.as_str()]),
            children: Listing::failed(error),
            visibility: self.principal.visibility(),
        });
        Ok(Discovery {
            identity,
            splits: found.iter().flat_map(cut).collect(),
            containers: [root]
                .into_iter()
                .chain(unopened)
                .chain(found.into_iter().flat_map(containers))
                .collect(),
            max_parallel: Some(self.parallel),
        })
    }

    async fn catalogs(&self) -> Result<Catalogs> {
        match self.selection {
            Selection::Named(names) => self.named(names).await,
            Selection::All => self.all().await,
        }
    }

    /// The catalogs that the config names, as far as they can be opened.
    async fn named(&self, names: &[String]) -> Result<Catalogs> {
        let mut catalogs = Catalogs::default();
        for name in names {
            match catalog(self.workspace, name, self.browse).await {
                Ok(_) => catalogs.names.push(name.clone()),
                Err(error) if is_of_one_object(&error) => {
                    let error = unopened(error, name, self.principal);
                    catalogs.refused.push((name.clone(), error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(catalogs)
    }

    /// All that the principal sees but Databricks' own.
    async fn all(&self) -> Result<Catalogs> {
        let rows = self
            .workspace
            .list::<CatalogRow>(&[("include_browse", self.browse)])
            .all()
            .await?;
        let mut catalogs = Catalogs::default();
        for row in rows {
            match row {
                Row::Read(row) if is_own(&row) => {}
                Row::Read(row) => catalogs.names.push(row.name),
                Row::Broken(_) => catalogs.listing = unclear_row("catalog"),
            }
        }
        catalogs
            .names
            .retain(|name| self.scope.admits_namespace(&Path::new([name.as_str()])));
        catalogs.names.sort_unstable();
        catalogs.names.dedup();
        Ok(catalogs)
    }

    async fn catalog(&self, name: &str) -> Result<Found> {
        let path = Path::new([name]);
        let (schemas, children) = match schemas(self.workspace, name, self.browse).await {
            Ok(listed) => listed,
            Err(error) if is_of_one_object(&error) => {
                let error = unopened(error, name, self.principal);
                (Vec::new(), Listing::failed(&error))
            }
            Err(error) => return Err(error),
        };
        let mut schemas: Vec<Path> = schemas
            .iter()
            .map(|schema| path.child(schema.name.as_str()))
            .collect();
        schemas.retain(|schema| self.scope.admits_namespace(schema));
        schemas.sort_unstable();
        schemas.dedup();
        Ok(Found {
            visibility: self.principal.visibility_of(name, self.workspace).await?,
            path,
            schemas,
            children,
        })
    }
}

/// The names of catalogs, and how far they are known.
struct Catalogs {
    names: Vec<String>,
    refused: Vec<(String, Error)>,
    listing: Listing,
}

impl Default for Catalogs {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            refused: Vec::new(),
            listing: Listing::Complete,
        }
    }
}

/// The metastore that the workspace is attached to; `None` where the principal may not see it.
pub(crate) async fn metastore(workspace: &Workspace) -> Result<Option<MetastoreRow>> {
    match workspace.get(&["metastore_summary"], &[]).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// One catalog.
pub(crate) async fn catalog(workspace: &Workspace, name: &str, browse: &str) -> Result<CatalogRow> {
    workspace
        .get(&["catalogs", name], &[("include_browse", browse)])
        .await
}

/// The schemas of a catalog but the one that it has of itself.
pub(crate) async fn schemas(
    workspace: &Workspace,
    catalog: &str,
    browse: &str,
) -> Result<(Vec<SchemaRow>, Listing)> {
    let query = [("catalog_name", catalog), ("include_browse", browse)];
    let mut listing = Listing::Complete;
    let mut all = Vec::new();
    for row in workspace.list::<SchemaRow>(&query).all().await? {
        match row {
            Row::Read(row) if row.name == INFORMATION_SCHEMA => {}
            Row::Read(row) => all.push(row),
            Row::Broken(_) => listing = unclear_row("schema"),
        }
    }
    Ok((all, listing))
}

/// Whether a catalog is Databricks' own, which is read only where it is named.
pub(crate) fn is_own(row: &CatalogRow) -> bool {
    OWN_CATALOGS.contains(&row.name.as_str())
        || row
            .catalog_type
            .as_deref()
            .is_some_and(|own| OWN_TYPES.contains(&own))
}

fn unclear_row(what: &str) -> Listing {
    Listing::partial(
        "data_invalid",
        format!("a {what} in the list cannot be understood"),
    )
}

/// Why a catalog cannot be opened, and what would help.
pub(crate) fn unopened(error: Error, catalog: &str, principal: &Principal) -> Error {
    let error = error.with_context("catalog", catalog);
    match error.kind() {
        ErrorKind::PermissionDenied => error.with_grant(grants::on_catalog(catalog, principal.grantee())),
        _ => error,
    }
}

fn containers(found: Found) -> impl Iterator<Item = Container> {
    let visibility = found.visibility.clone();
    let inside = found.schemas.into_iter().map(move |path| Container {
        path,
        children: Listing::Complete,
        visibility: visibility.clone(),
    });
    let own = Container {
        path: found.path,
        children: found.children,
        visibility: found.visibility,
    };
    [own].into_iter().chain(inside)
}

fn cut(found: &Found) -> Vec<Split> {
    let split = |(index, namespaces): (usize, &[Path])| Split {
        id: format!("{}#{}", found.path, index + 1),
        namespaces: namespaces.to_vec(),
        payload: serde_json::Value::Null,
    };
    found.schemas.chunks(SPLIT).enumerate().map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_is_one_split_until_it_is_large() {
        let sizes = |schemas: usize| -> Vec<usize> {
            let path = Path::new(["main"]);
            let found = Found {
                schemas: (0..schemas)
                    .map(|number| path.child(format!("s{number}")))
                    .collect(),
                path,
                children: Listing::Complete,
                visibility: Visibility::Everyone,
            };
            cut(&found).iter().map(|split| split.namespaces.len()).collect()
        };
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(SPLIT), [SPLIT]);
        assert_eq!(sizes(SPLIT + 1), [SPLIT, 1]);
    }
}
