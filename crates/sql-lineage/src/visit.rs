//! Walks a query and collects the tables in its FROM clauses.

use crate::{Dialect, Name, Unread};
use sqlparser::{
    ast::{ObjectName, Query, TableFactor, Visit, Visitor},
    dialect::Dialect as Grammar,
    parser::Parser,
    tokenizer::Token,
};
use std::{
    collections::{BTreeSet, HashSet},
    ops::ControlFlow,
};

/// The tables that a query reads.
pub(crate) fn tables(
    tokens: Vec<Token>,
    grammar: &dyn Grammar,
    dialect: Dialect,
) -> Result<BTreeSet<Name>, Unread> {
    let mut parser = Parser::new(grammar).with_tokens(tokens);
    let query = parser.parse_query().map_err(|_quotes_the_text| Unread::Syntax)?;
    if parser.peek_token_ref().token != Token::EOF {
        return Err(Unread::Syntax);
    }
    let mut found = Found {
        dialect,
        names: BTreeSet::new(),
        expressions: HashSet::new(),
        aliases: HashSet::new(),
    };
    let ControlFlow::Continue(()) = query.visit(&mut found);
    Ok(found.into_tables())
}

struct Found {
    dialect: Dialect,
    names: BTreeSet<Name>,
    /// Names of common table expressions.
    expressions: HashSet<String>,
    /// What the query calls its tables, where that is not the name of a schema that it reads from.
    aliases: HashSet<String>,
}

impl Found {
    fn into_tables(self) -> BTreeSet<Name> {
        let is_table = |name: &Name| match name.as_slice() {
            [table] => !self.expressions.contains(table),
            [first, _] => !self.aliases.contains(first) && !self.is_column_of(first),
            _ => true,
        };
        self.names.iter().filter(|name| is_table(name)).cloned().collect()
    }

    /// Whether BigQuery takes the first part of a name for a table that the query reads: `FROM d.t, t.items`.
    fn is_column_of(&self, first: &String) -> bool {
        let mut others = self.names.iter().filter(|name| name.len() > 1);
        self.dialect == Dialect::BigQuery && others.any(|name| name.last() == Some(first))
    }

    fn fold(&self, ident: &sqlparser::ast::Ident) -> String {
        match ident.quote_style {
            Some(_) => ident.value.clone(),
            None => self.dialect.fold(&ident.value),
        }
    }

    fn name(&self, name: &ObjectName) -> Option<Name> {
        let parts = name
            .0
            .iter()
            .map(|part| part.as_ident().map(|ident| self.fold(ident)));
        let parts: Name = parts.collect::<Option<_>>()?;
        match self.dialect {
            // Neither a project's id nor a dataset or table has a dot in its name.
            Dialect::BigQuery => Some(parts.join(".").split('.').map(str::to_owned).collect()),
            Dialect::Redshift | Dialect::Snowflake => Some(parts),
        }
    }
}

impl Visitor for Found {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        for expression in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = self.fold(&expression.alias.name);
            self.expressions.insert(name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        if let TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } = factor
            && let Some(name) = self.name(name)
        {
            let alias = alias.as_ref().map(|alias| self.fold(&alias.name));
            let first = name.first().cloned();
            self.aliases
                .extend(alias.filter(|alias| first.as_ref() != Some(alias)));
            self.names.insert(name);
        }
        ControlFlow::Continue(())
    }
}
