//! `headwater demo`: what a sync of a dbt project gives, on a catalog that is gone afterwards. All of it goes
//! through the REST API, as a user's own calls would.

mod api;
mod artifacts;
mod show;
mod wire;

use super::{FAILED, INTERRUPTED, SUCCESS, fail};
use crate::{SecretKey, Server, ServerConfig};
use api::Api;
use artifacts::{AFTER, Artifacts, BEFORE};
use clap::Args;
use headwater_catalog::{KeyRing, Store};
use headwater_core::Secret;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::{
    io::{IsTerminal, Write, stdout},
    pin::pin,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;
use wire::{Job, Listed, Page, Product, Started};

/// What is wrong, for a person.
type Result<T> = std::result::Result<T, String>;

/// Import a small dbt project into a throw-away catalog, change it, and see what that leaves.
///
/// Needs nothing: the project's artifacts are part of this program, and the catalog is a temporary SQLite file. On a
/// terminal the server then goes on until Ctrl-C, for you to look around.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headwater demo\n  headwater demo --exit")]
pub(super) struct DemoArgs {
    /// End when all is shown; so it is, too, where standard output is no terminal
    #[arg(long)]
    exit: bool,
}

const SPACE: &str = "/catalog/spaces/flowers";
/// How long an import may take.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);

/// Runs the command.
pub(super) async fn run(args: DemoArgs) -> u8 {
    match demo(args.exit || !stdout().is_terminal()).await {
        Ok(code) => code,
        Err(error) => fail(FAILED, error),
    }
}

async fn demo(exit: bool) -> Result<u8> {
    let mut stop = pin!(crate::asked_to_stop().map_err(text)?);
    let folder = tempfile::Builder::new().prefix("headwater-demo-").tempdir();
    let folder = folder.map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let key = Store::generate_api_key().map_err(text)?;
    let server = Server::start(config(&folder, &key)?, super::registry());
    let server = server.await.map_err(text)?;
    let api = Api::new(server.address(), key);
    let code = tokio::select! {
        told = tell(&api) => told.map(|()| SUCCESS),
        () = &mut stop => Ok(INTERRUPTED),
    };
    match code {
        Ok(SUCCESS) if !exit => {
            say(&show::farewell(&api, SPACE))?;
            server.run_until(stop).await.map_err(text)?;
        }
        _ => server.run_until(std::future::ready(())).await.map_err(text)?,
    }
    code
}

fn config(folder: &TempDir, key: &Secret) -> Result<ServerConfig> {
    Ok(ServerConfig {
        listen: "127.0.0.1:0".to_owned(),
        database_url: format!("sqlite://{}", folder.path().join("catalog.db").display()),
        secret_key: SecretKey::Text(KeyRing::generate_text().map_err(text)?),
        admin_key: Some(key.clone()),
        ..ServerConfig::default()
    })
}

fn text(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// The story, step by step.
async fn tell(api: &Api) -> Result<()> {
    say(&show::opening(api))?;
    let space = json!({"slug": "flowers", "name": "Flower shop"});
    api.post::<Listed>("/catalog/spaces", &space).await?;
    let connector = json!({"name": "flower shop", "connector_type": "dbt"});
    let connector: Listed = api.post(&format!("{SPACE}/connectors"), &connector).await?;

    say(&show::heading("The artifacts of a dbt project are uploaded"))?;
    import(api, &connector.id, &BEFORE).await?;
    let before = products(api, "active").await?;
    say(&show::products(&before))?;

    say(&show::heading("What a dashboard is made of"))?;
    let report = before
        .iter()
        .find(|product| product.product_type == "dbt_exposure");
    let report = report.ok_or("the catalog lost the exposure")?;
    let upstream = format!(
        "{SPACE}/products/{}/lineage?direction=upstream&depth=10",
        report.id
    );
    say(&show::lineage(&api.get(&upstream).await?, &report.path))?;

    say(&show::heading(
        "The team changes a model, removes another, and uploads again",
    ))?;
    let job = import(api, &connector.id, &AFTER).await?;
    say(&show::changes(&products(api, "active").await?, &job))?;
    say(&show::gone(&products(api, "stale").await?, &before))
}

fn say(text: &str) -> Result<()> {
    let said = writeln!(stdout(), "{text}");
    said.map_err(|error| format!("cannot write the output: {error}"))
}

/// Uploads artifacts and waits for the end of the sync that reads them.
async fn import(api: &Api, connector: &str, artifacts: &Artifacts) -> Result<Job> {
    let began = Instant::now();
    let bar = bar();
    bar.set_message("uploading");
    let started: Started = api
        .upload(&format!("{SPACE}/connectors/{connector}/dbt-manifest"), artifacts)
        .await?;
    let path = format!("{SPACE}/sync-jobs/{}", started.job_id);
    while began.elapsed() < PATIENCE {
        let job: Job = api.get(&path).await?;
        match job.status.as_str() {
            "running" => {
                let phase = job.phase.as_deref().unwrap_or("ending");
                bar.set_message(format!("{phase}, {} products", job.progress.assets_seen));
                sleep(POLL).await;
            }
            "completed" => {
                bar.finish_and_clear();
                say(&show::imported(&job, began.elapsed()))?;
                return Ok(job);
            }
            status => {
                let why = job.error.map(|error| error.detail).unwrap_or_default();
                return Err(format!("the sync ended as {status}: {why}"));
            }
        }
    }
    Err("the sync did not end".to_owned())
}

/// Shows that something is at work; where standard error is no terminal, nothing.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// All products in a state, whole.
async fn products(api: &Api, state: &str) -> Result<Vec<Product>> {
    let listed: Page<Listed> = api
        .get(&format!("{SPACE}/products?size=100&state={state}"))
        .await?;
    let mut products = Vec::new();
    for one in listed.items {
        products.push(api.get(&format!("{SPACE}/products/{}", one.id)).await?);
    }
    Ok(products)
}
