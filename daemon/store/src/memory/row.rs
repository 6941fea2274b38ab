//! The row of a job: the job with its events.

use windlass_engine::ports::store::{Approve, Claim, JobRecord, Lapse, Recorded, StoreError};
use windlass_model::{
    approval::{Approval, HELD_FOR, Hold, hold},
    event::Event,
    job::{Gate, Job, Stage},
    outbox::Receiver,
    outcome::{Outcome, Stop},
    replay::{JobState, state_after},
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
    pub(super) claimed_by: Option<String>,
    pub(super) fence: u64,
}

impl Row {
    pub(super) fn record(&self) -> JobRecord {
        let ended = self.outcome.as_ref().and(self.events.last());
        let started = self.events.first().filter(|first| first.seq == 1);
        // The end of a job that was never taken up is its first event.
        let has_begun = self.last_seq > u64::from(self.outcome.is_some());
        JobRecord {
            job: self.job.clone(),
            last_seq: self.last_seq,
            state: self.state,
            stage: self.outcome.as_ref().map(Outcome::stage).or(self.stage),
            stop: self.stop.clone(),
            outcome: self.outcome.clone(),
            held: self.held.clone(),
            started_ms: started.map(|first| first.at_ms).filter(|_| has_begun),
            ended_ms: ended.map(|last| last.at_ms),
        }
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
            Some(Hold { gate, digest, .. }) => {
                if !self.is_approved(gate, &digest) {
                    let (by, note) = (by.to_owned(), note.to_owned());
                    self.approvals.push(Approval { gate, digest, by, note, at_ms });
                }
                Approve::Stored
            }
            None if self.approvals.iter().any(|one| one.digest == digest) => Approve::Stored,
            None => Approve::NotHeld,
        }
    }

    /// Ends the wait for an approval if its time is over.
    pub(super) fn lapse(&mut self, now_ms: u64) -> Lapse {
        let Some(Hold { gate, digest, until_ms }) = self.held.clone() else { return Lapse::Over };
        if self.stop.is_some() || self.is_approved(gate, &digest) {
            return Lapse::Over;
        }
        if until_ms > now_ms {
            return Lapse::Later(until_ms);
        }
        self.stop = Some(Stop::NotApproved { seconds: HELD_FOR.as_secs() });
        Lapse::Stopped
    }

    /// Rejects what the job waits for. Returns whether it waited, and nobody had approved.
    pub(super) fn reject(&mut self, by: &str, note: &str) -> bool {
        let waits = self.stop.is_none()
            && self.held.as_ref().is_some_and(|held| !self.is_approved(held.gate, &held.digest));
        if waits {
            self.stop = Some(Stop::Rejected { by: by.to_owned(), note: note.to_owned() });
        }
        waits
    }

    fn is_approved(&self, gate: Gate, digest: &str) -> bool {
        self.approvals.iter().any(|one| one.gate == gate && one.digest == digest)
    }
}
