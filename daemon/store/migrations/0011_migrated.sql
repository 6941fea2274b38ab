-- Migrations of apps' data that succeeded: a part that is here is not run again for the same image.
CREATE TABLE migrated (
    project     TEXT NOT NULL,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    cluster     TEXT NOT NULL,
    -- Name of exactly what was done: a hash of image, part and command.
    key         TEXT NOT NULL,
    -- Time at which it was done.
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (project, app, environment, cluster, key)
) STRICT, WITHOUT ROWID;
