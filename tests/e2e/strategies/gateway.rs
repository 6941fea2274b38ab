//! Canaries whose share is made by a real gateway.

use super::{canary, shares, was_stopped};
use windlass_tests::traffic::{Shop, Target, Traffic, exposed};

#[test]
fn a_canary_gets_its_weight_of_the_requests_at_the_gateway() {
    const HOST: &str = "t-weights.bed.test";
    windlass_tests::gateway();
    let shop = Shop::new("t-weights");
    let target = Target::gateway(HOST);
    let first = format!("replicas = 2\n{}", exposed(HOST));
    shop.serves_first("one", &first);
    // The first release has a route, which the gateway knows at its end.
    shares(&target, "one", 100, true);
    let traffic = Traffic::start(&target);
    // The weights by default. A measurement takes as long as it takes: each of them stays until it is approved.
    let default = "[strategy]\nkind = \"canary\"\nhold-seconds = 1\ngates = [25, 50, 100]\n";
    let id = shop.begin("two", &format!("{first}{default}"));
    for weight in [5, 25, 50] {
        shop.await_shift(&id, weight.into());
        shares(&target, "two", weight, true);
        shop.approve_next(&id);
    }
    shop.env.watch(&id).succeeded();
    assert_eq!(shop.weights(&id), [5, 25, 50, 100]);
    shares(&target, "two", 100, true);

    for weight in [25, 50] {
        // It stays at this weight.
        let strategy = canary("[25, 50, 100]", if weight == 25 { 60 } else { 2 });
        let gate = if weight == 25 { "" } else { "gates = [100]\n" };
        let id = shop.begin("three", &format!("{first}{strategy}{gate}"));
        shop.await_shift(&id, weight);
        shop.does("abort", &id, "no");
        was_stopped(&shop.env.watch(&id), "aborted by");
        shares(&target, "two", 100, true);
    }
    let back = shop.roll_back();
    back.succeeded();
    shares(&target, "one", 100, true);
    let report = traffic.end();
    println!("canary at the gateway: {report}");
    report.nothing_failed();
    // Each rule of the route leads to the `Service` alone again.
    let names = shop.env.get("httproute/app", "{.spec.rules[*].backendRefs[*].name}");
    assert_eq!(names, "app");
}
