//! Which source a command reads: the connector's type and its settings.

use super::url;
use clap::Args;
use headwater_core::{ConnectorType, Host, LocalFiles, Opened, Registry, Result, Secret};
use serde_json::{Map, Value, json};
use std::{convert::Infallible, env, fs, sync::Arc};

/// The arguments that name a source.
#[derive(Debug, Args)]
pub(super) struct SourceArgs {
    /// The connector's type, such as postgres (see `headwater connector-types`)
    #[arg(value_name = "TYPE")]
    kind: String,
    /// The connector's config: JSON, or @FILE
    #[arg(long, value_name = "JSON|@FILE", required_unless_present = "url")]
    config: Option<String>,
    /// The connector's credentials: JSON, @FILE, or env:NAME for a variable that holds JSON
    #[arg(long, value_name = "JSON|@FILE|env:NAME", value_parser = secret)]
    credentials: Option<Secret>,
    /// Where to connect, for postgres: postgres://USER@HOST:PORT/DATABASE; the password comes from
    /// PGPASSWORD or a prompt
    #[arg(long, conflicts_with = "credentials", value_parser = secret)]
    url: Option<Secret>,
    /// Let the settings name plain http, and token endpoints that are not the vendor's, beyond the loopback
    /// addresses
    #[arg(long, env = "HEADWATER_ALLOW_INSECURE_SOURCES")]
    allow_insecure_sources: bool,
}

/// Keeps an argument out of `Debug` output.
pub(super) fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// A source whose arguments were understood; its settings are not validated yet.
pub(super) struct Source {
    /// The connector's type.
    pub(super) kind: Arc<ConnectorType>,
    config: Value,
    credentials: Value,
    allow_insecure: bool,
}

impl SourceArgs {
    /// Reads files and variables, and asks for the password where it is needed.
    ///
    /// # Errors
    /// What is wrong with the arguments, without their values.
    pub(super) fn load(&self, registry: &Registry) -> Result<Source, String> {
        let kind = registry.get(&self.kind).map_err(|error| error.to_string())?;
        let mut config = match &self.config {
            Some(text) => read("--config", text)?,
            None => json!({}),
        };
        let credentials = match (&self.credentials, &self.url) {
            (Some(text), _) => read("--credentials", text.expose())?,
            (None, Some(url)) if kind.kind == "postgres" => add_url(&mut config, url)?,
            (None, Some(_)) => return Err(format!("--url: {} takes --config and --credentials", kind.kind)),
            (None, None) => json!({}),
        };
        Ok(Source {
            kind: kind.clone(),
            config,
            credentials,
            allow_insecure: self.allow_insecure_sources,
        })
    }
}

impl Source {
    /// Opens the connector. Its settings come from the person at the keyboard: they may name local files, and use
    /// what the machine has.
    pub(super) fn open(self) -> Result<Opened> {
        let mut host = Host::default();
        host.local_files = LocalFiles::Allowed;
        host.insecure_sources = self.allow_insecure;
        host.ambient_credentials = true;
        self.kind.open(self.config, self.credentials, &host)
    }
}

/// JSON from an argument. The text may hold secrets: what is wrong with it is told by line and column.
fn read(argument: &str, text: &str) -> Result<Value, String> {
    let text = match (text.strip_prefix('@'), text.strip_prefix("env:")) {
        (Some(file), _) => {
            fs::read_to_string(file).map_err(|error| format!("{argument}: cannot read {file}: {error}"))?
        }
        (None, Some(name)) if argument == "--credentials" => {
            env::var(name).map_err(|_unset| format!("{argument}: the variable {name} is not set"))?
        }
        _ => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("{argument}: not JSON at line {line} column {column}; give JSON, or a file as @FILE")
    })
}

/// Puts what a URL says into the config, and returns the credentials.
fn add_url(config: &mut Value, url: &Secret) -> Result<Value, String> {
    let url = url::parse(url.expose())?;
    let config = config.as_object_mut().ok_or("--config: expected a JSON object")?;
    merge(config, url.config)?;
    let username = match url.user {
        Some(user) => user,
        None => env::var("PGUSER").map_err(|_unset| "--url: name the user: postgres://USER@HOST/DATABASE")?,
    };
    let password = match (url.password, env::var("PGPASSWORD")) {
        (Some(password), _) => password,
        (None, Ok(password)) => password,
        (None, Err(_)) => rpassword::prompt_password(format!("Password for {username}: "))
            .map_err(|_no_terminal| "--url: no password and no terminal to ask at; set PGPASSWORD")?,
    };
    Ok(json!({"username": username, "password": password}))
}

fn merge(config: &mut Map<String, Value>, more: Map<String, Value>) -> Result<(), String> {
    for (key, value) in more {
        if config.insert(key.clone(), value).is_some() {
            return Err(format!("--url and --config both give {key}; give it once"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_does_not_parse_is_not_quoted() {
        let error = read("--credentials", r#"{"password": "hunter2"#).unwrap_err();
        assert!(error.starts_with("--credentials: not JSON at line 1"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn env_is_for_credentials_only() {
        assert!(read("--config", "env:PATH").unwrap_err().contains("not JSON"));
        let unset = read("--credentials", "env:HEADWATER_NO_SUCH_VARIABLE").unwrap_err();
        assert!(unset.contains("HEADWATER_NO_SUCH_VARIABLE is not set"), "{unset}");
    }

    #[test]
    fn url_and_config_complete_each_other() {
        let mut config = json!({"filters": {"include_schemas": ["sales"]}});
        let url = Secret::new("postgres://reader:pw@db.example.com/shop");
        assert_eq!(
            add_url(&mut config, &url).unwrap(),
            json!({"username": "reader", "password": "pw"})
        );
        assert_eq!(
            config,
            json!({"filters": {"include_schemas": ["sales"]}, "host": "db.example.com", "database": "shop"})
        );
        let twice = add_url(&mut config, &url).unwrap_err();
        assert!(twice.contains("both give"), "{twice}");
    }
}
