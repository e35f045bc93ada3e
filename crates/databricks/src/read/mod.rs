//! One attempt at a split: some schemas of a catalog, several at once.

mod extras;
mod tables;

use crate::{
    access::{Principal, is_of_one_object},
    client::{Listed, Row, Workspace},
    connector::Settings,
    convert, discover, grants,
    rows::{FunctionNameRow, ModelRow, SchemaRow, VolumeRow},
    statement::Warehouse,
};
use extras::{Extra, Extras};
use futures_util::stream::{FuturesUnordered, StreamExt};
use headwater_core::{Cost, Error, ErrorKind, Facet, Listing, Path, Reason, Result, Scope, Split, SplitSink};
use serde_json::{Value, json};
use std::{collections::BTreeMap, pin::pin};

/// What reading needs.
pub(crate) struct Reader<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) warehouse: Option<Warehouse>,
    pub(crate) principal: &'a Principal,
    pub(crate) settings: Settings,
    pub(crate) scope: &'a Scope,
    pub(crate) out: &'a SplitSink,
}

/// The volumes of a schema that no table has the name of.
type Volumes = BTreeMap<String, VolumeRow>;

impl Reader<'_> {
    /// Reads the schemas of a split.
    pub(crate) async fn split(&self, split: &Split) -> Result<()> {
        let catalog = catalog_of(split)?;
        let mut described = match discover::schemas(self.workspace, catalog, self.settings.browse).await {
            Ok((rows, _)) => rows.into_iter().map(|row| (row.name.clone(), row)).collect(),
            Err(error) if is_of_one_object(&error) => {
                let error = discover::unopened(error, catalog, self.principal);
                return self.close_all(split, &error).await;
            }
            Err(error) => return Err(error),
        };
        let mut extras = Box::pin(Extras::open(self, catalog, split)).await?;
        self.catalog(catalog, &mut extras).await?;
        self.schemas(split, &mut described, &mut extras).await?;
        self.out
            .cost(Cost {
                requests: self.workspace.sent(),
                statements: extras.statements,
                source_seconds: extras.seconds,
                ..Cost::default()
            })
            .await
    }

    async fn schemas(
        &self,
        split: &Split,
        described: &mut BTreeMap<String, SchemaRow>,
        extras: &mut Extras,
    ) -> Result<()> {
        let mut paths: Vec<&Path> = split.namespaces.iter().collect();
        // The rows of the statements come in this order.
        paths.sort_unstable();
        let mut running = FuturesUnordered::new();
        for path in paths {
            let name = path.name().unwrap_or_default();
            while running.len() >= self.settings.parallel {
                running.next().await.transpose()?;
            }
            let extra = {
                // The others go on meanwhile: they may hold the turns that this needs.
                let mut taken = pin!(extras.take(self, name));
                loop {
                    tokio::select! {
                        extra = &mut taken => break extra?,
                        Some(done) = running.next(), if !running.is_empty() => done?,
                    }
                }
            };
            running.push(self.schema(path, described.remove(name), extra));
        }
        while let Some(done) = running.next().await {
            done?;
        }
        Ok(())
    }

    async fn catalog(&self, name: &str, extras: &mut Extras) -> Result<()> {
        let mut namespace = match discover::catalog(self.workspace, name, self.settings.browse).await {
            Ok(row) => convert::catalog(&row),
            Err(error) if is_of_one_object(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        namespace.path = Path::new([name]);
        namespace.tags = extras.of_catalog(self).await?;
        self.out.namespace(namespace).await
    }

    async fn schema(&self, path: &Path, row: Option<SchemaRow>, mut extra: Extra) -> Result<()> {
        let Some(row) = row else {
            let gone = Error::new(ErrorKind::NotFound, "the schema is no longer listed");
            return self.out.close(path, Listing::failed(&gone)).await;
        };
        let mut reasons = Vec::new();
        let mut volumes = self.list_volumes(path, &mut reasons).await?;
        self.tables(path, &mut extra, &mut volumes, &mut reasons).await?;
        for volume in volumes.values() {
            self.out.asset(convert::volume(path, volume)).await?;
        }
        let mut namespace = convert::schema(path.clone(), &row);
        namespace.tags = match extra.tags {
            Facet::Read(tags) => Facet::Read(tags.own),
            Facet::Unread => Facet::Unread,
        };
        let functions = self.count::<FunctionNameRow>(path).await?;
        let models = self.count::<ModelRow>(path).await?;
        namespace.properties.insert("functions".into(), functions);
        namespace.properties.insert("models".into(), models);
        self.out.namespace(namespace).await?;
        let listing = match reasons.is_empty() {
            true => Listing::Complete,
            false => Listing::Partial(reasons),
        };
        self.out.close(path, listing).await
    }

    async fn list_volumes(&self, path: &Path, reasons: &mut Vec<Reason>) -> Result<Volumes> {
        let query = self.of_schema(path);
        let mut pages = self.workspace.list::<VolumeRow>(&query);
        let mut volumes = Volumes::new();
        loop {
            let page = match pages.next().await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(volumes),
                // A workspace without volumes has none to miss.
                Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(volumes),
                Err(error) if is_of_one_object(&error) => {
                    reasons.push(self.reason(error, path));
                    return Ok(volumes);
                }
                Err(error) => return Err(error),
            };
            self.out.beat();
            for row in page {
                match row {
                    Row::Read(row) if self.scope.admits_table(&row.name) => {
                        volumes.insert(row.name.clone(), row);
                    }
                    Row::Read(_) => {}
                    Row::Broken(_) => reasons.push(unclear("volume")),
                }
            }
        }
    }

    /// How many there are; null where they cannot be listed.
    async fn count<T: Listed>(&self, path: &Path) -> Result<Value> {
        let query = self.of_schema(path);
        let mut pages = self.workspace.list::<T>(&query);
        let mut count = 0;
        loop {
            match pages.next().await {
                Ok(Some(page)) => count += page.len(),
                Ok(None) => return Ok(json!(count)),
                Err(error) if is_of_one_object(&error) => return Ok(Value::Null),
                Err(error) => return Err(error),
            }
            self.out.beat();
        }
    }

    /// The query that asks for the objects of a schema.
    fn of_schema<'p>(&self, path: &'p Path) -> [(&'static str, &'p str); 3] {
        let (catalog, schema) = names(path);
        [
            ("catalog_name", catalog),
            ("schema_name", schema),
            ("include_browse", self.settings.browse),
        ]
    }

    /// Why a schema could not be listed, and what would help.
    fn reason(&self, error: Error, path: &Path) -> Reason {
        let (catalog, schema) = names(path);
        let error = error.with_context("schema", path);
        Reason::from(&match error.kind() {
            ErrorKind::PermissionDenied => {
                error.with_grant(grants::on_schema(catalog, schema, self.principal.grantee()))
            }
            _ => error,
        })
    }

    async fn close_all(&self, split: &Split, error: &Error) -> Result<()> {
        for path in &split.namespaces {
            self.out.close(path, Listing::failed(error)).await?;
        }
        Ok(())
    }
}

fn unclear(what: &str) -> Reason {
    Reason {
        code: "data_invalid".to_owned(),
        detail: format!("a {what} in the list cannot be understood"),
        grant: None,
    }
}

/// The names of a schema's catalog and its own.
fn names(path: &Path) -> (&str, &str) {
    let catalog = path.segments().first().map_or("", |name| name);
    (catalog, path.name().unwrap_or_default())
}

/// The catalog that all schemas of a split are in.
fn catalog_of(split: &Split) -> Result<&str> {
    let first = split.namespaces.first().and_then(|path| path.segments().first());
    first.map(|name| &**name).ok_or_else(|| {
        Error::new(ErrorKind::Unexpected, "a split without schemas").with_context("split", &split.id)
    })
}
