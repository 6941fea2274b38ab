//! Rollback by somebody who saw what serves.

use crate::{
    caller::Caller, check, error::ServiceError, rollback::RollbackRequest, services::Services,
    verb::Verb,
};
use windlass_engine::ports::store::JobRecord;

impl Services {
    /// Rolls back if the newest release of the app is the one that the caller saw. The answer to a repeat of a
    /// request is the job of the first, whatever serves by then.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] with what serves now; otherwise as [`Services::rollback`].
    pub async fn rollback_seen(
        &self,
        caller: &Caller,
        seen: &str,
        request: RollbackRequest,
    ) -> Result<JobRecord, ServiceError> {
        caller.may(Verb::Deploy, &request.app.project)?;
        check::request_id(&request.request_id)?;
        let (id, body) = (&request.request_id, &request.body);
        if let Some(known) = self.jobs.submitted(&caller.name, id, body).await? {
            return Ok(known);
        }
        let newest = self.releases.releases(&request.app, None, 1).await?;
        let newest = newest.into_iter().next().map(|(release, _)| release);
        match newest {
            Some(now) if now.id != seen => {
                let commit: String = now.commit.chars().take(10).collect();
                Err(ServiceError::Conflict {
                    reason: "serves-another",
                    message: format!("now {} serves (commit {commit}), and you saw {seen}", now.id),
                    fix: "look at what serves now, and decide again".into(),
                })
            }
            Some(_) | None => self.rollback(caller, request).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, app, caller, release};

    fn request(id: &str) -> RollbackRequest {
        RollbackRequest {
            request_id: id.into(),
            body: b"to job-0001".to_vec(),
            app: app("shop"),
            to: Some("job-0001".into()),
            clusters: Vec::new(),
            order: None,
        }
    }

    #[tokio::test]
    async fn a_rollback_from_what_no_longer_serves_is_refused() {
        let world = World::new();
        world.released(release("job-0001", "one", &["eu"])).await;
        world.released(release("job-0002", "two", &["eu"])).await;
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let services = &world.services;
        let error = services.rollback_seen(&ci, "job-0001", request("a")).await.unwrap_err();
        assert_eq!(error.reason(), "serves-another");
        assert!(error.to_string().starts_with("now job-0002 serves"), "{error}");
        let first = services.rollback_seen(&ci, "job-0002", request("b")).await.unwrap();
        world.released(release("job-0003", "three", &["eu"])).await;
        let repeat = services.rollback_seen(&ci, "job-0002", request("b")).await.unwrap();
        assert_eq!(repeat.job.id, first.job.id);
    }
}
