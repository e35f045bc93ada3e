//! What one database shows to the user.

use crate::{access, connector::Redshift, deployment, session::Session, visibility::Sight};
use headwater_core::{CheckReport, Connect, Endpoint, Readable, Result};
use std::time::Instant;

/// Asks for each capability.
pub(crate) async fn database(session: &Session, endpoint: &Endpoint) -> Result<CheckReport> {
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
        let readable: Readable = match one.name {
            "visibility" => sight.readable(),
            name => access::capability(session, name).await?,
        };
        report.capabilities.insert(one.name, readable);
    }
    Ok(report)
}
