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
