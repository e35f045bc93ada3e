use super::{Action, Call, Defect, ToySource};
use crate::Part;
use headwater_core::{
    Error, ErrorKind, Path, Result, Visibility,
    model::{Asset, LineageEdge},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What a toy source holds and what it is told to do.
#[derive(Debug)]
pub(super) struct State {
    pub(super) token: String,
    pub(super) identity: Option<String>,
    pub(super) visibility: Visibility,
    pub(super) schemas: BTreeMap<Path, Schema>,
    pub(super) lineage: BTreeMap<Path, Vec<LineageEdge>>,
    pub(super) hidden: BTreeSet<Path>,
    pub(super) refused: BTreeSet<Path>,
    /// Those of the refused that the config does not insist on.
    pub(super) skipped: BTreeSet<Path>,
    pub(super) refused_parts: BTreeSet<Part>,
    pub(super) page_size: usize,
    pub(super) empty_page: bool,
    pub(super) page_delay: Duration,
    pub(super) schemas_per_split: usize,
    pub(super) max_parallel: Option<usize>,
    pub(super) rules: Vec<Rule>,
    pub(super) defects: BTreeSet<Defect>,
    pub(super) calls: BTreeMap<Call, u64>,
}

#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) assets: BTreeMap<Path, Asset>,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) call: Call,
    pub(super) skip: u32,
    pub(super) once: bool,
    pub(super) action: Action,
}

/// One page of a schema's assets.
pub(super) struct Page {
    pub(super) assets: Vec<Asset>,
    pub(super) next: Option<usize>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            token: ToySource::TOKEN.into(),
            identity: None,
            visibility: Visibility::Everyone,
            schemas: BTreeMap::new(),
            lineage: BTreeMap::new(),
            hidden: BTreeSet::new(),
            refused: BTreeSet::new(),
            skipped: BTreeSet::new(),
            refused_parts: BTreeSet::new(),
            page_size: 100,
            empty_page: false,
            page_delay: Duration::ZERO,
            schemas_per_split: 1,
            max_parallel: None,
            rules: Vec::new(),
            defects: BTreeSet::new(),
            calls: BTreeMap::new(),
        }
    }
}

impl State {
    pub(super) fn schema(&mut self, path: Path) -> &mut Schema {
        self.schemas.entry(path).or_default()
    }

    /// Counts a call and takes the action that is due.
    fn take_action(&mut self, call: Call) -> Option<Action> {
        *self.calls.entry(call).or_default() += 1;
        let mut due = None;
        for (index, rule) in self
            .rules
            .iter_mut()
            .enumerate()
            .filter(|(_, rule)| rule.call == call)
        {
            match rule.skip {
                0 if due.is_none() => due = Some((index, rule.once, rule.action.clone())),
                0 => {}
                _ => rule.skip -= 1,
            }
        }
        let (index, once, action) = due?;
        if once {
            self.rules.remove(index);
        }
        Some(action)
    }

    /// The schemas that the principal gets to see.
    pub(super) fn visible(&self) -> Vec<Path> {
        let refused = |path: &Path| {
            self.refused
                .iter()
                .any(|above| above != path && above.contains(path))
        };
        let seen = |path: &&Path| !self.hidden.contains(*path) && !refused(path);
        self.schemas.keys().filter(seen).cloned().collect()
    }

    pub(super) fn page(&self, schema: &Path, number: usize) -> Result<Page> {
        if self.refused.contains(schema) {
            return Err(denied("assets cannot be listed", schema));
        }
        let Some(assets) = self.schemas.get(schema).map(|schema| &schema.assets) else {
            return Ok(Page {
                assets: Vec::new(),
                next: None,
            });
        };
        let all: Vec<&Asset> = assets.values().collect();
        let mut pages: Vec<&[&Asset]> = all.chunks(self.page_size).collect();
        if self.empty_page && !pages.is_empty() {
            pages.insert(1, &[]);
        }
        Ok(Page {
            assets: pages
                .get(number)
                .map_or_else(Vec::new, |page| page.iter().copied().cloned().collect()),
            next: (number + 1 < pages.len()).then_some(number + 1),
        })
    }
}

fn denied(message: &'static str, path: &Path) -> Error {
    Error::new(ErrorKind::PermissionDenied, message)
        .with_context("path", path)
        .with_grant(format!("GRANT READ ON {path} TO toy"))
}

impl ToySource {
    /// One call as it goes over the wire: counted, delayed, failed as told, its token checked.
    pub(super) async fn call<T>(
        &self,
        call: Call,
        token: &str,
        answer: impl FnOnce(&State) -> Result<T>,
    ) -> Result<T> {
        let (action, delay) = {
            let mut state = self.state();
            (state.take_action(call), state.page_delay)
        };
        match action {
            Some(Action::Fail(error)) => return Err(error),
            Some(Action::Panic) => panic!("the toy source was told to panic"),
            Some(Action::Hang) => std::future::pending().await,
            Some(Action::Hold(gate)) => gate.pass().await,
            None => {}
        }
        if call == Call::Assets && !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let state = self.state();
        if state.token != token {
            return Err(Error::new(
                ErrorKind::Unauthenticated,
                "the toy source refused the token",
            ));
        }
        if let Call::Part(part) = call
            && state.refused_parts.contains(&part)
        {
            return Err(
                Error::new(ErrorKind::PermissionDenied, "part cannot be read").with_context("part", part)
            );
        }
        answer(&state)
    }

    pub(super) fn has(&self, defect: Defect) -> bool {
        self.state().defects.contains(&defect)
    }
}
