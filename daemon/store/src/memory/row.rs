//! The row of a job: the job with its events.

use windlass_engine::ports::store::{Approve, Claim, JobRecord, Lapse, Recorded, StoreError};
use windlass_model::{
    approval::{Approval, Hold, hold},
    event::Event,
    job::{Job, Stage},
    outbox::Receiver,
    outcome::{Outcome, Stop},
    pause::{Interventions, Pause, Resume},
    replay::{JobState, is_cleaning_up, state_after},
};

/// A job with its events.
pub(super) struct Row {
    pub(super) job: Job,
    pub(super) receivers: Vec<Receiver>,
    pub(super) request_id: String,
    pub(super) body: Vec<u8>,
    pub(super) events: Vec<Recorded>,
    pub(super) last_seq: u64,
    pub(super) state: JobState,
    pub(super) stage: Option<Stage>,
    pub(super) stop: Option<Stop>,
    pub(super) outcome: Option<Outcome>,
    pub(super) held: Option<Hold>,
    pub(super) approvals: Vec<Approval>,
    /// Pause that nobody ended.
    pub(super) pause: Option<Pause>,
    /// End of the last pause.
    pub(super) resumed: Option<Resume>,
    pub(super) claimed_by: Option<String>,
    pub(super) fence: u64,
}

impl Row {
    pub(super) fn record(&self) -> JobRecord {
        let ended = self.outcome.as_ref().and(self.events.last());
        let started = self.events.first().filter(|first| first.seq == 1);
        // The end of a job that was never taken up is its first event.
        let has_begun = self.last_seq > u64::from(self.outcome.is_some());
        let mut record = JobRecord {
            job: self.job.clone(),
            last_seq: self.last_seq,
            state: self.state,
            stage: self.outcome.as_ref().map(Outcome::stage).or(self.stage),
            stop: self.stop.clone(),
            outcome: self.outcome.clone(),
            held: self.held.clone(),
            paused: None,
            started_ms: started.map(|first| first.at_ms).filter(|_| has_begun),
            ended_ms: ended.map(|last| last.at_ms),
        };
        record.paused = self.pause.clone().filter(|_| record.goes_forward());
        record
    }

    pub(super) fn append(
        &mut self,
        claim: &Claim,
        event: &Event,
        at_ms: u64,
    ) -> Result<(), StoreError> {
        if self.outcome.is_some() {
            return Err(StoreError::Ended(claim.job.clone()));
        }
        if self.fence != claim.fence {
            let by = self.claimed_by.clone().unwrap_or_default();
            return Err(StoreError::Fenced { job: claim.job.clone(), by });
        }
        self.last_seq += 1;
        self.events.push(Recorded { seq: self.last_seq, at_ms, event: event.clone() });
        if let Some((state, stage)) = state_after(self.state, event) {
            self.state = state;
            self.stage = stage.or(self.stage);
            self.held = hold(event);
        }
        if let Event::Ended(outcome) = event {
            self.outcome = Some(outcome.clone());
        }
        Ok(())
    }

    /// Stores an approval of what the job waits for.
    pub(super) fn approve(&mut self, digest: &str, by: &str, note: &str, at_ms: u64) -> Approve {
        match self.held.clone().filter(|_| self.stop.is_none()) {
            Some(held) if held.digest != digest => Approve::Other(held),
            Some(held) if self.is_approved(&held) => Approve::Stored,
            Some(held) if held.is_over(at_ms) => Approve::Over { until_ms: held.until_ms },
            Some(Hold { gate, digest, .. }) => {
                let (by, note) = (by.to_owned(), note.to_owned());
                self.approvals.push(Approval { gate, digest, by, note, at_ms });
                Approve::Stored
            }
            None if self.approvals.iter().any(|one| one.digest == digest) => Approve::Stored,
            None => Approve::NotHeld,
        }
    }

    /// Ends the wait for an approval if its time is over.
    pub(super) fn lapse(&mut self, now_ms: u64) -> Lapse {
        let Some(held) = self.held.clone() else { return Lapse::Over };
        if self.stop.is_some() || self.is_approved(&held) {
            return Lapse::Over;
        }
        if !held.is_over(now_ms) {
            return Lapse::Later(held.until_ms);
        }
        // A restart records the same wait again.
        let began = self.events.iter().find(|one| hold(&one.event).as_ref() == Some(&held));
        let seconds = held.length(began.map(|one| one.at_ms)).as_secs();
        self.stop = Some(Stop::NotApproved { seconds });
        Lapse::Stopped
    }

    /// Rejects what the job waits for. Returns whether it waited, and nobody had approved.
    pub(super) fn reject(&mut self, by: &str, note: &str) -> bool {
        let waits =
            self.stop.is_none() && self.held.as_ref().is_some_and(|held| !self.is_approved(held));
        if waits {
            self.stop = Some(Stop::Rejected { by: by.to_owned(), note: note.to_owned() });
        }
        waits
    }

    fn is_approved(&self, held: &Hold) -> bool {
        self.approvals.iter().any(|one| held.is_approved_by(one))
    }

    /// Pauses the job. Whoever came first stays.
    pub(super) fn pause(&mut self, by: &str, note: &str, at_ms: u64) -> bool {
        let may_be = self.record().can_be_paused() && !self.is_cleaning_up();
        if may_be && self.pause.is_none() {
            self.pause = Some(Pause { by: by.to_owned(), note: note.to_owned(), at_ms });
            self.resumed = None;
        }
        may_be
    }

    /// Ends the pause of the job. Returns whether it was paused.
    pub(super) fn resume(&mut self, by: &str, note: &str) -> bool {
        let is_paused = self.record().paused.is_some();
        if is_paused {
            self.pause = None;
            self.resumed = Some(Resume { by: by.to_owned(), note: note.to_owned() });
        }
        is_paused
    }

    /// Has the job stop, if its release is under way.
    pub(super) fn abort(&mut self, by: &str, note: &str) -> bool {
        let may_be = self.record().can_be_aborted() && !self.is_cleaning_up();
        if may_be {
            self.stop = Some(Stop::Aborted { by: by.to_owned(), note: note.to_owned() });
        }
        may_be
    }

    /// Has the job stop for a newer one, unless it is to stop already.
    pub(super) fn supersede(&mut self, by: &str) -> bool {
        let goes = self.stop.is_none() && self.outcome.is_none();
        if goes {
            self.stop = Some(Stop::Superseded { by: by.to_owned() });
        }
        goes
    }

    /// Returns whether the job's release takes its last step.
    fn is_cleaning_up(&self) -> bool {
        let last = |is: fn(&Event) -> bool| {
            let mut events = self.events.iter().rev().map(|one| &one.event);
            events.find(|event| is(event))
        };
        // Hooks that tell others of the outcome come behind the last step.
        self.stage == Some(Stage::Release)
            && is_cleaning_up(
                last(|event| matches!(event, Event::Planned(_))),
                last(|event| matches!(event, Event::StepStarted(..))),
            )
    }

    pub(super) fn interventions(&self) -> Interventions {
        Interventions {
            approvals: self.approvals.clone(),
            pause: self.pause.clone(),
            resumed: self.resumed.clone(),
            stop: self.stop.clone(),
        }
    }
}
