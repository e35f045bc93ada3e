//! Who the principal is, and what decides what it sees.

use crate::{
    client::{Workspace, endless},
    rows::{MeRow, PermissionsRow},
};
use headwater_core::{Error, ErrorKind, Result, Visibility};
use std::collections::BTreeSet;

/// The principal of the credentials.
#[derive(Debug, Clone, Default)]
pub(crate) struct Principal {
    /// Its name, as grants know it. Empty where the workspace does not tell.
    pub(crate) name: String,
    groups: BTreeSet<String>,
}

impl Principal {
    /// Asks the workspace.
    ///
    /// # Errors
    /// When the workspace cannot be asked, or refuses the credentials.
    pub(crate) async fn read(workspace: &Workspace) -> Result<Self> {
        let path = ["api", "2.0", "preview", "scim", "v2", "Me"];
        let me: MeRow = match workspace.read(&path, &[]).await {
            Ok(me) => me,
            Err(error) if is_of_one_object(&error) => MeRow::default(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            name: me.user_name.unwrap_or_default(),
            groups: me
                .groups
                .into_iter()
                .flatten()
                .filter_map(|group| group.display)
                .collect(),
        })
    }

    /// The principal in a statement to run.
    pub(crate) fn grantee(&self) -> &str {
        match self.name.is_empty() {
            true => "the principal",
            false => &self.name,
        }
    }

    /// What decides what is seen of the whole metastore.
    pub(crate) fn visibility(&self) -> Visibility {
        Visibility::Fingerprint(self.fingerprint())
    }

    fn fingerprint(&self) -> String {
        let groups: Vec<&str> = self.groups.iter().map(String::as_str).collect();
        format!("principal={};groups={}", self.name, groups.join(","))
    }

    /// What decides what is seen of a catalog: who asks, and what is granted there.
    ///
    /// # Errors
    /// When the workspace cannot be asked.
    pub(crate) async fn visibility_of(&self, catalog: &str, workspace: &Workspace) -> Result<Visibility> {
        let privileges = match self.privileges(catalog, workspace).await {
            Ok(privileges) => privileges.into_iter().collect::<Vec<_>>().join(","),
            Err(error) if is_of_one_object(&error) => "unread".to_owned(),
            Err(error) => return Err(error),
        };
        let own = self.fingerprint();
        Ok(Visibility::Fingerprint(format!("{own};privileges={privileges}")))
    }

    async fn privileges(&self, catalog: &str, workspace: &Workspace) -> Result<BTreeSet<String>> {
        let path = ["effective-permissions", "catalog", catalog];
        let mut privileges = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut token: Option<String> = None;
        loop {
            let mut query = vec![("principal", self.name.as_str()), ("max_results", "0")];
            query.extend(token.as_deref().map(|token| ("page_token", token)));
            let page: PermissionsRow = workspace.get(&path, &query).await?;
            let assigned = page.privilege_assignments.into_iter().flatten();
            let granted = assigned.flat_map(|one| one.privileges.into_iter().flatten());
            privileges.extend(granted.filter_map(|one| one.privilege));
            let Some(next) = page.next_page_token.filter(|next| !next.is_empty()) else {
                return Ok(privileges);
            };
            if !seen.insert(next.clone()) {
                return Err(endless());
            }
            token = Some(next);
        }
    }
}

/// Whether an error is about the object that was asked for, so that others may still be read.
pub(crate) fn is_of_one_object(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::NotFound
            | ErrorKind::Unsupported
            | ErrorKind::DataInvalid
            | ErrorKind::Unexpected
    )
}
