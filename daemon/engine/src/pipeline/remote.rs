//! Questions to a repository that need no tree, with its project's credential and a job's failures.

use super::{clone, dry_run};
use crate::{
    failure::Cause,
    ports::{Ports, Remotes},
    run::Run,
};
use std::collections::BTreeMap;
use windlass_model::{
    diagnosis::Diagnosis,
    job::{Commit, Stage},
};

/// Number of changed files of which a list is made. More count as a change of everything.
const MOST_PATHS: usize = 100_000;

/// Returns what the refs of a repository lead to now, by their full names. The id of `commit` is not read.
///
/// # Errors
/// The diagnosis of the clone stage, masked, if the repository does not answer.
pub async fn refs(
    project: &str,
    commit: &Commit,
    remotes: &dyn Remotes,
    ports: &Ports,
) -> Result<BTreeMap<String, String>, Box<Diagnosis>> {
    let run = dry_run::unrecorded();
    let asked = async {
        let credential = clone::credential(project, commit, ports, &run).await?;
        let ask = || remotes.refs(commit, credential.as_ref());
        run.retrying(ask).await
    };
    let answer = asked.await;
    answer.map_err(|cause| explained(cause, &run))
}

/// Returns the paths of files that differ between the trees of `from` and of the commit.
///
/// # Errors
/// The diagnosis of the clone stage, masked, if one of both cannot be fetched, or too many files differ.
pub async fn changed_paths(
    project: &str,
    from: &str,
    commit: &Commit,
    remotes: &dyn Remotes,
    ports: &Ports,
) -> Result<Vec<String>, Box<Diagnosis>> {
    let run = dry_run::unrecorded();
    let asked = async {
        let credential = clone::credential(project, commit, ports, &run).await?;
        let ask = || remotes.changed_paths(from, commit, credential.as_ref(), MOST_PATHS);
        run.retrying(ask).await
    };
    let answer = asked.await;
    answer.map_err(|cause| explained(cause, &run))
}

fn explained(cause: Cause, run: &Run) -> Box<Diagnosis> {
    dry_run::masked(&dry_run::at(Stage::Clone)(clone::masked(cause, run)), run)
}
