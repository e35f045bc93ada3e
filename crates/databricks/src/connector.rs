//! The connector: what the contract asks, in order.

use crate::{
    access::Principal,
    auth, check,
    client::Workspace,
    config::{Config, Constraints, Selection},
    credentials::{Credentials, Login},
    discover::Finder,
    hive,
    read::Reader,
    statement::Warehouse,
};
use async_trait::async_trait;
use headwater_core::{
    Capability, Case, CheckReport, Connect, Cx, Discovery, Family, Host, Result, Scope, SourceConnector,
    Split, SplitSink, Verified,
};
use std::fmt;
use tokio::sync::OnceCell;

/// Whose names the paths are.
pub(crate) const FAMILY: Family = Family {
    name: "databricks",
    case: Case::Insensitive,
};

/// Reads the metadata of a Databricks workspace. See the [crate's docs](crate).
pub struct Databricks {
    workspace: Workspace,
    warehouse: Option<String>,
    hive: bool,
    selection: Selection,
    scope: Scope,
    settings: Settings,
    host: Host,
    principal: OnceCell<Principal>,
}

/// How a workspace is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) constraints: Constraints,
    /// `include_browse` as the API takes it.
    pub(crate) browse: &'static str,
    pub(crate) lineage_days: u16,
    pub(crate) parallel: usize,
}

const fn proved(name: &'static str, verified: Verified) -> Capability {
    Capability { name, verified }
}

impl Connect for Databricks {
    const KIND: &'static str = "databricks";
    const NAME: &'static str = "Databricks Unity Catalog";
    const ALIASES: &'static [&'static str] = &["unity_catalog"];
    const FAMILY: Family = FAMILY;
    const CAPABILITIES: &'static [Capability] = &[
        proved("columns", Verified::Emulator),
        proved("comments", Verified::Emulator),
        proved("owners", Verified::Emulator),
        proved("volumes", Verified::Emulator),
        proved("definitions", Verified::Fake),
        proved("row_counts", Verified::Fake),
        proved("constraints", Verified::Fake),
        proved("tags", Verified::Fake),
        proved("lineage", Verified::Fake),
    ];
    const DESTINATIONS: &'static [&'static str] = &["/host", "/azure_authority"];

    type Config = Config;
    type Credentials = Credentials;

    fn scope(config: &Config) -> Result<Scope> {
        config.scope()
    }

    fn open(config: Config, credentials: Credentials, host: &Host) -> Result<Self> {
        config.validate()?;
        let base = config.workspace(host)?;
        let login = credentials.login(host)?;
        let principal = known_as(&login).to_owned();
        let auth = auth::auth(login, &base, config.azure_authority.as_deref(), host)?;
        Ok(Self {
            workspace: Workspace::new(base, auth, &principal, config.concurrency, host)?,
            warehouse: config.warehouse()?,
            hive: config.include_hive_metastore,
            selection: config.selection()?,
            scope: config.scope()?,
            settings: Settings {
                constraints: config.constraints()?,
                browse: if config.include_browse { "true" } else { "false" },
                lineage_days: config.lineage_days,
                parallel: config.concurrency.into(),
            },
            host: host.clone(),
            principal: OnceCell::new(),
        })
    }
}

#[async_trait]
impl SourceConnector for Databricks {
    async fn check(&self, cx: &Cx) -> Result<CheckReport> {
        let workspace = self.workspace.during(cx);
        check::check(
            &workspace,
            self.warehouse_in(&workspace),
            &self.selection,
            self.settings,
        )
        .await
    }

    async fn discover(&self, scope: &Scope, cx: &Cx) -> Result<Discovery> {
        let workspace = self.workspace.during(cx);
        // Asked anew: its groups decide what is seen.
        let principal = Principal::read(&workspace).await?;
        let finder = Finder {
            principal: &principal,
            workspace: &workspace,
            selection: &self.selection,
            scope,
            browse: self.settings.browse,
            parallel: self.settings.parallel,
        };
        let mut discovery = finder.find().await?;
        if let Some(warehouse) = self.warehouse_in(&workspace).filter(|_| self.hive) {
            hive::discover(&warehouse, &principal, scope, &mut discovery).await?;
        }
        Ok(discovery)
    }

    async fn sync(&self, split: &Split, out: &SplitSink) -> Result<()> {
        let workspace = self.workspace.during(out.cx());
        if let Some(warehouse) = self.warehouse_in(&workspace).filter(|_| hive::is_own(split)) {
            return Box::pin(hive::read(&warehouse, &self.scope, split, out)).await;
        }
        let reader = Reader {
            principal: self.principal(&workspace).await?,
            warehouse: self.warehouse_in(&workspace),
            workspace: &workspace,
            settings: self.settings,
            scope: &self.scope,
            out,
        };
        Box::pin(reader.split(split)).await
    }
}

impl Databricks {
    fn warehouse_in(&self, workspace: &Workspace) -> Option<Warehouse> {
        Some(Warehouse {
            workspace: workspace.clone(),
            id: self.warehouse.clone()?,
            host: self.host.clone(),
        })
    }

    /// Whom a grant is for.
    async fn principal(&self, workspace: &Workspace) -> Result<&Principal> {
        self.principal
            .get_or_try_init(|| Principal::read(workspace))
            .await
    }
}

/// What tells principals of a workspace apart before one of them has asked.
fn known_as(login: &Login) -> &str {
    match login {
        Login::Oidc { client_id, .. } => client_id.as_deref().unwrap_or_default(),
        Login::M2m(client) | Login::Azure { client, .. } => &client.id,
        Login::Pat(_) => "",
    }
}

impl fmt::Debug for Databricks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Databricks")
            .field("workspace", &self.workspace)
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}
