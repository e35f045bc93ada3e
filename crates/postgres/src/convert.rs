//! From rows of pg_catalog to the model. Pure.

use crate::read::{
    definitions::Texts,
    rows::{
        BoundRow, ColumnRow, CommentRow, ConstraintRow, ForeignTableRow, NamespaceRow, PartitioningRow,
        RelationRow, UpstreamRow,
    },
    types::{ColumnType, ColumnTypes},
};
use headwater_core::{
    Facet, Path,
    model::{
        Asset, AssetKind, Constraint, ConstraintKind, Definition, Field, Flow, Identity, LineageEdge,
        LineageEnd, Namespace, Properties, Reference, Stat, Stats,
    },
};
use headwater_pg_wire::quote;
use serde_json::{Value, json};

/// What was read of one relation. A part that is `None` was not read.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) relation: RelationRow,
    pub(crate) columns: Option<Vec<ColumnRow>>,
    pub(crate) comments: Option<Vec<CommentRow>>,
    pub(crate) constraints: Option<Vec<ConstraintRow>>,
    /// Of a partitioned table.
    pub(crate) partitioning: Option<PartitioningRow>,
    pub(crate) bounds: Option<Vec<BoundRow>>,
    /// Of a view.
    pub(crate) upstreams: Option<Vec<UpstreamRow>>,
    /// Of a foreign table.
    pub(crate) foreign: Option<ForeignTableRow>,
}

/// What the drafts of a page are completed with.
#[derive(Debug)]
pub(crate) struct Completion<'a> {
    pub(crate) database: &'a str,
    pub(crate) block_size: u64,
    pub(crate) types: &'a ColumnTypes,
    pub(crate) texts: Texts,
    /// Where sizes are measured and not estimated.
    pub(crate) sizes: Option<Texts>,
}

/// The kind of asset behind a relkind, where it is one.
pub(crate) fn kind(relkind: char) -> Option<AssetKind> {
    match relkind {
        'r' | 'p' => Some(AssetKind::TABLE),
        'v' => Some(AssetKind::VIEW),
        'm' => Some(AssetKind::MATERIALIZED_VIEW),
        'f' => Some(AssetKind::FOREIGN_TABLE),
        _ => None,
    }
}

/// Whether a query makes the relation.
pub(crate) fn is_view(relkind: char) -> bool {
    matches!(relkind, 'v' | 'm')
}

/// Whether the relation has bytes on this server: its own, or those of its partitions.
pub(crate) fn is_stored(relkind: char) -> bool {
    matches!(relkind, 'r' | 'p' | 'm')
}

/// The kind of a constraint, where it is known.
pub(crate) fn constraint_kind(contype: char) -> Option<ConstraintKind> {
    match contype {
        'p' => Some(ConstraintKind::PRIMARY_KEY),
        'u' => Some(ConstraintKind::UNIQUE),
        'f' => Some(ConstraintKind::FOREIGN_KEY),
        'c' => Some(ConstraintKind::CHECK),
        'x' => Some(ConstraintKind::EXCLUSION),
        _ => None,
    }
}

/// Whether a constraint is more than the fields it names.
pub(crate) fn has_expression(contype: char) -> bool {
    matches!(contype, 'c' | 'x')
}

/// A schema, or the database itself.
pub(crate) fn namespace(path: Path, kind: &'static str, row: NamespaceRow, commented: bool) -> Namespace {
    let mut namespace = Namespace::new(path, kind);
    namespace.owner = Facet::Read(Some(row.owner));
    namespace.tags = Facet::Read(Vec::new());
    if commented {
        namespace.description = Facet::Read(row.comment);
    }
    namespace
}

impl Draft {
    /// The relation as an asset of its schema.
    pub(crate) fn into_asset(mut self, schema: &Path, kind: AssetKind, with: &mut Completion<'_>) -> Asset {
        let mut asset = Asset::new(schema.child(&*self.relation.name), kind);
        asset.native_id = Some(self.relation.oid.to_string().into());
        asset.stats = self.measured(with);
        asset.owners = Facet::Read(vec![self.relation.owner.clone()]);
        // PostgreSQL has no tags: that there are none is an answer.
        asset.tags = Facet::Read(Vec::new());
        asset.definition = self.definition(&mut with.texts);
        self.set_properties(&mut asset);
        // By number, so that comments and constraints find their columns.
        let mut columns = self.columns.take();
        if let Some(columns) = &mut columns {
            columns.sort_unstable_by_key(|column| column.number);
        }
        asset.constraints = self.constraints(columns.as_deref().unwrap_or_default(), with);
        if let Some(comments) = &mut self.comments {
            comments.sort_unstable_by_key(|comment| comment.column);
        }
        asset.description = self.take_comment(0);
        if let Some(columns) = columns {
            let fields = columns
                .into_iter()
                .map(|column| self.field(column, with))
                .collect();
            asset.fields = Facet::Read(fields);
        }
        asset
    }

    fn take_comment(&mut self, column: i32) -> Facet<Option<String>> {
        match &mut self.comments {
            None => Facet::Unread,
            Some(comments) => {
                let found = comments.binary_search_by_key(&column, |comment| comment.column);
                let comment = found.ok().and_then(|index| comments.get_mut(index));
                Facet::Read(comment.map(|comment| std::mem::take(&mut comment.text)))
            }
        }
    }

    fn field(&mut self, column: ColumnRow, with: &mut Completion<'_>) -> Field {
        let (native, shape) = match with.types.get(&column) {
            Some(ColumnType { native, shape }) => (native.clone(), shape.clone()),
            None => ("???".to_owned(), headwater_core::model::DataType::Other.into()),
        };
        let mut field = Field::new(column.name, native, shape.data_type);
        field.nullable = Some(!(column.not_null || shape.not_null));
        field.tags = Facet::Read(Vec::new());
        field.fields = shape.fields;
        field.identity = match column.identity {
            'a' => Some(Identity::Always),
            'd' => Some(Identity::ByDefault),
            _ => None,
        };
        field.description = self.take_comment(i32::from(column.number));
        let text = match column.has_default {
            false => Facet::Read(None),
            true => read(with.texts.column(column.relation, column.number)),
        };
        match column.generated {
            '\0' => (field.default, field.generated) = (text, Facet::Read(None)),
            _ => (field.default, field.generated) = (Facet::Read(None), text),
        }
        field
    }

    fn definition(&self, texts: &mut Texts) -> Facet<Option<Definition>> {
        if !is_view(self.relation.kind) {
            return Facet::Read(None);
        }
        match texts.view(self.relation.oid) {
            Some(text) => Facet::Read(Some(Definition::sql(text.trim_ascii()))),
            None => Facet::Unread,
        }
    }

    fn constraints(&mut self, columns: &[ColumnRow], with: &mut Completion<'_>) -> Facet<Vec<Constraint>> {
        let partitioned = self.relation.kind == 'p';
        let Some(mut rows) = self
            .constraints
            .take()
            .filter(|_| !partitioned || self.partitioning.is_some())
        else {
            return Facet::Unread;
        };
        rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let relation = self.relation.oid;
        let key = self
            .partitioning
            .as_ref()
            .map(|row| partition_key(row, columns, &mut with.texts));
        let known = rows.into_iter().filter_map(|row| {
            let expression = match has_expression(row.kind) {
                true => read(with.texts.constraint(relation, row.oid)),
                false => Facet::Read(None),
            };
            constraint(row, columns, with.database, expression)
        });
        Facet::Read(known.chain(key).collect())
    }

    /// A relation that could not be measured keeps what is stored: an estimate, which is of the table
    /// without its indexes, would come and go beside the exact size.
    fn measured(&self, with: &mut Completion<'_>) -> Facet<Stats> {
        let mut stats = self.stats(with.block_size);
        if let Some(sizes) = with.sizes.as_mut().filter(|_| is_stored(self.relation.kind)) {
            let Some(bytes) = sizes.size(self.relation.oid) else {
                return Facet::Unread;
            };
            stats.size_bytes = Some(Stat::exact(bytes));
        }
        Facet::Read(stats)
    }

    fn stats(&self, block_size: u64) -> Stats {
        let relation = &self.relation;
        let mut stats = Stats::default();
        if let Some(row) = &self.partitioning {
            stats.properties.insert("partitions".into(), json!(row.leaves));
            if let Some(bounds) = &self.bounds {
                insert_bounds(&mut stats.properties, bounds, row.children);
            }
        }
        if matches!(relation.kind, 'v') {
            return stats;
        }
        let (rows, pages) = match &self.partitioning {
            Some(row) => (
                row.rows.or_else(|| analysed(relation)),
                row.pages.and_then(|pages| u64::try_from(pages).ok()),
            ),
            None => (analysed(relation), u64::try_from(relation.pages).ok()),
        };
        stats.row_count = rows.map(whole).map(Stat::estimate);
        let stored = relation.kind != 'f' && rows.is_some();
        stats.size_bytes = pages
            .filter(|_| stored)
            .map(|pages| Stat::estimate(pages.saturating_mul(block_size)));
        stats
    }

    fn set_properties(&mut self, asset: &mut Asset) {
        if self.relation.row_security {
            asset.properties.insert("row_level_security".into(), json!(true));
        }
        if self.relation.persistence == 'u' {
            asset.properties.insert("persistence".into(), json!("unlogged"));
        }
        if self.relation.kind == 'p' {
            let strategy = self
                .partitioning
                .as_ref()
                .map(|row| strategy(row.strategy).to_lowercase());
            asset
                .properties
                .insert("partition_strategy".into(), json!(strategy));
        }
        if self.relation.kind == 'f' {
            asset.properties.extend(foreign_properties(self.foreign.take()));
        }
    }
}

/// Where the rows of a foreign table are. Not read, each is null.
fn foreign_properties(row: Option<ForeignTableRow>) -> Properties {
    let Some(row) = row else {
        let names = [
            "foreign_server",
            "foreign_data_wrapper",
            "foreign_options",
            "foreign_server_options",
        ];
        return names.map(|name| (name.into(), Value::Null)).into();
    };
    let mut properties = Properties::from([
        ("foreign_server".into(), row.server.into()),
        ("foreign_data_wrapper".into(), row.wrapper.into()),
    ]);
    for (name, options) in [
        ("foreign_options", row.options),
        ("foreign_server_options", row.server_options),
    ] {
        if !options.is_empty() {
            properties.insert(name.into(), options.into());
        }
    }
    properties
}

/// The edges into a view.
pub(crate) fn lineage(database: &str, upstreams: Vec<UpstreamRow>) -> Vec<LineageEdge> {
    // pg_depend knows which columns are read, and not which of the view's are made of them.
    let edge = |row: UpstreamRow| {
        let path = Path::new([database, &row.schema, &row.name]);
        LineageEdge::new(Flow::In, LineageEnd::new("postgres", path), "view")
    };
    upstreams.into_iter().map(edge).collect()
}

fn read(text: Option<String>) -> Facet<Option<String>> {
    text.map_or(Facet::Unread, |text| Facet::Read(Some(text)))
}

/// The rows at the last ANALYZE. Never analysed is -1, and before version 14 also 0 with 0 pages.
fn analysed(relation: &RelationRow) -> Option<f64> {
    let known = relation.rows > 0.0 || (relation.rows == 0.0 && relation.pages > 0);
    known.then(|| f64::from(relation.rows))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, saturating at both ends"
)]
fn whole(rows: f64) -> u64 {
    rows.round() as u64
}

fn names(numbers: &[i16], columns: &[ColumnRow]) -> Vec<String> {
    let name = |number: &i16| {
        let found = columns
            .binary_search_by_key(number, |column| column.number)
            .ok()?;
        columns.get(found).map(|column| column.name.clone())
    };
    numbers.iter().filter_map(name).collect()
}

fn constraint(
    row: ConstraintRow,
    columns: &[ColumnRow],
    database: &str,
    expression: Facet<Option<String>>,
) -> Option<Constraint> {
    Some(Constraint {
        kind: constraint_kind(row.kind)?,
        fields: names(&row.columns, columns),
        references: row.referred.map(|referred| Reference {
            path: Path::new([database, &referred.schema, &referred.table]),
            fields: referred.columns,
        }),
        name: Some(row.name),
        expression,
    })
}

fn strategy(letter: char) -> &'static str {
    match letter {
        'r' => "RANGE",
        'l' => "LIST",
        'h' => "HASH",
        _ => "UNKNOWN",
    }
}

/// The first partitions by name, and how many more there are.
fn insert_bounds(properties: &mut Properties, bounds: &[BoundRow], children: i64) {
    let shown = |row: &BoundRow| json!({"name": row.partition, "bound": row.bound});
    let all: Vec<_> = bounds.iter().map(shown).collect();
    let omitted = usize::try_from(children).unwrap_or(0).saturating_sub(all.len());
    properties.insert("partition_bounds".into(), all.into());
    if omitted > 0 {
        properties.insert("partition_bounds_omitted".into(), json!(omitted));
    }
}

/// `RANGE (created_at)`: from the columns where there is no expression, without asking for a lock.
fn partition_key(row: &PartitioningRow, columns: &[ColumnRow], texts: &mut Texts) -> Constraint {
    let fields = names(&row.columns, columns);
    let expression = if row.columns.contains(&0) {
        read(texts.partition_key(row.relation))
    } else {
        let shown: Vec<String> = fields.iter().map(|name| quote::display(name)).collect();
        Facet::Read(Some(format!("{} ({})", strategy(row.strategy), shown.join(", "))))
    };
    Constraint {
        expression,
        ..Constraint::new(None, ConstraintKind::PARTITION_KEY, fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(kind: char, rows: f32, pages: i32) -> RelationRow {
        RelationRow {
            oid: 16_400,
            namespace: 2200,
            name: "t".into(),
            kind,
            persistence: 'p',
            owner: "me".into(),
            rows,
            pages,
            row_security: false,
        }
    }

    fn measured(kind: char, rows: f32, pages: i32) -> (Option<u64>, Option<u64>) {
        let draft = Draft {
            relation: relation(kind, rows, pages),
            columns: None,
            comments: None,
            constraints: None,
            partitioning: None,
            bounds: None,
            upstreams: None,
            foreign: None,
        };
        let stats = draft.stats(8192);
        (
            stats.row_count.map(|stat| stat.value),
            stats.size_bytes.map(|stat| stat.value),
        )
    }

    #[test]
    fn never_analysed_is_not_empty() {
        assert_eq!(measured('r', -1.0, 0), (None, None));
        assert_eq!(measured('r', 0.0, 0), (None, None), "before version 14");
        assert_eq!(
            measured('r', 0.0, 3),
            (Some(0), Some(3 * 8192)),
            "emptied and analysed"
        );
        assert_eq!(measured('m', 12.0, 1), (Some(12), Some(8192)));
        assert_eq!(measured('f', 12.0, 1), (Some(12), None), "stored elsewhere");
        assert_eq!(measured('v', 0.0, 0), (None, None));
        assert_eq!(measured('r', 3e9, i32::MAX).0, Some(3_000_000_000));
    }

    #[test]
    fn a_partition_key_of_columns_needs_no_lock() {
        let column = |number, name: &str| ColumnRow {
            relation: 1,
            number,
            name: name.into(),
            type_oid: 23,
            type_modifier: -1,
            not_null: true,
            identity: '\0',
            generated: '\0',
            has_default: false,
        };
        let columns = [column(1, "id"), column(3, "At")];
        let row = PartitioningRow {
            relation: 1,
            strategy: 'l',
            columns: vec![3, 1],
            leaves: 0,
            rows: None,
            pages: None,
            children: 0,
        };
        let key = partition_key(&row, &columns, &mut Texts::default());
        assert_eq!(key.fields, ["At", "id"]);
        assert_eq!(key.expression, Facet::Read(Some("LIST (\"At\", id)".into())));
        let by_expression = PartitioningRow {
            columns: vec![0, 1],
            ..row
        };
        let key = partition_key(&by_expression, &columns, &mut Texts::default());
        assert_eq!(
            (key.fields, key.expression),
            (vec!["id".to_owned()], Facet::Unread)
        );
    }
}
