CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log can only be appended to' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT USAGE ON SCHEMA public TO limen_admit, limen_admin, limen_read;
GRANT SELECT ON projects, limits, bounds, hosts, capacities, claims, items, charges, answers, observations, scans,
    users, memberships, tokens, audit TO limen_admit, limen_admin, limen_read;
GRANT INSERT ON audit TO limen_admit, limen_admin, limen_read;

-- Admission moves counters and nothing else of a limit.
GRANT UPDATE (used, reserved, soft_since) ON limits TO limen_admit;
GRANT UPDATE (used, reserved, orphans) ON capacities TO limen_admit;
GRANT UPDATE (scanned) ON hosts TO limen_admit;
GRANT INSERT, UPDATE, DELETE ON claims, items, charges, answers, observations TO limen_admit, limen_admin;
GRANT INSERT, DELETE ON scans TO limen_admit, limen_admin;

GRANT INSERT, UPDATE, DELETE ON projects, limits, bounds, hosts, capacities, users, memberships, tokens TO limen_admin;
-- A project's ancestry holds its own id, so the id is drawn before the row is written.
GRANT USAGE ON SEQUENCE projects_id_seq TO limen_admin;
