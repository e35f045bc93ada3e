//! The settings of a connector, and what they mean.

use headwater_core::{Case, Databases, Endpoint, Filters, Host, Result, Scope, Selection};
use headwater_pg_wire::{SslMode, bare_host, is_loopback};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{path::Path, time::Duration};

/// Where the databases are, which of them to read, and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Host name or address of the server, or the directory of its unix socket.
    pub host: String,
    /// Port of the server.
    #[serde(default = "default_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// The database to read. Give either this or `databases`.
    #[serde(default)]
    pub database: Option<String>,
    /// The databases to read, or `"*"` for all that the role may connect to. Give either this or `database`.
    #[serde(default)]
    pub databases: Option<Databases>,
    /// The only schema to read: a short form of `filters.include_schemas`.
    #[serde(default)]
    pub schema: Option<String>,
    /// Whether the connection is encrypted and the server's certificate checked. The default is `require`,
    /// and `prefer` on loopback and unix sockets.
    #[serde(default)]
    pub sslmode: Option<SslMode>,
    /// The certificate authorities to trust instead of the public ones, as PEM text. With it, `require`
    /// checks the certificate as `verify-ca` does.
    #[serde(default)]
    pub sslrootcert: Option<String>,
    /// AWS region of the server, for `auth_type` `aws_iam`. The default is the one in the name of an RDS host.
    #[serde(default)]
    pub region: Option<String>,
    /// Seconds that connecting and logging in may take.
    #[serde(default = "default_connect_timeout")]
    #[schemars(range(min = 1, max = 600))]
    pub connect_timeout: u64,
    /// Seconds that one statement, or one page of it, may take.
    #[serde(default = "default_statement_timeout")]
    #[schemars(range(min = 1, max = 86400))]
    pub statement_timeout: u64,
    /// Milliseconds that reading a definition or an expression waits for a locked relation.
    #[serde(default = "default_lock_timeout")]
    #[schemars(range(min = 1, max = 600_000))]
    pub lock_timeout: u64,
    /// Seconds after which a split that is not read to its end goes on in a new snapshot, so that the server
    /// can clean up again.
    #[serde(default = "default_snapshot_limit")]
    #[schemars(range(min = 1, max = 86400))]
    pub snapshot_limit: u64,
    /// Whether sizes are measured, with indexes and TOAST, in place of estimated. A measurement waits for a
    /// locked relation.
    #[serde(default)]
    pub exact_sizes: bool,
    /// Which schemas and tables to read.
    #[serde(default)]
    pub filters: Filters,
}

fn default_port() -> u16 {
    5432
}

fn default_connect_timeout() -> u64 {
    10
}

fn default_statement_timeout() -> u64 {
    300
}

fn default_snapshot_limit() -> u64 {
    300
}

fn default_lock_timeout() -> u64 {
    1000
}

impl Config {
    /// The filters as a scope over the configured databases.
    pub(crate) fn scope(&self) -> Result<Scope> {
        let filters = self.filters.clone().with_schema(self.schema.as_deref())?;
        Ok(Scope::new(&filters, Case::Insensitive)?.within(&self.selection()?))
    }

    /// The databases to read.
    pub(crate) fn selection(&self) -> Result<Selection> {
        Selection::new(
            self.database.as_deref(),
            self.databases.as_ref(),
            "all that the role may connect to",
        )
    }

    /// Where to connect. A host that starts with `/` is the directory of a unix socket.
    pub(crate) fn endpoint(&self, host: &Host) -> Result<Endpoint> {
        if self.host.starts_with('/') {
            let socket = Path::new(&self.host).join(format!(".s.PGSQL.{}", self.port));
            host.local_files.check(&socket, "/config/host")?;
            return Ok(Endpoint::Unix(socket));
        }
        Ok(Endpoint::Tcp {
            host: bare_host(&self.host)?.to_owned(),
            port: self.port,
        })
    }

    /// The mode of encryption, by default strict except where nobody can listen.
    pub(crate) fn sslmode(&self, endpoint: &Endpoint) -> SslMode {
        let default = match endpoint {
            Endpoint::Tcp { host, .. } if !is_loopback(host) => SslMode::Require,
            _ => SslMode::Prefer,
        };
        self.sslmode.unwrap_or(default)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::{LocalFiles, Path};
    use serde_json::{Value, json};

    fn config(change: Value) -> Config {
        let mut all = json!({"host": "db.example.com", "database": "shop"});
        for (key, value) in change.as_object().unwrap() {
            all[key] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    fn pointer(result: Result<impl std::fmt::Debug>) -> String {
        result.unwrap_err().fields()[0].pointer.clone()
    }

    #[test]
    fn exactly_one_of_database_and_databases() {
        let named = |names: &[&str]| Selection::Named(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(config(json!({})).selection().unwrap(), named(&["shop"]));
        let several = config(json!({"database": null, "databases": ["b", "a"]}));
        assert_eq!(several.selection().unwrap(), named(&["b", "a"]));
        for (change, at) in [
            (json!({"database": null}), "/config/database"),
            (json!({"database": ""}), "/config/database"),
            (json!({"databases": ["x"]}), "/config/databases"),
            (json!({"database": null, "databases": []}), "/config/databases"),
            (
                json!({"database": null, "databases": ["a", "a"]}),
                "/config/databases",
            ),
            (
                json!({"database": null, "databases": "shop"}),
                "/config/databases",
            ),
            (json!({"databases": "*"}), "/config/databases"),
        ] {
            assert_eq!(pointer(config(change).selection()), at);
        }
    }

    #[test]
    fn a_star_is_all_databases() {
        let all = config(json!({"database": null, "databases": "*", "schema": "sales"}));
        assert_eq!(all.selection().unwrap(), Selection::All);
        let scope = all.scope().unwrap();
        assert!(scope.admits_namespace(&Path::new(["any", "sales"])));
        assert!(!scope.admits_namespace(&Path::new(["any", "hr"])));
    }

    #[test]
    fn the_schema_offers_the_star_beside_a_list() {
        let schema = schemars::schema_for!(Config).to_value();
        let forms = &schema["$defs"]["Databases"]["anyOf"];
        assert_eq!(forms[0]["items"]["type"], "string");
        assert_eq!(forms[1]["const"], "*");
    }

    #[test]
    fn encryption_is_required_except_where_nobody_can_listen() {
        let lent = Host::default();
        for (host, expected) in [
            ("db.example.com", SslMode::Require),
            ("10.0.0.7", SslMode::Require),
            ("localhost", SslMode::Prefer),
            ("127.1.2.3", SslMode::Prefer),
            ("[::1]", SslMode::Prefer),
        ] {
            let config = config(json!({"host": host}));
            assert_eq!(
                config.sslmode(&config.endpoint(&lent).unwrap()),
                expected,
                "{host}"
            );
        }
    }

    #[test]
    fn a_unix_socket_needs_leave() {
        let socket = config(json!({"host": "/var/run/postgresql", "port": 6432}));
        assert_eq!(pointer(socket.endpoint(&Host::default())), "/config/host");
        let mut host = Host::default();
        host.local_files = LocalFiles::Below("/var/run".into());
        let endpoint = socket.endpoint(&host).unwrap();
        assert_eq!(
            endpoint,
            Endpoint::Unix("/var/run/postgresql/.s.PGSQL.6432".into())
        );
        assert_eq!(socket.sslmode(&endpoint), SslMode::Prefer);
    }

    #[test]
    fn the_short_form_of_a_schema_is_a_filter() {
        let scope = config(json!({"schema": "sales"})).scope().unwrap();
        assert!(scope.admits_schema("Sales") && !scope.admits_schema("hr"));
        let both = config(json!({"schema": "sales", "filters": {"include_schemas": ["hr"]}}));
        assert_eq!(pointer(both.scope()), "/config/schema");
    }
}
