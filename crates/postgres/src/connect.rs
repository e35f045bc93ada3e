//! One server and one role: how the role proves itself.

use crate::{
    config::Config,
    credentials::{Credentials, Proof},
    error,
    iam::Tokens,
    identity::Identity,
};
use headwater_core::{Clock, Endpoint, Error, ErrorKind, Host, Result, Secret};
use headwater_pg_wire::{Connection, Login as As, Refused, Server as Wire, SslMode, client};
use std::{fmt, sync::Arc, time::SystemTime};

/// One server and one role.
pub(crate) struct Server {
    pub(crate) wire: Wire,
    pub(crate) role: String,
    login: Login,
    clock: Arc<dyn Clock>,
}

/// What the server is told when it asks for a password.
enum Login {
    Password(Option<Secret>),
    Tokens(Tokens),
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("endpoint", self.wire.endpoint())
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn new(config: &Config, credentials: Credentials, host: &Host) -> Result<Self> {
        if credentials.username.is_empty() {
            return Err(Error::invalid_field("/credentials/username", "must not be empty"));
        }
        let endpoint = config.endpoint(host)?;
        let mode = config.sslmode(&endpoint);
        let rootcert = config.sslrootcert.as_deref();
        let identity = identity(&credentials, mode)?;
        let login = login(config, &credentials, &endpoint, mode)?;
        let client = client(mode.check(rootcert.is_some()), rootcert, host)?;
        let tls = match identity {
            Some(identity) => identity.install(client)?,
            None => client.with_no_client_auth(),
        };
        let timeout = config.connect_timeout();
        Ok(Self {
            wire: Wire::new(endpoint, mode, tls, timeout, host, error::of_statement),
            role: credentials.username,
            login,
            clock: host.clock.clone(),
        })
    }

    /// Logs in to a database.
    pub(crate) async fn connect(&self, database: &str) -> Result<Connection> {
        let password = self.password()?;
        let login = As {
            user: &self.role,
            password: password.as_ref(),
            database,
        };
        self.wire.connect(login).await.map_err(|refused| match refused {
            Refused::Host(error) => error,
            Refused::Server(failure) => self.refused(failure, database),
        })
    }

    fn password(&self) -> Result<Option<Secret>> {
        match &self.login {
            Login::Password(password) => Ok(password.clone()),
            Login::Tokens(tokens) => {
                let now = SystemTime::try_from(self.clock.now()).map_err(|error| {
                    Error::new(ErrorKind::Unexpected, "the clock shows no usable time").with_source(error)
                })?;
                tokens.token(now).map(Some)
            }
        }
    }

    fn refused(&self, failure: tokio_postgres::Error, database: &str) -> Error {
        let error = error::of_login(failure, &self.role, database);
        match (&self.login, error.kind()) {
            (Login::Tokens(_), ErrorKind::Unauthenticated) => error::of_token(error, &self.role),
            _ => error,
        }
    }
}

/// A certificate is of use only where the connection may be encrypted.
fn identity(credentials: &Credentials, mode: SslMode) -> Result<Option<Identity>> {
    let Some((certificate, key)) = credentials.client_certificate()? else {
        return Ok(None);
    };
    if mode == SslMode::Disable {
        let detail =
            "the client certificate in the credentials is sent over TLS only: choose require or stricter";
        return Err(Error::invalid_field("/config/sslmode", detail));
    }
    Identity::new(certificate, key).map(Some)
}

/// A token lets anyone in who has it: it is never sent in the clear.
fn login(config: &Config, credentials: &Credentials, endpoint: &Endpoint, mode: SslMode) -> Result<Login> {
    let key = match credentials.proof()? {
        Proof::Password(password) => return Ok(Login::Password(password)),
        Proof::AwsIam(key) => key,
    };
    if mode < SslMode::Require {
        let detail = "auth_type aws_iam needs an encrypted connection: choose require or stricter, best \
                      verify-full";
        return Err(Error::invalid_field("/config/sslmode", detail));
    }
    let tokens = Tokens::new(key, &credentials.username, endpoint, config.region.as_deref())?;
    Ok(Login::Tokens(tokens))
}
