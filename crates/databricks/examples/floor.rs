//! For `cargo xtask bench databricks`: the requests that a read of a workspace cannot do without, with nothing made of
//! the answers. Prints the seconds that they took.
//!
//! Arguments: address, `lists` or `tables` (each table alone beside the lists), how many requests run at once. The
//! token comes from `DATABRICKS_TOKEN`.

use futures_util::future::try_join_all;
use headwater_core::{Host, Result, Secret};
use headwater_http::{Client, Reply, Settings, Url};
use serde::Deserialize;
use serde_json::json;
use std::{error::Error, time::Instant};
use tokio::sync::Semaphore;

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, what, at_once] = &arguments[..] else {
        return Err("give the address, lists or tables, and how many requests run at once".into());
    };
    let floor = Floor {
        client: Client::new(&Host::default(), Settings::new("the workspace"))?,
        base: Url::parse(address)?,
        token: Secret::new(format!("Bearer {}", std::env::var("DATABRICKS_TOKEN")?)),
        gate: Semaphore::new(at_once.parse()?),
        tables: what == "tables",
    };
    let began = Instant::now();
    let schemas = floor.list("schemas", &[("catalog_name", "main")]).await?;
    try_join_all(schemas.iter().map(|schema| floor.schema(schema))).await?;
    println!("{}", json!({"seconds": began.elapsed().as_secs_f64()}));
    Ok(())
}

struct Floor {
    client: Client,
    base: Url,
    token: Secret,
    gate: Semaphore,
    tables: bool,
}

/// A page, of which only the names are kept.
#[derive(Deserialize)]
struct Page {
    #[serde(default, alias = "schemas", alias = "tables")]
    rows: Vec<Named>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Floor {
    async fn schema(&self, schema: &str) -> Result<()> {
        let query = [("catalog_name", "main"), ("schema_name", schema)];
        for list in ["volumes", "functions", "models"] {
            self.list(list, &query).await?;
        }
        let tables = self.list("tables", &query).await?;
        let wanted = tables.iter().filter(|_| self.tables);
        let names: Vec<String> = wanted.map(|table| format!("main.{schema}.{table}")).collect();
        try_join_all(names.iter().map(|name| self.table(name))).await?;
        Ok(())
    }

    async fn table(&self, name: &str) -> Result<()> {
        self.get(&["tables", name], &[]).await.map(drop)
    }

    async fn list(&self, list: &str, query: &[(&str, &str)]) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.push(("max_results", "0"));
            query.extend(token.as_deref().map(|token| ("page_token", token)));
            let page: Page = self.get(&[list], &query).await?.json()?;
            names.extend(page.rows.into_iter().map(|row| row.name));
            token = page.next_page_token;
            if token.is_none() {
                return Ok(names);
            }
        }
    }

    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Reply> {
        let segments = ["api", "2.1", "unity-catalog"];
        let mut request = self
            .client
            .get(&self.base, segments.iter().chain(path).copied())
            .authorization(&self.token);
        for (name, value) in query {
            request = request.query(name, value);
        }
        let _turn = self.gate.acquire().await;
        request.send().await
    }
}
