//! The end of a job that is not watched.

use super::{
    ending::{Ending, ending},
    line::Line,
    time::{Clock, millis},
};
use windlass_proto::v1;

/// Returns the lines that show how a job ended, without facts that only the events have.
pub(crate) fn past_ending(job: &v1::Job, ended: &v1::Ended, clock: &Clock) -> Vec<Line> {
    let began = millis(job.started.as_ref());
    let ended_ms = millis(job.finished.as_ref());
    let took_ms = began.zip(ended_ms).map(|(began, ended)| ended.saturating_sub(began));
    let facts = Ending { took_ms, ended_ms, stage: job.stage(), ..Ending::default() };
    ending(ended, job, &facts, clock)
}
