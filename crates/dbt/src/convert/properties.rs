use super::asset::text;
use crate::{artifact::Node, project::Product};
use headwater_core::model::Properties;
use serde::Serialize;
use serde_json::{Value, json};

/// What dbt says of a product beyond the parts that all sources have.
pub(crate) fn properties(product: &Product) -> Properties {
    let node = &product.record.node;
    let config = node.config.as_ref();
    let mut all = Named(Properties::new());
    for (name, value) in [
        ("path", &node.original_file_path),
        ("database", &node.database),
        ("schema", &node.schema),
        ("relation_name", &node.relation_name),
        ("deprecation_date", &node.deprecation_date),
        ("label", &node.label),
        ("type", &node.kind),
        ("url", &node.url),
        ("maturity", &node.maturity),
        ("loader", &node.loader),
    ] {
        all.text(name, value.as_deref());
    }
    all.text("identifier", identifier(node));
    all.text(
        "materialized",
        config.and_then(|config| config.materialized.as_deref()),
    );
    all.text("group", group(node));
    let access = config.and_then(|config| config.access.as_deref());
    all.text("access", node.access.as_deref().or(access));
    let loaded_at = config.and_then(|config| config.loaded_at_field.as_deref());
    all.text("loaded_at_field", node.loaded_at_field.as_deref().or(loaded_at));
    if is_contract_enforced(node) {
        all.value("contract_enforced", &json!(true));
    }
    all.value("version", &node.version);
    all.value("latest_version", &node.latest_version);
    all.value("meta", &meta(node));
    all.value(
        "freshness",
        &node
            .freshness
            .as_ref()
            .or(config.and_then(|config| config.freshness.as_ref())),
    );
    all.value("owner_email", &node.owner.as_ref().map(|owner| &owner.email));
    all.value("type_params", &node.type_params);
    all.value("filter", &node.filter);
    all.value("entities", &node.entities);
    all.value("dimensions", &node.dimensions);
    all.value("measures", &node.measures);
    all.value("defaults", &node.defaults);
    all.value("tests", &tests(product));
    all.0
}

/// The name of the relation: that of the model, unless an alias or the source names another.
pub(crate) fn identifier(node: &Node) -> Option<&str> {
    let named = node.identifier.as_deref().or(node.alias.as_deref());
    named.filter(|_| node.relation_name.is_some() || node.schema.is_some())
}

pub(super) fn meta(node: &Node) -> Option<&Value> {
    let has_members = |meta: &&Value| meta.as_object().is_some_and(|members| !members.is_empty());
    let configured = node.config.as_ref().and_then(|config| config.meta.as_ref());
    node.meta
        .as_ref()
        .filter(has_members)
        .or(configured)
        .filter(has_members)
}

pub(super) fn group(node: &Node) -> Option<&str> {
    let configured = node.config.as_ref().and_then(|config| config.group.as_deref());
    node.group.as_deref().or(configured)
}

pub(super) fn is_contract_enforced(node: &Node) -> bool {
    let contract = node.config.as_ref().and_then(|config| config.contract.as_ref());
    contract.and_then(|contract| contract.enforced) == Some(true)
}

fn tests(product: &Product) -> Vec<Value> {
    let one = |test: &crate::project::TestRecord| {
        let mut all = Named(Properties::new());
        all.text("name", Some(&test.name));
        all.text("test", Some(&test.test));
        all.text("column", test.column.as_deref());
        all.text(
            "severity",
            test.severity.as_deref().map(str::to_lowercase).as_deref(),
        );
        all.text("where", test.condition.as_deref());
        json!(all.0)
    };
    product.tests.iter().map(one).collect()
}

/// Properties, of which only those with a value are kept.
struct Named(Properties);

impl Named {
    fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = text(value) {
            self.0.insert(name.to_owned(), Value::String(value));
        }
    }

    fn value(&mut self, name: &str, value: &impl Serialize) {
        match serde_json::to_value(value) {
            Ok(Value::Null) | Err(_) => {}
            Ok(Value::Array(all)) if all.is_empty() => {}
            Ok(Value::Object(all)) if all.is_empty() => {}
            Ok(value) => {
                self.0.insert(name.to_owned(), value);
            }
        }
    }
}
