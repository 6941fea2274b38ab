//! Approves and rejects what jobs wait for.

use crate::{
    caller::Caller, check, error::ServiceError, finish::finish, services::Services, verb::Verb,
};
use windlass_engine::{
    ports::store::{Approve, JobRecord},
    queue::Message,
};
use windlass_model::{approval::Hold, clock::utc, outcome::Stop};

/// Request to let a job pass its gate.
#[derive(Clone, Debug, Default)]
pub struct ApproveRequest {
    /// Id of the job.
    pub id: String,
    /// Digest of exactly what is approved, as the job has it under `held`.
    pub digest: String,
    /// Note for the journal, at most 500 characters. Empty means none.
    pub note: String,
}

/// Request to end a job at its gate.
#[derive(Clone, Debug, Default)]
pub struct RejectRequest {
    /// Id of the job.
    pub id: String,
    /// Digest of exactly what is rejected. Empty means whatever the job waits for.
    pub digest: String,
    /// Note for the journal, at most 500 characters. Empty means none.
    pub note: String,
}

impl Services {
    /// Approves what a job waits for, and returns the job, which goes on. A repeat changes nothing.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] with `not-held` for a job that waits for no approval, with `digest-changed` for one that
    /// waits for an approval of something else, and with `wait-over` for one whose wait is over.
    /// [`ServiceError::NotFound`] for an id that no job has.
    pub async fn approve(
        &self,
        caller: &Caller,
        request: ApproveRequest,
    ) -> Result<JobRecord, ServiceError> {
        let ApproveRequest { id, digest, note } = request;
        let record = self.find_job(&id).await?;
        caller.may(Verb::Approve, &record.job.app.project)?;
        let note = check::note(&note)?;
        if digest.is_empty() {
            let expected =
                "is missing: it names exactly what is approved; the job has it in `held`";
            return Err(ServiceError::invalid("digest", digest, expected));
        }
        let (jobs, queue, by) = (self.jobs.clone(), self.queue.clone(), caller.name.clone());
        let of = id.clone();
        finish(async move {
            match jobs.approve(&of, &digest, &by, &note).await? {
                Approve::Stored => {
                    let _ = queue.send(Message::Approved { id: of });
                    Ok(())
                }
                Approve::NotHeld => Err(not_held(&of)),
                Approve::Other(held) => Err(other(&of, &digest, &held)),
                Approve::Over { until_ms } => Err(over(&of, until_ms)),
            }
        })
        .await?;
        self.find_job(&id).await
    }

    /// Ends a job at its gate, and returns it. What ran before still serves. A repeat changes nothing.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] with `not-held` for a job that waits for no approval, or that somebody approved, and with
    /// `digest-changed` for one that waits for an approval of something else.
    /// [`ServiceError::NotFound`] for an id that no job has.
    pub async fn reject(
        &self,
        caller: &Caller,
        request: RejectRequest,
    ) -> Result<JobRecord, ServiceError> {
        let RejectRequest { id, digest, note } = request;
        let record = self.find_job(&id).await?;
        caller.may(Verb::Approve, &record.job.app.project)?;
        let note = check::note(&note)?;
        if let Some(held) = record.held.filter(|held| !digest.is_empty() && held.digest != digest) {
            return Err(other(&id, &digest, &held));
        }
        let (jobs, queue, by) = (self.jobs.clone(), self.queue.clone(), caller.name.clone());
        let of = id.clone();
        finish(async move {
            if jobs.reject(&of, &by, &note).await? {
                let _ = queue.send(Message::Cancelled { id: of });
            }
            Ok(())
        })
        .await?;
        let record = self.find_job(&id).await?;
        if matches!(record.stop, Some(Stop::Rejected { .. })) {
            Ok(record)
        } else {
            Err(not_held(&id))
        }
    }
}

fn not_held(id: &str) -> ServiceError {
    ServiceError::Conflict {
        reason: "not-held",
        message: format!("job {id} waits for no approval"),
        fix: format!("look at it: windlass show {id}"),
    }
}

fn other(id: &str, digest: &str, held: &Hold) -> ServiceError {
    let digest: String = digest.chars().take(80).collect();
    ServiceError::Conflict {
        reason: "digest-changed",
        message: format!(
            "job {id} waits for an approval of the {} of {}, and not of {digest}",
            held.gate, held.digest
        ),
        fix: format!("look again at what it waits for: windlass approve {id}"),
    }
}

fn over(id: &str, until_ms: u64) -> ServiceError {
    ServiceError::Conflict {
        reason: "wait-over",
        message: format!(
            "job {id} waited for an approval until {}, and nobody approved before: it ends",
            utc(until_ms)
        ),
        fix: format!("ask for it again, and approve the new job; see this one: windlass show {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fakes::{World, app, caller, release, submit},
        rollback::RollbackRequest,
    };
    use windlass_model::{
        approval::LONGEST_NOTE,
        event::Event,
        job::{Gate, Stage},
    };

    const GATED: &str = r#"
project = "shop"

[environments.production]
approval = "release"
"#;

    /// A world where production waits for approvals, and a caller who may give them.
    async fn gated() -> (World, Caller) {
        let world = World::new();
        world.apply(GATED).await;
        (world, caller("ann", &["shop"], &[Verb::Approve]))
    }

    /// Submits a job that waits for an approval of `digest`, and returns its id.
    async fn held(world: &World, digest: &str) -> String {
        held_until(world, digest, u64::MAX).await
    }

    async fn held_until(world: &World, digest: &str, until_ms: u64) -> String {
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let id = world.services.submit(&ci, submit(digest)).await.unwrap().job.id;
        let held = Event::Held { gate: Gate::Release, digest: digest.into(), until_ms };
        world.append(&id, held).await;
        world.queued();
        id
    }

    fn approve(id: &str, digest: &str) -> ApproveRequest {
        ApproveRequest { id: id.into(), digest: digest.into(), note: "ok".into() }
    }

    fn reject(id: &str, note: &str) -> RejectRequest {
        RejectRequest { id: id.into(), note: note.into(), ..RejectRequest::default() }
    }

    #[tokio::test]
    async fn jobs_and_rollbacks_of_a_gated_environment_wait() {
        let (world, _) = gated().await;
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let record = world.services.submit(&ci, submit("one")).await.unwrap();
        assert_eq!(record.job.gates, [Gate::Release]);
        world.succeeds(release(&record.job.id, "old", &["eu", "us"])).await;
        world.released(release("zz-2", "new", &["eu", "us"])).await;
        let request = RollbackRequest {
            request_id: "back".into(),
            body: Vec::new(),
            app: app("shop"),
            to: None,
            clusters: Vec::new(),
            order: None,
        };
        let record = world.services.rollback(&ci, request).await.unwrap();
        assert_eq!(record.job.gates, [Gate::Release]);
        let other = World::new();
        let record = other.services.submit(&ci, submit("one")).await.unwrap();
        assert!(record.job.gates.is_empty(), "it has no file");
    }

    #[tokio::test]
    async fn exactly_what_waits_is_approved_by_whoever_may() {
        let (world, ann) = gated().await;
        let id = held(&world, "a").await;
        let deployer = caller("ci", &["shop"], &[Verb::Read, Verb::Deploy]);
        let error = world.services.approve(&deployer, approve(&id, "a")).await.unwrap_err();
        assert!(error.to_string().contains("lacks the verb \"approve\""), "{error}");
        let error = world.services.approve(&ann, approve(&id, "b")).await.unwrap_err();
        assert_eq!(error.reason(), "digest-changed");
        let message = format!("job {id} waits for an approval of the release of a, and not of b");
        assert_eq!(error.to_string(), message);
        let error = world.services.approve(&ann, approve(&id, "")).await.unwrap_err();
        assert!(error.to_string().starts_with("digest: `` is missing"), "{error}");
        assert!(world.queued().is_empty());
        for _ in 0..2 {
            world.services.approve(&ann, approve(&id, "a")).await.unwrap();
            assert_eq!(world.queued(), [Message::Approved { id: id.clone() }]);
        }
        let error = world.services.approve(&ann, approve("none", "a")).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no job `none`");
    }

    #[tokio::test]
    async fn what_does_not_wait_is_neither_approved_nor_rejected() {
        let (world, ann) = gated().await;
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let id = world.services.submit(&ci, submit("one")).await.unwrap().job.id;
        world.queued();
        let error = world.services.approve(&ann, approve(&id, "a")).await.unwrap_err();
        assert_eq!(error.reason(), "not-held");
        let error = world.services.reject(&ann, reject(&id, "")).await.unwrap_err();
        assert_eq!(error.to_string(), format!("job {id} waits for no approval"));
        assert!(world.queued().is_empty());
        assert_eq!(world.accepted().await[0].stop, None);
    }

    #[tokio::test]
    async fn an_approval_after_the_end_of_the_wait_is_refused() {
        let (world, ann) = gated().await;
        let id = held_until(&world, "a", 1_700_000_000_000).await;
        let error = world.services.approve(&ann, approve(&id, "a")).await.unwrap_err();
        assert_eq!(error.reason(), "wait-over");
        let message = format!(
            "job {id} waited for an approval until 2023-11-14 22:13:20 UTC, and nobody approved before: it ends"
        );
        assert_eq!(error.to_string(), message);
        let fix =
            format!("ask for it again, and approve the new job; see this one: windlass show {id}");
        assert_eq!(error.fixes(), [fix]);
        assert!(world.queued().is_empty(), "nothing goes on");
    }

    /// The release may be half applied by then.
    #[tokio::test]
    async fn what_somebody_approved_is_not_rejected_by_another() {
        let (world, ann) = gated().await;
        let id = held(&world, "a").await;
        world.services.approve(&ann, approve(&id, "a")).await.unwrap();
        world.queued();
        let bob = caller("bob", &["shop"], &[Verb::Approve]);
        let error = world.services.reject(&bob, reject(&id, "no")).await.unwrap_err();
        assert_eq!(error.reason(), "not-held");
        assert!(world.queued().is_empty());
        assert_eq!(world.accepted().await[0].stop, None);
    }

    #[tokio::test]
    async fn who_saw_something_else_rejects_nothing() {
        let (world, ann) = gated().await;
        let id = held(&world, "b").await;
        let seen = |digest: &str| RejectRequest { digest: digest.into(), ..reject(&id, "") };
        let error = world.services.reject(&ann, seen("a")).await.unwrap_err();
        assert_eq!(error.reason(), "digest-changed");
        assert!(error.to_string().contains("the release of b, and not of a"), "{error}");
        assert_eq!(world.accepted().await[0].stop, None);
        world.services.reject(&ann, seen("b")).await.unwrap();
    }

    #[tokio::test]
    async fn a_rejection_ends_the_job_with_its_note() {
        let (world, ann) = gated().await;
        let id = held(&world, "a").await;
        let deployer = caller("ci", &["shop"], &[Verb::Read, Verb::Deploy]);
        let error = world.services.reject(&deployer, reject(&id, "")).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        let long = "é".repeat(LONGEST_NOTE + 1);
        let error = world.services.reject(&ann, reject(&id, &long)).await.unwrap_err();
        assert!(error.to_string().starts_with("note: `501 characters` is too long"), "{error}");
        let note = "not \u{1b}[2J on a Friday";
        let record = world.services.reject(&ann, reject(&id, note)).await.unwrap();
        let note = "not \\u{1b}[2J on a Friday".to_owned();
        let why = Stop::Rejected { by: "ann".into(), note };
        assert_eq!(record.stop.as_ref(), Some(&why), "a terminal obeys nothing of it");
        assert_eq!(world.queued(), [Message::Cancelled { id: id.clone() }]);
        let error = world.services.approve(&ann, approve(&id, "a")).await.unwrap_err();
        assert_eq!(error.reason(), "not-held", "it is to stop");
        // A repeat keeps the first reason.
        let record = world.services.reject(&ann, reject(&id, "again")).await.unwrap();
        assert_eq!((record.stop, record.stage), (Some(why), Some(Stage::Release)));
    }
}
