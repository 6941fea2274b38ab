//! Steps of a release that a person approves, and those who may not.

use super::was_stopped;
use windlass_bed::daemon::{Answer, Config};
use windlass_tests::{
    TestEnv, bed, hash_of,
    traffic::{Shop, Traffic},
};

/// Port of the daemon, to which people without rights come.
const PORT: u16 = 21_340;

/// Token of somebody who may deploy, and may not approve.
const DEPLOYER: &str = "4c5b6a79881f2e3d0a1b2c3d4e5f6071";

/// A switch that a person approves.
const GATED: &str = "[strategy]\nkind = \"blue-green\"\ngates = [100]\n";

#[test]
fn a_switch_waits_for_somebody_with_the_verb_and_for_exactly_its_digest() {
    let mut config = Config::of(bed()).unwrap();
    config.more = format!(
        "listen = {{ tcp = \"127.0.0.1:{PORT}\" }}\nprincipals = [{{ name = \"ci\", \
         token-sha256 = \"{}\", projects = [\"t-gates\"], verbs = [\"read\", \"deploy\"] }}]\n",
        hash_of(DEPLOYER)
    );
    let shop = Shop::around(TestEnv::with("t-gates", &config));
    shop.serves_first("one", "");
    let traffic = Traffic::start(&shop.target());
    let id = shop.begin("two", GATED);
    let digest = shop.await_gate(&id);
    let windlass = |args: &[&str]| shop.env.daemon.windlass(args).unwrap();
    let refused = |answer: Answer, text: &str| {
        assert_eq!(answer.code, 2, "{}", answer.text);
        assert!(answer.text.contains(text), "{text}: {}", answer.text);
    };
    let address = format!("http://127.0.0.1:{PORT}");
    let as_ci = ["--address", &address, "--token", DEPLOYER, "approve", &id, "--digest", &digest];
    refused(windlass(&as_ci), "lacks the verb \"approve\"");
    refused(windlass(&["approve", &id, "--digest", "0123"]), "digest-changed");
    shop.env.serves("app", "one");
    assert!(shop.weights(&id).is_empty(), "{:?}", shop.weights(&id));

    let approve = ["approve", &id, "--digest", &digest, "--note", "seen at the preview"];
    let answer = windlass(&approve);
    assert_eq!(answer.code, 0, "{}", answer.text);
    shop.env.watch(&id).succeeded();
    shop.env.serves("app", "two");
    let events = shop.env.events(&id);
    let approved: Vec<_> = events.iter().filter(|event| event["approved"].is_object()).collect();
    assert_eq!(approved.len(), 1, "{events:#?}");
    assert_eq!(approved[0]["approved"]["digest"], digest.as_str());
    assert_eq!(approved[0]["approved"]["note"], "seen at the preview");
    assert_eq!(windlass(&approve).code, 0, "a repeat changes nothing");
    let others = ["approve", &id, "--digest", "0123"];
    refused(windlass(&others), "not-held");

    let id = shop.begin("three", GATED);
    assert_ne!(shop.await_gate(&id), digest);
    shop.does("reject", &id, "not on a Friday");
    was_stopped(&shop.env.watch(&id), "not on a Friday");
    shop.env.serves("app", "two");
    let report = traffic.end();
    assert!(!report.versions.contains_key("three"), "{report}");
    report.nothing_failed();
}
