//! What kind of Redshift answers. Serverless workgroups and Multi-AZ clusters refuse STV, STL and SVL relations;
//! nothing that a sync reads is one of these.

use crate::{error, rows::ProbeRow, session::Session};
use headwater_core::{Endpoint, Error, ErrorKind, Result};
use std::fmt;

/// What kind of Redshift answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deployment {
    Provisioned,
    MultiAz,
    Serverless,
}

impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Provisioned => "provisioned",
            Self::MultiAz => "provisioned, Multi-AZ",
            Self::Serverless => "Serverless",
        })
    }
}

/// Asks for one of the refused relations, and where it is refused tells the two apart by the endpoint's name or else
/// by the relation that only Serverless has.
pub(crate) async fn probe(session: &Session, endpoint: &Endpoint) -> Result<Deployment> {
    if readable(ask(session, "stv_slices").await)? {
        return Ok(Deployment::Provisioned);
    }
    if let Some(named) = by_name(endpoint) {
        return Ok(named);
    }
    match ask(session, "sys_serverless_usage").await {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(Deployment::MultiAz),
        result => readable(result).map(|_either_way| Deployment::Serverless),
    }
}

async fn ask(session: &Session, relation: &str) -> Result<()> {
    let sql = format!("SELECT 1::bigint FROM {relation} LIMIT 1");
    let rows = session.query::<ProbeRow>(&sql, &[]);
    session.apart(rows).await.map(drop)
}

fn readable(result: Result<(), Error>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error::is_of_one_relation(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// `workgroup.123456789012.eu-west-1.redshift-serverless.amazonaws.com`, `cluster.abc.eu-west-1.redshift.amazonaws.com`.
fn by_name(endpoint: &Endpoint) -> Option<Deployment> {
    let Endpoint::Tcp { host, .. } = endpoint else {
        return None;
    };
    let mut labels = host.split('.');
    labels.find_map(|label| match label.to_ascii_lowercase().as_str() {
        "redshift-serverless" => Some(Deployment::Serverless),
        "redshift" => Some(Deployment::MultiAz),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_tell_serverless_from_clusters() {
        let named = |host: &str| {
            by_name(&Endpoint::Tcp {
                host: host.into(),
                port: 5439,
            })
        };
        assert_eq!(
            named("wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com"),
            Some(Deployment::Serverless)
        );
        assert_eq!(
            named("c.abc.cn-north-1.redshift.amazonaws.com.cn"),
            Some(Deployment::MultiAz)
        );
        assert_eq!(named("redshift-proxy.example.com"), None);
        assert_eq!(named("10.0.0.7"), None);
    }
}
