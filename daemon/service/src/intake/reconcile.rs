//! Reconciling: previews whose pull requests ended, and of which nobody reported that.
//!
//! Two questions find them. The repository shows whether the ref of a pull request is there. GitHub and Gitea keep the
//! refs of pull requests that were closed, so their forge is asked too, where the project's file has a login for it. What
//! the forge says becomes a delivery, and is decided as its event would be.

use super::{Key, pass::Repository};
use crate::{error::ServiceError, previews::Ending, services::Services};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use windlass_engine::ports::PullStates;
use windlass_model::{
    delivery::{Change, Delivery, PullAction, PullMove},
    preview::{PreviewRecord, PreviewState},
};

impl Services {
    /// Ends the previews whose pull requests the repository does not have any more, except those in `fresh`.
    pub(super) async fn reconcile_previews(
        &self,
        repository: &Repository<'_>,
        fresh: &BTreeSet<u64>,
    ) -> Result<(), ServiceError> {
        let Some(forge) = &repository.spec.forge else { return Ok(()) };
        for record in self.open_previews(repository, fresh).await? {
            let Some(pull_ref) = record.number.and_then(|number| forge.kind.pull_ref(number))
            else {
                continue;
            };
            if !repository.refs.contains_key(&pull_ref) {
                tracing::info!(app = %record.app, pull_ref, "the pull request is gone: its preview is removed");
                // Not closed for good: a server that lags shows no ref either, and the next push makes it again.
                let by = "the end of the pull request";
                let ending = Ending { state: PreviewState::Removed, by, idle: false };
                match self.end_preview(&record, &ending, "gone").await {
                    // It has ended, and its removal is made later. Deliveries do not wait for that.
                    Err(ServiceError::Exhausted { .. }) => {}
                    ended => drop(ended?),
                }
            }
        }
        Ok(())
    }

    /// Asks the forge what became of the pull requests that have previews, and stores a delivery of each end. Those in
    /// `fresh` are not asked about: their reports know more.
    pub(super) async fn ended_pulls(
        &self,
        repository: &Repository<'_>,
        fresh: &BTreeSet<u64>,
    ) -> Result<Vec<Delivery>, ServiceError> {
        let Some(forge) = &repository.spec.forge else { return Ok(Vec::new()) };
        if forge.app.is_none() && forge.token.is_none() {
            return Ok(Vec::new());
        }
        let previews = self.open_previews(repository, fresh).await?;
        let numbers: BTreeSet<u64> = previews.iter().filter_map(|one| one.number).collect();
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let (project, name) = (&repository.project.project, repository.name);
        let ids: BTreeMap<u64, Uuid> =
            numbers.iter().map(|number| (*number, Uuid::now_v7())).collect();
        let states = self.pulls.pull_states(project, repository.spec, &numbers).await;
        let PullStates { ended, unknown, why } = states;
        if !unknown.is_empty() {
            tracing::warn!(project, repository = name, pulls = ?unknown, why, "previews stay until they are idle: what became of their pull requests is not known");
        }
        let key = Key { project: project.clone(), repository: name.to_owned() };
        let mut deliveries = Vec::new();
        for (number, id) in ids.iter().filter(|(number, _)| ended.contains(*number)) {
            let change = Change::Pull(PullMove {
                number: *number,
                action: PullAction::Closed,
                head: String::new(),
                into: String::new(),
                draft: false,
                fork: false,
                title: String::new(),
            });
            deliveries.push(self.record_answer(*id, &key, change, Vec::new()).await?);
        }
        Ok(deliveries)
    }

    /// Returns the open previews of a repository's pull requests, except those in `fresh`.
    async fn open_previews(
        &self,
        repository: &Repository<'_>,
        fresh: &BTreeSet<u64>,
    ) -> Result<Vec<PreviewRecord>, ServiceError> {
        let mut all = self.previews.previews(Some(&repository.project.project)).await?;
        all.retain(|one| one.state == PreviewState::Open && one.repository == repository.name);
        all.retain(|one| one.number.is_none_or(|number| !fresh.contains(&number)));
        Ok(all)
    }
}
