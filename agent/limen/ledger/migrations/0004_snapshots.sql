-- A snapshot is claimed by what a scan knows it by: "domain-uuid/name".
ALTER TABLE items DROP COLUMN identity;
ALTER TABLE items ADD COLUMN snapshot text;
ALTER TABLE items ADD COLUMN identity text NOT NULL
    GENERATED ALWAYS AS (coalesce(volume, snapshot, uuid::text)) STORED;
-- The index went with its column.
CREATE UNIQUE INDEX items_identity ON items (host_id, kind, identity) WHERE NOT released;
-- Kept answers hold items of the old form; nobody repeats a request over an upgrade.
DELETE FROM answers;
