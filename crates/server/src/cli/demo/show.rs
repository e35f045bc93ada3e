//! What the demo says: from the API's answers to lines for a person.

use super::{
    api::Api,
    wire::{Change, End, Graph, Job, Product},
};
use console::{Term, style, truncate_str};
use serde_json::Value;
use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

/// How wide a table gets where there is no terminal to say.
const WIDTH: usize = 120;
/// From where the data comes to who looks at it.
const TYPES: [&str; 7] = [
    "source",
    "seed",
    "model",
    "snapshot",
    "semantic_model",
    "metric",
    "exposure",
];

pub(super) fn opening(api: &Api) -> String {
    format!(
        "Headwater {}, a server on {} with a catalog in a temporary SQLite file.",
        env!("CARGO_PKG_VERSION"),
        api.origin()
    )
}

pub(super) fn heading(text: &str) -> String {
    format!("\n{}", style(text).bold())
}

/// What an import did.
pub(super) fn imported(job: &Job, took: Duration) -> String {
    format!(
        "  {} created, {} updated, {} gone, {} unchanged in {:.1} s\n",
        job.products_created,
        job.products_updated,
        job.products_archived,
        job.products_unchanged,
        took.as_secs_f64()
    )
}

/// A table of products, as wide as the terminal.
pub(super) fn products(products: &[Product]) -> String {
    let width = match Term::stdout().size_checked() {
        Some((_, columns)) => columns.into(),
        None => WIDTH,
    };
    table(products, width)
}

fn table(products: &[Product], width: usize) -> String {
    let mut rows: Vec<_> = products
        .iter()
        .map(|product| (place(product), row(product)))
        .collect();
    rows.sort();
    let title = ["TYPE", "NAME", "COLUMNS", "TESTS", "OWNER", "DESCRIPTION"].map(str::to_owned);
    let rows: Vec<[String; 6]> = [title]
        .into_iter()
        .chain(rows.into_iter().map(|(_, row)| row))
        .collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("  {cell:<width$}"));
        let line = cells.collect::<String>();
        text.push_str(&truncate_str(line.trim_end(), width, "..."));
        text.push('\n');
    }
    text.pop();
    text
}

fn place(product: &Product) -> usize {
    let kind = kind(product);
    TYPES.iter().position(|one| *one == kind).unwrap_or(TYPES.len())
}

fn row(product: &Product) -> [String; 6] {
    let columns = product.fields.as_ref().map_or(0, Vec::len);
    [
        kind(product).replace('_', " "),
        name(&product.path),
        if columns > 0 {
            columns.to_string()
        } else {
            String::new()
        },
        tests(product),
        product
            .owners
            .iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
        product.description.clone().unwrap_or_default(),
    ]
}

fn kind(product: &Product) -> &str {
    product.product_type.trim_start_matches("dbt_")
}

/// A name as dbt's users say it, without package and kind: `orders`, `till.orders`.
fn name(path: &[String]) -> String {
    let name = path.last().map(String::as_str).unwrap_or_default();
    let namespace = path.get(1).map(String::as_str).unwrap_or_default();
    match namespace.strip_prefix("source.") {
        Some(source) => format!("{source}.{name}"),
        None => name.to_owned(),
    }
}

/// How the tests of a product fared: `4 pass, 1 warn`.
fn tests(product: &Product) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let results = product
        .stats
        .iter()
        .flat_map(|stats| stats.properties.test_results.values());
    for result in results {
        *counts
            .entry(result.status.as_deref().unwrap_or("unknown"))
            .or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(status, count)| format!("{count} {status}"))
        .collect();
    counts.join(", ")
}

/// The longest way to a product, and how much there is beside it.
pub(super) fn lineage(graph: &Graph, to: &[String]) -> String {
    let way: Vec<String> = longest(graph, to).iter().map(|path| name(path)).collect();
    let mut all: Vec<&End> = graph.edges.iter().map(|edge| &edge.upstream).collect();
    all.retain(|end| end.family == "dbt");
    all.sort();
    all.dedup();
    format!(
        "  {}\n  ({} products upstream in all)",
        way.join(" -> "),
        all.len()
    )
}

fn longest<'a>(graph: &'a Graph, to: &'a [String]) -> Vec<&'a [String]> {
    let into = graph
        .edges
        .iter()
        .filter(|edge| edge.downstream.path == to && edge.upstream.family == "dbt");
    let ways = into.map(|edge| longest(graph, &edge.upstream.path));
    let mut way = ways.max_by_key(Vec::len).unwrap_or_default();
    way.push(to);
    way
}

/// What an import found different, product by product, what changed most first.
pub(super) fn changes(products: &[Product], job: &Job) -> String {
    let mut changed: Vec<(&Product, Vec<_>)> = Vec::new();
    for product in products {
        let of_job = product
            .schema_changes
            .iter()
            .filter(|change| change.job_id == job.job_id);
        let lines: Vec<_> = of_job
            .flat_map(|change| &change.changes)
            .filter_map(line)
            .collect();
        if !lines.is_empty() {
            changed.push((product, lines));
        }
    }
    changed.sort_by_key(|(_, lines)| Reverse(lines.len()));
    let mut text = String::new();
    for (product, lines) in changed {
        let width = lines
            .iter()
            .map(|(_, what, _)| what.chars().count())
            .max()
            .unwrap_or_default();
        text.push_str(&format!(
            "  {}{}\n",
            style(name(&product.path)).bold(),
            readers(product)
        ));
        for (sign, what, detail) in lines {
            let line = format!("{sign} {what:<width$}  {detail}");
            text.push_str(&format!("    {}\n", coloured(sign, line.trim_end())));
        }
    }
    text.pop();
    text
}

fn readers(product: &Product) -> String {
    let downstream = product
        .lineage
        .downstream
        .iter()
        .filter(|end| end.family == "dbt");
    let readers: Vec<String> = downstream.map(|end| name_and_kind(&end.path)).collect();
    match readers.is_empty() {
        true => String::new(),
        false => format!(", read by {}", readers.join(", ")),
    }
}

/// `orders`, `orders (semantic model)`
fn name_and_kind(path: &[String]) -> String {
    match path.get(1).map(String::as_str) {
        Some("model") | None => name(path),
        Some(kind) => format!("{} ({})", name(path), kind.replace('_', " ")),
    }
}

fn coloured(sign: char, line: &str) -> String {
    match sign {
        '+' => style(line).green(),
        '-' => style(line).red(),
        _ => style(line).yellow(),
    }
    .to_string()
}

/// A difference as its sign, what it is about, and how that was and is. Normalised types go with the native ones.
fn line(change: &Change) -> Option<(char, String, String)> {
    let native = |column: &Value| {
        column
            .get("native_type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let what = match (change.part.as_str(), change.path.as_slice()) {
        ("definition", _) => "the code".to_owned(),
        (part, []) => part.to_owned(),
        (_, path) => path.join("."),
    };
    Some(match (change.op.as_str(), change.attribute.as_deref()) {
        ("added", None) => ('+', what, native(&change.after)),
        ("removed", None) => ('-', what, native(&change.before)),
        (_, Some("data_type")) => return None,
        (_, Some("native_type")) => {
            let [before, after] =
                [&change.before, &change.after].map(|side| side.as_str().unwrap_or_default());
            ('~', what, format!("{before} -> {after}"))
        }
        (_, attribute) => ('~', what, attribute.unwrap_or_default().to_owned()),
    })
}

/// What the last import no longer found; `before` tells who read it.
pub(super) fn gone(gone: &[Product], before: &[Product]) -> String {
    let line = |product: &Product| {
        let known = before.iter().find(|one| one.id == product.id);
        let readers = known.map(readers).unwrap_or_default();
        let gone = coloured(
            '-',
            "- the model is gone: stale in the catalog, its history stays",
        );
        format!("  {}{readers}\n    {gone}", style(name(&product.path)).bold())
    };
    gone.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(super) fn farewell(api: &Api, space: &str) -> String {
    let (origin, key) = (api.origin(), api.key());
    format!(
        "{}\n  docs  {origin}/docs/\n  key   {key}\n\n  curl -H 'Authorization: Bearer {key}' \\\n    \
         '{origin}{space}/products?search=order'",
        heading("The server goes on until Ctrl-C, which also removes its catalog")
    )
}

#[cfg(test)]
mod tests;
