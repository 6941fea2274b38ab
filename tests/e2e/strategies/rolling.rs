//! Rolling releases, which lose no request, and `recreate`, which does.

use serde_json::Value;
use windlass_tests::traffic::{Kind, Shop, Traffic};

#[test]
fn a_rolling_release_loses_no_request_with_one_pod_or_with_three() {
    let shop = Shop::new("t-rolling");
    shop.serves_first("one", "replicas = 1\n");
    let traffic = Traffic::start(&shop.target());
    for (version, replicas) in [("two", 1), ("three", 3), ("four", 3)] {
        shop.release(version, &format!("replicas = {replicas}\n")).succeeded();
        shop.env.serves("app", version);
    }
    let back = shop.roll_back();
    back.succeeded();
    shop.env.serves("app", "three");
    let report = traffic.end();
    println!("rolling: {report}");
    report.nothing_failed();

    // The peer, with the same objects.
    let traffic = Traffic::start(&shop.target());
    shop.set_image("beside");
    println!("kubectl set image: {}", traffic.end());
    // Nobody's change lasts beyond the next release, and it costs no request.
    let traffic = Traffic::start(&shop.target());
    let id = shop.begin("five", "replicas = 3\n");
    let waits = |event: &Value| event["rollout"].is_object();
    assert!(shop.env.await_event(&id, waits).is_some(), "{:#?}", shop.env.events(&id));
    shop.set_image("meanwhile");
    shop.env.watch(&id).succeeded();
    shop.env.serves("app", "five");
    let report = traffic.end();
    println!("rolling beside `kubectl set image`: {report}");
    report.nothing_failed();
}

#[test]
fn recreate_answers_nothing_for_a_while_and_then_as_before() {
    let recreate = "[strategy]\nkind = \"recreate\"\n";
    let shop = Shop::new("t-recreate");
    shop.serves_first("one", recreate);
    let traffic = Traffic::start(&shop.target());
    shop.release("two", recreate).succeeded();
    shop.env.serves("app", "two");
    let report = traffic.end();
    println!("recreate: {report}");
    assert!(report.longest_gap.as_millis() > 500, "there is a gap: {report}");
    let gone = [Kind::Connect, Kind::Reset, Kind::Late].map(|kind| report.count(kind));
    assert_eq!(gone.iter().sum::<usize>(), report.failures.len(), "{report}");
    assert!(report.versions.contains_key("two"), "{report}");
}
