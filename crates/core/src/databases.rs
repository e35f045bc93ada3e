//! Which databases of a server a connector is to read: the settings `database` and `databases`.

use crate::{Error, Listing, Reason, Result};
use schemars::JsonSchema;
use serde::Deserialize;

/// The `databases` of a connector's config: some by name, or all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Databases {
    /// These.
    Names(Vec<String>),
    /// `"*"`: all that the connector finds.
    All(#[schemars(extend("const" = "*"))] String),
}

/// Which databases a valid config asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// At least one, each once.
    Named(Vec<String>),
    /// All that the connector finds.
    All,
}

impl Selection {
    /// What a config's `database` and `databases` say together. `all` is what `"*"` stands for, in the words of an
    /// error: "all that the role sees".
    ///
    /// # Errors
    /// `ConfigInvalid` at `/config/database` or `/config/databases` unless exactly one of them is given, with names that
    /// are neither empty nor given twice.
    pub fn new(database: Option<&str>, databases: Option<&Databases>, all: &str) -> Result<Self> {
        let (names, pointer) = match (database, databases) {
            (Some(name), None) => (vec![name.to_owned()], "/config/database"),
            (None, Some(Databases::Names(names))) => (names.clone(), "/config/databases"),
            (None, Some(Databases::All(star))) if star == "*" => return Ok(Self::All),
            (None, Some(Databases::All(_))) => {
                let detail = format!(
                    "expected a list of names, or \"*\" for {all}; a single name belongs in database"
                );
                return Err(Error::invalid_field("/config/databases", detail));
            }
            (Some(_), Some(_)) => {
                let detail = "give either database or databases, not both";
                return Err(Error::invalid_field("/config/databases", detail));
            }
            (None, None) => {
                let detail = "is missing: name the database to read, or several as databases";
                return Err(Error::invalid_field("/config/database", detail));
            }
        };
        let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        let twice = sorted.windows(2).any(|pair| pair.first() == pair.last());
        if sorted.is_empty() || sorted.contains(&"") || twice {
            let detail = "expected at least one database name, none empty and none twice";
            return Err(Error::invalid_field(pointer, detail));
        }
        Ok(Self::Named(names))
    }

    /// The names, where there are any.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Named(names) => names,
            Self::All => &[],
        }
    }

    /// The first of them, where they are named.
    pub fn first(&self) -> Option<&str> {
        self.names().first().map(String::as_str)
    }

    /// What is known of the content of a database that could not be opened: one that is named must be read, another is
    /// left out.
    pub fn unopened(&self, error: &Error) -> Listing {
        match self {
            Self::Named(_) => Listing::failed(error),
            Self::All => Listing::Skipped(Reason::from(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use serde_json::{Value, json};

    fn selection(database: Option<&str>, databases: Value) -> Result<Selection> {
        let databases: Option<Databases> = serde_json::from_value(databases).unwrap();
        Selection::new(database, databases.as_ref(), "all of them")
    }

    fn named(names: &[&str]) -> Selection {
        Selection::Named(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn exactly_one_of_database_and_databases() {
        assert_eq!(selection(Some("a"), Value::Null).unwrap(), named(&["a"]));
        assert_eq!(selection(None, json!(["b", "a"])).unwrap(), named(&["b", "a"]));
        assert_eq!(selection(None, json!("*")).unwrap(), Selection::All);
        for (database, databases, at) in [
            (None, Value::Null, "/config/database"),
            (Some(""), Value::Null, "/config/database"),
            (Some("a"), json!(["b"]), "/config/databases"),
            (Some("a"), json!("*"), "/config/databases"),
            (None, json!([]), "/config/databases"),
            (None, json!(["a", ""]), "/config/databases"),
            (None, json!(["a", "b", "a"]), "/config/databases"),
            (None, json!("a"), "/config/databases"),
        ] {
            let error = selection(database, databases.clone()).unwrap_err();
            assert_eq!(error.fields()[0].pointer, at, "{database:?} {databases}");
        }
    }

    #[test]
    fn a_single_name_as_a_list_is_told_what_the_star_stands_for() {
        let error = selection(None, json!("shop")).unwrap_err();
        let detail = &error.fields()[0].detail;
        assert!(detail.contains("\"*\" for all of them"), "{detail}");
        assert!(
            !detail.contains("shop"),
            "a value of the config is not quoted: {detail}"
        );
    }

    #[test]
    fn the_schema_offers_the_star_beside_a_list() {
        let schema = schemars::schema_for!(Databases).to_value();
        assert_eq!(schema["anyOf"][0]["items"]["type"], "string");
        assert_eq!(schema["anyOf"][1]["const"], "*");
    }

    #[test]
    fn names_keep_their_order() {
        assert_eq!(named(&["b", "a"]).first(), Some("b"));
        assert_eq!((Selection::All.first(), Selection::All.names().len()), (None, 0));
    }

    #[test]
    fn a_database_that_is_named_must_open() {
        let error = Error::new(ErrorKind::NotFound, "gone");
        assert!(matches!(named(&["a"]).unopened(&error), Listing::Partial(_)));
        assert!(matches!(Selection::All.unopened(&error), Listing::Skipped(_)));
    }
}
