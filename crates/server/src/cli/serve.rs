//! `headwater serve`.

use super::{FAILED, SUCCESS, USAGE, fail, logs};
use crate::{SecretKey, ServerConfig};
use clap::Args;
use headwater_core::{Registry, Secret};
use std::{env, num::NonZeroU32, path::PathBuf};

const ENVIRONMENT: &str = "Environment:
  HEADWATER_SECRET_KEY  the key that seals credentials, instead of a file: 64 hex digits
  HEADWATER_ADMIN_KEY   a key of 32 characters or more that is an admin from the start
  RUST_LOG              what to log; default info

Examples:
  headwater serve
  headwater serve --listen 0.0.0.0:8080 --database-url postgres://headwater@db/headwater --secret-key-file key";

/// Serve the REST API over a catalog in SQLite or PostgreSQL.
#[derive(Debug, Args)]
#[command(after_help = ENVIRONMENT)]
pub(super) struct ServeArgs {
    /// Address and port; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "HEADWATER_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    listen: String,
    /// Where the catalog is kept: sqlite://relative.db, sqlite:///absolute.db or postgres://USER@HOST/DATABASE
    #[arg(
        long,
        value_name = "URL",
        env = "HEADWATER_DATABASE_URL",
        hide_env_values = true
    )]
    #[arg(default_value = "sqlite://headwater.db", value_parser = super::source::secret)]
    database_url: Secret,
    /// File with the key that seals credentials: 64 hex digits, older keys on further lines. Without it, one
    /// is made beside a SQLite catalog
    #[arg(long, value_name = "FILE", env = "HEADWATER_SECRET_KEY_FILE")]
    secret_key_file: Option<PathBuf>,
    /// Syncs at once
    #[arg(long, value_name = "N", env = "HEADWATER_WORKERS", default_value_t = 4)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// A path in front of every route, such as /headwater
    #[arg(
        long,
        value_name = "PATH",
        env = "HEADWATER_BASE_PATH",
        default_value = "",
        hide_default_value = true
    )]
    base_path: String,
    /// The file for the admin key that is made at the first start. Without it the key is printed on a
    /// terminal, and elsewhere put beside the catalog
    #[arg(long, value_name = "FILE", env = "HEADWATER_ADMIN_KEY_FILE")]
    admin_key_file: Option<PathBuf>,
    /// Let connectors' settings name files and sockets below this directory
    #[arg(long, value_name = "DIR", env = "HEADWATER_ALLOW_LOCAL_FILES")]
    allow_local_files: Option<PathBuf>,
    /// Let connectors' settings name plain http, and token endpoints that are not the vendor's, beyond the
    /// loopback addresses
    #[arg(long, env = "HEADWATER_ALLOW_INSECURE_SOURCES")]
    allow_insecure_sources: bool,
    /// Let connectors' credentials be those that this machine has: AWS variables, files, the role of an instance
    #[arg(long, env = "HEADWATER_ALLOW_AMBIENT_CREDENTIALS")]
    allow_ambient_credentials: bool,
    /// Most bytes of an upload, such as a dbt manifest
    #[arg(long, value_name = "BYTES", env = "HEADWATER_MAX_UPLOAD", default_value_t = 1 << 30)]
    max_upload: u64,
    /// Where uploaded files are kept until they are read. Without it beside a SQLite catalog, with PostgreSQL in
    /// ./headwater.uploads
    #[arg(long, value_name = "DIR", env = "HEADWATER_UPLOAD_DIR")]
    upload_dir: Option<PathBuf>,
    /// Most requests of one key in a second; more are answered 429. Without it there is no limit
    #[arg(long, value_name = "N", env = "HEADWATER_RATE_LIMIT")]
    rate_limit: Option<NonZeroU32>,
    /// How a line of the log looks
    #[arg(
        long,
        value_name = "FORMAT",
        env = "HEADWATER_LOG_FORMAT",
        default_value = "text"
    )]
    log_format: logs::Format,
}

impl ServeArgs {
    /// What the log looks like.
    pub(super) fn log_format(&self) -> logs::Format {
        self.log_format
    }
}

/// Runs the command until it is told to stop.
pub(super) async fn run(args: ServeArgs, registry: Registry) -> u8 {
    let config = match config(args, secret_variable) {
        Ok(config) => config,
        Err(error) => return fail(USAGE, error),
    };
    match crate::run(config, registry).await {
        Ok(()) => SUCCESS,
        Err(error) => fail(FAILED, error),
    }
}

/// A variable that holds a secret; an empty one counts as absent.
fn secret_variable(name: &str) -> Option<Secret> {
    env::var(name)
        .ok()
        .filter(|text| !text.is_empty())
        .map(Secret::new)
}

fn config(args: ServeArgs, variable: impl Fn(&str) -> Option<Secret>) -> Result<ServerConfig, String> {
    let secret_key = match (variable("HEADWATER_SECRET_KEY"), args.secret_key_file) {
        (Some(_), Some(_)) => {
            return Err("give either HEADWATER_SECRET_KEY or a secret key file, not both".to_owned());
        }
        (Some(text), None) => SecretKey::Text(text),
        (None, Some(file)) => SecretKey::File(file),
        (None, None) => SecretKey::BesideDatabase,
    };
    Ok(ServerConfig {
        listen: args.listen,
        database_url: args.database_url.expose().to_owned(),
        secret_key,
        workers: args.workers.into(),
        base_path: args.base_path,
        admin_key: variable("HEADWATER_ADMIN_KEY"),
        admin_key_file: args.admin_key_file,
        allow_local_files: args.allow_local_files,
        allow_insecure_sources: args.allow_insecure_sources,
        allow_ambient_credentials: args.allow_ambient_credentials,
        max_upload: args.max_upload,
        upload_dir: args.upload_dir,
        rate_limit: args.rate_limit,
        ..ServerConfig::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn parsed(args: &[&str], variables: &[(&str, &str)]) -> Result<ServerConfig, String> {
        let args = ["headwater"].iter().chain(args);
        let variable = |name: &str| {
            let set = variables.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| Secret::new(*value))
        };
        config(Command::try_parse_from(args).unwrap().serve, variable)
    }

    #[test]
    fn the_key_comes_from_one_place() {
        let file = ["--secret-key-file", "key"];
        let variable = [("HEADWATER_SECRET_KEY", "00")];
        assert!(matches!(
            parsed(&file, &[]).unwrap().secret_key,
            SecretKey::File(_)
        ));
        assert!(matches!(
            parsed(&[], &variable).unwrap().secret_key,
            SecretKey::Text(_)
        ));
        assert!(matches!(
            parsed(&[], &[]).unwrap().secret_key,
            SecretKey::BesideDatabase
        ));
        assert!(parsed(&file, &variable).is_err());
    }

    #[test]
    fn insecure_sources_are_allowed_by_name_only() {
        assert!(!parsed(&[], &[]).unwrap().allow_insecure_sources);
        assert!(
            parsed(&["--allow-insecure-sources"], &[])
                .unwrap()
                .allow_insecure_sources
        );
    }

    #[test]
    fn what_the_machine_has_is_lent_by_name_only() {
        assert!(!parsed(&[], &[]).unwrap().allow_ambient_credentials);
        let lent = parsed(&["--allow-ambient-credentials"], &[]).unwrap();
        assert!(lent.allow_ambient_credentials && !lent.allow_insecure_sources);
    }

    #[test]
    fn the_password_of_a_database_is_not_in_the_arguments_debug() {
        let args = ["headwater", "--database-url", "postgres://u:hunter2@h/d"];
        assert!(!format!("{:?}", Command::try_parse_from(args).unwrap()).contains("hunter2"));
    }
}
