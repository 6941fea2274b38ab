//! A container that prepares the pod fails (kubernetes 22).

use super::{Patience, Problem, Words, ended, no_answer};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 22,
    code: "init-fails",
    title: "A container that prepares the pod fails",
    seen: "an init container ended with an error",
    patience: Patience::Times(2),
    signs: |seen| ended(seen, |_, _, container, end| container.init && end.exit != 0),
    answers: no_answer,
    words: |case| {
        Words::new(
        format!("a container that prepares the pod exits with code {}", case.finding.exit.unwrap_or_default()),
        [
            "its last log lines say why: fix that and submit again",
            "what it waits for may not be there: a database, a migration, a name that does not resolve",
        ],
    )
    .look(format!("kubectl --namespace {} logs {} --all-containers --previous", case.namespace(), case.pod()))
    },
};
