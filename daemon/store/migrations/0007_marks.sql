-- Messages of moments to which a job may come several times: it waits for approvals of several things. SQLite changes no
-- UNIQUE of a table, so the table is made again.

CREATE TABLE outbox_marked (
    -- The order in which they were added.
    number         INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    project        TEXT NOT NULL,
    -- outbox::Receiver, JSON, in this version of the format.
    receiver       TEXT NOT NULL,
    version        INTEGER NOT NULL,
    -- Name of the endpoint or of the repository.
    receiver_name  TEXT NOT NULL,
    -- Within one, messages are sent one after the other. Null: in any order.
    partition      TEXT,
    -- The word of outbox::Moment.
    moment         TEXT NOT NULL,
    -- outbox::mark_of: what the moment is about. Empty: a job comes to it once.
    mark           TEXT NOT NULL DEFAULT '',
    job            TEXT NOT NULL,
    seq            INTEGER NOT NULL,
    -- The word of outbox::MessageState.
    state          TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    next_ms        INTEGER NOT NULL,
    -- Taken: it is not taken again before. Null: it is not taken.
    taken_until_ms INTEGER,
    -- Of the last attempt. Null and empty: there was none.
    code           INTEGER,
    error          TEXT NOT NULL DEFAULT '',
    -- The time from which a waiting one can be taken.
    ready_ms       INTEGER GENERATED ALWAYS AS (max(next_ms, coalesce(taken_until_ms, 0))) VIRTUAL,
    -- What a moment of a job is about is reported once.
    UNIQUE (job, receiver, moment, mark)
) STRICT;
INSERT INTO outbox_marked (number, id, project, receiver, version, receiver_name, partition, moment, job, seq, state,
                           created_ms, attempts, next_ms, taken_until_ms, code, error)
    SELECT number, id, project, receiver, version, receiver_name, partition, moment, job, seq, state,
           created_ms, attempts, next_ms, taken_until_ms, code, error
    FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_marked RENAME TO outbox;
CREATE INDEX outbox_ready ON outbox (state, ready_ms);
CREATE INDEX outbox_by_partition ON outbox (partition, number) WHERE partition IS NOT NULL;
CREATE INDEX outbox_by_project ON outbox (project, id);
CREATE INDEX outbox_by_time ON outbox (created_ms);
