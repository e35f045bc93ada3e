//! The workspace's own Hive metastore, which Unity Catalog's API does not know: read by statements.
//!
//! `SHOW TABLE EXTENDED` tells all tables of a schema at once, each as a text for people:
//! <https://docs.databricks.com/sql/language-manual/sql-ref-syntax-aux-show-table.html>.

use crate::{
    access::{Principal, is_of_one_object},
    grants::quote,
    statement::{Row, Warehouse},
    types,
};
use headwater_core::{
    Container, Cost, Discovery, Error, Facet, Listing, Path, Result, Scope, Split, SplitSink,
    model::{Asset, AssetKind, Constraint, ConstraintKind, Definition, Field, Namespace, Stat, Stats},
};
use serde_json::{Value, json};

/// The name that statements know it by.
pub(crate) const CATALOG: &str = "hive_metastore";
/// Schemas of a split: each costs a statement.
const SPLIT: usize = 25;
/// What may follow the text of a view.
const AFTER_VIEW: [&str; 6] = [
    "\nView Original Text: ",
    "\nView Catalog and Namespace: ",
    "\nView Query Output Columns: ",
    "\nView Schema Mode: ",
    "\nTable Properties: ",
    "\nSchema: ",
];

/// Adds the metastore's schemas to what was discovered.
pub(crate) async fn discover(
    warehouse: &Warehouse,
    principal: &Principal,
    scope: &Scope,
    discovery: &mut Discovery,
) -> Result<()> {
    let path = Path::new([CATALOG]);
    let (schemas, children) = match schemas(warehouse).await {
        Ok(names) => (names, Listing::Complete),
        Err(error) if is_of_one_object(&error) => (Vec::new(), Listing::failed(&error)),
        Err(error) => return Err(error),
    };
    let mut paths: Vec<Path> = schemas.iter().map(|name| path.child(name.as_str())).collect();
    paths.retain(|path| scope.admits_namespace(path));
    paths.sort_unstable();
    let container = |path: &Path, children| Container {
        path: path.clone(),
        children,
        visibility: principal.visibility(),
    };
    discovery.containers.push(container(&path, children));
    discovery
        .containers
        .extend(paths.iter().map(|path| container(path, Listing::Complete)));
    let splits = paths.chunks(SPLIT).enumerate().map(|(index, namespaces)| Split {
        id: format!("{CATALOG}#{}", index + 1),
        namespaces: namespaces.to_vec(),
        payload: Value::Null,
    });
    discovery.splits.extend(splits);
    Ok(())
}

async fn schemas(warehouse: &Warehouse) -> Result<Vec<String>> {
    let mut rows = warehouse
        .execute(&format!("SHOW SCHEMAS IN {CATALOG}"), &[], 1, || {})
        .await?;
    let mut names = Vec::new();
    while let Some(row) = rows.next().await? {
        names.extend(row.into_iter().flatten());
    }
    Ok(names)
}

/// Whether a split is of this metastore.
pub(crate) fn is_own(split: &Split) -> bool {
    let first = split.namespaces.first().and_then(|path| path.segments().first());
    first.is_some_and(|name| **name == *CATALOG)
}

/// Reads the schemas of a split, one after the other.
pub(crate) async fn read(warehouse: &Warehouse, scope: &Scope, split: &Split, out: &SplitSink) -> Result<()> {
    out.namespace(Namespace::new(Path::new([CATALOG]), "catalog"))
        .await?;
    let mut cost = Cost::default();
    for path in &split.namespaces {
        let name = path.name().unwrap_or_default();
        let sql = format!("SHOW TABLE EXTENDED IN {CATALOG}.{} LIKE '*'", quote(name));
        out.namespace(Namespace::new(path.clone(), "schema")).await?;
        let mut rows = match warehouse.execute(&sql, &[], 4, || out.beat()).await {
            Ok(rows) => rows,
            Err(error) if is_of_one_object(&error) => {
                out.close(path, unlisted(error, path)).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        cost.statements += 1;
        cost.source_seconds += rows.elapsed.as_secs_f64();
        let mut is_whole = true;
        let listing = loop {
            match rows.next().await {
                Ok(Some(row)) => is_whole &= report(path, scope, &row, out).await?,
                Ok(None) if is_whole => break Listing::Complete,
                Ok(None) => {
                    break Listing::partial("data_invalid", "a table in the list cannot be understood");
                }
                Err(error) if is_of_one_object(&error) => break unlisted(error, path),
                Err(error) => return Err(error),
            }
        };
        out.close(path, listing).await?;
    }
    cost.requests = warehouse.workspace.sent();
    out.cost(cost).await
}

fn unlisted(error: Error, path: &Path) -> Listing {
    Listing::failed(&error.with_context("schema", path))
}

/// A row: schema, table, whether it is temporary, and the text. `false` for one that cannot be understood.
async fn report(schema: &Path, scope: &Scope, row: &Row, out: &SplitSink) -> Result<bool> {
    let [_, Some(name), temporary, Some(text)] = &row[..] else {
        return Ok(false);
    };
    if temporary.as_deref() != Some("true") && scope.admits_table(name) {
        out.asset(table(schema.child(name.as_str()), text)).await?;
    }
    Ok(true)
}

/// A table as its text tells it.
fn table(key: Path, text: &str) -> Asset {
    let line = |name: &str| {
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.map(str::trim).filter(|value| !value.is_empty())
    };
    let kind = match line("Type") {
        Some("VIEW") => AssetKind::VIEW,
        Some("EXTERNAL") => AssetKind::EXTERNAL_TABLE,
        _ => AssetKind::TABLE,
    };
    let mut asset = Asset::new(key, kind);
    asset.description = Facet::Read(line("Comment").map(str::to_owned));
    asset.owners = Facet::Read(line("Owner").map(str::to_owned).into_iter().collect());
    asset.definition = Facet::Read(view_text(text).map(Definition::sql));
    asset.stats = Facet::Read(line("Statistics").map(stats).unwrap_or_default());
    if let Some(fields) = fields(text) {
        asset.fields = Facet::Read(fields);
    }
    let partition: Vec<&str> = line("Partition Columns").map(names).unwrap_or_default();
    let cut = Constraint::new(None, ConstraintKind::PARTITION_KEY, partition);
    asset.constraints = Facet::Read([cut].into_iter().filter(|cut| !cut.fields.is_empty()).collect());
    let all = [
        ("table_type", "Type"),
        ("data_source_format", "Provider"),
        ("storage_location", "Location"),
    ];
    asset.properties = all
        .into_iter()
        .filter_map(|(name, of)| Some((name.into(), json!(line(of)?))))
        .collect();
    asset
}

fn view_text(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("\nView Text: ")?;
    let end = AFTER_VIEW.iter().filter_map(|next| rest.find(next)).min();
    Some(rest.get(..end.unwrap_or(rest.len()))?.trim())
}

/// ``[`a`, `b`]``
fn names(list: &str) -> Vec<&str> {
    let inner = list.trim_start_matches('[').trim_end_matches(']');
    let names = inner.split(',').map(|name| name.trim().trim_matches('`'));
    names.filter(|name| !name.is_empty()).collect()
}

/// `1109 bytes, 14 rows`, of which the rows may be missing.
fn stats(text: &str) -> Stats {
    let number = |unit: &str| {
        let mut parts = text.split(',').filter_map(|part| part.trim().strip_suffix(unit));
        parts
            .next()
            .and_then(|number| number.trim().parse().ok())
            .map(Stat::estimate)
    };
    Stats {
        row_count: number("rows"),
        size_bytes: number("bytes"),
        ..Stats::default()
    }
}

/// A line of the tree of columns: `|    |-- city: string (nullable = true)`.
struct Line<'t> {
    depth: usize,
    name: &'t str,
    of_type: &'t str,
    nullable: bool,
}

/// The columns, out of the tree that Spark prints. Comments are not in it.
fn fields(text: &str) -> Option<Vec<Field>> {
    let (_, tree) = text.split_once("\nSchema: root")?;
    let lines: Vec<Line<'_>> = tree.lines().filter_map(line_of).collect();
    let columns = members(&lines, 0);
    let root = json!({"type": "struct", "fields": columns});
    let (parsed, _) = types::from_json(&root.to_string())?;
    let mut fields = parsed.fields;
    fields.iter_mut().for_each(without_comments);
    Some(fields)
}

fn line_of(line: &str) -> Option<Line<'_>> {
    let (indent, rest) = line.split_once("|-- ")?;
    let (name, rest) = rest.rsplit_once(": ")?;
    let (of_type, notes) = rest.rsplit_once(" (").unwrap_or((rest, ""));
    let is_note = notes.contains(" = ");
    Some(Line {
        depth: indent.matches('|').count(),
        name,
        of_type: if is_note { of_type } else { rest },
        nullable: !notes.starts_with("nullable = false"),
    })
}

/// The members of a struct as Spark's JSON: the lines of this depth, until one that is less deep.
fn members(lines: &[Line<'_>], depth: usize) -> Vec<Value> {
    let own = lines.iter().take_while(|line| line.depth >= depth);
    own.enumerate()
        .filter(|(_, line)| line.depth == depth)
        .map(|(place, line)| {
            let inside = lines.get(place + 1..).unwrap_or_default();
            json!({"name": line.name, "type": type_of(line, inside), "nullable": line.nullable, "metadata": {}})
        })
        .collect()
}

fn type_of(line: &Line<'_>, inside: &[Line<'_>]) -> Value {
    let depth = line.depth + 1;
    let part = |name: &str| {
        let own = members(inside, depth);
        let mut found = own
            .into_iter()
            .filter(|member| member.get("name").is_some_and(|own| own == name));
        found.next().map_or_else(
            || json!("void"),
            |member| member.get("type").cloned().unwrap_or_default(),
        )
    };
    match line.of_type {
        "struct" => json!({"type": "struct", "fields": members(inside, depth)}),
        "array" => json!({"type": "array", "elementType": part("element")}),
        "map" => json!({"type": "map", "keyType": part("key"), "valueType": part("value")}),
        simple => json!(simple),
    }
}

fn without_comments(field: &mut Field) {
    field.description = Facet::Unread;
    field.fields.iter_mut().for_each(without_comments);
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::model::DataType;

    const TABLE: &str = "Catalog: hive_metastore\nDatabase: sales\nTable: orders\nOwner: root\n\
        Created Time: Thu Nov 26 10:00:00 UTC 2026\nType: EXTERNAL\nProvider: delta\nComment: what was bought\n\
        Statistics: 1109049 bytes, 1409 rows\nLocation: dbfs:/orders\nPartition Columns: [`day`, `region`]\n\
        Schema: root\n |-- id: long (nullable = false)\n |-- lines: array (nullable = true)\n \
        |    |-- element: struct (containsNull = true)\n |    |    |-- sku: string (nullable = true)\n \
        |    |    |-- price: decimal(10,2) (nullable = true)\n |-- tags: map (nullable = true)\n \
        |    |-- key: string\n |    |-- value: integer (valueContainsNull = true)\n |-- day: date (nullable = true)\n";

    #[test]
    fn a_table_out_of_its_text() {
        let asset = table(Path::new([CATALOG, "sales", "orders"]), TABLE);
        assert_eq!(asset.kind.as_str(), "external_table");
        assert_eq!(asset.description, Facet::Read(Some("what was bought".into())));
        assert_eq!(asset.owners, Facet::Read(vec!["root".into()]));
        let stats = asset.stats.as_option().unwrap();
        assert_eq!(
            (stats.row_count.unwrap().value, stats.size_bytes.unwrap().value),
            (1409, 1_109_049)
        );
        assert_eq!(
            asset.constraints.as_option().unwrap()[0].fields,
            ["day", "region"]
        );
        assert_eq!(asset.properties["data_source_format"], "delta");
        let fields = asset.fields.as_option().unwrap();
        let told: Vec<(&str, &str)> = fields
            .iter()
            .map(|field| (&*field.name, &*field.native_type))
            .collect();
        assert_eq!(
            told,
            [
                ("id", "bigint"),
                ("lines", "array<struct<sku:string,price:decimal(10,2)>>"),
                ("tags", "map<string,int>"),
                ("day", "date"),
            ]
        );
        assert_eq!(fields[0].nullable, Some(false));
        assert_eq!(
            fields[1].data_type,
            DataType::Array {
                element: Box::new(DataType::Struct)
            }
        );
        assert!(
            fields[1].fields[0].description.is_unread(),
            "the tree holds no comments"
        );
    }

    #[test]
    fn a_view_keeps_its_lines() {
        let text = "Table: v\nType: VIEW\nView Text: SELECT 1\n  AS a\nView Original Text: SELECT 1\n  AS a\n\
            View Query Output Columns: [a]\nSchema: root\n |-- a: integer (nullable = false)\n";
        let asset = table(Path::new([CATALOG, "sales", "v"]), text);
        assert_eq!(asset.definition.value().unwrap().text, "SELECT 1\n  AS a");
        assert_eq!(asset.kind.as_str(), "view");
    }

    #[test]
    fn a_text_without_a_tree_leaves_the_columns_unread() {
        let asset = table(Path::new([CATALOG, "sales", "x"]), "Table: x\nType: MANAGED\n");
        assert!(asset.fields.is_unread());
        assert_eq!(asset.owners, Facet::Read(vec![]));
    }
}
