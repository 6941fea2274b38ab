//! Acceptance of a trigger's job, and memory of the commits that a trigger has seen.

use super::PULL;
use crate::{
    check, error::ServiceError, finish::finish, preview_push::NewPreview, services::Services,
    submit::NewJob,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use windlass_engine::{
    ports::store::{Accepted, Filter, JobRecord},
    queue::Message,
};
use windlass_model::{
    app::App,
    clock::now_ms,
    delivery::Delivery,
    job::{Commit, Gate, Source},
    outcome::Stop,
    replay::JobState,
    spec::Spec,
};

/// Number of bytes of a label's value.
const LONGEST_LABEL: usize = 256;

/// Number of waiting jobs that are read at once.
const PAGE: u32 = 500;

/// One ref of one delivery, for one trigger: the identity of a job.
#[derive(Clone, Copy)]
pub(super) struct Cause<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) trigger: &'a str,
    /// Full name of the ref, or `pull/N`.
    pub(super) name: &'a str,
}

impl Cause<'_> {
    /// Returns the principal of the job.
    fn principal(&self) -> String {
        format!("trigger:{}/{}", self.delivery.project, self.trigger)
    }

    /// Returns the id of the request, which is the same after a crash.
    fn request_id(&self) -> String {
        let text = format!("{}\n{}\n{}", self.delivery.id, self.trigger, self.name);
        hex::encode(Sha256::digest(text.as_bytes()))
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let pull = self.name.strip_prefix(PULL).unwrap_or_default();
        let all = [
            ("windlass.trigger", self.trigger),
            ("windlass.delivery", &*self.delivery.id),
            ("windlass.ref", self.name),
            ("windlass.pull", pull),
            ("windlass.sender", &*self.delivery.report.sender),
        ];
        let all = all.into_iter().filter(|(_, value)| !value.is_empty());
        all.map(|(key, value)| (key.to_owned(), cut(value).to_owned())).collect()
    }
}

impl Services {
    /// Returns the job that this very cause has made before. `None` means that it has made none.
    pub(super) async fn job_of(&self, cause: Cause<'_>) -> Result<Option<JobRecord>, ServiceError> {
        let (principal, request_id) = (cause.principal(), cause.request_id());
        Ok(self.jobs.submitted(&principal, &request_id, request_id.as_bytes()).await?)
    }

    /// Accepts a job, as a request of the trigger. It has these gates beside those of its environment.
    ///
    /// # Errors
    /// [`ServiceError::Exhausted`] where there is no room for one more, [`ServiceError::Conflict`] for an app without
    /// a cluster.
    pub(super) async fn deploy(
        &self,
        cause: Cause<'_>,
        app: App,
        commit: Commit,
        preview: Option<NewPreview>,
        gates: Vec<Gate>,
    ) -> Result<JobRecord, ServiceError> {
        let job = NewJob {
            clusters: self.clusters(&app, &[], None).await?,
            app,
            source: Source::Commit(commit),
            spec: Spec::default(),
            labels: cause.labels(),
            timeout: check::timeout(None)?,
            gates,
            principal: cause.principal(),
            preview,
            ends: None,
        };
        let request_id = cause.request_id();
        // The commit is no part of the identity: after a crash the ref may lead on, and the job stays the first.
        let body = request_id.clone().into_bytes();
        self.accept(request_id, body, job).await
    }

    /// Remembers the commit that a trigger has seen at a ref, with the job that it made. An empty job means that
    /// nothing was deployed. A job that is older than the remembered one changes nothing.
    pub(super) async fn remember(
        &self,
        project: &str,
        trigger: &str,
        name: &str,
        commit: &str,
        job: &str,
    ) -> Result<(), ServiceError> {
        let last = self.deliveries.last_accepted(project, trigger, name).await?;
        if last.is_some_and(|last| {
            let is_known = last.commit == commit && (job.is_empty() || last.job == job);
            is_known || (!job.is_empty() && last.job.as_str() > job)
        }) {
            return Ok(());
        }
        let accepted = Accepted {
            project: project.to_owned(),
            trigger: trigger.to_owned(),
            name: name.to_owned(),
            commit: commit.to_owned(),
            job: job.to_owned(),
            at_ms: now_ms(),
        };
        Ok(self.deliveries.accept(&accepted).await?)
    }

    /// Stops the jobs that wait, for their turn or for an approval, and that triggers made from a ref of a repository, and returns their number.
    pub(super) async fn stop_waiting(
        &self,
        project: &str,
        url: &str,
        name: &str,
    ) -> Result<usize, ServiceError> {
        let mut filter = Filter {
            projects: Some(vec![project.to_owned()]),
            states: vec![JobState::Waiting, JobState::Held],
            limit: PAGE,
            ..Filter::default()
        };
        let of_triggers = format!("trigger:{project}/");
        let mut ids = Vec::new();
        loop {
            let page = self.jobs.jobs(&filter).await?;
            let Some(oldest) = page.oldest() else { break };
            filter.before = Some(oldest.to_owned());
            let jobs = page.jobs.into_iter().map(|record| record.job);
            ids.extend(jobs.filter(|job| job.principal.starts_with(&of_triggers)).filter_map(
                |job| {
                    let Source::Commit(commit) = job.source else { return None };
                    (commit.repository == url && commit.revision == name).then_some(job.id)
                },
            ));
        }
        let (jobs, queue) = (self.jobs.clone(), self.queue.clone());
        let why = Stop::Cancelled { by: format!("the deletion of {name}") };
        finish(async move {
            let mut count = 0;
            for id in ids {
                if jobs.stop(&id, &why).await? {
                    count += 1;
                    let _ = queue.send(Message::Cancelled { id });
                }
            }
            Ok(count)
        })
        .await
    }
}

/// Cuts a text to the length of a label, between two characters.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_LABEL);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_cut_between_characters() {
        assert_eq!(cut("main"), "main");
        let long = format!("a{}", "é".repeat(200));
        assert_eq!((cut(&long).len(), cut(&long).chars().count()), (255, 128));
    }
}
