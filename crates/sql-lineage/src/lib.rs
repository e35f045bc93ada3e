#![doc = include_str!("../README.md")]

mod body;
mod visit;

use sqlparser::dialect::{BigQueryDialect, Dialect as Grammar, RedshiftSqlDialect, SnowflakeDialect};
use std::{
    collections::BTreeSet,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

/// Bytes of a text that is looked at.
const LENGTH: usize = 1 << 20;
/// Tokens of a text that is parsed at most. Each may be one level of the tree that is walked.
const TOKENS: usize = 20_000;
/// Room for that many levels, of which each takes some hundred bytes to visit.
const STACK: usize = 64 << 20;

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Names keep their case, and one pair of quotes may hold all of a name.
    BigQuery,
    /// Names that are not quoted are lower case.
    Redshift,
    /// Names that are not quoted are upper case.
    Snowflake,
}

impl Dialect {
    fn grammar(self) -> Box<dyn Grammar> {
        match self {
            Self::BigQuery => Box::new(BigQueryDialect {}),
            Self::Redshift => Box::new(RedshiftSqlDialect {}),
            Self::Snowflake => Box::new(SnowflakeDialect {}),
        }
    }

    fn fold(self, name: &str) -> String {
        match self {
            Self::BigQuery => name.to_owned(),
            Self::Redshift => name.to_lowercase(),
            Self::Snowflake => name.to_uppercase(),
        }
    }
}

/// The segments of a name, as many as the text gives: table, or schema and table, or database, schema, table.
pub type Name = Vec<String>;

/// Why a text says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is longer than what is parsed.
    TooLong,
    /// The grammar does not know it.
    Syntax,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the text is too long to be parsed",
            Self::Syntax => "the text cannot be parsed",
        })
    }
}

/// The tables that each text reads: a query, or a statement that creates a view of one.
///
/// # Contract
/// Names of common table expressions and of table functions are left out, and so is what navigates into a
/// column of a table that the query has named before. Blocks; never panics, whatever the text.
pub fn tables(texts: &[&str], dialect: Dialect) -> Vec<Result<BTreeSet<Name>, Unread>> {
    let read = || {
        texts
            .iter()
            .map(|text| guarded(text, dialect))
            .collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, read);
        thread.ok().and_then(|thread| thread.join().ok())
    })
    .unwrap_or_else(|| vec![Err(Unread::Syntax); texts.len()])
}

fn guarded(text: &str, dialect: Dialect) -> Result<BTreeSet<Name>, Unread> {
    catch_unwind(AssertUnwindSafe(|| one(text, dialect))).unwrap_or(Err(Unread::Syntax))
}

fn one(text: &str, dialect: Dialect) -> Result<BTreeSet<Name>, Unread> {
    if text.len() > LENGTH {
        return Err(Unread::TooLong);
    }
    let grammar = dialect.grammar();
    let tokens = body::tokens(text, &*grammar)?;
    if tokens.len() > TOKENS {
        return Err(Unread::TooLong);
    }
    visit::tables(tokens, &*grammar, dialect)
}

#[cfg(test)]
mod tests;
