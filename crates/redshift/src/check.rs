//! What one database shows to the user.

use crate::{access, connector::Redshift, deployment, session::Session, usage, visibility::Sight};
use headwater_core::{CheckReport, Connect, Endpoint, Readable, Result, Scope};
use std::time::Instant;

/// Asks for each capability. `external` says which external schemas are wanted, where any are.
pub(crate) async fn database(
    session: &Session,
    endpoint: &Endpoint,
    external: Option<&Scope>,
) -> Result<CheckReport> {
    let begun = Instant::now();
    session.ping().await?;
    let latency = begun.elapsed();
    let deployment = deployment::probe(session, endpoint).await?;
    let sight = Sight::read(session).await?;
    let mut report = CheckReport {
        message: format!(
            "Amazon Redshift {} ({deployment}) at {endpoint}",
            session.facts.version
        ),
        latency,
        ..CheckReport::default()
    };
    for one in Redshift::CAPABILITIES {
        let readable: Readable = match (one.name, external) {
            ("visibility", _) => sight.readable(),
            ("external_tables", Some(scope)) => external_tables(session, scope).await?,
            (name, _) => access::capability(session, name).await?,
        };
        report.capabilities.insert(one.name, readable);
    }
    Ok(report)
}

/// Whether the lists can be read, and then whether they show anything.
async fn external_tables(session: &Session, scope: &Scope) -> Result<Readable> {
    let lists = access::capability(session, "external_tables").await?;
    match lists.readable {
        true => usage::readable(session, scope).await,
        false => Ok(lists),
    }
}
