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

-- Last contraction of an app's data in a cluster: releases before, of other images, may not work with it.
CREATE TABLE contracted (
    project     TEXT NOT NULL,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    cluster     TEXT NOT NULL,
    -- Release that served.
    release     TEXT NOT NULL,
    -- Digest of its image.
    digest      TEXT NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (project, app, environment, cluster)
) STRICT, WITHOUT ROWID;
