//! The connectors that a program knows, by kind.

use crate::{
    Capability, Connect, Error, ErrorKind, Family, Host, Result, Scope, SourceConnector,
    settings::{self, Settings},
};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, sync::Arc};

type OpenFn = fn(&ConnectorType, Value, Value, &Host) -> Result<Opened>;
type ScopeFn = fn(&ConnectorType, Value) -> Result<Scope>;

/// A connector that was opened from JSON, with the scope that its config states.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The connector.
    pub connector: Arc<dyn SourceConnector>,
    /// The filters of its config.
    pub scope: Scope,
}

/// What the registry knows of one kind: [`Connect`]'s constants, and the schemas of its settings.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectorType {
    /// [`Connect::KIND`].
    pub kind: &'static str,
    /// [`Connect::NAME`].
    pub name: &'static str,
    /// [`Connect::ALIASES`].
    pub aliases: &'static [&'static str],
    /// [`Connect::INPUTS`].
    pub inputs: &'static [&'static str],
    /// [`Connect::READ_REVISION`].
    pub read_revision: u32,
    /// [`Connect::FAMILY`].
    pub family: Family,
    /// [`Connect::CAPABILITIES`].
    pub capabilities: &'static [Capability],
    /// [`Connect::DESTINATIONS`].
    pub destinations: &'static [&'static str],
    /// JSON Schema of the config.
    pub config_schema: Value,
    /// JSON Schema of the credentials.
    pub credentials_schema: Value,
    open: OpenFn,
    scope: ScopeFn,
}

impl fmt::Debug for ConnectorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorType")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl ConnectorType {
    fn of<C: Connect>() -> Self {
        Self {
            kind: C::KIND,
            name: C::NAME,
            aliases: C::ALIASES,
            inputs: C::INPUTS,
            read_revision: C::READ_REVISION,
            family: C::FAMILY,
            capabilities: C::CAPABILITIES,
            destinations: C::DESTINATIONS,
            config_schema: schemars::schema_for!(C::Config).to_value(),
            credentials_schema: schemars::schema_for!(C::Credentials).to_value(),
            open: open::<C>,
            scope: scope::<C>,
        }
    }

    /// Validates settings and opens a connector. No I/O.
    ///
    /// # Errors
    /// `ConfigInvalid` with a pointer below `/config` or `/credentials` for each bad place.
    pub fn open(&self, config: Value, credentials: Value, host: &Host) -> Result<Opened> {
        (self.open)(self, config, credentials, host)
    }

    /// The filters of a config, without opening a connector.
    ///
    /// # Errors
    /// `ConfigInvalid`.
    pub fn scope(&self, config: Value) -> Result<Scope> {
        (self.scope)(self, config)
    }

    /// Whether two configs send secrets to different places.
    pub fn destination_changed(&self, before: &Value, after: &Value) -> bool {
        self.destinations
            .iter()
            .any(|pointer| before.pointer(pointer) != after.pointer(pointer))
    }

    fn config(&self) -> Settings<'_> {
        Settings {
            at: "/config",
            schema: &self.config_schema,
            secrets: Some(&self.credentials_schema),
        }
    }

    fn credentials(&self) -> Settings<'_> {
        Settings {
            at: "/credentials",
            schema: &self.credentials_schema,
            secrets: None,
        }
    }
}

fn open<C: Connect>(kind: &ConnectorType, config: Value, credentials: Value, host: &Host) -> Result<Opened> {
    let (config, credentials) = settings::both(
        kind.config().parse::<C::Config>(config),
        kind.credentials().parse(credentials),
    )?;
    let scope = C::scope(&config)?;
    Ok(Opened {
        connector: Arc::new(C::open(config, credentials, host)?),
        scope,
    })
}

fn scope<C: Connect>(kind: &ConnectorType, config: Value) -> Result<Scope> {
    C::scope(&kind.config().parse::<C::Config>(config)?)
}

/// The connectors that a program knows.
///
/// ```
/// # use headwater_core::Registry;
/// let registry = Registry::default();
/// // registry.register::<MyConnector>();
/// assert!(registry.find("oracle").is_none());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Registry {
    types: BTreeMap<&'static str, Arc<ConnectorType>>,
    names: BTreeMap<&'static str, &'static str>,
}

impl Registry {
    /// Adds a connector.
    ///
    /// # Panics
    /// When its kind or an alias is taken: a mistake in the program, seen at its first start.
    pub fn register<C: Connect>(&mut self) -> &mut Self {
        for name in std::iter::once(&C::KIND).chain(C::ALIASES) {
            let taken = self.names.insert(name, C::KIND);
            assert!(taken.is_none(), "connector kind registered twice: {name}");
        }
        self.types.insert(C::KIND, Arc::new(ConnectorType::of::<C>()));
        self
    }

    /// All connectors, by kind.
    pub fn types(&self) -> impl Iterator<Item = &Arc<ConnectorType>> {
        self.types.values()
    }

    /// A connector by its kind or an alias.
    pub fn find(&self, name: &str) -> Option<&Arc<ConnectorType>> {
        self.types.get(self.names.get(name)?)
    }

    /// A connector by its kind or an alias.
    ///
    /// # Errors
    /// `ConfigInvalid` at `/connector_type`, naming the known kinds.
    pub fn get(&self, name: &str) -> Result<&Arc<ConnectorType>> {
        self.find(name).ok_or_else(|| {
            let known: Vec<&str> = self.types.keys().copied().collect();
            Error::new(ErrorKind::ConfigInvalid, "unknown connector type")
                .with_field("/connector_type", format!("expected one of {}", known.join(", ")))
        })
    }
}
