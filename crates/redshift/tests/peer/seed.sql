-- A small shop with objects of every kind that Redshift has.
CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'Who did what';
SET search_path = redshift_catalog, pg_catalog;
CREATE TABLE public.customers (id int NOT NULL DEFAULT 0, name varchar(80), region char(2), CONSTRAINT customers_pk PRIMARY KEY (id));
CREATE TABLE public.orders (
  id bigint NOT NULL, customer int, total numeric(12, 2) DEFAULT 0, placed timestamp, basket redshift_catalog.super,
  spot redshift_catalog.geometry, seen redshift_catalog.hllsketch, raw redshift_catalog.varbyte,
  CONSTRAINT orders_pk PRIMARY KEY (id), CONSTRAINT orders_ref UNIQUE (customer, placed),
  CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES public.customers (id)
);
COMMENT ON TABLE public.orders IS 'What was bought';
COMMENT ON COLUMN public.orders.total IS 'With tax';
CREATE TABLE public."a.b" (id int);
CREATE TABLE public."quo""te" (id int);
CREATE TABLE public."Naïve ☃" (id int);
CREATE TABLE audit.log (id int, note varchar(256));
CREATE TABLE audit.old (id int);
CREATE VIEW public.recent AS SELECT id, total FROM public.orders;

INSERT INTO redshift_catalog.relation_facts VALUES
  ('public.customers'::regclass, 8, 0, '2025-06-01 10:20:30.456'),
  ('public.orders'::regclass, 1, 0, '2025-06-02 00:00:00'),
  ('audit.log'::regclass, 9, 11, '2025-06-03 00:00:00');
INSERT INTO redshift_catalog.column_facts VALUES
  ('public.customers'::regclass, 'id', 3, false, 0, '"identity"(104323, 0, ''1,1''::text)'),
  ('public.customers'::regclass, 'name', 2, false, 0, NULL),
  ('public.orders'::regclass, 'id', 3, false, 2, NULL),
  ('public.orders'::regclass, 'customer', 3, true, 0, NULL),
  ('public.orders'::regclass, 'placed', 0, false, 1, NULL),
  ('audit.log'::regclass, 'id', 3, false, 1, NULL),
  ('audit.log'::regclass, 'note', 2, false, -2, NULL);

-- A materialized view, and the table that holds its rows.
CREATE MATERIALIZED VIEW public.daily AS SELECT placed::date AS day, sum(total) AS total FROM public.orders GROUP BY 1;
CREATE TABLE public.mv_tbl__daily__0 (day date, total numeric(38, 2));
INSERT INTO redshift_catalog.view_texts VALUES
  ('public.daily'::regclass, 'CREATE MATERIALIZED VIEW daily BACKUP NO DISTSTYLE KEY DISTKEY(day) SORTKEY(day) AUTO REFRESH YES AS '
    'SELECT trunc(placed) AS day, sum(total) AS total FROM public.orders GROUP BY 1');
INSERT INTO redshift_catalog.relation_facts VALUES ('public.mv_tbl__daily__0'::regclass, 1, 0, NULL);
INSERT INTO redshift_catalog.column_facts VALUES ('public.mv_tbl__daily__0'::regclass, 'day', 0, true, 1, NULL);
INSERT INTO redshift_catalog.svv_mv_info VALUES ('{database}', 'public', 'me', 'daily', 't', 1, '0', '1');

-- A late-binding view, over a table that is elsewhere.
CREATE VIEW public.late AS SELECT NULL::int AS nothing;
INSERT INTO redshift_catalog.view_texts VALUES
  ('public.late'::regclass, 'create view public.late as with e as (select * from spectrum.events) '
    'select e.id, o.total from e join public.orders o on o.id = e.id with no schema binding', true);
INSERT INTO redshift_catalog.late_binding_columns VALUES
  ('public', 'late', 'id', 'bigint', 1), ('public', 'late', 'total', 'numeric(12,2)', 2);

-- External schemas: of the Glue data catalog, and of a federated PostgreSQL.
CREATE SCHEMA spectrum;
CREATE SCHEMA federated;
INSERT INTO redshift_catalog.pg_external_schema VALUES
  ('spectrum'::regnamespace, 1, 'lake', '{"IAM_ROLE":"arn:aws:iam::123456789012:role/mySpectrumRole"}'),
  ('federated'::regnamespace, 3, 'shop', '{"SECRET_ARN":"arn:aws:secretsmanager:hunter2"}');
INSERT INTO redshift_catalog.external_tables VALUES
  ('{database}', 'spectrum', 'events', 'TABLE', 's3://lake/events', 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
   'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat', 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
   '{"serialization.format":"1"}', 0, '{"EXTERNAL":"TRUE"}'),
  ('{database}', 'federated', 'stock', '', '', '', '', '', '', 0, '');
INSERT INTO redshift_catalog.external_columns VALUES
  ('{database}', 'spectrum', 'events', 'id', 'bigint', 1, 0, ''),
  ('{database}', 'spectrum', 'events', 'who', 'struct<name:string,tags:array<string>>', 2, 0, 'true'),
  ('{database}', 'spectrum', 'events', 'day', 'date', 3, 2, ''),
  ('{database}', 'spectrum', 'events', 'year', 'int', 4, 1, ''),
  ('{database}', 'federated', 'stock', 'sku', 'varchar(20)', 1, 0, 'false');

-- A database made of a datashare.
INSERT INTO redshift_catalog.shared_databases VALUES ('partner');
INSERT INTO redshift_catalog.svv_redshift_schemas VALUES ('partner', 'sales', 1, 'shared', NULL, NULL);
INSERT INTO redshift_catalog.svv_redshift_tables VALUES
  ('partner', 'sales', 'leads', 'TABLE', NULL, 'From the fair', 'ann'), ('partner', 'sales', 'hot_leads', 'VIEW', NULL, '', '');
INSERT INTO redshift_catalog.svv_redshift_columns VALUES
  ('partner', 'sales', 'leads', 'id', 1, 'integer', '', 'NO', 'az64', true, 1, NULL, ''),
  ('partner', 'sales', 'leads', 'mail', 2, 'character varying', '', 'YES', 'lzo', false, 0, NULL, 'Checked'),
  ('partner', 'sales', 'hot_leads', 'id', 1, 'integer', NULL, '', '', NULL, NULL, NULL, NULL);

-- A table without rows is not in this list.
INSERT INTO redshift_catalog.svv_table_info ("database", "schema", table_id, "table", "size", tbl_rows, estimated_visible_rows) VALUES
  ('{database}', 'public', 'public.orders'::regclass, 'orders', 12, 1200, 1000),
  ('{database}', 'public', 'public.daily'::regclass, 'daily', 1, 30, NULL);
SET search_path = public;
