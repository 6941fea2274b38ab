//! The command may not be executed (kubernetes 15).

use super::{Patience, Problem, Words, no_answer, start_errors, waiting};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 15,
    code: "not-executable",
    title: "The command may not be executed",
    seen: "a container does not start, and the message says `permission denied`",
    patience: Patience::Times(1),
    signs: |seen| {
        let mut signs = start_errors(seen, |text| text.contains("permission denied"));
        signs.extend(waiting(seen, &["RunContainerError", "CreateContainerError"], |text| {
            text.contains("permission denied")
        }));
        signs
    },
    answers: no_answer,
    words: |case| {
        Words::new(
            format!("the command of {} is a file that its user may not execute", case.who()),
            [
                "mark it so in the Dockerfile: `RUN chmod +x FILE`, or `COPY --chmod=755 …`; git keeps the mark too: `git update-index --chmod=+x FILE`",
                "if it belongs to root and only root may read it, add `--chown` to its COPY",
            ],
        )
    },
};
