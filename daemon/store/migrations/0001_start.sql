CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    -- Chosen by the client; the body's hash tells a repeat from another request of the same id.
    principal   TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    body_hash   TEXT NOT NULL,
    project     TEXT NOT NULL,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    -- The job as accepted, JSON.
    body        TEXT NOT NULL,
    -- history::State and job::Stage, JSON.
    state       TEXT NOT NULL,
    stage       TEXT,
    last_seq    INTEGER NOT NULL DEFAULT 0,
    created_ms  INTEGER NOT NULL,
    ended       INTEGER NOT NULL DEFAULT 0,
    -- event::Stop, JSON: it was asked to stop, and has not ended yet.
    stop        TEXT,
    UNIQUE (principal, request_id)
) STRICT;
CREATE INDEX jobs_by_app ON jobs (project, app, environment, id);
CREATE INDEX jobs_unfinished ON jobs (ended, id);

CREATE TABLE events (
    job    TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    seq    INTEGER NOT NULL,
    at_ms  INTEGER NOT NULL,
    is_log INTEGER NOT NULL,
    event  TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE releases (
    id          TEXT PRIMARY KEY,
    project     TEXT NOT NULL,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    commit_id   TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    -- job::Release, JSON.
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX releases_by_app ON releases (project, app, environment, id);

CREATE TABLE secrets (
    project    TEXT NOT NULL,
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    sealed     BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (project, name, version)
) STRICT, WITHOUT ROWID;

-- What comes later is stored, not slept.
CREATE TABLE due (
    id    INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    -- due::Work, JSON.
    work  TEXT NOT NULL
) STRICT;
CREATE INDEX due_by_time ON due (at_ms);
