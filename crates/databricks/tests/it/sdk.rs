//! Databricks' own SDK for Python: it seeds the emulator, and it reads our fake as its client. What it cannot read
//! there is not as Databricks has it.

use crate::{
    fake::{CLIENT, Fake, State},
    minilake,
    shop::{run, shop, token},
};
use headwater_core::Path;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio::process::Command;
use wiremock::ResponseTemplate;

const TAGS: &str = include_str!("../../src/queries/tags.sql");

/// Runs a script with the packages of the SDK and of the emulator, and reads the JSON that it prints.
pub(crate) async fn python(script: &str, variables: &[(&str, &str)]) -> Value {
    let packages = std::env::var("HEADWATER_TEST_DATABRICKS_SDK")
        .unwrap_or_else(|_unset| panic!("HEADWATER_TEST_DATABRICKS_SDK is not set: run `cargo xtask test`"));
    let output = Command::new("python3")
        .args(["-c", script])
        .env("PYTHONPATH", packages)
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

const SEED: &str = r#"
import os, json
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.catalog import ColumnInfo, ColumnTypeName, DataSourceFormat, TableType
w = WorkspaceClient(host=os.environ["URL"], token="any")
c = os.environ["CATALOG"]
w.catalogs.create(name=c, comment="by the SDK")
w.schemas.create(name="sales", catalog_name=c)
columns = [ColumnInfo(name="id", type_text="bigint", type_name=ColumnTypeName.LONG, position=0, nullable=False),
           ColumnInfo(name="at", type_text="timestamp", type_name=ColumnTypeName.TIMESTAMP, position=1)]
w.api_client.do("POST", "/api/2.1/unity-catalog/tables", body={"name": "orders", "catalog_name": c,
    "schema_name": "sales", "table_type": "MANAGED", "data_source_format": "DELTA",
    "columns": [column.as_dict() for column in columns]})
print(json.dumps({t.full_name: [[k.name, k.type_text, k.nullable] for k in t.columns]
                  for t in w.tables.list(c, "sales")}))
"#;

#[tokio::test]
async fn what_the_sdk_makes_in_the_emulator_is_read_as_the_sdk_reads_it() {
    let (url, catalog) = (minilake::url(), minilake::unique());
    let made = python(SEED, &[("URL", &url), ("CATALOG", &catalog)]).await;
    let run = run(json!({"host": url, "catalog": catalog}), json!({"token": "any"})).await;
    assert!(run.is_complete(), "{:?}", run.closed);
    let orders = &run.assets[&Path::new([catalog.as_str(), "sales", "orders"])];
    let fields = orders.fields.as_option().unwrap();
    let told: Vec<Value> = fields
        .iter()
        .map(|field| json!([field.name, field.native_type, field.nullable]))
        .collect();
    assert_eq!(json!({format!("{catalog}.sales.orders"): told}), made);
    assert_eq!(fields.len(), 2);
}

const READ: &str = r#"
import os, json
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.sql import Format
w = WorkspaceClient()
me = w.current_user.me()
tables = {}
for schema in w.schemas.list("main", include_browse=True):
    for table in w.tables.list("main", schema.name, include_browse=True):
        got = w.tables.get(table.full_name)
        keys = [k.primary_key_constraint.name if k.primary_key_constraint else k.foreign_key_constraint.name
                for k in got.table_constraints or []]
        tables[table.full_name] = {"type": table.table_type.value, "columns": [c.name for c in table.columns],
                                   "keys": sorted(keys), "listed_keys": table.table_constraints or None}
r = w.statement_execution.execute_statement("SELECT 1 FROM x.information_schema.column_tags LIMIT 1", "a1b2c3",
                                            wait_timeout="0s", format=Format.JSON_ARRAY)
while r.status.state.value in ("PENDING", "RUNNING"):
    r = w.statement_execution.get_statement(r.statement_id)
print(json.dumps({"me": me.user_name, "metastore": w.metastores.summary().metastore_id,
    "catalogs": [c.name for c in w.catalogs.list()], "tables": tables,
    "volumes": [v.name for v in w.volumes.list("main", "sales")],
    "models": len(list(w.registered_models.list(catalog_name="main", schema_name="sales"))),
    "functions": len(list(w.functions.list("main", "sales"))), "rows": r.result.data_array,
    "privileges": len(w.grants.get_effective("catalog", "main").privilege_assignments)}))
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_reads_the_fake_as_it_reads_a_workspace() {
    let fake = Fake::start(shop()).await;
    // The SDK asks for a table by its name as it is, which a question mark breaks.
    let ops = |state: &mut State| {
        state
            .schema("main", "ops")
            .tables
            .retain(|table| table["name"] != "Upper&Lower+?#")
    };
    ops(&mut fake.state());
    let uri = fake.uri();
    let by_oauth = [
        ("DATABRICKS_HOST", uri.as_str()),
        ("DATABRICKS_CLIENT_ID", CLIENT.0),
        ("DATABRICKS_CLIENT_SECRET", CLIENT.1),
    ];
    let seen = python(READ, &by_oauth).await;
    assert_eq!(
        fake.state().issued,
        1,
        "the token came by discovery and client credentials"
    );
    assert_eq!(
        (&seen["me"], &seen["metastore"]),
        (&json!("reader@example.com"), &json!("m-1"))
    );
    assert_eq!(seen["catalogs"], json!(["system", "main"]));
    assert_eq!(
        (&seen["volumes"], &seen["functions"], &seen["models"]),
        (&json!(["landing"]), &json!(5), &json!(2))
    );
    assert_eq!((&seen["rows"], &seen["privileges"]), (&json!([["1"]]), &json!(1)));

    // The connector reads what the SDK reads, but the schema that every catalog has of itself.
    let run = run(fake.config(), token()).await;
    let mut by_sdk: BTreeMap<String, Value> = serde_json::from_value(seen["tables"].clone()).unwrap();
    by_sdk.retain(|name, _| !name.contains("information_schema"));
    let tables = run
        .assets
        .iter()
        .filter(|(_, asset)| asset.kind.as_str() != "volume");
    let ours: BTreeSet<String> = tables.clone().map(|(path, _)| path.to_string()).collect();
    assert_eq!(ours, by_sdk.keys().cloned().collect());
    for (path, asset) in tables {
        let theirs = &by_sdk[&path.to_string()];
        let columns = asset.fields.as_option().unwrap().iter().map(|field| &*field.name);
        assert_eq!(json!(columns.collect::<Vec<_>>()), theirs["columns"]);
        let keys = asset
            .constraints
            .as_option()
            .unwrap()
            .iter()
            .filter_map(|key| key.name.as_deref());
        assert_eq!(json!(keys.collect::<Vec<_>>()), theirs["keys"], "{path}");
        assert_eq!(asset.properties["table_type"], theirs["type"]);
        assert_eq!(theirs["listed_keys"], json!(null), "a list never holds keys");
    }
}

const TROUBLE: &str = r#"
import os, json
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied, Unauthenticated
from databricks.sdk.service.sql import Format, StatementParameterListItem
def said(ask, error):
    try: return "nothing, but " + str(ask())
    except error as e: return [type(e).__name__, e.error_code]
w = WorkspaceClient()
names = [s.name for s in w.schemas.list("main")]
refused = said(lambda: list(w.tables.list("main", "ops")), PermissionDenied)
gone = said(lambda: list(w.tables.list("main", "nowhere")), NotFound)
bad = WorkspaceClient(host=os.environ["DATABRICKS_HOST"], token="dapi-of-nobody", auth_type="pat")
unknown = said(lambda: bad.current_user.me(), Unauthenticated)
between = [StatementParameterListItem(name=n, value=v) for n, v in (("first", "a"), ("last", "z"))]
r = w.statement_execution.execute_statement(os.environ["TAGS"], "a1b2c3", wait_timeout="0s", format=Format.JSON_ARRAY,
                                            parameters=between)
while r.status.state.value in ("PENDING", "RUNNING"):
    r = w.statement_execution.get_statement(r.statement_id)
rows, chunks, chunk = 0, 0, r.result
while True:
    rows, chunks = rows + len(chunk.data_array), chunks + 1
    if chunk.next_chunk_index is None: break
    chunk = w.statement_execution.get_statement_result_chunk_n(r.statement_id, chunk.next_chunk_index)
print(json.dumps({"schemas": names, "refused": refused, "gone": gone, "unknown": unknown, "rows": [rows,
    r.manifest.total_row_count], "chunks": [chunks, r.manifest.total_chunk_count]}))
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_takes_the_fakes_refusals_for_what_they_are_and_reads_all_chunks() {
    let pause = ResponseTemplate::new(429)
        .insert_header("Retry-After", "1")
        .set_body_json(json!({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slower"}));
    let fake = Fake::start(State {
        // Shorter than the margin that the SDK keeps.
        token_lifetime: 30,
        trouble: vec![("unity-catalog/schemas", pause)],
        ..shop()
    })
    .await;
    fake.state().refused.insert("tables main.ops".into());
    let (uri, tags) = (fake.uri(), TAGS.replace("{catalog}", "`main`"));
    let variables = [
        ("DATABRICKS_HOST", uri.as_str()),
        ("DATABRICKS_CLIENT_ID", CLIENT.0),
        ("DATABRICKS_CLIENT_SECRET", CLIENT.1),
        ("TAGS", &tags),
    ];
    let told = python(TROUBLE, &variables).await;
    assert_eq!(
        told,
        json!({
            "schemas": ["sales", "information_schema", "ops"],
            "refused": ["PermissionDenied", "PERMISSION_DENIED"],
            "gone": ["NotFound", "SCHEMA_DOES_NOT_EXIST"],
            "unknown": ["Unauthenticated", "UNAUTHENTICATED"],
            "rows": [5, 5],
            "chunks": [3, 3],
        })
    );
    assert!(fake.state().trouble.is_empty(), "the SDK waited as it was told");
    assert!(fake.state().issued > 2, "the SDK renewed its token");
}
