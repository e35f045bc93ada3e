//! A connector that reports things twice, late and for nobody: within the contract, or nearly.

use crate::{
    support::{Bed, on_both_engines},
    toy::{ToyBed, counts, id, text},
};
use async_trait::async_trait;
use headwater_catalog::{NewConnector, PageRequest};
use headwater_core::{
    Capability, Case, CheckReport, Connect, Container, Cx, Discovery, Facet, Family, Host, Listing, Path,
    Result, Scope, SourceConnector, Split, SplitSink, Visibility,
    model::{Asset, AssetKind, Field, Flow, LineageEdge, LineageEnd},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

on_both_engines!(
    the_last_of_two_reports_counts,
    lineage_may_come_before_its_owner,
    lineage_of_nobody_is_a_warning,
);

#[derive(Debug)]
pub(crate) struct Careless;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl Connect for Careless {
    const KIND: &'static str = "careless";
    const NAME: &'static str = "Careless";
    const FAMILY: Family = Family {
        name: "careless",
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

#[async_trait]
impl SourceConnector for Careless {
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
        let table = |name: &str, fields: Vec<Field>| {
            let mut table = Asset::new(schema().child(name), AssetKind::TABLE);
            table.fields = Facet::Read(fields);
            table
        };
        let end = LineageEnd::new("careless", Path::new(["SHOP", "Public", "ORDERS"]));
        let edge = LineageEdge::new(Flow::In, end, "view");
        out.lineage(schema().child("late"), vec![edge.clone()]).await?;
        out.lineage(schema().child("nobody"), vec![edge]).await?;
        out.asset(table("orders", vec![id()])).await?;
        // More than a batch, so that the owner comes in another one than its edges.
        for n in 0..600 {
            out.asset(table(&format!("t{n}"), vec![id()])).await?;
        }
        out.asset(table("late", vec![id()])).await?;
        out.asset(table("twice", vec![id()])).await?;
        out.asset(table("twice", vec![id(), text("more")])).await?;
        out.close(&schema(), Listing::Complete).await
    }
}

async fn synced(bed: Bed) -> (ToyBed, headwater_catalog::Run) {
    let toy = ToyBed::new(bed).await;
    let new = NewConnector {
        name: "careless".into(),
        kind: "careless".into(),
        config: json!({}),
        credentials: json!({}),
        source_system_id: None,
        links_into: None,
    };
    let (store, space) = (&toy.bed.store, toy.bed.space);
    let connector = store.create_connector(space, new, &toy.bed.actor).await.unwrap();
    toy.sync_of(connector.id).await;
    toy.watch_writes().await;
    let run = toy.sync_of(connector.id).await;
    (toy, run)
}

async fn warnings(toy: &ToyBed, run: &headwater_catalog::Run) -> Vec<(String, String)> {
    let warnings = toy
        .bed
        .store
        .run_warnings(run.id, PageRequest::default())
        .await
        .unwrap();
    let tell = |warning: headwater_core::Warning| (warning.code, warning.path.unwrap().to_string());
    warnings.items.into_iter().map(tell).collect()
}

async fn the_last_of_two_reports_counts(bed: Bed) {
    let (toy, run) = synced(bed).await;
    assert_eq!(counts(&run), [0, 0, 603, 0]);
    assert_eq!(
        toy.writes().await,
        [""; 0],
        "a second sync of the same writes nothing"
    );
    let product = toy.product("shop.public.twice").await;
    assert_eq!(product.fields.as_option().unwrap().len(), 2);
    assert_eq!(product.schema_changes, []);
    let duplicate = ("duplicate_key".to_owned(), "shop.public.twice".to_owned());
    assert!(warnings(&toy, &run).await.contains(&duplicate));
}

async fn lineage_may_come_before_its_owner(bed: Bed) {
    let (toy, _) = synced(bed).await;
    let orders = toy.product("shop.public.orders").await;
    let late = toy.product("shop.public.late").await;
    assert_eq!(
        late.lineage.upstream[0].product_id,
        Some(orders.product.id),
        "letters of any case"
    );
    assert_eq!(late.lineage.upstream[0].path, orders.product.path);
    assert_eq!(orders.lineage.downstream[0].product_id, Some(late.product.id));
}

async fn lineage_of_nobody_is_a_warning(bed: Bed) {
    let (toy, run) = synced(bed).await;
    let nobody = (
        "lineage_without_owner".to_owned(),
        "shop.public.nobody".to_owned(),
    );
    assert!(warnings(&toy, &run).await.contains(&nobody));
}
