//! Faults of a world. Tests name them, and each fake asks whether its own are there.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use windlass_model::{plan::Cursor, runtime::MigrationPhase};

/// Digest that stands for every image.
pub(crate) const ANY: &str = "any";

/// One thing that goes wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This call of a port fails, counted from 1 over all ports: a blip.
    CallFails(u32),
    /// This call of a port fails, and every one after it.
    CallsFailFrom(u32),
    /// This call of a port panics: a defect of an adapter.
    CallPanics(u32),
    /// The daemon is killed once the journal has this many events.
    KilledAfter(usize),
    /// The journal refuses one event, the one after so many: a disk that is full for a second.
    Hiccup(usize),
    /// The journal cannot be read once: the last release of a cluster is unknown.
    HiccupOfReleases,
    /// The store of secrets does not answer `the pipeline`, or `the cluster`.
    SecretsAway(&'static str),
    /// Somebody cancels the job once this step is done.
    CancelledAfter(Cursor),
    /// This detector plans nothing.
    DetectorRefuses(&'static str),
    /// Each build takes this long.
    BuildsTake(Duration),
    /// A step of each build exits with 3.
    StepFails,
    /// The registry does not answer the first push.
    RegistryAway,
    /// A test fails.
    TestsFail,
    /// Tests never end.
    TestsHang,
    /// Containers of an image of this digest crash. [`ANY`] is every image.
    Crashes(&'static str),
    /// Containers of an image of this digest never get ready, and print nothing.
    NeverReady(&'static str),
    /// Containers of an image crash once their release is whole.
    CrashesWhole(&'static str),
    /// Containers of an image that runs beside another crash after 20 s.
    CrashesLater(&'static str),
    /// Pods of an image that runs beside another are not ready after 20 s.
    UnreadyLater(&'static str),
    /// The new version answers its check with this status.
    Answers(u16),
    /// The new version refuses this many connections before it answers its check.
    WarmingUp(u32),
    /// Metrics have this value. `None` means that they have none.
    Measures(Option<u32>),
    /// No Prometheus answers.
    PrometheusHangs,
    /// Each answer of a Prometheus takes this long.
    PrometheusTakes(Duration),
    /// No Prometheus is configured.
    NoPrometheus,
    /// Somebody approves each share of requests at once.
    Approves,
    /// Somebody aborts the release while it takes this step.
    AbortedAt(Cursor),
    /// Somebody cancels the job while it takes this step, which is taken in any step.
    CancelledAt(Cursor),
    /// Somebody aborted the release just before it takes this step, and the message to the run is lost.
    AbortedUnseen(Cursor),
    /// A newer job of the app comes while the release takes this step.
    SupersededAt(Cursor),
    /// Somebody pauses the release in this step.
    PausedAt(Cursor),
    /// Somebody resumes the release once the journal shows that it is paused.
    Resumes,
    /// The command of this part of migrations exits with 1.
    MigrationFails(MigrationPhase),
    /// Somebody cancels the job while this part of a migration runs.
    CancelledIn(MigrationPhase),
    /// The pod of this part of migrations never runs.
    MigrationNeverRuns(MigrationPhase),
    /// The output of a migration's Job is gone once another run of the daemon looks at it.
    OutputsGone,
    /// So many runs of a migration end with a lock timeout.
    LockTimeouts(usize),
    /// Commands of hooks exit with 1.
    CommandsFail,
    /// The cluster stops answering in the middle of its first watch, and refuses this many watches then.
    Outage { watches: u32 },
    /// The cluster stops answering each time that it has deleted what earlier releases had.
    PruneBreaksOff,
    /// The cluster refuses to delete what earlier releases had.
    PruneRefused,
    /// The cluster cannot say what earlier releases had.
    PruneFails,
    /// The cluster takes no change.
    Unreachable,
    /// The operator has taken the cluster from all apps.
    Withdrawn,
    /// Another fault, in this cluster alone.
    In(&'static str, Box<Self>),
}

impl Fault {
    /// Returns this fault for one cluster alone.
    pub(crate) fn in_(self, cluster: &'static str) -> Self {
        Self::In(cluster, Box::new(self))
    }

    /// Returns the fault as this cluster has it. `None` means that the fault is another cluster's.
    fn at(&self, cluster: &str) -> Option<&Self> {
        match self {
            Self::In(name, fault) => (*name == cluster).then_some(&**fault),
            everywhere => Some(everywhere),
        }
    }

    /// Returns whether containers of an image crash by this fault.
    pub(crate) fn crashes(&self, digest: &str) -> bool {
        matches!(self, Self::Crashes(named) if [digest, ANY].contains(named))
    }

    /// Returns whether containers of an image crash by this fault once their release is whole.
    pub(crate) fn crashes_whole(&self, digest: &str) -> bool {
        matches!(self, Self::CrashesWhole(named) if *named == digest)
    }

    /// Returns whether containers of an image never get ready by this fault.
    pub(crate) fn stalls(&self, digest: &str) -> bool {
        matches!(self, Self::NeverReady(named) if *named == digest)
    }
}

/// Faults of a world, and the count of all calls of its ports. Clones share both.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    all: Arc<Mutex<Vec<Fault>>>,
    calls: Arc<Mutex<u32>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.all.lock().unwrap().push(fault);
    }

    pub(crate) fn remove(&self, is_over: impl Fn(&Fault) -> bool) {
        self.all.lock().unwrap().retain(|fault| !is_over(fault));
    }

    pub(crate) fn has(&self, fault: &Fault) -> bool {
        self.any(|one| one == fault)
    }

    pub(crate) fn has_in(&self, cluster: &str, fault: &Fault) -> bool {
        self.any_in(cluster, |one| one == fault)
    }

    pub(crate) fn any(&self, is_it: impl Fn(&Fault) -> bool) -> bool {
        self.all.lock().unwrap().iter().any(is_it)
    }

    pub(crate) fn any_in(&self, cluster: &str, is_it: impl Fn(&Fault) -> bool) -> bool {
        self.any(|fault| fault.at(cluster).is_some_and(&is_it))
    }

    /// Returns how long each build takes.
    pub(crate) fn build_time(&self) -> Duration {
        let all = self.all.lock().unwrap();
        let time = all.iter().find_map(|fault| match fault {
            Fault::BuildsTake(time) => Some(*time),
            _ => None,
        });
        time.unwrap_or_default()
    }

    /// Returns how long each answer of a Prometheus takes.
    pub(crate) fn measuring_time(&self) -> Duration {
        let all = self.all.lock().unwrap();
        let time = all.iter().find_map(|fault| match fault {
            Fault::PrometheusTakes(time) => Some(*time),
            _ => None,
        });
        time.unwrap_or_default()
    }

    /// Returns the value that metrics have: 100 without a fault.
    pub(crate) fn measured(&self) -> Option<u32> {
        let all = self.all.lock().unwrap();
        let value = all.iter().find_map(|fault| match fault {
            Fault::Measures(value) => Some(*value),
            _ => None,
        });
        value.unwrap_or(Some(100))
    }

    /// Returns the status of the next answer to a check: 200 without a fault.
    pub(crate) fn status(&self) -> u16 {
        let mut all = self.all.lock().unwrap();
        for fault in all.iter_mut() {
            match fault {
                Fault::WarmingUp(left) if *left > 0 => {
                    *left -= 1;
                    return 503;
                }
                Fault::Answers(status) => return *status,
                _ => {}
            }
        }
        200
    }

    /// Returns the number of calls so far.
    pub(crate) fn calls(&self) -> u32 {
        *self.calls.lock().unwrap()
    }

    /// Counts a call of a port, and returns whether it fails.
    pub(crate) fn call(&self) -> bool {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        assert!(!self.has(&Fault::CallPanics(call)), "an adapter's defect");
        self.any(|fault| match fault {
            Fault::CallFails(number) => call == *number,
            Fault::CallsFailFrom(number) => call >= *number,
            _ => false,
        })
    }
}
