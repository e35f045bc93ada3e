//! What a server is told before it starts.

use headwater_core::Secret;
use std::{fmt, num::NonZeroU32, path::PathBuf};

/// The settings of a server: plain values, from the command line or from a program of your own. `Debug`
/// leaves out the database's address, which may hold a password.
#[derive(Clone)]
pub struct ServerConfig {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: String,
    /// `sqlite://relative.db`, `sqlite:///absolute.db` or `postgres://..`.
    pub database_url: String,
    /// Where the key that seals credentials comes from.
    pub secret_key: SecretKey,
    /// Syncs at once.
    pub workers: usize,
    /// A path in front of every route, such as `/headwater`; empty for none.
    pub base_path: String,
    /// A key that is an admin of the instance from the start and is never stored: at least
    /// [`ADMIN_KEY_LENGTH`](Self::ADMIN_KEY_LENGTH) characters. With it, no key is made at the first start.
    pub admin_key: Option<Secret>,
    /// The file that takes the admin key made at the first start. Without it the key is printed on a
    /// terminal, and written beside the database elsewhere.
    pub admin_key_file: Option<PathBuf>,
    /// The directory below which a connector's settings may name files and sockets of this machine.
    pub allow_local_files: Option<PathBuf>,
    /// Whether a connector's settings may name plain http, and token endpoints that are not the vendor's, beyond
    /// the loopback addresses.
    pub allow_insecure_sources: bool,
    /// Whether a connector's credentials may be those that this machine has.
    pub allow_ambient_credentials: bool,
    /// Longest body of a request in bytes.
    pub body_limit: usize,
    /// Most bytes of an upload.
    pub max_upload: u64,
    /// Where uploaded files are kept until they are read. Without it `<database file>.uploads`, and with
    /// PostgreSQL `headwater.uploads` in the working directory.
    pub upload_dir: Option<PathBuf>,
    /// Most requests of one key in a second; `None` for no limit.
    pub rate_limit: Option<NonZeroU32>,
}

impl ServerConfig {
    /// The shortest admin key that is accepted.
    pub const ADMIN_KEY_LENGTH: usize = 32;
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("listen", &self.listen)
            .field("secret_key", &self.secret_key)
            .field("workers", &self.workers)
            .field("base_path", &self.base_path)
            .field("admin_key", &self.admin_key)
            .field("admin_key_file", &self.admin_key_file)
            .field("allow_local_files", &self.allow_local_files)
            .field("allow_insecure_sources", &self.allow_insecure_sources)
            .field("allow_ambient_credentials", &self.allow_ambient_credentials)
            .field("body_limit", &self.body_limit)
            .field("max_upload", &self.max_upload)
            .field("upload_dir", &self.upload_dir)
            .field("rate_limit", &self.rate_limit)
            .finish_non_exhaustive()
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            database_url: "sqlite://headwater.db".to_owned(),
            secret_key: SecretKey::default(),
            workers: 4,
            base_path: String::new(),
            admin_key: None,
            admin_key_file: None,
            allow_local_files: None,
            allow_insecure_sources: false,
            allow_ambient_credentials: false,
            body_limit: 1 << 20,
            max_upload: 1 << 30,
            upload_dir: None,
            rate_limit: None,
        }
    }
}

/// Where the key that seals credentials comes from: 64 hex digits, and older keys on further lines.
#[derive(Debug, Clone, Default)]
pub enum SecretKey {
    /// A file beside the SQLite database, made at the first start. PostgreSQL refuses to start: its
    /// servers must share one key.
    #[default]
    BesideDatabase,
    /// The text itself.
    Text(Secret),
    /// A file that holds it.
    File(PathBuf),
}
