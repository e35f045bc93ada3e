//! Which objects a connector is to read: the filters common to all connectors.

use crate::{Error, Path, Result, Selection, model::Name};
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether names that differ only in case are one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// They are two names (BigQuery).
    Sensitive,
    /// The source folds unquoted names: filters and lineage ends ignore case.
    Insensitive,
}

impl Case {
    /// The text that equal names share.
    pub fn fold(self, name: &str) -> String {
        match self {
            Self::Sensitive => name.to_owned(),
            Self::Insensitive => name.to_lowercase(),
        }
    }
}

/// The `filters` of a connector's config. Include first (an empty list includes all), exclude wins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// Schemas to read, as globs over the schema's name: `*` for any text, `?` for one character.
    pub include_schemas: Vec<String>,
    /// Schemas to leave out, as globs.
    pub exclude_schemas: Vec<String>,
    /// Tables to read, as regular expressions over the whole bare name.
    pub include_tables: Vec<String>,
    /// Tables to leave out, as regular expressions over the whole bare name.
    pub exclude_tables: Vec<String>,
}

impl Filters {
    /// Adds the schema of a config's short form `schema`.
    ///
    /// # Errors
    /// `ConfigInvalid` at `/config/schema` when `include_schemas` is given too.
    pub fn with_schema(mut self, schema: Option<&str>) -> Result<Self> {
        if let Some(schema) = schema {
            if !self.include_schemas.is_empty() {
                let detail = "give either schema or filters.include_schemas, not both";
                return Err(Error::invalid_field("/config/schema", detail));
            }
            self.include_schemas.push(schema.to_owned());
        }
        Ok(self)
    }
}

/// Compiled filters, and the catalogs (databases, projects) that the config names.
///
/// The driver applies it to every item; a connector may push it down. What a catalog holds outside the
/// scope is out of scope, never gone.
#[derive(Debug, Clone)]
pub struct Scope {
    catalogs: Option<Vec<Name>>,
    schema_depth: usize,
    schemas: Matcher,
    tables: Matcher,
}

impl Default for Scope {
    /// Everything.
    fn default() -> Self {
        Self {
            catalogs: None,
            schema_depth: 2,
            schemas: Matcher::default(),
            tables: Matcher::default(),
        }
    }
}

impl Scope {
    /// Compiles filters for paths of `catalog, schema, table`.
    ///
    /// # Errors
    /// `ConfigInvalid` at `/config/filters/...` for a pattern that does not parse.
    pub fn new(filters: &Filters, case: Case) -> Result<Self> {
        let globs = |list: &[String], key| compile(list, key, case, |glob| Ok(glob_to_regex(glob)));
        let regexes = |list: &[String], key| compile(list, key, case, check_regex);
        Ok(Self {
            schemas: Matcher {
                include: globs(&filters.include_schemas, "include_schemas")?,
                exclude: globs(&filters.exclude_schemas, "exclude_schemas")?,
            },
            tables: Matcher {
                include: regexes(&filters.include_tables, "include_tables")?,
                exclude: regexes(&filters.exclude_tables, "exclude_tables")?,
            },
            ..Self::default()
        })
    }

    /// Limits the first segment of all paths to these exact names.
    #[must_use]
    pub fn with_catalogs<S: Into<Name>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.catalogs = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Limits the first segment of all paths to the databases that a config names.
    #[must_use]
    pub fn within(self, selection: &Selection) -> Self {
        match selection {
            Selection::Named(names) => self.with_catalogs(names.iter().map(String::as_str)),
            Selection::All => self,
        }
    }

    /// Says at which depth of a path the schema stands: 2 (the default) for `catalog, schema, table`, 1
    /// for a source whose schemas are outermost.
    #[must_use]
    pub fn with_schema_depth(mut self, depth: usize) -> Self {
        self.schema_depth = depth;
        self
    }

    /// Whether a schema of this name is read.
    pub fn admits_schema(&self, name: &str) -> bool {
        self.schemas.admits(name)
    }

    /// Whether a table of this bare name is read, its schema being read.
    pub fn admits_table(&self, name: &str) -> bool {
        self.tables.admits(name)
    }

    /// Whether a container is read, or may hold something that is.
    pub fn admits_namespace(&self, path: &Path) -> bool {
        self.admits_container(path.segments())
    }

    fn admits_container(&self, segments: &[Name]) -> bool {
        let catalog = match (&self.catalogs, segments.first()) {
            (Some(names), Some(first)) => names.contains(first),
            _ => true,
        };
        let schema = self
            .schema_depth
            .checked_sub(1)
            .and_then(|index| segments.get(index));
        catalog && schema.is_none_or(|name| self.admits_schema(name))
    }

    /// Whether an asset is read.
    pub fn admits(&self, key: &Path) -> bool {
        let namespace = key.container().is_none_or(|around| self.admits_container(around));
        namespace && key.name().is_some_and(|name| self.admits_table(name))
    }
}

#[derive(Debug, Clone, Default)]
struct Matcher {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
}

impl Matcher {
    fn admits(&self, name: &str) -> bool {
        (self.include.is_empty() || self.include.iter().any(|pattern| pattern.is_match(name)))
            && !self.exclude.iter().any(|pattern| pattern.is_match(name))
    }
}

fn compile(
    patterns: &[String],
    key: &str,
    case: Case,
    to_regex: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<Regex>> {
    let one = |(index, pattern): (usize, &String)| {
        to_regex(pattern)
            .and_then(|regex| {
                RegexBuilder::new(&format!(r"\A(?:{regex})\z"))
                    .case_insensitive(case == Case::Insensitive)
                    .dot_matches_new_line(true)
                    .build()
                    .map_err(|error| explain(&error))
            })
            .map_err(|detail| Error::invalid_field(format!("/config/filters/{key}/{index}"), detail))
    };
    patterns.iter().enumerate().map(one).collect()
}

/// A pattern that parses only together with our anchors, such as `a)|(b`, is refused by itself first.
fn check_regex(pattern: &str) -> Result<String, String> {
    Regex::new(pattern)
        .map(|_| pattern.to_owned())
        .map_err(|error| explain(&error))
}

fn explain(error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text
        .lines()
        .last()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned();
    format!("not a regular expression: {reason}")
}

fn glob_to_regex(glob: &str) -> String {
    let mut regex = String::with_capacity(glob.len() + 8);
    for character in glob.chars() {
        match character {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            other => regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(include: &[&str], exclude: &[&str]) -> Filters {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Filters {
            include_schemas: own(include),
            exclude_schemas: own(exclude),
            include_tables: vec![],
            exclude_tables: vec!["tmp_.*".into()],
        }
    }

    #[test]
    fn exclude_wins_and_both_ends_are_anchored() {
        let scope = Scope::new(&filters(&["sales*", "o?s"], &["sales_old"]), Case::Insensitive).unwrap();
        for name in ["sales", "SALES_EU", "ops", "öps".replace('ö', "o").as_str()] {
            assert!(scope.admits_schema(name), "{name}");
        }
        for name in ["sales_old", "presales", "oops", "opss"] {
            assert!(!scope.admits_schema(name), "{name}");
        }
        assert!(!scope.admits(&Path::new(["db", "sales", "TMP_1"])));
        assert!(scope.admits(&Path::new(["db", "sales", "my_tmp_1"])));
    }

    #[test]
    fn a_glob_is_not_a_regular_expression() {
        let scope = Scope::new(&filters(&["a.b", "x[1]"], &[]), Case::Sensitive).unwrap();
        assert!(scope.admits_schema("a.b") && scope.admits_schema("x[1]"));
        assert!(!scope.admits_schema("aXb") && !scope.admits_schema("x1") && !scope.admits_schema("A.B"));
    }

    #[test]
    fn a_question_mark_is_one_character_not_one_byte() {
        let scope = Scope::new(&filters(&["s?"], &[]), Case::Insensitive).unwrap();
        assert!(scope.admits_schema("sé"));
    }

    #[test]
    fn a_bad_pattern_is_named_by_its_pointer() {
        for bad in ["(", "a)|(b"] {
            let filters = Filters {
                include_tables: vec!["ok".into(), bad.into()],
                ..Filters::default()
            };
            let error = Scope::new(&filters, Case::Sensitive).unwrap_err();
            assert_eq!(error.fields()[0].pointer, "/config/filters/include_tables/1");
        }
    }

    #[test]
    fn other_catalogs_are_out_of_scope() {
        let scope = Scope::default().with_catalogs(["shop"]);
        assert!(scope.admits_namespace(&Path::root()));
        assert!(scope.admits(&Path::new(["shop", "public", "orders"])));
        assert!(!scope.admits(&Path::new(["Shop", "public", "orders"])));
    }

    #[test]
    fn schema_and_include_schemas_exclude_each_other() {
        let error = filters(&["a"], &[]).with_schema(Some("b")).unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/config/schema");
        assert_eq!(
            Filters::default().with_schema(Some("b")).unwrap().include_schemas,
            ["b"]
        );
    }
}
