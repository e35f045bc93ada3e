//! What decides which objects the user gets to see.
//!
//! The catalogs show every object to every user, unless metadata security is on: then each user sees what was
//! granted to it, a superuser and who has ACCESS CATALOG everything. External tables and datashares are always
//! listed by grants.

use crate::{
    error,
    rows::{IdentityRow, PrincipalRow, TextRow},
    session::Session,
};
use headwater_core::{Readable, Result, Visibility};
use headwater_pg_wire::{FromRow, quote};
use std::fmt::Display;

/// Whether lists are filtered by grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MetadataSecurity {
    Off,
    On,
    /// The server does not say.
    Unknown,
}

/// What is known of the user's sight.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    user: String,
    superuser: bool,
    groups: Vec<String>,
    roles: Vec<String>,
    access_catalog: bool,
    security: MetadataSecurity,
}

impl Sight {
    /// Asks the server, and does without what it refuses to tell.
    pub(crate) async fn read(session: &Session) -> Result<Self> {
        let user = session.facts.user.clone();
        let security = ask::<TextRow>(session, include_str!("queries/metadata_security.sql"), &[]).await?;
        let principal = ask::<PrincipalRow>(session, include_str!("queries/principal.sql"), &[]).await?;
        let roles = ask::<TextRow>(session, include_str!("queries/roles.sql"), &[&user]).await?;
        let holders = ask::<IdentityRow>(session, include_str!("queries/access_catalog.sql"), &[]).await?;
        let roles: Vec<String> = roles.into_iter().filter_map(|row| row.text).collect();
        let holds = |row: IdentityRow| match row.kind.as_str() {
            "user" => row.name == user,
            "role" => roles.contains(&row.name),
            _ => row.kind == "public",
        };
        Ok(Self {
            access_catalog: holders.into_iter().any(holds),
            superuser: principal.iter().any(|row| row.superuser),
            groups: principal.into_iter().filter_map(|row| row.group).collect(),
            security: match security.first().and_then(|row| row.text.as_deref()) {
                Some("on" | "t" | "true" | "1") => MetadataSecurity::On,
                Some(_) => MetadataSecurity::Off,
                None => MetadataSecurity::Unknown,
            },
            roles,
            user,
        })
    }

    /// Who sees the schemas and relations of a database itself. `usable` is whether the user may use the schema.
    pub(crate) fn of_local(&self, usable: bool) -> Visibility {
        match self.is_filtered() {
            true => self.by_grants(usable),
            false => Visibility::Everyone,
        }
    }

    /// Who sees which schemas a database has. Where that is a matter of grants, it is told by those that the user may
    /// use: one that drops out of the list may have been dropped or lost.
    pub(crate) fn of_schemas<'a>(&self, usable: impl Iterator<Item = &'a str>) -> Visibility {
        match self.is_filtered() {
            true => self.by_grants(format!("{:016x}", digest(usable))),
            false => Visibility::Everyone,
        }
    }

    /// Who sees what is always listed by grants.
    pub(crate) fn by_grants(&self, usage: impl Display) -> Visibility {
        let Self {
            user,
            superuser,
            groups,
            roles,
            access_catalog,
            ..
        } = self;
        Visibility::Fingerprint(format!(
            "user={user:?} superuser={superuser} groups={groups:?} roles={roles:?} access_catalog={access_catalog} \
             usage={usage}"
        ))
    }

    /// For `check`: whether all objects are seen, and the permission that shows them.
    pub(crate) fn readable(&self) -> Readable {
        if !self.is_filtered() {
            return Readable::yes();
        }
        if self.security == MetadataSecurity::Unknown {
            return Readable {
                detail: Some("the server does not say whether metadata security is on".into()),
                ..Readable::yes()
            };
        }
        let user = quote::identifier(&self.user);
        Readable::no(
            "metadata security is on: only objects that were granted to the user are listed",
            format!(
                "CREATE ROLE headwater_catalog; GRANT ACCESS CATALOG TO ROLE headwater_catalog; GRANT ROLE \
                 headwater_catalog TO {user}"
            ),
        )
    }

    fn is_filtered(&self) -> bool {
        self.security != MetadataSecurity::Off && !self.superuser && !self.access_catalog
    }
}

/// FNV-1a over names, each ended by a byte that stands in none: the same in every build, as it is stored.
fn digest<'a>(names: impl Iterator<Item = &'a str>) -> u64 {
    let bytes = names.flat_map(|name| name.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

async fn ask<T: FromRow>(session: &Session, sql: &str, values: &[&str]) -> Result<Vec<T>> {
    match session.apart(session.query(sql, values)).await {
        Err(error) if error::is_of_one_relation(&error) => Ok(Vec::new()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(security: MetadataSecurity) -> Sight {
        Sight {
            user: "reader".into(),
            superuser: false,
            groups: vec!["bi".into()],
            roles: Vec::new(),
            access_catalog: false,
            security,
        }
    }

    #[test]
    fn without_metadata_security_everyone_sees_everything() {
        let off = sight(MetadataSecurity::Off);
        assert_eq!(off.of_local(false), Visibility::Everyone);
        assert_ne!(
            off.by_grants(false),
            off.by_grants(true),
            "external tables still need grants"
        );
        assert!(off.readable().readable);
    }

    #[test]
    fn with_it_sight_is_a_matter_of_grants() {
        let on = sight(MetadataSecurity::On);
        assert!(matches!(on.of_local(true), Visibility::Fingerprint(_)));
        assert_ne!(on.of_local(true), on.of_local(false));
        let told = on.readable();
        assert!(!told.readable && told.grant.unwrap().contains("GRANT ACCESS CATALOG TO ROLE"));
        for sees in [
            Sight {
                superuser: true,
                ..on.clone()
            },
            Sight {
                access_catalog: true,
                ..on.clone()
            },
        ] {
            assert_eq!(sees.of_local(true), Visibility::Everyone);
            assert!(sees.readable().readable);
        }
        let lost = Sight {
            groups: Vec::new(),
            ..on.clone()
        };
        assert_ne!(on.of_local(true), lost.of_local(true));
        let schemas = |names: &[&'static str]| on.of_schemas(names.iter().copied());
        assert_ne!(schemas(&["a", "b"]), schemas(&["ab"]));
        assert_eq!(schemas(&["a", "b"]), schemas(&["a", "b"]));
    }

    #[test]
    fn a_server_that_does_not_say_is_taken_to_filter() {
        let unknown = sight(MetadataSecurity::Unknown);
        assert!(matches!(unknown.of_local(true), Visibility::Fingerprint(_)));
        assert!(unknown.readable().readable && unknown.readable().detail.is_some());
    }
}
