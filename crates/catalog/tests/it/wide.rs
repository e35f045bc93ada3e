//! The widest tables that PostgreSQL allows. A batch ends by its weight, long before its 500 assets.

use crate::{
    careless::Nothing,
    support::{Bed, on_both_engines},
    toy::{ToyBed, counts, id},
};
use async_trait::async_trait;
use headwater_catalog::{NewConnector, RunStatus};
use headwater_core::{
    Capability, Case, CheckReport, Connect, Container, Cx, Discovery, Facet, Family, Host, Listing, Path,
    Result, Scope, SourceConnector, Split, SplitSink, Visibility,
    model::{Asset, AssetKind, Field},
};
use serde_json::{Value, json};

on_both_engines!(tables_of_as_many_columns_as_there_can_be);

const TABLES: u64 = 500;
const COLUMNS: usize = 1_600;

/// A source that makes its tables up while it is read: it holds none of them.
#[derive(Debug)]
pub(crate) struct Wide;

impl Connect for Wide {
    const KIND: &'static str = "wide";
    const NAME: &'static str = "Wide";
    const FAMILY: Family = Family {
        name: "wide",
        case: Case::Insensitive,
    };
    const CAPABILITIES: &'static [Capability] = &[];
    const DESTINATIONS: &'static [&'static str] = &[];
    type Config = Nothing;
    type Credentials = Nothing;

    fn scope(_config: &Nothing) -> Result<Scope> {
        Ok(Scope::default())
    }

    fn open(_config: Nothing, _credentials: Nothing, _host: &Host) -> Result<Self> {
        Ok(Self)
    }
}

fn schema() -> Path {
    Path::new(["shop", "public"])
}

fn table(number: u64) -> Asset {
    let mut table = Asset::new(schema().child(format!("t{number}")), AssetKind::TABLE);
    let field = |n: usize| Field {
        name: format!("column_{n}_of_{COLUMNS}").into(),
        ..id()
    };
    table.fields = Facet::Read((0..COLUMNS).map(field).collect());
    table
}

#[async_trait]
impl SourceConnector for Wide {
    async fn check(&self, _cx: &Cx) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    async fn discover(&self, _scope: &Scope, _cx: &Cx) -> Result<Discovery> {
        Ok(Discovery {
            identity: None,
            containers: vec![Container {
                path: schema(),
                children: Listing::Complete,
                visibility: Visibility::Everyone,
            }],
            splits: vec![Split {
                id: "all".into(),
                namespaces: vec![schema()],
                payload: Value::Null,
            }],
            max_parallel: None,
        })
    }

    async fn sync(&self, _split: &Split, out: &SplitSink) -> Result<()> {
        for number in 0..TABLES {
            out.asset(table(number)).await?;
        }
        out.close(&schema(), Listing::Complete).await
    }
}

/// The most memory that this process has had, in MiB.
#[cfg(target_os = "linux")]
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line.unwrap().trim().trim_end_matches(" kB").parse().unwrap();
    kib / 1024
}

async fn tables_of_as_many_columns_as_there_can_be(bed: Bed) {
    let toy = ToyBed::new(bed).await;
    let new = NewConnector {
        name: "wide".into(),
        kind: "wide".into(),
        config: json!({}),
        credentials: json!({}),
        source_system_id: None,
        links_into: None,
    };
    let (store, space) = (&toy.bed.store, toy.bed.space);
    let connector = store.create_connector(space, new, &toy.bed.actor).await.unwrap();
    let first = toy.sync_of(connector.id).await;
    assert_eq!(
        (first.status, counts(&first)),
        (RunStatus::Completed, [TABLES, 0, 0, 0])
    );
    // Held all at once, 800,000 columns would be more than this.
    #[cfg(target_os = "linux")]
    assert!(peak_mib() < 100, "{} MiB", peak_mib());
    let stored = toy.product("shop.public.t499").await;
    assert_eq!(stored.fields.as_option().unwrap().len(), COLUMNS);
}
