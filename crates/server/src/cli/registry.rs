//! The connectors that are built in.

use headwater_core::Registry;

/// The connectors of this build, one for each of its cargo features.
pub fn registry() -> Registry {
    #[allow(unused_mut, reason = "a build without connectors registers none")]
    let mut registry = Registry::default();
    #[cfg(feature = "bigquery")]
    registry.register::<headwater_bigquery::BigQuery>();
    #[cfg(feature = "databricks")]
    registry.register::<headwater_databricks::Databricks>();
    #[cfg(feature = "dbt")]
    registry.register::<headwater_dbt::Dbt>();
    #[cfg(feature = "postgres")]
    registry.register::<headwater_postgres::Postgres>();
    #[cfg(feature = "redshift")]
    registry.register::<headwater_redshift::Redshift>();
    #[cfg(feature = "snowflake")]
    registry.register::<headwater_snowflake::Snowflake>();
    registry
}
