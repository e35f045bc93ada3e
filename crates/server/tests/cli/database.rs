//! A database of a test's own on the server that `cargo xtask test` starts.

use std::{
    env,
    path::PathBuf,
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
};

/// A database with a schema; dropped with this.
pub(crate) struct Database {
    server: String,
    name: String,
}

const SCHEMA: &str = "
    CREATE SCHEMA sales;
    COMMENT ON SCHEMA sales IS 'Orders and money';
    CREATE SCHEMA audit;
    CREATE TYPE sales.status AS ENUM ('open', 'paid');
    CREATE TABLE sales.customers (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        email text NOT NULL UNIQUE,
        tags text[] NOT NULL DEFAULT '{}'
    );
    COMMENT ON TABLE sales.customers IS 'People with an account';
    CREATE TABLE sales.orders (
        id bigint PRIMARY KEY,
        customer_id bigint NOT NULL REFERENCES sales.customers (id),
        status sales.status NOT NULL DEFAULT 'open',
        net numeric(12, 2) NOT NULL CHECK (net >= 0),
        gross numeric(12, 2) GENERATED ALWAYS AS (net * 1.19) STORED
    );
    CREATE VIEW sales.totals AS SELECT customer_id, sum(gross) AS total FROM sales.orders GROUP BY 1;
    CREATE TABLE audit.log (at timestamptz NOT NULL, \"what.ever\" jsonb);
";

impl Database {
    pub(crate) fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = env::var("HEADWATER_TEST_POSTGRES")
            .expect("HEADWATER_TEST_POSTGRES is not set: run cargo xtask test, which starts a PostgreSQL");
        let name = format!("cli_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let database = Self { server, name };
        database.psql(&database.server, &format!("CREATE DATABASE {}", database.name));
        database.psql(&database.url(), SCHEMA);
        database
    }

    /// The superuser's URL.
    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    /// The URL without its password, and the password.
    pub(crate) fn url_and_password(&self) -> (String, String) {
        let url = self.url();
        let (user, rest) = url.strip_prefix("postgres://").unwrap().split_once(':').unwrap();
        let (password, address) = rest.split_once('@').unwrap();
        (format!("postgres://{user}@{address}"), password.to_owned())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.psql(&self.url(), sql);
    }

    fn psql(&self, url: &str, sql: &str) {
        let psql = env::var_os("HEADWATER_TEST_PG_BIN").map(|dir| PathBuf::from(dir).join("psql"));
        let mut command = Command::new(psql.unwrap_or_else(|| "psql".into()));
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]);
        let output = command.env_remove("PGPASSWORD").output().expect("psql runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.psql(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
