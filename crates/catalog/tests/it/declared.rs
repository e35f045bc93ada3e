//! A connector that reads what its config declares, with edges in either direction.

use crate::{careless::Nothing, support::Bed, toy::id};
use async_trait::async_trait;
use headwater_catalog::{ConnectorId, NewConnector, SpaceId};
use headwater_core::{
    Capability, Case, CheckReport, Connect, Container, Cx, Discovery, Facet, Family, Host, Listing, Path,
    Result, Scope, SourceConnector, Split, SplitSink, Visibility,
    model::{Asset, AssetKind, Flow, LineageEdge, LineageEnd},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A connector whose config is all that it reads: tables of a warehouse, or models beside it.
#[derive(Debug)]
pub(crate) struct Declared<const MODELS: bool>(DeclaredConfig);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclaredConfig {
    /// Assets by path, joined with dots. The links of one that has null were not read.
    assets: BTreeMap<String, Option<Vec<Link>>>,
    /// The connector that holds the tables.
    #[expect(dead_code, reason = "read by the host")]
    warehouse: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    out: bool,
    table: String,
    #[serde(default = "warehouse")]
    family: String,
}

fn warehouse() -> String {
    "warehouse".into()
}

impl<const MODELS: bool> Connect for Declared<MODELS> {
    const KIND: &'static str = ["warehouse", "models"][MODELS as usize];
    const NAME: &'static str = Self::KIND;
    const FAMILY: Family = Family {
        name: Self::KIND,
        case: [Case::Insensitive, Case::Sensitive][MODELS as usize],
    };
    const CAPABILITIES: &'static [Capability] = &[];
    const DESTINATIONS: &'static [&'static str] = &[];
    const LINKS_INTO: Option<&'static str> = [None, Some("/warehouse")][MODELS as usize];
    type Config = DeclaredConfig;
    type Credentials = Nothing;

    fn scope(_config: &DeclaredConfig) -> Result<Scope> {
        Ok(Scope::default())
    }

    fn open(config: DeclaredConfig, _credentials: Nothing, _host: &Host) -> Result<Self> {
        Ok(Self(config))
    }
}

/// The path of names joined with dots.
pub(crate) fn path(dotted: &str) -> Path {
    Path::new(dotted.split('.'))
}

#[async_trait]
impl<const MODELS: bool> SourceConnector for Declared<MODELS> {
    async fn check(&self, _cx: &Cx) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    async fn discover(&self, _scope: &Scope, _cx: &Cx) -> Result<Discovery> {
        let schemas: BTreeSet<Path> = self
            .0
            .assets
            .keys()
            .filter_map(|key| path(key).parent())
            .collect();
        let container = |path: Path| Container {
            path,
            children: Listing::Complete,
            visibility: Visibility::Everyone,
        };
        Ok(Discovery {
            identity: None,
            containers: [Path::root()]
                .into_iter()
                .chain(schemas.clone())
                .map(container)
                .collect(),
            splits: vec![Split {
                id: "all".into(),
                namespaces: schemas.into_iter().collect(),
                payload: Value::Null,
            }],
            max_parallel: None,
        })
    }

    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
        for (key, links) in &self.0.assets {
            let mut asset = Asset::new(path(key), AssetKind::TABLE);
            asset.fields = Facet::Read(vec![id()]);
            out.asset(asset).await?;
            let edge = |link: &Link| {
                let flow = if link.out { Flow::Out } else { Flow::In };
                let kind = if link.out { "build" } else { "read" };
                LineageEdge::new(flow, LineageEnd::new(&*link.family, path(&link.table)), kind)
            };
            if let Some(links) = links {
                out.lineage(path(key), links.iter().map(edge).collect()).await?;
            }
        }
        for namespace in &split.namespaces {
            out.close(namespace, Listing::Complete).await?;
        }
        Ok(())
    }
}

/// A connector of these assets.
pub(crate) async fn declare(
    bed: &Bed,
    space: SpaceId,
    kind: &str,
    name: &str,
    assets: Value,
    named: Option<ConnectorId>,
) -> ConnectorId {
    let new = NewConnector {
        name: name.into(),
        kind: kind.into(),
        config: json!({"assets": assets, "warehouse": named.map(|id| id.to_string())}),
        credentials: json!({}),
        source_system_id: None,
        links_into: named,
    };
    let made = bed.store.create_connector(space, new, &bed.actor).await;
    made.unwrap().id
}
