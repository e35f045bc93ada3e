//! What the API answers, as far as it is read. Anything may be missing but names.

use crate::client::Listed;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `GET metastore_summary`.
#[derive(Debug, Deserialize)]
pub(crate) struct MetastoreRow {
    pub(crate) metastore_id: String,
    pub(crate) name: Option<String>,
    pub(crate) global_metastore_id: Option<String>,
}

/// `GET /api/2.0/preview/scim/v2/Me`: who asks.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MeRow {
    pub(crate) user_name: Option<String>,
    pub(crate) groups: Option<Vec<GroupRow>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct GroupRow {
    pub(crate) display: Option<String>,
}

/// `GET effective-permissions/catalog/NAME`.
#[derive(Debug, Deserialize)]
pub(crate) struct PermissionsRow {
    pub(crate) privilege_assignments: Option<Vec<AssignmentRow>>,
    pub(crate) next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AssignmentRow {
    pub(crate) privileges: Option<Vec<PrivilegeRow>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PrivilegeRow {
    pub(crate) privilege: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CatalogRow {
    pub(crate) name: String,
    pub(crate) catalog_type: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) properties: Option<BTreeMap<String, String>>,
    pub(crate) provider_name: Option<String>,
    pub(crate) share_name: Option<String>,
    pub(crate) connection_name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SchemaRow {
    pub(crate) name: String,
    pub(crate) comment: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) properties: Option<BTreeMap<String, String>>,
    pub(crate) storage_location: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TableRow {
    pub(crate) name: String,
    pub(crate) full_name: Option<String>,
    pub(crate) table_type: Option<String>,
    pub(crate) data_source_format: Option<String>,
    pub(crate) columns: Option<Vec<ColumnRow>>,
    pub(crate) comment: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) properties: Option<BTreeMap<String, String>>,
    pub(crate) storage_location: Option<String>,
    pub(crate) view_definition: Option<String>,
    pub(crate) view_dependencies: Option<DependenciesRow>,
    pub(crate) table_constraints: Option<Vec<ConstraintRow>>,
    pub(crate) row_filter: Option<FunctionRow>,
    pub(crate) pipeline_id: Option<String>,
    pub(crate) table_id: Option<String>,
    pub(crate) created_at: Option<i64>,
    pub(crate) created_by: Option<String>,
    pub(crate) updated_at: Option<i64>,
    #[serde(default)]
    pub(crate) browse_only: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ColumnRow {
    pub(crate) name: String,
    pub(crate) type_text: Option<String>,
    pub(crate) type_json: Option<String>,
    pub(crate) type_name: Option<String>,
    pub(crate) type_precision: Option<u32>,
    pub(crate) type_scale: Option<i32>,
    pub(crate) position: Option<i64>,
    pub(crate) nullable: Option<bool>,
    pub(crate) comment: Option<String>,
    pub(crate) partition_index: Option<i64>,
    pub(crate) mask: Option<FunctionRow>,
}

/// A row filter or a column mask.
#[derive(Debug, Deserialize)]
pub(crate) struct FunctionRow {
    pub(crate) function_name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DependenciesRow {
    pub(crate) dependencies: Option<Vec<DependencyRow>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DependencyRow {
    pub(crate) table: Option<TableDependencyRow>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TableDependencyRow {
    pub(crate) table_full_name: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ConstraintRow {
    pub(crate) primary_key_constraint: Option<PrimaryKeyRow>,
    pub(crate) foreign_key_constraint: Option<ForeignKeyRow>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PrimaryKeyRow {
    pub(crate) name: Option<String>,
    pub(crate) child_columns: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ForeignKeyRow {
    pub(crate) name: Option<String>,
    pub(crate) child_columns: Vec<String>,
    pub(crate) parent_table: String,
    pub(crate) parent_columns: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VolumeRow {
    pub(crate) name: String,
    pub(crate) volume_type: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) storage_location: Option<String>,
    pub(crate) volume_id: Option<String>,
    pub(crate) updated_at: Option<i64>,
}

/// What is only counted.
#[derive(Debug, Deserialize)]
pub(crate) struct FunctionNameRow {}

#[derive(Debug, Deserialize)]
pub(crate) struct ModelRow {}

macro_rules! listed {
    ($($row:ident: $path:literal, $key:literal;)*) => {$(
        impl Listed for $row {
            const PATH: &'static str = $path;
            const KEY: &'static str = $key;
        }
    )*};
}
listed! {
    CatalogRow: "catalogs", "catalogs";
    SchemaRow: "schemas", "schemas";
    TableRow: "tables", "tables";
    VolumeRow: "volumes", "volumes";
    FunctionNameRow: "functions", "functions";
    ModelRow: "models", "registered_models";
}
