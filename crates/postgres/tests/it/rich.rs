//! One schema that has a bit of everything, read and compared in detail.

use crate::database::{Database, asset, on_each_server};
use headwater_core::{
    Facet, Path, Visibility,
    model::{AssetKind, Constraint, ConstraintKind, DataType, Field, Identity, Origin},
};
use headwater_testkit::Collected;
use serde_json::json;

async fn rich(database: &Database) -> Collected {
    database.sql(include_str!("rich.sql")).await;
    let run = database.read().await;
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
    run
}

fn text(value: &str) -> Facet<Option<String>> {
    Facet::Read(Some(value.into()))
}

fn fields<'a>(run: &'a Collected, path: &Path) -> &'a [Field] {
    asset(run, path)
        .fields
        .as_option()
        .expect("fields that were read")
}

fn field<'a>(fields: &'a [Field], name: &str) -> &'a Field {
    fields
        .iter()
        .find(|field| field.name == name)
        .unwrap_or_else(|| panic!("no {name} in {fields:?}"))
}

fn constraints<'a>(run: &'a Collected, path: &Path) -> &'a [Constraint] {
    asset(run, path)
        .constraints
        .as_option()
        .expect("constraints that were read")
}

#[tokio::test]
async fn every_relation_has_its_kind() {
    on_each_server(|database| async move {
        let run = rich(&database).await;
        let kinds: Vec<(String, &str)> = run
            .assets
            .values()
            .map(|asset| (asset.key.segments()[1..].join("."), asset.kind.as_str()))
            .collect();
        let kinds: Vec<(&str, &str)> = kinds.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
        assert_eq!(
            kinds,
            [
                ("audit.fast", "table"),
                ("audit.notes", "table"),
                ("audit.nothing", "table"),
                ("audit.remote", "foreign_table"),
                ("audit.slots", "table"),
                ("audit.totals", "materialized_view"),
                ("shop.by_year", "table"),
                ("shop.catalog", "view"),
                ("shop.constant", "view"),
                ("shop.customers", "table"),
                ("shop.events", "table"),
                ("shop.open_orders", "view"),
                ("shop.orders", "table"),
                ("shop.parts", "table"),
                ("shop.refers", "table"),
            ]
        );
        let expected = ["audit", "public", "shop"].map(|schema| database.path(&[schema]));
        assert_eq!(run.closed.keys().cloned().collect::<Vec<_>>(), expected);
        assert!(run.repeated.is_empty());
    })
    .await;
}

#[tokio::test]
async fn columns_are_read_in_full() {
    on_each_server(|database| async move {
        let run = rich(&database).await;
        let customers = fields(&run, &database.path(&["shop", "customers"]));
        let names: Vec<&str> = customers.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(
            names,
            ["id", "email", "home", "others", "tags", "active"],
            "the dropped column is gone"
        );
        assert_eq!(field(customers, "id").identity, Some(Identity::Always));
        let email = field(customers, "email");
        assert_eq!(email.native_type, "character varying(120)");
        assert_eq!(email.data_type, DataType::String { length: Some(120) });
        assert_eq!(
            (email.nullable, &email.description),
            (Some(false), &text("Where to write"))
        );
        assert_eq!(field(customers, "tags").default, text("'{}'::text[]"));
        assert_eq!(
            email.tags,
            Facet::Read(vec![]),
            "there are none, which is an answer"
        );
        let home = field(customers, "home");
        assert_eq!(
            (home.native_type.as_str(), &home.data_type),
            ("shop.address", &DataType::Struct)
        );
        assert_eq!(home.fields[1].native_type, "character varying(10)");
        let others = field(customers, "others");
        assert_eq!(
            others.data_type,
            DataType::Array {
                element: Box::new(DataType::Struct)
            }
        );
        assert_eq!(others.fields, home.fields);
        assert_eq!(
            field(customers, "active").data_type,
            DataType::Range {
                element: Box::new(DataType::Date)
            }
        );

        let orders = fields(&run, &database.path(&["shop", "orders"]));
        assert_eq!(field(orders, "id").identity, Some(Identity::ByDefault));
        let status = field(orders, "status");
        let values = ["new", "paid", "it's sent"].map(str::to_owned).into();
        assert_eq!(status.data_type, DataType::Enum { values });
        assert_eq!(status.default, text("'new'::shop.status"));
        let total = field(orders, "total");
        assert_eq!(total.native_type, "shop.amount");
        assert_eq!(
            total.data_type,
            DataType::Decimal {
                precision: Some(12),
                scale: Some(2)
            }
        );
        assert_eq!(total.nullable, Some(false), "the domain refuses NULL");
        let gross = field(orders, "gross");
        assert_eq!(
            (&gross.default, &gross.generated),
            (&Facet::Read(None), &text("(net * 1.2)"))
        );
        let placed = field(orders, "placed_at");
        assert_eq!(placed.native_type, "timestamp(3) with time zone");
        assert_eq!(
            placed.data_type,
            DataType::Timestamp {
                precision: Some(3),
                timezone: true
            }
        );
        assert!(fields(&run, &database.path(&["audit", "nothing"])).is_empty());
    })
    .await;
}

#[tokio::test]
async fn keys_and_checks_are_read() {
    on_each_server(|database| async move {
        let run = rich(&database).await;
        let path = |segments: &[&str]| database.path(segments);
        let orders = constraints(&run, &path(&["shop", "orders"]));
        let brief: Vec<(&str, &str, Vec<&str>)> = orders
            .iter()
            .map(|one| {
                let fields = one.fields.iter().map(String::as_str).collect();
                (one.name.as_deref().unwrap(), one.kind.as_str(), fields)
            })
            .collect();
        assert_eq!(
            brief,
            [
                ("orders_customer_fk", "foreign_key", vec!["customer_id"]),
                ("orders_net_check", "check", vec!["net"]),
                ("orders_pkey", "primary_key", vec!["line", "id"]),
            ]
        );
        assert_eq!(
            orders[1].expression,
            text("((net >= (0)::numeric) OR (net IS NULL))")
        );
        let reference = orders[0].references.as_ref().unwrap();
        assert_eq!(
            (&reference.path, &reference.fields[..]),
            (&path(&["shop", "customers"]), &["id".to_owned()][..])
        );

        let note = constraints(&run, &path(&["audit", "notes"]))[0]
            .references
            .clone()
            .unwrap();
        assert_eq!(
            (note.path, note.fields),
            (path(&["shop", "orders"]), vec!["line".into(), "id".into()])
        );
        let slots = constraints(&run, &path(&["audit", "slots"]));
        assert_eq!(slots[0].kind, ConstraintKind::EXCLUSION);
        assert_eq!(slots[0].expression, text("EXCLUDE USING gist (during WITH &&)"));
        let customers = constraints(&run, &path(&["shop", "customers"]));
        assert_eq!(customers[0].kind, ConstraintKind::UNIQUE);
    })
    .await;
}

#[tokio::test]
async fn partitions_are_part_of_their_table() {
    on_each_server(|database| async move {
        let run = rich(&database).await;
        let events = asset(&run, &database.path(&["shop", "events"]));
        let stats = events.stats.as_option().unwrap();
        assert_eq!(stats.properties["partitions"], json!(3));
        assert_eq!(
            stats.properties["partition_bounds"],
            json!([
                {"name": "events_2024", "bound": "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"},
                {"name": "events_2025", "bound": "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"},
            ]),
            "of the table's own partitions"
        );
        let parts = asset(&run, &database.path(&["shop", "parts"]));
        assert_eq!(
            parts.stats.as_option().unwrap().properties["partition_bounds"],
            json!([{"name": "parts_0", "bound": "FOR VALUES WITH (modulus 1, remainder 0)"}])
        );
        let rows = stats.row_count.unwrap();
        assert_eq!((rows.value, rows.origin), (500, Origin::Estimate));
        assert!(stats.size_bytes.unwrap().value >= 2 * 8192);
        assert_eq!(events.properties["partition_strategy"], "range");
        let key = events.constraints.as_option().unwrap().last().unwrap();
        assert_eq!(
            (&key.kind, &key.fields[..]),
            (&ConstraintKind::PARTITION_KEY, &["at".to_owned()][..])
        );
        assert_eq!(key.expression, text("RANGE (at)"));

        let by_year = constraints(&run, &database.path(&["shop", "by_year"]));
        assert_eq!(by_year[0].fields, ["v"]);
        let Facet::Read(Some(expression)) = &by_year[0].expression else {
            panic!("{by_year:?}")
        };
        assert!(
            expression.starts_with("RANGE (") && expression.contains("year") && expression.ends_with(", v)")
        );

        let refers = constraints(&run, &database.path(&["shop", "refers"]));
        let targets: Vec<&Path> = refers
            .iter()
            .map(|one| &one.references.as_ref().unwrap().path)
            .collect();
        let parts = database.path(&["shop", "parts"]);
        assert_eq!(
            targets,
            [&parts, &parts],
            "one each, though the server keeps one more per partition"
        );
    })
    .await;
}

#[tokio::test]
async fn descriptions_owners_and_sizes_are_read() {
    on_each_server(|database| async move {
        database
            .sql(&format!("COMMENT ON DATABASE {} IS 'All of it'", database.name))
            .await;
        let run = rich(&database).await;
        let own = &run.namespaces[&database.path(&[])];
        assert_eq!((own.kind, &own.description), ("database", &text("All of it")));
        let shop = &run.namespaces[&database.path(&["shop"])];
        assert_eq!(
            (shop.kind, &shop.description),
            ("schema", &text("Where it is sold"))
        );
        assert_eq!(shop.owner, text(&database.server.user));
        assert_eq!(
            run.namespaces[&database.path(&["audit"])].description,
            Facet::Read(None)
        );
        let customers = asset(&run, &database.path(&["shop", "customers"]));
        assert_eq!(customers.description, text("Who buys"));
        assert_eq!(customers.owners, Facet::Read(vec![database.server.user.clone()]));
        assert_eq!(
            customers.stats.as_option().unwrap().row_count,
            None,
            "never analysed"
        );

        let fast = asset(&run, &database.path(&["audit", "fast"]));
        let stats = fast.stats.as_option().unwrap();
        assert_eq!(stats.row_count.unwrap().value, 1000);
        assert!(stats.size_bytes.unwrap().value >= 8192);
        assert_eq!(fast.properties["persistence"], "unlogged");
        assert!(fast.native_id.as_ref().unwrap().parse::<u32>().is_ok());
        let notes = asset(&run, &database.path(&["audit", "notes"]));
        assert_eq!(notes.properties["row_level_security"], true);
        let view = asset(&run, &database.path(&["shop", "open_orders"]))
            .stats
            .as_option()
            .unwrap();
        assert_eq!((view.row_count, view.size_bytes), (None, None));
    })
    .await;
}

#[tokio::test]
async fn views_have_definitions_and_upstreams() {
    on_each_server(|database| async move {
        let run = rich(&database).await;
        let path = |segments: &[&str]| database.path(segments);
        let open = asset(&run, &path(&["shop", "open_orders"]));
        assert_eq!(
            (&open.kind, &open.description),
            (&AssetKind::VIEW, &text("Not yet sent"))
        );
        let definition = open.definition.value().unwrap();
        assert_eq!(definition.language, "sql");
        assert!(definition.text.starts_with("SELECT o.id,"), "{definition:?}");
        assert!(
            definition.text.contains("FROM ((shop.orders o"),
            "names are qualified: {definition:?}"
        );
        assert_eq!(
            asset(&run, &path(&["shop", "orders"])).definition,
            Facet::Read(None)
        );

        let upstreams = |owner: &[&str]| -> Vec<Path> {
            run.lineage[&path(owner)]
                .iter()
                .map(|edge| edge.end.path.clone())
                .collect()
        };
        assert_eq!(
            upstreams(&["shop", "open_orders"]),
            [
                path(&["shop", "customers"]),
                path(&["shop", "events"]),
                path(&["shop", "orders"])
            ],
            "a partition counts as its table"
        );
        assert_eq!(upstreams(&["audit", "totals"]), [path(&["shop", "open_orders"])]);
        assert!(upstreams(&["shop", "constant"]).is_empty() && upstreams(&["shop", "catalog"]).is_empty());
        assert_eq!(run.lineage.len(), 4, "views only");
        let edge = &run.lineage[&path(&["audit", "totals"])][0];
        assert_eq!(
            (edge.end.family.as_str(), edge.kind.as_str()),
            ("postgres", "view")
        );
    })
    .await;
}

#[tokio::test]
async fn foreign_tables_name_their_server_and_no_secret() {
    on_each_server(|database| async move {
        let run = rich(&database).await;
        let remote = asset(&run, &database.path(&["audit", "remote"]));
        let expected = json!({
            "foreign_server": "elsewhere",
            "foreign_data_wrapper": "nowhere",
            "foreign_options": {"table_name": "a=b", "Password": null},
            "foreign_server_options": {"host": "db.example.com", "api_token": null},
        });
        assert_eq!(json!(remote.properties), expected);
        assert!(!format!("{run:?}").contains("hunter2"));
        let table = asset(&run, &database.path(&["audit", "slots"]));
        assert!(table.properties.is_empty());
    })
    .await;
}

#[tokio::test]
async fn pg_catalog_shows_everything_to_everyone() {
    on_each_server(|mut database| async move {
        let role = database.create_role().await;
        let all = rich(&database).await;
        let credentials = json!({"username": role, "password": "reader-pw"});
        let seen = crate::database::read(database.config(json!({})), credentials).await;
        crate::database::assert_complete(&seen);
        assert_eq!(seen.assets, all.assets, "a role without any right reads the same");
        let discovery = all.discovery.unwrap();
        assert!(
            discovery
                .containers
                .iter()
                .all(|container| container.visibility == Visibility::Everyone)
        );
        assert!(
            discovery
                .identity
                .is_some_and(|identity| identity.parse::<u64>().is_ok())
        );
    })
    .await;
}

#[tokio::test]
async fn kinds_of_a_later_version_are_counted_and_left_out() {
    on_each_server(|database| async move {
        database
            .sql(
                "CREATE TABLE public.t (id int, CONSTRAINT odd CHECK (id > 0), CONSTRAINT known UNIQUE (id));
                 CREATE TABLE public.later (id int); CREATE TABLE public.later_too (id int);
                 SET allow_system_table_mods = on;
                 UPDATE pg_constraint SET contype = 'Z' WHERE conname = 'odd';
                 UPDATE pg_class SET relkind = 'g' WHERE relname IN ('later', 'later_too')",
            )
            .await;
        let run = database.read().await;
        assert_eq!(run.assets.len(), 1);
        assert_eq!(constraints(&run, &database.path(&["public", "t"])).len(), 1);
        let warnings: Vec<(&str, &str)> = run
            .warnings
            .iter()
            .map(|warning| (warning.code.as_str(), warning.detail.as_str()))
            .collect();
        assert_eq!(
            warnings,
            [
                (
                    "unknown_relation_kind",
                    "relations of the unknown kind 'g' are left out: 2"
                ),
                (
                    "unknown_constraint_kind",
                    "constraints of the unknown kind 'Z' are left out: 1"
                ),
            ]
        );
    })
    .await;
}
