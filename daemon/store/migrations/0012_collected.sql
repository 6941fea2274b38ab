-- Releases that are kept no more. The newest of each app stay, so that a rollback to one of them says what became of it.
CREATE TABLE collected (
    project     TEXT NOT NULL,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    release     TEXT NOT NULL,
    commit_id   TEXT NOT NULL,
    -- Name of the image, with registry and tag.
    reference   TEXT NOT NULL,
    digest      TEXT NOT NULL,
    at_ms       INTEGER NOT NULL,
    -- Attempts to delete the image. Null: nobody tries, or tries again.
    tries       INTEGER,
    PRIMARY KEY (project, app, environment, release)
) STRICT, WITHOUT ROWID;

-- Of a release to its clusters, for its deletion.
CREATE INDEX release_clusters_by_release ON release_clusters (release);
