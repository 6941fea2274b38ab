//! Objects of a repository's own are watched as ours are, and go with a release that fails.

use windlass_tests::{SMALL, Stand};

/// A pod on each node, of the image that was built.
fn daemon_set(command: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{ name: agent }}\nspec:\n  selector: {{ matchLabels: {{ own: agent }} }}\n  template:\n    metadata: {{ labels: {{ own: agent }} }}\n    spec:\n      terminationGracePeriodSeconds: 1\n      containers: [{{ name: agent, image: $WINDLASS_IMAGE, command: [sh, '-c', '{command}'] }}]\n"
    )
}

#[test]
fn a_daemon_set_is_waited_for_judged_and_put_back() {
    let stand = Stand::new("t-own");
    let repository = stand.small_app();
    let spec = format!("processes.web.off = true\nmanifests = [\"agent.yaml\"]\n{SMALL}");
    repository.write("windlass.toml", &spec).unwrap();
    let deploy = |command: &str| {
        repository.write("agent.yaml", &daemon_set(command)).unwrap();
        repository.commit(command).unwrap();
        stand.submit("app", repository.url(), &[])
    };
    let namespace = stand.namespace();
    let of = |query: &str| {
        let jsonpath = format!("jsonpath={{range .items[*]}}{query} {{end}}");
        let asked = ["-n", &namespace, "get", "daemonsets", "-o", &jsonpath];
        stand.kubectl(&asked).trim().to_owned()
    };

    // Of an app that never served nothing stays.
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
