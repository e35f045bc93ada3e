//! Catalogs that releases have written, `tests/schemas/MIGRATION/`: today's code opens each, brings it up to
//! date, reads what is in it and syncs on.

use crate::{
    support::{Bed, Place, key_text},
    toy::{ToyBed, add_tables, connect, counts, run_engine, text},
};
use headwater_catalog::{
    Actor, Connector, ConnectorPatch, Decision, KeyRing, NewApiKey, ProductPatch, Removals, Role, Run,
    RunFilter, Store,
};
use headwater_core::Secret;
use headwater_testkit::ToySource;
use jiff::Timestamp;
use std::{fs, path::PathBuf, process::Command};

/// The newest migration of each schema that a release had.
const SCHEMAS: [&str; 1] = ["2026-11-01-000000_catalog"];

/// A key of the catalogs, which are nobody's.
const API_KEY: &str = "hw_for_the_catalogs_of_tests_schemas_0123456789";

/// What the connector reads. Of its tables, 11 had gone when the catalogs were written: they are held.
fn source() -> ToySource {
    let source = ToySource::new();
    add_tables(&source, "public", 16);
    source.alter(["shop", "public", "t0"], |table| {
        table.fields.as_mut().unwrap().push(text("more"));
    });
    for n in 5..16 {
        source.remove(["shop", "public", &format!("t{n}")]);
    }
    source
}

fn folder(schema: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/schemas")
        .join(schema)
}

fn read(schema: &str, file: &str) -> String {
    fs::read_to_string(folder(schema).join(file)).unwrap()
}

async fn upgrade(schema: &str, place: Place) {
    let applied = |place: Place| async move {
        let versions = place.values("SELECT version AS value FROM __diesel_schema_migrations ORDER BY 1");
        (versions.await, place)
    };
    let (before, place) = applied(place).await;
    assert!(!before.is_empty(), "it is not an empty catalog");
    let keys = KeyRing::parse(&read(schema, "secret-key")).unwrap();
    let store = Store::open(&place.url(), keys).await.unwrap();
    let (new, _fresh) = applied(Bed::open(Place::sqlite()).await.place).await;
    let (after, place) = applied(place).await;
    assert_eq!(after, new, "it has all migrations of today");

    let space = store.get_space("shop").await.unwrap().id;
    let actor = Actor {
        name: "ann".to_owned(),
        key_id: None,
    };
    let bed = Bed {
        store,
        space,
        actor,
        place,
    };
    let connector = bed.store.list_connectors(space).await.unwrap().remove(0);
    let held = look(&bed, &connector).await;
    go_on(ToyBed::new(bed).await, &connector, &held).await;
}

/// What was written is there. Returns the run whose removals are held.
async fn look(bed: &Bed, connector: &Connector) -> Run {
    let (store, space) = (&bed.store, bed.space);
    let key = store.authenticate(API_KEY, Timestamp::now());
    assert_eq!(key.await.unwrap().unwrap().role, Role::Editor);
    assert_eq!(connector.product_count, 16);
    let credentials = store.credentials(connector.id).await.unwrap();
    assert_eq!(credentials["token"], ToySource::TOKEN);
    let runs = store
        .list_runs(space, RunFilter::default(), Default::default())
        .await
        .unwrap();
    assert_eq!(runs.total, 3);
    let held = runs.items.into_iter().next().unwrap();
    assert_eq!(held.removals, Removals::Held);
    let candidates = store.removal_candidates(held.id).await.unwrap().unwrap();
    assert_eq!(candidates.total, 11);
    held
}

async fn go_on(toy: ToyBed, connector: &Connector, held: &Run) {
    let (store, space, actor) = (&toy.bed.store, toy.bed.space, &toy.bed.actor);
    let applied = store
        .decide_removals(space, held.id, Decision::Apply, actor)
        .await;
    assert_eq!(applied.unwrap().products_archived, 11);

    // The source stands at another place in this process than in the one that wrote the catalog.
    let source = source();
    source.alter(["shop", "public", "t1"], |table| {
        table.fields.as_mut().unwrap().push(text("later"));
    });
    let moved = ConnectorPatch {
        config: Some(source.config()),
        ..ConnectorPatch::default()
    };
    store
        .update_connector(space, connector.id, moved, actor)
        .await
        .unwrap();
    let run = toy.sync_of(connector.id).await;
    assert_eq!(counts(&run), [0, 1, 4, 0], "{run:?}");

    let edited = toy.product("shop.public.t0").await;
    assert_eq!(edited.product.description.as_deref(), Some("What was bought"));
    assert_eq!(edited.product.tags.as_option().unwrap(), &["pii"]);
    assert_eq!(edited.schema_changes.len(), 1, "the column of the second sync");
    assert_eq!(toy.product("shop.public.t1").await.schema_changes.len(), 1);
    assert_eq!(toy.states().await["shop.public.t5"], "stale");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_file_of_each_release() {
    for schema in SCHEMAS {
        let place = Place::sqlite();
        fs::copy(folder(schema).join("catalog.db"), place.file().unwrap()).unwrap();
        upgrade(schema, place).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgresql_dump_of_each_release() {
    for schema in SCHEMAS {
        let place = Place::postgres().await;
        place.execute(&read(schema, "catalog.sql")).await;
        upgrade(schema, place).await;
    }
}

/// Writes the files of today's schema, for a release to add.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes tests/schemas; see CONTRIBUTING.md"]
async fn write_the_files_of_this_release() {
    let schema = SCHEMAS[SCHEMAS.len() - 1];
    fs::create_dir_all(folder(schema)).unwrap();
    fs::write(folder(schema).join("secret-key"), key_text() + "\n").unwrap();
    let sqlite = fill(Place::sqlite()).await;
    let file = folder(schema).join("catalog.db");
    if file.exists() {
        fs::remove_file(&file).unwrap();
    }
    sqlite.execute(&format!("VACUUM INTO '{}'", file.display())).await;

    let postgres = fill(Place::postgres().await).await;
    let mut dump = Command::new(Place::programs().join("pg_dump"));
    dump.args(["--no-owner", "--no-privileges", "--rows-per-insert=50", "-d"])
        .arg(postgres.url());
    let dump = dump.output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    // What only psql understands, and what only this version of the server does.
    let text = String::from_utf8(dump.stdout).unwrap();
    let lines = text.lines().filter(|line| {
        !line.starts_with('\\') && !line.starts_with("--") && !line.contains("_timeout") && !line.is_empty()
    });
    fs::write(
        folder(schema).join("catalog.sql"),
        lines.collect::<Vec<_>>().join("\n") + "\n",
    )
    .unwrap();
}

/// A catalog with history: three syncs, a person's edits, removals that nobody has decided on, a key.
async fn fill(place: Place) -> Place {
    let bed = Bed::open(place).await;
    let source = ToySource::new();
    add_tables(&source, "public", 16);
    let connector = connect(&bed, bed.space, &source, source.config()).await;
    let (engine, stop) = run_engine(&bed, crate::toy::options());
    let sync = async || {
        let run = bed.start(connector.id).await;
        engine.wake();
        while bed
            .store
            .get_run(bed.space, run.id)
            .await
            .unwrap()
            .completed_at
            .is_none()
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    sync().await;
    let products = bed
        .store
        .list_products(bed.space, Default::default(), Default::default())
        .await;
    let products = products.unwrap().items;
    let edited = products
        .iter()
        .find(|product| product.hosting_location == "shop.public.t0")
        .unwrap();
    let edit = ProductPatch {
        description: Some(Some("What was bought".to_owned())),
        tags: Some(Some(vec!["pii".to_owned()])),
        ..ProductPatch::default()
    };
    bed.store
        .update_product(bed.space, edited.id, edit, &bed.actor)
        .await
        .unwrap();
    source.alter(["shop", "public", "t0"], |table| {
        table.fields.as_mut().unwrap().push(text("more"));
    });
    sync().await;
    for n in 5..16 {
        source.remove(["shop", "public", &format!("t{n}")]);
    }
    sync().await;
    stop.cancel();
    let new = NewApiKey {
        name: "ci".to_owned(),
        role: Role::Editor,
        expires_at: None,
    };
    let key = Secret::new(API_KEY);
    bed.store
        .import_api_key(Some(bed.space), new, &key, &bed.actor)
        .await
        .unwrap();
    bed.place
}
