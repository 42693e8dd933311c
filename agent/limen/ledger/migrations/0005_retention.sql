-- Denials are the part of the audit log that a client can make grow by asking again. Old ones may go, through one
-- function that writes down that it was used; what was done is kept for good, and nobody may delete anything else.
CREATE INDEX audit_denied ON audit (at) WHERE NOT allowed;

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Only prune_denials sets it, while it deletes, and it runs as the table's owner: whoever sets it without being
    -- that has no right to delete here anyway.
    IF TG_OP = 'DELETE' AND current_setting('limen.pruning', true) = 'on' AND current_user = (
        SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID
    ) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the audit log can only be appended to' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION prune_denials(older_than interval, at_most integer, pruner text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before timestamptz := clock_timestamp() - older_than;
    removed integer;
BEGIN
    IF older_than IS NULL OR older_than < interval '30 days' OR pruner IS NULL THEN
        RAISE EXCEPTION 'denials are kept for 30 days at least' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM set_config('limen.pruning', 'on', true);
    DELETE FROM audit WHERE id IN (
        SELECT id FROM audit WHERE NOT allowed AND at < before ORDER BY at LIMIT at_most);
    GET DIAGNOSTICS removed = ROW_COUNT;
    PERFORM set_config('limen.pruning', 'off', true);
    IF removed > 0 THEN
        INSERT INTO audit (actor, action, allowed, detail)
        VALUES (pruner, 'audit.prune', true, jsonb_build_object('before', before, 'removed', removed));
    END IF;
    RETURN removed;
END
$$;
REVOKE ALL ON FUNCTION prune_denials FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prune_denials TO limen_admin;

-- Whoever may read the ledger may see at which migration it is.
GRANT SELECT ON alembic_version TO limen_admit, limen_admin, limen_read;
