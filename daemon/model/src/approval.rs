//! Approvals: a job waits at a gate until a person approves exactly what comes next.

use crate::{
    event::Event,
    job::Gate,
    replay::{JobState, state_after},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Time for which a job waits for an approval: seven days. Then it ends.
pub const HELD_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// Characters of the longest note of an approval or a rejection.
pub const LONGEST_NOTE: usize = 500;

/// Wait of a job for an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub gate: Gate,
    /// Name of exactly what is approved. At [`Gate::Clone`] it is the commit's id, at [`Gate::Release`] the SHA-256 of all
    /// that is applied, in hex, and at [`Gate::Traffic`] that of the same with the percentage of requests.
    pub digest: String,
    /// End of the wait, in milliseconds since 1970.
    pub until_ms: u64,
}

impl Hold {
    /// Returns the length of the wait, which began at this time (milliseconds since 1970). `None` means that the time is
    /// unknown.
    #[must_use]
    pub fn length(&self, began_ms: Option<u64>) -> Duration {
        match (self.gate, began_ms) {
            // In whole seconds: its end was decided a moment before its beginning was stored.
            (Gate::Traffic, Some(began_ms)) => {
                Duration::from_secs(self.until_ms.saturating_sub(began_ms).div_ceil(1000))
            }
            (Gate::Clone | Gate::Release | Gate::Traffic, _) => HELD_FOR,
        }
    }

    /// Returns whether the wait is over at this time, in milliseconds since 1970. No approval ends it from then on.
    #[must_use]
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.until_ms <= now_ms
    }

    /// Returns whether an approval is of exactly what waits, and came before the end of the wait.
    #[must_use]
    pub fn is_approved_by(&self, approval: &Approval) -> bool {
        let is_of_it = approval.gate == self.gate && approval.digest == self.digest;
        is_of_it && !self.is_over(approval.at_ms)
    }
}

/// Approval that a person gave to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub gate: Gate,
    /// Digest of the [`Hold`] that was approved.
    pub digest: String,
    /// The principal.
    pub by: String,
    /// Note of the principal. Empty means that there is none.
    pub note: String,
    /// Time of the approval, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Approvals of a job, as one of its runs finds them.
#[derive(Clone, Debug, Default)]
pub struct Approvals {
    given: Vec<Approval>,
    /// Gates and digests whose approval is in the journal.
    recorded: Vec<(Gate, String)>,
    /// Waits in the journal, in their order.
    holds: Vec<Hold>,
}

/// Answer to a run at a gate.
#[derive(Debug, PartialEq, Eq)]
pub enum Passage<'a> {
    /// The journal has the approval: an earlier run passed here.
    Recorded,
    /// A person approved since, before the end of the wait.
    Approved(&'a Approval),
    /// Nobody approved yet.
    Closed {
        /// End of the wait that an earlier run began. `None` means that the wait begins now.
        until_ms: Option<u64>,
    },
}

impl Approvals {
    /// Makes the approvals of a job from those that people gave and from the job's journal.
    #[must_use]
    pub fn new(given: Vec<Approval>, journal: &[Event]) -> Self {
        let mut approvals = Self { given, ..Self::default() };
        for event in journal {
            if let Event::Approved { gate, digest, .. } = event {
                approvals.recorded.push((*gate, digest.clone()));
            }
            approvals.holds.extend(hold(event));
        }
        approvals
    }

    /// Returns whether a run may pass a gate with what has this digest.
    #[must_use]
    pub fn passage(&self, gate: Gate, digest: &str) -> Passage<'_> {
        if self.recorded.iter().any(|(of, known)| *of == gate && known == digest) {
            return Passage::Recorded;
        }
        let mut holds = self.holds.iter();
        let first = holds.find(|hold| hold.gate == gate && hold.digest == digest);
        let opens = |one: &&Approval| match first {
            Some(hold) => hold.is_approved_by(one),
            None => one.gate == gate && one.digest == digest,
        };
        match self.given.iter().find(opens) {
            Some(approval) => Passage::Approved(approval),
            None => Passage::Closed { until_ms: first.map(|hold| hold.until_ms) },
        }
    }
}

/// Returns the wait for an approval that an event begins. `None` means that it begins none. An event that changes a job's
/// state and begins none ends the wait.
#[must_use]
pub fn hold(event: &Event) -> Option<Hold> {
    match event {
        Event::Held { gate, digest, until_ms } => {
            Some(Hold { gate: *gate, digest: digest.clone(), until_ms: *until_ms })
        }
        _ => None,
    }
}

/// Returns the time that a job has waited for approvals, which does not count against its time limit. `journal` has
/// the events with their times, in milliseconds since 1970.
#[must_use]
pub fn waited<'a>(journal: impl IntoIterator<Item = (u64, &'a Event)>, now_ms: u64) -> Duration {
    let mut waited_ms = 0;
    let mut held: Option<(u64, Gate)> = None;
    for (at_ms, event) in journal {
        if held.is_some_and(|(_, gate)| !ends_wait(gate, event)) {
            continue;
        }
        waited_ms += held.take().map_or(0, |(held_ms, _)| at_ms.saturating_sub(held_ms));
        if let Event::Held { gate, .. } = event {
            held = Some((at_ms, *gate));
        }
    }
    waited_ms += held.map_or(0, |(held_ms, _)| now_ms.saturating_sub(held_ms));
    Duration::from_millis(waited_ms)
}

/// Returns whether a wait at a gate ends with an event that follows it.
fn ends_wait(gate: Gate, event: &Event) -> bool {
    match gate {
        // The run has ended, and the next one's claim is the next event.
        Gate::Clone | Gate::Release => true,
        // The run goes on, and records other things while it waits: a pause, the state of pods.
        Gate::Traffic => {
            matches!(event, Event::Claimed { .. }) || state_after(JobState::Held, event).is_some()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(digest: &str, until_ms: u64) -> Event {
        Event::Held { gate: Gate::Release, digest: digest.into(), until_ms }
    }

    fn given(gate: Gate, digest: &str) -> Approval {
        Approval { gate, digest: digest.into(), by: "ann".into(), note: String::new(), at_ms: 7 }
    }

    #[test]
    fn a_gate_opens_for_exactly_what_was_approved() {
        let approvals = Approvals::new(vec![given(Gate::Release, "a")], &[]);
        let closed = || Passage::Closed { until_ms: None };
        for (gate, digest, passage) in [
            (Gate::Release, "a", Passage::Approved(&given(Gate::Release, "a"))),
            (Gate::Release, "b", closed()),
            (Gate::Release, "", closed()),
            (Gate::Clone, "a", closed()),
        ] {
            assert_eq!(approvals.passage(gate, digest), passage, "{gate} of {digest}");
        }
    }

    #[test]
    fn a_later_run_waits_no_longer_than_the_first() {
        let journal = [held("a", 100), held("b", 300), held("a", 500)];
        let approvals = Approvals::new(Vec::new(), &journal);
        let until = |digest| match approvals.passage(Gate::Release, digest) {
            Passage::Closed { until_ms } => until_ms,
            other => panic!("{other:?}"),
        };
        assert_eq!((until("a"), until("b"), until("c")), (Some(100), Some(300), None));
        assert_eq!(
            approvals.passage(Gate::Clone, "a"),
            Passage::Closed { until_ms: None },
            "the wait is of another gate"
        );
    }

    #[test]
    fn an_approval_after_the_end_of_its_wait_opens_nothing() {
        for (until_ms, is_open) in [(8, true), (7, false), (6, false)] {
            let approvals = Approvals::new(vec![given(Gate::Release, "a")], &[held("a", until_ms)]);
            let passage = approvals.passage(Gate::Release, "a");
            let closed = Passage::Closed { until_ms: Some(until_ms) };
            let by_ann = given(Gate::Release, "a");
            let expected = if is_open { Passage::Approved(&by_ann) } else { closed };
            assert_eq!(passage, expected, "until {until_ms}");
        }
    }

    #[test]
    fn an_approval_that_is_recorded_is_not_recorded_again() {
        let approved = Event::Approved {
            gate: Gate::Release,
            digest: "a".into(),
            by: "ann".into(),
            note: String::new(),
        };
        let given = vec![given(Gate::Release, "a")];
        let approvals = Approvals::new(given, &[held("a", 100), approved]);
        assert_eq!(approvals.passage(Gate::Release, "a"), Passage::Recorded);
        assert_eq!(
            approvals.passage(Gate::Release, "b"),
            Passage::Closed { until_ms: None },
            "another digest is asked for again"
        );
    }

    #[test]
    fn only_the_time_between_a_hold_and_the_next_run_was_waited() {
        let claimed = || Event::Claimed { daemon: "bed".into() };
        let journal = [
            (10, claimed()),
            (50, held("a", 900)),
            (150, claimed()),
            (160, held("a", 900)),
            (260, claimed()),
        ];
        let of = |count: usize, now_ms| {
            let events = journal.iter().take(count).map(|(at_ms, event)| (*at_ms, event));
            waited(events, now_ms).as_millis()
        };
        assert_eq!((of(0, 1000), of(1, 1000), of(2, 60)), (0, 0, 10));
        assert_eq!((of(3, 1000), of(4, 170), of(5, 9000)), (100, 110, 200));
        assert_eq!(of(2, 20), 0, "the clock was put back");
    }

    #[test]
    fn a_wait_in_the_middle_of_a_release_ends_when_the_release_goes_on() {
        let held = || Event::Held { gate: Gate::Traffic, digest: "a".into(), until_ms: 900 };
        let by = || "ann".to_owned();
        let journal = [
            (10, Event::Claimed { daemon: "bed".into() }),
            (50, held()),
            (60, Event::Paused { by: by(), note: String::new() }),
            (70, Event::Rollout { cluster: "eu".into(), ready: 1, wanted: 2 }),
            (150, Event::Claimed { daemon: "bed".into() }),
            (160, held()),
            (200, Event::Resumed { by: by(), note: String::new() }),
            (
                260,
                Event::Approved {
                    gate: Gate::Traffic,
                    digest: "a".into(),
                    by: by(),
                    note: String::new(),
                },
            ),
        ];
        let of = |count: usize, now_ms| {
            let events = journal.iter().take(count).map(|(at_ms, event)| (*at_ms, event));
            waited(events, now_ms).as_millis()
        };
        assert_eq!((of(2, 55), of(4, 100), of(5, 1000)), (5, 50, 100));
        assert_eq!((of(7, 210), of(8, 9000)), (150, 200));
    }

    #[test]
    fn a_wait_in_the_middle_of_a_release_has_a_length_of_its_own() {
        let hold = |gate| Hold { gate, digest: "a".into(), until_ms: 91_500 };
        let seconds = |gate, began_ms| hold(gate).length(began_ms).as_secs();
        assert_eq!(seconds(Gate::Traffic, Some(1_600)), 90);
        assert_eq!(seconds(Gate::Traffic, Some(100_000)), 0, "the clock was put forward");
        for (gate, began_ms) in
            [(Gate::Clone, Some(1_600)), (Gate::Release, Some(1_600)), (Gate::Traffic, None)]
        {
            assert_eq!(hold(gate).length(began_ms), HELD_FOR);
        }
    }
}
