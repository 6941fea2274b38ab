//! Forks: sentences about pull requests whose commits are in no branch of the repository.

use super::pass::short;
use windlass_engine::ports::store::JobRecord;
use windlass_model::job::Gate;

/// Returns the sentence for a fork's commit where the trigger deploys none.
pub(super) fn never(commit: &str) -> String {
    format!(
        "it is of a fork, and `forks` is `never`: no branch of the repository leads to {}",
        short(commit)
    )
}

/// Returns the note of the verdict on a job of a fork. Empty means that the job is of no fork.
pub(super) fn note(record: &JobRecord) -> String {
    if !record.job.gates.contains(&Gate::Clone) {
        return String::new();
    }
    let id = &record.job.id;
    format!(
        "it is of a fork, and nothing of it is fetched before somebody approves it: windlass approve {id}"
    )
}
