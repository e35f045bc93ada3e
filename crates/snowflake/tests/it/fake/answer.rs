//! From statements to rows.

use super::catalog::{Catalog, Table};

/// A result before it is written down.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Names and types.
    pub(crate) columns: Vec<(&'static str, &'static str)>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

type Cell = Option<String>;

fn text(value: &str) -> Cell {
    Some(value.to_owned())
}

fn time(seconds: u64) -> Cell {
    Some(format!("{seconds}.000000000"))
}

/// What a statement answers; an error is Snowflake's code.
pub(crate) fn answer(catalog: &Catalog, sql: &str, bound: &[String]) -> Result<Answer, &'static str> {
    let found = if sql.starts_with("SHOW") {
        shown(catalog, sql)?
    } else if sql.contains("CURRENT_ACCOUNT()") {
        Answer {
            columns: text_columns(&[
                "ORGANIZATION",
                "ACCOUNT_NAME",
                "LOCATOR",
                "REGION",
                "SECONDARY_ROLES",
            ]),
            rows: vec![
                ["MYORG", "ACCT", "XY12345", "AWS_EU_CENTRAL_1", "{\"roles\":\"\"}"]
                    .map(text)
                    .to_vec(),
            ],
        }
    } else if sql.contains("SCHEMATA") {
        namespaces(catalog)
    } else if sql.contains("COUNT(*) AS OBJECTS") {
        counts(catalog)
    } else if sql.contains("INFORMATION_SCHEMA.TABLES") {
        tables(&asked(catalog, sql, bound))
    } else if sql.contains("INFORMATION_SCHEMA.COLUMNS") {
        columns(&asked(catalog, sql, bound))
    } else if sql.contains("INFORMATION_SCHEMA.FIELDS") {
        nested()
    } else if sql.contains("ACCOUNT_USAGE") {
        usage()
    } else {
        return Err("001003");
    };
    Ok(found)
}

fn text_columns(names: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    names.iter().map(|name| (*name, "text")).collect()
}

/// The tables of the slice that a statement asks for.
fn asked<'c>(catalog: &'c Catalog, sql: &str, bound: &[String]) -> Vec<&'c Table> {
    let within = |table: &&Table| match sql.contains("TABLE_SCHEMA IN") {
        true => bound.contains(&table.schema),
        false => {
            let mut rest = bound.iter().skip(1);
            let from = sql.contains(">=").then(|| rest.next().unwrap());
            let to = sql.contains("NAME <").then(|| rest.next().unwrap());
            table.schema == bound[0]
                && from.is_none_or(|from| *from <= table.name)
                && to.is_none_or(|to| table.name < *to)
        }
    };
    catalog.tables.iter().filter(within).collect()
}

fn namespaces(catalog: &Catalog) -> Answer {
    let row = |kind: &str, name: &str, comment: Cell| {
        vec![
            text(kind),
            text(name),
            text("SYSADMIN"),
            comment,
            text("NO"),
            text("1"),
            text("NO"),
        ]
    };
    let mut rows = vec![row("database", "SHOP", text("the shop"))];
    rows.extend(catalog.schemas.iter().map(|schema| row("schema", schema, None)));
    rows.push(row("schema", "INFORMATION_SCHEMA", None));
    let names = [
        "KIND",
        "NAME",
        "OWNER",
        "COMMENT",
        "IS_TRANSIENT",
        "RETENTION_TIME",
        "IS_MANAGED_ACCESS",
    ];
    Answer {
        columns: text_columns(&names),
        rows,
    }
}

fn counts(catalog: &Catalog) -> Answer {
    let row = |table: &Table| {
        let dynamic = if table.dynamic { "YES" } else { "NO" };
        vec![text(&table.schema), text(table.kind), text(dynamic), text("1")]
    };
    Answer {
        columns: text_columns(&["TABLE_SCHEMA", "TABLE_TYPE", "IS_DYNAMIC", "OBJECTS"]),
        rows: catalog.tables.iter().map(row).collect(),
    }
}

fn tables(tables: &[&Table]) -> Answer {
    let row = |table: &&Table| {
        vec![
            text(&table.schema),
            text(&table.name),
            text("SYSADMIN"),
            text(table.kind),
            text(if table.dynamic { "YES" } else { "NO" }),
            text("LINEAR(ID)").filter(|_| table.name == "ORDERS"),
            text("12"),
            text("3400"),
            time(table.last_ddl),
            text("a comment").filter(|_| table.name == "ORDERS"),
        ]
    };
    Answer {
        columns: vec![
            ("TABLE_SCHEMA", "text"),
            ("TABLE_NAME", "text"),
            ("TABLE_OWNER", "text"),
            ("TABLE_TYPE", "text"),
            ("IS_DYNAMIC", "text"),
            ("CLUSTERING_KEY", "text"),
            ("ROW_COUNT", "fixed"),
            ("BYTES", "fixed"),
            ("LAST_DDL", "timestamp_ltz"),
            ("COMMENT", "text"),
        ],
        rows: tables.iter().map(row).collect(),
    }
}

fn columns(tables: &[&Table]) -> Answer {
    let mut rows = Vec::new();
    for table in tables {
        for (index, (name, kind)) in table.columns.iter().enumerate() {
            rows.push(vec![
                text(&table.schema),
                text(&table.name),
                text(name),
                Some((index + 1).to_string()),
                text("YES"),
                text(kind),
                text("16777216").filter(|_| kind == "TEXT"),
                text("1").filter(|_| matches!(kind.as_str(), "ARRAY" | "OBJECT")),
                Some(table.columns.len().to_string()),
            ]);
        }
    }
    Answer {
        columns: vec![
            ("TABLE_SCHEMA", "text"),
            ("TABLE_NAME", "text"),
            ("COLUMN_NAME", "text"),
            ("ORDINAL_POSITION", "fixed"),
            ("IS_NULLABLE", "text"),
            ("DATA_TYPE", "text"),
            ("CHARACTER_MAXIMUM_LENGTH", "fixed"),
            ("DTD_IDENTIFIER", "text"),
            ("COLUMN_COUNT", "fixed"),
        ],
        rows,
    }
}

/// One structured array: of numbers, in `CUSTOMERS`.
fn nested() -> Answer {
    let names = [
        "PART",
        "OBJECT_SCHEMA",
        "OBJECT_NAME",
        "OWNER_IDENTIFIER",
        "FIELD_NAME",
        "ORDINAL_POSITION",
        "DATA_TYPE",
        "NUMERIC_PRECISION",
        "NUMERIC_SCALE",
    ];
    let cells = [
        "element",
        "PUBLIC",
        "CUSTOMERS",
        "1",
        "",
        "1",
        "NUMBER",
        "38",
        "0",
    ];
    Answer {
        columns: text_columns(&names),
        rows: vec![cells.map(text).to_vec()],
    }
}

fn usage() -> Answer {
    let names = [
        "PART",
        "SCHEMA_NAME",
        "OBJECT_NAME",
        "COLUMN_NAME",
        "KIND",
        "NAME",
        "VALUE",
    ];
    let row = |cells: [&str; 7]| {
        cells
            .map(|cell| text(cell).filter(|cell| !cell.is_empty()))
            .to_vec()
    };
    Answer {
        columns: text_columns(&names),
        rows: vec![
            row(["tag", "PUBLIC", "ORDERS", "", "TABLE", "COST_CENTER", "sales"]),
            row(["tag", "PUBLIC", "ORDERS", "CUSTOMER", "COLUMN", "PII", "yes"]),
            row([
                "policy",
                "PUBLIC",
                "ORDERS",
                "CUSTOMER",
                "MASKING_POLICY",
                "MASK_NAMES",
                "",
            ]),
            row([
                "policy",
                "PUBLIC",
                "ORDERS",
                "",
                "ROW_ACCESS_POLICY",
                "BY_REGION",
                "",
            ]),
            row([
                "view",
                "PUBLIC",
                "RECENT",
                "",
                "",
                "",
                "CREATE SECURE VIEW RECENT AS SELECT ID FROM ORDERS",
            ]),
        ],
    }
}

fn shown(catalog: &Catalog, sql: &str) -> Result<Answer, &'static str> {
    let own = |schema: &str| sql.contains("IN DATABASE") || sql.contains(&format!("\"SHOP\".\"{schema}\""));
    let after = sql
        .split_once(" FROM '")
        .map(|(_, rest)| rest.trim_end_matches('\''));
    let follows = |name: &str| after.is_none_or(|after| name > after);
    if sql.starts_with("SHOW GRANTS TO ROLE") {
        let role = sql.split('"').nth(1).unwrap_or_default();
        let rows = catalog.grants.iter().filter(|[of, ..]| of == role);
        return Ok(Answer {
            columns: text_columns(&["privilege", "granted_on", "name"]),
            rows: rows
                .map(|[_, privilege, on, name]| vec![text(privilege), text(on), text(name)])
                .collect(),
        });
    }
    if sql.starts_with("SHOW DATABASES") {
        return Ok(Answer {
            columns: text_columns(&["name", "origin", "kind"]),
            rows: vec![
                vec![text("SHOP"), text(""), text("STANDARD")],
                vec![text("WEATHER"), text("ACME.X.WEATHER"), text("IMPORTED DATABASE")],
                vec![
                    text("SNOWFLAKE"),
                    text("SNOWFLAKE.ACCOUNT_USAGE"),
                    text("APPLICATION"),
                ],
            ],
        });
    }
    let objects = catalog
        .tables
        .iter()
        .filter(|table| own(&table.schema) && follows(&table.name));
    if sql.starts_with("SHOW TERSE OBJECTS") {
        return Ok(Answer {
            columns: text_columns(&["name"]),
            rows: objects.map(|table| vec![text(&table.name)]).collect(),
        });
    }
    let is_dynamic = sql.starts_with("SHOW DYNAMIC TABLES");
    if is_dynamic || sql.starts_with("SHOW VIEWS") {
        let chosen = objects
            .filter(|table| table.dynamic == is_dynamic && (is_dynamic || table.kind.ends_with("VIEW")));
        let row = |table: &Table| {
            vec![
                text(&table.schema),
                text(&table.name),
                table.text.clone(),
                text("false"),
            ]
        };
        return Ok(Answer {
            columns: text_columns(&["schema_name", "name", "text", "is_secure"]),
            rows: chosen.map(row).collect(),
        });
    }
    if sql.starts_with("SHOW PRIMARY KEYS") {
        let names = [
            "schema_name",
            "table_name",
            "column_name",
            "key_sequence",
            "constraint_name",
        ];
        return Ok(Answer {
            columns: text_columns(&names),
            rows: catalog
                .primary
                .iter()
                .filter(|row| own(row[0]))
                .map(|row| row.map(text).to_vec())
                .collect(),
        });
    }
    if sql.starts_with("SHOW UNIQUE KEYS") {
        return Ok(Answer {
            columns: text_columns(&[
                "schema_name",
                "table_name",
                "column_name",
                "key_sequence",
                "constraint_name",
            ]),
            rows: Vec::new(),
        });
    }
    if sql.starts_with("SHOW IMPORTED KEYS") {
        let names = [
            "pk_database_name",
            "pk_schema_name",
            "pk_table_name",
            "pk_column_name",
            "fk_schema_name",
            "fk_table_name",
            "fk_column_name",
            "key_sequence",
            "fk_name",
        ];
        let row = |[schema, table, column, to, referred, sequence, name]: &[&'static str; 7]| {
            [
                "SHOP", schema, to, referred, schema, table, column, sequence, name,
            ]
            .map(text)
            .to_vec()
        };
        return Ok(Answer {
            columns: text_columns(&names),
            rows: catalog
                .foreign
                .iter()
                .filter(|row| own(row[0]))
                .map(row)
                .collect(),
        });
    }
    Err("001003")
}
