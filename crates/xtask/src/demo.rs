//! `cargo xtask demo`: the whole road in one minute, on a throw-away database and a throw-away catalog.

use crate::{Result, server::Server, shop::Shop, workspace};
use serde_json::{Value, json};

const SPACE: &str = "/catalog/spaces/default";
const CHANGE: &str = "ALTER TABLE sales.orders DROP COLUMN gift_note";

/// Syncs the shop, syncs it again, drops a column, syncs once more.
pub(crate) fn run(keep: bool) -> Result {
    let program = workspace::build("headwater-server")?;
    let shop = Shop::start()?;
    let mut server = Server::start(&program)?;
    println!("server on http://{}, catalog in SQLite", server.client.address);

    let created = server.client.post(
        &format!("{SPACE}/connectors"),
        &json!({"name": "shop", "connector_type": "postgres",
                "config": shop.config(), "credentials": shop.credentials()}),
    )?;
    let connector = created["id"].as_str().ok_or("the connector has no id")?;

    println!("\nfirst sync      {}", counts(&server.sync(connector)?));
    print_products(&server)?;
    println!("\nsecond sync     {}", counts(&server.sync(connector)?));
    println!("\n{CHANGE};");
    shop.execute(CHANGE)?;
    println!("third sync      {}", counts(&server.sync(connector)?));
    print_changes(&server)?;

    if keep {
        println!(
            "\nthe server runs until Ctrl-C; its API key is {}",
            server.client.key
        );
        println!("its docs:  http://{}/docs", server.client.address);
        println!("the shop:  {}", shop.url());
        server.wait()?;
    }
    Ok(())
}

fn counts(job: &Value) -> String {
    let count = |name: &str| job[name].as_u64().unwrap_or_default();
    format!(
        "{} created, {} updated, {} archived, {} unchanged",
        count("products_created"),
        count("products_updated"),
        count("products_archived"),
        count("products_unchanged"),
    )
}

fn print_products(server: &Server) -> Result {
    let page = server.client.get(&format!("{SPACE}/products?size=100"))?;
    for product in page["items"].as_array().into_iter().flatten() {
        let text = |name: &str| product[name].as_str().unwrap_or_default();
        let line = format!(
            "  {:<18} {:<32} {}",
            text("product_type"),
            text("hosting_location"),
            text("description")
        );
        println!("{}", line.trim_end());
    }
    Ok(())
}

fn print_changes(server: &Server) -> Result {
    let found = server
        .client
        .get(&format!("{SPACE}/products?search=shop.sales.orders&size=100"))?;
    let mut items = found["items"].as_array().into_iter().flatten();
    let orders = items.find(|item| item["hosting_location"] == "shop.sales.orders");
    let id = orders
        .and_then(|item| item["id"].as_str())
        .ok_or("the catalog lost shop.sales.orders")?;
    let changes = server
        .client
        .get(&format!("{SPACE}/products/{id}/schema-changes"))?;
    println!("\nshop.sales.orders");
    for change in changes["items"].as_array().into_iter().flatten() {
        for one in change["changes"].as_array().into_iter().flatten() {
            println!("  {}", describe(one));
        }
    }
    Ok(())
}

/// A line of a diff: `- gift_note  character varying(500)`.
fn describe(change: &Value) -> String {
    let sign = match change["op"].as_str() {
        Some("added") => '+',
        Some("removed") => '-',
        _ => '~',
    };
    let segments = change["path"].as_array().into_iter().flatten();
    let path: Vec<&str> = segments.filter_map(Value::as_str).collect();
    let column = [&change["before"], &change["after"]].map(|side| side["native_type"].as_str());
    let of_type = column.into_iter().flatten().next().unwrap_or_default();
    format!("{sign} {}  {of_type}", path.join("."))
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reads_as_one_line() {
        let change = json!({"op": "removed", "part": "fields", "path": ["gift_note"],
                            "before": {"native_type": "character varying(500)"}, "after": null});
        assert_eq!(describe(&change), "- gift_note  character varying(500)");
    }
}
