//! A bed with an engine on it and a scripted source to sync.

use crate::{
    careless::Careless,
    declared::Declared,
    support::{Bed, Place},
    uploads::Listed,
    wide::Wide,
};
use headwater_catalog::{
    Connector, ConnectorId, NewConnector, PageRequest, Product, ProductDetail, ProductFilter, Run, RunId,
    RunRequest, RunStatus, SpaceId, Trigger,
    engine::{Engine, EngineOptions},
};
use headwater_core::{
    Host,
    model::{DataType, Field},
};
use headwater_testkit::ToySource;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// How long a run may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(100);

/// The tables that a sync without news must not touch.
const CONTENT: [&str; 5] = ["product", "schema_change", "edge", "product_stats", "namespace"];

pub(crate) struct ToyBed {
    pub(crate) source: ToySource,
    pub(crate) connector: Connector,
    pub(crate) engine: Engine,
    stop: CancellationToken,
    pub(crate) bed: Bed,
}

impl Drop for ToyBed {
    fn drop(&mut self) {
        self.stop();
    }
}

impl ToyBed {
    /// An engine at work, and a connector of an empty source.
    pub(crate) async fn new(bed: Bed) -> Self {
        Self::with_options(bed, options()).await
    }

    pub(crate) async fn with_options(bed: Bed, options: EngineOptions) -> Self {
        let source = ToySource::new();
        let connector = connect(&bed, bed.space, &source, source.config()).await;
        let (engine, stop) = run_engine(&bed, options);
        Self {
            source,
            connector,
            engine,
            stop,
            bed,
        }
    }

    /// Has the engine hand its runs back.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// A connector of another source.
    pub(crate) async fn connect(&self, source: &ToySource) -> Connector {
        connect(&self.bed, self.bed.space, source, source.config()).await
    }

    pub(crate) async fn connect_in(&self, space: SpaceId, source: &ToySource) -> Connector {
        connect(&self.bed, space, source, source.config()).await
    }

    /// Syncs the bed's connector to the end.
    pub(crate) async fn sync(&self) -> Run {
        self.sync_with(RunRequest::default()).await
    }

    pub(crate) async fn sync_with(&self, request: RunRequest) -> Run {
        let run = self.start(request).await;
        self.ended(run.id).await
    }

    /// Syncs another connector of the bed's space to the end.
    pub(crate) async fn sync_of(&self, connector: ConnectorId) -> Run {
        let run = self.bed.start(connector).await;
        self.engine.wake();
        self.ended(run.id).await
    }

    pub(crate) async fn start(&self, request: RunRequest) -> Run {
        let (space, connector) = (self.bed.space, self.connector.id);
        let run = self
            .bed
            .store
            .start_run(space, connector, request, Trigger::Api, &self.bed.actor);
        let run = run.await.unwrap();
        self.engine.wake();
        run
    }

    /// The run, once it has ended.
    pub(crate) async fn ended(&self, run: RunId) -> Run {
        self.until(run, |run| run.status != RunStatus::Running).await
    }

    /// The run, once it is as wanted.
    pub(crate) async fn until(&self, run: RunId, is_so: impl Fn(&Run) -> bool) -> Run {
        let begin = Instant::now();
        loop {
            let run = self.bed.store.get_run(self.bed.space, run).await.unwrap();
            if is_so(&run) {
                return run;
            }
            assert!(begin.elapsed() < PATIENCE, "still waiting: {run:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The active products of the bed's space by hosting location.
    pub(crate) async fn products(&self) -> BTreeMap<String, Product> {
        self.list(ProductFilter::default()).await
    }

    /// The products of the bed's space in any state.
    pub(crate) async fn all_products(&self) -> BTreeMap<String, Product> {
        let filter = ProductFilter {
            include_archived: true,
            ..ProductFilter::default()
        };
        self.list(filter).await
    }

    async fn list(&self, filter: ProductFilter) -> BTreeMap<String, Product> {
        let page = PageRequest { page: 1, size: 1000 };
        let found = self.bed.store.list_products(self.bed.space, filter, page).await;
        let items = found.unwrap().items.into_iter();
        items
            .map(|product| (product.hosting_location.clone(), product))
            .collect()
    }

    pub(crate) async fn product(&self, location: &str) -> ProductDetail {
        let all = self.all_products().await;
        let product = all
            .get(location)
            .unwrap_or_else(|| panic!("no product {location}"));
        self.bed
            .store
            .get_product(self.bed.space, product.id)
            .await
            .unwrap()
    }

    /// The state of each product by hosting location.
    pub(crate) async fn states(&self) -> BTreeMap<String, String> {
        let all = self.all_products().await.into_iter();
        all.map(|(location, product)| (location, product.state.to_string()))
            .collect()
    }

    /// Counts each row that is written from now on to what a sync without news must not touch.
    pub(crate) async fn watch_writes(&self) {
        let mut sql = "CREATE TABLE written (place TEXT);".to_owned();
        if let Place::Postgres { .. } = self.bed.place {
            sql += "CREATE FUNCTION note() RETURNS trigger AS $$ BEGIN INSERT INTO written VALUES (TG_TABLE_NAME);
                RETURN NULL; END $$ LANGUAGE plpgsql;";
        }
        for table in CONTENT {
            for event in ["INSERT", "UPDATE", "DELETE"] {
                let action = match self.bed.place {
                    Place::Sqlite(_) => format!("BEGIN INSERT INTO written VALUES ('{table}'); END"),
                    Place::Postgres { .. } => "FOR EACH ROW EXECUTE FUNCTION note()".to_owned(),
                };
                sql += &format!("CREATE TRIGGER {table}_{event} AFTER {event} ON {table} {action};");
            }
        }
        self.bed.place.execute(&sql).await;
    }

    /// The table of each row that was written.
    pub(crate) async fn writes(&self) -> Vec<String> {
        self.bed.place.values("SELECT place AS value FROM written").await
    }
}

/// Quick: tests do not wait for other nodes or other days.
pub(crate) fn options() -> EngineOptions {
    EngineOptions {
        heartbeat: Duration::from_millis(200),
        poll: Duration::from_millis(100),
        grace: Duration::from_secs(1),
        backoff: Duration::from_millis(1),
        ..EngineOptions::default()
    }
}

/// Runs an engine until the token is cancelled.
pub(crate) fn run_engine(bed: &Bed, options: EngineOptions) -> (Engine, CancellationToken) {
    let mut registry = ToySource::registry();
    registry.register::<Careless>();
    registry.register::<Wide>();
    registry.register::<Listed>();
    registry.register::<Declared<false>>();
    registry.register::<Declared<true>>();
    let engine = Engine::new(bed.store.clone(), Arc::new(registry), Host::default(), options);
    let stop = CancellationToken::new();
    let (running, stopped) = (engine.clone(), stop.clone());
    tokio::spawn(async move { running.run(stopped).await });
    (engine, stop)
}

pub(crate) async fn connect(bed: &Bed, space: SpaceId, source: &ToySource, config: Value) -> Connector {
    let new = NewConnector {
        name: "toy".to_owned(),
        kind: "toy".to_owned(),
        config,
        credentials: source.credentials(),
        source_system_id: None,
        links_into: None,
    };
    bed.store.create_connector(space, new, &bed.actor).await.unwrap()
}

/// A column of text.
pub(crate) fn text(name: &str) -> Field {
    Field::new(name, "text", DataType::String { length: None })
}

/// A numeric column.
pub(crate) fn id() -> Field {
    Field::new("id", "bigint", DataType::Integer { bits: 64 })
}

/// Adds tables `shop.SCHEMA.t0`, `t1`, ...
pub(crate) fn add_tables(source: &ToySource, schema: &str, number: usize) {
    for n in 0..number {
        source.add_table(["shop", schema, &format!("t{n}")], [id(), text("note")]);
    }
}

/// Created, updated, unchanged, archived.
pub(crate) fn counts(run: &Run) -> [u64; 4] {
    [
        run.products_created,
        run.products_updated,
        run.products_unchanged,
        run.products_archived,
    ]
}
