//! The sample database: a PostgreSQL server with a shop in it.

use crate::{
    Result,
    peers::{self, Postgres, random_hex},
};
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("shop.sql");
const READER: &str = "headwater_reader";

/// A throw-away server whose database `shop` holds the sample schema.
#[derive(Debug)]
pub(crate) struct Shop {
    postgres: Postgres,
    password: String,
}

impl Shop {
    /// Starts the server and fills the database.
    pub(crate) fn start() -> Result<Self> {
        let postgres = peers::postgres()?;
        let password = random_hex()?;
        postgres.execute("postgres", "CREATE DATABASE shop")?;
        postgres.execute(
            "shop",
            &format!("CREATE ROLE {READER} LOGIN PASSWORD '{password}';\n{SCHEMA}"),
        )?;
        Ok(Self { postgres, password })
    }

    /// Changes the shop.
    pub(crate) fn execute(&self, sql: &str) -> Result {
        self.postgres.execute("shop", sql)
    }

    /// The server's port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.postgres.port()
    }

    /// The role that may connect and nothing more.
    pub(crate) fn user(&self) -> &'static str {
        READER
    }

    /// Its password.
    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    /// A connector's config.
    pub(crate) fn config(&self) -> Value {
        json!({"host": "127.0.0.1", "port": self.port(), "database": "shop"})
    }

    /// A connector's credentials.
    pub(crate) fn credentials(&self) -> Value {
        json!({"username": READER, "password": self.password})
    }

    /// The same as one URL.
    pub(crate) fn url(&self) -> String {
        let (password, port) = (&self.password, self.port());
        format!("postgres://{READER}:{password}@127.0.0.1:{port}/shop")
    }
}
