//! Releases whose daemon is killed with SIGKILL.

use super::{blue_green, canary};
use windlass_tests::traffic::{Shop, Traffic};

#[test]
fn a_release_whose_daemon_is_killed_ends_as_it_would_have() {
    let mut shop = Shop::new("t-killed");
    shop.serves_first("one", "replicas = 2\n");
    let traffic = Traffic::start(&shop.target());
    let steps = canary("[34, 50, 100]", 3);
    // While it holds, and right behind the shift to each weight.
    for (version, at) in [("two", None), ("three", Some(34)), ("four", Some(100))] {
        let id = shop.begin(version, &format!("replicas = 2\n{steps}"));
        match at {
            None => shop.await_hold(&id),
            Some(weight) => shop.await_shift(&id, weight),
        }
        shop.env.daemon.kill();
        shop.env.daemon.restart().unwrap();
        let ended = shop.env.watch(&id);
        let log = shop.env.daemon.log();
        assert_eq!(ended.outcome, "succeeded", "{version}: {}\n{log}", ended.text);
        shop.env.serves("app", version);
        // Replayed from the journal, and never back.
        let weights = shop.weights(&id);
        assert_eq!(weights, [34, 50, 100], "{version}");
        let events = shop.env.events(&id);
        let count = |key: &str| events.iter().filter(|event| event[key].is_object()).count();
        assert_eq!((count("planned"), count("ended")), (1, 1), "{version}: {events:#?}");
    }
    let id = shop.begin("five", &format!("replicas = 2\n{}", blue_green(0)));
    shop.await_shift(&id, 100);
    shop.env.daemon.kill();
    shop.env.daemon.restart().unwrap();
    shop.env.watch(&id).succeeded();
    shop.env.serves("app", "five");
    let report = traffic.end();
    println!("killed four times: {report}");
    report.nothing_failed();
}

/// The daemon is killed between an abort and its rollback.
#[test]
fn an_abort_outlives_the_daemon() {
    let mut shop = Shop::new("t-killed-abort");
    shop.serves_first("one", "replicas = 2\n");
    let traffic = Traffic::start(&shop.target());
    let id = shop.begin("two", &format!("replicas = 2\n{}", canary("[50, 100]", 300)));
    shop.await_hold(&id);
    shop.does("abort", &id, "no");
    shop.env.daemon.kill();
    shop.env.daemon.restart().unwrap();
    super::was_stopped(&shop.env.watch(&id), "aborted by");
    shop.env.serves("app", "one");
    traffic.end().nothing_failed();
}
