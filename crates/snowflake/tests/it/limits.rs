//! Answers that Snowflake cuts off or refuses because they are too long.

use crate::{
    fake::{Catalog, Fake, SHOWN, credentials},
    support::run,
};
use headwater_core::{Listing, Path};

/// The information schema answers for fewer rows at once than there are: halves of the schemas, then ranges of names.
#[tokio::test(flavor = "multi_thread")]
async fn too_much_data_is_asked_for_in_parts() {
    let fake = Fake::with(Catalog::wide(3, 3600, 1), |knobs| {
        knobs.chunk = None;
        knobs.most_rows = Some(1000);
    })
    .await;
    let run = run(fake.config(), credentials()).await;
    assert!(run.is_complete(), "{:?} {:?}", run.failed, run.ended);
    assert_eq!(run.assets.len(), 3600);
    assert!(
        run.assets
            .values()
            .all(|asset| asset.fields.as_option().is_some_and(|fields| fields.len() == 1))
    );
    assert!(
        fake.lock()
            .statements
            .iter()
            .any(|sql| sql.contains("TABLE_NAME >="))
    );
}

/// A schema of more views than SHOW answers with: the rest is asked for after the last name.
#[tokio::test(flavor = "multi_thread")]
async fn views_past_the_limit_of_show_are_paged_to_the_end() {
    let mut catalog = Catalog::wide(1, SHOWN + 20, 1);
    for table in &mut catalog.tables {
        table.kind = "VIEW";
        table.text = Some("SELECT 1".into());
    }
    let fake = Fake::with(catalog, |knobs| knobs.chunk = None).await;
    let run = run(fake.config(), credentials()).await;
    assert!(run.is_complete(), "{:?} {:?}", run.failed, run.ended);
    assert_eq!(run.assets.len(), SHOWN + 20);
    let text = |name| {
        let view = &run.assets[&Path::new(["SHOP", "S000", name])];
        view.definition.value().map(|definition| definition.text.clone())
    };
    for name in ["T00000", "T09999", "T10000", "T10019"] {
        assert_eq!(text(name).as_deref(), Some("SELECT 1"), "{name}");
    }
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
    let statements = fake.lock().statements.clone();
    let shown: Vec<&String> = statements
        .iter()
        .filter(|sql| sql.starts_with("SHOW VIEWS"))
        .collect();
    let first = r#"SHOW VIEWS IN SCHEMA "SHOP"."S000" LIMIT 10000"#;
    assert_eq!(shown, [first, &format!("{first} FROM 'T09999'")]);
}

/// Keys cannot be paged. Those of a schema that has too many are unknown, not none, and those of the others are read;
/// whether SHOW leaves rows out or refuses.
#[tokio::test(flavor = "multi_thread")]
async fn keys_past_the_limit_of_show_are_unknown_in_that_schema_only() {
    for refuses in [false, true] {
        let mut catalog = Catalog::shop();
        let one = catalog.primary[0];
        catalog.primary = vec![one; SHOWN + 1];
        catalog.primary.push(["AUDIT", "LOG", "ID", "1", "LOG_PK"]);
        let fake = Fake::with(catalog, |knobs| {
            knobs.chunk = None;
            knobs.show_refuses = refuses;
        })
        .await;
        let run = run(fake.config(), credentials()).await;
        assert!(run.is_complete(), "{:?} {:?}", run.failed, run.ended);
        let constraints = |schema, name| &run.assets[&Path::new(["SHOP", schema, name])].constraints;
        assert!(constraints("PUBLIC", "LINES").is_unread());
        assert!(constraints("PUBLIC", "CUSTOMERS").is_unread());
        assert_eq!(constraints("AUDIT", "LOG").as_option().unwrap()[0].fields, ["ID"]);
        assert_eq!(constraints("AUDIT", "OLD").as_option().unwrap(), &[]);
        let told: Vec<_> = run
            .warnings
            .iter()
            .filter(|warning| warning.code == "constraints_unread")
            .collect();
        assert_eq!(told.len(), 1, "{:?}", run.warnings);
        assert_eq!(told[0].path, Some(Path::new(["SHOP", "PUBLIC"])));
        assert!(
            told[0].detail.contains("more rows than SHOW"),
            "{}",
            told[0].detail
        );
    }
}

/// A list of databases that was cut off says nothing of those that are not in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_databases_that_is_cut_off_is_partial() {
    let fake = Fake::with(Catalog::shop(), |knobs| {
        knobs.chunk = None;
        knobs.shared_databases = SHOWN;
    })
    .await;
    let mut config = fake.config();
    config["database"] = serde_json::Value::Null;
    config["databases"] = "*".into();
    let run = run(config, credentials()).await;
    assert_eq!(run.assets.len(), 9);
    let discovery = run.discovery.as_ref().unwrap();
    let Listing::Partial(reasons) = &discovery.containers[0].children else {
        panic!("{:?}", discovery.containers[0]);
    };
    assert_eq!(reasons[0].code, "list_truncated");
}
