-- Registries of projects' own. A row is never changed, but for its logins: those of earlier versions are forgotten.
CREATE TABLE own_registries (
    project TEXT NOT NULL,
    host    TEXT NOT NULL,
    -- 1, 2, 3 … per project and host.
    version INTEGER NOT NULL,
    -- own::registry::OwnRegistry, JSON, in this version of the format (upcast.rs). Null: this version removed it.
    spec    TEXT,
    format  INTEGER NOT NULL,
    -- Fault that a check found. Empty: none.
    finding TEXT NOT NULL,
    -- The secrets of the logins, bound to project, host and version. Null: a later version took their place.
    sealed  BLOB,
    put_by  TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (project, host, version)
) STRICT;
