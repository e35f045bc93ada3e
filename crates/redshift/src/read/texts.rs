//! Texts and columns of views, apart from the lists: one broken view fails the statement that asks for it.

use super::page::{Of, Range};
use crate::{
    access::{Part, Refusal, Refused},
    error,
    rows::{DefinitionRow, LateBindingRow},
};
use headwater_core::Result;
use std::collections::{HashMap, HashSet};

/// Statements that may fail in a split while broken views are searched for.
const TRIES: u32 = 64;

/// The definitions of one page.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    pub(super) found: HashMap<i64, String>,
    /// Views whose text held its statement up.
    pub(super) broken: HashSet<i64>,
}

/// Reads definitions for as long as that is worth it.
#[derive(Debug)]
pub(super) struct Reader {
    tries: u32,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { tries: TRIES }
    }

    /// The definitions of these views, in the order of their ids. A statement that fails is halved until what holds it
    /// up stands alone; past a bound the rest of it is left unread. `None` where they are refused.
    pub(super) async fn read(
        &mut self,
        of: Of<'_>,
        views: &[i64],
        refused: &mut Refused,
    ) -> Result<Option<Definitions>> {
        let mut definitions = Definitions::default();
        let mut batches = vec![views];
        while let Some(batch) = batches.pop() {
            let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
                continue;
            };
            if refused.holds(Part::Definitions) {
                return Ok(None);
            }
            let (first, last) = (*first, *last);
            let of = Of {
                range: Range { first, last },
                ..of
            };
            let rows =
                of.rows::<DefinitionRow>(Part::Definitions, include_str!("../queries/definitions.sql"));
            match of.session.apart(rows).await {
                Ok(rows) => {
                    let texts = rows.into_iter().filter_map(|row| Some((row.relation, row.text?)));
                    definitions.found.extend(texts);
                }
                Err(refusal) if is_of_one_view(&refusal) => {
                    self.tries = self.tries.saturating_sub(1);
                    if batch.len() == 1 || self.tries == 0 {
                        definitions.broken.extend(batch);
                    } else {
                        let (lower, upper) = batch.split_at(batch.len() / 2);
                        batches.extend([upper, lower]);
                    }
                }
                Err(refusal) => refused.note(refusal, &of.session.facts.user)?,
            }
        }
        Ok(Some(definitions))
    }
}

/// The columns of the late-binding views of a page. The server works out those of the whole database: one that it
/// stumbles over hides them all. `None` where that happens, or where they are refused.
pub(super) async fn late_binding(
    of: Of<'_>,
    refused: &mut Refused,
) -> Result<Option<HashMap<i64, Vec<LateBindingRow>>>> {
    let part = Part::LateBindingColumns;
    if refused.holds(part) {
        return Ok(None);
    }
    let rows = of.rows::<LateBindingRow>(part, include_str!("../queries/late_binding.sql"));
    match of.session.apart(rows).await {
        Ok(rows) => {
            let mut by_view: HashMap<i64, Vec<LateBindingRow>> = HashMap::new();
            for row in rows {
                by_view.entry(row.relation).or_default().push(row);
            }
            Ok(Some(by_view))
        }
        Err(refusal) if is_of_one_view(&refusal) => Ok(None),
        Err(refusal) => {
            refused.note(refusal, &of.session.facts.user)?;
            Ok(None)
        }
    }
}

fn is_of_one_view(refusal: &Refusal) -> bool {
    let denied = refusal.error.kind() == headwater_core::ErrorKind::PermissionDenied;
    error::is_of_the_statement(&refusal.error) && !denied && !error::is_absent_function(&refusal.error)
}
