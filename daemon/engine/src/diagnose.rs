//! Turns a failure's evidence into a diagnosis that a person can act on. One file a problem; texts of
//! diagnoses stand nowhere else.

use crate::{
    failure::{Cause, Failure},
    journal::JournalLost,
};
use windlass_model::{
    diagnosis::Diagnosis,
    job::Stage,
    outcome::{Outcome, Stop},
};

mod builder;
mod cluster;
mod code;
mod defect;
mod detection;
mod example;
mod hook;
mod migration;
mod page;
mod repository;
mod rollout;
mod secret;
mod strategy;
mod stuck;
mod tests_failed;

pub(crate) use code::Code;
pub(crate) use example::example;

/// Diagnoses, asked in order; the first that recognises the failure answers.
const KNOWN: &[fn(&Failure) -> Option<Diagnosis>] = &[
    repository::known,
    detection::known,
    builder::known,
    tests_failed::known,
    secret::known,
    hook::known,
    migration::known,
    rollout::known,
    strategy::known,
    cluster::known,
    stuck::known,
    defect::known,
];

/// Returns the diagnosis of a failure.
#[must_use]
pub fn diagnose(failure: &Failure) -> Diagnosis {
    let known = KNOWN.iter().find_map(|known| known(failure));
    let mut diagnosis = known
        .unwrap_or_else(|| Diagnosis { what: failure.cause.to_string(), ..Diagnosis::default() });
    diagnosis.stage = failure.at;
    if let Cause::Rollout { release, .. }
    | Cause::Applying { release, .. }
    | Cause::NotReadyAgain { release, .. }
    | Cause::Migration { release, .. }
    | Cause::Check { release, .. }
    | Cause::Metric { release, .. } = &failure.cause
    {
        diagnosis.subject.push_str(&release.place());
    }
    diagnosis
}

/// Returns the outcome of a job that fails so.
///
/// # Errors
/// [`JournalLost`], which is no end of the job: the job's owner goes on with it.
pub fn ended(failure: Failure) -> Result<Outcome, JournalLost> {
    match failure.cause {
        Cause::JournalLost(lost) => Err(lost),
        Cause::Stopped(why) => Ok(Outcome::Stopped { at: failure.at, why }),
        _ => Ok(Outcome::Failed(Box::new(diagnose(&failure)))),
    }
}

/// Returns an outcome as a diagnosis, for a rollback that failed after it. A release that succeeded has an
/// empty one.
#[must_use]
pub fn unsuccessful(outcome: Outcome) -> Diagnosis {
    match outcome {
        Outcome::Failed(diagnosis) => *diagnosis,
        Outcome::Stopped { at, why } => stopped(at, &why),
        Outcome::Succeeded(_) | Outcome::Removed(_) | Outcome::Contracted(_) => {
            Diagnosis::default()
        }
    }
}

/// Returns a stop as a diagnosis, where a stop stands beside failures.
#[must_use]
pub fn stopped(at: Stage, why: &Stop) -> Diagnosis {
    Diagnosis {
        code: Code::Stopped.into(),
        stage: at,
        what: why.to_string(),
        ..Diagnosis::default()
    }
}
