//! One daemon, two real clusters with credentials of their own.

use serde_json::Value;
use std::{path::PathBuf, time::Instant};
use windlass_bed::{
    daemon::Config,
    part::{control_plane::Plane, node::Node},
};
use windlass_tests::{Namespace, SMALL, TestEnv, bed};

/// Page of a cluster in which nothing serves.
const NOTHING: &str = "";

/// Asserts the page in each cluster, once pods that were asked to end have ended.
fn serve(env: &TestEnv, app: &str, eu: &str, us: &str) {
    let began = Instant::now();
    let namespace = env.namespace();
    let page = |plane| {
        let page = Namespace::in_plane(plane, &namespace).page(app);
        page.unwrap_or_default().trim().to_owned()
    };
    loop {
        let found = (page(Plane(1)), page(Plane(2)));
        if found == (eu.to_owned(), us.to_owned()) {
            return;
        }
        assert!(began.elapsed().as_secs() < 10, "{eu} and {us}, not {found:?}");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

/// Returns the descriptions of a job's steps, in order.
fn steps(events: &[Value]) -> Vec<String> {
    let what = |event: &Value| event["step"]["description"].as_str().map(str::to_owned);
    events.iter().filter_map(what).filter(|what| !what.is_empty()).collect()
}

#[test]
fn a_release_comes_to_two_clusters_and_is_put_back_in_both() {
    let layout = &bed().layout;
    let mut parts = Plane(2).up(layout).unwrap();
    parts.push(Node(3).up(layout).unwrap());
    let mut config = Config::of(bed()).unwrap();
    let cluster = |name, file: PathBuf, more: &str| (name, file, more.to_owned());
    config.clusters = vec![
        cluster("eu", bed().kubeconfig(), ""),
        cluster("us", Plane(2).kubeconfig(layout), "environments = [\"production\"]"),
    ];
    let env = TestEnv::with("t-clusters", &config);
    let repository = env.small_app();
    let commit = |page: &str| {
        repository.write("index.html", &format!("{page}\n")).unwrap();
        repository.commit(page).unwrap()
    };

    let one = commit("one");
    let plan = env.daemon.windlass(&["plan", "t-clusters/app", "--repository", repository.url()]);
    let plan = plan.unwrap().text;
    assert!(plan.contains("in the cluster eu:") && plan.contains("in the cluster us:"), "{plan}");
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    serve(&env, "app", "one", "one");
    let taken = steps(&env.events(&ended.id));
    let place = |begin: &str| taken.iter().position(|step| step.starts_with(begin));
    let (healthy, touched) =
        (place("wait until app at"), place(&format!("apply app at {} in us", &one[..10])));
    assert!(
        healthy < touched && taken[healthy.unwrap()].contains(" in eu is healthy"),
        "{taken:#?}"
    );

    // The release fails in the second cluster only, and is rolled back in both.
    let second = Namespace::in_plane(Plane(2), &env.namespace());
    second.create("quota none --hard=pods=0");
    let _ = commit("two");
    let ended = env.submit("app", repository.url(), &[]);
    let text = ended.failed_with("release", "quota-exceeded");
    assert!(text.contains(" in us"), "{text}");
    serve(&env, "app", "one", "one");
    second.delete("quota/none");

    // A release to one cluster, and a rollback in the other order.
    env.submit("app", repository.url(), &["--cluster", "us"]).succeeded();
    serve(&env, "app", "one", "two");
    let releases = env.daemon.windlass(&["releases", "t-clusters/app"]).unwrap().text;
    let lines: Vec<_> = releases.lines().collect();
    assert!(lines[1].starts_with('*') && lines[1].ends_with(" in us"), "{releases}");
    assert!(lines[2].starts_with('*') && lines[2].ends_with(" in eu, us"), "{releases}");
    // The rollback goes where the newest release is. The other cluster has no earlier one.
    let back = env.daemon.windlass(&["rollback", "t-clusters/app"]).unwrap();
    assert_eq!(back.code, 0, "{}", back.text);
    serve(&env, "app", "one", "one");
    let both = ["rollback", "t-clusters/app", "--cluster", "us", "--cluster", "eu"];
    let both = env.daemon.windlass(&both).unwrap();
    assert!(both.text.contains("no earlier release in eu"), "{}", both.text);

    // In both at once: a crash is rolled back in both.
    let crash = env.spec_file("crash", &format!("command = [\"false\"]\n{SMALL}"));
    let parallel = ["--cluster-order", "parallel", "--spec", &crash];
    let ended = env.submit("app", repository.url(), &parallel);
    let _ = ended.failed_with("release", "app-crashes");
    serve(&env, "app", "one", "one");
    let taken = steps(&env.events(&ended.id));
    assert!(taken[0].contains(" in eu; apply app at"), "{taken:#?}");
    let ended = env.submit("new", repository.url(), &parallel);
    let _ = ended.failed_with("release", "app-crashes");
    serve(&env, "new", NOTHING, NOTHING);
    let _ = commit("three");
    env.submit("app", repository.url(), &["--cluster-order", "parallel"]).succeeded();
    serve(&env, "app", "three", "three");

    // An app can name only clusters that the operator configured for it.
    let wrong = ["submit", "t-clusters/app/staging", "--repository", repository.url()];
    let wrong = env.daemon.windlass(&[&wrong[..], &["--cluster", "us"]].concat()).unwrap();
    assert_ne!(wrong.code, 0);
    assert!(
        wrong
            .text
            .contains("clusters[0]: `us` is no cluster for t-clusters/app/staging; there are: eu"),
        "{}",
        wrong.text
    );
}
