//! Artifacts of dbt to measure on: deterministic, of any number of nodes, with the keys that dbt-core 1.11 writes, and
//! a space behind each comma and colon as it does.
//!
//! Of the nodes one half are models of 8 to 16 columns, nearly all others tests; seeds, snapshots and analyses are
//! few. For ten nodes there is a source. A model has 8 kB, most of it columns and code, a test 2 kB. Half of the
//! descriptions have a quote or a line break; the warehouse has them as comments, as dbt's `persist_docs` leaves them.

mod json;
mod parts;

use super::generate::Words;
use json::Object;
use parts::{code, compiled, config, with};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    io::{self, Write},
};

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
            self.seed(&format!("seed_{number:06}"), columns)?;
        }
        for number in 0..counts.snapshots {
            let columns = self.columns(10);
            let read = [self.any_model()];
            let name = format!("snap_{number:06}");
            self.catalog_entry(&format!("snapshot.{PROJECT}.{name}"), "mart", &name, &columns)?;
            let more = json!({"config": config("snapshot")});
            self.built("snapshot", &name, columns, &read, more)?;
        }
        for number in 0..counts.analyses {
            let read = [self.any_model()];
            let name = format!("look_{number:06}");
            self.built(
                "analysis",
                &name,
                Map::new(),
                &read,
                json!({"config": config("view")}),
            )?;
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
        let names = columns.keys().cloned().collect();
        self.catalog_entry(&format!("model.{PROJECT}.{name}"), "mart", &name, &columns)?;
        let more = json!({
            "config": config(if number.is_multiple_of(3) { "view" } else { "table" }), "access": "protected",
            "constraints": [], "version": null, "latest_version": null, "deprecation_date": null,
            "primary_key": ["id"], "time_spine": null,
        });
        self.built("model", &name, columns, &read, more)?;
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
                "name": name, "description": self.prose(10), "meta": {}, "data_type": data_type,
                "constraints": [], "quote": null, "config": {"meta": {}, "tags": []}, "tags": [],
                "granularity": null, "doc_blocks": [],
            });
            columns.insert(name, column);
        }
        columns
    }

    /// Words of which one in 14 is quoted or ends a line.
    fn prose(&mut self, count: usize) -> String {
        let words = self.words.sentence(count);
        let marked = words.split(' ').map(|word| match self.words.next(28) {
            0 => format!("\"{word}\""),
            1 => format!("{word}\nand"),
            _ => word.to_owned(),
        });
        marked.collect::<Vec<_>>().join(" ")
    }

    /// What all nodes have.
    fn node(&mut self, kind: &str, name: &str, columns: Map<String, Value>) -> Value {
        json!({
            "database": "analytics", "schema": "mart", "name": name, "resource_type": kind,
            "package_name": PROJECT, "path": format!("marts/{name}.sql"), "alias": name,
            "unique_id": format!("{kind}.{PROJECT}.{name}"), "original_file_path": format!("models/marts/{name}.sql"),
            "fqn": [PROJECT, "marts", name], "tags": ["nightly"], "description": self.prose(25), "columns": columns,
            "checksum": {"name": "sha256", "checksum": format!("{:064x}", self.words.next(usize::MAX))},
            "meta": {"owner": "@team"}, "group": null, "docs": {"show": true, "node_color": null},
            "patch_path": format!("{PROJECT}://models/_{name}.yml"), "build_path": null, "doc_blocks": [],
            "unrendered_config": {"materialized": "table", "tags": ["nightly"]}, "created_at": 1772431200.5,
            "relation_name": format!("\"analytics\".\"mart\".\"{name}\""), "raw_code": "",
        })
    }

    /// A table that dbt fills from a file.
    fn seed(&mut self, name: &str, columns: Map<String, Value>) -> io::Result<()> {
        let id = format!("seed.{PROJECT}.{name}");
        self.catalog_entry(&id, "mart", name, &columns)?;
        let more = json!({"config": config("seed"), "depends_on": {"macros": []}, "root_path": "/srv/dbt"});
        let node = with(self.node("seed", name, columns), more);
        self.put(id, &node, &[])
    }

    /// What is compiled from code.
    fn built(
        &mut self,
        kind: &str,
        name: &str,
        columns: Map<String, Value>,
        read: &[String],
        more: Value,
    ) -> io::Result<()> {
        let names: Vec<String> = columns.keys().cloned().collect();
        let note = self.words.sentence(12);
        let node = with(self.node(kind, name, columns), compiled(read));
        let code = json!({
            "raw_code": code(&names, read, &note, false), "compiled_code": code(&names, read, &note, true),
            "compiled_path": format!("target/compiled/{PROJECT}/models/marts/{name}.sql"),
        });
        let node = with(with(node, code), more);
        self.put(format!("{kind}.{PROJECT}.{name}"), &node, read)
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
        let id = format!("test.{PROJECT}.{name}.{number:010x}");
        let more = json!({
            "unique_id": id, "schema": "mart_dbt_test__audit", "original_file_path": "models/marts/_marts.yml",
            "checksum": {"name": "none", "checksum": ""}, "tags": [], "description": "", "meta": {},
            "patch_path": null, "relation_name": null, "unrendered_config": {},
            "config": {"enabled": true, "alias": null, "schema": "dbt_test__audit", "database": null, "tags": [],
                "meta": {}, "group": null, "static_analysis": null, "materialized": "test", "severity": "ERROR",
                "store_failures": null, "store_failures_as": null, "where": null, "limit": null,
                "fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0"},
            "raw_code": format!("{{{{ test_{kind}(**_dbt_generic_test_kwargs) }}}}"),
            "compiled_code": format!("\n    \n    \n\nselect {column}\nfrom \"analytics\".\"mart\".\"{model}\"\nwhere {column} is null\n\n\n"),
            "compiled_path": format!("target/compiled/{PROJECT}/models/marts/_marts.yml/{name}.sql"),
            "depends_on": {"macros": [format!("macro.dbt.test_{kind}"), "macro.dbt.get_where_subquery"], "nodes": read},
            "column_name": column, "file_key_name": format!("models.{model}"), "attached_node": read[0],
            "test_metadata": {"name": kind, "namespace": null, "kwargs": {"column_name": column,
                "model": format!("{{{{ get_where_subquery(ref('{model}')) }}}}")}},
        });
        let node = with(self.node("test", &name, Map::new()), compiled(&read));
        self.put(id, &with(node, more), &read)
    }

    fn source(&mut self, number: usize) -> io::Result<()> {
        let id = source_id(number);
        let name = format!("raw_{number:06}");
        let columns = self.columns(12);
        self.catalog_entry(&id, "landing", &name, &columns)?;
        let node = json!({
            "database": "analytics", "schema": "landing", "name": name, "resource_type": "source",
            "package_name": PROJECT, "path": "models/staging/_sources.yml", "unique_id": id, "identifier": name,
            "original_file_path": "models/staging/_sources.yml", "fqn": [PROJECT, "staging", "landing", name],
            "source_name": "landing", "source_description": self.prose(12), "loader": "fivetran",
            "quoting": {"database": null, "schema": null, "identifier": null, "column": null},
            "loaded_at_field": "_loaded_at", "loaded_at_query": null, "freshness": {"warn_after": {"count": 12, "period": "hour"},
                "error_after": {"count": 24, "period": "hour"}, "filter": null}, "external": null,
            "description": self.prose(20), "columns": columns, "meta": {}, "source_meta": {}, "tags": [],
            "config": {"enabled": true, "event_time": null, "freshness": null, "loaded_at_field": null,
                "loaded_at_query": null, "meta": {}, "static_analysis": null, "tags": []},
            "patch_path": null, "unrendered_config": {}, "unrendered_database": null, "unrendered_schema": null,
            "relation_name": format!("\"analytics\".\"landing\".\"{name}\""), "created_at": 1772431200.5,
            "doc_blocks": [],
        });
        self.put(id, &node, &[])
    }

    fn catalog_entry(
        &mut self,
        id: &str,
        schema: &str,
        name: &str,
        columns: &Map<String, Value>,
    ) -> io::Result<()> {
        let columns = columns.iter().enumerate().map(|(place, (column, told))| {
            let of_type = TYPES[place % TYPES.len()];
            let comment = &told["description"];
            let told = json!({"type": of_type, "index": place + 1, "name": column, "comment": comment});
            (column.clone(), told)
        });
        let columns: Map<String, Value> = columns.collect();
        let entry = json!({
            "metadata": {"type": "BASE TABLE", "schema": schema, "name": name, "database": "analytics",
                "comment": self.prose(8), "owner": "dbt"},
            "columns": columns,
            "stats": {
                "has_stats": {"id": "has_stats", "label": "Has Stats?", "value": true, "include": false,
                    "description": "Indicates whether there are statistics for this table"},
                "row_count": {"id": "row_count", "label": "Row Count", "value": self.words.next(10_000_000),
                    "include": true, "description": "Approximate count of rows"},
            },
            "unique_id": id,
        });
        self.catalog.member(id, &entry)
    }

    fn put(&mut self, id: String, node: &Value, read: &[String]) -> io::Result<()> {
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
                "path": format!("macros/{number:04}.sql"), "original_file_path": format!("macros/{number:04}.sql"),
                "unique_id": format!("macro.dbt.macro_{number:04}"), "patch_path": null, "arguments": [],
                "macro_sql": format!("{{% macro macro_{number:04}(relation) -%}}\n{text}\n{{%- endmacro %}}"),
                "depends_on": {"macros": []}, "description": "", "meta": {}, "docs": {"show": true, "node_color": null},
                "config": {"meta": {}, "docs": {"show": true, "node_color": null}}, "created_at": 1772431200.5,
                "supported_languages": null});
            self.manifest
                .member(&format!("macro.dbt.macro_{number:04}"), &told)?;
        }
        self.manifest.close()?;
        for empty in [
            "docs",
            "exposures",
            "metrics",
            "groups",
            "selectors",
            "disabled",
            "group_map",
            "saved_queries",
            "semantic_models",
            "unit_tests",
            "functions",
        ] {
            self.manifest.member(empty, &json!({}))?;
        }
        let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
        for (id, read) in &self.parents {
            for parent in read {
                children.entry(parent).or_default().push(id);
            }
        }
        self.manifest.open("parent_map")?;
        for (id, read) in &self.parents {
            self.manifest.member(id, &json!(read))?;
        }
        self.manifest.close()?;
        self.manifest.open("child_map")?;
        for (id, _) in &self.parents {
            let own = children.get(id.as_str()).cloned().unwrap_or_default();
            self.manifest.member(id, &json!(own))?;
        }
        self.manifest.close()?;
        self.manifest.close()?;
        self.catalog.member("errors", &Value::Null)?;
        self.catalog.close()
    }
}

fn source_id(number: usize) -> String {
    format!("source.{PROJECT}.landing.raw_{number:06}")
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

    #[test]
    fn the_keys_are_those_that_dbt_writes() {
        let path = crate::workspace::root()
            .unwrap()
            .join("examples/dbt-shop/artifacts/after/manifest.json");
        let real: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut made = Vec::new();
        write(200, &mut made, &mut io::sink()).unwrap();
        let made: Value = serde_json::from_slice(&made).unwrap();
        let keys = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let of_first = |manifest: &Value, section: &str, kind: &str| {
            let nodes = manifest[section].as_object().unwrap();
            let (_, node) = nodes.iter().find(|(id, _)| id.starts_with(kind)).unwrap();
            keys(node)
        };
        assert_eq!(keys(&made), keys(&real));
        for (section, kind) in [
            ("nodes", "model."),
            ("nodes", "seed."),
            ("nodes", "snapshot."),
            ("nodes", "analysis."),
            ("nodes", "test."),
            ("sources", "source."),
            ("macros", "macro."),
        ] {
            assert_eq!(
                of_first(&made, section, kind),
                of_first(&real, section, kind),
                "{kind}"
            );
        }
    }
}
