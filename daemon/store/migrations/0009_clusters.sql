-- Clusters of projects' own.

-- One version each. A removal is a version too. Only the newest has its kubeconfig.
CREATE TABLE own_clusters (
    project TEXT NOT NULL,
    name    TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- JSON of own::cluster::OwnCluster. Null: this version is a removal.
    spec    TEXT,
    -- The version of the format of `spec`.
    format  INTEGER NOT NULL,
    -- The kubeconfig, bound to its row. Null: it was replaced or removed.
    sealed  BLOB,
    made_by TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (project, name, version)
) STRICT, WITHOUT ROWID;
