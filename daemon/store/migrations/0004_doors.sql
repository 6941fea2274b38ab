-- The doors: projects, the hooks that forges call, what they deliver, what others hear of jobs, and sessions of the
-- page. `format` and `version` of a stored value are those of upcast.rs; only a project has versions of its own.

-- Projects. The rows of deleted ones stay, so that numbers of versions go on.
CREATE TABLE projects (
    name       TEXT PRIMARY KEY,
    -- Number of the newest version.
    last       INTEGER NOT NULL,
    deleted    INTEGER NOT NULL DEFAULT 0,
    -- Who deleted the project, and when. Null: nobody did.
    deleted_by TEXT,
    deleted_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE project_versions (
    project    TEXT NOT NULL,
    version    INTEGER NOT NULL,
    -- project::ProjectSpec, JSON.
    spec       TEXT NOT NULL,
    format     INTEGER NOT NULL,
    applied_by TEXT NOT NULL,
    at_ms      INTEGER NOT NULL,
    PRIMARY KEY (project, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE hooks (
    id                TEXT PRIMARY KEY,
    project           TEXT NOT NULL,
    repository        TEXT NOT NULL,
    -- The secret, bound to the three columns above.
    sealed            BLOB NOT NULL,
    -- The secret before it, and the end of its time. Null: there was none.
    previous          BLOB,
    previous_until_ms INTEGER,
    created_ms        INTEGER NOT NULL,
    created_by        TEXT NOT NULL,
    -- The last verified delivery, and the repository's id at the forge. Null: none came.
    seen_ms           INTEGER,
    repository_id     TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX hooks_by_project ON hooks (project, created_ms, id);

CREATE TABLE deliveries (
    id               TEXT PRIMARY KEY,
    -- Empty: a poll found the change.
    hook             TEXT NOT NULL,
    project          TEXT NOT NULL,
    repository       TEXT NOT NULL,
    -- 1, 2, 3 … per hook: those that lie too far behind the last one are deleted.
    number           INTEGER NOT NULL,
    -- Empty: the forge gives none.
    forge_id         TEXT NOT NULL,
    body_sha256      TEXT NOT NULL,
    at_ms            INTEGER NOT NULL,
    -- delivery::Report, and a list of delivery::Verdict, JSON.
    report           TEXT NOT NULL,
    version          INTEGER NOT NULL,
    verdicts         TEXT NOT NULL,
    verdicts_version INTEGER NOT NULL,
    -- There is a verdict.
    decided          INTEGER NOT NULL
) STRICT;
-- A hook is of one repository. A poll has no hook, and is of one repository too.
CREATE UNIQUE INDEX deliveries_once ON deliveries (hook, project, repository, forge_id) WHERE forge_id <> '';
CREATE INDEX deliveries_by_hook ON deliveries (hook, project, repository, number);
CREATE INDEX deliveries_by_project ON deliveries (project, id);
CREATE INDEX deliveries_undecided ON deliveries (id) WHERE decided = 0;
CREATE INDEX deliveries_by_time ON deliveries (at_ms);

-- The commit that a trigger deployed last from each ref.
CREATE TABLE accepted (
    project      TEXT NOT NULL,
    trigger_name TEXT NOT NULL,
    ref_name     TEXT NOT NULL,
    commit_id    TEXT NOT NULL,
    job          TEXT NOT NULL,
    at_ms        INTEGER NOT NULL,
    PRIMARY KEY (project, trigger_name, ref_name)
) STRICT, WITHOUT ROWID;

-- Who hears of a job: a list of outbox::Receiver, JSON, in the job's `version` of the format.
ALTER TABLE jobs ADD COLUMN receivers TEXT NOT NULL DEFAULT '[]';

-- Messages about jobs. They outlive their jobs, so `job` refers to no row.
CREATE TABLE outbox (
    -- The order in which they were added.
    number         INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    project        TEXT NOT NULL,
    -- outbox::Receiver, JSON, in this version of the format.
    receiver       TEXT NOT NULL,
    version        INTEGER NOT NULL,
    -- Name of the endpoint or of the repository.
    receiver_name  TEXT NOT NULL,
    -- Within one, messages are sent one after the other. Null: in any order.
    partition      TEXT,
    -- The word of outbox::Moment.
    moment         TEXT NOT NULL,
    job            TEXT NOT NULL,
    seq            INTEGER NOT NULL,
    -- The word of outbox::MessageState.
    state          TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    next_ms        INTEGER NOT NULL,
    -- Taken: it is not taken again before. Null: it is not taken.
    taken_until_ms INTEGER,
    -- Of the last attempt. Null and empty: there was none.
    code           INTEGER,
    error          TEXT NOT NULL DEFAULT '',
    -- The time from which a waiting one can be taken.
    ready_ms       INTEGER GENERATED ALWAYS AS (max(next_ms, coalesce(taken_until_ms, 0))) VIRTUAL,
    -- A moment of a job is reported once.
    UNIQUE (job, receiver, moment)
) STRICT;
CREATE INDEX outbox_ready ON outbox (state, ready_ms);
CREATE INDEX outbox_by_partition ON outbox (partition, number) WHERE partition IS NOT NULL;
CREATE INDEX outbox_by_project ON outbox (project, id);
CREATE INDEX outbox_by_time ON outbox (created_ms);

-- Sessions of the page.
CREATE TABLE sessions (
    -- SHA-256 of the cookie's value.
    id           TEXT PRIMARY KEY,
    token_sha256 TEXT NOT NULL,
    principal    TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    seen_ms      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_token ON sessions (token_sha256);
