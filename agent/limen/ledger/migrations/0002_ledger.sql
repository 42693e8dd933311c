-- `ancestry` and `chain` run from the project itself up to its root; only the tree edits change them.
CREATE TABLE projects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    parent_id bigint REFERENCES projects,
    ancestry bigint[] NOT NULL CHECK (ancestry[1] = id),
    chain text[] NOT NULL CHECK (chain[1] = name AND cardinality(chain) = cardinality(ancestry)),
    created timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX projects_parent ON projects (parent_id);
CREATE INDEX projects_ancestry ON projects USING gin (ancestry);

-- A row is a limit that is set; hard NULL is unlimited. Only rows with a number to compare keep counters: they are
-- the ones that admissions lock. fillfactor leaves room for heap-only updates.
CREATE TABLE limits (
    project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    resource text NOT NULL,
    hard bigint CHECK (hard BETWEEN 0 AND 9007199254740991),
    soft bigint CHECK (soft BETWEEN 0 AND 9007199254740991),
    grace interval CHECK (grace >= interval '0'),
    soft_since timestamptz,
    used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    counted boolean NOT NULL GENERATED ALWAYS AS (hard IS NOT NULL OR soft IS NOT NULL) STORED,
    PRIMARY KEY (project_id, resource),
    CHECK (soft <= hard),
    CHECK (grace IS NULL OR soft IS NOT NULL),
    CHECK (soft_since IS NULL OR soft IS NOT NULL)
) WITH (fillfactor = 40);

CREATE TABLE bounds (
    project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    resource text NOT NULL,
    minimum bigint CHECK (minimum BETWEEN 0 AND 9007199254740991),
    maximum bigint CHECK (maximum BETWEEN 0 AND 9007199254740991),
    usual bigint CHECK (usual BETWEEN 0 AND 9007199254740991),
    PRIMARY KEY (project_id, resource),
    CHECK (minimum <= maximum),
    CHECK (usual >= minimum AND usual <= maximum)
);

CREATE TABLE hosts (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    uri text NOT NULL,
    scanned timestamptz,
    created timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE capacities (
    host_id uuid NOT NULL REFERENCES hosts ON DELETE CASCADE,
    resource text NOT NULL,
    capacity bigint NOT NULL CHECK (capacity BETWEEN 0 AND 9007199254740991),
    reserve bigint NOT NULL DEFAULT 0 CHECK (reserve BETWEEN 0 AND 9007199254740991),
    overcommit numeric(7, 3) NOT NULL DEFAULT 1 CHECK (overcommit BETWEEN 0 AND 1000),
    allowed bigint NOT NULL GENERATED ALWAYS AS (
        least(greatest(floor(capacity * overcommit) - reserve, 0), 9007199254740991)::bigint
    ) STORED,
    used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    orphans bigint NOT NULL DEFAULT 0 CHECK (orphans >= 0),
    PRIMARY KEY (host_id, resource)
) WITH (fillfactor = 40);

-- `fences` is the last fencing token given out for any of the claim's items.
CREATE TABLE claims (
    id uuid PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES projects,
    owner_kind text NOT NULL CHECK (owner_kind IN ('stack', 'vm', 'adopted')),
    owner_name text NOT NULL,
    backend text NOT NULL,
    stack_project text NOT NULL,
    stack text NOT NULL,
    host_id uuid NOT NULL,
    generation bigint NOT NULL CHECK (generation > 0),
    state text NOT NULL CHECK (state IN ('held', 'released')),
    fences bigint NOT NULL DEFAULT 0,
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL
);
CREATE INDEX claims_project ON claims (project_id);

CREATE TABLE items (
    claim_id uuid NOT NULL REFERENCES claims ON DELETE CASCADE,
    key text NOT NULL CHECK (key ~ '^[a-z0-9][a-z0-9:._-]{0,127}$'),
    kind text NOT NULL CHECK (kind IN ('vm', 'disk', 'network', 'snapshot')),
    name text NOT NULL,
    host_id uuid NOT NULL REFERENCES hosts,
    uuid uuid NOT NULL,
    volume text,
    identity text NOT NULL GENERATED ALWAYS AS (coalesce(volume, uuid::text)) STORED,
    state text NOT NULL CHECK (state IN ('reserved', 'building', 'committed', 'lapsing')),
    deadline timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    seen boolean NOT NULL DEFAULT false,
    released boolean NOT NULL DEFAULT false,
    PRIMARY KEY (claim_id, key),
    CHECK ((state = 'committed') = (deadline IS NULL)),
    CHECK (state <> 'committed' OR (seen AND NOT released)),
    CHECK (NOT released OR state = 'lapsing')
);
-- Two claims cannot hold one thing of a host; what was released waits for its scan beside its successor.
CREATE UNIQUE INDEX items_identity ON items (host_id, kind, identity) WHERE NOT released;
CREATE INDEX items_host ON items (host_id);
CREATE INDEX items_deadline ON items (deadline) WHERE state IN ('reserved', 'building');

CREATE TABLE charges (
    claim_id uuid NOT NULL,
    key text NOT NULL,
    resource text NOT NULL,
    claimed bigint NOT NULL DEFAULT 0 CHECK (claimed BETWEEN 0 AND 9007199254740991),
    observed bigint NOT NULL DEFAULT 0 CHECK (observed BETWEEN 0 AND 9007199254740991),
    charge bigint NOT NULL GENERATED ALWAYS AS (greatest(claimed, observed)) STORED,
    PRIMARY KEY (claim_id, key, resource),
    FOREIGN KEY (claim_id, key) REFERENCES items ON DELETE CASCADE
);

CREATE TABLE answers (
    claim_id uuid NOT NULL,
    key text NOT NULL,
    request text NOT NULL,
    answer jsonb NOT NULL,
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (claim_id, key)
);
CREATE INDEX answers_created ON answers (created);

CREATE TABLE observations (
    host_id uuid NOT NULL REFERENCES hosts ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('vm', 'disk', 'network', 'snapshot')),
    identity text NOT NULL,
    name text NOT NULL,
    amounts jsonb NOT NULL,
    hint uuid,
    begun timestamptz NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (host_id, kind, identity)
);

CREATE TABLE scans (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host_id uuid NOT NULL REFERENCES hosts ON DELETE CASCADE,
    begun timestamptz NOT NULL,
    finished timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome text NOT NULL CHECK (outcome IN ('applied', 'ignored', 'failed')),
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX scans_host ON scans (host_id, begun);

CREATE TABLE users (
    name text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._@-]{0,62}$'),
    administrator boolean NOT NULL DEFAULT false,
    created timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE memberships (
    project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_name text NOT NULL REFERENCES users ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'owner')),
    PRIMARY KEY (project_id, user_name)
);
CREATE INDEX memberships_user ON memberships (user_name);

-- `projects` NULL: every project that the user may see. Ids, so that a new project of an old name is not meant.
CREATE TABLE tokens (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_name text NOT NULL REFERENCES users ON DELETE CASCADE,
    digest bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    scopes text[] NOT NULL,
    projects bigint[],
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires timestamptz NOT NULL,
    revoked timestamptz
);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    project text,
    claim_id uuid,
    allowed boolean NOT NULL,
    detail jsonb NOT NULL
);
CREATE INDEX audit_project ON audit (project, id);
