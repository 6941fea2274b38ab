//! Canaries whose share is made by numbers of pods.

use super::{canary, shares, was_stopped};
use windlass_bed::layout::{HOST, port};
use windlass_tests::traffic::{Shop, Traffic};

#[test]
fn a_canary_gets_the_share_of_its_pods() {
    let shop = Shop::new("t-canary");
    shop.serves_first("one", "replicas = 4\n");
    let traffic = Traffic::start(&shop.target());
    // A measurement takes as long as it takes: each weight stays until it is approved.
    let spec = format!("replicas = 4\n{}gates = [50, 100]\n", canary("[20, 50, 100]", 1));
    let id = shop.begin("two", &spec);
    for weight in [20, 50] {
        shop.await_shift(&id, weight.into());
        // A kept connection leads to the same pod each time.
        shares(&shop.target(), "two", weight, false);
        shop.approve_next(&id);
    }
    shop.env.watch(&id).succeeded();
    assert_eq!(shop.weights(&id), [20, 50, 100]);
    shares(&shop.target(), "two", 100, false);

    // The tracks have swapped their roles.
    let id = shop.begin("three", &spec);
    shop.await_shift(&id, 20);
    shop.does("abort", &id, "slower than it was");
    was_stopped(&shop.env.watch(&id), "slower than it was");
    shares(&shop.target(), "two", 100, false);
    let back = shop.roll_back();
    back.succeeded();
    shares(&shop.target(), "one", 100, false);
    let report = traffic.end();
    println!("canary by pods: {report}");
    report.nothing_failed();
}

/// Somebody sets an image that is nowhere at the workload that serves, while a canary holds.
#[test]
fn an_image_that_somebody_sets_beside_a_canary_costs_no_request() {
    let shop = Shop::new("t-canary-image");
    shop.serves_first("one", "replicas = 2\n");
    let traffic = Traffic::start(&shop.target());
    let spec = format!("replicas = 2\n{}gates = [100]\n", canary("[50, 100]", 1));
    let id = shop.begin("two", &spec);
    shop.await_hold(&id);
    let image = format!("app={HOST}:{}/nowhere:1", port::REGISTRY);
    shop.env.kubectl(&["set", "image", "deployment/app", &image]);
    shop.approve_next(&id);
    shop.env.watch(&id).succeeded();
    shop.env.serves("app", "two");
    let report = traffic.end();
    println!("canary beside `kubectl set image`: {report}");
    report.nothing_failed();
}

#[test]
fn a_newer_job_takes_the_place_of_a_canary_that_holds() {
    let shop = Shop::new("t-canary-newer");
    shop.serves_first("one", "replicas = 2\n");
    let traffic = Traffic::start(&shop.target());
    let older = shop.begin("two", &format!("replicas = 2\n{}", canary("[50, 100]", 300)));
    shop.await_hold(&older);
    let newer = shop.begin("three", &format!("replicas = 2\n{}", canary("[50, 100]", 1)));
    was_stopped(&shop.env.watch(&older), &format!("superseded by job {newer}"));
    shop.env.watch(&newer).succeeded();
    shop.env.serves("app", "three");
    let report = traffic.end();
    println!("superseded canary: {report}");
    report.nothing_failed();
}
