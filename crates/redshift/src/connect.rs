//! One endpoint and one user: how the user proves itself.

use crate::{config::Config, credentials::Credentials, error};
use headwater_core::{Host, Result};
use headwater_pg_wire::{Connection, Login, Refused, Server as Wire, client};

/// One endpoint and one user.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) wire: Wire,
    credentials: Credentials,
}

impl Server {
    pub(crate) fn new(config: &Config, credentials: Credentials, host: &Host) -> Result<Self> {
        credentials.validate()?;
        let endpoint = config.endpoint()?;
        let rootcert = config.sslrootcert.as_deref();
        let tls = client(config.sslmode.check(rootcert.is_some()), rootcert, host)?;
        Ok(Self {
            wire: Wire::new(
                endpoint,
                config.sslmode,
                tls.with_no_client_auth(),
                config.connect_timeout(),
                host,
                error::of_statement,
            ),
            credentials,
        })
    }

    /// Logs in to a database.
    pub(crate) async fn connect(&self, database: &str) -> Result<Connection> {
        let user = &self.credentials.username;
        let login = Login {
            user,
            password: Some(&self.credentials.password),
            database,
        };
        self.wire.connect(login).await.map_err(|refused| match refused {
            Refused::Host(error) => error,
            Refused::Server(failure) => error::of_login(failure, user, database),
        })
    }
}
