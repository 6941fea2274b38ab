//! Blue-green releases: one switch, and the pods of before stay for a rollback.

use super::{blue_green, pods, was_stopped};
use serde_json::Value;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread::{scope, sleep},
    time::{Duration, Instant},
};
use windlass_tests::traffic::{Shop, Target, Traffic};

/// Time in which a rollback switches back to pods that were kept, on a machine that runs other tests too.
const BACK: f64 = 10.0;

/// Time in which pods that crash are called, once the second one has crashed.
const CALLED: Duration = Duration::from_secs(60);

#[test]
fn a_switch_is_undone_in_seconds_by_the_pods_that_were_kept() {
    let shop = Shop::new("t-blue-green");
    shop.serves_first("one", "replicas = 2\n");
    let traffic = Traffic::start(&shop.target());
    for version in ["two", "three"] {
        let ended = shop.release(version, &format!("replicas = 2\n{}", blue_green(0)));
        ended.succeeded();
        assert_eq!(shop.weights(&ended.id), [100]);
        let events = shop.env.events(&ended.id);
        let kept = events.iter().filter(|event| event["kept"].is_object()).count();
        assert_eq!(kept, 1, "{events:#?}");
        shop.env.serves("app", version);
    }
    // The first came on the blue track, the second on the green one.
    let kept = pods(&shop, "app-blue");
    assert_eq!(kept.len(), 2, "{kept:?}");
    let back = shop.roll_back();
    back.succeeded();
    shop.env.serves("app", "two");
    assert_eq!(pods(&shop, "app-blue"), kept, "no pod had to be started");
    let seconds = until_the_switch(&shop.env.events(&back.id));
    println!("blue-green: {seconds:.2} s from the plan of the rollback to the switch");
    assert!(seconds < BACK, "{seconds}");
    let report = traffic.end();
    println!("blue-green: {report}");
    report.nothing_failed();
}

#[test]
fn a_release_that_is_aborted_before_the_switch_never_served() {
    let shop = Shop::new("t-bg-abort");
    shop.serves_first("one", "");
    let traffic = Traffic::start(&shop.target());
    let id = shop.begin("two", &blue_green(120));
    shop.await_hold(&id);
    shop.does("abort", &id, "the banner is wrong");
    was_stopped(&shop.env.watch(&id), "the banner is wrong");
    assert!(shop.weights(&id).iter().all(|weight| *weight == 0), "{:?}", shop.weights(&id));
    assert_eq!(shop.env.names("deployments").trim(), "deployment.apps/app");
    shop.env.serves("app", "one");
    // The release after an aborted one is a release as any other, and one that has ended cannot be aborted.
    let ended = shop.release("three", &blue_green(0));
    ended.succeeded();
    shop.env.serves("app", "three");
    let late = shop.say("abort", &ended.id, "");
    assert!(late.code == 2 && late.text.contains("not-on-its-way"), "{}", late.text);
    let report = traffic.end();
    assert!(!report.versions.contains_key("two"), "{report}");
    report.nothing_failed();
}

#[test]
fn pods_that_crash_while_the_release_holds_are_called_before_anybody_meets_them() {
    let shop = Shop::new("t-bg-crash");
    shop.serves_first("one", "");
    let traffic = Traffic::start(&shop.target());
    let id = shop.begin("two", &blue_green(300));
    shop.await_hold(&id);
    let preview = Target::service(&shop.env, "app-preview");
    let (began, has_ended) = (Instant::now(), AtomicBool::new(false));
    scope(|scope| {
        scope.spawn(|| {
            // A container that has started again crashes again. Nobody reports that it listens.
            while !has_ended.load(Ordering::Relaxed) && began.elapsed() < 2 * CALLED {
                let _ = preview.ask("/crash");
                sleep(Duration::from_millis(200));
            }
        });
        let ended = shop.env.watch(&id);
        has_ended.store(true, Ordering::Relaxed);
        println!("a crash in a hold is called after {:.1} s", began.elapsed().as_secs_f64());
        assert_eq!(ended.outcome, "failed", "{}", ended.text);
        assert_eq!(ended.diagnosis["stage"], "release", "{}", ended.text);
    });
    assert!(began.elapsed() < CALLED, "{:?}", began.elapsed());
    shop.env.serves("app", "one");
    let report = traffic.end();
    assert!(!report.versions.contains_key("two"), "{report}");
    report.nothing_failed();
}

/// Returns the seconds from the plan to the first shift of requests.
fn until_the_switch(events: &[Value]) -> f64 {
    let at = |key: &str| {
        let event = events.iter().find(|event| event[key].is_object());
        event.unwrap_or_else(|| panic!("no {key}: {events:#?}"))["at"].as_f64().unwrap()
    };
    at("traffic_shifted") - at("planned")
}
