ALTER TABLE connector DROP COLUMN links_into;
DROP INDEX edge_end;
DELETE FROM edge WHERE flow = 'out';
ALTER TABLE edge DROP COLUMN flow;
ALTER TABLE edge RENAME COLUMN end_folded TO upstream_folded;
ALTER TABLE edge RENAME COLUMN end_key TO upstream_key;
ALTER TABLE edge RENAME COLUMN end_family TO upstream_family;
CREATE INDEX edge_upstream ON edge (space_id, upstream_family, upstream_folded);
