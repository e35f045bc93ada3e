use crate::{Config, Credentials, error, folder, table::Table};
use async_trait::async_trait;
use headwater_core::{
    Capability, Case, CheckReport, Connect, Container, Cx, Discovery, ErrorKind, Family, Host, Listing, Path,
    Readable, Result, Scope, SourceConnector, Split, SplitSink, Verified, Visibility,
    model::{Asset, AssetKind, Namespace},
};
use serde_json::Value;
use std::{path::PathBuf, time::Instant};

/// Rows that are read at one go: between two of them a stop is heeded.
const ROWS_AT_ONCE: u64 = 50_000;

/// A folder of CSV files.
#[derive(Debug)]
pub struct CsvFolder {
    config: Config,
    scope: Scope,
}

impl Connect for CsvFolder {
    const KIND: &'static str = "csv";
    const NAME: &'static str = "CSV files";
    const FAMILY: Family = Family {
        name: "csv",
        case: Case::Sensitive,
    };
    const CAPABILITIES: &'static [Capability] = &[capability("fields"), capability("stats")];
    const DESTINATIONS: &'static [&'static str] = &[];
    type Config = Config;
    type Credentials = Credentials;

    fn scope(config: &Config) -> Result<Scope> {
        Ok(Scope::new(&config.filters, Self::FAMILY.case)?.with_schema_depth(1))
    }

    fn open(config: Config, _: Credentials, host: &Host) -> Result<Self> {
        config.validate(host)?;
        let scope = Self::scope(&config)?;
        Ok(Self { config, scope })
    }
}

const fn capability(name: &'static str) -> Capability {
    Capability {
        name,
        verified: Verified::Real,
    }
}

#[async_trait]
impl SourceConnector for CsvFolder {
    async fn check(&self, cx: &Cx) -> Result<CheckReport> {
        let begin = Instant::now();
        let schemas = cx.or_stop(folder::schemas(self.config.directory.clone())).await?;
        Ok(CheckReport {
            message: format!("a folder with {} schemas", schemas.names.len()),
            latency: begin.elapsed(),
            capabilities: Self::CAPABILITIES
                .iter()
                .map(|one| (one.name, Readable::yes()))
                .collect(),
        })
    }

    async fn discover(&self, _: &Scope, cx: &Cx) -> Result<Discovery> {
        let found = cx.or_stop(folder::schemas(self.config.directory.clone())).await?;
        let schemas = || found.names.iter().map(|name| Path::new([name.as_str()]));
        let container = |path, children| Container {
            path,
            children,
            visibility: Visibility::Everyone,
        };
        let mut containers = vec![container(Path::root(), found.listing())];
        containers.extend(schemas().map(|path| container(path, Listing::Complete)));
        let split = |path: Path| Split {
            id: path.to_string(),
            namespaces: vec![path],
            payload: Value::Null,
        };
        Ok(Discovery {
            identity: None,
            containers,
            splits: schemas().map(split).collect(),
            max_parallel: None,
        })
    }

    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
        for schema in &split.namespaces {
            out.namespace(Namespace::new(schema.clone(), "folder")).await?;
            let listing = self.read_schema(schema, out).await?;
            out.close(schema, listing).await?;
        }
        Ok(())
    }
}

impl CsvFolder {
    /// Reports the tables of a schema and says how far they were listed.
    async fn read_schema(&self, schema: &Path, out: &SplitSink) -> Result<Listing> {
        let directory = self.file(schema);
        let found = match out.cx().or_stop(folder::tables(directory)).await {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::Stopped => return Err(error),
            // A folder that cannot be listed is not an empty one.
            Err(error) => return Ok(Listing::failed(&error)),
        };
        for name in &found.names {
            let key = schema.child(name.as_str());
            if self.scope.admits(&key) {
                out.asset(self.read_table(key, out).await?).await?;
            }
        }
        Ok(found.listing())
    }

    /// A file that cannot be read is still there: its parts are Unread.
    async fn read_table(&self, key: Path, out: &SplitSink) -> Result<Asset> {
        let mut asset = Asset::new(key, AssetKind::TABLE);
        match self.read_file(&asset.key, out).await {
            Ok(table) => {
                asset.fields = table.fields().into();
                asset.stats = table.stats().into();
            }
            Err(error) if error.kind() == ErrorKind::Stopped => return Err(error),
            Err(error) => {
                out.warn("file_unread", error.to_string(), Some(asset.key.clone()))
                    .await?
            }
        }
        Ok(asset)
    }

    async fn read_file(&self, key: &Path, out: &SplitSink) -> Result<Table> {
        let mut file = self.file(key).into_os_string();
        file.push(folder::EXTENSION);
        let (delimiter, sample) = (self.config.delimiter as u8, self.config.sample_rows);
        let open =
            folder::blocking(move || Table::open(file.as_ref(), delimiter, sample).map_err(error::csv));
        let mut table = out.cx().or_stop(open).await?;
        while !table.is_read() {
            let rows = folder::blocking(move || table.read_rows(ROWS_AT_ONCE).map_err(error::csv));
            table = out.cx().or_stop(rows).await?;
            out.beat();
        }
        Ok(table)
    }

    /// The place of a path in the folder.
    fn file(&self, path: &Path) -> PathBuf {
        let segments = path.segments().iter().map(|segment| &**segment);
        self.config.directory.join(segments.collect::<PathBuf>())
    }
}
