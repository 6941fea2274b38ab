//! The namespace's quota wants a value that is not set (WL-K8S-063).

use crate::problem::{Case, Debounce, Explanation, Problem, refused, rejected};

/// Resources of a quota, each with the key of a process that sets it. A key that sets a request alone stands
/// beside no limit, and the other way round.
const FIELDS: [(&str, &str); 8] = [
    ("limits.cpu", "resources.cpu-limit"),
    ("limits.memory", "resources.memory-limit"),
    ("limits.ephemeral-storage", "resources.ephemeral-storage"),
    ("requests.cpu", "resources.cpu"),
    ("requests.memory", "resources.memory"),
    ("requests.ephemeral-storage", "resources.ephemeral-storage"),
    ("cpu", "resources.cpu"),
    ("memory", "resources.memory"),
];

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 63,
    code: "quota-must-specify",
    title: "The namespace's quota wants a value that is not set",
    symptom: "the API server refuses a pod or an object: `failed quota: … must specify`",
    debounce: Debounce::Now,
    symptoms: |snapshot| refused(snapshot, is_unspecified),
    matches_error: |error| rejected(error, is_unspecified),
    explain: |case| {
        let (names, fields) = wanted(case);
        let ours = match &*fields {
            [] => format!("set what it wants under `{}`", case.field("resources")),
            fields => format!("set {}", fields.join(" and ")),
        };
        Explanation::new(
            format!(
                "the quota of namespace {} wants {names} of every container, and it is not set",
                case.namespace()
            ),
            [
                &ours,
                "in a manifest of your own: set it under `resources` of each container, those of init included",
                "or ask the cluster's owner for a LimitRange with defaults",
            ],
        )
        .look(format!("kubectl --namespace {} describe quota", case.namespace()))
    },
};

/// Returns whether a lower-case message is `failed quota: NAME: must specify RESOURCE for: CONTAINERS; …`.
fn is_unspecified(text: &str) -> bool {
    text.contains("failed quota") && text.contains("must specify")
}

/// Returns the resources that the quota wants, and the keys that set them.
fn wanted(case: &Case<'_>) -> (String, Vec<String>) {
    let list = case.finding.message.split_once("must specify ").map_or("", |(_, rest)| rest);
    // Older API servers separate the resources by a comma and name no containers.
    let entries = list.split(['\n', ';']).flat_map(|entry| {
        entry.split(" for:").next().unwrap_or_default().split(',').map(str::trim)
    });
    let names: Vec<_> = entries.filter(|name| !name.is_empty()).collect();
    let mut fields: Vec<_> = names
        .iter()
        .filter_map(|name| FIELDS.iter().find(|(resource, _)| resource == name))
        .map(|(_, field)| format!("`{}`", case.field(field)))
        .collect();
    fields.dedup();
    (if names.is_empty() { "a value".into() } else { names.join(" and ") }, fields)
}
