-- Approvals: jobs that wait at a gate, and who let them pass.

-- The wait: approval::Hold, JSON, in this version of the format (upcast.rs). Null: the job waits for no approval.
ALTER TABLE jobs ADD COLUMN held TEXT;
ALTER TABLE jobs ADD COLUMN held_version INTEGER NOT NULL DEFAULT 1;

CREATE TABLE approvals (
    job         TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    -- The word of job::Gate.
    gate        TEXT NOT NULL,
    -- What was approved.
    digest      TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    note        TEXT NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (job, gate, digest)
) STRICT, WITHOUT ROWID;
