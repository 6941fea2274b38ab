//! Objects of a repository's own: they are watched as rendered ones are, and rolled back with a release that fails.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_tests::{SMALL, TestEnv};

/// Returns a `DaemonSet` of the image that was built.
fn daemon_set(command: &str) -> String {
    format!(
        "
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector:
    matchLabels: {{ own: agent }}
  template:
    metadata:
      labels: {{ own: agent }}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: agent
          image: $WINDLASS_IMAGE
          command: [sh, '-c', '{command}']
"
    )
}

/// Returns a `Deployment` of the image that was built, and the `ConfigMap` that its pods read.
fn proxy(upstream: &str) -> String {
    format!(
        "
apiVersion: v1
kind: ConfigMap
metadata:
  name: proxy
data:
  UPSTREAM: {upstream}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: proxy
spec:
  selector:
    matchLabels: {{ own: proxy }}
  template:
    metadata:
      labels: {{ own: proxy }}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: proxy
          image: $WINDLASS_IMAGE
          command: [sh, -c, 'echo \"to $UPSTREAM\"; sleep 36000']
          envFrom: [{{ configMapRef: {{ name: proxy }} }}]
"
    )
}

#[test]
fn a_daemon_set_is_waited_for_judged_and_put_back() {
    let env = TestEnv::new("t-own");
    let repository = env.small_app();
    let spec = format!("processes.web.off = true\nmanifests = [\"agent.yaml\"]\n{SMALL}");
    repository.write("windlass.toml", &spec).unwrap();
    let deploy = |command: &str| {
        repository.write("agent.yaml", &daemon_set(command)).unwrap();
        repository.commit(command).unwrap();
        env.submit("app", repository.url(), &[])
    };
    let of = |query: &str| {
        let each = format!("{{range .items[*]}}{query} {{end}}");
        env.get("daemonsets", &each).trim().to_owned()
    };

    // Nothing stays of an app that never served.
    let text = deploy("echo no luck; exit 3").failed_with("release", "app-crashes");
    assert!(text.contains("no luck"), "{text}");
    assert_eq!(of("{.metadata.name}"), "");

    deploy("sleep 600").succeeded();
    assert_eq!(of("{.status.numberAvailable}"), "1");
    let text = deploy("echo worse luck; exit 3").failed_with("release", "app-crashes");
    assert!(text.contains("worse luck"), "{text}");
    let command = of("{.spec.template.spec.containers[0].command[2]} {.status.numberAvailable}");
    assert_eq!(command, "sleep 600 1");
}

/// A change of the `ConfigMap` alone: the image stays the same, and so would the pods.
#[test]
fn a_config_that_changes_alone_reaches_its_pods() {
    let env = TestEnv::new("t-own-config");
    let repository = env.small_app();
    repository.write(".dockerignore", "deploy\nwindlass.toml\n").unwrap();
    let spec = format!("processes.web.off = true\nmanifests = [\"deploy/proxy.yaml\"]\n{SMALL}");
    repository.write("windlass.toml", &spec).unwrap();
    let says = |upstream: &str| {
        repository.write("deploy/proxy.yaml", &proxy(upstream)).unwrap();
        repository.commit(upstream).unwrap();
        env.submit("app", repository.url(), &[]).succeeded();
        // The previous pod ends a moment later.
        let (began, wanted) = (Instant::now(), format!("to {upstream}"));
        loop {
            let log = env.logs("deployment/proxy");
            if log.trim() == wanted {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "{wanted}, not {log}");
            sleep(Duration::from_millis(300));
        }
    };
    says("blue.example.com");
    says("green.example.com");
}
