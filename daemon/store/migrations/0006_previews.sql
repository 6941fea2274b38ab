-- Removals of apps, and preview environments.

-- The job that removed an app from a cluster last: no release up to it serves there. It outlives the job, so `job`
-- refers to no row.
CREATE TABLE removals (
    project     TEXT NOT NULL,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    cluster     TEXT NOT NULL,
    job         TEXT NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (project, app, environment, cluster)
) STRICT, WITHOUT ROWID;

-- Preview environments. Those that ended stay for a while, so that a late event does not make them again.
CREATE TABLE previews (
    project      TEXT NOT NULL,
    app          TEXT NOT NULL,
    environment  TEXT NOT NULL,
    -- The word of preview::PreviewState.
    state        TEXT NOT NULL,
    -- Empty: no pull request made it.
    repository   TEXT NOT NULL,
    -- Null: a caller chose the name.
    number       INTEGER,
    head         TEXT NOT NULL,
    last_push_ms INTEGER NOT NULL,
    until_ms     INTEGER NOT NULL,
    -- The job that removes it. Empty: none does.
    removal      TEXT NOT NULL,
    PRIMARY KEY (project, app, environment)
) STRICT, WITHOUT ROWID;
CREATE INDEX previews_by_state ON previews (state, last_push_ms);
