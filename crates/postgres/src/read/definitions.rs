//! Definitions, expressions and exact sizes: all that waits for a relation's lock.
//!
//! One transaction that alters a table would fail the read of a whole database, so these texts come in
//! batches of their own, each in a savepoint. A batch that fails is halved until what holds it up stands
//! alone; that relation's texts are unread, the others are read. The tries are bounded: a database where
//! much is locked ends with more unread texts, not with a run without an end.

use super::rows::TextOfRow;
use crate::{
    error,
    session::{Session, Settings},
};
use headwater_core::{Result, SplitSink};
use headwater_pg_wire::Values;
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};
use tokio_postgres::types::Type;

/// The texts of one relation that are to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) relation: u32,
    pub(crate) view: bool,
    pub(crate) defaults: bool,
    pub(crate) constraints: Vec<u32>,
    pub(crate) partition_key: bool,
    pub(crate) size: bool,
}

impl Wanted {
    /// Only the size of a relation.
    pub(crate) fn size(relation: u32) -> Self {
        Self {
            relation,
            size: true,
            ..Self::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !(self.view || self.defaults || self.partition_key || self.size) && self.constraints.is_empty()
    }
}

/// The texts that were read.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    found: HashMap<(char, u32, i64), String>,
    unread: HashSet<u32>,
}

impl Texts {
    pub(crate) fn view(&mut self, relation: u32) -> Option<String> {
        self.found.remove(&('v', relation, 0))
    }

    /// The default or generating expression of a column.
    pub(crate) fn column(&mut self, relation: u32, number: i16) -> Option<String> {
        self.found.remove(&('d', relation, i64::from(number)))
    }

    pub(crate) fn constraint(&mut self, relation: u32, oid: u32) -> Option<String> {
        self.found.remove(&('c', relation, i64::from(oid)))
    }

    pub(crate) fn partition_key(&mut self, relation: u32) -> Option<String> {
        self.found.remove(&('p', relation, 0))
    }

    /// Bytes, as many as were measured.
    pub(crate) fn size(&mut self, relation: u32) -> Option<u64> {
        self.found.remove(&('s', relation, 0))?.parse().ok()
    }

    /// Whether the relation held its batch up.
    pub(crate) fn is_unread(&self, relation: u32) -> bool {
        self.unread.contains(&relation)
    }
}

impl Extend<TextOfRow> for Texts {
    fn extend<I: IntoIterator<Item = TextOfRow>>(&mut self, rows: I) {
        let keyed = rows
            .into_iter()
            .filter_map(|row| Some(((row.part, row.relation, row.place), row.text?)));
        self.found.extend(keyed);
    }
}

/// How much more may be tried in this split.
#[derive(Debug)]
pub(crate) struct Reader {
    lock: Duration,
    culprits: u32,
    time: Duration,
}

/// How long a half of a failed batch waits: its first try has waited the configured time already.
const RETRY_LOCK: Duration = Duration::from_millis(100);

impl Reader {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            lock: settings.lock,
            culprits: 64,
            time: Duration::from_secs(30),
        }
    }

    /// Whether the bound was reached, so that failed batches are no longer searched.
    pub(crate) fn gave_up(&self) -> bool {
        self.culprits == 0 || self.time.is_zero()
    }

    /// Reads the texts of one page of relations.
    pub(crate) async fn read(
        &mut self,
        session: &Session,
        wanted: &[Wanted],
        out: &SplitSink,
    ) -> Result<Texts> {
        let mut texts = Texts::default();
        let mut batches: Vec<(&[Wanted], Duration)> = vec![(wanted, self.lock)];
        while let Some((batch, lock)) = batches.pop() {
            if batch.is_empty() {
                continue;
            }
            out.beat();
            let begun = Instant::now();
            match query(session, batch, lock).await {
                Ok(rows) => texts.extend(rows),
                Err(failure) if !error::is_of_one_object(&failure) => {
                    return Err(error::of_statement(failure));
                }
                Err(_held_up) => {
                    self.time = self.time.saturating_sub(begun.elapsed());
                    if batch.len() == 1 || self.gave_up() {
                        self.culprits = self.culprits.saturating_sub(1);
                        texts.unread.extend(batch.iter().map(|wanted| wanted.relation));
                    } else {
                        let (first, second) = batch.split_at(batch.len() / 2);
                        let lock = lock.min(RETRY_LOCK);
                        batches.extend([(second, lock), (first, lock)]);
                    }
                }
            }
        }
        Ok(texts)
    }
}

/// Reads the texts of a batch in one statement, made of the kinds of text that the batch wants.
async fn query(
    session: &Session,
    batch: &[Wanted],
    lock: Duration,
) -> Result<Vec<TextOfRow>, tokio_postgres::Error> {
    let of = |wants: fn(&Wanted) -> bool| -> Vec<u32> {
        let wanting = batch.iter().filter(|wanted| wants(wanted));
        wanting.map(|wanted| wanted.relation).collect()
    };
    let views = of(|wanted| wanted.view);
    let defaults = of(|wanted| wanted.defaults);
    let constraints: Vec<u32> = batch
        .iter()
        .flat_map(|wanted| wanted.constraints.clone())
        .collect();
    let partition_keys = of(|wanted| wanted.partition_key);
    let sizes = of(|wanted| wanted.size);
    let kinds = [
        (&views, include_str!("../queries/definitions/views.sql")),
        (&defaults, include_str!("../queries/definitions/defaults.sql")),
        (
            &constraints,
            include_str!("../queries/definitions/constraints.sql"),
        ),
        (
            &partition_keys,
            include_str!("../queries/definitions/partition_keys.sql"),
        ),
        (&sizes, include_str!("../queries/definitions/sizes.sql")),
    ];
    let wanted: Vec<&str> = kinds
        .iter()
        .filter(|(oids, _)| !oids.is_empty())
        .map(|(_, sql)| *sql)
        .collect();
    let values: Values<'_> = &[
        (&views, Type::OID_ARRAY),
        (&defaults, Type::OID_ARRAY),
        (&constraints, Type::OID_ARRAY),
        (&partition_keys, Type::OID_ARRAY),
        (&sizes, Type::OID_ARRAY),
    ];
    session
        .query_apart(&wanted.join("UNION ALL\n"), values, lock)
        .await
}
