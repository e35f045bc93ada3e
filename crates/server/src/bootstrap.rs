//! The first start: the key that seals credentials, the space `default`, the first admin key.

use crate::{ServerConfig, ServerError, config::SecretKey};
use headwater_catalog::{self as catalog, Actor, KeyRing, NewApiKey, Role, Store};
use headwater_core::Secret;
use std::{
    ffi::OsString,
    fs, io,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
};

/// Opens the catalog with its key ring.
pub(crate) async fn open_store(config: &ServerConfig) -> Result<Store, ServerError> {
    let keys = match &config.secret_key {
        SecretKey::Text(text) => text.clone(),
        SecretKey::File(file) => read(file)?,
        SecretKey::BesideDatabase => match database_file(&config.database_url) {
            Some(database) => key_beside(&database)?,
            None => {
                return Err(ServerError::new(
                    "a catalog in PostgreSQL needs a secret key that all its servers share: set HEADWATER_SECRET_KEY \
                     or HEADWATER_SECRET_KEY_FILE to 64 hex digits (openssl rand -hex 32)",
                ));
            }
        },
    };
    let keys = KeyRing::parse(keys.expose())?;
    Ok(Store::open(&config.database_url, keys).await?)
}

/// What a first start makes in an empty catalog.
pub(crate) async fn first_start(config: &ServerConfig, store: &Store) -> Result<(), ServerError> {
    let actor = Actor {
        name: "first start".to_owned(),
        key_id: None,
    };
    if store.list_spaces().await?.is_empty() {
        match store.create_space("default", "Default", &actor).await {
            // Another server was faster.
            Ok(_) | Err(catalog::Error::SlugTaken) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if config.admin_key.is_none() && !store.has_instance_key().await? {
        let key = Store::generate_api_key()?;
        hand_over(config, &key)?;
        let new = NewApiKey {
            name: "first admin".to_owned(),
            role: Role::Admin,
            expires_at: None,
        };
        store.import_api_key(None, new, &key, &actor).await?;
    }
    Ok(())
}

/// Shows the key on a terminal, once, or puts it into a file.
fn hand_over(config: &ServerConfig, key: &Secret) -> Result<(), ServerError> {
    let file = match &config.admin_key_file {
        Some(file) => file.clone(),
        None if io::stdout().is_terminal() => {
            let shown = writeln!(io::stdout(), "admin key, shown only now: {}", key.expose());
            return shown.map_err(|error| ServerError::new("cannot show the admin key").with_source(error));
        }
        None => own_file(config, ".admin-key"),
    };
    write_private(&file, key)?;
    tracing::info!(file = %file.display(), "the admin key of the first start is in a file");
    Ok(())
}

/// Where uploaded files are kept: nowhere that other accounts can write to.
pub(crate) fn upload_dir(config: &ServerConfig) -> PathBuf {
    match &config.upload_dir {
        Some(dir) => dir.clone(),
        None => own_file(config, ".uploads"),
    }
}

/// A file beside a SQLite catalog, and with PostgreSQL in the working directory.
fn own_file(config: &ServerConfig, suffix: &str) -> PathBuf {
    match database_file(&config.database_url) {
        Some(database) => beside(&database, suffix),
        None => beside(Path::new("headwater"), suffix),
    }
}

/// The file of a SQLite address.
fn database_file(url: &str) -> Option<PathBuf> {
    url.strip_prefix("sqlite://").map(PathBuf::from)
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(suffix);
    name.into()
}

/// The key file of a SQLite catalog, made where the catalog is new.
fn key_beside(database: &Path) -> Result<Secret, ServerError> {
    let file = beside(database, ".secret-key");
    if file.exists() {
        return read(&file);
    }
    if fs::metadata(database).is_ok_and(|database| database.len() > 0) {
        return Err(ServerError::new(format!(
            "{} is there and its key file {} is not: restore the file, or give the key as HEADWATER_SECRET_KEY",
            database.display(),
            file.display()
        )));
    }
    let key = KeyRing::generate_text()?;
    write_private(&file, &key)?;
    tracing::info!(file = %file.display(), "made the key that seals credentials; back it up apart from the database");
    Ok(key)
}

fn read(file: &Path) -> Result<Secret, ServerError> {
    let text = fs::read_to_string(file);
    let text =
        text.map_err(|error| ServerError::new(format!("cannot read {}", file.display())).with_source(error))?;
    Ok(Secret::new(text))
}

/// Writes a secret and a newline to a file that only its owner reads. Whole or not at all.
fn write_private(file: &Path, secret: &Secret) -> Result<(), ServerError> {
    let draft = beside(file, ".new");
    let written = draft_private(&draft, secret).and_then(|()| fs::rename(&draft, file));
    written.map_err(|error| ServerError::new(format!("cannot write {}", file.display())).with_source(error))
}

fn draft_private(draft: &Path, secret: &Secret) -> io::Result<()> {
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()
}
