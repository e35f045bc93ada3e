-- Of a product, to or from a path of a family. flow: in or out, seen from the product.
DROP INDEX edge_upstream;
ALTER TABLE edge RENAME COLUMN upstream_family TO end_family;
ALTER TABLE edge RENAME COLUMN upstream_key TO end_key;
ALTER TABLE edge RENAME COLUMN upstream_folded TO end_folded;
ALTER TABLE edge ADD COLUMN flow TEXT NOT NULL DEFAULT 'in';
CREATE INDEX edge_end ON edge (space_id, end_family, end_folded);

-- The connector where ends of other families are looked for. It may be gone, so there is no foreign key.
ALTER TABLE connector ADD COLUMN links_into TEXT;
