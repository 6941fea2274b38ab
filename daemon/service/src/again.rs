//! Submits a job again, as it was.

use crate::{
    caller::Caller,
    contract::ContractRequest,
    error::ServiceError,
    remove::RemoveRequest,
    rollback::RollbackRequest,
    services::Services,
    source::SourceRequest,
    submit::{Kept, SubmitRequest},
    verb::Verb,
};
use windlass_engine::ports::store::JobRecord;
use windlass_model::{
    job::{Job, Source},
    traceparent::TRACEPARENT,
};

impl Services {
    /// Accepts a job with the commit, the spec, the clusters and the gates of an earlier one: it waits for approvals of
    /// its own. The answer to a repeat of a request is the job of the first.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no job has; otherwise as [`Services::submit`],
    /// [`Services::rollback`] and [`Services::remove`].
    pub async fn submit_again(
        &self,
        caller: &Caller,
        request_id: String,
        id: &str,
    ) -> Result<JobRecord, ServiceError> {
        let record = self.get_job(caller, id).await?;
        caller.may(Verb::Deploy, &record.job.app.project)?;
        let body = format!("again {id}").into_bytes();
        let Job { app, clusters, source, spec, preview, mut labels, timeout, gates, .. } =
            record.job;
        let is_fork = preview.is_some_and(|preview| preview.fork);
        // Whoever asks now is not the caller of the first job, and has no part in that trace.
        labels.remove(TRACEPARENT);
        let (clusters, order) = (clusters.names, Some(clusters.order));
        let commit = match source {
            Source::Commit(commit) => commit,
            Source::Release(release) => {
                let to = Some(release.id);
                let request = RollbackRequest { request_id, body, app, to, clusters, order };
                return self.rollback_kept(caller, request, gates).await;
            }
            Source::Contract(_) => {
                let request = ContractRequest { request_id, body, app, clusters };
                return self.contract(caller, request).await;
            }
            Source::Removal(removal) => {
                let data = removal.data;
                let request = RemoveRequest { request_id, body, app, data, clusters };
                return self.remove_kept(caller, request, gates).await;
            }
        };
        let revision = commit.revision;
        let source = SourceRequest {
            repository: commit.repository,
            commit: commit.id,
            revision: String::new(),
            branch: commit.branch,
            directory: commit.directory,
            credential: commit.credential.unwrap_or_default(),
        };
        let timeout_seconds = i64::try_from(timeout.as_secs()).ok();
        let request = SubmitRequest {
            request_id,
            body,
            app,
            clusters,
            order,
            source,
            spec,
            labels,
            timeout_seconds,
            // The app of a job that deployed to a preview has its environment.
            preview: None,
        };
        let kept = Kept { gates, is_fork, revision };
        Ok(self.submit_kept(caller, request, Vec::new(), kept).await?.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller, id_of, release, submit};
    use std::collections::BTreeMap;
    use windlass_model::job::Gate;

    #[tokio::test]
    async fn a_job_again_has_the_same_commit_and_is_another_job() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        world.planner.moves_to("first");
        let first = world.services.submit(&ci, submit("one")).await.unwrap().job;
        world.planner.moves_to("second");
        let again = world.services.submit_again(&ci, "two".into(), &first.id).await.unwrap().job;
        assert_ne!(again.id, first.id);
        let Source::Commit(commit) = again.source else { panic!("it is no commit") };
        assert_eq!(commit.id, id_of("first"));
        assert_eq!((again.spec, again.timeout), (first.spec, first.timeout));
        let repeat = world.services.submit_again(&ci, "two".into(), &first.id).await.unwrap().job;
        assert_eq!(repeat.id, again.id);
    }

    #[tokio::test]
    async fn a_job_again_is_no_part_of_the_trace_of_the_first() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let team = BTreeMap::from([("team".to_owned(), "payments".to_owned())]);
        let mut labels = team.clone();
        labels.insert(TRACEPARENT.into(), context.into());
        let request = SubmitRequest { labels, ..submit("one") };
        let first = world.services.submit(&ci, request).await.unwrap().job;
        let again = world.services.submit_again(&ci, "two".into(), &first.id).await.unwrap().job;
        assert_eq!(again.labels, team);
    }

    /// Whoever may deploy does not get past whoever may approve.
    #[tokio::test]
    async fn a_job_again_waits_for_an_approval_of_its_own() {
        let world = World::new();
        let file =
            |approval: &str| format!("project = \"shop\"\n[environments.production]\n{approval}");
        world.apply(&file("approval = \"release\"\n")).await;
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let first = world.services.submit(&ci, submit("one")).await.unwrap().job;
        world.succeeds(release(&first.id, "old", &["eu", "us"])).await;
        let second = world.services.submit(&ci, submit("two")).await.unwrap().job;
        world.succeeds(release(&second.id, "new", &["eu", "us"])).await;
        let back = RollbackRequest {
            request_id: "back".into(),
            body: Vec::new(),
            app: first.app.clone(),
            to: None,
            clusters: Vec::new(),
            order: None,
        };
        let back = world.services.rollback(&ci, back).await.unwrap().job;
        // The file asks for none any more, and the jobs were gated.
        world.apply(&file("")).await;
        for (request_id, id) in [("again", &first.id), ("back-again", &back.id)] {
            let again = world.services.submit_again(&ci, request_id.into(), id).await.unwrap().job;
            assert_eq!(again.gates, [Gate::Release], "{request_id}");
        }
        let new = world.services.submit(&ci, submit("new")).await.unwrap().job;
        assert!(new.gates.is_empty());
    }

    #[tokio::test]
    async fn a_reader_submits_nothing_again() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let id = world.services.submit(&ci, submit("one")).await.unwrap().job.id;
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let error = world.services.submit_again(&reader, "two".into(), &id).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        assert_eq!(world.accepted().await.len(), 1);
    }
}
