//! `cargo xtask examples`: the programs under `examples/`, run against the shop.

use crate::{Result, server::Server, shop::Shop, workspace};
use std::process::Command;

/// Runs each example and checks that it did what it is for. The connector among them is a library, and
/// proves itself in the tests.
pub(crate) fn run() -> Result {
    let shop = Shop::start()?;
    embed(&shop)?;
    custom_server()?;
    println!("the examples work");
    Ok(())
}

fn embed(shop: &Shop) -> Result {
    let mut embed = Command::new(workspace::build("embed")?);
    embed.args(["127.0.0.1", &shop.port().to_string(), "shop", shop.user()]);
    let said = workspace::read(embed.env("PGPASSWORD", shop.password()))?;
    match said.contains("shop.sales.orders") && said.contains("gift_note") {
        true => Ok(()),
        false => Err("embed did not tell of shop.sales.orders and its columns".into()),
    }
}

fn custom_server() -> Result {
    let server = Server::start(&workspace::build("custom-server")?)?;
    let types = server.client.get("/catalog/connector-types")?;
    match types.as_array().is_some_and(|types| types.len() > 1) {
        true => Ok(()),
        false => Err("custom-server does not know its own connector".into()),
    }
}
