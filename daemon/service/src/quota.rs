//! Bounds on jobs that have not ended: each is kept in the journal and in memory until it has.

use crate::error::ServiceError;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};
use windlass_engine::ports::store::UnfinishedCount;

/// Number of jobs that wait or run, at most. Clones share the turn of those who are accepted.
#[derive(Clone, Debug)]
pub struct JobQuota {
    /// Jobs of one project.
    per_project: u64,
    /// Jobs of all projects.
    total: u64,
    turn: Arc<Mutex<()>>,
}

impl JobQuota {
    /// Makes a quota of so many jobs per project, and in total.
    #[must_use]
    pub fn new(per_project: u64, total: u64) -> Self {
        Self { per_project, total, turn: Arc::default() }
    }

    /// Waits for the turn to be counted and stored: of two at once, both would find the last place free.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<()> {
        self.turn.clone().lock_owned().await
    }

    /// Checks whether one more job of a project has room.
    pub(crate) fn check(&self, project: &str, now: UnfinishedCount) -> Result<(), ServiceError> {
        let (whose, count, limit, key) = if now.of_project >= self.per_project {
            (
                format!("project `{project}` has"),
                now.of_project,
                self.per_project,
                "max-waiting-jobs",
            )
        } else if now.total >= self.total {
            ("all projects have".to_owned(), now.total, self.total, "max-waiting-jobs-total")
        } else {
            return Ok(());
        };
        Err(ServiceError::Exhausted {
            reason: "too-many-jobs",
            message: format!("{whose} {count} jobs that wait or run, and at most {limit} may"),
            fix: format!(
                "wait until some have ended, or cancel some: windlass jobs --project {project} --state waiting; the operator sets the limit by `{key}`"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fakes::{World, app, caller, submit},
        submit::SubmitRequest,
        verb::Verb,
    };

    #[tokio::test]
    async fn one_job_too_many_is_refused_with_the_numbers() {
        let mut world = World::new();
        world.services.quota = JobQuota::new(2, 3);
        let ci = caller("ci", &["*"], &[Verb::Deploy]);
        for request_id in ["one", "two"] {
            world.services.submit(&ci, submit(request_id)).await.unwrap();
        }
        let error = world.services.submit(&ci, submit("three")).await.unwrap_err();
        assert_eq!(error.reason(), "too-many-jobs");
        let message = "project `shop` has 2 jobs that wait or run, and at most 2 may";
        assert_eq!(error.to_string(), message);
        // A repeat is the job that there is.
        world.services.submit(&ci, submit("two")).await.unwrap();
        let of = |project: &str| SubmitRequest { app: app(project), ..submit(project) };
        world.services.submit(&ci, of("blog")).await.unwrap();
        let error = world.services.submit(&ci, of("wiki")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "all projects have 3 jobs that wait or run, and at most 3 may"
        );
        assert!(error.fixes()[0].contains("`max-waiting-jobs-total`"), "{error}");
        assert_eq!(world.accepted().await.len(), 3);
    }
}
