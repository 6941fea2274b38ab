//! Preview environments: listed, and ended with all that was made for them.

use crate::{
    caller::Caller, check, error::ServiceError, services::Services, submit::NewJob, verb::Verb,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use windlass_engine::{
    ports::store::{Filter, JobRecord},
    queue::Message,
};
use windlass_model::{
    app::{App, label},
    clock::now_ms,
    job::{Removal, Source},
    outcome::{Outcome, Stop},
    preview::{PreviewRecord, PreviewState, name_of},
    replay::JobState,
    spec::Spec,
};

/// Number of jobs that are read at once.
const PAGE: u32 = 500;

/// Number of characters of a project's longest name.
const LONGEST: usize = 30;

impl Services {
    /// Returns the previews of a project, those that were pushed last first.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for a caller who may not see the project.
    pub async fn list_previews(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<Vec<PreviewRecord>, ServiceError> {
        label("project", project, LONGEST)?;
        caller.may(Verb::Read, project)?;
        Ok(self.previews.previews(Some(project)).await?)
    }

    /// Ends a preview to which nobody pushed for long enough. Returns the time at which to look again. `None` means never.
    ///
    /// # Errors
    /// [`ServiceError::Exhausted`] where there is no room for a job: it is to be tried again.
    pub async fn end_idle_preview(&self, app: &App) -> Result<Option<u64>, ServiceError> {
        let Some(record) = self.previews.preview(app).await? else { return Ok(None) };
        if record.state == PreviewState::Open && record.until_ms > now_ms() {
            return Ok(Some(record.until_ms));
        }
        let is_over = record.state == PreviewState::Open || record.removal.is_empty();
        if is_over {
            let ending = Ending { state: PreviewState::Removed, by: "idleness", idle: true };
            if let Some(job) = self.end_preview(&record, &ending, "idle").await? {
                tracing::info!(%app, job = job.job.id, "nobody uses the preview: it is removed");
            }
            let left = self.previews.preview(app).await?;
            let open = left.filter(|left| left.state == PreviewState::Open);
            return Ok(open.map(|open| open.until_ms));
        }
        Ok(None)
    }

    /// Removes previews again whose removal failed, and those that ended in an instant in which no removal came of it.
    pub(crate) async fn mend_previews(&self) -> Result<(), ServiceError> {
        let all = self.previews.previews(None).await?;
        for record in all.into_iter().filter(|record| record.state != PreviewState::Open) {
            let has_failed = match self.jobs.job(&record.removal).await? {
                Some(removal) => matches!(
                    removal.outcome,
                    Some(
                        Outcome::Failed(_)
                            | Outcome::Stopped {
                                // By what is no push: that had opened the preview.
                                why: Stop::Superseded { .. }
                                    | Stop::Cancelled { .. }
                                    | Stop::TimedOut { .. }
                                    | Stop::NotApproved { .. },
                                ..
                            }
                    )
                ),
                // One whose job was forgotten ended long ago.
                None => record.removal.is_empty() && !record.head.is_empty(),
            };
            if has_failed {
                let ending = Ending { state: record.state, by: "another try", idle: true };
                let key = format!("again {}", record.removal);
                if let Err(error) = self.end_preview(&record, &ending, &key).await {
                    tracing::warn!(app = %record.app, %error, "a preview that ended is not removed");
                }
            }
        }
        Ok(())
    }

    /// Ends a preview: its jobs are stopped, and one that removes all is accepted. `key` is the same for the same end.
    /// `None` means that somebody pushed meanwhile.
    pub(crate) async fn end_preview(
        &self,
        record: &PreviewRecord,
        ending: &Ending,
        key: &str,
    ) -> Result<Option<JobRecord>, ServiceError> {
        let app = &record.app;
        // What is no preview is never removed here, whatever the store holds.
        if name_of(&app.environment).is_none() {
            return Ok(None);
        }
        // Nobody pushes between the look, the end and the removal.
        let turn = self.quota.turn().await;
        let now = self.previews.preview(app).await?;
        let is_used = now.as_ref().is_some_and(|now| {
            ending.idle && now.state == PreviewState::Open && now.until_ms > now_ms()
        });
        if is_used {
            return Ok(None);
        }
        self.previews.end_preview(record, ending.state, "").await?;
        let principal = format!("preview:{}", app.project);
        let text = format!("{key}\n{app}\n{}", record.last_push_ms);
        let request_id = hex::encode(Sha256::digest(text.as_bytes()));
        let body = request_id.clone().into_bytes();
        let known = self.jobs.submitted(&principal, &request_id, &body).await?;
        let removal = match known {
            Some(known) => {
                self.previews.end_preview(record, ending.state, &known.job.id).await?;
                known
            }
            None => {
                self.stop_jobs_of(app, ending.by).await?;
                if let Err(error) = self.check_reachable(app).await {
                    tracing::warn!(%app, %error, "what was made for the preview stays there");
                }
                let clusters = match self.clusters_of(app, &[]).await {
                    // Nothing is deleted where the daemon does not get to, however often it is tried.
                    Err(error @ ServiceError::Conflict { .. }) => {
                        tracing::warn!(%app, %error, "the preview ended, and nothing of it is removed");
                        return Ok(None);
                    }
                    clusters => clusters?,
                };
                let job = NewJob {
                    clusters,
                    app: app.clone(),
                    source: Source::Removal(Removal { data: true }),
                    spec: Spec::default(),
                    labels: BTreeMap::new(),
                    timeout: check::timeout(None)?,
                    gates: Vec::new(),
                    principal,
                    preview: None,
                    ends: Some((record.clone(), ending.state)),
                };
                self.accept_in(turn, request_id, body, job, Vec::new()).await?.record
            }
        };
        Ok(Some(removal))
    }

    /// Stops the jobs of an app that wait or run.
    async fn stop_jobs_of(&self, app: &App, by: &str) -> Result<(), ServiceError> {
        let mut filter = Filter {
            projects: Some(vec![app.project.clone()]),
            app: Some(app.name.clone()),
            environment: Some(app.environment.clone()),
            states: vec![JobState::Waiting, JobState::Held, JobState::Running],
            limit: PAGE,
            ..Filter::default()
        };
        let why = Stop::Cancelled { by: by.to_owned() };
        loop {
            let page = self.jobs.jobs(&filter).await?;
            let Some(oldest) = page.oldest() else { return Ok(()) };
            filter.before = Some(oldest.to_owned());
            for job in page.jobs.into_iter().map(|record| record.job) {
                let is_removal = matches!(job.source, Source::Removal(_));
                if !is_removal && self.jobs.stop(&job.id, &why).await? {
                    let _ = self.queue.send(Message::Cancelled { id: job.id });
                }
            }
        }
    }
}

/// The end of a preview.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    pub(crate) state: PreviewState,
    /// Who ends it, for people.
    pub(crate) by: &'static str,
    /// Only where nobody has pushed meanwhile.
    pub(crate) idle: bool,
}

#[cfg(test)]
mod tests;
