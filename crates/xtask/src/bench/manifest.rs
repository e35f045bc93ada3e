//! Artifacts of dbt to measure on: deterministic, of any number of nodes, with the keys that dbt-core 1.11 writes.
//!
//! Of the nodes one half are models of 8 to 16 columns, nearly all others tests; seeds, snapshots and analyses are
//! few. For ten nodes there is a source. A node is 6 kB, most of it code and descriptions.

use super::generate::Words;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// The project's name, and that of its only package.
const PROJECT: &str = "measured";
const TYPES: [&str; 8] = [
    "bigint",
    "integer",
    "text",
    "character varying(120)",
    "numeric(18,4)",
    "timestamp with time zone",
    "date",
    "boolean",
];
/// Macros, which the connector passes over.
const MACROS: usize = 500;
const TESTS: [&str; 3] = ["not_null", "unique", "relationships"];

/// How many nodes of a kind there are among this many.
#[derive(Debug)]
struct Counts {
    models: usize,
    tests: usize,
    seeds: usize,
    snapshots: usize,
    analyses: usize,
    sources: usize,
}

impl Counts {
    fn of(nodes: usize) -> Self {
        let part = |percent: usize| (nodes * percent / 100).max(1);
        let (models, seeds, snapshots, analyses) = (part(50), part(2), part(1), part(2));
        Self {
            models,
            seeds,
            snapshots,
            analyses,
            tests: nodes.saturating_sub(models + seeds + snapshots + analyses),
            sources: nodes.div_ceil(10),
        }
    }
}

/// Writes `manifest.json` and `catalog.json` of a project with this many nodes.
pub(super) fn write(nodes: usize, manifest: &mut dyn Write, catalog: &mut dyn Write) -> io::Result<()> {
    let mut project = Project {
        manifest: Object::new(manifest)?,
        catalog: Object::new(catalog)?,
        words: Words(0xdb7),
        parents: Vec::new(),
        models: Vec::new(),
    };
    let counts = Counts::of(nodes);
    project.manifest.member("metadata", &header("manifest/v12"))?;
    project.catalog.member("metadata", &header("catalog/v1"))?;
    project.manifest.open("nodes")?;
    project.catalog.open("nodes")?;
    project.nodes(&counts)?;
    project.manifest.close()?;
    project.catalog.close()?;
    project.manifest.open("sources")?;
    project.catalog.open("sources")?;
    for number in 0..counts.sources {
        project.source(number)?;
    }
    project.manifest.close()?;
    project.catalog.close()?;
    project.rest()
}

fn header(schema: &str) -> Value {
    json!({
        "dbt_schema_version": format!("https://schemas.getdbt.com/dbt/{schema}.json"), "dbt_version": "1.11.0",
        "generated_at": "2026-03-02T06:00:00.000000Z", "invocation_id": "00000000-0000-0000-0000-000000000000",
        "env": {}, "project_name": PROJECT, "project_id": "measured", "user_id": null,
        "send_anonymous_usage_stats": false, "adapter_type": "postgres",
    })
}

/// A JSON object that is written member by member.
struct Object<'a> {
    out: &'a mut dyn Write,
    first: bool,
}

impl<'a> Object<'a> {
    fn new(out: &'a mut dyn Write) -> io::Result<Self> {
        out.write_all(b"{")?;
        Ok(Self { out, first: true })
    }

    fn member(&mut self, key: &str, value: &Value) -> io::Result<()> {
        self.key(key)?;
        self.out.write_all(value.to_string().as_bytes())
    }

    fn open(&mut self, key: &str) -> io::Result<()> {
        self.key(key)?;
        self.first = true;
        self.out.write_all(b"{")
    }

    fn close(&mut self) -> io::Result<()> {
        self.first = false;
        self.out.write_all(b"}")
    }

    fn key(&mut self, key: &str) -> io::Result<()> {
        let comma = if self.first { "" } else { ", " };
        self.first = false;
        write!(self.out, "{comma}{}: ", json!(key))
    }
}

struct Project<'a> {
    manifest: Object<'a>,
    catalog: Object<'a>,
    words: Words,
    /// What each node is made of.
    parents: Vec<(String, Vec<String>)>,
    /// Names of models, with those of their columns.
    models: Vec<(String, Vec<String>)>,
}

impl Project<'_> {
    fn nodes(&mut self, counts: &Counts) -> io::Result<()> {
        for number in 0..counts.models {
            self.model(number, counts)?;
        }
        for number in 0..counts.seeds {
            let columns = self.columns(6);
            self.relation("seed", &format!("seed_{number:06}"), "seed", columns, &[])?;
        }
        for number in 0..counts.snapshots {
            let columns = self.columns(10);
            let read = [self.any_model()];
            self.relation(
                "snapshot",
                &format!("snap_{number:06}"),
                "snapshot",
                columns,
                &read,
            )?;
        }
        for number in 0..counts.analyses {
            let read = [self.any_model()];
            let id = format!("analysis.{PROJECT}.look_{number:06}");
            let code = self.code(&["id".to_owned()], &read);
            let node = json!({"name": format!("look_{number:06}"), "resource_type": "analysis",
                "raw_code": code, "compiled_code": code, "depends_on": {"macros": [], "nodes": read}});
            self.node(id, &node, &read)?;
        }
        for number in 0..counts.tests {
            self.test(number)?;
        }
        Ok(())
    }

    fn model(&mut self, number: usize, counts: &Counts) -> io::Result<()> {
        let count = 8 + self.words.next(9);
        let columns = self.columns(count);
        let staged = self.models.len() < 4 + counts.models / 4;
        let read: Vec<String> = (0..=self.words.next(4))
            .map(|_| match staged {
                true => source_id(self.words.next(counts.sources)),
                false => self.any_model(),
            })
            .collect();
        let name = format!(
            "{}_{}_{number:06}",
            if staged { "stg" } else { "fct" },
            self.words.noun()
        );
        let materialized = if number.is_multiple_of(3) { "view" } else { "table" };
        let names = columns.keys().cloned().collect();
        self.relation("model", &name, materialized, columns, &read)?;
        self.models.push((name, names));
        Ok(())
    }

    fn any_model(&mut self) -> String {
        let models = self.models.len().max(1);
        let name = self
            .models
            .get(self.words.next(models))
            .map(|(name, _)| name.as_str());
        format!("model.{PROJECT}.{}", name.unwrap_or("none"))
    }

    fn columns(&mut self, count: usize) -> Map<String, Value> {
        let mut columns = Map::new();
        for place in 0..count {
            let name = match place {
                0 => "id".to_owned(),
                _ => format!("{}_{place:02}", self.words.noun()),
            };
            let data_type = (place % 3 == 0).then(|| TYPES[place % TYPES.len()]);
            let column = json!({
                "name": name, "description": self.words.sentence(12), "meta": {}, "data_type": data_type,
                "constraints": [], "quote": null, "config": {"meta": {}, "tags": []}, "tags": [],
                "granularity": null, "doc_blocks": [],
            });
            columns.insert(name, column);
        }
        columns
    }

    /// A node that becomes a table or a view: an entry in both files.
    fn relation(
        &mut self,
        kind: &str,
        name: &str,
        materialized: &str,
        columns: Map<String, Value>,
        read: &[String],
    ) -> io::Result<()> {
        let id = format!("{kind}.{PROJECT}.{name}");
        let names: Vec<String> = columns.keys().cloned().collect();
        let entry = self.catalog_entry(&id, "mart", name, &names);
        self.catalog.member(&id, &entry)?;
        let code = if read.is_empty() {
            String::new()
        } else {
            self.code(&names, read)
        };
        let mut node = json!({
            "database": "analytics", "schema": "mart", "name": name, "resource_type": kind,
            "package_name": PROJECT, "path": format!("marts/{name}.sql"), "alias": name, "unique_id": id,
            "original_file_path": format!("models/marts/{name}.sql"), "fqn": [PROJECT, "marts", name],
            "checksum": {"name": "sha256", "checksum": format!("{:064x}", self.words.next(usize::MAX))},
            "config": config(materialized), "tags": ["nightly"], "description": self.words.sentence(25),
            "columns": columns, "meta": {"owner": "@team"}, "group": null, "language": "sql",
            "docs": {"show": true, "node_color": null}, "patch_path": format!("{PROJECT}://models/_{name}.yml"),
            "build_path": null, "unrendered_config": {"materialized": materialized, "tags": ["nightly"]},
        });
        let more = json!({
            "created_at": 1772431200.5, "relation_name": format!("\"analytics\".\"mart\".\"{name}\""),
            "raw_code": code, "compiled_code": code, "compiled": true, "doc_blocks": [], "refs": [], "sources": [],
            "metrics": [], "functions": [], "depends_on": {"macros": ["macro.dbt.is_incremental"], "nodes": read},
            "compiled_path": format!("target/compiled/{PROJECT}/models/marts/{name}.sql"),
            "extra_ctes_injected": true, "extra_ctes": [], "access": "protected", "constraints": [],
            "contract": {"enforced": false, "alias_types": true, "checksum": null}, "version": null,
            "latest_version": null, "deprecation_date": null, "primary_key": ["id"], "time_spine": null,
        });
        if let (Value::Object(node), Value::Object(more)) = (&mut node, more) {
            node.extend(more);
        }
        self.node(id, &node, read)
    }

    fn code(&mut self, columns: &[String], read: &[String]) -> String {
        let tables = read.iter().enumerate().map(|(number, id)| {
            let name = id.rsplit('.').next().unwrap_or_default();
            format!("c{number} as (\n    select * from {{{{ ref('{name}') }}}}\n    where updated_at > current_date - 30\n)")
        });
        let tables = tables.collect::<Vec<_>>().join(",\n");
        let selected = columns
            .iter()
            .map(|name| format!("    coalesce(c0.{name}, 'none') as {name}"));
        let selected = selected.collect::<Vec<_>>().join(",\n");
        let note = self.words.sentence(140);
        format!("with {tables}\n\n-- \"{note}\"\nselect\n{selected}\nfrom c0\ngroup by 1, 2, 3\n")
    }

    fn test(&mut self, number: usize) -> io::Result<()> {
        let models = self.models.len().max(1);
        let Some((model, columns)) = self.models.get(number % models).cloned() else {
            return Ok(());
        };
        let column = columns
            .get(number / models % columns.len().max(1))
            .cloned()
            .unwrap_or_default();
        let kind = TESTS[number % TESTS.len()];
        let name = format!("{kind}_{model}_{column}");
        let read = [format!("model.{PROJECT}.{model}")];
        let node = json!({
            "database": "analytics", "schema": "mart_dbt_test__audit", "name": name, "resource_type": "test",
            "package_name": PROJECT, "path": format!("{name}.sql"), "original_file_path": "models/marts/_marts.yml",
            "fqn": [PROJECT, "marts", name], "alias": name, "checksum": {"name": "none", "checksum": ""},
            "config": {"enabled": true, "alias": null, "schema": "dbt_test__audit", "database": null, "tags": [],
                "meta": {}, "group": null, "materialized": "test", "severity": "ERROR", "store_failures": null,
                "where": null, "limit": null, "fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0"},
            "tags": [], "description": "", "columns": {}, "meta": {}, "group": null, "docs": {"show": true},
            "created_at": 1772431200.5, "raw_code": format!("{{{{ test_{kind}(**_dbt_generic_test_kwargs) }}}}"),
            "compiled_code": format!("\n\nselect {column}\nfrom \"analytics\".\"mart\".\"{model}\"\nwhere {column} is null\n"),
            "language": "sql", "refs": [], "sources": [], "metrics": [], "extra_ctes": [],
            "depends_on": {"macros": [format!("macro.dbt.test_{kind}")], "nodes": read}, "column_name": column,
            "file_key_name": format!("models.{model}"), "attached_node": read[0],
            "test_metadata": {"name": kind, "kwargs": {"column_name": column}, "namespace": null},
        });
        let id = format!("test.{PROJECT}.{name}.{number:010x}");
        self.node(id, &node, &read)
    }

    fn source(&mut self, number: usize) -> io::Result<()> {
        let id = source_id(number);
        let name = format!("raw_{number:06}");
        let columns = self.columns(12);
        let names: Vec<String> = columns.keys().cloned().collect();
        let entry = self.catalog_entry(&id, "landing", &name, &names);
        self.catalog.member(&id, &entry)?;
        let node = json!({
            "database": "analytics", "schema": "landing", "name": name, "resource_type": "source",
            "package_name": PROJECT, "path": "models/staging/_sources.yml", "unique_id": id, "identifier": name,
            "original_file_path": "models/staging/_sources.yml", "fqn": [PROJECT, "staging", "landing", name],
            "source_name": "landing", "source_description": self.words.sentence(12), "loader": "fivetran",
            "quoting": {"database": null, "schema": null, "identifier": null, "column": null},
            "loaded_at_field": "_loaded_at", "freshness": {"warn_after": {"count": 12, "period": "hour"},
                "error_after": {"count": 24, "period": "hour"}, "filter": null}, "external": null,
            "description": self.words.sentence(20), "columns": columns, "meta": {}, "source_meta": {}, "tags": [],
            "config": {"enabled": true}, "patch_path": null, "unrendered_config": {}, "doc_blocks": [],
            "relation_name": format!("\"analytics\".\"landing\".\"{name}\""), "created_at": 1772431200.5,
        });
        self.node(id, &node, &[])
    }

    fn catalog_entry(&mut self, id: &str, schema: &str, name: &str, columns: &[String]) -> Value {
        let columns = columns.iter().enumerate().map(|(place, column)| {
            let of_type = TYPES[place % TYPES.len()];
            let told = json!({"type": of_type, "index": place + 1, "name": column, "comment": self.words.sentence(6)});
            (column.clone(), told)
        });
        let columns: Map<String, Value> = columns.collect();
        json!({
            "metadata": {"type": "BASE TABLE", "schema": schema, "name": name, "database": "analytics",
                "comment": null, "owner": "dbt"},
            "columns": columns,
            "stats": {"row_count": {"id": "row_count", "label": "Row Count", "include": true,
                "value": self.words.next(10_000_000), "description": "Approximate count of rows"}},
            "unique_id": id,
        })
    }

    fn node(&mut self, id: String, node: &Value, read: &[String]) -> io::Result<()> {
        self.manifest.member(&id, node)?;
        self.parents.push((id, read.to_vec()));
        Ok(())
    }

    /// What the connector passes over.
    fn rest(mut self) -> io::Result<()> {
        self.manifest.open("macros")?;
        for number in 0..MACROS {
            let text = self.words.sentence(90);
            let told = json!({"name": format!("macro_{number:04}"), "resource_type": "macro", "package_name": "dbt",
                "macro_sql": format!("{{% macro macro_{number:04}(relation) -%}}\n{text}\n{{%- endmacro %}}"),
                "depends_on": {"macros": []}, "description": "", "meta": {}, "arguments": []});
            self.manifest
                .member(&format!("macro.dbt.macro_{number:04}"), &told)?;
        }
        self.manifest.close()?;
        for empty in [
            "docs",
            "exposures",
            "metrics",
            "groups",
            "disabled",
            "semantic_models",
            "unit_tests",
        ] {
            self.manifest.member(empty, &json!({}))?;
        }
        for map in ["parent_map", "child_map"] {
            self.manifest.open(map)?;
            for (id, read) in &self.parents {
                self.manifest.member(id, &json!(read))?;
            }
            self.manifest.close()?;
        }
        self.manifest.close()?;
        self.catalog.member("errors", &Value::Null)?;
        self.catalog.close()
    }
}

fn source_id(number: usize) -> String {
    format!("source.{PROJECT}.landing.raw_{number:06}")
}

fn config(materialized: &str) -> Value {
    json!({
        "enabled": true, "alias": null, "schema": null, "database": null, "tags": ["nightly"],
        "meta": {"owner": "@team"}, "group": null, "materialized": materialized, "incremental_strategy": null,
        "batch_size": null, "lookback": 1, "begin": null, "persist_docs": {"relation": true, "columns": true},
        "post-hook": [], "pre-hook": [], "quoting": {}, "column_types": {}, "full_refresh": null,
        "unique_key": "id", "on_schema_change": "ignore", "on_configuration_change": "apply", "grants": {},
        "packages": [], "docs": {"show": true, "node_color": null}, "event_time": null, "access": "protected",
        "contract": {"enforced": false, "alias_types": true}, "concurrent_batches": null, "freshness": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_nodes_as_asked_for_and_the_same_each_time() {
        let made = || {
            let (mut manifest, mut catalog) = (Vec::new(), Vec::new());
            write(200, &mut manifest, &mut catalog).unwrap();
            (manifest, catalog)
        };
        let (manifest, catalog) = made();
        assert_eq!(made(), (manifest.clone(), catalog.clone()));
        let [manifest, catalog] =
            [manifest, catalog].map(|text| serde_json::from_slice::<Value>(&text).unwrap());
        let count = |file: &Value, section: &str| file[section].as_object().unwrap().len();
        assert_eq!(
            (count(&manifest, "nodes"), count(&manifest, "sources")),
            (200, 20)
        );
        assert_eq!((count(&catalog, "nodes"), count(&catalog, "sources")), (106, 20));
        assert_eq!(count(&manifest, "parent_map"), 220);
    }
}
