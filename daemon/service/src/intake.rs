//! Intake: the worker that turns deliveries into jobs.
//!
//! A delivery says where to look, and the configured repository says what is there: each pass over a repository asks
//! it once for its refs, whatever was reported. Each delivery gets a verdict, also one that deploys nothing.
//! Repositories are asked without a delivery too, every ten minutes, for what no forge reported; and they and their forges
//! every hour, for pull requests with previews that ended.

mod accept;
mod answer;
mod fork;
mod hook_test;
mod pass;
mod poll;
mod pull;
mod reconcile;
mod run;
mod seen;
#[cfg(test)]
mod tests;

use std::time::Duration;
use windlass_model::{
    delivery::{Delivery, Verdict, VerdictOutcome},
    job::Commit,
    project::{ProjectSpec, RepositorySpec, TriggerSpec},
};

/// Time for which a forge may not show what it has reported, and for which a repository may not answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Event of a delivery that a poll has made.
const POLL: &str = "poll";

/// Beginning of the subject of a verdict on a pull request.
const PULL: &str = "pull/";

/// A repository of a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    project: String,
    /// Name in the project's file.
    repository: String,
}

impl Key {
    /// Returns the repository of a delivery.
    fn of(delivery: &Delivery) -> Self {
        let (project, repository) = (delivery.project.clone(), delivery.repository.clone());
        Self { project, repository }
    }
}

/// Returns the commit that names a repository to those that ask it, without an id.
fn whole(repository: &RepositorySpec) -> Commit {
    Commit {
        repository: repository.url.clone(),
        id: String::new(),
        branch: String::new(),
        directory: ".".into(),
        credential: repository.credential.clone(),
        revision: String::new(),
    }
}

/// Returns the triggers that deploy apps of a repository, with their names.
fn triggers_of<'a>(
    spec: &'a ProjectSpec,
    repository: &'a str,
) -> impl Iterator<Item = (&'a str, &'a TriggerSpec)> {
    spec.triggers.iter().filter_map(move |(name, trigger)| {
        let app = spec.apps.get(&trigger.app)?;
        let (own, _) = spec.repository_of(app)?;
        (own == repository).then_some((name.as_str(), trigger))
    })
}

/// Returns the verdict that nothing is deployed.
fn nothing(subject: &str, trigger: &str, sentence: String) -> Verdict {
    let (subject, trigger) = (subject.to_owned(), trigger.to_owned());
    Verdict { subject, trigger, outcome: VerdictOutcome::Nothing, sentence }
}
