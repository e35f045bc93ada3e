use super::{Call, Defect, ToySource, state::State};
use crate::Part;
use async_trait::async_trait;
use headwater_core::{
    Capability, Case, CheckReport, Connect, Container, Cost, Cx, Discovery, Error, ErrorKind, Facet, Family,
    Filters, Host, Listing, Path, Readable, Reason, Result, Scope, Secret, SourceConnector, Split, SplitSink,
    Verified,
    model::{Asset, LineageEdge, Namespace},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    time::{Duration, Instant},
};

/// The settings of a [`Toy`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToyConfig {
    /// The id of a toy source of this process.
    pub source: String,
    /// Where the token is said to be sent; nothing is.
    #[serde(default)]
    pub host: Option<String>,
    /// Read this schema only.
    #[serde(default)]
    pub schema: Option<String>,
    /// What to read.
    #[serde(default)]
    pub filters: Filters,
}

/// The credentials of a [`Toy`].
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToyCredentials {
    /// What the source asks for.
    pub token: Secret,
}

/// The connector that reads a [`ToySource`].
pub struct Toy {
    source: ToySource,
    token: Secret,
}

impl fmt::Debug for Toy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Toy");
        text.field("source", &self.source.id).field("token", &self.token);
        if self.source.has(Defect::TokenInDebug) {
            text.field("leaked", &self.token.expose());
        }
        text.finish()
    }
}

impl Connect for Toy {
    const KIND: &'static str = "toy";
    const NAME: &'static str = "Toy source";
    const ALIASES: &'static [&'static str] = &["toy_source"];
    const FAMILY: Family = Family {
        name: Self::FAMILY_NAME,
        case: Case::Sensitive,
    };
    const CAPABILITIES: &'static [Capability] = &[
        capability("fields"),
        capability("constraints"),
        capability("definition"),
        capability("stats"),
        capability("lineage"),
    ];
    const DESTINATIONS: &'static [&'static str] = &["/host"];
    type Config = ToyConfig;
    type Credentials = ToyCredentials;

    fn scope(config: &ToyConfig) -> Result<Scope> {
        let filters = config.filters.clone().with_schema(config.schema.as_deref())?;
        Scope::new(&filters, Self::FAMILY.case)
    }

    fn open(config: ToyConfig, credentials: ToyCredentials, _host: &Host) -> Result<Self> {
        let source = ToySource::find(&config.source)
            .ok_or_else(|| Error::invalid_field("/config/source", "names no toy source of this process"))?;
        Ok(Self {
            source,
            token: credentials.token,
        })
    }
}

const fn capability(name: &'static str) -> Capability {
    Capability {
        name,
        verified: Verified::Real,
    }
}

#[async_trait]
impl SourceConnector for Toy {
    async fn check(&self, cx: &Cx) -> Result<CheckReport> {
        let begin = Instant::now();
        let refused = self
            .ask(cx, Call::Check, |state| Ok(state.refused_parts.clone()))
            .await?;
        let readable = |part: Part| match refused.contains(&part) {
            true => Readable::no(
                format!("{part} cannot be read"),
                format!("GRANT READ {part} TO toy"),
            ),
            false => Readable::yes(),
        };
        Ok(CheckReport {
            message: format!("toy source {}", self.source.id),
            latency: begin.elapsed().max(Duration::from_micros(1)),
            capabilities: Part::ALL.map(|part| (part.as_str(), readable(part))).into(),
        })
    }

    async fn discover(&self, scope: &Scope, cx: &Cx) -> Result<Discovery> {
        let mut discovery = self
            .ask(cx, Call::Schemas, |state| {
                let mut schemas = state.visible();
                schemas.retain(|schema| scope.admits_namespace(schema));
                Ok(Discovery {
                    identity: state.identity.clone(),
                    containers: containers(&schemas, state),
                    splits: schemas.chunks(state.schemas_per_split).map(split).collect(),
                    max_parallel: state.max_parallel,
                })
            })
            .await?;
        if self.source.has(Defect::UnstableSplits) {
            let calls = self.source.calls(Call::Schemas);
            discovery
                .splits
                .iter_mut()
                .for_each(|split| split.id = format!("{}#{calls}", split.id));
        }
        Ok(discovery)
    }

    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
        let result = self.read(split, out).await;
        match result {
            Err(error)
                if error.kind() == ErrorKind::Stopped && self.source.has(Defect::SinkErrorReplaced) =>
            {
                Err(Error::new(ErrorKind::Unavailable, "the toy source is gone"))
            }
            other => other,
        }
    }
}

impl Toy {
    pub(super) const FAMILY_NAME: &'static str = "toy";

    async fn read(&self, split: &Split, out: &SplitSink) -> Result<()> {
        for schema in &split.namespaces {
            if let Some(database) = schema.parent().filter(|path| path.depth() > 0) {
                out.namespace(Namespace::new(database, "database")).await?;
            }
            out.namespace(Namespace::new(schema.clone(), "schema")).await?;
            let listing = match self.read_schema(schema, out).await {
                Ok(()) => Listing::Complete,
                Err(error) if error.kind() != ErrorKind::PermissionDenied => return Err(error),
                Err(_) if self.source.has(Defect::ErrorReadAsEmpty) => Listing::Complete,
                Err(error) => Listing::failed(&error),
            };
            out.close(schema, listing).await?;
        }
        Ok(())
    }

    async fn read_schema(&self, schema: &Path, out: &SplitSink) -> Result<()> {
        let mut next = Some(0);
        let mut warned = BTreeSet::new();
        while let Some(number) = next {
            let page = self
                .ask(out.cx(), Call::Assets, |state| state.page(schema, number))
                .await?;
            out.beat();
            next = page.next;
            let dropped = next.is_none() && self.source.has(Defect::LastPageDropped);
            let ended = page.assets.is_empty() && self.source.has(Defect::EmptyPageEnds);
            if dropped || ended {
                break;
            }
            self.read_page(schema, page.assets, &mut warned, out).await?;
        }
        Ok(())
    }

    /// Reads the parts of a page's assets and reports them.
    async fn read_page(
        &self,
        schema: &Path,
        assets: Vec<Asset>,
        warned: &mut BTreeSet<Part>,
        out: &SplitSink,
    ) -> Result<()> {
        let mut lineage = BTreeMap::new();
        let mut unread = BTreeSet::new();
        for part in Part::ALL {
            let answer = self
                .ask(out.cx(), Call::Part(part), |state| Ok(state.lineage.clone()))
                .await;
            match answer {
                Ok(edges) if part == Part::Lineage => lineage = edges,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    unread.insert(part);
                    if warned.insert(part) {
                        out.warn(format!("{part}_unread"), error.to_string(), Some(schema.clone()))
                            .await?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let requests = 1 + Part::ALL.len() as u64;
        out.cost(Cost {
            requests,
            ..Cost::default()
        })
        .await?;
        self.report(assets, lineage, &unread, out).await
    }

    async fn report(
        &self,
        assets: Vec<Asset>,
        mut lineage: BTreeMap<Path, Vec<LineageEdge>>,
        unread: &BTreeSet<Part>,
        out: &SplitSink,
    ) -> Result<()> {
        let keys: Vec<Path> = assets.iter().map(|asset| asset.key.clone()).collect();
        let stored = match assets.iter().any(|asset| asset.version.is_some()) {
            true => out.versions(&keys).await?,
            false => Vec::new(),
        };
        let mut stored = stored.into_iter();
        for mut asset in assets {
            let known = stored.next().flatten();
            if known.is_some() && known == asset.version {
                out.unchanged(asset.key).await?;
                continue;
            }
            for part in unread {
                self.leave_out(*part, &mut asset);
            }
            let edges = lineage.remove(&asset.key).unwrap_or_default();
            if self.source.has(Defect::NamesFolded) {
                asset.key = Path::new(asset.key.segments().iter().map(|name| name.to_lowercase()));
            }
            let key = asset.key.clone();
            out.asset(asset).await?;
            if !unread.contains(&Part::Lineage) || self.source.has(Defect::RefusalReadAsEmpty) {
                out.lineage(key, edges).await?;
            }
        }
        Ok(())
    }

    fn leave_out(&self, part: Part, asset: &mut Asset) {
        let wrong = self.source.has(Defect::RefusalReadAsEmpty);
        match part {
            Part::Fields => asset.fields = empty_or_unread(wrong),
            Part::Constraints => asset.constraints = empty_or_unread(wrong),
            Part::Definition => asset.definition = empty_or_unread(wrong),
            Part::Stats => asset.stats = empty_or_unread(wrong),
            Part::Lineage => {}
        }
    }

    /// Calls the source, and stops waiting when the run is stopped.
    async fn ask<T>(
        &self,
        cx: &Cx,
        call: Call,
        answer: impl FnOnce(&super::state::State) -> Result<T>,
    ) -> Result<T> {
        let answer = self.source.call(call, self.token.expose(), answer);
        let result = self.unless_stopped(cx, answer).await;
        match result {
            Err(error)
                if error.kind() == ErrorKind::Unauthenticated
                    && self.source.has(Defect::RefusedTokenUnavailable) =>
            {
                Err(Error::new(
                    ErrorKind::Unavailable,
                    "the toy source does not answer",
                ))
            }
            other => other,
        }
    }

    async fn unless_stopped<T>(&self, cx: &Cx, call: impl Future<Output = Result<T>>) -> Result<T> {
        if self.source.has(Defect::StopIgnored) {
            call.await
        } else {
            cx.or_stop(call).await
        }
    }
}

fn empty_or_unread<T: Default>(empty: bool) -> Facet<T> {
    match empty {
        true => Facet::Read(T::default()),
        false => Facet::Unread,
    }
}

/// The root, the schemas, and everything between them.
fn containers(schemas: &[Path], state: &State) -> Vec<Container> {
    let refused = &state.refused;
    let mut paths: BTreeSet<Path> = schemas.iter().cloned().collect();
    let above = refused.iter().filter(|path| !schemas.contains(path));
    paths.extend(above.cloned());
    for path in schemas {
        let mut parent = path.parent();
        while let Some(path) = parent {
            parent = path.parent();
            paths.insert(path);
        }
    }
    paths.insert(Path::root());
    let container = |path: Path| Container {
        children: match refused.contains(&path) && !schemas.contains(&path) {
            true => refusal(&path, state.skipped.contains(&path)),
            false => Listing::Complete,
        },
        path,
        visibility: state.visibility.clone(),
    };
    paths.into_iter().map(container).collect()
}

fn refusal(path: &Path, skipped: bool) -> Listing {
    let reason = Reason {
        code: "permission_denied".into(),
        detail: format!("the content of {path} cannot be listed"),
        grant: None,
    };
    match skipped {
        true => Listing::Skipped(reason),
        false => Listing::Partial(vec![reason]),
    }
}

fn split(schemas: &[Path]) -> Split {
    let names: Vec<String> = schemas.iter().map(Path::to_string).collect();
    Split {
        id: names.join("+"),
        namespaces: schemas.to_vec(),
        payload: Value::Null,
    }
}
