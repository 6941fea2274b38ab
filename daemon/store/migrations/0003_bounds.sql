-- Lines of tools have a table of their own: they are forgotten in slices, and replay does not read over them.
CREATE TABLE logs (
    job     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- Numbers of the same row as those of `events`.
    seq     INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    -- The word of job::Stage.
    stage   TEXT NOT NULL,
    -- Bytes of the line and of its source's name.
    bytes   INTEGER NOT NULL,
    -- Event::Log, JSON, in this version of the format (upcast.rs).
    event   TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO logs (job, seq, at_ms, stage, bytes, event, version)
SELECT
    job,
    seq,
    at_ms,
    -- A row that cannot be read stays so, and keeps no migration from its end.
    coalesce(iif(json_valid(event), json_extract(event, '$.log.stage'), ''), ''),
    length(event),
    event,
    version
FROM events WHERE is_log = 1;
DELETE FROM events WHERE is_log = 1;
ALTER TABLE events DROP COLUMN is_log;

-- The highest version that a secret ever had, also after it was deleted: no version comes back.
CREATE TABLE secret_versions (
    project TEXT NOT NULL,
    name    TEXT NOT NULL,
    last    INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;
INSERT INTO secret_versions (project, name, last)
SELECT project, name, max(version) FROM secrets GROUP BY project, name;

-- The daemon that wrote the journal last, for the words in which an older one refuses it.
CREATE TABLE written_by (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    version TEXT NOT NULL
) STRICT;

-- Waiting jobs of a project, counted before each submission.
CREATE INDEX jobs_waiting ON jobs (project) WHERE ended = 0;
