//! The connectors that a program knows, by kind.

use crate::{
    Capability, Connect, Error, ErrorKind, Family, Host, Result, Scope, SourceConnector, Warning,
    settings::{self, Settings},
};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, sync::Arc};

type OpenFn = fn(&ConnectorType, Value, Value, &Host) -> Result<Opened>;
type ScopeFn = fn(&ConnectorType, Value) -> Result<Scope>;
type WaitsFn = fn(&ConnectorType, Value) -> Result<bool>;

/// A connector that was opened from JSON, with the scope that its config states.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The connector.
    pub connector: Arc<dyn SourceConnector>,
    /// The filters of its config.
    pub scope: Scope,
    /// [`Connect::warnings`] of its settings.
    pub warnings: Vec<Warning>,
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
    /// [`Connect::LINKS_INTO`].
    pub links_into: Option<&'static str>,
    /// JSON Schema of the config.
    pub config_schema: Value,
    /// JSON Schema of the credentials.
    pub credentials_schema: Value,
    open: OpenFn,
    scope: ScopeFn,
    waits_for_input: WaitsFn,
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
            links_into: C::LINKS_INTO,
            config_schema: schemars::schema_for!(C::Config).to_value(),
            credentials_schema: schemars::schema_for!(C::Credentials).to_value(),
            open: open::<C>,
            scope: scope::<C>,
            waits_for_input: waits_for_input::<C>,
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

    /// [`Connect::waits_for_input`].
    ///
    /// # Errors
    /// `ConfigInvalid`.
    pub fn waits_for_input(&self, config: Value) -> Result<bool> {
        (self.waits_for_input)(self, config)
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
    let warnings = C::warnings(&config, &credentials);
    Ok(Opened {
        connector: Arc::new(C::open(config, credentials, host)?),
        scope,
        warnings,
    })
}

fn scope<C: Connect>(kind: &ConnectorType, config: Value) -> Result<Scope> {
    C::scope(&kind.config().parse::<C::Config>(config)?)
}

fn waits_for_input<C: Connect>(kind: &ConnectorType, config: Value) -> Result<bool> {
    Ok(C::waits_for_input(&kind.config().parse::<C::Config>(config)?))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Case, CheckReport, Cx, Discovery, Secret, Split, SplitSink};
    use async_trait::async_trait;
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    /// A connector whose kind, alias and name of its only option differ by the parameter.
    #[derive(Debug)]
    struct Source<const N: usize>;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Config {
        host: String,
        schema: Option<String>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "parsed only")]
    struct Credentials {
        password: Secret,
    }

    #[async_trait]
    impl<const N: usize> SourceConnector for Source<N> {
        async fn check(&self, _: &Cx) -> Result<CheckReport> {
            Ok(CheckReport::default())
        }

        async fn discover(&self, _: &Scope, _: &Cx) -> Result<Discovery> {
            Err(Error::stopped())
        }

        async fn sync(&self, _: &Split, _: &SplitSink) -> Result<()> {
            Ok(())
        }
    }

    impl<const N: usize> Connect for Source<N> {
        const KIND: &'static str = ["postgres", "mysql", "postgresql"][N];
        const NAME: &'static str = "A source";
        const ALIASES: &'static [&'static str] = [&["postgresql"] as &[_], &[], &[]][N];
        const FAMILY: Family = Family {
            name: "source",
            case: Case::Insensitive,
        };
        const CAPABILITIES: &'static [Capability] = &[];
        const DESTINATIONS: &'static [&'static str] = &["/host"];
        type Config = Config;
        type Credentials = Credentials;

        fn scope(config: &Config) -> Result<Scope> {
            let filters = crate::Filters::default().with_schema(config.schema.as_deref())?;
            Scope::new(&filters, Self::FAMILY.case)
        }

        fn open(config: Config, _: Credentials, _: &Host) -> Result<Self> {
            match config.host.is_empty() {
                true => Err(Error::invalid_field("/config/host", "must not be empty")),
                false => Ok(Self),
            }
        }
    }

    type Postgres = Source<0>;
    type Mysql = Source<1>;
    type NamedLikeAnAlias = Source<2>;

    fn registry() -> Registry {
        let mut registry = Registry::default();
        registry.register::<Postgres>().register::<Mysql>();
        registry
    }

    fn open(config: Value, credentials: Value) -> Result<Opened> {
        registry()
            .get("postgres")?
            .open(config, credentials, &Host::default())
    }

    #[test]
    fn an_alias_finds_the_kind() {
        let registry = registry();
        assert_eq!(registry.get("postgresql").unwrap().kind, "postgres");
        assert!(registry.find("Postgres").is_none());
        let kinds: Vec<&str> = registry.types().map(|kind| kind.kind).collect();
        assert_eq!(kinds, ["mysql", "postgres"]);
    }

    #[test]
    #[should_panic(expected = "connector kind registered twice: postgres")]
    fn a_kind_registers_once() {
        registry().register::<Postgres>();
    }

    #[test]
    #[should_panic(expected = "connector kind registered twice: postgresql")]
    fn a_kind_that_is_an_alias_of_another_is_refused() {
        registry().register::<NamedLikeAnAlias>();
    }

    #[test]
    fn an_unknown_type_is_answered_with_the_known_kinds() {
        let error = registry().get("oracle").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert_eq!(error.fields()[0].pointer, "/connector_type");
        assert_eq!(error.fields()[0].detail, "expected one of mysql, postgres");
    }

    #[test]
    fn both_halves_tell_their_faults_at_once() {
        let error = open(json!({"hots": "x"}), json!({"pasword": "hunter2"})).unwrap_err();
        let pointers: Vec<&str> = error.fields().iter().map(|field| &*field.pointer).collect();
        assert_eq!(
            pointers,
            [
                "/config/hots",
                "/config/host",
                "/credentials/pasword",
                "/credentials/password"
            ]
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn the_connector_is_asked_last_and_opens_with_the_scope_of_its_config() {
        let error = open(json!({"host": ""}), json!({"password": "p"})).unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/config/host");
        let opened = open(json!({"host": "h", "schema": "Sales"}), json!({"password": "p"})).unwrap();
        assert!(opened.scope.admits_schema("sales") && !opened.scope.admits_schema("ops"));
    }

    #[test]
    fn a_destination_changes_with_its_value_only() {
        let registry = registry();
        let changed = |before, after| {
            registry
                .find("postgres")
                .unwrap()
                .destination_changed(&before, &after)
        };
        assert!(changed(json!({"host": "a"}), json!({"host": "b"})));
        assert!(changed(json!({}), json!({"host": "b"})));
        assert!(!changed(
            json!({"host": "a"}),
            json!({"host": "a", "schema": "s"})
        ));
    }
}
