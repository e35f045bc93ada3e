-- Redshift's catalog over that of PostgreSQL: a schema that the wire proxy puts in the place of pg_catalog, because
-- Redshift's pg_class and pg_attribute have columns that PostgreSQL's have not. The columns of each relation are those
-- of AWS's documentation, or where it is silent those that real clients read:
--   [dg]   https://docs.aws.amazon.com/redshift/latest/dg/
--   [ddl]  github.com/awslabs/amazon-redshift-utils, src/AdminViews/v_generate_tbl_ddl.sql
--   [sa]   sqlalchemy-redshift 1.0.0, dialect.py
--   [dbt]  dbt-redshift 1.11.2, include/redshift/macros
--   [drv]  redshift_connector 2.2.0, cursor.py
CREATE SCHEMA redshift_catalog;
SET search_path = redshift_catalog, pg_catalog;

-- What PostgreSQL cannot hold, written down by the tests.
CREATE TABLE settings (name text PRIMARY KEY, value text);
INSERT INTO settings VALUES ('metadata_security', 'off'), ('namespace', 'b1b2c3d4-0000-4000-8000-000000000001');
CREATE TABLE relation_facts (
  oid oid PRIMARY KEY, diststyle int NOT NULL DEFAULT 9, effective int NOT NULL DEFAULT 10, created timestamp
);
CREATE TABLE column_facts (
  relation oid, name name, encoding int NOT NULL DEFAULT 0, distkey bool NOT NULL DEFAULT false,
  sortkey int NOT NULL DEFAULT 0, default_text text, PRIMARY KEY (relation, name)
);
CREATE TABLE view_texts (oid oid PRIMARY KEY, text text, late_binding bool NOT NULL DEFAULT false);
CREATE TABLE late_binding_columns (view_schema name, view_name name, col_name name, col_type varchar, col_num int);

-- Types of Redshift's own. [dg] c_Supported_data_types
CREATE DOMAIN super AS text;
CREATE DOMAIN geometry AS text;
CREATE DOMAIN hllsketch AS text;
CREATE DOMAIN varbyte AS bytea;

CREATE FUNCTION current_setting(name text) RETURNS text STABLE SECURITY DEFINER LANGUAGE sql AS $$
  SELECT value FROM redshift_catalog.settings WHERE settings.name = $1
$$;
CREATE FUNCTION current_namespace() RETURNS text STABLE SECURITY DEFINER LANGUAGE sql AS $$
  SELECT value FROM redshift_catalog.settings WHERE name = 'namespace'
$$;
CREATE FUNCTION version() RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), '
         'Redshift 1.0.113477'
$$;
-- Raises what the proxy wants raised, in the place of a statement that Redshift refuses.
CREATE FUNCTION refuse(code text, message text) RETURNS text LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message; END
$$;
-- [dg] t_metadata_security: objects that were granted, to the user or to everyone, and its own.
CREATE FUNCTION sees_all() RETURNS bool STABLE SECURITY DEFINER LANGUAGE sql AS $$
  SELECT EXISTS (SELECT FROM redshift_catalog.settings WHERE name = 'metadata_security' AND value <> 'on')
      OR EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = session_user AND rolsuper)
      OR EXISTS (SELECT FROM redshift_catalog.settings WHERE name = 'access_catalog' AND value = session_user)
$$;

CREATE VIEW pg_namespace AS
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl
    FROM pg_catalog.pg_namespace n
   WHERE n.nspname <> 'redshift_catalog'
     AND (sees_all() OR n.nspname ~ '^pg_' OR has_schema_privilege(session_user, n.oid, 'USAGE'));

-- reldiststyle: [ddl], [sa]. A materialized view is shown as a view: [dbt] catalog.sql.
CREATE VIEW pg_class AS
  SELECT c.oid, c.relname, c.relnamespace, c.reltype, c.relowner, c.relam, c.relfilenode, c.relpages, c.reltuples,
         c.relhasindex, CASE c.relkind WHEN 'm' THEN 'v'::"char" ELSE c.relkind END AS relkind, c.relnatts,
         COALESCE(f.diststyle, 0)::int AS reldiststyle, c.relacl
    FROM pg_catalog.pg_class c
    LEFT JOIN relation_facts f ON f.oid = c.oid
   WHERE c.relnamespace <> 'redshift_catalog'::regnamespace
     AND (sees_all() OR c.relnamespace = 'pg_catalog'::regnamespace
          OR (c.relkind IN ('r', 'v', 'm') AND has_table_privilege(session_user, c.oid, 'SELECT')));

-- [dg] r_PG_CLASS_INFO: the columns of pg_class, its oid as reloid, and two more.
CREATE VIEW pg_class_info AS
  SELECT c.oid AS reloid, c.relname, c.relnamespace, c.relowner, c.relkind, c.reldiststyle,
         f.created AS relcreationtime, COALESCE(f.effective, 0) AS releffectivediststyle
    FROM pg_class c
    LEFT JOIN relation_facts f ON f.oid = c.oid;

-- attencodingtype, attisdistkey, attsortkeyord: [ddl], [sa]. No attidentity, no attgenerated. A late-binding view has
-- no columns here: [dbt] adds those of pg_get_late_binding_view_cols to these.
CREATE VIEW pg_attribute AS
  SELECT a.attrelid, a.attname, a.atttypid, a.attlen, a.attnum, a.attndims, a.atttypmod, a.attnotnull, a.atthasdef,
         a.attisdropped, COALESCE(f.encoding, 0)::smallint AS attencodingtype, COALESCE(f.distkey, false) AS attisdistkey,
         COALESCE(f.sortkey, 0) AS attsortkeyord
    FROM pg_catalog.pg_attribute a
    LEFT JOIN column_facts f ON f.relation = a.attrelid AND f.name = a.attname
   WHERE NOT EXISTS (SELECT FROM view_texts v WHERE v.oid = a.attrelid AND v.late_binding);

CREATE VIEW pg_attrdef AS
  SELECT d.oid, d.adrelid, d.adnum,
         COALESCE(f.default_text, pg_catalog.pg_get_expr(d.adbin, d.adrelid)) AS adbin,
         COALESCE(f.default_text, pg_catalog.pg_get_expr(d.adbin, d.adrelid)) AS adsrc
    FROM pg_catalog.pg_attrdef d
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    LEFT JOIN column_facts f ON f.relation = a.attrelid AND f.name = a.attname;
CREATE FUNCTION pg_get_expr(expression text, relation oid) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';

CREATE VIEW pg_constraint AS
  SELECT k.oid, k.conname, k.connamespace, k.contype, k.conrelid, k.confrelid, k.conkey, k.confkey
    FROM pg_catalog.pg_constraint k WHERE k.contype IN ('p', 'u', 'f', 'c');
CREATE VIEW pg_description AS SELECT * FROM pg_catalog.pg_description;
CREATE VIEW pg_rewrite AS SELECT oid, rulename, ev_class, ev_type FROM pg_catalog.pg_rewrite;
CREATE VIEW pg_depend AS SELECT * FROM pg_catalog.pg_depend;
CREATE VIEW pg_user AS SELECT usename, usesysid, usecreatedb, usesuper FROM pg_catalog.pg_user;
CREATE VIEW pg_group AS SELECT groname, grosysid, grolist FROM pg_catalog.pg_group;

-- [sa], [ddl]
CREATE FUNCTION format_encoding(encoding int) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE encoding WHEN 0 THEN 'none' WHEN 1 THEN 'bytedict' WHEN 2 THEN 'lzo' WHEN 3 THEN 'az64' END
$$;
-- Of a late-binding or materialized view the whole statement: [dbt] describe.sql looks for its beginning.
CREATE FUNCTION pg_get_viewdef(view oid) RETURNS text STABLE SECURITY DEFINER LANGUAGE plpgsql AS $$
  DECLARE text text;
  BEGIN
    SELECT v.text INTO text FROM redshift_catalog.view_texts v WHERE v.oid = view;
    IF text = 'broken' THEN RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'could not open relation'; END IF;
    RETURN COALESCE(text, pg_catalog.pg_get_viewdef(view));
  END
$$;
-- [dg] PG_GET_LATE_BINDING_VIEW_COLS
CREATE FUNCTION pg_get_late_binding_view_cols() RETURNS SETOF record STABLE SECURITY DEFINER LANGUAGE sql AS $$
  SELECT view_schema, view_name, col_name, col_type, col_num FROM redshift_catalog.late_binding_columns
$$;

-- [dg] r_PG_EXTERNAL_SCHEMA; eskind by [dg] r_SVV_EXTERNAL_SCHEMAS
CREATE TABLE pg_external_schema (esoid oid, eskind int, esdbname text, esoptions text);
CREATE VIEW svv_external_schemas AS
  SELECT e.esoid, e.eskind::smallint, n.nspname AS schemaname, n.nspowner AS esowner, e.esdbname AS databasename, e.esoptions
    FROM pg_external_schema e JOIN pg_namespace n ON n.oid = e.esoid;
-- [dg] r_SVV_EXTERNAL_TABLES, r_SVV_EXTERNAL_COLUMNS: a user sees those of schemas that it may use.
CREATE TABLE external_tables (
  redshift_database_name text, schemaname text, tablename text, tabletype text, location text, input_format text,
  output_format text, serialization_lib text, serde_parameters text, compressed int, parameters text
);
CREATE VIEW svv_external_tables AS
  SELECT * FROM external_tables WHERE has_schema_privilege(session_user, schemaname, 'USAGE');
CREATE TABLE external_columns (
  redshift_database_name text, schemaname text, tablename text, columnname text, external_type text, columnnum int,
  part_key int, is_nullable text
);
CREATE VIEW svv_external_columns AS
  SELECT * FROM external_columns WHERE has_schema_privilege(session_user, schemaname, 'USAGE');

-- [dg] r_SVV_REDSHIFT_DATABASES, r_SVV_REDSHIFT_SCHEMAS, r_SVV_REDSHIFT_TABLES, r_SVV_REDSHIFT_COLUMNS
CREATE TABLE shared_databases (database_name varchar(128));
CREATE TABLE local_databases (database_name varchar(128));
INSERT INTO local_databases VALUES (current_database()), ('padb_harvest'), ('template0');
CREATE VIEW svv_redshift_databases AS
  SELECT database_name, 1 AS database_owner, 'local'::varchar(32) AS database_type,
         ''::varchar(128) AS database_acl, NULL::varchar(128) AS database_options,
         'Serializable'::varchar(128) AS database_isolation_level
    FROM local_databases
  UNION ALL
  SELECT database_name, 1, 'shared', '', NULL, NULL FROM shared_databases;
CREATE TABLE svv_redshift_schemas (
  database_name varchar(128), schema_name varchar(128), schema_owner int, schema_type varchar(128),
  schema_acl varchar(128), schema_option varchar(128)
);
CREATE TABLE svv_redshift_tables (
  database_name varchar(128), schema_name varchar(128), table_name varchar(128), table_type varchar(128),
  table_acl varchar(128), remarks varchar(128), table_owner varchar(128)
);
CREATE TABLE svv_redshift_columns (
  database_name varchar(128), schema_name varchar(128), table_name varchar(128), column_name varchar(128),
  ordinal_position int, data_type varchar(32), column_default varchar(4000), is_nullable varchar(3),
  encoding varchar(128), distkey bool, sortkey int, column_acl varchar(128), remarks varchar(256)
);

-- [dg] r_SVV_TABLE_INFO: for superusers and who was granted it; without tables that have no rows.
CREATE TABLE svv_table_info (
  "database" text, "schema" text, table_id oid, "table" text, encoded text, diststyle text, sortkey1 text,
  max_varchar int, sortkey1_enc character(32), sortkey_num int, "size" bigint, pct_used numeric(10, 4), empty bigint,
  unsorted numeric(5, 2), stats_off numeric(5, 2), tbl_rows numeric(38, 0), skew_sortkey1 numeric(19, 2),
  skew_rows numeric(19, 2), estimated_visible_rows numeric(38, 0), risk_event text, vacuum_sort_benefit numeric(12, 2)
);
-- [dg] r_SVV_MV_INFO: fixed-length texts.
CREATE TABLE svv_mv_info (
  database_name character(128), schema_name character(128), user_name character(128), name character(128),
  is_stale character(1), state int, autorewrite character(1), autorefresh character(1)
);
-- [dg] r_SVV_USER_GRANTS, r_SVV_SYSTEM_PRIVILEGES
CREATE TABLE svv_user_grants (user_id int, user_name text, role_id int, role_name text, admin_option bool);
CREATE TABLE svv_system_privileges (system_privilege text, identity_id int, identity_name text, identity_type text);
-- [dg] r_STV_SLICES; r_SYS_SERVERLESS_USAGE is there where a test makes it.
CREATE TABLE stv_slices (node int, slice int, localslice int, type character(1));
INSERT INTO stv_slices VALUES (0, 0, 0, 'D');

GRANT USAGE ON SCHEMA redshift_catalog TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA redshift_catalog TO PUBLIC;
REVOKE SELECT ON svv_table_info, settings, relation_facts, column_facts, view_texts, late_binding_columns FROM PUBLIC;
