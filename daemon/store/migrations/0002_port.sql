-- The storage port: what decides is a column, and SQL reads no stored JSON any more. Only this file
-- still does, once, for rows of before.

-- The version of each stored value's format (upcast.rs). Rows of before have the first.
ALTER TABLE jobs ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN stop_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE events ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE releases ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- state: the word of history::JobState. stage: the word of job::Stage.
UPDATE jobs SET
    state = CASE
        WHEN json_type(state) = 'object' THEN 'running'
        WHEN json_extract(state, '$') = 'turning_back' THEN 'rolling_back'
        ELSE json_extract(state, '$')
    END,
    stage = json_extract(stage, '$');

-- The daemon that has claimed a job, and the number of its claim: an older one stores nothing.
ALTER TABLE jobs ADD COLUMN claimed_by TEXT;
ALTER TABLE jobs ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;

-- The clusters to which a release came.
CREATE TABLE release_clusters (
    project     TEXT NOT NULL,
    app         TEXT NOT NULL,
    environment TEXT NOT NULL,
    cluster     TEXT NOT NULL,
    release     TEXT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    PRIMARY KEY (project, app, environment, cluster, release)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO release_clusters (project, app, environment, cluster, release)
SELECT releases.project, releases.app, releases.environment, named.value, releases.id
FROM releases, json_each(coalesce(json_extract(releases.body, '$.clusters'), json_array('default'))) AS named;

-- Work that is due: one of each kind and key (due::Due).
CREATE TABLE due_work (
    kind           TEXT NOT NULL,
    key            TEXT NOT NULL,
    at_ms          INTEGER NOT NULL,
    -- Taken: nobody else takes it before. Null: nobody has taken it.
    taken_until_ms INTEGER,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
INSERT INTO due_work (kind, key, at_ms)
SELECT kind, key, min(at_ms) FROM (
    SELECT
        at_ms,
        CASE
            WHEN json_type(work, '$.forget_logs') IS NOT NULL THEN 'forget_logs'
            WHEN json_type(work, '$.forget_job') IS NOT NULL THEN 'forget_job'
            WHEN json_type(work, '$.renew_pull') IS NOT NULL THEN 'renew_pull'
        END AS kind,
        coalesce(
            json_extract(work, '$.forget_logs.job'),
            json_extract(work, '$.forget_job.job'),
            json_extract(work, '$.renew_pull.app.project')
                || '/' || json_extract(work, '$.renew_pull.app.name')
                || '/' || json_extract(work, '$.renew_pull.app.environment')
        ) AS key
    FROM due
)
WHERE kind IS NOT NULL AND key IS NOT NULL
GROUP BY kind, key;
DROP TABLE due;
ALTER TABLE due_work RENAME TO due;
CREATE INDEX due_by_time ON due (at_ms);
