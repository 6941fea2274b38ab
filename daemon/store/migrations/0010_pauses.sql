-- Pauses of jobs, the last of each.
CREATE TABLE pauses (
    job          TEXT PRIMARY KEY NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    paused_by    TEXT NOT NULL,
    note         TEXT NOT NULL,
    at_ms        INTEGER NOT NULL,
    -- Null: nobody ended it.
    resumed_by   TEXT,
    resumed_note TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
