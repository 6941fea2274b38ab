//! A canary that answers with errors is ended by what a real Prometheus reads from a real gateway.

use windlass_bed::daemon::Config;
use windlass_tests::{
    TestEnv, bed, gateway_metrics,
    traffic::{Kind, Shop, Target, Traffic, exposed},
};

const HOST: &str = "t-rates.bed.test";

/// Returns the keys of a canary that is measured every three seconds for so many.
fn measured(hold_seconds: u32) -> String {
    format!(
        "[strategy]\nkind = \"canary\"\nweights = [50, 100]\nhold-seconds = {hold_seconds}\n\
         [strategy.metrics.answers]\nbuiltin = \"success-rate\"\nmin = 95\ninterval-seconds = 3\n"
    )
}

#[test]
fn a_canary_with_errors_is_ended_by_its_success_rate() {
    let prometheus = gateway_metrics();
    let mut config = Config::of(bed()).unwrap();
    config.cluster = format!("prometheus = {{ address = \"{}\" }}\n", prometheus.address());
    let shop = Shop::around(TestEnv::with("t-rates", &config));
    let target = Target::gateway(HOST);
    shop.serves_first("one", &exposed(HOST));
    let traffic = Traffic::start(&target);
    let results = |id: &str| -> Vec<String> {
        let events = shop.env.events(id);
        let measured = events.iter().filter(|event| event["measured"].is_object());
        measured.map(|event| event["measured"]["result"].to_string().to_lowercase()).collect()
    };
    let ended = shop.release("two", &format!("{}{}", exposed(HOST), measured(10)));
    ended.succeeded();
    let found = results(&ended.id);
    assert!(found.iter().any(|result| result.contains("well")), "{found:?}");
    traffic.end().nothing_failed();

    let traffic = Traffic::start(&target);
    let bad = format!("env.FAIL_PERCENT = \"60\"\n{}{}", exposed(HOST), measured(120));
    let ended = shop.release("three", &bad);
    assert_eq!(ended.outcome, "failed", "{}", ended.text);
    assert_eq!(ended.diagnosis["stage"], "release", "{}", ended.text);
    let text = ended.diagnosis.to_string();
    assert!(text.contains("answers") && text.contains("95"), "{text}");
    ended.is_explained();
    let found = results(&ended.id);
    assert!(found.iter().any(|result| result.contains("failed")), "{found:?}");
    super::shares(&target, "two", 100, true);
    let report = traffic.end();
    println!("a bad canary until it was ended: {report}");
    // All that failed are the answers of the bad version: no connection did.
    assert!(report.failed > 0, "{report}");
    assert_eq!(report.count(Kind::Status), report.failures.len(), "{report}");
}

/// A Prometheus that does not answer is no value, and too many of them in a row end the release.
#[test]
fn a_prometheus_that_is_down_ends_the_release_after_its_limit() {
    let mut config = Config::of(bed()).unwrap();
    // Nobody listens at this port.
    config.cluster = "prometheus = { address = \"http://127.0.0.1:9\" }\n".into();
    let shop = Shop::around(TestEnv::with("t-no-metrics", &config));
    shop.serves_first("one", "");
    let spec = "[strategy]\nkind = \"blue-green\"\nhold-seconds = 60\n[strategy.metrics.up]\n\
                query = \"vector(1)\"\nmin = 1\ninterval-seconds = 1\ninconclusive = 1\n";
    let ended = shop.release("two", spec);
    assert_eq!(ended.outcome, "failed", "{}", ended.text);
    assert!(ended.diagnosis.to_string().contains("127.0.0.1:9"), "{}", ended.text);
    shop.env.serves("app", "one");
}
