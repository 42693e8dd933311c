-- A token of a host: its agent reports with it what that one host holds. It goes with the host.
ALTER TABLE tokens ADD COLUMN host_id uuid REFERENCES hosts ON DELETE CASCADE;
ALTER TABLE tokens ADD CHECK (('host:report' = ANY (scopes)) = (host_id IS NOT NULL));
-- When the host's agent reported last, and where limen-api reaches it (NULL: nowhere).
ALTER TABLE hosts ADD COLUMN reported timestamptz;
ALTER TABLE hosts ADD COLUMN agent_url text;
GRANT UPDATE (reported) ON hosts TO limen_admit;
-- The volumes ("pool/name") that a domain was seen to write to: it is adopted with these.
ALTER TABLE observations ADD COLUMN disks text[] NOT NULL DEFAULT '{}';
