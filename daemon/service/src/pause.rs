//! Pauses, resumes and aborts releases that are on their way.

use crate::{
    caller::Caller, check, error::ServiceError, finish::finish, services::Services, verb::Verb,
};
use windlass_engine::{ports::store::JobRecord, queue::Message};
use windlass_model::{
    job::{Gate, Stage},
    outcome::Stop,
    replay::JobState,
};

/// Request to pause, to resume or to abort a job's release.
#[derive(Clone, Debug, Default)]
pub struct InterventionRequest {
    /// Id of the job.
    pub id: String,
    /// Note for the journal, at most 500 characters. Empty means none.
    pub note: String,
}

impl Services {
    /// Lets a job's release take no further step, and returns the job. A job that is paused, by whomever, stays as it is.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] with `not-on-its-way` for a job that goes forward no more, waits for an approval before
    /// its release, or takes the last step of it.
    /// [`ServiceError::NotFound`] for an id that no job has.
    pub async fn pause(
        &self,
        caller: &Caller,
        request: InterventionRequest,
    ) -> Result<JobRecord, ServiceError> {
        let (record, note) = self.begun(caller, &request).await?;
        if record.paused.is_some() {
            return Ok(record);
        }
        let (jobs, queue, by) = (self.jobs.clone(), self.queue.clone(), caller.name.clone());
        let of = request.id.clone();
        let is_stored = finish(async move {
            let is_stored = jobs.pause(&of, &by, &note).await?;
            if is_stored {
                let _ = queue.send(Message::News { id: of });
            }
            Ok(is_stored)
        })
        .await?;
        let record = self.find_job(&request.id).await?;
        if is_stored || record.paused.is_some() { Ok(record) } else { Err(not_on_its_way(&record)) }
    }

    /// Ends the pause of a job's release, and returns the job.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] with `not-paused` for a job that is not paused. [`ServiceError::NotFound`] for an id that
    /// no job has.
    pub async fn resume(
        &self,
        caller: &Caller,
        request: InterventionRequest,
    ) -> Result<JobRecord, ServiceError> {
        let (_, note) = self.begun(caller, &request).await?;
        let (jobs, queue, by) = (self.jobs.clone(), self.queue.clone(), caller.name.clone());
        let of = request.id.clone();
        finish(async move {
            if jobs.resume(&of, &by, &note).await? {
                let _ = queue.send(Message::News { id: of });
                Ok(())
            } else {
                Err(not_paused(&of))
            }
        })
        .await?;
        self.find_job(&request.id).await
    }

    /// Ends a release that is under way, and returns the job, which puts the previous release back. A repeat changes
    /// nothing.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] with `not-on-its-way` for a job that has ended, is to stop for another reason,
    /// takes the last step of its release, or whose release is not under way. [`ServiceError::NotFound`] for an id that no
    /// job has.
    pub async fn abort(
        &self,
        caller: &Caller,
        request: InterventionRequest,
    ) -> Result<JobRecord, ServiceError> {
        let (_, note) = self.begun(caller, &request).await?;
        let (jobs, queue, by) = (self.jobs.clone(), self.queue.clone(), caller.name.clone());
        let of = request.id.clone();
        finish(async move {
            if jobs.abort(&of, &by, &note).await? {
                let _ = queue.send(Message::Cancelled { id: of });
            }
            Ok(())
        })
        .await?;
        let record = self.find_job(&request.id).await?;
        if matches!(record.stop, Some(Stop::Aborted { .. })) {
            Ok(record)
        } else {
            Err(not_on_its_way(&record))
        }
    }

    /// Returns the job of a request and its note, once the caller may intervene.
    async fn begun(
        &self,
        caller: &Caller,
        request: &InterventionRequest,
    ) -> Result<(JobRecord, String), ServiceError> {
        let record = self.find_job(&request.id).await?;
        caller.may(Verb::Deploy, &record.job.app.project)?;
        Ok((record, check::note(&request.note)?))
    }
}

fn not_on_its_way(record: &JobRecord) -> ServiceError {
    let id = &record.job.id;
    let waits_before = record.held.as_ref().is_some_and(|hold| hold.gate != Gate::Traffic);
    let (message, fix) = match (&record.outcome, &record.stop) {
        (Some(_), _) => {
            (format!("job {id} has ended"), format!("see how it ended: windlass show {id}"))
        }
        (None, Some(stop)) => {
            let message = format!("job {id} is to stop already: {stop}");
            (message, format!("follow it: windlass watch {id}"))
        }
        (None, None) if record.state == JobState::RollingBack => {
            let message = format!("job {id} rolls back already");
            (message, format!("follow it: windlass watch {id}"))
        }
        (None, None) if waits_before => {
            let message = format!("job {id} waits for an approval, and releases nothing before");
            (message, format!("end it: windlass reject {id}"))
        }
        (None, None) if record.can_be_aborted() => {
            let message = format!("job {id} takes its last step, which is seen through");
            let app = &record.job.app;
            (
                message,
                format!("once it has ended: windlass rollback {app}, or windlass remove {app}"),
            )
        }
        (None, None) if record.stage == Some(Stage::Hooks) => {
            let message = format!("job {id} has its outcome, and its notification hooks run");
            (message, format!("follow it: windlass watch {id}"))
        }
        (None, None) => {
            let message = format!("the release of job {id} is not under way");
            (message, format!("stop the job as a whole: windlass cancel {id}"))
        }
    };
    ServiceError::Conflict { reason: "not-on-its-way", message, fix }
}

fn not_paused(id: &str) -> ServiceError {
    ServiceError::Conflict {
        reason: "not-paused",
        message: format!("job {id} is not paused"),
        fix: format!("look at it: windlass show {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller, release, submit};
    use windlass_model::{
        approval::LONGEST_NOTE,
        event::Event,
        job::Stage,
        outcome::Outcome,
        plan::{Change, Cursor, Plan, Step},
    };

    fn request(id: &str, note: &str) -> InterventionRequest {
        InterventionRequest { id: id.into(), note: note.into() }
    }

    fn deployer(name: &str) -> Caller {
        caller(name, &["shop"], &[Verb::Deploy])
    }

    /// Submits a job, and returns its id.
    async fn submitted(world: &World) -> String {
        let id = world.services.submit(&deployer("ci"), submit("one")).await.unwrap().job.id;
        world.queued();
        id
    }

    /// Submits a job whose release is under way, and returns its id.
    async fn under_way(world: &World) -> String {
        let id = submitted(world).await;
        let release = release(&id, "new", &["eu"]);
        let plan = Plan { forward: Vec::new(), rollback: Vec::new(), release };
        world.append(&id, Event::Planned(Box::new(plan))).await;
        id
    }

    #[tokio::test]
    async fn a_pause_is_of_whoever_came_first_and_a_repeat_changes_nothing() {
        let world = World::new();
        let id = under_way(&world).await;
        let record = world.services.pause(&deployer("ann"), request(&id, "logs")).await.unwrap();
        let pause = record.paused.unwrap();
        assert_eq!((&*pause.by, &*pause.note), ("ann", "logs"));
        assert_eq!(world.queued(), [Message::News { id: id.clone() }]);
        let record = world.services.pause(&deployer("bob"), request(&id, "too")).await.unwrap();
        assert_eq!(record.paused, Some(pause));
        assert!(world.queued().is_empty());
    }

    #[tokio::test]
    async fn whoever_may_deploy_resumes_what_another_paused() {
        let world = World::new();
        let id = under_way(&world).await;
        let error = world.services.resume(&deployer("bob"), request(&id, "")).await.unwrap_err();
        assert_eq!(error.reason(), "not-paused");
        assert!(world.queued().is_empty());
        world.services.pause(&deployer("ann"), request(&id, "")).await.unwrap();
        world.queued();
        let record = world.services.resume(&deployer("bob"), request(&id, "well")).await.unwrap();
        assert_eq!(record.paused, None);
        assert_eq!(world.queued(), [Message::News { id: id.clone() }]);
        let error = world.services.resume(&deployer("bob"), request(&id, "")).await.unwrap_err();
        assert_eq!(error.to_string(), format!("job {id} is not paused"));
    }

    #[tokio::test]
    async fn an_abort_ends_a_release_with_its_note_paused_or_not() {
        for is_paused in [false, true] {
            let world = World::new();
            let id = under_way(&world).await;
            if is_paused {
                world.services.pause(&deployer("ann"), request(&id, "")).await.unwrap();
            }
            world.queued();
            let note = "too many \u{1b}[2J errors";
            let record = world.services.abort(&deployer("ann"), request(&id, note)).await.unwrap();
            let note = "too many \\u{1b}[2J errors".to_owned();
            let why = Stop::Aborted { by: "ann".into(), note };
            assert_eq!(record.stop.as_ref(), Some(&why), "a terminal obeys nothing of it");
            assert_eq!(world.queued(), [Message::Cancelled { id: id.clone() }]);
            // A repeat keeps the first reason.
            let again = world.services.abort(&deployer("bob"), request(&id, "")).await.unwrap();
            assert_eq!(again.stop, Some(why));
            assert!(world.queued().is_empty());
        }
    }

    #[tokio::test]
    async fn what_is_not_released_yet_is_cancelled_and_not_aborted() {
        let world = World::new();
        let id = submitted(&world).await;
        let error = world.services.abort(&deployer("ann"), request(&id, "")).await.unwrap_err();
        assert_eq!(error.reason(), "not-on-its-way");
        assert_eq!(error.to_string(), format!("the release of job {id} is not under way"));
        let fix = format!("stop the job as a whole: windlass cancel {id}");
        assert_eq!(error.fixes(), [fix]);
        assert!(world.queued().is_empty());
        assert_eq!(world.accepted().await[0].stop, None);
    }

    #[tokio::test]
    async fn what_stops_or_has_ended_is_neither_paused_nor_aborted() {
        let world = World::new();
        let id = under_way(&world).await;
        let ann = deployer("ann");
        world.services.cancel(&ann, &id).await.unwrap();
        world.queued();
        let stops = format!("job {id} is to stop already: cancelled by ann");
        let why = Stop::Cancelled { by: "ann".into() };
        let at = Stage::Release;
        for (event, message) in [
            (None, stops),
            (Some(Event::Ended(Outcome::Stopped { at, why })), format!("job {id} has ended")),
        ] {
            if let Some(event) = event {
                world.append(&id, event).await;
            }
            let paused = world.services.pause(&ann, request(&id, "")).await;
            let aborted = world.services.abort(&ann, request(&id, "")).await;
            for error in [paused.unwrap_err(), aborted.unwrap_err()] {
                assert_eq!(
                    (error.reason(), error.to_string()),
                    ("not-on-its-way", message.clone())
                );
            }
            let error = world.services.resume(&ann, request(&id, "")).await.unwrap_err();
            assert_eq!(error.reason(), "not-paused");
            assert!(world.queued().is_empty());
        }
    }

    #[tokio::test]
    async fn what_waits_before_its_release_or_rolls_back_is_left_to_its_other_verbs() {
        let (ann, digest) = (deployer("ann"), "a".to_owned());
        let held = Event::Held { gate: Gate::Release, digest, until_ms: 1 };
        let failed = Outcome::Failed(Box::default());
        for (event, message) in [
            (held, "waits for an approval, and releases nothing before"),
            (Event::RollingBack(failed), "rolls back already"),
        ] {
            let world = World::new();
            let id = submitted(&world).await;
            world.append(&id, event).await;
            let paused = world.services.pause(&ann, request(&id, "")).await;
            let aborted = world.services.abort(&ann, request(&id, "")).await;
            for error in [paused.unwrap_err(), aborted.unwrap_err()] {
                assert_eq!(error.reason(), "not-on-its-way");
                assert_eq!(error.to_string(), format!("job {id} {message}"));
            }
            assert!(world.queued().is_empty());
        }
    }

    #[tokio::test]
    async fn nobody_stops_a_release_in_its_last_step() {
        let (world, ann) = (World::new(), deployer("ann"));
        let id = submitted(&world).await;
        let release = release(&id, "new", &["eu"]);
        let forward = vec![Step::Change(Change::Prune(Box::new(release.clone())))];
        let plan = Plan { forward, rollback: Vec::new(), release };
        world.append(&id, Event::Planned(Box::new(plan))).await;
        world.append(&id, Event::StepStarted(Cursor::Forward(0), "remove".into())).await;
        for refused in [
            world.services.pause(&ann, request(&id, "")).await,
            world.services.abort(&ann, request(&id, "")).await,
        ] {
            let error = refused.unwrap_err();
            assert_eq!(error.reason(), "not-on-its-way");
            let message = format!("job {id} takes its last step, which is seen through");
            assert_eq!(error.to_string(), message);
            let app = "shop/web/production";
            let fix =
                format!("once it has ended: windlass rollback {app}, or windlass remove {app}");
            assert_eq!(error.fixes(), [fix]);
        }
        assert!(world.queued().is_empty());
        assert_eq!(world.accepted().await[0].stop, None);
    }

    #[tokio::test]
    async fn nobody_stops_a_release_whose_outcome_is_decided() {
        let (world, ann) = (World::new(), deployer("ann"));
        let id = under_way(&world).await;
        let outcome = Outcome::Failed(Box::default());
        world.append(&id, Event::OutcomeDecided { outcome, hooks: Vec::new() }).await;
        let error = world.services.abort(&ann, request(&id, "")).await.unwrap_err();
        let message = format!("job {id} has its outcome, and its notification hooks run");
        assert_eq!((error.reason(), error.to_string()), ("not-on-its-way", message));
    }

    #[tokio::test]
    async fn an_intervention_needs_the_verb_and_a_short_note() {
        let world = World::new();
        let id = under_way(&world).await;
        let reader = caller("eve", &["shop"], &[Verb::Read, Verb::Approve]);
        let long = "é".repeat(LONGEST_NOTE + 1);
        let services = &world.services;
        for (error, of) in [
            (services.pause(&reader, request(&id, "")).await.unwrap_err(), "pause"),
            (services.resume(&reader, request(&id, "")).await.unwrap_err(), "resume"),
            (services.abort(&reader, request(&id, "")).await.unwrap_err(), "abort"),
        ] {
            assert_eq!(error.reason(), "permission-denied", "{of}");
        }
        let ann = deployer("ann");
        for error in [
            services.pause(&ann, request(&id, &long)).await.unwrap_err(),
            services.resume(&ann, request(&id, &long)).await.unwrap_err(),
            services.abort(&ann, request(&id, &long)).await.unwrap_err(),
        ] {
            assert!(error.to_string().starts_with("note: `501 characters` is too long"), "{error}");
        }
        let error = services.pause(&ann, request("none", "")).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no job `none`");
        assert!(world.queued().is_empty());
        assert_eq!(world.accepted().await[0].paused, None);
    }
}
