//! One app, released by one strategy after the other.

use super::{blue_green, canary};
use windlass_tests::traffic::{Shop, Traffic};

#[test]
fn an_app_changes_its_strategy_from_release_to_release() {
    let shop = Shop::new("t-changes");
    shop.serves_first("one", "replicas = 2\n");
    let traffic = Traffic::start(&shop.target());
    for (version, strategy) in [
        ("two", canary("[50, 100]", 1)),
        ("three", String::new()),
        ("four", blue_green(0)),
        ("five", canary("[50, 100]", 1)),
    ] {
        shop.release(version, &format!("replicas = 2\n{strategy}")).succeeded();
        shop.env.serves("app", version);
    }
    let report = traffic.end();
    println!("from strategy to strategy: {report}");
    report.nothing_failed();
    // Only a recreate has no old pod beside a new one: it comes last, without traffic.
    shop.release("six", "replicas = 2\n[strategy]\nkind = \"recreate\"\n").succeeded();
    shop.env.serves("app", "six");
}
