SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.__diesel_schema_migrations (
    version character varying(50) NOT NULL,
    run_on timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);
CREATE TABLE public.api_key (
    id text NOT NULL,
    space_id text,
    name text NOT NULL,
    role text NOT NULL,
    prefix text NOT NULL,
    digest bytea NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint
);
CREATE TABLE public.audit (
    id text NOT NULL,
    space_id text,
    at bigint NOT NULL,
    actor text NOT NULL,
    key_id text,
    action text NOT NULL,
    object text NOT NULL,
    object_id text NOT NULL,
    fields text NOT NULL
);
CREATE TABLE public.connector (
    id text NOT NULL,
    space_id text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    config text NOT NULL,
    credentials bytea NOT NULL,
    source_system_id text,
    is_active boolean NOT NULL,
    source_identity text,
    visibility text NOT NULL,
    last_sync_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE TABLE public.edge (
    product_id text NOT NULL,
    ordinal bigint NOT NULL,
    space_id text NOT NULL,
    upstream_family text NOT NULL,
    upstream_key text NOT NULL,
    upstream_folded text NOT NULL,
    kind text NOT NULL,
    field_pairs text NOT NULL
);
CREATE TABLE public.namespace (
    connector_id text NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    doc text NOT NULL
);
CREATE TABLE public.product (
    id text NOT NULL,
    space_id text NOT NULL,
    connector_id text NOT NULL,
    key text NOT NULL,
    namespace text NOT NULL,
    family text NOT NULL,
    folded text NOT NULL,
    provider text NOT NULL,
    native_id text,
    kind text NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    hosting_location text NOT NULL COLLATE pg_catalog."C",
    search text NOT NULL,
    doc text NOT NULL,
    manual text,
    hash bytea NOT NULL,
    edges_hash bytea,
    version text,
    state text NOT NULL,
    created_run text NOT NULL,
    changed_run text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE TABLE public.product_stats (
    product_id text NOT NULL,
    doc text NOT NULL,
    written_at bigint NOT NULL
);
CREATE TABLE public.removal (
    run_id text NOT NULL,
    product_id text NOT NULL
);
CREATE TABLE public.run (
    id text NOT NULL,
    space_id text NOT NULL,
    connector_id text NOT NULL,
    connector_name text NOT NULL,
    status text NOT NULL,
    phase text,
    trigger_kind text NOT NULL,
    request text NOT NULL,
    epoch bigint NOT NULL,
    node text,
    lease_until bigint,
    cancel_requested boolean NOT NULL,
    discovery text,
    splits_total bigint NOT NULL,
    splits_done bigint NOT NULL,
    assets_seen bigint NOT NULL,
    products_created bigint NOT NULL,
    products_updated bigint NOT NULL,
    products_unchanged bigint NOT NULL,
    products_archived bigint NOT NULL,
    completeness text,
    partial text NOT NULL,
    removals text NOT NULL,
    removal_reason text,
    cost text NOT NULL,
    warnings_count bigint NOT NULL,
    error_code text,
    error_detail text,
    started_at bigint NOT NULL,
    completed_at bigint
);
CREATE TABLE public.run_split (
    run_id text NOT NULL,
    ordinal bigint NOT NULL,
    split text NOT NULL,
    state text NOT NULL,
    closed text NOT NULL,
    seen bigint NOT NULL,
    error_code text,
    error_detail text
);
CREATE TABLE public.run_warning (
    run_id text NOT NULL,
    ordinal bigint NOT NULL,
    code text NOT NULL,
    detail text NOT NULL,
    path text
);
CREATE TABLE public.run_warning_count (
    run_id text NOT NULL,
    code text NOT NULL,
    total bigint NOT NULL
);
CREATE TABLE public.schema_change (
    id text NOT NULL,
    product_id text NOT NULL,
    run_id text NOT NULL,
    changed_at bigint NOT NULL,
    changes text NOT NULL
);
CREATE TABLE public.space (
    id text NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL
);
INSERT INTO public.__diesel_schema_migrations VALUES
	('20261101000000', '2026-11-24 20:44:15.722559');
INSERT INTO public.api_key VALUES
	('01a20f4d-570e-7716-8201-8a59a5921319', '01a20f4d-540f-773e-99f9-c6cf0357cab8', 'ci', 'editor', 'hw_for_', '\x2723c1d573a735c37f4c66d713fd5e0a79c06fe025da44c05eb30054848f057d', 1795553056526617, NULL, NULL);
INSERT INTO public.audit VALUES
	('01a20f4d-546c-75d8-b0ec-1e3e111f01ca', '01a20f4d-540f-773e-99f9-c6cf0357cab8', 1795553055852414, 'ann', NULL, 'space.create', 'space', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '["slug","name"]'),
	('01a20f4d-5470-7192-a840-7f4e8e9fd3aa', '01a20f4d-540f-773e-99f9-c6cf0357cab8', 1795553055856727, 'ann', NULL, 'connector.create', 'connector', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', '[]'),
	('01a20f4d-5558-7312-93ae-109190510f5c', '01a20f4d-540f-773e-99f9-c6cf0357cab8', 1795553056088811, 'ann', NULL, 'sync.start', 'sync_job', '01a20f4d-5557-70d3-8364-eab3662e4100', '[]'),
	('01a20f4d-5677-7274-9b4e-04d2690a90e1', '01a20f4d-540f-773e-99f9-c6cf0357cab8', 1795553056375759, 'ann', NULL, 'product.update', 'product', '01a20f4d-5618-7479-bb60-d8f31b9980cb', '["description","tags"]'),
	('01a20f4d-5687-717c-a0c6-d7a6c6cf7d45', '01a20f4d-540f-773e-99f9-c6cf0357cab8', 1795553056391190, 'ann', NULL, 'sync.start', 'sync_job', '01a20f4d-5686-7072-bfdc-081b8697c85d', '[]'),
	('01a20f4d-56df-70ca-b933-30d8e41f538c', '01a20f4d-540f-773e-99f9-c6cf0357cab8', 1795553056479865, 'ann', NULL, 'sync.start', 'sync_job', '01a20f4d-56df-70ca-b933-30d7c66469d8', '[]'),
	('01a20f4d-5710-7025-9878-536a36b6c564', '01a20f4d-540f-773e-99f9-c6cf0357cab8', 1795553056528471, 'ann', NULL, 'key.create', 'api_key', '01a20f4d-570e-7716-8201-8a59a5921319', '["name","role","expires_at"]');
INSERT INTO public.connector VALUES
	('01a20f4d-546e-74cf-bdae-f6eee1fce1c1', '01a20f4d-540f-773e-99f9-c6cf0357cab8', 'toy', 'toy', '{"source":"toy-2"}', '\xb9b07dd4e77184543d70111493ce5278cb4bdddaeeba2520b7a559cecb324b0640bacf8dee1d8bea01711d527ff7f0a1c8aa2f87bc8ed132305c16301feb', NULL, true, NULL, '[[[],"everyone"],[["shop"],"everyone"],[["shop","public"],"everyone"]]', 1795553056479098, 1795553055854041, 1795553055854041);
INSERT INTO public.namespace VALUES
	('01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shop', 'database', '{"description":null,"owner":null,"tags":null,"properties":{}}'),
	('01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublic', 'schema', '{"description":null,"owner":null,"tags":null,"properties":{}}');
INSERT INTO public.product VALUES
	('01a20f4d-5618-7479-bb60-d8f47b4ea94e', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict1', 'shoppublic', 'toy', 'shoppublict1', 'toy', NULL, 'table', 't1', 'shop-public-t1', 'shop.public.t1', 'shop.public.t1
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c4c2338a41e', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict10', 'shoppublic', 'toy', 'shoppublict10', 'toy', NULL, 'table', 't10', 'shop-public-t10', 'shop.public.t10', 'shop.public.t10
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c4d5404a849', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict11', 'shoppublic', 'toy', 'shoppublict11', 'toy', NULL, 'table', 't11', 'shop-public-t11', 'shop.public.t11', 'shop.public.t11
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c4e38360e43', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict12', 'shoppublic', 'toy', 'shoppublict12', 'toy', NULL, 'table', 't12', 'shop-public-t12', 'shop.public.t12', 'shop.public.t12
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c4f635e0848', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict13', 'shoppublic', 'toy', 'shoppublict13', 'toy', NULL, 'table', 't13', 'shop-public-t13', 'shop.public.t13', 'shop.public.t13
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c50984cd44f', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict14', 'shoppublic', 'toy', 'shoppublict14', 'toy', NULL, 'table', 't14', 'shop-public-t14', 'shop.public.t14', 'shop.public.t14
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c51cbb57f12', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict15', 'shoppublic', 'toy', 'shoppublict15', 'toy', NULL, 'table', 't15', 'shop-public-t15', 'shop.public.t15', 'shop.public.t15
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c52d6dbb846', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict2', 'shoppublic', 'toy', 'shoppublict2', 'toy', NULL, 'table', 't2', 'shop-public-t2', 'shop.public.t2', 'shop.public.t2
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c5308657618', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict3', 'shoppublic', 'toy', 'shoppublict3', 'toy', NULL, 'table', 't3', 'shop-public-t3', 'shop.public.t3', 'shop.public.t3
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c542234e46c', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict4', 'shoppublic', 'toy', 'shoppublict4', 'toy', NULL, 'table', 't4', 'shop-public-t4', 'shop.public.t4', 'shop.public.t4
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c550ec5b75a', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict5', 'shoppublic', 'toy', 'shoppublict5', 'toy', NULL, 'table', 't5', 'shop-public-t5', 'shop.public.t5', 'shop.public.t5
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c56eb128e54', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict6', 'shoppublic', 'toy', 'shoppublict6', 'toy', NULL, 'table', 't6', 'shop-public-t6', 'shop.public.t6', 'shop.public.t6
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c57f3bab371', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict7', 'shoppublic', 'toy', 'shoppublict7', 'toy', NULL, 'table', 't7', 'shop-public-t7', 'shop.public.t7', 'shop.public.t7
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c587ecee579', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict8', 'shoppublic', 'toy', 'shoppublict8', 'toy', NULL, 'table', 't8', 'shop-public-t8', 'shop.public.t8', 'shop.public.t8
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5619-7572-a627-4c59713f8f69', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict9', 'shoppublic', 'toy', 'shoppublict9', 'toy', NULL, 'table', 't9', 'shop-public-t9', 'shop.public.t9', 'shop.public.t9
id
note', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', NULL, '\xafebb6d68c220d13d35b9cc5cfd3dd6c', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5557-70d3-8364-eab3662e4100', 1795553056275314, 1795553056275314),
	('01a20f4d-5618-7479-bb60-d8f31b9980cb', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'shoppublict0', 'shoppublic', 'toy', 'shoppublict0', 'toy', NULL, 'table', 't0', 'shop-public-t0', 'shop.public.t0', 'shop.public.t0
what was bought
id
note
more', '{"kind":"table","description":null,"fields":[{"name":"id","native_type":"bigint","data_type":{"type":"integer","bits":64},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"note","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]},{"name":"more","native_type":"text","data_type":{"type":"string","length":null},"nullable":null,"default":null,"identity":null,"generated":null,"description":null,"tags":null,"fields":[]}],"constraints":[],"definition":null,"tags":[],"owners":["toy"],"properties":{}}', '{"description":"What was bought","tags":["pii"]}', '\xf0eb24258bd86404e4317a2dc5a7cda1', NULL, NULL, 'active', '01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-5686-7072-bfdc-081b8697c85d', 1795553056275314, 1795553056411030);
INSERT INTO public.product_stats VALUES
	('01a20f4d-5618-7479-bb60-d8f31b9980cb', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5618-7479-bb60-d8f47b4ea94e', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c4c2338a41e', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c4d5404a849', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c4e38360e43', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c4f635e0848', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c50984cd44f', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c51cbb57f12', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c52d6dbb846', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c5308657618', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c542234e46c', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c550ec5b75a', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c56eb128e54', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c57f3bab371', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c587ecee579', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314),
	('01a20f4d-5619-7572-a627-4c59713f8f69', '{"row_count":{"value":20,"origin":"exact"},"size_bytes":null,"last_altered":null}', 1795553056275314);
INSERT INTO public.removal VALUES
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c4c2338a41e'),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c4d5404a849'),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c4e38360e43'),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c4f635e0848'),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c50984cd44f'),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c51cbb57f12'),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c550ec5b75a'),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c56eb128e54'),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c57f3bab371'),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c587ecee579'),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-5619-7572-a627-4c59713f8f69');
INSERT INTO public.run VALUES
	('01a20f4d-5557-70d3-8364-eab3662e4100', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'toy', 'completed', NULL, 'api', '{"full_refresh":false,"accept_source":false}', 1, 'node-01a20f4d-5471-75fc-ad0c-391ffc11641a', NULL, false, '{"identity":null,"containers":[{"path":[],"children":"complete","visibility":"everyone"},{"path":["shop"],"children":"complete","visibility":"everyone"},{"path":["shop","public"],"children":"complete","visibility":"everyone"}],"splits":[],"max_parallel":null}', 1, 1, 16, 16, 0, 0, 0, 'complete', '[]', 'none', NULL, '{"requests":6,"statements":0,"bytes_billed":0,"source_seconds":0.0}', 0, NULL, NULL, 1795553056087004, 1795553056326625),
	('01a20f4d-5686-7072-bfdc-081b8697c85d', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'toy', 'completed', NULL, 'api', '{"full_refresh":false,"accept_source":false}', 1, 'node-01a20f4d-5471-75fc-ad0c-391ffc11641a', NULL, false, '{"identity":null,"containers":[{"path":[],"children":"complete","visibility":"everyone"},{"path":["shop"],"children":"complete","visibility":"everyone"},{"path":["shop","public"],"children":"complete","visibility":"everyone"}],"splits":[],"max_parallel":null}', 1, 1, 16, 0, 1, 15, 0, 'complete', '[]', 'none', NULL, '{"requests":6,"statements":0,"bytes_billed":0,"source_seconds":0.0}', 0, NULL, NULL, 1795553056390333, 1795553056460065),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', '01a20f4d-540f-773e-99f9-c6cf0357cab8', '01a20f4d-546e-74cf-bdae-f6eee1fce1c1', 'toy', 'completed', NULL, 'api', '{"full_refresh":false,"accept_source":false}', 1, 'node-01a20f4d-5471-75fc-ad0c-391ffc11641a', NULL, false, '{"identity":null,"containers":[{"path":[],"children":"complete","visibility":"everyone"},{"path":["shop"],"children":"complete","visibility":"everyone"},{"path":["shop","public"],"children":"complete","visibility":"everyone"}],"splits":[],"max_parallel":null}', 1, 1, 5, 0, 0, 5, 0, 'complete', '[]', 'held', 'limit', '{"requests":6,"statements":0,"bytes_billed":0,"source_seconds":0.0}', 0, NULL, NULL, 1795553056479098, 1795553056505005);
INSERT INTO public.run_split VALUES
	('01a20f4d-5557-70d3-8364-eab3662e4100', 0, '{"id":"shop.public","namespaces":[["shop","public"]],"payload":null}', 'done', '[[["shop","public"],"complete"]]', 16, NULL, NULL),
	('01a20f4d-5686-7072-bfdc-081b8697c85d', 0, '{"id":"shop.public","namespaces":[["shop","public"]],"payload":null}', 'done', '[[["shop","public"],"complete"]]', 16, NULL, NULL),
	('01a20f4d-56df-70ca-b933-30d7c66469d8', 0, '{"id":"shop.public","namespaces":[["shop","public"]],"payload":null}', 'done', '[[["shop","public"],"complete"]]', 5, NULL, NULL);
INSERT INTO public.schema_change VALUES
	('01a20f4d-56a4-73e7-86b7-4e06f374fe37', '01a20f4d-5618-7479-bb60-d8f31b9980cb', '01a20f4d-5686-7072-bfdc-081b8697c85d', 1795553056411030, '[{"op":"added","part":"fields","path":["more"],"attribute":null,"before":null,"after":{"data_type":{"length":null,"type":"string"},"default":null,"description":null,"fields":[],"generated":null,"identity":null,"name":"more","native_type":"text","nullable":null,"tags":null}}]');
INSERT INTO public.space VALUES
	('01a20f4d-540f-773e-99f9-c6cf0357cab8', 'shop', 'The shop', 1795553055759231);
ALTER TABLE ONLY public.__diesel_schema_migrations
    ADD CONSTRAINT __diesel_schema_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_digest_key UNIQUE (digest);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.connector
    ADD CONSTRAINT connector_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.edge
    ADD CONSTRAINT edge_pkey PRIMARY KEY (product_id, ordinal);
ALTER TABLE ONLY public.namespace
    ADD CONSTRAINT namespace_pkey PRIMARY KEY (connector_id, key);
ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_connector_id_key_key UNIQUE (connector_id, key);
ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_space_id_slug_key UNIQUE (space_id, slug);
ALTER TABLE ONLY public.product_stats
    ADD CONSTRAINT product_stats_pkey PRIMARY KEY (product_id);
ALTER TABLE ONLY public.removal
    ADD CONSTRAINT removal_pkey PRIMARY KEY (run_id, product_id);
ALTER TABLE ONLY public.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.run_split
    ADD CONSTRAINT run_split_pkey PRIMARY KEY (run_id, ordinal);
ALTER TABLE ONLY public.run_warning_count
    ADD CONSTRAINT run_warning_count_pkey PRIMARY KEY (run_id, code);
ALTER TABLE ONLY public.run_warning
    ADD CONSTRAINT run_warning_pkey PRIMARY KEY (run_id, ordinal);
ALTER TABLE ONLY public.schema_change
    ADD CONSTRAINT schema_change_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.space
    ADD CONSTRAINT space_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.space
    ADD CONSTRAINT space_slug_key UNIQUE (slug);
CREATE INDEX api_key_space ON public.api_key USING btree (space_id);
CREATE INDEX audit_space ON public.audit USING btree (space_id, at DESC, id DESC);
CREATE INDEX connector_space ON public.connector USING btree (space_id, created_at, id);
CREATE INDEX edge_upstream ON public.edge USING btree (space_id, upstream_family, upstream_folded);
CREATE INDEX product_changed ON public.product USING btree (changed_run);
CREATE INDEX product_created ON public.product USING btree (created_run);
CREATE INDEX product_folded ON public.product USING btree (space_id, family, folded);
CREATE INDEX product_listed ON public.product USING btree (space_id, hosting_location, id);
CREATE INDEX product_namespace ON public.product USING btree (connector_id, namespace);
CREATE INDEX product_native ON public.product USING btree (connector_id, native_id);
CREATE UNIQUE INDEX run_active ON public.run USING btree (connector_id) WHERE (status = 'running'::text);
CREATE INDEX run_connector ON public.run USING btree (connector_id, started_at DESC, id DESC);
CREATE INDEX run_space ON public.run USING btree (space_id, started_at DESC, id DESC);
CREATE INDEX schema_change_product ON public.schema_change USING btree (product_id, changed_at DESC, id DESC);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.space(id);
ALTER TABLE ONLY public.connector
    ADD CONSTRAINT connector_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.space(id);
ALTER TABLE ONLY public.edge
    ADD CONSTRAINT edge_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(id);
ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.space(id);
ALTER TABLE ONLY public.product_stats
    ADD CONSTRAINT product_stats_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(id);
ALTER TABLE ONLY public.removal
    ADD CONSTRAINT removal_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(id);
ALTER TABLE ONLY public.removal
    ADD CONSTRAINT removal_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.run(id);
ALTER TABLE ONLY public.run
    ADD CONSTRAINT run_space_id_fkey FOREIGN KEY (space_id) REFERENCES public.space(id);
ALTER TABLE ONLY public.run_split
    ADD CONSTRAINT run_split_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.run(id);
ALTER TABLE ONLY public.run_warning_count
    ADD CONSTRAINT run_warning_count_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.run(id);
ALTER TABLE ONLY public.run_warning
    ADD CONSTRAINT run_warning_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.run(id);
ALTER TABLE ONLY public.schema_change
    ADD CONSTRAINT schema_change_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(id);
