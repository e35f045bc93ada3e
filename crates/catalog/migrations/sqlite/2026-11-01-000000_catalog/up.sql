CREATE TABLE space (
    id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- An instance key has no space.
CREATE TABLE api_key (
    id TEXT NOT NULL PRIMARY KEY,
    space_id TEXT REFERENCES space (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    prefix TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_key_space ON api_key (space_id);

-- config: the JSON as it was sent. credentials: sealed, see the key ring.
-- visibility: JSON, per container the fingerprint of the newest run that applied its removals.
CREATE TABLE connector (
    id TEXT NOT NULL PRIMARY KEY,
    space_id TEXT NOT NULL REFERENCES space (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    credentials BLOB NOT NULL,
    source_system_id TEXT,
    is_active BOOL NOT NULL,
    source_identity TEXT,
    visibility TEXT NOT NULL,
    last_sync_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX connector_space ON connector (space_id, created_at, id);

-- The history keeps a connector's name after the connector is deleted, so there is no foreign key.
-- request: JSON of what was asked for. discovery: JSON, stored so that a takeover resumes the same cut.
CREATE TABLE run (
    id TEXT NOT NULL PRIMARY KEY,
    space_id TEXT NOT NULL REFERENCES space (id),
    connector_id TEXT NOT NULL,
    connector_name TEXT NOT NULL,
    status TEXT NOT NULL,
    phase TEXT,
    trigger_kind TEXT NOT NULL,
    request TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    node TEXT,
    lease_until BIGINT,
    cancel_requested BOOL NOT NULL,
    discovery TEXT,
    splits_total BIGINT NOT NULL,
    splits_done BIGINT NOT NULL,
    assets_seen BIGINT NOT NULL,
    products_created BIGINT NOT NULL,
    products_updated BIGINT NOT NULL,
    products_unchanged BIGINT NOT NULL,
    products_archived BIGINT NOT NULL,
    completeness TEXT,
    partial TEXT NOT NULL,
    removals TEXT NOT NULL,
    removal_reason TEXT,
    cost TEXT NOT NULL,
    warnings_count BIGINT NOT NULL,
    error_code TEXT,
    error_detail TEXT,
    started_at BIGINT NOT NULL,
    completed_at BIGINT
);
CREATE UNIQUE INDEX run_active ON run (connector_id) WHERE status = 'running';
CREATE INDEX run_space ON run (space_id, started_at DESC, id DESC);
CREATE INDEX run_connector ON run (connector_id, started_at DESC, id DESC);

-- split: JSON, frozen. closed: JSON, how far each namespace was listed in the attempt that counts.
CREATE TABLE run_split (
    run_id TEXT NOT NULL REFERENCES run (id),
    ordinal BIGINT NOT NULL,
    split TEXT NOT NULL,
    state TEXT NOT NULL,
    closed TEXT NOT NULL,
    seen BIGINT NOT NULL,
    error_code TEXT,
    error_detail TEXT,
    PRIMARY KEY (run_id, ordinal)
);

-- The first 100 of each code; run_warning_count has how many there were.
CREATE TABLE run_warning (
    run_id TEXT NOT NULL REFERENCES run (id),
    ordinal BIGINT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    path TEXT,
    PRIMARY KEY (run_id, ordinal)
);
CREATE TABLE run_warning_count (
    run_id TEXT NOT NULL REFERENCES run (id),
    code TEXT NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (run_id, code)
);

-- key: the path's segments joined with U+001F. folded: the same, folded by the family's rule.
-- doc: JSON of what the source says. manual: JSON of what people wrote over it.
-- The long texts come last: SQLite walks through all of a long value to reach what is stored behind it.
CREATE TABLE product (
    id TEXT NOT NULL PRIMARY KEY,
    space_id TEXT NOT NULL REFERENCES space (id),
    connector_id TEXT NOT NULL,
    key TEXT NOT NULL,
    namespace TEXT NOT NULL,
    family TEXT NOT NULL,
    folded TEXT NOT NULL,
    provider TEXT NOT NULL,
    native_id TEXT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    hosting_location TEXT NOT NULL,
    hash BLOB NOT NULL,
    edges_hash BLOB,
    version TEXT,
    state TEXT NOT NULL,
    created_run TEXT NOT NULL,
    changed_run TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    search TEXT NOT NULL,
    doc TEXT NOT NULL,
    manual TEXT,
    UNIQUE (connector_id, key),
    UNIQUE (space_id, slug)
);
CREATE INDEX product_namespace ON product (connector_id, namespace);
CREATE INDEX product_native ON product (connector_id, native_id);
CREATE INDEX product_changed ON product (changed_run);
CREATE INDEX product_created ON product (created_run);
CREATE INDEX product_folded ON product (space_id, family, folded);
CREATE INDEX product_listed ON product (space_id, hosting_location, id);

-- Beside the document: statistics move without the product changing.
CREATE TABLE product_stats (
    product_id TEXT NOT NULL PRIMARY KEY REFERENCES product (id),
    doc TEXT NOT NULL,
    written_at BIGINT NOT NULL
);

CREATE TABLE schema_change (
    id TEXT NOT NULL PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES product (id),
    run_id TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    changes TEXT NOT NULL
);
CREATE INDEX schema_change_product ON schema_change (product_id, changed_at DESC, id DESC);

-- Into a product, from a path of a family; resolved by a join when it is read.
CREATE TABLE edge (
    product_id TEXT NOT NULL REFERENCES product (id),
    ordinal BIGINT NOT NULL,
    space_id TEXT NOT NULL,
    upstream_family TEXT NOT NULL,
    upstream_key TEXT NOT NULL,
    upstream_folded TEXT NOT NULL,
    kind TEXT NOT NULL,
    field_pairs TEXT NOT NULL,
    PRIMARY KEY (product_id, ordinal)
);
CREATE INDEX edge_upstream ON edge (space_id, upstream_family, upstream_folded);

CREATE TABLE namespace (
    connector_id TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (connector_id, key)
);

-- Products that a run found gone; applied or held by its last transaction.
CREATE TABLE removal (
    run_id TEXT NOT NULL REFERENCES run (id),
    product_id TEXT NOT NULL REFERENCES product (id),
    PRIMARY KEY (run_id, product_id)
);

-- Append-only. fields: JSON, the names of changed fields, never their values.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    space_id TEXT,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    key_id TEXT,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    object_id TEXT NOT NULL,
    fields TEXT NOT NULL
);
CREATE INDEX audit_space ON audit (space_id, at DESC, id DESC);
