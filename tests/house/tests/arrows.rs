//! Crates depend on what stands below them, and on nothing beside.

#![allow(clippy::unwrap_used, reason = "tests: what cannot go on should stop")]

use std::collections::BTreeSet;
use windlass_house::{arrows::dependencies, crates::workspace};

/// Crates of ours in `daemon/`, each with those that it may depend on.
const BELOW: [(&str, &[&str]); 12] = [
    ("model", &[]),
    ("rollout", &["model"]),
    ("engine", &["model", "rollout"]),
    ("service", &["model", "rollout", "engine"]),
    ("api", &["model", "rollout", "engine", "service", "proto"]),
    ("git", &["model", "engine"]),
    ("buildkit", &["model", "engine"]),
    ("kubernetes", &["model", "rollout", "engine"]),
    ("plugin-host", &["model", "engine"]),
    ("store", &["model", "engine"]),
    // The pages of problems, and the names that a spec may have: the client has no other copy.
    ("cli", &["model", "engine", "proto"]),
    (
        "",
        &[
            "model",
            "rollout",
            "engine",
            "service",
            "api",
            "git",
            "buildkit",
            "kubernetes",
            "plugin-host",
            "store",
        ],
    ),
];

/// Crates that reach for the world, which the three layers and `service` must not.
const CLIENTS: [&str; 12] = [
    "bollard-buildkit-proto",
    "cap-std",
    "git2",
    "gix",
    "hyper",
    "kube",
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

#[test]
fn data_is_not_asynchronous_and_rules_reach_for_nothing() {
    for folder in ["model", "rollout"] {
        let all = of(folder);
        for name in ["tokio", "futures", "async-trait"] {
            assert!(!all.contains(name), "{folder} -> {name}");
        }
    }
    for folder in ["model", "rollout", "engine", "service"] {
        let found: Vec<_> = CLIENTS.iter().filter(|name| of(folder).contains(**name)).collect();
        assert!(found.is_empty(), "{folder} -> {found:?}");
    }
}
