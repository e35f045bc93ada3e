//! From rows to the model. Pure.

use crate::{
    rows::{
        ColumnRow, CommentRow, ConstraintRow, CreatedRow, LateBindingRow, MaterializedKeyRow,
        MaterializedRow, NamespaceRow, RelationRow, TableInfoRow, UpstreamRow,
    },
    types::{Words, shape},
};
use headwater_core::{
    Facet, Path,
    model::{
        Asset, AssetKind, Constraint, ConstraintKind, Definition, Field, Identity, Namespace, Properties,
        Reference, Stat, Stats,
    },
};
use serde_json::{Map, Value, json};

/// What was read of one relation of the database itself. A part that is `None` was not read.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) relation: RelationRow,
    pub(crate) columns: Option<Vec<ColumnRow>>,
    pub(crate) comments: Option<Vec<CommentRow>>,
    pub(crate) constraints: Option<Vec<ConstraintRow>>,
    pub(crate) upstreams: Option<Vec<UpstreamRow>>,
    pub(crate) created: Option<Option<CreatedRow>>,
    /// Read and absent for a table without rows.
    pub(crate) size: Option<Option<TableInfoRow>>,
    pub(crate) state: Option<Option<MaterializedRow>>,
    /// The key columns of the table behind a materialized view.
    pub(crate) keys: Vec<MaterializedKeyRow>,
    pub(crate) view: Option<View>,
}

/// What was read of a view.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) late_binding: bool,
    pub(crate) materialized: bool,
    /// The server stumbled over its text.
    pub(crate) broken: bool,
    pub(crate) text: Option<String>,
    /// Of a late-binding view.
    pub(crate) columns: Option<Vec<LateBindingRow>>,
}

/// Whether a view's rows are stored: the catalog shows it as a view, and its text is the statement that made it.
pub(crate) fn is_materialized(relkind: &str, text: Option<&str>, has_table_behind: bool) -> bool {
    let says = |text: &str| {
        let mut words = text.split_ascii_whitespace().map(str::to_ascii_lowercase);
        let first = [words.next(), words.next(), words.next()];
        first == ["create", "materialized", "view"].map(|word| Some(word.to_owned()))
    };
    relkind == "m" || text.map_or(has_table_behind, says)
}

/// A schema.
pub(crate) fn namespace(path: Path, row: NamespaceRow, commented: bool) -> Namespace {
    let mut namespace = Namespace::new(path, "schema");
    namespace.tags = Facet::Read(Vec::new());
    if commented {
        namespace.owner = Facet::Read(row.owner);
        namespace.description = Facet::Read(row.comment);
    }
    namespace
}

impl Draft {
    /// The text that says what a view reads, where dependencies do not.
    pub(crate) fn text_to_parse(&self) -> Option<&str> {
        let view = self.view.as_ref()?;
        let parsed = view.late_binding || view.materialized;
        view.text.as_deref().filter(|_| parsed)
    }

    /// The relation as an asset.
    pub(crate) fn into_asset(mut self, path: Path, database: &str) -> Asset {
        let mut asset = Asset::new(path, self.kind());
        asset.native_id = Some(self.relation.oid.to_string().into());
        asset.owners = Facet::Read(self.relation.owner.take().into_iter().collect());
        // Redshift has no tags: that there are none is an answer.
        asset.tags = Facet::Read(Vec::new());
        asset.description = self.comment(0);
        asset.stats = self.stats();
        self.set_properties(&mut asset.properties);
        asset.constraints = self.constraints(database);
        asset.definition = match self.view.as_mut() {
            None => Facet::Read(None),
            Some(view) => match view.text.take() {
                Some(text) => Facet::Read(Some(Definition::sql(text.trim()))),
                None => Facet::Unread,
            },
        };
        asset.fields = self.fields();
        asset
    }

    fn kind(&self) -> AssetKind {
        match &self.view {
            None => AssetKind::TABLE,
            Some(view) if view.materialized => AssetKind::MATERIALIZED_VIEW,
            Some(_) => AssetKind::VIEW,
        }
    }

    fn comment(&self, column: i64) -> Facet<Option<String>> {
        let Some(comments) = &self.comments else {
            return Facet::Unread;
        };
        let found = comments.iter().find(|comment| comment.column == column);
        Facet::Read(found.and_then(|comment| comment.text.clone()))
    }

    fn fields(&mut self) -> Facet<Vec<Field>> {
        if let Some(view) = self.view.as_ref().filter(|view| view.late_binding) {
            let fields = view.columns.as_ref().filter(|columns| !columns.is_empty());
            return match fields {
                Some(columns) => Facet::Read(columns.iter().map(late_field).collect()),
                None => Facet::Unread,
            };
        }
        let Some(columns) = &self.columns else {
            return Facet::Unread;
        };
        let field = |column: &ColumnRow| {
            let shape = shape(&column.native, Words::Redshift);
            let mut field = Field::new(column.name.clone(), column.native.clone(), shape.data_type);
            field.fields = shape.fields;
            field.nullable = Some(!column.not_null);
            field.identity = column.default.as_deref().and_then(identity);
            let default = column.default.clone().filter(|_| field.identity.is_none());
            field.default = Facet::Read(default);
            field.generated = Facet::Read(None);
            field.tags = Facet::Read(Vec::new());
            field.description = self.comment(column.number);
            field
        };
        Facet::Read(columns.iter().map(field).collect())
    }

    fn constraints(&self, database: &str) -> Facet<Vec<Constraint>> {
        let (Some(rows), Some(columns)) = (&self.constraints, &self.columns) else {
            return Facet::Unread;
        };
        let mut constraints: Vec<Constraint> = rows
            .chunk_by(|one, other| one.oid == other.oid)
            .filter_map(|rows| constraint(rows, columns, database))
            .collect();
        constraints.sort_by(|one, other| one.name.cmp(&other.name));
        let keys = self
            .keys
            .iter()
            .map(|key| (key.column.as_str(), key.sort_key.unwrap_or_default()));
        let own = columns
            .iter()
            .map(|column| (column.name.as_str(), column.sort_key.unwrap_or_default()));
        constraints.extend(sort_key(own).or_else(|| sort_key(keys)));
        Facet::Read(constraints)
    }

    fn stats(&self) -> Facet<Stats> {
        let mut stats = Stats::default();
        let is_stored = self.view.as_ref().is_none_or(|view| view.materialized);
        match &self.size {
            // A part that is refused keeps what is stored of all of it.
            None if is_stored => return Facet::Unread,
            Some(Some(size)) => {
                let count = |rows: i64| u64::try_from(rows).ok();
                let rows = size.visible_rows.or(size.rows).and_then(count);
                stats.row_count = rows.map(Stat::estimate);
                let bytes = size
                    .blocks
                    .and_then(count)
                    .map(|blocks| blocks.saturating_mul(1 << 20));
                stats.size_bytes = bytes.map(Stat::exact);
            }
            _ => {}
        }
        if let Some(Some(created)) = &self.created {
            let at = created.at.as_deref().and_then(timestamp);
            stats
                .properties
                .extend(at.map(|at| ("created_at".into(), json!(at))));
            let style = created.dist_style.filter(|_| is_stored).and_then(effective_style);
            let effective = style.map(|style| ("effective_dist_style".into(), json!(style)));
            stats.properties.extend(effective);
        }
        if let (Some(view), Some(Some(state))) = (&self.view, &self.state)
            && view.materialized
        {
            let flag = |text: &Option<String>| text.as_deref().map(is_set);
            stats
                .properties
                .insert("is_stale".into(), json!(flag(&state.stale)));
            stats
                .properties
                .insert("refresh_state".into(), json!(state.state.map(refresh_state)));
        }
        Facet::Read(stats)
    }

    fn set_properties(&self, properties: &mut Properties) {
        let mut set = |name: &'static str, value: Value| properties.insert(name.into(), value);
        if let Some(view) = &self.view {
            if view.late_binding {
                set("late_binding", json!(true));
            }
            if view.materialized {
                let state = self.state.as_ref().map(Option::as_ref);
                for (name, of) in [
                    (
                        "auto_refresh",
                        (|row| row.autorefresh.as_deref()) as fn(&MaterializedRow) -> Option<&str>,
                    ),
                    ("auto_rewrite", |row| row.autorewrite.as_deref()),
                ] {
                    // Null where it was not read.
                    set(name, json!(state.flatten().and_then(of).map(is_set)));
                }
                let style = self.keys.first().and_then(|key| key.dist_style).and_then(style);
                if let Some(style) = style {
                    set("dist_style", json!(style));
                }
                if let Some(key) = self.keys.iter().find(|key| key.dist_key) {
                    set("dist_key", json!(key.column));
                }
            }
            return;
        }
        if let Some(style) = self.relation.dist_style.and_then(style) {
            set("dist_style", json!(style));
        }
        let Some(columns) = &self.columns else {
            for name in ["dist_key", "encodings"] {
                set(name, Value::Null);
            }
            return;
        };
        if let Some(column) = columns.iter().find(|column| column.dist_key) {
            set("dist_key", json!(column.name));
        }
        let encodings: Map<String, Value> = columns
            .iter()
            .filter_map(|column| Some((column.name.clone(), json!(column.encoding.as_deref()?))))
            .collect();
        if !encodings.is_empty() {
            set("encodings", encodings.into());
        }
    }
}

fn late_field(row: &LateBindingRow) -> Field {
    let shape = shape(&row.native, Words::Redshift);
    let mut field = Field::new(row.name.clone(), row.native.clone(), shape.data_type);
    field.fields = shape.fields;
    field.default = Facet::Read(None);
    field.generated = Facet::Read(None);
    field.tags = Facet::Read(Vec::new());
    // A late-binding view takes no comments on columns.
    field.description = Facet::Read(None);
    field
}

/// The server's text of an identity column's default holds the table's id: `"identity"(104323, 0, '1,1'::text)`, and
/// `default_identity(..)` where a writer's value wins. redshift_connector tells them by these beginnings.
fn identity(default: &str) -> Option<Identity> {
    if default.starts_with("\"identity\"") {
        Some(Identity::Always)
    } else if default.trim_start_matches('"').starts_with("default_identity") {
        Some(Identity::ByDefault)
    } else {
        None
    }
}

fn constraint(rows: &[ConstraintRow], columns: &[ColumnRow], database: &str) -> Option<Constraint> {
    let row = rows.first()?;
    let kind = match row.kind.as_str() {
        "p" => ConstraintKind::PRIMARY_KEY,
        "u" => ConstraintKind::UNIQUE,
        "f" => ConstraintKind::FOREIGN_KEY,
        _ => return None,
    };
    let own = |number: i64| {
        let column = columns.iter().find(|column| column.number == number)?;
        Some(column.name.clone())
    };
    let fields = numbers(row.columns.as_deref()).filter_map(own);
    let mut constraint = Constraint::new(Some(row.name.clone()), kind, fields);
    let referred = |number: i64| {
        let row = rows.iter().find(|row| row.column_number == Some(number))?;
        row.column.clone()
    };
    if let (Some(schema), Some(table)) = (&row.schema, &row.table) {
        constraint.references = Some(Reference {
            path: Path::new([database, schema, table]),
            fields: numbers(row.referred_columns.as_deref())
                .filter_map(referred)
                .collect(),
        });
    }
    Some(constraint)
}

/// From `1,3`.
fn numbers(text: Option<&str>) -> impl Iterator<Item = i64> + '_ {
    text.unwrap_or_default()
        .split(',')
        .filter_map(|number| number.trim().parse().ok())
}

/// The sort key: its columns in its order. Where that alternates between positive and negative, it is interleaved.
pub(crate) fn sort_key<'a>(columns: impl Iterator<Item = (&'a str, i64)>) -> Option<Constraint> {
    let mut columns: Vec<(&str, i64)> = columns.filter(|(_, order)| *order != 0).collect();
    columns.sort_by_key(|(_, order)| order.abs());
    let style = match columns.iter().any(|(_, order)| *order < 0) {
        true => "INTERLEAVED",
        false => "COMPOUND",
    };
    if columns.is_empty() {
        return None;
    }
    let names: Vec<&str> = columns.into_iter().map(|(name, _)| name).collect();
    Some(Constraint {
        expression: Facet::Read(Some(format!("{style} SORTKEY ({})", names.join(", ")))),
        ..Constraint::new(None, ConstraintKind::CLUSTERING_KEY, names)
    })
}

/// `reldiststyle`, as AWS's v_generate_tbl_ddl tells it.
fn style(number: i64) -> Option<&'static str> {
    match number {
        0 => Some("even"),
        1 => Some("key"),
        8 => Some("all"),
        9 => Some("auto"),
        _ => None,
    }
}

/// `releffectivediststyle`, of tables that the server distributes as it sees fit.
fn effective_style(number: i64) -> Option<&'static str> {
    match number {
        10 => Some("auto(all)"),
        11 => Some("auto(even)"),
        12 => Some("auto(key)"),
        _ => None,
    }
}

/// `state` of a materialized view.
fn refresh_state(number: i64) -> String {
    match number {
        0 => "recomputed".into(),
        1 => "incremental".into(),
        101 => "blocked: a column was dropped".into(),
        102 => "blocked: the type of a column was changed".into(),
        103 => "blocked: a table was renamed".into(),
        104 => "blocked: a column was renamed".into(),
        105 => "blocked: a schema was renamed".into(),
        other => other.to_string(),
    }
}

fn is_set(text: &str) -> bool {
    matches!(text, "t" | "1" | "true" | "y")
}

/// `2025-06-01 00:00:00.123`, in UTC, as RFC 3339.
fn timestamp(text: &str) -> Option<String> {
    let at: jiff::Timestamp = format!("{}Z", text.trim()).parse().ok()?;
    jiff::Timestamp::from_second(at.as_second())
        .ok()
        .map(|at| at.to_string())
}

#[cfg(test)]
mod tests;
