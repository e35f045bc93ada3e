//! What the principal can read, and how long that takes.

use crate::{
    config::{Config, Mode},
    discover::{self, PERMISSIONS},
    error,
    pages::Pages,
    session::{Place, Query, Session},
    sql::QUERIES,
};
use headwater_core::{CheckReport, Error, ErrorKind, Path, Readable, Result, Scope};
use std::time::{Duration, Instant};

/// Datasets whose tables are counted for the estimate; the rest counts like these.
const SAMPLE: usize = 50;
/// From this time on the other mode is worth a word.
const LONG: Duration = Duration::from_secs(600);

/// Lists the datasets, reads one table, and in mode `sql` runs one query.
pub(crate) async fn check(
    session: &Session<'_>,
    config: &Config,
    projects: &[String],
    scope: &Scope,
    capabilities: impl Iterator<Item = &'static str>,
) -> Result<CheckReport> {
    let begun = Instant::now();
    let mut latency = None;
    let mut found = Found::default();
    for project in projects {
        let listed = discover::list(session, project).await;
        latency.get_or_insert_with(|| begun.elapsed());
        match listed {
            Ok((entries, unreachable)) => {
                let names = entries
                    .into_iter()
                    .map(|entry| entry.dataset_reference.dataset_id);
                let inside =
                    names.filter(|name| scope.admits_namespace(&Path::new([project.as_str(), name])));
                found.datasets.extend(inside.map(|name| (project.clone(), name)));
                found.unreachable.extend(unreachable);
            }
            Err(error) if discover::is_of_one_project(&error) && projects.len() > 1 => {
                found.refused.push(error)
            }
            Err(error) => return Err(error),
        }
        found.lack(session, project).await?;
    }
    found.count(session).await?;
    if config.mode == Mode::Sql {
        found.try_query(session, config).await?;
    }
    let readable = found.readable();
    Ok(CheckReport {
        message: found.message(session, config),
        latency: latency.unwrap_or_default(),
        capabilities: capabilities.map(|name| (name, readable.clone())).collect(),
    })
}

#[derive(Debug, Default)]
struct Found {
    datasets: Vec<(String, String)>,
    unreachable: Vec<String>,
    refused: Vec<Error>,
    /// Permissions that the principal lacks in whole projects. Grants on datasets may stand in for them.
    lacking: Vec<String>,
    tables: u64,
}

impl Found {
    /// Notes what is missing in a project as a whole.
    async fn lack(&mut self, session: &Session<'_>, project: &str) -> Result<()> {
        if session.api.principal.auth.is_none() {
            return Ok(());
        }
        match session.permissions(project, &PERMISSIONS).await {
            Ok(granted) => {
                let missing = PERMISSIONS
                    .iter()
                    .filter(|one| !granted.iter().any(|has| has == *one));
                let missing: Vec<&str> = missing
                    .copied()
                    .filter(|one| *one != "bigquery.jobs.create")
                    .collect();
                if !missing.is_empty() {
                    self.lacking.push(format!("{} in {project}", missing.join(", ")));
                }
                Ok(())
            }
            Err(error) if discover::is_unanswerable(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Counts the tables of the first datasets, and reads one table.
    async fn count(&mut self, session: &Session<'_>) -> Result<()> {
        let mut sampled = 0;
        let mut tried = false;
        for (project, dataset) in self.datasets.iter().take(SAMPLE) {
            let place = Place { project, dataset };
            let page = match session.tables(place, &Pages::default(), "1").await {
                Ok(page) => page,
                Err(error) if is_refusal(&error) => {
                    self.refused.push(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            sampled += 1;
            self.tables += page.total_items.unwrap_or(page.tables.len() as u64);
            if let (false, Some(entry)) = (tried, page.tables.first()) {
                tried = true;
                match session.table(place, &entry.table_reference.table_id, None).await {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) if is_refusal(&error) => self.refused.push(error),
                    Err(error) => return Err(error),
                }
            }
        }
        if let Some(more) = self.datasets.len().checked_sub(SAMPLE).filter(|_| sampled > 0) {
            self.tables += self.tables * more as u64 / sampled;
        }
        Ok(())
    }

    /// A query that reads nothing shows whether queries may be run.
    async fn try_query(&mut self, session: &Session<'_>, config: &Config) -> Result<()> {
        let Some((project, _)) = self.datasets.first() else {
            return Ok(());
        };
        let query = Query {
            sql: "SELECT 1",
            billing_project: config.billing_project.as_deref().unwrap_or(project),
            location: config.location.as_deref(),
            max_bytes_billed: config.max_bytes_billed,
        };
        match session.start(&query).await {
            Ok(_) => Ok(()),
            Err(error) if is_refusal(&error) => {
                let role = "roles/bigquery.jobUser";
                let grant = error::grant(query.billing_project, &session.api.principal.member, role);
                let said = "queries cannot be run";
                self.refused
                    .push(Error::new(ErrorKind::PermissionDenied, said).with_grant(grant));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn readable(&self) -> Readable {
        let mut readable = Readable::yes();
        if let Some(error) = self.refused.first() {
            readable.readable = false;
            readable.detail = Some(error.message().to_owned());
            readable.grant = error.grant().map(str::to_owned);
        } else if self.datasets.is_empty() {
            readable.detail = Some("no dataset to try it on".to_owned());
        }
        readable
    }

    /// What there is to read, and what that takes.
    fn estimate(&self, datasets: u64, config: &Config) -> String {
        let (datasets, tables) = (counted(datasets, "dataset"), counted(self.tables, "table"));
        let takes = match config.mode {
            Mode::Rest => {
                let rate = u64::from(config.requests_per_second.max(1));
                let takes = Duration::from_secs(self.tables / rate);
                let other = match takes >= LONG {
                    true => format!(", and mode sql {QUERIES} billed queries for each dataset"),
                    false => String::new(),
                };
                format!("takes {} at {rate} requests per second{other}", shown(takes))
            }
            Mode::Sql => format!("runs {QUERIES} queries for each dataset, each billed with 10 MiB or more"),
        };
        format!("{datasets}, about {tables}; a sync {takes}")
    }

    fn message(&self, session: &Session<'_>, config: &Config) -> String {
        let host = session.api.endpoints.bigquery.host_str().unwrap_or_default();
        let mut message = format!("BigQuery at {host} as {}: ", session.api.principal.name);
        message.push_str(&match self.datasets.len() as u64 {
            0 => "no dataset in scope; BigQuery's list leaves out those that the principal may not see"
                .to_owned(),
            datasets => self.estimate(datasets, config),
        });
        if !self.unreachable.is_empty() {
            message.push_str(&format!("; not reached: {}", self.unreachable.join(", ")));
        }
        if !self.lacking.is_empty() {
            message.push_str(&format!(
                "; without {}, what is seen follows from grants on datasets and tables; roles/bigquery.metadataViewer \
                 on the project shows all",
                self.lacking.join("; ")
            ));
        }
        message
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound)
}

fn counted(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

fn shown(time: Duration) -> String {
    match time.as_secs() {
        0 => "less than a second".to_owned(),
        seconds @ 1..=119 => format!("about {seconds} s"),
        seconds => format!("about {} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(counted(1, "dataset"), "1 dataset");
        assert_eq!(counted(0, "table"), "0 tables");
    }

    #[test]
    fn times_for_people() {
        assert_eq!(shown(Duration::ZERO), "less than a second");
        assert_eq!(shown(Duration::from_secs(40)), "about 40 s");
        assert_eq!(shown(Duration::from_secs(100_000 / 50)), "about 34 min");
    }
}
