//! Rollbacks that somebody asks for: ten pods at once, and everything as the release had it.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_tests::traffic::Shop;

/// Longest time of ten new pods on a node that has their image. The aim is 30 s on a node that has nothing else to do.
const TEN_PODS: Duration = Duration::from_secs(60);

/// Longest wait for the end of pods that are replaced.
const GONE: Duration = Duration::from_secs(60);

#[test]
fn ten_pods_of_ten_come_back_in_one_wave() {
    let shop = Shop::new("t-back-ten");
    shop.serves_first("one", "replicas = 10\n");
    shop.release("two", "replicas = 10\n").succeeded();
    shop.env.serves("app", "two");
    let began = Instant::now();
    shop.roll_back().succeeded();
    let took = began.elapsed();
    println!("rollback of ten pods of ten: {:.1} s", took.as_secs_f32());
    shop.env.serves("app", "one");
    let surge = "{.spec.strategy.rollingUpdate.maxSurge}";
    assert_eq!(shop.env.get("deployment/app", surge), "10", "they come in one wave");
    assert_eq!(shop.env.get("deployment/app", "{.status.updatedReplicas}"), "10");
    assert!(took < TEN_PODS, "{took:?}");
}

/// Nothing of a later release stays, and nothing that was put since is taken.
#[test]
fn a_release_comes_back_by_its_commit_with_its_configuration_and_its_secrets() {
    const SECRET: &str = "secrets.TOKEN = \"token\"\n";
    let shop = Shop::new("t-back-secret");
    shop.env.put_secret("token", "of before");
    let before = shop.repository.commit("before").unwrap();
    shop.serves_first("one", &format!("env.COLOR = \"blue\"\n{SECRET}"));
    assert_eq!(has(&shop, "TOKEN"), "of before");

    shop.env.put_secret("token", "of since");
    shop.repository.write("since", "another file").unwrap();
    shop.repository.commit("since").unwrap();
    shop.release("two", SECRET).succeeded();
    shop.env.serves("app", "two");
    assert_eq!(has(&shop, "TOKEN"), "of since");

    shop.env.roll_back_to("app", &before).succeeded();
    shop.env.serves("app", "one");
    assert_eq!(["COLOR", "TOKEN"].map(|name| has(&shop, name)), ["blue", "of before"]);
}

/// Returns the value of a variable in the app's only pod, once the others are gone.
fn has(shop: &Shop, name: &str) -> String {
    let began = Instant::now();
    loop {
        let pods = shop.env.names("pods");
        let mut names = pods.lines();
        if let (Some(only), None) = (names.next(), names.next()) {
            return shop.env.exec(only, &["printenv", name]).trim().to_owned();
        }
        assert!(began.elapsed() < GONE, "more than one pod, or none: {pods}");
        sleep(Duration::from_millis(250));
    }
}
