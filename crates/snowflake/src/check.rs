//! What the principal can read, and what to grant so that it can read more.

use crate::{config::Selection, connector::Snowflake, convert, discover, error, session::Session};
use headwater_core::{CheckReport, Connect, Error, Readable, Result};
use std::{collections::BTreeMap, time::Instant};

/// Databases that are tried; of more the first ones.
const TRIED: usize = 20;
const USAGE_GRANT: &str = "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE";

/// Tries what a sync would read.
pub(crate) async fn check(session: &Session<'_>, connector: &Snowflake) -> Result<CheckReport> {
    let begun = Instant::now();
    let facts = discover::identity(session).await?;
    let latency = begun.elapsed();
    let mut message = format!(
        "Snowflake {} at {}",
        session.version.as_deref().unwrap_or("?"),
        connector.server.name()
    );
    if let Some(facts) = &facts {
        let account = facts.account.as_deref().unwrap_or(&facts.identity);
        message.push_str(&format!(", account {account}"));
        message.extend(facts.region.iter().map(|region| format!(", region {region}")));
    }
    message.extend(
        edition(session)
            .await?
            .map(|edition| format!(", edition {edition}")),
    );
    message.push_str(&format!(", role {}", name_or_none(&session.role)));
    let warehouse = session.warehouse.as_deref().unwrap_or_default();
    message.push_str(&format!(", warehouse {}", name_or_none(warehouse)));
    let databases = match &connector.selection {
        Selection::Named(names) => names.clone(),
        Selection::All => discover::databases(session).await?.0,
    };
    let refused = refused(session, &databases, connector).await?;
    let usage = usage(session, connector.settings.account_usage).await?;
    let capability = |name: &'static str| match name {
        "tags" | "policies" => (name, usage.clone()),
        name => (name, refused.clone()),
    };
    Ok(CheckReport {
        message,
        latency,
        capabilities: Snowflake::CAPABILITIES
            .iter()
            .map(|one| capability(one.name))
            .collect::<BTreeMap<_, _>>(),
    })
}

/// Only those who administrate an organization see the editions of its accounts.
async fn edition(session: &Session<'_>) -> Result<Option<String>> {
    if !matches!(session.role.as_str(), "ORGADMIN" | "GLOBALORGADMIN") {
        return Ok(None);
    }
    let mut rows = match session.query("SHOW ACCOUNTS", &[]).await {
        Err(error) if error::is_of_one_read(&error) => return Ok(None),
        rows => rows?,
    };
    let mut edition = None;
    while let Some(mut row) = session.next(&mut rows).await? {
        if row.flag("is_current") {
            edition = row.take_text("edition");
        }
    }
    Ok(edition)
}

fn name_or_none(name: &str) -> &str {
    if name.is_empty() { "none" } else { name }
}

/// Whether the information schemas of all databases can be read.
async fn refused(session: &Session<'_>, databases: &[String], connector: &Snowflake) -> Result<Readable> {
    let mut errors = Vec::new();
    for database in databases.iter().take(TRIED) {
        let probe = async {
            let mut rows = session
                .query(&convert::namespaces_sql(database), &[database])
                .await?;
            while session.next(&mut rows).await?.is_some() {}
            Ok(())
        };
        match probe.await {
            Ok(()) => {}
            Err(error) if error::is_of_one_read(&error) => {
                errors.push(connector.explain_database(error, database, session));
            }
            Err(error) => return Err(error),
        }
    }
    if errors.is_empty() {
        return Ok(Readable::yes());
    }
    if errors.len() == databases.len() {
        return Err(errors.swap_remove(0));
    }
    let details: Vec<&str> = errors.iter().map(Error::message).collect();
    let grants: Vec<&str> = errors.iter().filter_map(Error::grant).collect();
    Ok(Readable::no(details.join("; "), grants.join("; ")))
}

async fn usage(session: &Session<'_>, asked_for: bool) -> Result<Readable> {
    let detail = |text: &str| Readable {
        detail: Some(text.to_owned()),
        ..Readable::yes()
    };
    if !asked_for {
        return Ok(detail("not read: account_usage is off"));
    }
    let sql = "SELECT 1 AS ONE FROM SNOWFLAKE.ACCOUNT_USAGE.TAG_REFERENCES LIMIT 1";
    match session.query(sql, &[]).await {
        Ok(mut rows) => {
            while session.next(&mut rows).await?.is_some() {}
            Ok(detail("as of one to three hours ago: ACCOUNT_USAGE is late"))
        }
        Err(error) if error::is_of_one_read(&error) => {
            let grant = format!("{USAGE_GRANT} TO ROLE {}", session.role_name());
            Ok(Readable::no("SNOWFLAKE.ACCOUNT_USAGE cannot be read", grant))
        }
        Err(error) => Err(error),
    }
}
