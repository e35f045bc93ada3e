//! A database to measure on: deterministic, of any number of relations.
//!
//! One relation in ten is a view over two tables of its schema. Every table has a primary key, a comment and a
//! comment on each column; every third a foreign key, every fifth a unique constraint, every tenth a few
//! rows, so that it has statistics.

use std::io::{self, Write};

/// What to generate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) relations: usize,
    /// Columns of each table.
    pub(super) columns: usize,
}

const NOUNS: [&str; 16] = [
    "account", "batch", "carrier", "delivery", "employee", "forecast", "grant", "holding", "invoice",
    "journal", "kit", "ledger", "merchant", "notice", "offer", "parcel",
];
const TYPES: [&str; 16] = [
    "bigint",
    "integer",
    "text",
    "varchar(120)",
    "numeric(18,4)",
    "timestamptz",
    "date",
    "boolean",
    "uuid",
    "jsonb",
    "double precision",
    "text[]",
    "smallint",
    "bytea",
    "char(2)",
    "time",
];
const WORDS: [&str; 24] = [
    "as", "booked", "by", "the", "finance", "team", "before", "month", "end", "and", "checked", "against",
    "bank", "files", "loaded", "every", "night", "from", "upstream", "systems", "kept", "for", "seven",
    "years",
];
/// Relations made in one transaction: each holds locks until it ends.
const BATCH: usize = 200;
/// Rows of a table that has any.
const ROWS: usize = 5;

/// A table of the schema that is being filled.
struct Table {
    name: String,
    columns: Vec<String>,
}

/// Writes the SQL that makes the database.
pub(super) fn write(shape: Shape, out: &mut impl Write) -> io::Result<()> {
    let schemas = (shape.relations / 200).clamp(1, 50);
    let mut words = Words(0x5eed);
    let mut filled = Vec::new();
    writeln!(out, "SET client_min_messages = warning;")?;
    for schema in 0..schemas {
        let share = shape.relations / schemas + usize::from(schema < shape.relations % schemas);
        let schema = format!("area_{schema:03}");
        writeln!(out, "CREATE SCHEMA {schema};")?;
        writeln!(out, "COMMENT ON SCHEMA {schema} IS '{}';", words.sentence(6))?;
        write_schema(out, &schema, share, shape.columns, &mut words, &mut filled)?;
    }
    for tables in filled.chunks(100) {
        writeln!(out, "ANALYZE {};", tables.join(", "))?;
    }
    Ok(())
}

fn write_schema(
    out: &mut impl Write,
    schema: &str,
    relations: usize,
    columns: usize,
    words: &mut Words,
    filled: &mut Vec<String>,
) -> io::Result<()> {
    let mut last: [Option<Table>; 2] = [None, None];
    for number in 0..relations {
        if number % BATCH == 0 {
            writeln!(out, "{}BEGIN;", if number == 0 { "" } else { "COMMIT;\n" })?;
        }
        if let [Some(one), Some(other)] = &last
            && number % 10 == 9
        {
            write_view(out, schema, number, [one, other], words)?;
            continue;
        }
        let table = Table::new(number, columns, words);
        table.write(out, schema, number, last[0].as_ref(), words)?;
        if number % 10 == 0 {
            let name = format!("{schema}.{}", table.name);
            writeln!(out, "INSERT INTO {name} (id) SELECT generate_series(1, {ROWS});")?;
            filled.push(name);
        }
        last = [Some(table), last[0].take()];
    }
    writeln!(out, "COMMIT;")
}

impl Table {
    fn new(number: usize, columns: usize, words: &mut Words) -> Self {
        let name = format!("{}_{}_{number:05}", words.noun(), words.noun());
        let own = (1..columns).map(|column| format!("{}_{column:02}", words.noun()));
        Self {
            columns: std::iter::once("id".to_owned()).chain(own).collect(),
            name,
        }
    }

    fn write(
        &self,
        out: &mut impl Write,
        schema: &str,
        number: usize,
        before: Option<&Table>,
        words: &mut Words,
    ) -> io::Result<()> {
        let name = format!("{schema}.{}", self.name);
        let mut parts = vec!["id bigint PRIMARY KEY".to_owned()];
        parts.extend(self.columns.iter().enumerate().skip(1).map(|(place, column)| {
            let (of_type, default) = column_type(number, place);
            format!("{column} {of_type}{default}")
        }));
        if let (0, Some(before), Some(column)) = (number % 3, before, self.columns.get(1)) {
            parts.push(format!(
                "FOREIGN KEY ({column}) REFERENCES {schema}.{}",
                before.name
            ));
        }
        if let (0, Some(column)) = (number % 5, self.columns.get(2)) {
            parts.push(format!("UNIQUE ({column})"));
        }
        writeln!(out, "CREATE TABLE {name} ({});", parts.join(", "))?;
        writeln!(out, "COMMENT ON TABLE {name} IS '{}';", words.sentence(14))?;
        for column in &self.columns {
            writeln!(
                out,
                "COMMENT ON COLUMN {name}.{column} IS '{}';",
                words.sentence(7)
            )?;
        }
        Ok(())
    }
}

/// A type and its default. The first columns are fixed: keys refer to them.
fn column_type(number: usize, place: usize) -> (&'static str, &'static str) {
    let of_type = match place {
        1 => "bigint",
        2 => "text",
        _ => TYPES[(number + place) % TYPES.len()],
    };
    let default = match of_type {
        "timestamptz" => " DEFAULT now()",
        "bigint" | "integer" | "smallint" if place > 2 && place % 4 == 1 => " DEFAULT 0 NOT NULL",
        "bigint" | "integer" | "smallint" if place > 2 => " DEFAULT 0",
        _ => "",
    };
    (of_type, default)
}

fn write_view(
    out: &mut impl Write,
    schema: &str,
    number: usize,
    [one, other]: [&Table; 2],
    words: &mut Words,
) -> io::Result<()> {
    let of = |table: &Table, letter: char, count: usize| -> Vec<String> {
        let columns = table.columns.iter().take(count);
        columns
            .map(|column| format!("{letter}.{column} AS {letter}_{column}"))
            .collect()
    };
    let columns = [of(one, 'a', 7), of(other, 'b', 4)].concat().join(", ");
    let name = format!("{schema}.v_{}_{number:05}", words.noun());
    writeln!(
        out,
        "CREATE VIEW {name} AS SELECT {columns}, count(*) OVER (PARTITION BY a.id) AS n \
         FROM {schema}.{} a LEFT JOIN {schema}.{} b ON a.id = b.id WHERE a.id > {number};",
        one.name, other.name
    )?;
    writeln!(out, "COMMENT ON VIEW {name} IS '{}';", words.sentence(10))
}

/// The same words for the same seed, on every machine.
pub(super) struct Words(pub(super) u64);

impl Words {
    pub(super) fn next(&mut self, below: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % below as u64) as usize
    }

    pub(super) fn noun(&mut self) -> &'static str {
        NOUNS[self.next(NOUNS.len())]
    }

    pub(super) fn sentence(&mut self, length: usize) -> String {
        let words: Vec<&str> = (0..length).map(|_| WORDS[self.next(WORDS.len())]).collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(relations: usize, columns: usize) -> String {
        let mut out = Vec::new();
        write(Shape { relations, columns }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn as_many_relations_as_asked_for_and_the_same_each_time() {
        let sql = generated(1_003, 12);
        let of = |what: &str| sql.lines().filter(|line| line.starts_with(what)).count();
        assert_eq!(of("CREATE TABLE ") + of("CREATE VIEW "), 1_003);
        assert_eq!(of("CREATE VIEW "), 100);
        assert_eq!(of("COMMENT ON COLUMN "), 12 * of("CREATE TABLE "));
        assert_eq!(of("BEGIN;"), of("COMMIT;"));
        assert_eq!(sql, generated(1_003, 12));
    }
}
