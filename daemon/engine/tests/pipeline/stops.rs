//! Tests of releases that somebody stops in any step, in which the daemon is killed after any event.
//!
//! Some of the product is left out, since it shows nothing more for its time: a canary by Istio has the plan of one by a
//! gateway, a newer job meets the same steps in both kinds of canaries, and a journal that refuses one event is tried in
//! all releases that nobody stops.

use crate::{
    killed::{Whole, stopped_and_killed_after_every_event},
    outcomes::{RECREATE, by_gateway, by_replicas, serving},
    strategies::{BLUE_GREEN, end, plan, with},
    world::{Fault, World},
};
use windlass_model::{
    job::Job,
    plan::{Change, Cursor, Step},
};

pub(crate) const ABORTED: &str = "aborted by ann: no";

const SUPERSEDED: &str = "superseded by job job-2";

/// Aborts a job in each step. In the last one that is refused, and a cancel is passed over: what served before may have no
/// pods any more.
pub(crate) async fn aborted_in_every_step(fresh: impl Fn() -> World, job: &Job, name: &str) {
    let unstopped = Whole::of(fresh(), job).await;
    let steps = plan(&unstopped.world).forward.len();
    for index in 0..steps {
        let expected = if index + 1 == steps { "succeeded" } else { ABORTED };
        let name = format!("{name}, aborted in {index}");
        let cursor = Cursor::Forward(index);
        let fault = || match index + 1 == steps {
            true => Fault::CancelledAt(cursor),
            false => Fault::AbortedAt(cursor),
        };
        let stopped = || fresh().with(fault());
        ends_so(stopped, job, &name, expected, &unstopped).await;
    }
}

/// Lets a newer job come in each step. It waits as soon as all requests are switched.
async fn superseded_in_every_step(fresh: impl Fn() -> World, job: &Job, name: &str) {
    let unstopped = Whole::of(fresh(), job).await;
    let forward = plan(&unstopped.world).forward;
    let is_switch = |step: &Step| matches!(step, Step::Change(Change::Shift { weight: 100, .. }));
    let switch = forward.iter().position(is_switch).unwrap();
    for index in 0..forward.len() {
        let expected = if index >= switch { "succeeded" } else { SUPERSEDED };
        let name = format!("{name}, superseded in {index}");
        let stopped = || fresh().with(Fault::SupersededAt(Cursor::Forward(index)));
        ends_so(stopped, job, &name, expected, &unstopped).await;
    }
}

/// Compares pairs of lives with one life, whose end is the one that is expected. A job that is stopped leaves what serves
/// as it was.
async fn ends_so(
    fresh: impl Fn() -> World,
    job: &Job,
    name: &str,
    expected: &str,
    unstopped: &Whole,
) {
    let before = fresh().serves();
    let whole = stopped_and_killed_after_every_event(fresh, job, name).await;
    assert_eq!(end(&whole.outcome), expected, "{name}: {:?}", whole.outcome);
    let served = if expected == "succeeded" { unstopped.world.serves() } else { before };
    assert_eq!(whole.world.serves(), served, "{name}");
    assert!(whole.world.cluster.violations().is_empty(), "{name}");
}

fn approved(text: &str) -> World {
    serving(text).with(Fault::Approves)
}

#[tokio::test(start_paused = true)]
async fn an_aborted_release_in_place_ends_as_in_one_life() {
    for text in ["[strategy]\nkind = \"rolling\"", RECREATE] {
        aborted_in_every_step(|| serving(text), &with(text), text).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_aborted_blue_green_release_ends_as_in_one_life() {
    aborted_in_every_step(|| approved(BLUE_GREEN), &with(BLUE_GREEN), "blue-green").await;
}

#[tokio::test(start_paused = true)]
async fn an_aborted_canary_by_a_gateway_ends_as_in_one_life() {
    let text = by_gateway();
    aborted_in_every_step(|| approved(&text), &with(&text), "canary by a gateway").await;
}

#[tokio::test(start_paused = true)]
async fn an_aborted_canary_by_numbers_of_pods_ends_as_in_one_life() {
    let text = by_replicas();
    aborted_in_every_step(|| approved(&text), &with(&text), "canary by pods").await;
}

/// Rolling updates and recreations are not here: no newer job ends them.
#[tokio::test(start_paused = true)]
async fn a_superseded_blue_green_release_ends_as_in_one_life() {
    superseded_in_every_step(|| approved(BLUE_GREEN), &with(BLUE_GREEN), "blue-green").await;
}

#[tokio::test(start_paused = true)]
async fn a_superseded_canary_by_numbers_of_pods_ends_as_in_one_life() {
    let text = by_replicas();
    superseded_in_every_step(|| approved(&text), &with(&text), "canary by pods").await;
}
