//! One endpoint and one user: how the user proves itself.

use crate::{
    config::Config,
    credentials::{Credentials, Proof},
    error,
    iam::Iam,
};
use headwater_core::{Error, Host, Result, Secret};
use headwater_pg_wire::{Connection, Login, Refused, Server as Wire, SslMode, client};

/// One endpoint and one user.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) wire: Wire,
    account: Account,
}

#[derive(Debug)]
enum Account {
    Password { username: String, password: Secret },
    Iam(Box<Iam>),
}

impl Server {
    pub(crate) fn new(config: &Config, credentials: Credentials, host: &Host) -> Result<Self> {
        let account = account(config, credentials, host)?;
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
            )
            .answering_digests(host),
            account,
        })
    }

    /// Logs in to a database.
    pub(crate) async fn connect(&self, database: &str) -> Result<Connection> {
        let (user, password) = match &self.account {
            Account::Password { username, password } => (username.clone(), password.clone()),
            Account::Iam(iam) => {
                let login = iam.login(database).await?;
                (login.user, login.password)
            }
        };
        let login = Login {
            user: &user,
            password: Some(&password),
            database,
        };
        self.wire.connect(login).await.map_err(|refused| match refused {
            Refused::Host(error) => error,
            Refused::Server(failure) => error::of_login(failure, &user, database),
        })
    }
}

fn account(config: &Config, credentials: Credentials, host: &Host) -> Result<Account> {
    match credentials.proof()? {
        Proof::Password { username, password } => Ok(Account::Password { username, password }),
        // Whoever has such a login is in: it is never sent in the clear.
        Proof::Iam { .. } if config.sslmode < SslMode::Require => {
            let detail =
                "auth_type iam needs an encrypted connection: choose require or stricter, best verify-full";
            Err(Error::invalid_field("/config/sslmode", detail))
        }
        Proof::Iam { key, role, db_user } => {
            Iam::new(config, key, role, db_user, host).map(|iam| Account::Iam(Box::new(iam)))
        }
    }
}
