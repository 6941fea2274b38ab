//! Tests of the queue by what is taken and what follows.

use super::*;
use windlass_model::job::Gate;

mod newer;

const LIMITS: Limits = Limits { running: 100, checkouts: 4, builds: 4, releases: 4 };

/// Returns limits of which the first slot, that of checkouts, is scarce.
fn checkouts(checkouts: usize) -> Limits {
    Limits { checkouts, ..LIMITS }
}

fn submitted(id: &str, project: &str, name: &str) -> Message {
    let app = App::new(project, name, "").unwrap();
    Message::Submitted {
        id: id.into(),
        app,
        clusters: clusters(&["eu"]),
        first: Need::Checkout,
        begun: false,
    }
}

fn clusters(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn start(id: &str) -> Action {
    Action::Start(id.into())
}

fn grant(id: &str, ticket: u64) -> Action {
    Action::Grant { id: id.into(), ticket }
}

fn needs(id: &str, ticket: u64, need: Need) -> Message {
    Message::Needs { id: id.into(), ticket, need }
}

fn release(id: &str, ticket: u64, names: &[&str]) -> Message {
    needs(id, ticket, Need::Release(clusters(names)))
}

fn frees(id: &str, ticket: u64) -> Message {
    Message::Frees { id: id.into(), ticket }
}

fn ended(id: &str) -> Message {
    Message::Ended { id: id.into() }
}

#[test]
fn the_newest_waiting_job_of_an_app_is_the_only_one() {
    let mut queue = Queue::new(LIMITS);
    assert_eq!(queue.take(submitted("1", "p", "a")), [start("1")]);
    assert_eq!(queue.take(submitted("2", "p", "a")), []);
    let superseded = Action::Supersede { id: "2".into(), by: "3".into() };
    assert_eq!(queue.take(submitted("3", "p", "a")), [superseded]);
    assert_eq!(queue.take(ended("1")), [start("3")]);
}

/// Also where they begin with different work, and the newer one finds a slot at once.
#[test]
fn the_jobs_of_an_app_begin_in_their_order() {
    let app = || App::new("p", "a", "").unwrap();
    let rollback = |id: &str, names| {
        let (clusters, first) = (clusters(names), Need::Release(clusters(names)));
        Message::Submitted { id: id.into(), app: app(), clusters, first, begun: false }
    };
    let mut queue = Queue::new(Limits { checkouts: 1, releases: 1, ..LIMITS });
    queue.take(submitted("1", "p", "other"));
    assert_eq!(queue.take(release("1", 1, &["eu"])), [grant("1", 1)]);
    assert_eq!(queue.take(rollback("2", &["eu", "us"])), []);
    assert_eq!(queue.take(submitted("3", "p", "a")), [], "it would run before the older rollback");
    let wait = queue.waits(&["3"]).remove("3").map(|wait| wait.to_string());
    let text = "job 2 of the same app, which was submitted before and waits too";
    assert_eq!(wait.as_deref(), Some(text), "it lacks no place to check out");
    assert_eq!(queue.take(ended("1")), [start("2")]);
    assert_eq!(queue.take(submitted("4", "p", "other")), [start("4")]);
    assert_eq!(queue.take(rollback("5", &["us"])), []);
    assert_eq!(queue.take(ended("2")), [], "5 would be undone by 3, whose checkout waits");
    assert_eq!(queue.take(ended("4")), [start("3")]);
    assert_eq!(queue.take(ended("3")), [start("5")]);
}

/// A job for fewer clusters does not do the work of one for more.
#[test]
fn a_job_for_fewer_clusters_takes_no_ones_place() {
    let app = || App::new("p", "a", "").unwrap();
    let of = |id: &str, names| Message::Submitted {
        id: id.into(),
        app: app(),
        clusters: clusters(names),
        first: Need::Checkout,
        begun: false,
    };
    let mut queue = Queue::new(LIMITS);
    assert_eq!(queue.take(of("1", &["eu"])), [start("1")]);
    assert_eq!(queue.take(of("2", &["eu", "us"])), []);
    assert_eq!(queue.take(of("3", &["eu"])), []);
    let superseded = |id: &str| Action::Supersede { id: id.into(), by: "4".into() };
    assert_eq!(queue.take(of("4", &["us", "eu"])), [superseded("2"), superseded("3")]);
}

/// The job's rollout may be half made: it is neither dropped nor overtaken, and takes no one's place.
#[test]
fn a_job_that_had_begun_goes_first_and_stays() {
    let mut queue = Queue::new(Limits { running: 1, ..LIMITS });
    assert_eq!(queue.take(submitted("1", "p", "a")), [start("1")]);
    assert_eq!(queue.take(submitted("2", "p", "a")), []);
    assert_eq!(queue.take(submitted("2", "p", "a")), [], "submitted twice");
    assert_eq!(queue.take(Message::Again { id: "1".into() }), [start("1")]);
    queue.take(submitted("3", "q", "b"));
    let app = App::new("q", "c", "").unwrap();
    let first = Need::Checkout;
    let begun = Message::Submitted { id: "0".into(), app, clusters: vec![], first, begun: true };
    queue.take(begun);
    assert_eq!(queue.take(Message::Cancelled { id: "0".into() }), []);
    assert_eq!(queue.take(ended("1")), [start("0")]);
}

fn held(id: &str) -> Message {
    Message::Held { id: id.into(), gate: Gate::Release }
}

fn approved(id: &str) -> Message {
    Message::Approved { id: id.into() }
}

/// For days, maybe: it has neither a place to run nor a slot.
#[test]
fn a_job_that_waits_for_an_approval_keeps_nothing_from_others() {
    let mut queue = Queue::new(Limits { running: 1, ..checkouts(1) });
    assert_eq!(queue.take(submitted("1", "p", "a")), [start("1")]);
    assert_eq!(queue.take(submitted("2", "p", "b")), []);
    assert_eq!(queue.take(held("1")), [start("2")]);
    let wait = queue.waits(&["1"]).remove("1").map(|wait| wait.to_string());
    assert_eq!(wait.as_deref(), Some("approval of its release: windlass approve 1"));
    assert!(queue.idle().is_empty(), "no run is at work for it");
    queue.take(submitted("3", "p", "c"));
    assert_eq!(queue.take(approved("1")), [], "2 runs");
    assert_eq!(queue.take(ended("2")), [start("1")], "before 3");
    assert_eq!(queue.take(ended("1")), [start("3")]);
    assert_eq!(queue.take(approved("1")), [], "nobody waits any more");
}

/// Else whoever approved it later would put an older version in the place of a newer one.
#[test]
fn a_newer_job_takes_the_place_of_one_that_waits_for_an_approval() {
    let superseded = |id: &str, by: &str| Action::Supersede { id: id.into(), by: by.into() };
    let mut queue = Queue::new(LIMITS);
    queue.take(submitted("1", "p", "a"));
    queue.take(held("1"));
    let newer = [superseded("1", "2"), start("2")];
    assert_eq!(queue.take(submitted("2", "p", "a")), newer);
    // It came before the older one was held.
    queue.take(submitted("3", "p", "a"));
    assert_eq!(queue.take(held("2")), [superseded("2", "3"), start("3")]);
    queue.take(held("3"));
    let app = App::new("p", "a", "").unwrap();
    let (clusters, first) = (clusters(&["us"]), Need::Checkout);
    let other = Message::Submitted { id: "4".into(), app, clusters, first, begun: false };
    assert_eq!(queue.take(other), [start("4")], "it goes to another cluster");
    assert_eq!(queue.take(approved("3")), [], "4 is of the same app, and runs");
    assert_eq!(queue.take(ended("4")), [start("3")]);
}

/// Releases are in the order of their jobs: the older one would serve in us, and the newer one stand as the last.
#[test]
fn a_newer_job_for_one_of_its_clusters_takes_the_place_of_one_at_a_gate() {
    let of = |id: &str, names: &[&str]| Message::Submitted {
        id: id.into(),
        app: App::new("p", "a", "").unwrap(),
        clusters: clusters(names),
        first: Need::Checkout,
        begun: false,
    };
    let superseded = || Action::Supersede { id: "1".into(), by: "2".into() };
    let mut queue = Queue::new(LIMITS);
    queue.take(of("1", &["eu", "us"]));
    queue.take(held("1"));
    assert_eq!(queue.take(of("2", &["us"])), [superseded(), start("2")]);
    // It came before the older one was held.
    let mut queue = Queue::new(LIMITS);
    queue.take(of("1", &["eu", "us"]));
    assert_eq!(queue.take(of("2", &["us"])), []);
    assert_eq!(queue.take(held("1")), [superseded(), start("2")]);
}

/// A daemon was killed after the newer job began, and before the end of the older one was stored.
#[test]
fn a_newer_job_that_had_begun_takes_the_place_of_one_at_a_gate() {
    let begun = |id: &str| Message::Submitted {
        id: id.into(),
        app: App::new("p", "a", "").unwrap(),
        clusters: clusters(&["eu"]),
        first: Need::Checkout,
        begun: true,
    };
    let mut queue = Queue::new(LIMITS);
    assert_eq!(queue.take(begun("1")), [start("1")]);
    assert_eq!(queue.take(begun("2")), []);
    let superseded = Action::Supersede { id: "1".into(), by: "2".into() };
    assert_eq!(queue.take(held("1")), [superseded, start("2")]);
}

/// The run of a job ends a moment after its wait is stored: what comes between is not lost.
#[test]
fn what_comes_while_a_run_ends_at_a_gate_is_followed_by_another_run() {
    for news in [approved("1"), Message::Cancelled { id: "1".into() }] {
        let mut queue = Queue::new(LIMITS);
        queue.take(submitted("1", "p", "a"));
        assert_eq!(queue.take(news), []);
        assert_eq!(queue.take(held("1")), [start("1")]);
        assert_eq!(queue.take(held("1")), [], "that run has read it");
        assert!(queue.waits(&["1"]).contains_key("1"));
    }
}

#[test]
fn a_job_that_is_cancelled_waits_for_no_approval() {
    let mut queue = Queue::new(LIMITS);
    queue.take(submitted("1", "p", "a"));
    queue.take(held("1"));
    let cancelled = || Message::Cancelled { id: "1".into() };
    assert_eq!(queue.take(cancelled()), [Action::Drop("1".into())]);
    assert_eq!(queue.take(approved("1")), []);
    assert!(queue.waits(&["1"]).is_empty());
}

#[test]
fn a_project_with_a_hundred_jobs_does_not_starve_another() {
    let mut queue = Queue::new(checkouts(2));
    for n in 0..100 {
        queue.take(submitted(&format!("big{n}"), "big", &format!("a{n}")));
    }
    queue.take(submitted("small", "small", "a"));
    assert_eq!(queue.take(ended("big0")), [start("small")]);
}

/// Such as one whose many releases wait for hours.
#[test]
fn a_project_does_not_fill_all_places_to_run() {
    let mut queue = Queue::new(Limits { running: 10, ..checkouts(20) });
    for n in 0..9 {
        let id = format!("big{n}");
        assert_eq!(queue.take(submitted(&id, "big", &id)), [start(&id)]);
    }
    assert_eq!(queue.take(submitted("more", "big", "more")), []);
    let wait = queue.waits(&["more"]).remove("more").map(|wait| wait.to_string());
    assert_eq!(wait.as_deref(), Some("the end of one of the 9 jobs that may run at once"));
    assert_eq!(queue.take(submitted("small", "small", "a")), [start("small")]);
}

/// A tree stays on the disk until it is built, and so it keeps its slot; what is built waits without one.
#[test]
fn a_slot_is_held_for_work_alone() {
    let mut queue = Queue::new(Limits { checkouts: 1, builds: 1, releases: 1, ..LIMITS });
    assert_eq!(queue.take(submitted("1", "p", "a")), [start("1")]);
    assert_eq!(queue.take(needs("1", 1, Need::Checkout)), [grant("1", 1)], "it began with it");
    assert_eq!(queue.take(submitted("2", "p", "b")), []);
    // The build frees the checkout, and the next job begins.
    assert_eq!(queue.take(needs("1", 2, Need::Build)), [grant("1", 2), start("2")]);
    assert_eq!(queue.take(frees("1", 1)), [], "of an earlier request");
    assert_eq!(queue.take(needs("2", 1, Need::Build)), []);
    assert_eq!(queue.take(submitted("3", "p", "c")), [], "the tree of 2 waits to be built");
    assert_eq!(queue.take(frees("1", 2)), [grant("2", 1), start("3")]);
    assert_eq!(queue.take(release("1", 3, &["eu"])), [grant("1", 3)]);
    assert_eq!(queue.take(release("2", 2, &["eu"])), [], "another release is in eu");
    assert_eq!(queue.take(needs("3", 1, Need::Build)), [grant("3", 1)], "and takes no builder");
    assert_eq!(queue.take(release("3", 2, &["us"])), [grant("3", 2)]);
    assert_eq!(queue.take(ended("1")), [grant("2", 2)]);
}

/// Two jobs that an earlier daemon began: the one that waited for its slot may ask before the one that had it.
#[test]
fn a_half_made_release_waits_for_nobody() {
    let mut queue = Queue::new(Limits { releases: 1, ..LIMITS });
    for id in ["pushed", "half"] {
        let app = App::new("p", id, "").unwrap();
        let (clusters, first) = (clusters(&["eu"]), Need::Checkout);
        queue.take(Message::Submitted { id: id.into(), app, clusters, first, begun: true });
    }
    assert_eq!(queue.take(release("pushed", 1, &["eu"])), [grant("pushed", 1)]);
    let need = Need::Release(clusters(&["eu"]));
    assert_eq!(queue.take(Message::Takes { id: "half".into(), ticket: 1, need }), []);
    assert!(queue.idle().is_empty());
    queue.take(submitted("next", "p", "next"));
    assert_eq!(queue.take(release("next", 1, &["eu"])), []);
    assert_eq!(queue.take(ended("pushed")), [], "half has the slot");
    assert_eq!(queue.take(frees("half", 1)), [grant("next", 1)]);
}

/// A cancelled job stops to wait, and gets no slot that it would keep for nothing.
#[test]
fn a_job_that_waits_no_more_gets_nothing() {
    let mut queue = Queue::new(Limits { releases: 1, ..LIMITS });
    for id in ["1", "2", "3"] {
        queue.take(submitted(id, "p", &format!("a{id}")));
        queue.take(release(id, 1, &["eu"]));
    }
    assert_eq!(queue.idle(), ["2", "3"]);
    assert_eq!(queue.take(frees("2", 1)), []);
    assert_eq!(queue.take(ended("1")), [grant("3", 1)]);
    let paused = Message::Paused { id: "3".into(), why: "the store is away".into() };
    assert_eq!(queue.take(paused), []);
    assert_eq!(queue.idle(), ["3"]);
    assert_eq!(queue.take(release("2", 2, &["eu"])), [grant("2", 2)]);
    assert_eq!(queue.take(Message::Again { id: "3".into() }), [start("3")]);
}

/// Such as for room on the disk, before its first stage: it is neither shown as waiting nor ended by a drain then.
#[test]
fn a_run_that_waited_and_goes_on_does_not_wait() {
    let mut queue = Queue::new(checkouts(1));
    assert_eq!(queue.take(submitted("1", "p", "a")), [start("1")]);
    queue.take(Message::Paused { id: "1".into(), why: "waiting for disk".into() });
    assert_eq!(queue.idle(), ["1"]);
    queue.take(Message::Resumed { id: "1".into() });
    assert_eq!(queue.take(needs("1", 1, Need::Checkout)), [grant("1", 1)]);
    assert!(queue.idle().is_empty() && queue.waits(&["1"]).is_empty());
}

/// Others that need one of its clusters alone pass a release over, but not for ever.
#[test]
fn a_release_to_two_clusters_is_not_starved() {
    fn begin(queue: &mut Queue, id: &str, names: &[&str]) -> Vec<Action> {
        queue.take(submitted(id, "p", id));
        queue.take(release(id, 1, names))
    }
    let mut queue = Queue::new(Limits { releases: 1, ..LIMITS });
    assert_eq!(begin(&mut queue, "eu", &["eu"]), [grant("eu", 1)]);
    assert_eq!(begin(&mut queue, "both", &["eu", "us"]), []);
    for n in 0..MOST_PASSED {
        let id = format!("us{n}");
        assert_eq!(begin(&mut queue, &id, &["us"]), [grant(&id, 1)]);
        assert_eq!(queue.take(ended(&id)), []);
    }
    assert_eq!(begin(&mut queue, "last", &["us"]), [], "us is kept free");
    assert_eq!(begin(&mut queue, "asia", &["asia"]), [grant("asia", 1)]);
    assert_eq!(queue.take(ended("eu")), [grant("both", 1)]);
    assert_eq!(queue.take(ended("both")), [grant("last", 1)]);
}

/// A neighbour that fills one cluster closes no other to the projects beside it.
#[test]
fn what_is_kept_free_for_a_big_project_is_not_kept_from_a_small_one() {
    fn begin(queue: &mut Queue, id: &str, project: &str, names: &[&str]) -> Vec<Action> {
        queue.take(submitted(id, project, id));
        queue.take(release(id, 1, names))
    }
    let mut queue = Queue::new(Limits { releases: 2, ..LIMITS });
    for id in ["eu1", "eu2"] {
        assert_eq!(begin(&mut queue, id, "big", &["eu"]), [grant(id, 1)]);
    }
    assert_eq!(begin(&mut queue, "both", "big", &["eu", "us"]), []);
    for n in 0..MOST_PASSED {
        let id = format!("us{n}");
        assert_eq!(begin(&mut queue, &id, "big", &["us"]), [grant(&id, 1)]);
        assert_eq!(queue.take(ended(&id)), []);
    }
    assert_eq!(begin(&mut queue, "one", "small", &["us"]), [grant("one", 1)]);
    assert_eq!(begin(&mut queue, "us", "big", &["us"]), [], "the last place is kept");
    assert_eq!(begin(&mut queue, "two", "small", &["eu"]), [], "eu is full");
    assert_eq!(queue.take(ended("eu1")), [grant("two", 1)], "small has none in eu");
    assert_eq!(queue.take(ended("eu2")), [grant("both", 1)]);
}

#[test]
fn a_wait_is_shown_with_its_reason() {
    let mut queue = Queue::new(Limits { running: 3, checkouts: 2, releases: 1, ..LIMITS });
    for (id, project, name) in
        [("1", "p", "a"), ("2", "p", "b"), ("3", "p", "c"), ("4", "q", "d"), ("5", "p", "a")]
    {
        queue.take(submitted(id, project, name));
    }
    let wait = |queue: &Queue, id: &str| queue.waits(&[id]).remove(id).map(|wait| wait.to_string());
    assert_eq!(wait(&queue, "1"), None);
    let text = "a place to check out its commit (2 of 2 taken, 2 by its project; 1 before it)";
    assert_eq!(wait(&queue, "3").as_deref(), Some(text), "4 is of a project that has none");
    assert_eq!(wait(&queue, "5").as_deref(), Some("job 1 of the same app, which runs"));
    queue.take(release("1", 1, &["eu"]));
    queue.take(release("2", 1, &["eu", "us"]));
    let text = "a place to release in eu (1 of 1 taken, 1 by its project; 0 before it)";
    assert_eq!(wait(&queue, "2").as_deref(), Some(text));
    let text = "the end of one of the 3 jobs that may run at once";
    assert_eq!(wait(&queue, "3").as_deref(), Some(text));
    let why = || "its journal cannot be read".to_owned();
    queue.take(Message::LeftAlone { id: "4".into(), why: why() });
    assert_eq!(wait(&queue, "4"), Some(format!("an operator: {}", why())));
    assert_eq!(queue.take(Message::Cancelled { id: "4".into() }), [Action::Drop("4".into())]);
    assert_eq!(wait(&queue, "4"), None);
}

#[test]
fn the_use_of_slots_counts_those_that_have_one_and_those_that_ask() {
    let mut queue = Queue::new(Limits { builds: 1, releases: 1, ..checkouts(1) });
    for (id, name) in [("1", "a"), ("2", "b"), ("3", "c")] {
        queue.take(submitted(id, "p", name));
    }
    let of = |queue: &Queue, index: usize| {
        let slots = &queue.usage(&clusters(&["eu", "us"])).slots[index];
        (slots.kind, slots.cluster.clone().unwrap_or_default(), slots.taken, slots.waiting)
    };
    let usage = queue.usage(&[]);
    assert_eq!((usage.running, usage.limit, usage.waiting, usage.held), (1, 100, 2, 0));
    assert_eq!(of(&queue, 0), (Kind::Checkout, String::new(), 1, 2));
    queue.take(release("1", 1, &["eu"]));
    assert_eq!(of(&queue, 0), (Kind::Checkout, String::new(), 1, 1), "the next one has it");
    assert_eq!(of(&queue, 2), (Kind::Release, "eu".into(), 1, 0));
    queue.take(release("2", 1, &["eu", "us"]));
    assert_eq!(of(&queue, 2), (Kind::Release, "eu".into(), 1, 1));
    assert_eq!(of(&queue, 3), (Kind::Release, "us".into(), 0, 1));
}

/// Else the rollouts of one project would keep all those waiting that gave their cluster the same name.
#[test]
fn clusters_of_projects_own_have_slots_of_their_own() {
    let shared = BTreeSet::from(["eu".to_owned()]);
    let mut queue = Queue::new(Limits { releases: 1, ..LIMITS }).sharing(shared);
    for (id, project, name) in [("1", "p", "a"), ("2", "p", "b"), ("3", "q", "a")] {
        assert_eq!(queue.take(submitted(id, project, name)), [start(id)]);
    }
    assert_eq!(queue.take(release("1", 1, &["ours"])), [grant("1", 1)]);
    assert_eq!(queue.take(release("2", 1, &["ours"])), [], "one project, one cluster");
    let wait = queue.waits(&["2"]).remove("2").map(|wait| wait.to_string());
    assert!(wait.as_deref().is_some_and(|wait| wait.contains(" in ours")), "{wait:?}");
    assert_eq!(queue.take(release("3", 1, &["ours"])), [grant("3", 1)]);
    assert_eq!(queue.take(release("3", 2, &["eu"])), [grant("3", 2)]);
    assert_eq!(queue.take(ended("1")), [grant("2", 1)]);
    assert_eq!(queue.take(release("2", 2, &["eu"])), [], "shared by all projects");
}
