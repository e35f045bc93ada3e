//! What the fake account holds.

/// A database, `SHOP`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    pub(crate) schemas: Vec<String>,
    pub(crate) tables: Vec<Table>,
    /// Schema, table, column, sequence, name.
    pub(crate) primary: Vec<[&'static str; 5]>,
    /// Schema, table, column, referred table, referred column, sequence, name.
    pub(crate) foreign: Vec<[&'static str; 7]>,
    /// Role, privilege, kind, name.
    pub(crate) grants: Vec<[String; 4]>,
}

/// A table or view.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    /// Name and type.
    pub(crate) columns: Vec<(String, String)>,
    /// Seconds of the epoch.
    pub(crate) last_ddl: u64,
    pub(crate) text: Option<String>,
    pub(crate) dynamic: bool,
}

impl Table {
    pub(crate) fn new(schema: &str, name: &str, columns: &[&str]) -> Self {
        let column = |name: &&str| ((*name).to_owned(), "TEXT".to_owned());
        Self {
            schema: schema.into(),
            name: name.into(),
            kind: "BASE TABLE",
            columns: columns.iter().map(column).collect(),
            last_ddl: 1_700_000_000,
            text: None,
            dynamic: false,
        }
    }

    pub(crate) fn view(schema: &str, name: &str, text: &str) -> Self {
        Self {
            kind: "VIEW",
            text: Some(text.into()),
            ..Self::new(schema, name, &["ID"])
        }
    }
}

impl Catalog {
    /// Two schemas with tables of odd names, keys and a view.
    pub(crate) fn shop() -> Self {
        let table = Table::new;
        let mut catalog = Self {
            schemas: vec!["AUDIT".into(), "PUBLIC".into()],
            tables: vec![
                table("AUDIT", "LOG", &["ID", "AT"]),
                table("AUDIT", "OLD", &["ID"]),
                table("PUBLIC", "CUSTOMERS", &["ID", "NAME"]),
                table("PUBLIC", "LINES", &["ORDER_ID", "LINE", "PRODUCT"]),
                table("PUBLIC", "ORDERS", &["ID", "CUSTOMER"]),
                Table::view(
                    "PUBLIC",
                    "RECENT",
                    "CREATE VIEW RECENT AS SELECT o.ID FROM ORDERS o JOIN AUDIT.LOG l ON l.ID = o.ID",
                ),
                table("PUBLIC", "a.b", &["ID"]),
                table("PUBLIC", "quo\"te", &["ID"]),
                table("PUBLIC", "Naïve ☃", &["ID"]),
            ],
            primary: vec![
                ["PUBLIC", "LINES", "LINE", "2", "LINES_PK"],
                ["PUBLIC", "LINES", "ORDER_ID", "1", "LINES_PK"],
                ["PUBLIC", "ORDERS", "ID", "1", "ORDERS_PK"],
            ],
            foreign: vec![["PUBLIC", "LINES", "ORDER_ID", "ORDERS", "ID", "1", "LINES_FK"]],
            grants: Vec::new(),
        };
        catalog
            .tables
            .sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        for (privilege, on, name) in [
            ("USAGE", "DATABASE", "SHOP"),
            ("USAGE", "SCHEMA", "SHOP.AUDIT"),
            ("USAGE", "SCHEMA", "SHOP.PUBLIC"),
            ("SELECT", "TABLE", "SHOP.PUBLIC.ORDERS"),
        ] {
            catalog.grant("READER", privilege, on, name);
        }
        catalog
    }

    /// Tables with columns, over a number of schemas.
    pub(crate) fn wide(schemas: usize, tables: usize, columns: usize) -> Self {
        let mut catalog = Self::default();
        let names: Vec<String> = (0..columns).map(|number| format!("C{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for schema in 0..schemas {
            let schema = format!("S{schema:03}");
            for table in 0..tables / schemas {
                catalog
                    .tables
                    .push(Table::new(&schema, &format!("T{table:05}"), &names));
            }
            catalog.schemas.push(schema);
        }
        catalog
    }

    pub(crate) fn grant(&mut self, role: &str, privilege: &str, on: &str, name: &str) {
        self.grants.push([role, privilege, on, name].map(str::to_owned));
    }

    pub(crate) fn table(&mut self, name: &str) -> &mut Table {
        self.tables.iter_mut().find(|table| table.name == name).unwrap()
    }

    /// Takes a schema out of the role's sight.
    pub(crate) fn revoke(&mut self, schema: &str) {
        self.schemas.retain(|one| one != schema);
        self.tables.retain(|table| table.schema != schema);
        let around = format!("SHOP.{schema}");
        self.grants.retain(|[_, _, _, name]| !name.starts_with(&around));
    }
}
