//! Tests of rollbacks to releases of all strategies: wherever the daemon is killed, each ends as in one life.

use crate::{
    hooks, job,
    killed::killed_after_every_event_of_a_release,
    outcomes::{RECREATE, by_replicas},
    stops::aborted_in_every_step,
    strategies::{BLUE_GREEN, CANARY, end},
    world::{Fault, Made, World, release},
};
use std::collections::BTreeMap;
use windlass_model::{
    cluster::DEFAULT,
    hook::Policy,
    job::{Job, Release, Source},
    plan::Cursor,
    runtime::Track,
    spec::{Detected, Spec},
};

/// Everything that can become of a rollback, with its end. It waits for nobody.
const OUTCOMES: [(&str, Made, &str); 8] = [
    ("good", |world| world, "succeeded"),
    ("crashing", |world| world.with(Fault::Crashes("older")), "app-crashes"),
    ("hanging", |world| world.with(Fault::NeverReady("older")), "not-ready-in-time"),
    ("crashing at the end", |world| world.with(Fault::CrashesWhole("older")), "app-crashes"),
    (
        "paused",
        |world| world.with(Fault::Resumes).with(Fault::PausedAt(Cursor::Forward(1))),
        "succeeded",
    ),
    (
        "cancelled at once",
        |world| world.with(Fault::CancelledAfter(Cursor::Forward(0))),
        "cancelled by someone",
    ),
    (
        "cancelled later",
        |world| world.with(Fault::CancelledAfter(Cursor::Forward(1))),
        "cancelled by someone",
    ),
    ("hooks", |world| world.with_hooks(hooks(Policy::RollBack)), "succeeded"),
];

/// Writes of a rollback whose pods take the requests at once.
const SWITCHED: [&str; 3] =
    ["default: older beside, 100 %", "default: 100 % to older", "default: older"];

/// A job that rolls back: the release that serves, and the one of before that comes back.
struct Case {
    name: &'static str,
    bad: Release,
    older: Release,
    /// The pods of before are still there.
    is_kept: bool,
    /// Writes of a rollback that succeeds.
    changed: &'static [&'static str],
}

impl Case {
    fn world(&self) -> World {
        let world = World::new();
        let world = if self.is_kept { world.running_release(&self.older) } else { world };
        world.running_release(&self.bad)
    }

    fn job(&self) -> Job {
        Job { source: Source::Release(Box::new(self.older.clone())), ..job() }
    }
}

/// Returns a release of this strategy on a track.
fn on(track: Track, id: &str, digest: &str, text: &str) -> Release {
    let mut made = release(id, digest);
    let spec = Spec::from_toml(text).unwrap();
    made.runtime.strategy = spec.resolve(&Detected::default(), Vec::new()).strategy;
    made.runtime.tracks = BTreeMap::from([(DEFAULT.to_owned(), track)]);
    made
}

fn bad(track: Track, text: &str) -> Release {
    on(track, "job-0", "bad", text)
}

fn older(track: Track, text: &str) -> Release {
    on(track, "job-00", "older", text)
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "canary of before",
            bad: bad(Track::Plain, CANARY),
            older: older(Track::Plain, CANARY),
            is_kept: false,
            changed: &SWITCHED,
        },
        Case {
            name: "canary by pods of before",
            bad: bad(Track::Blue, &by_replicas()),
            older: older(Track::Green, &by_replicas()),
            is_kept: false,
            changed: &SWITCHED,
        },
        Case {
            name: "blue-green of before, whose pods are kept",
            bad: bad(Track::Green, BLUE_GREEN),
            older: older(Track::Blue, BLUE_GREEN),
            is_kept: true,
            changed: &SWITCHED,
        },
        // The pods of a rolling update that a blue-green release keeps come back as those of blue-green do.
        Case {
            name: "rolling update of before, whose pods are kept",
            bad: bad(Track::Blue, BLUE_GREEN),
            older: older(Track::Plain, "[strategy]\nkind = \"rolling\""),
            is_kept: true,
            changed: &SWITCHED,
        },
        Case {
            name: "recreation of before",
            bad: bad(Track::Plain, RECREATE),
            older: older(Track::Plain, RECREATE),
            is_kept: false,
            changed: &["default: older after a gap"],
        },
    ]
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_a_rollback_ends_as_in_one_life() {
    for case in cases() {
        for (what, made, expected) in OUTCOMES {
            let name = format!("{}, {what}", case.name);
            let (job, fresh) = (case.job(), || made(case.world()));
            let whole = killed_after_every_event_of_a_release(fresh, &job, &name).await;
            assert_eq!(end(&whole.outcome), expected, "{name}: {:?}", whole.outcome);
            let is_good = expected == "succeeded";
            let served = if is_good { "older" } else { "bad" };
            assert_eq!(whole.world.serves().as_deref(), Some(served), "{name}");
            assert!(whole.world.cluster.violations().is_empty(), "{name}");
            if is_good {
                assert_eq!(whole.world.cluster.changed(), case.changed, "{name}");
            }
        }
    }
}

/// No newer job ends a rollback, so that people alone stop it.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_a_rollback_that_is_aborted_ends_as_in_one_life() {
    for case in cases() {
        aborted_in_every_step(|| case.world(), &case.job(), case.name).await;
    }
}
