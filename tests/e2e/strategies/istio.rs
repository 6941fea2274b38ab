//! Canaries whose share a VirtualService of Istio has: what a real API server stores. No mesh runs here.

use super::{canary, was_stopped};
use windlass_tests::traffic::{Shop, Traffic};

/// The fields of Istio's own definition that releases have. What they have beyond these is dropped.
const CRD: &str = include_str!("istio.yaml");

#[test]
fn a_virtual_service_has_each_share_and_goes_with_its_strategy() {
    let shop = Shop::new("t-istio");
    shop.env.apply(CRD);
    let definition = "crd/virtualservices.networking.istio.io";
    shop.env.kubectl(&["wait", "--for=condition=established", definition, "--timeout=60s"]);
    let spec =
        |hold| format!("replicas = 2\n{}traffic = \"istio\"\n", canary("[25, 50, 100]", hold));
    shop.serves_first("one", &spec(3));
    assert_eq!(shares(&shop), "app=100");

    let traffic = Traffic::start(&shop.target());
    let id = shop.begin("two", &format!("{}gates = [50, 100]\n", spec(1)));
    for weight in [25, 50] {
        shop.await_shift(&id, weight);
        assert_eq!(shares(&shop), format!("app={} app-preview={weight}", 100 - weight));
        shop.approve_next(&id);
    }
    shop.env.watch(&id).succeeded();
    assert_eq!((shop.weights(&id), shares(&shop)), (vec![25, 50, 100], "app=100".to_owned()));

    let id = shop.begin("three", &spec(120));
    shop.await_shift(&id, 25);
    shop.does("abort", &id, "no");
    was_stopped(&shop.env.watch(&id), "aborted by");
    assert_eq!(shares(&shop), "app=100");
    shop.roll_back().succeeded();
    assert_eq!(shares(&shop), "app=100");
    shop.env.serves("app", "one");

    shop.release("four", "replicas = 2\n").succeeded();
    shop.env.serves("app", "four");
    assert_eq!(shop.env.names("virtualservices"), "", "`rolling` has none");
    // Without a mesh nobody follows the object, and nothing else changes for callers.
    traffic.end().nothing_failed();
}

/// Returns the Services of the route with their weights, as the API server has them.
fn shares(shop: &Shop) -> String {
    let path = "{range .spec.http[0].route[*]}{.destination.host}={.weight} {end}";
    shop.env.get("virtualservice/app", path).trim().to_owned()
}
