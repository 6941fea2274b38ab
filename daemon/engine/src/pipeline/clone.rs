//! Clone stage: from the revision that a request names to a commit, and from a commit to its tree.

use super::secrets;
use crate::{
    deploy::Deploy,
    failure::Cause,
    ports::{Ports, Tree},
    run::Run,
};
use windlass_model::{event::Event, job::Commit, revision::Revision, secret::Secret};

/// Fetches a commit's tree, with its project's credential.
///
/// # Errors
/// [`Cause::Secret`] for a credential that cannot be opened, [`Cause::Git`] for a tree that cannot be fetched.
pub async fn checkout(
    project: &str,
    commit: &Commit,
    ports: &Ports,
    run: &Run,
) -> Result<Box<dyn Tree>, Cause> {
    let credential = credential(project, commit, ports, run).await?;
    let fetch = || ports.git.checkout(commit, credential.as_ref(), run.recorder());
    let tree = run.retrying(fetch).await.map_err(|cause| masked(cause, run))?;
    if let Some(commit) = tree.commit() {
        run.record(Event::Cloned(commit.clone())).await?;
    }
    Ok(tree)
}

impl Deploy<'_> {
    /// Fetches the job's commit.
    pub(super) async fn clone_commit(&self, commit: &Commit) -> Result<Box<dyn Tree>, Cause> {
        checkout(&self.job.app.project, commit, self.ports, self.run).await
    }
}

/// Finds the commit that a revision leads to now, with its project's credential. Returns `commit` with the
/// `id` that was found, and with the `branch` that was found if `commit` names none.
///
/// # Errors
/// [`Cause::Secret`] for a credential that cannot be opened, [`Cause::Git`] for a revision that leads to no
/// commit.
pub async fn resolve(
    project: &str,
    commit: Commit,
    revision: &Revision,
    ports: &Ports,
    run: &Run,
) -> Result<Commit, Cause> {
    let credential = credential(project, &commit, ports, run).await?;
    let ask = || ports.git.resolve(&commit, revision, credential.as_ref());
    let resolved = run.retrying(ask).await.map_err(|cause| masked(cause, run))?;
    let branch = if commit.branch.is_empty() { resolved.branch } else { commit.branch.clone() };
    Ok(Commit { id: resolved.commit, branch, revision: revision.to_string(), ..commit })
}

/// Opens the credential that a commit names, and masks it. `None` means that the commit names none.
pub(super) async fn credential(
    project: &str,
    commit: &Commit,
    ports: &Ports,
    run: &Run,
) -> Result<Option<Secret>, Cause> {
    match &commit.credential {
        Some(name) => Ok(Some(secrets::open(project, name, ports, run).await?.0)),
        None => Ok(None),
    }
}

/// Masks a cause: not every caller has a journal, which masks all that it takes.
pub(super) fn masked(cause: Cause, run: &Run) -> Cause {
    match cause {
        Cause::Git(error) => Cause::Git(error.masked(&run.recorder().redactor())),
        other => other,
    }
}
