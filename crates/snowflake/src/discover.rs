//! Which databases and schemas there are, what decides what is seen of them, and how the work is cut.

use crate::{convert, error, quote, read::SHOWN, row::invalid, session::Session};
use headwater_core::{Container, ErrorKind, Listing, Path, Result, Scope, Split, Visibility};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A database of fewer tables and views is one split; a larger one is cut into splits of about as many.
const SPLIT: u64 = 100_000;
/// Schemas that one statement names.
const SCHEMAS: usize = 1000;
/// Roles whose grants are read: the session's own and those granted to it.
const ROLES: usize = 16;
/// The database of Snowflake's own views.
const OWN: &str = "SNOWFLAKE";

/// What a split's statements need to know of its database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload {
    /// How many tables, views and dynamic tables the role sees in it; `None` where that could not be counted.
    pub(crate) tables: Option<u64>,
    pub(crate) views: Option<u64>,
    pub(crate) dynamic: Option<u64>,
}

impl Payload {
    /// # Errors
    /// `DataInvalid` for a split that is not of this connector.
    pub(crate) fn of(split: &Split) -> Result<Self> {
        Self::deserialize(&split.payload).map_err(|_quotes_values| invalid("a split of another connector"))
    }

    /// Whether SHOW lists so many objects of the whole database in one answer.
    pub(crate) fn is_shown_whole(&self, count: Option<u64>) -> bool {
        count.is_some_and(|count| count < SHOWN)
    }
}

/// What is known of a database before it is read.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) containers: Vec<Container>,
    pub(crate) splits: Vec<Split>,
}

/// The account's name, where the server says it.
pub(crate) async fn identity(session: &Session<'_>) -> Result<Option<Facts>> {
    let mut rows = match session.query(include_str!("queries/session.sql"), &[]).await {
        Err(error) if error::is_of_one_read(&error) => return Ok(None),
        rows => rows?,
    };
    let Some(mut row) = session.next(&mut rows).await? else {
        return Ok(None);
    };
    let facts = Facts {
        identity: match (row.take("ORGANIZATION"), row.take("LOCATOR")) {
            (Some(organization), Some(locator)) => format!("{organization}/{locator}"),
            (_, locator) => locator.unwrap_or_default(),
        },
        account: row.take("ACCOUNT_NAME"),
        region: row.take("REGION"),
        secondary_roles: row.take("SECONDARY_ROLES"),
    };
    while session.next(&mut rows).await?.is_some() {}
    Ok(Some(facts))
}

/// What a session says of its account.
#[derive(Debug)]
pub(crate) struct Facts {
    /// What stays when the account is renamed.
    pub(crate) identity: String,
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) secondary_roles: Option<String>,
}

/// The databases that the role sees, without those shared from other accounts and Snowflake's own; and whether these
/// are all.
pub(crate) async fn databases(session: &Session<'_>) -> Result<(Vec<String>, Listing)> {
    let mut rows = session.query("SHOW DATABASES", &[]).await?;
    let full = rows.total().is_some_and(|total| total >= SHOWN);
    let mut names = BTreeSet::new();
    while let Some(mut row) = session.next(&mut rows).await? {
        let name = row.require("name")?;
        let shared = row.take_text("origin").is_some();
        let kind = row.take_text("kind").unwrap_or_else(|| "STANDARD".to_owned());
        if !shared && name != OWN && kind == "STANDARD" {
            names.insert(name);
        }
    }
    let listing = match full {
        true => Listing::partial("list_truncated", "SHOW DATABASES answers with at most 10000 rows"),
        false => Listing::Complete,
    };
    Ok((names.into_iter().collect(), listing))
}

/// Lists the schemas in scope of a database, and cuts it.
pub(crate) async fn database(
    session: &Session<'_>,
    name: &str,
    scope: &Scope,
    grants: &Grants,
) -> Result<Found> {
    let path = Path::new([name]);
    let mut schemas = BTreeSet::new();
    let mut rows = session.query(&convert::namespaces_sql(name), &[name]).await?;
    while let Some(mut row) = session.next(&mut rows).await? {
        let schema = row.require("NAME")?;
        let is_own = schema.eq_ignore_ascii_case("INFORMATION_SCHEMA");
        if row.require("KIND")? == "schema" && !is_own && scope.admits_namespace(&path.child(schema.as_str()))
        {
            schemas.insert(schema);
        }
    }
    let counts = Counts::read(session, name).await?;
    let container = |path: Path| Container {
        visibility: grants.visibility(&path),
        children: Listing::Complete,
        path,
    };
    let inside = schemas.iter().map(|schema| path.child(schema.as_str()));
    Ok(Found {
        containers: [path.clone()].into_iter().chain(inside).map(container).collect(),
        splits: cut(name, &schemas, &counts)?,
    })
}

/// How many objects the role sees in a database.
#[derive(Debug, Default)]
struct Counts {
    payload: Payload,
    schemas: BTreeMap<String, u64>,
}

impl Counts {
    async fn read(session: &Session<'_>, database: &str) -> Result<Self> {
        let sql = include_str!("queries/counts.sql").replace("{database}", &quote::identifier(database));
        let mut rows = match session.query(&sql, &[]).await {
            // Too many to count at once: each schema is then asked by itself.
            Err(error) if error::is_of_one_read(&error) => return Ok(Self::default()),
            rows => rows?,
        };
        let (mut tables, mut views, mut dynamic) = (0, 0, 0);
        let mut schemas = BTreeMap::<String, u64>::new();
        while let Some(mut row) = session.next(&mut rows).await? {
            let objects: u64 = row.number("OBJECTS").unwrap_or(0);
            let kind = row.require("TABLE_TYPE")?;
            match (kind.ends_with("VIEW"), row.flag("IS_DYNAMIC")) {
                (true, _) => views += objects,
                (false, true) => dynamic += objects,
                (false, false) => tables += objects,
            }
            *schemas.entry(row.require("TABLE_SCHEMA")?).or_default() += objects;
        }
        Ok(Self {
            payload: Payload {
                tables: Some(tables + dynamic),
                views: Some(views),
                dynamic: Some(dynamic),
            },
            schemas,
        })
    }
}

fn cut(database: &str, schemas: &BTreeSet<String>, counts: &Counts) -> Result<Vec<Split>> {
    let mut groups: Vec<(Vec<Path>, u64)> = Vec::new();
    for schema in schemas {
        let path = Path::new([database, schema.as_str()]);
        let size = counts.schemas.get(schema).copied().unwrap_or(0);
        match groups.last_mut() {
            Some((paths, sum)) if *sum + size <= SPLIT && paths.len() < SCHEMAS => {
                paths.push(path);
                *sum += size;
            }
            _ => groups.push((vec![path], size)),
        }
    }
    let payload = serde_json::to_value(counts.payload).map_err(|error| {
        headwater_core::Error::new(ErrorKind::Unexpected, "a split that is no JSON").with_source(error)
    })?;
    let split = |(index, (namespaces, _)): (usize, _)| Split {
        id: format!("{database}#{}", index + 1),
        namespaces,
        payload: payload.clone(),
    };
    Ok(groups.into_iter().enumerate().map(split).collect())
}

/// What decides what a session sees: its roles, and what they are granted on databases and schemas.
///
/// Grants on single tables are not part of it, because they go with the table: a dropped table would look like a lost
/// grant. The kinds of such grants are, so that a privilege that is lost on all tables shows.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    /// What holds for all objects.
    common: BTreeSet<String>,
    /// By database, or schema.
    places: BTreeMap<Path, BTreeSet<String>>,
}

impl Grants {
    /// Reads the grants of the session's role and of the roles granted to it, as far as that is allowed.
    pub(crate) async fn read(session: &Session<'_>, secondary_roles: Option<&str>) -> Result<Self> {
        let mut grants = Self::default();
        grants.common.insert(format!("role {}", session.role));
        if let Some(roles) = secondary_roles {
            grants.common.insert(format!("secondary {roles}"));
        }
        let mut waiting = vec![session.role.clone()];
        let mut known = BTreeSet::from_iter(waiting.clone());
        while let Some(role) = waiting.pop() {
            if role.is_empty() {
                continue;
            }
            for granted in grants.add(session, &role).await? {
                if known.len() < ROLES && known.insert(granted.clone()) {
                    waiting.push(granted);
                }
            }
        }
        Ok(grants)
    }

    /// Adds the grants of one role; answers with the roles granted to it.
    async fn add(&mut self, session: &Session<'_>, role: &str) -> Result<Vec<String>> {
        let sql = format!("SHOW GRANTS TO ROLE {}", quote::identifier(role));
        let mut rows = match session.query(&sql, &[]).await {
            Err(error) if error::is_of_one_read(&error) => {
                self.common.insert(format!("unread {role}"));
                return Ok(Vec::new());
            }
            rows => rows?,
        };
        if rows.total() == Some(SHOWN) {
            // SHOW GRANTS is documented without the limit of the others. Should it have one, which grants it leaves out
            // may differ from day to day.
            self.common.insert(format!("unread {role}"));
            return Ok(Vec::new());
        }
        let mut roles = Vec::new();
        while let Some(mut row) = session.next(&mut rows).await? {
            let (privilege, on, name) = (
                row.require("privilege")?,
                row.require("granted_on")?,
                row.require("name")?,
            );
            let place = split_name(&name);
            match on.as_str() {
                "ROLE" => {
                    roles.extend(place.first().cloned());
                    self.common.insert(format!("{role} {privilege} {on} {name}"));
                }
                "DATABASE" | "SCHEMA" => self.insert(place, format!("{role} {privilege} {on}")),
                "ACCOUNT" | "DATABASE_ROLE" => {
                    self.common.insert(format!("{role} {privilege} {on} {name}"));
                }
                _ if place.len() > 2 => {
                    let schema = place.into_iter().take(2).collect();
                    self.insert(schema, format!("{role} {privilege} {on}"));
                }
                _ => {}
            }
        }
        Ok(roles)
    }

    fn insert(&mut self, place: Vec<String>, grant: String) {
        self.places.entry(Path::new(place)).or_default().insert(grant);
    }

    /// The fingerprint of a container: what is granted on it and around it; of a database also what is granted on its
    /// schemas, because a schema that is lost is no longer there to have one.
    pub(crate) fn visibility(&self, path: &Path) -> Visibility {
        let mut digest = Sha256::new();
        let mut add = |place: &Path, grant: &str| {
            digest.update(place.to_string().as_bytes());
            digest.update([0]);
            digest.update(grant.as_bytes());
            digest.update([0]);
        };
        self.common.iter().for_each(|grant| add(&Path::root(), grant));
        for (place, grants) in &self.places {
            let around = place.contains(path);
            if around || path.contains(place) {
                let shown = grants.iter().filter(|grant| around || grant.ends_with(" SCHEMA"));
                shown.for_each(|grant| add(place, grant));
            }
        }
        Visibility::Fingerprint(hex::encode(digest.finalize()))
    }
}

/// The segments of a name as SHOW GRANTS writes it: `SHOP."a.b".ORDERS`.
fn split_name(text: &str) -> Vec<String> {
    let mut segments = vec![String::new()];
    let mut letters = text.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                push(&mut segments, '"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => segments.push(String::new()),
            letter => push(&mut segments, letter),
        }
    }
    segments
}

fn push(segments: &mut [String], letter: char) {
    if let Some(last) = segments.last_mut() {
        last.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sizes: &[(&str, u64)]) -> (BTreeSet<String>, Counts) {
        let schemas = sizes.iter().map(|(name, _)| (*name).to_owned()).collect();
        let counts = Counts {
            schemas: sizes
                .iter()
                .map(|(name, size)| ((*name).to_owned(), *size))
                .collect(),
            ..Counts::default()
        };
        (schemas, counts)
    }

    #[test]
    fn small_databases_are_one_split_and_large_schemas_stay_whole() {
        let (schemas, counts) = counts(&[("A", 60_000), ("B", 60_000), ("C", 1), ("D", 500_000), ("E", 1)]);
        let splits = cut("SHOP", &schemas, &counts).unwrap();
        let ids: Vec<&str> = splits.iter().map(|split| split.id.as_str()).collect();
        assert_eq!(ids, ["SHOP#1", "SHOP#2", "SHOP#3", "SHOP#4"]);
        assert_eq!(
            splits[1].namespaces,
            [Path::new(["SHOP", "B"]), Path::new(["SHOP", "C"])]
        );
        assert_eq!(Payload::of(&splits[0]).unwrap(), Payload::default());
    }

    #[test]
    fn names_are_split_at_dots_outside_quotes() {
        assert_eq!(split_name("SHOP"), ["SHOP"]);
        assert_eq!(
            split_name(r#"SHOP."a.b"."say ""hi""""#),
            ["SHOP", "a.b", "say \"hi\""]
        );
    }

    #[test]
    fn a_fingerprint_is_of_the_grants_around_a_container() {
        let grants = |lines: &[(&[&str], &str)]| {
            let mut grants = Grants::default();
            grants.common.insert("role R".into());
            for (place, grant) in lines {
                grants.insert(
                    place.iter().map(|name| (*name).to_owned()).collect(),
                    (*grant).into(),
                );
            }
            grants
        };
        let before = grants(&[
            (&["SHOP"], "R USAGE DATABASE"),
            (&["SHOP", "HR"], "R USAGE SCHEMA"),
        ]);
        let after = grants(&[(&["SHOP"], "R USAGE DATABASE")]);
        let (shop, hr) = (Path::new(["SHOP"]), Path::new(["SHOP", "HR"]));
        assert_ne!(before.visibility(&shop), after.visibility(&shop));
        assert_ne!(before.visibility(&hr), after.visibility(&hr));
        let other = Path::new(["SHOP", "OTHER"]);
        assert_eq!(before.visibility(&other), after.visibility(&other));
        let more = grants(&[
            (&["SHOP"], "R USAGE DATABASE"),
            (&["SHOP", "HR"], "R USAGE SCHEMA"),
            (&["SHOP", "HR"], "R SELECT TABLE"),
        ]);
        assert_eq!(before.visibility(&shop), more.visibility(&shop));
        assert_ne!(before.visibility(&hr), more.visibility(&hr));
    }
}
