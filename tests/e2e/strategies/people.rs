//! Releases that a person pauses and resumes.

use super::canary;
use std::{thread::sleep, time::Duration};
use windlass_tests::traffic::{Shop, Traffic};

/// Time at each weight, in seconds: a pause comes within it, also on a machine that runs other tests too.
const HOLD: u32 = 6;

#[test]
fn a_paused_release_takes_no_step_until_it_is_resumed() {
    let shop = Shop::new("t-pause");
    shop.serves_first("one", "replicas = 2\n");
    let traffic = Traffic::start(&shop.target());
    let id = shop.begin("two", &format!("replicas = 2\n{}", canary("[34, 50, 100]", HOLD)));
    shop.await_hold(&id);
    shop.does("pause", &id, "the dashboard looks odd");
    assert!(shop.env.await_event(&id, |event| event["paused"].is_object()).is_some());
    let before = shop.weights(&id);
    // That nothing happens is no event: longer than the time in which it would.
    sleep(Duration::from_secs(u64::from(HOLD) + 2));
    assert_eq!(shop.weights(&id), before);
    assert!(before.last().is_some_and(|weight| *weight < 100), "{before:?}");
    let shown = shop.env.daemon.windlass(&["show", &id]).unwrap().text;
    assert!(shown.contains("pause"), "{shown}");

    shop.does("resume", &id, "it was the dashboard");
    let again = shop.say("resume", &id, "");
    assert!(again.code == 2 && again.text.contains("not-paused"), "{}", again.text);
    shop.env.watch(&id).succeeded();
    assert_eq!(shop.weights(&id), [34, 50, 100]);
    let events = shop.env.events(&id);
    let note = |key: &str| {
        let event = events.iter().find(|event| event[key].is_object());
        event.unwrap_or_else(|| panic!("no {key}: {events:#?}"))[key]["note"].clone()
    };
    assert_eq!(note("paused"), "the dashboard looks odd");
    assert_eq!(note("resumed"), "it was the dashboard");
    shop.env.serves("app", "two");
    traffic.end().nothing_failed();
}
