//! Running jobs that end for a newer one, and news of running jobs.

use super::{LIMITS, approved, clusters, ended, held, start, submitted};
use crate::queue::{Action, Message, Need, Queue};
use windlass_model::app::App;

fn gives_way(id: &str, gives_way: bool) -> Message {
    Message::GivesWay { id: id.into(), gives_way }
}

fn stop(id: &str, by: &str) -> Action {
    Action::StopRunning { id: id.into(), by: by.into() }
}

/// Returns the message of a job of `p/a` that goes to these clusters.
fn to(id: &str, names: &[&str]) -> Message {
    Message::Submitted {
        id: id.into(),
        app: App::new("p", "a", "").unwrap(),
        clusters: clusters(names),
        first: Need::Checkout,
        begun: false,
    }
}

/// A canary that holds for an hour does not keep a fix waiting.
#[test]
fn a_running_job_that_gives_way_is_stopped_and_the_newer_one_waits_for_its_end() {
    let mut queue = Queue::new(LIMITS);
    queue.take(submitted("1", "p", "a"));
    assert_eq!(queue.take(gives_way("1", true)), [], "nothing newer is there");
    assert_eq!(queue.take(submitted("other", "p", "b")), [start("other")]);
    assert_eq!(queue.take(submitted("2", "p", "a")), [stop("1", "2")]);
    let wait = queue.waits(&["2"]).remove("2").map(|wait| wait.to_string());
    assert_eq!(wait.as_deref(), Some("job 1 of the same app, which runs"), "it rolls back");
    let superseded = Action::Supersede { id: "2".into(), by: "3".into() };
    assert_eq!(queue.take(submitted("3", "p", "a")), [superseded], "1 is stopped already");
    assert_eq!(queue.take(gives_way("1", true)), [], "once");
    assert_eq!(queue.take(Message::Cancelled { id: "1".into() }), [], "it rolls back by itself");
    assert_eq!(queue.take(ended("1")), [start("3")]);
}

#[test]
fn a_job_that_gives_way_later_is_stopped_for_the_newest_that_waits() {
    let mut queue = Queue::new(LIMITS);
    queue.take(to("1", &["eu"]));
    queue.take(to("2", &["eu", "us"]));
    queue.take(to("3", &["eu"]));
    assert_eq!(queue.take(gives_way("1", false)), []);
    assert_eq!(queue.take(gives_way("1", true)), [stop("1", "3")]);
    assert_eq!(queue.take(ended("1")), [start("2")], "in their order");
    assert_eq!(queue.take(gives_way("2", true)), [stop("2", "3")]);
}

/// Most of the requests are with the new version by then: going on is shorter than a rollback.
#[test]
fn a_job_that_gives_way_no_more_is_not_stopped() {
    let mut queue = Queue::new(LIMITS);
    queue.take(submitted("1", "p", "a"));
    queue.take(gives_way("1", true));
    queue.take(gives_way("1", false));
    assert_eq!(queue.take(submitted("2", "p", "a")), []);
    assert_eq!(queue.take(ended("1")), [start("2")]);
}

#[test]
fn a_job_gives_way_to_those_alone_that_go_to_one_of_its_clusters() {
    let mut queue = Queue::new(LIMITS);
    queue.take(to("1", &["eu", "us"]));
    queue.take(gives_way("1", true));
    assert_eq!(queue.take(to("2", &["asia"])), []);
    assert_eq!(queue.take(to("3", &["us"])), [stop("1", "3")]);
    assert_eq!(queue.take(ended("1")), [start("2")]);
    queue.take(gives_way("2", true));
    assert_eq!(queue.take(gives_way("3", true)), [], "3 does not run");
    assert_eq!(queue.take(ended("2")), [start("3")]);
}

/// The message of its last run may come late.
#[test]
fn a_run_begins_as_one_that_gives_way_to_nobody() {
    let mut queue = Queue::new(LIMITS);
    queue.take(submitted("1", "p", "a"));
    queue.take(gives_way("1", true));
    assert_eq!(queue.take(Message::Again { id: "1".into() }), [start("1")]);
    assert_eq!(queue.take(submitted("2", "p", "a")), []);
    assert_eq!(queue.take(gives_way("1", true)), [stop("1", "2")]);
    assert_eq!(queue.take(Message::Again { id: "1".into() }), [start("1")]);
    assert_eq!(queue.take(gives_way("1", true)), [stop("1", "2")], "another run is asked again");
}

#[test]
fn what_is_unknown_gives_way_to_nobody_and_has_no_news() {
    let mut queue = Queue::new(LIMITS);
    for message in [gives_way("1", true), gives_way("1", false), Message::News { id: "1".into() }] {
        assert_eq!(queue.take(message), []);
    }
    assert_eq!(queue.take(submitted("1", "p", "a")), [start("1")]);
    assert_eq!(queue.take(submitted("2", "p", "a")), [], "what came before its start is forgotten");
}

/// It waits in the middle of its release, and its run reads the approval by itself.
#[test]
fn an_approval_of_a_job_that_runs_makes_no_second_run() {
    let mut queue = Queue::new(LIMITS);
    queue.take(submitted("1", "p", "a"));
    queue.take(gives_way("1", true));
    for message in [approved("1"), Message::News { id: "1".into() }, approved("1")] {
        assert_eq!(queue.take(message), []);
    }
    assert!(queue.waits(&["1"]).is_empty() && queue.idle().is_empty());
    assert_eq!(queue.take(submitted("2", "p", "a")), [stop("1", "2")], "it gives way as before");
    assert_eq!(queue.take(ended("1")), [start("2")]);
    // One more run reads what came before it, and no further one.
    queue.take(approved("2"));
    assert_eq!(queue.take(held("2")), [start("2")]);
    assert_eq!(queue.take(held("2")), []);
    assert_eq!(queue.take(Message::News { id: "2".into() }), [], "a pause is no approval");
    assert_eq!(queue.take(approved("2")), [start("2")]);
}
