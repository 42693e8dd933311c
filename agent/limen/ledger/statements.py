"""The SQL of an admission. Trip one: enter, lock, read. Trip two: write, commit.

Every statement is one text, so that it is prepared once a connection.
"""

from limen.ledger.rows import CLAIM

_PROJECTS_NAMED = "p.name = ANY(%(projects)s::text[])"
_PROJECTS_TOUCHED = (
    f"({_PROJECTS_NAMED} OR p.id IN (SELECT c.project_id FROM claims c WHERE c.id = ANY(%(claims)s::uuid[])))"
)
_HELD = """ARRAY(SELECT g.resource FROM charges g WHERE g.claim_id = ANY(%(claims)s::uuid[]))"""
_HOSTS_HELD = """ARRAY(SELECT i.host_id FROM items i WHERE i.claim_id = ANY(%(claims)s::uuid[]))"""

LOCK_CLAIMS = "SELECT FROM claims WHERE id = ANY(%(claims)s::uuid[]) ORDER BY id FOR UPDATE"


def _lock(projects: str, resources: str, hosts: str) -> str:
    """Lock counters in the one order: projects ascending, then hosts ascending.

    `h` reads the count of `l`, so that no host row is locked before the last project row is. Rows without a
    number to compare keep no counters; the tree lock, held shared, keeps them as they are.
    """
    return f"""
WITH l AS (
    SELECT 1 FROM limits
    WHERE counted AND resource = ANY({resources}) AND project_id = ANY(ARRAY(
        SELECT unnest(p.ancestry) FROM projects p WHERE {projects}))
    ORDER BY project_id, resource FOR UPDATE
), h AS (
    SELECT 1 FROM capacities
    WHERE resource = ANY({resources}) AND host_id = ANY({hosts}) AND (SELECT count(*) FROM l) >= 0
    ORDER BY host_id, resource FOR UPDATE
)
SELECT (SELECT count(*) FROM l), (SELECT count(*) FROM h)"""


def _read(projects: str, resources: str, hosts: str, *, claims: str, answers: str) -> str:
    """Everything that a decision needs, in one row; the clock is read here, after the locks."""
    return f"""
WITH t AS MATERIALIZED (SELECT p.id, p.name, p.ancestry, p.chain FROM projects p WHERE {projects}),
s AS MATERIALIZED (SELECT DISTINCT unnest(ancestry) AS id FROM t)
SELECT clock_timestamp(),
    (SELECT json_agg(json_build_array(name, ancestry, chain)) FROM t),
    (SELECT json_agg(json_build_array(project_id, resource, hard, soft, extract(epoch FROM grace), soft_since,
        used, reserved)) FROM limits
        WHERE resource = ANY({resources}) AND project_id = ANY(ARRAY(SELECT id FROM s))),
    (SELECT json_agg(json_build_array(project_id, resource, minimum, maximum, usual)) FROM bounds
        WHERE project_id = ANY(ARRAY(SELECT id FROM s))),
    (SELECT json_agg(json_build_array(id, name)) FROM hosts WHERE id = ANY({hosts})),
    (SELECT json_agg(json_build_array(host_id, resource, allowed, used, reserved, orphans)) FROM capacities
        WHERE resource = ANY({resources}) AND host_id = ANY({hosts})),
    {claims},
    {answers}"""


_NO_CLAIMS = "(SELECT json_agg(id) FROM claims WHERE id = ANY(%(new)s::uuid[]))"
_CLAIMS = f"""(SELECT json_agg({CLAIM}) FROM claims c JOIN projects p ON p.id = c.project_id
        WHERE c.id = ANY(%(claims)s::uuid[] || %(new)s::uuid[]))"""
_NO_ANSWERS = "NULL"
_ANSWERS = """(SELECT json_agg(json_build_array(a.claim_id, a.key, a.request, a.answer))
        FROM unnest(%(answer_claims)s::uuid[], %(answer_keys)s::text[]) AS w(claim_id, key)
        JOIN answers a USING (claim_id, key))"""

_RESOURCES = "%(resources)s::text[]"
_HOSTS = "%(hosts)s::uuid[]"
_NEW = (_PROJECTS_NAMED, _RESOURCES, _HOSTS)
_OLD = (_PROJECTS_TOUCHED, f"({_RESOURCES} || {_HELD})", f"({_HOSTS} || {_HOSTS_HELD})")

# By whether existing claims are touched.
LOCK = {False: _lock(*_NEW), True: _lock(*_OLD)}

# By whether existing claims are touched, and whether idempotency keys are looked up.
READ = {
    (False, False): _read(*_NEW, claims=_NO_CLAIMS, answers=_NO_ANSWERS),
    (False, True): _read(*_NEW, claims=_NO_CLAIMS, answers=_ANSWERS),
    (True, False): _read(*_OLD, claims=_CLAIMS, answers=_NO_ANSWERS),
    (True, True): _read(*_OLD, claims=_CLAIMS, answers=_ANSWERS),
}

# One part for each kind of row that a transaction may write: how the rows x of its list are written, and
# what columns x has. New claims are inserted without a conflict clause: of two creations of one id the second
# must start again.
_PARTS = {
    "claims_new": (
        "INSERT INTO claims SELECT x.* FROM {x}",
        """id uuid, project_id bigint, owner_kind text, owner_name text, backend text, stack_project text,
        stack text, host_id uuid, generation bigint, state text, fences bigint, created timestamptz,
        updated timestamptz""",
    ),
    "claims": (
        """UPDATE claims c SET project_id = x.project_id, owner_kind = x.owner_kind,
            owner_name = x.owner_name, backend = x.backend, stack_project = x.stack_project,
            stack = x.stack, host_id = x.host_id, generation = x.generation, state = x.state,
            fences = x.fences, updated = x.updated
        FROM {x} WHERE c.id = x.id""",
        """id uuid, project_id bigint, owner_kind text, owner_name text, backend text, stack_project text,
        stack text, host_id uuid, generation bigint, state text, fences bigint, updated timestamptz""",
    ),
    "items": (
        """INSERT INTO items AS i (claim_id, key, kind, name, host_id, uuid, volume, snapshot, state,
            deadline, fence, seen, released) SELECT x.* FROM {x}
        ON CONFLICT (claim_id, key) DO UPDATE SET kind = excluded.kind, name = excluded.name,
            host_id = excluded.host_id, uuid = excluded.uuid, volume = excluded.volume,
            snapshot = excluded.snapshot, state = excluded.state, deadline = excluded.deadline,
            fence = excluded.fence, seen = excluded.seen, released = excluded.released""",
        """claim_id uuid, key text, kind text, name text, host_id uuid, uuid uuid, volume text, snapshot text,
        state text, deadline timestamptz, fence bigint, seen boolean, released boolean""",
    ),
    "charges": (
        """INSERT INTO charges (claim_id, key, resource, claimed, observed) SELECT x.* FROM {x}
        ON CONFLICT (claim_id, key, resource) DO UPDATE
            SET claimed = excluded.claimed, observed = excluded.observed""",
        "claim_id uuid, key text, resource text, claimed bigint, observed bigint",
    ),
    "charges_gone": (
        """DELETE FROM charges g USING {x}
        WHERE g.claim_id = x.claim_id AND g.key = x.key AND g.resource = x.resource""",
        "claim_id uuid, key text, resource text",
    ),
    "items_gone": (
        "DELETE FROM items i USING {x} WHERE i.claim_id = x.claim_id AND i.key = x.key",
        "claim_id uuid, key text",
    ),
    "limits": (
        """UPDATE limits l SET used = l.used + x.used, reserved = l.reserved + x.reserved,
            soft_since = CASE
                WHEN l.soft IS NULL OR l.used + x.used + l.reserved + x.reserved <= l.soft THEN NULL
                ELSE coalesce(l.soft_since, (SELECT (d->>'now')::timestamptz FROM doc)) END
        FROM {x} WHERE l.project_id = x.project_id AND l.resource = x.resource""",
        "project_id bigint, resource text, used bigint, reserved bigint",
    ),
    "capacities": (
        """UPDATE capacities h SET used = h.used + x.used, reserved = h.reserved + x.reserved
        FROM {x} WHERE h.host_id = x.host_id AND h.resource = x.resource""",
        "host_id uuid, resource text, used bigint, reserved bigint",
    ),
    "answers": (
        "INSERT INTO answers (claim_id, key, request, answer) SELECT x.* FROM {x}",
        "claim_id uuid, key text, request text, answer jsonb",
    ),
    "audit": (
        "INSERT INTO audit (actor, action, project, claim_id, allowed, detail) SELECT x.* FROM {x}",
        "actor text, action text, project text, claim_id uuid, allowed boolean, detail jsonb",
    ),
}


def write(parts: frozenset[str]) -> str:
    """One statement that writes these parts of a JSON document with a list for each; `parts` is not empty."""
    ctes = "".join(f",\n{name}_ AS ({_part(name)})" for name in _PARTS if name in parts)
    return f"WITH doc AS MATERIALIZED (SELECT %s::jsonb AS d){ctes}\nSELECT"


def _part(name: str) -> str:
    text, columns = _PARTS[name]
    return text.format(x=f"jsonb_to_recordset((SELECT d->'{name}' FROM doc)) AS x({columns})")
