use super::asset::{prose, text};
use crate::{
    artifact::{Json, Node, Owner, Threshold},
    project::{Product, TestRecord},
};
use headwater_core::model::Properties;
use serde_json::{Value, json};

/// What dbt says of a product beyond the parts that all sources have.
pub(crate) fn properties(product: &Product<'_>, meta: Option<Value>) -> Properties {
    let node = &product.record.node;
    let config = node.config.as_ref();
    let mut all = Named(Vec::with_capacity(16));
    for (name, value) in [
        ("path", &node.original_file_path),
        ("database", &node.database),
        ("schema", &node.schema),
        ("deprecation_date", &node.deprecation_date),
        ("label", &node.label),
        ("type", &node.kind),
        ("url", &node.url),
        ("maturity", &node.maturity),
        ("loader", &node.loader),
    ] {
        all.text(name, value.as_deref());
    }
    all.value("relation_name", prose(node.relation_name).map(Value::String));
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
        all.value("contract_enforced", Some(json!(true)));
    }
    let freshness = node
        .freshness
        .as_ref()
        .or(config.and_then(|config| config.freshness.as_ref()));
    all.value("freshness", freshness.and_then(threshold));
    all.value("meta", meta);
    all.value("owner_email", node.owner.as_ref().and_then(emails));
    for (name, value) in [
        ("version", node.version),
        ("latest_version", node.latest_version),
        ("type_params", node.type_params),
        ("filter", node.filter),
        ("defaults", node.defaults),
    ] {
        all.value(name, value.and_then(Json::told));
    }
    for (name, list) in [
        ("entities", &node.entities),
        ("dimensions", &node.dimensions),
        ("measures", &node.measures),
    ] {
        all.list(name, list.iter().flatten().filter_map(|one| one.told()).collect());
    }
    all.list("tests", tests(product));
    all.collect()
}

/// The name of the relation: that of the model, unless an alias or the source names another.
pub(crate) fn identifier<'a>(node: &'a Node<'_>) -> Option<&'a str> {
    let named = node.identifier.as_deref().or(node.alias.as_deref());
    named.filter(|_| node.relation_name.is_some() || node.schema.is_some())
}

/// What the project notes for itself. dbt before 1.8 keeps that of a source under another name.
pub(super) fn meta(node: &Node<'_>) -> Option<Value> {
    let configured = node.config.as_ref().and_then(|config| config.meta);
    let all = [node.meta, configured, node.source_meta];
    let mut told = all.into_iter().flatten().filter_map(Json::told);
    told.find(Value::is_object)
}

pub(super) fn group<'a>(node: &'a Node<'_>) -> Option<&'a str> {
    let configured = node.config.as_ref().and_then(|config| config.group.as_deref());
    node.group.as_deref().or(configured)
}

pub(super) fn is_contract_enforced(node: &Node<'_>) -> bool {
    let contract = node.config.as_ref().and_then(|config| config.contract.as_ref());
    contract.and_then(|contract| contract.enforced) == Some(true)
}

/// When rows count as late, in dbt's own shape.
fn threshold(threshold: &Threshold<'_>) -> Option<Value> {
    let mut all = Named::default();
    for (name, period) in [
        ("warn_after", &threshold.warn_after),
        ("error_after", &threshold.error_after),
    ] {
        let told = period.as_ref();
        let told = told.map(|of| json!({"count": of.count, "period": of.period}));
        all.value(name, told);
    }
    (!all.0.is_empty()).then(|| Value::Object(all.collect()))
}

fn emails(owner: &Owner<'_>) -> Option<Value> {
    let emails = &owner.email.0;
    (!emails.is_empty()).then(|| json!(emails))
}

fn tests(product: &Product<'_>) -> Vec<Value> {
    let one = |test: &TestRecord<'_>| {
        let mut all = Named(Vec::with_capacity(5));
        all.text("name", Some(&test.name));
        all.text("test", Some(&test.test));
        all.text("column", test.column.as_deref());
        all.text(
            "severity",
            test.severity.as_deref().map(str::to_lowercase).as_deref(),
        );
        all.text("where", test.condition.as_deref());
        Value::Object(all.collect())
    };
    product.tests.iter().map(one).collect()
}

/// Properties, of which only those with a value are kept.
#[derive(Default)]
struct Named(Vec<(&'static str, Value)>);

impl Named {
    fn text(&mut self, name: &'static str, value: Option<&str>) {
        self.value(name, text(value).map(Value::String));
    }

    fn list(&mut self, name: &'static str, all: Vec<Value>) {
        self.value(name, (!all.is_empty()).then_some(Value::Array(all)));
    }

    fn value(&mut self, name: &'static str, value: Option<Value>) {
        self.0.extend(value.map(|value| (name, value)));
    }

    /// As properties, or as the members of an object.
    fn collect<C: FromIterator<(K, Value)>, K: From<&'static str>>(self) -> C {
        self.0
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect()
    }
}
