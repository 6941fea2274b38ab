//! The nodes keep such pods off (WL-K8S-029).

use crate::problem::{Debounce, Explanation, Problem, no_answer, unscheduled};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 29,
    code: "taint",
    title: "The nodes keep such pods off",
    symptom: "the scheduler finds no node, and its message says `untolerated taint`",
    debounce: Debounce::After(15),
    symptoms: |snapshot| {
        unscheduled(snapshot, |text| {
            text.contains("untolerated taint") && !text.contains("Insufficient")
        })
    },
    matches_error: no_answer,
    explain: |case| {
        let field = case.field("placement.tolerations");
        let named = case.finding.message.split(['{', '}']).nth(1).map(str::trim);
        let (which, add) = match named.filter(|taint| !taint.is_empty()) {
            Some(taint) => {
                let key = taint.split(':').next().unwrap_or_default();
                let add = format!("add to `{field}`: {{ key = \"{key}\" }}");
                (format!(" ({taint})"), add)
            }
            // Newer schedulers write `untolerated taint(s)`. An empty key would tolerate every taint.
            None => (String::new(), format!("add the key of the taint to `{field}`")),
        };
        Explanation::new(
            format!("every node that could take the pod keeps it off by a taint{which}"),
            [&*format!("{add}, if this app belongs on those nodes"), "or add nodes without it"],
        )
        .look("kubectl describe nodes | grep -A3 Taints".to_owned())
    },
};
