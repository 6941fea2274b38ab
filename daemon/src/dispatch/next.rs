//! Decision on what follows the end of a run. Pure: a job is neither forgotten nor run in a circle.

use std::time::Duration;
use windlass_engine::journal::JournalLost;
use windlass_model::job::Gate;

/// Pauses before a job's next run: the first, and the longest. Each is twice the one before.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Number of runs that a defect may end. The last of them ends the job.
const MOST_PANICS: u32 = 3;

/// The end of a run.
#[derive(Debug)]
pub(super) enum Ended {
    /// The job has ended, or is another daemon's.
    Done,
    /// The job waits for an approval at this gate.
    Held(Gate),
    /// The journal takes no more from the run.
    Lost(JournalLost),
    /// The journal has an event where no run could have written it.
    Senseless(String),
    /// Our own code panicked outside of a stage.
    Panicked,
}

/// Ends of a job's earlier runs in this life of the daemon.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tries {
    lost: u32,
    panics: u32,
}

/// Deed of the dispatcher after a run of a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: the job has ended.
    Forget,
    /// Run it once somebody approves.
    Hold { gate: Gate },
    /// Run it again.
    Again {
        after: Duration,
        /// The reason, for people.
        why: String,
    },
    /// End it as failed: a defect of Windlass ends each of its runs.
    Fail,
    /// Run it no more: its journal stays as it is.
    Leave {
        /// The reason and what to do, for people.
        why: String,
    },
}

impl Tries {
    /// Returns what follows a run that ended so after `ran`.
    pub(super) fn next(&mut self, ended: Ended, ran: Duration) -> Next {
        if ran > PAUSE.1 {
            self.lost = 0;
        }
        match ended {
            Ended::Done => Next::Forget,
            Ended::Held(gate) => Next::Hold { gate },
            Ended::Lost(
                lost @ (JournalLost::Fenced(_)
                | JournalLost::Overtaken(_)
                | JournalLost::Unavailable(_)),
            ) => self.again(&lost.to_string()),
            Ended::Lost(lost @ JournalLost::Unreadable(_)) => leave(&lost.to_string()),
            Ended::Senseless(why) => leave(&format!("its journal makes no sense: {why}")),
            Ended::Panicked => {
                self.panics += 1;
                if self.panics >= MOST_PANICS {
                    return Next::Fail;
                }
                self.again("a defect of Windlass ended its run; the daemon's log names the place")
            }
        }
    }

    fn again(&mut self, why: &str) -> Next {
        let after = PAUSE.0.saturating_mul(1 << self.lost.min(16)).min(PAUSE.1);
        self.lost += 1;
        Next::Again { after, why: format!("{why}; it comes within {} s", after.as_secs()) }
    }
}

fn leave(why: &str) -> Next {
    let why = format!("{why}; start a daemon that reads it, or cancel the job");
    Next::Leave { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> Ended {
        Ended::Lost(JournalLost::Unavailable("a full disk".into()))
    }

    fn seconds(next: Next) -> u64 {
        match next {
            Next::Again { after, .. } => after.as_secs(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_job_that_comes_back_at_once_comes_less_and_less() {
        let mut tries = Tries::default();
        let pauses: Vec<_> = (0..11).map(|_| seconds(tries.next(away(), Duration::ZERO))).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(seconds(tries.next(away(), Duration::from_secs(3600))), 1, "the run got on");
    }

    /// The job's next run waits for the lease.
    #[test]
    fn a_job_whose_app_somebody_else_has_comes_again() {
        let overtaken = Ended::Lost(JournalLost::Overtaken("b/job-2".into()));
        let next = Tries::default().next(overtaken, Duration::ZERO);
        let Next::Again { after, why } = next else { panic!("{next:?}") };
        assert!(after == PAUSE.0 && why.contains("b/job-2"), "{why}");
    }

    #[test]
    fn what_cannot_be_read_is_left_alone_with_a_reason() {
        let unreadable = || JournalLost::Unreadable("event 7 has an unknown kind".into());
        for ended in [Ended::Lost(unreadable()), Ended::Senseless("event 7".into())] {
            let next = Tries::default().next(ended, Duration::ZERO);
            let Next::Leave { why } = next else { panic!("{next:?}") };
            assert!(why.contains("event 7") && why.contains("cancel the job"), "{why}");
        }
    }

    #[test]
    fn a_defect_ends_a_job_after_a_few_runs() {
        let mut tries = Tries::default();
        assert_eq!(seconds(tries.next(Ended::Panicked, Duration::ZERO)), 1);
        assert_eq!(seconds(tries.next(Ended::Panicked, Duration::ZERO)), 2);
        assert_eq!(tries.next(Ended::Panicked, Duration::ZERO), Next::Fail);
        assert_eq!(Tries::default().next(Ended::Done, Duration::ZERO), Next::Forget);
    }

    #[test]
    fn a_job_at_a_gate_is_neither_forgotten_nor_run_again() {
        let next = Tries::default().next(Ended::Held(Gate::Release), Duration::ZERO);
        assert_eq!(next, Next::Hold { gate: Gate::Release });
    }
}
