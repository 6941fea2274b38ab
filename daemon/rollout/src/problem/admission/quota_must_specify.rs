//! The namespace's quota wants a value that nobody says (WL-K8S-063).

use crate::problem::{Case, Debounce, Explanation, Problem, refused, rejected};

/// Resources of a quota, and where a process says them. What is said of a request alone stands in no
/// list of limits, and the other way round.
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
    title: "The namespace's quota wants a value that nobody says",
    seen: "the API server refuses a pod or an object: `failed quota: … must specify`",
    debounce: Debounce::Now,
    symptoms: |seen| refused(seen, says),
    matches_error: |error| rejected(error, says),
    explain: |case| {
        let (names, fields) = wanted(case);
        let ours = match &*fields {
            [] => format!("say what it wants under `{}`", case.field("resources")),
            fields => format!("say {}", fields.join(" and ")),
        };
        Explanation::new(
            format!(
                "the quota of namespace {} wants {names} of every container, and it is not said",
                case.namespace()
            ),
            [
                &ours,
                "in a manifest of your own: say it under `resources` of each container, those of init included",
                "or ask the cluster's owner for a LimitRange with defaults",
            ],
        )
        .look(format!("kubectl --namespace {} describe quota", case.namespace()))
    },
};

/// `failed quota: NAME: must specify RESOURCE for: CONTAINERS; …`, lower-case.
fn says(text: &str) -> bool {
    text.contains("failed quota") && text.contains("must specify")
}

/// The resources that the quota wants, and the fields that say them.
fn wanted(case: &Case<'_>) -> (String, Vec<String>) {
    let list = case.finding.message.split_once("must specify ").map_or("", |(_, rest)| rest);
    // Older API servers part the resources by a comma and name no containers.
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
