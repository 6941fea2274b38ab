//! The command may not be executed (WL-K8S-015).

use crate::problem::{Debounce, Explanation, Problem, no_answer, start_errors, waiting};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 15,
    code: "not-executable",
    title: "The command may not be executed",
    symptom: "a container does not start, and the message says `permission denied`",
    debounce: Debounce::Times(1),
    symptoms: |snapshot| {
        let mut symptoms = start_errors(snapshot, |text| text.contains("permission denied"));
        symptoms.extend(waiting(
            snapshot,
            &["RunContainerError", "CreateContainerError"],
            |text| text.contains("permission denied"),
        ));
        symptoms
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!("the command of {} is a file that its user may not execute", case.who()),
            [
                "mark it so in the Dockerfile: `RUN chmod +x FILE`, or `COPY --chmod=755 …`; git keeps the mark too: `git update-index --chmod=+x FILE`",
                "if it belongs to root and only root may read it, add `--chown` to its COPY",
            ],
        )
    },
};
