//! Conversion of rows into the port's types.

use crate::{error::OrStore, upcast};
use sqlx::{Row, sqlite::SqliteRow};
use windlass_engine::ports::store::{JobRecord, Recorded, StoreError, UnreadableJob};
use windlass_model::{app::App, event::Event, job::Stage, pause::Pause, replay::JobState};

/// Selects all that [`record`] reads.
pub(super) const JOBS: &str = "SELECT jobs.*, ending.event AS last_event, \
    ending.version AS last_version, ending.at_ms AS ended_ms, beginning.at_ms AS started_ms, \
    pauses.paused_by, pauses.note AS pause_note, pauses.at_ms AS paused_ms \
    FROM jobs \
    LEFT JOIN pauses ON pauses.job = jobs.id AND pauses.resumed_by IS NULL \
    LEFT JOIN events AS ending \
    ON ending.job = jobs.id AND ending.seq = jobs.last_seq AND jobs.ended = 1 \
    LEFT JOIN events AS beginning ON beginning.job = jobs.id AND beginning.seq = 1 ";

/// Selects the events of job `?1` after number `?2`, lines of tools among them, at most `?3`, for [`recorded`].
pub(super) const EVENTS: &str = "SELECT seq, at_ms, event, version FROM events \
    WHERE job = ?1 AND seq > ?2 \
    UNION ALL SELECT seq, at_ms, event, version FROM logs WHERE job = ?1 AND seq > ?2 \
    ORDER BY seq LIMIT ?3";

/// Selects the events of job `?1` that decide where it goes on, for [`recorded`].
pub(super) const DECISIVE: &str =
    "SELECT seq, at_ms, event, version FROM events WHERE job = ?1 ORDER BY seq";

/// Reads a row of [`JOBS`].
pub(super) fn record(row: &SqliteRow) -> Result<JobRecord, StoreError> {
    let id: &str = row.try_get("id").or_store()?;
    let what = format!("job {id}");
    let text = |column: &'static str| row.try_get::<Option<&str>, _>(column).or_store();
    let number = |column: &'static str| row.try_get::<Option<i64>, _>(column).or_store();
    let version = |column: &'static str| number(column).map(Option::unwrap_or_default);
    let last_seq: i64 = row.try_get("last_seq").or_store()?;
    let outcome = match text("last_event")? {
        Some(json) => {
            let last = format!("event {last_seq} of job {id}");
            match upcast::read(&last, version("last_version")?, json)? {
                Event::Ended(outcome) => Some(outcome),
                _ => None,
            }
        }
        None => None,
    };
    let stop = match text("stop")? {
        Some(json) => Some(upcast::read(&what, version("stop_version")?, json)?),
        None => None,
    };
    let held = match text("held")? {
        Some(json) => Some(upcast::read(&what, version("held_version")?, json)?),
        None => None,
    };
    let body: &str = row.try_get("body").or_store()?;
    // The end of a job that was never taken up is its first event.
    let has_begun = last_seq > i64::from(outcome.is_some());
    // The outcome has the stage in which a job ended. Notification hooks run after that stage.
    let stage = match &outcome {
        Some(outcome) => Some(outcome.stage()),
        None => text("stage")?.map(|word| stage(id, word)).transpose()?,
    };
    let paused = match text("paused_by")? {
        Some(by) => Some(Pause {
            by: by.to_owned(),
            note: text("pause_note")?.unwrap_or_default().to_owned(),
            at_ms: number("paused_ms")?.map(unsigned).unwrap_or_default(),
        }),
        None => None,
    };
    let mut record = JobRecord {
        job: upcast::read(&what, version("version")?, body)?,
        last_seq: unsigned(last_seq),
        state: state(id, row.try_get("state").or_store()?)?,
        stage,
        started_ms: number("started_ms")?.filter(|_| has_begun).map(unsigned),
        ended_ms: number("ended_ms")?.map(unsigned),
        stop,
        outcome,
        held,
        paused: None,
    };
    record.paused = paused.filter(|_| record.goes_forward());
    Ok(record)
}

/// Reads the column `state` of a job.
pub(super) fn state(job: &str, word: &str) -> Result<JobState, StoreError> {
    JobState::parse(word).ok_or_else(|| unknown_word("state", job, word))
}

/// Reads the column `stage` of a job.
pub(super) fn stage(job: &str, word: &str) -> Result<Stage, StoreError> {
    let known = Stage::ALL.into_iter().find(|stage| stage.to_string() == word);
    known.ok_or_else(|| unknown_word("stage", job, word))
}

/// Returns the job of a row that cannot be read whole: by the columns that can.
pub(super) fn unreadable(row: &SqliteRow, why: String) -> UnreadableJob {
    let text = |column: &str| row.try_get(column).unwrap_or_else(|_| "?".to_owned());
    let app = App { project: text("project"), name: text("app"), environment: text("environment") };
    UnreadableJob { id: text("id"), app, why }
}

fn unknown_word(column: &str, job: &str, word: &str) -> StoreError {
    let what = format!("the {column} of job {job}");
    StoreError::Unreadable { what, why: format!("`{word}` is not a {column} of a job") }
}

/// Reads a row of [`EVENTS`] for somebody who looks at a job: an event that cannot be read is a warning that
/// names the fault, and is no error of the events beside it.
pub(super) fn shown(job: &str, row: &SqliteRow) -> Result<Recorded, StoreError> {
    recorded(job, row).or_else(|error| {
        let seq: i64 = row.try_get("seq").or_store()?;
        let at_ms: Option<i64> = row.try_get("at_ms").ok();
        let fix = "start a windlassd that is at least as new as the one that wrote it".into();
        let event = Event::Warning { stage: Stage::Clone, message: error.to_string(), fix };
        Ok(Recorded { seq: unsigned(seq), at_ms: unsigned(at_ms.unwrap_or_default()), event })
    })
}

/// Reads a row of [`EVENTS`] or [`DECISIVE`].
pub(super) fn recorded(job: &str, row: &SqliteRow) -> Result<Recorded, StoreError> {
    let seq: i64 = row.try_get("seq").or_store()?;
    let at_ms: i64 = row.try_get("at_ms").or_store()?;
    let version: i64 = row.try_get("version").or_store()?;
    let json: &str = row.try_get("event").or_store()?;
    let event = upcast::read(&format!("event {seq} of job {job}"), version, json)?;
    Ok(Recorded { seq: unsigned(seq), at_ms: unsigned(at_ms), event })
}

/// Returns a number for SQLite. A number that is too large becomes SQLite's largest.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns a number of SQLite. A negative number, which nothing writes, becomes zero.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
