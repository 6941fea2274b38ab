//! Crates depend on what stands below them, and on nothing beside.

#![allow(clippy::unwrap_used, reason = "tests: what cannot go on should stop")]

use std::collections::BTreeSet;
use windlass_house::{arrows::dependencies, crates::workspace};

/// Crates of ours in `daemon/`, each with those that it may depend on.
const BELOW: [(&str, &[&str]); 23] = [
    // How children are confined: of no job and no port.
    ("confine", &[]),
    ("model", &[]),
    // Connections on behalf of others: of no job and no port.
    ("dial", &[]),
    // Formats of others, without a connection.
    ("forge", &["model"]),
    ("rollout", &["model"]),
    ("engine", &["model", "rollout"]),
    ("service", &["model", "rollout", "engine"]),
    // Connections and callers, of whichever door.
    ("listen", &["model", "service"]),
    ("api", &["model", "rollout", "engine", "service", "listen", "proto"]),
    // The queue: requests are messages of the proto, as over gRPC.
    ("amqp", &["model", "engine", "service", "api", "proto"]),
    // The page: its JSON is that of the proto.
    ("dashboard", &["model", "engine", "service", "listen", "api", "proto"]),
    ("git", &["model", "engine", "confine"]),
    // The door for webhooks, and the one for health and metrics.
    ("intake", &["model", "engine", "forge", "listen", "service"]),
    ("buildkit", &["model", "engine"]),
    ("kubernetes", &["model", "rollout", "engine"]),
    ("outgoing", &["model", "engine", "forge", "dial"]),
    ("plugin-host", &["model", "engine", "confine", "dial"]),
    // Metrics of releases, as expressions.
    ("prometheus", &["model", "engine", "dial"]),
    // Logins at registries that projects bring, as they are tried.
    ("registry", &["model", "engine", "dial"]),
    ("store", &["model", "engine"]),
    ("traces", &["model", "engine", "dial"]),
    // The pages of problems, and the names that a spec may have: the client has no other copy.
    ("cli", &["model", "engine", "proto"]),
    (
        "",
        &[
            "model",
            "rollout",
            "engine",
            "confine",
            "service",
            "listen",
            "api",
            "amqp",
            "dashboard",
            "git",
            "intake",
            "buildkit",
            "kubernetes",
            "outgoing",
            "plugin-host",
            "prometheus",
            "registry",
            "store",
            "traces",
        ],
    ),
];

/// Crates that reach for the world, which the three layers and `service` must not.
const CLIENTS: [&str; 13] = [
    "bollard-buildkit-proto",
    "cap-std",
    "git2",
    "gix",
    "hyper",
    "kube",
    "lapin",
    "rustix",
    "sqlx",
    "tonic",
    "wasmtime",
    "wasmtime-wasi",
    "windlass-proto",
];

fn of(folder: &str) -> BTreeSet<String> {
    dependencies(&workspace().join("daemon").join(folder)).unwrap()
}

#[test]
fn crates_depend_on_those_below_them() {
    let mut wrong = Vec::new();
    for (folder, below) in BELOW {
        let below: BTreeSet<_> = below.iter().map(|name| format!("windlass-{name}")).collect();
        let ours = of(folder).into_iter().filter(|name| name.starts_with("windlass-"));
        wrong.extend(
            ours.filter(|name| !below.contains(name)).map(|name| format!("{folder} -> {name}")),
        );
    }
    assert!(wrong.is_empty(), "arrows that `BELOW` does not have: {wrong:?}");
}

/// A crate that is not in the list may depend on all others, and a dependency that is renamed for the whole workspace
/// hides its package.
#[test]
fn each_crate_is_in_the_list_under_its_own_name() {
    let entries = std::fs::read_dir(workspace().join("daemon")).unwrap().flatten();
    let crates = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let mut crates: BTreeSet<_> =
        crates.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    crates.insert(String::new());
    assert_eq!(crates, BTreeSet::from(BELOW.map(|(folder, _)| folder.to_owned())));
    let text = std::fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let renamed: Vec<_> = text.lines().filter(|line| line.contains("package = ")).collect();
    assert!(renamed.is_empty(), "renamed for all crates: {renamed:?}");
}

#[test]
fn data_is_not_asynchronous_and_rules_reach_for_nothing() {
    for folder in ["model", "rollout", "forge"] {
        let all = of(folder);
        for name in ["tokio", "futures", "async-trait"] {
            assert!(!all.contains(name), "{folder} -> {name}");
        }
    }
    for folder in ["model", "rollout", "forge", "engine", "service"] {
        let found: Vec<_> = CLIENTS.iter().filter(|name| of(folder).contains(**name)).collect();
        assert!(found.is_empty(), "{folder} -> {found:?}");
    }
}
