use crate::support::{Bed, Place, on_both_engines};
use headwater_catalog::{Error, Store};

on_both_engines!(
    a_second_start_finds_what_the_first_left,
    a_newer_schema_is_refused
);

async fn a_second_start_finds_what_the_first_left(bed: Bed) {
    let again = Store::open(&bed.place.url(), bed.place.keys()).await.unwrap();
    again.ready().await.unwrap();
    assert_eq!(again.get_space("shop").await.unwrap().id, bed.space);
}

async fn a_newer_schema_is_refused(bed: Bed) {
    bed.place
        .execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231235959')")
        .await;
    let error = Store::open(&bed.place.url(), bed.place.keys()).await.unwrap_err();
    assert!(
        matches!(&error, Error::SchemaTooNew { version } if version == "29991231235959"),
        "{error:?}"
    );
    assert!(error.to_string().contains("written by a newer release"));
}

async fn open_at_once(place: Place) {
    let opening: Vec<_> = (0..4)
        .map(|_| {
            let (url, keys) = (place.url(), place.keys());
            tokio::spawn(async move { Store::open(&url, keys).await })
        })
        .collect();
    for store in opening {
        store.await.unwrap().unwrap().ready().await.unwrap();
    }
    let applied = place
        .values("SELECT version AS value FROM __diesel_schema_migrations")
        .await;
    let all = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap();
    assert_eq!(applied.len(), all.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_is_migrated_once_by_many_starts() {
    open_at_once(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_migrated_once_by_many_starts() {
    open_at_once(Place::postgres().await).await;
}

/// Table, column, type and nullability; then the indexes.
#[tokio::test(flavor = "multi_thread")]
async fn the_two_schemas_are_the_same() {
    let sqlite = Bed::open(Place::sqlite()).await.place;
    let postgres = Bed::open(Place::postgres().await).await.place;
    let mut ours = sqlite
        .values(
            "SELECT m.name || '.' || c.name || ' '
                 || CASE lower(c.type) WHEN 'blob' THEN 'bytea' WHEN 'bool' THEN 'boolean' ELSE lower(c.type) END
                 || CASE c.\"notnull\" WHEN 1 THEN ' not null' ELSE '' END AS value
             FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'",
        )
        .await;
    let mut theirs = postgres
        .values(
            "SELECT table_name || '.' || column_name || ' ' || data_type
                 || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END AS value
             FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'",
        )
        .await;
    ours.sort();
    theirs.sort();
    assert!(ours.len() > 100, "{ours:?}");
    assert_eq!(ours, theirs);

    let mut ours = sqlite
        .values("SELECT name AS value FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        .await;
    let mut theirs = postgres
        .values(
            "SELECT indexname AS value FROM pg_indexes WHERE schemaname = 'public'
                 AND indexname NOT LIKE '%\\_key' AND indexname NOT LIKE '%\\_pkey'",
        )
        .await;
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused_without_being_quoted() {
    for url in [
        "mysql://root:hunter2@localhost/x",
        "sqlite://",
        "sqlite://:memory:",
        "postgres://u:hunter2@localhost:port/x",
        "postgres://u:hunter2@localhost/x?sslmode=hunter2",
    ] {
        let error = Store::open(url, Place::sqlite().keys()).await.unwrap_err();
        assert!(matches!(error, Error::InvalidUrl(_)), "{url}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_an_error_without_the_password() {
    let Place::Postgres { server, .. } = &Place::postgres().await else {
        unreachable!("asked for PostgreSQL");
    };
    let (_, address) = server.rsplit_once('@').unwrap();
    let url = format!("postgres://nobody:hunter2@{address}");
    let error = Store::open(&url, Place::sqlite().keys()).await.unwrap_err();
    assert_eq!(error.to_string(), "catalog's database failed");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_sqlite_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let bed = Bed::open(Place::sqlite()).await;
    let file = bed.place.file().unwrap();
    for entry in std::fs::read_dir(file.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}
