//! A scripted source, and the connector that reads it.
//!
//! A [`ToySource`] lives in this process and is found by the id in its config. It may be changed between
//! two syncs, or during one; it refuses, fails, hangs and panics when told to.
//!
//! ```
//! use headwater_core::{Options, model::{DataType, Field}};
//! use headwater_testkit::{ToySource, collect};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let source = ToySource::new();
//! let id = Field::new("id", "bigint", DataType::Integer { bits: 64 });
//! source.add_table(["shop", "public", "orders"], [id]);
//!
//! let first = collect(source.open().connector, Options::default()).await;
//! assert!(first.is_complete() && first.assets.len() == 1);
//!
//! source.remove(["shop", "public", "orders"]);
//! let second = collect(source.open().connector, Options::default()).await;
//! assert!(second.is_complete() && second.assets.is_empty());
//! # }
//! ```

mod connector;
mod script;
mod state;

pub use connector::{Toy, ToyConfig, ToyCredentials};
pub use script::{Action, Call, Defect, Gate};

use crate::Part;

use headwater_core::{
    Error, Facet, Host, Opened, Path, Registry, Visibility,
    model::{
        Asset, AssetKind, Constraint, ConstraintKind, DataType, Definition, Field, Flow, LineageEdge,
        LineageEnd, Name, Stat, Stats,
    },
};
use serde_json::{Value, json};
use state::{Rule, State};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Every toy source of this process, by id.
static SOURCES: Mutex<BTreeMap<String, ToySource>> = Mutex::new(BTreeMap::new());

/// A source in this process that does what it is told. Clones are the same source.
#[derive(Debug, Clone)]
pub struct ToySource {
    id: Arc<str>,
    state: Arc<Mutex<State>>,
}

impl Default for ToySource {
    fn default() -> Self {
        Self::new()
    }
}

impl ToySource {
    /// The token that a toy source takes.
    pub const TOKEN: &'static str = "toy-token-5b1f";

    /// An empty source, which shows everything to everyone and lists a hundred assets a page.
    pub fn new() -> Self {
        let mut sources = locked(&SOURCES);
        let id = format!("toy-{}", sources.len() + 1);
        let source = Self {
            id: id.as_str().into(),
            state: Arc::default(),
        };
        sources.insert(id, source.clone());
        source
    }

    /// A small shop: two schemas of tables with keys, a view with lineage, odd names, pages of two with an
    /// empty one among them.
    pub fn shop() -> Self {
        let source = Self::new();
        let id = || Field::new("id", "bigint", DataType::Integer { bits: 64 });
        let text = |name: &str| Field::new(name, "text", DataType::String { length: None });
        for name in [
            "customers",
            "orders",
            "order lines",
            "Orders",
            "a.b",
            "quo\"te",
            "naïve ☃",
        ] {
            source.add_table(["shop", "public", name], [id(), text("note")]);
        }
        source.add_table(["shop", "audit", "events"], [id()]);
        source.alter(["shop", "public", "orders"], |orders| {
            let key = Constraint::new(Some("orders_pkey".into()), ConstraintKind::PRIMARY_KEY, ["id"]);
            orders.constraints = Facet::Read(vec![key]);
        });
        let orders = Path::new(["shop", "public", "orders"]);
        source.add_view(
            ["shop", "public", "recent_orders"],
            [id()],
            "SELECT id FROM orders",
            [&orders],
        );
        source.set_page_size(2);
        source.set_empty_page(true);
        source
    }

    /// The toy source of an id.
    pub fn find(id: &str) -> Option<Self> {
        locked(&SOURCES).get(id).cloned()
    }

    /// A registry that knows the toy connector.
    pub fn registry() -> Registry {
        let mut registry = Registry::default();
        registry.register::<Toy>();
        registry
    }

    /// The config that leads to this source.
    pub fn config(&self) -> Value {
        json!({"source": &*self.id})
    }

    /// Credentials that the source takes.
    pub fn credentials(&self) -> Value {
        json!({"token": self.state().token})
    }

    /// Opens the connector on this source, as a host does.
    ///
    /// # Panics
    /// Never, unless the toy connector is broken.
    #[track_caller]
    pub fn open(&self) -> Opened {
        self.open_with(self.config())
    }

    /// Opens the connector with a config of the caller's, such as [`config`](Self::config) with filters.
    ///
    /// # Panics
    /// When the config is not valid.
    #[track_caller]
    pub fn open_with(&self, config: Value) -> Opened {
        let opened = Self::registry()
            .get("toy")
            .and_then(|toy| toy.open(config, self.credentials(), &Host::default()));
        match opened {
            Ok(opened) => opened,
            Err(error) => panic!("toy connector does not open: {error}"),
        }
    }

    // What it holds.

    /// Adds a schema without assets. Assets bring their schema along.
    pub fn add_schema<S: Into<Name>>(&self, path: impl IntoIterator<Item = S>) {
        self.state().schema(Path::new(path));
    }

    /// Drops a schema and what it holds, as its owner would.
    pub fn remove_schema<S: Into<Name>>(&self, path: impl IntoIterator<Item = S>) {
        self.state().schemas.remove(&Path::new(path));
    }

    /// Adds or replaces a table with these fields, without constraints, sized at 10 rows for each field.
    pub fn add_table<S: Into<Name>>(
        &self,
        path: impl IntoIterator<Item = S>,
        fields: impl IntoIterator<Item = Field>,
    ) {
        self.put(plain(Path::new(path), AssetKind::TABLE, fields));
    }

    /// Adds or replaces a view of these upstream assets of the same family.
    pub fn add_view<'a, S: Into<Name>>(
        &self,
        path: impl IntoIterator<Item = S>,
        fields: impl IntoIterator<Item = Field>,
        sql: &str,
        upstream: impl IntoIterator<Item = &'a Path>,
    ) {
        let path = Path::new(path);
        let mut view = plain(path.clone(), AssetKind::VIEW, fields);
        view.definition = Facet::Read(Some(Definition::sql(sql)));
        self.put(view);
        let edge = |upstream: &Path| {
            let end = LineageEnd::new(Toy::FAMILY_NAME, upstream.clone());
            LineageEdge::new(Flow::In, end, "view")
        };
        self.set_lineage(&path, upstream.into_iter().map(edge).collect());
    }

    /// Adds or replaces an asset. One with a [`version`](Asset::version) is reported unchanged where the
    /// host's baseline holds the same.
    pub fn put(&self, asset: Asset) {
        let mut state = self.state();
        let schema = asset.key.parent().unwrap_or_else(Path::root);
        state.schema(schema).assets.insert(asset.key.clone(), asset);
    }

    /// Changes an asset.
    ///
    /// # Panics
    /// When there is none at the path.
    #[track_caller]
    pub fn alter<S: Into<Name>>(&self, path: impl IntoIterator<Item = S>, change: impl FnOnce(&mut Asset)) {
        let path = Path::new(path);
        let mut state = self.state();
        let schema = state.schema(path.parent().unwrap_or_else(Path::root));
        match schema.assets.get_mut(&path) {
            Some(asset) => change(asset),
            None => panic!("the toy source has no asset {path}"),
        }
    }

    /// Drops an asset, as its owner would.
    pub fn remove<S: Into<Name>>(&self, path: impl IntoIterator<Item = S>) {
        let path = Path::new(path);
        let schema = path.parent().unwrap_or_else(Path::root);
        self.state().schema(schema).assets.remove(&path);
    }

    /// Sets all edges that an asset owns.
    pub fn set_lineage(&self, owner: &Path, edges: Vec<LineageEdge>) {
        self.state().lineage.insert(owner.clone(), edges);
    }

    /// The paths of all assets, hidden ones included, in the order that the source lists them.
    pub fn paths(&self) -> Vec<Path> {
        let state = self.state();
        state
            .schemas
            .values()
            .flat_map(|schema| schema.assets.keys().cloned())
            .collect()
    }

    // How it looks to the principal.

    /// Sets what the source says it is.
    pub fn set_identity(&self, identity: Option<&str>) {
        self.state().identity = identity.map(str::to_owned);
    }

    /// Sets what decides which objects are seen, for all containers.
    pub fn set_visibility(&self, visibility: Visibility) {
        self.state().visibility = visibility;
    }

    /// Makes the source take another token only.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.state().token);
    }

    /// Leaves a schema out of every list, without an error: what a lost grant does on most sources.
    pub fn hide_schema<S: Into<Name>>(&self, path: impl IntoIterator<Item = S>) {
        self.state().hidden.insert(Path::new(path));
    }

    /// Ends [`hide_schema`](Self::hide_schema).
    pub fn show_schema<S: Into<Name>>(&self, path: impl IntoIterator<Item = S>) {
        self.state().hidden.remove(&Path::new(path));
    }

    /// Refuses to list the content of a container with `PermissionDenied`: the assets of a schema, the
    /// schemas of a database, the databases of the root.
    pub fn refuse_listing<S: Into<Name>>(&self, path: impl IntoIterator<Item = S>) {
        self.state().refused.insert(Path::new(path));
    }

    /// Skips a container around schemas, as one that the config does not insist on and nobody may enter.
    pub fn skip<S: Into<Name>>(&self, path: impl IntoIterator<Item = S>) {
        let path = Path::new(path);
        self.state().skipped.insert(path.clone());
        self.state().refused.insert(path);
    }

    /// Ends [`refuse_listing`](Self::refuse_listing) and [`skip`](Self::skip).
    pub fn grant_listing<S: Into<Name>>(&self, path: impl IntoIterator<Item = S>) {
        let path = Path::new(path);
        self.state().skipped.remove(&path);
        self.state().refused.remove(&path);
    }

    /// Refuses a secondary read for all assets with `PermissionDenied`.
    pub fn refuse_part(&self, part: Part) {
        self.state().refused_parts.insert(part);
    }

    /// Ends [`refuse_part`](Self::refuse_part).
    pub fn grant_part(&self, part: Part) {
        self.state().refused_parts.remove(&part);
    }

    // How it answers.

    /// Sets how many assets come in a page.
    pub fn set_page_size(&self, assets: usize) {
        self.state().page_size = assets.max(1);
    }

    /// Whether the second page of each list is empty, with a next token.
    pub fn set_empty_page(&self, empty: bool) {
        self.state().empty_page = empty;
    }

    /// Sets how long the source takes for each page of assets.
    pub fn set_page_delay(&self, delay: Duration) {
        self.state().page_delay = delay;
    }

    /// Sets how many schemas stand in one split; 1 unless told.
    pub fn set_schemas_per_split(&self, schemas: usize) {
        self.state().schemas_per_split = schemas.max(1);
    }

    /// Sets how many splits the source bears at once.
    pub fn set_max_parallel(&self, splits: Option<usize>) {
        self.state().max_parallel = splits;
    }

    /// Acts on the `nth` call of a kind, counted from 1 and from now on; once.
    pub fn on(&self, call: Call, nth: u32, action: Action) {
        self.state().rules.push(Rule {
            call,
            skip: nth.saturating_sub(1),
            once: true,
            action,
        });
    }

    /// Acts on each call of a kind until [`heal`](Self::heal).
    pub fn on_each(&self, call: Call, action: Action) {
        self.state().rules.push(Rule {
            call,
            skip: 0,
            once: false,
            action,
        });
    }

    /// Fails the `nth` call of a kind, counted from 1 and from now on; once.
    pub fn fail(&self, call: Call, nth: u32, error: Error) {
        self.on(call, nth, Action::Fail(error));
    }

    /// Holds each call of a kind at a gate, which also tells when one has come to it.
    pub fn hold(&self, call: Call) -> Gate {
        let gate = Gate::default();
        self.on_each(call, Action::Hold(gate.clone()));
        gate
    }

    /// Forgets all actions that are still to come.
    pub fn heal(&self) {
        self.state().rules.clear();
    }

    /// Gives the connector a defect, to prove that the conformance kit names it.
    pub fn set_defect(&self, defect: Defect) {
        self.state().defects.insert(defect);
    }

    /// How many calls of a kind have come so far.
    pub fn calls(&self, call: Call) -> u64 {
        self.state().calls.get(&call).copied().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

/// A test that panicked while it held the lock must not hide its own message behind a poisoned one.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn plain(key: Path, kind: AssetKind, fields: impl IntoIterator<Item = Field>) -> Asset {
    let fields: Vec<Field> = fields.into_iter().collect();
    let rows = 10 * fields.len() as u64;
    Asset {
        description: Facet::Read(None),
        constraints: Facet::Read(Vec::new()),
        definition: Facet::Read(None),
        stats: Facet::Read(Stats {
            row_count: Some(Stat::exact(rows)),
            ..Stats::default()
        }),
        tags: Facet::Read(Vec::new()),
        owners: Facet::Read(vec!["toy".into()]),
        fields: Facet::Read(fields),
        ..Asset::new(key, kind)
    }
}
