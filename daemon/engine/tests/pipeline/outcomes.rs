//! Tests of all strategies: whatever becomes of a release, and wherever the daemon is killed, it ends as in one life.
//!
//! Each strategy is a test of its own, so that they run side by side. Kills before the plan are those of `main.rs`: up to
//! there no strategy matters.

use crate::{
    hooks,
    killed::killed_after_every_event_of_a_release,
    run,
    strategies::{BLUE_GREEN, CANARY, end, with},
    world::{Fault, Made, World, release},
};
use windlass_model::{
    hook::Policy,
    plan::Cursor,
    spec::{Detected, Spec},
};

const ROLLING: &str = "[strategy]\nkind = \"rolling\"";

pub(crate) const RECREATE: &str = "[strategy]\nkind = \"recreate\"";

/// Returns the canary whose shares are made by the numbers of pods.
pub(crate) fn by_replicas() -> String {
    CANARY.replace("\"istio\"", "\"replicas\"")
}

/// Returns the canary whose shares are weights of an `HTTPRoute`.
pub(crate) fn by_gateway() -> String {
    let canary = CANARY.replace("\"istio\"", "\"gateway\"");
    format!("[expose]\ngateway = \"infra/public\"\n{canary}")
}

/// Returns a world in which a release of this spec serves: its strategy is also that of a rollback.
pub(crate) fn serving(text: &str) -> World {
    let mut old = release("job-0", "old");
    old.runtime.strategy =
        Spec::from_toml(text).unwrap().resolve(&Detected::default(), Vec::new()).strategy;
    World::new().running_release(&old)
}

/// Everything that can become of a release that is checked, measured and approved, with its end.
const OUTCOMES: [(&str, Made, &str); 15] = [
    ("good", |world| world.with(Fault::Approves), "succeeded"),
    ("nobody approves", |world| world, "not approved within 10 min"),
    ("no answer", |world| world.with(Fault::Answers(500)), "check-failed"),
    ("bad metric", |world| world.with(Fault::Measures(Some(50))), "metric-failed"),
    ("no series", |world| world.with(Fault::Measures(None)), "metric-inconclusive"),
    ("no Prometheus", |world| world.with(Fault::PrometheusHangs), "metric-inconclusive"),
    ("crashing", |world| world.with(Fault::Crashes("new")), "app-crashes"),
    ("hanging", |world| world.with(Fault::NeverReady("new")), "not-ready-in-time"),
    ("crashing later", |world| world.with(Fault::CrashesLater("new")), "app-crashes"),
    ("not ready later", |world| world.with(Fault::UnreadyLater("new")), "not-ready-again"),
    (
        "crashing at the end",
        |world| world.with(Fault::Approves).with(Fault::CrashesWhole("new")),
        "app-crashes",
    ),
    (
        "paused",
        |world| {
            let world = world.with(Fault::Approves).with(Fault::Resumes);
            world.with(Fault::PausedAt(Cursor::Forward(1)))
        },
        "succeeded",
    ),
    (
        "cancelled",
        |world| world.with(Fault::Approves).with(Fault::CancelledAfter(Cursor::Forward(3))),
        "cancelled by someone",
    ),
    ("hooks", |world| world.with(Fault::Approves).with_hooks(hooks(Policy::RollBack)), "succeeded"),
    (
        "failing hooks",
        |world| world.with_hooks(hooks(Policy::RollBack)).with(Fault::CommandsFail),
        "hook-failed",
    ),
];

/// Everything that can become of a release whose pods replace those of before: there is nothing to check, to measure or
/// to approve.
const OUTCOMES_IN_PLACE: [(&str, Made, &str); 8] = [
    ("good", |world| world, "succeeded"),
    ("crashing", |world| world.with(Fault::Crashes("new")), "app-crashes"),
    ("hanging", |world| world.with(Fault::NeverReady("new")), "not-ready-in-time"),
    ("crashing at the end", |world| world.with(Fault::CrashesWhole("new")), "app-crashes"),
    (
        "paused",
        |world| world.with(Fault::Resumes).with(Fault::PausedAt(Cursor::Forward(1))),
        "succeeded",
    ),
    (
        "cancelled",
        |world| world.with(Fault::CancelledAfter(Cursor::Forward(0))),
        "cancelled by someone",
    ),
    ("hooks", |world| world.with_hooks(hooks(Policy::RollBack)), "succeeded"),
    (
        "failing hooks",
        |world| world.with_hooks(hooks(Policy::RollBack)).with(Fault::CommandsFail),
        "hook-failed",
    ),
];

/// Compares all pairs of lives with one life, whose end is the one that is expected.
async fn killed_anywhere(name: &str, text: &str, outcomes: &[(&str, Made, &str)]) {
    let job = with(text);
    for (what, made, expected) in outcomes {
        let name = format!("{name}, {what}");
        let fresh = || made(serving(text));
        let whole = killed_after_every_event_of_a_release(fresh, &job, &name).await;
        assert_eq!(end(&whole.outcome), *expected, "{name}: {:?}", whole.outcome);
        let served = if *expected == "succeeded" { "new" } else { "old" };
        assert_eq!(whole.world.serves().as_deref(), Some(served), "{name}");
        assert!(whole.world.cluster.violations().is_empty(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_a_rolling_update_ends_as_in_one_life() {
    killed_anywhere("rolling", ROLLING, &OUTCOMES_IN_PLACE).await;
}

/// The gap is not made a second time.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_a_recreation_ends_as_in_one_life() {
    killed_anywhere("recreate", RECREATE, &OUTCOMES_IN_PLACE).await;
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_a_blue_green_release_ends_as_in_one_life() {
    killed_anywhere("blue-green", BLUE_GREEN, &OUTCOMES).await;
}

/// Weights are weights for the engine, whoever applies them: where it knows of them at all, all outcomes are those of a
/// gateway.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_a_canary_by_istio_ends_as_in_one_life() {
    let is_weighed = |(what, ..): &(&str, Made, &str)| ["good", "not ready later"].contains(what);
    let some: Vec<_> = OUTCOMES.into_iter().filter(is_weighed).collect();
    assert_eq!(some.len(), 2);
    killed_anywhere("canary by Istio", CANARY, &some).await;
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_a_canary_by_a_gateway_ends_as_in_one_life() {
    killed_anywhere("canary by a gateway", &by_gateway(), &OUTCOMES).await;
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_a_canary_by_numbers_of_pods_ends_as_in_one_life() {
    killed_anywhere("canary by pods", &by_replicas(), &OUTCOMES).await;
}

/// Old pods end before new ones start, forward and in a rollback.
#[tokio::test(start_paused = true)]
async fn a_recreation_has_one_gap_in_each_direction() {
    let world = serving(RECREATE);
    assert_eq!(end(&run(&world, &with(RECREATE)).await), "succeeded");
    assert_eq!(world.cluster.changed(), ["default: new after a gap"]);
    let world = serving(RECREATE).with(Fault::Crashes("new"));
    assert_eq!(end(&run(&world, &with(RECREATE)).await), "app-crashes");
    assert_eq!(world.cluster.changed(), ["default: new after a gap", "default: old after a gap"]);
    assert_eq!(world.serves().as_deref(), Some("old"));
}
