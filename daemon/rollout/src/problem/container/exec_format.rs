//! The program cannot be executed on this node (WL-K8S-016).

use crate::problem::{Debounce, Explanation, Problem, ended, no_answer};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 16,
    code: "exec-format",
    title: "The program cannot be executed on this node",
    symptom: "a container ended, and its last words are `exec format error`",
    debounce: Debounce::Times(2),
    symptoms: |snapshot| {
        ended(snapshot, |_, _, _, end| end.message.to_lowercase().contains("exec format error"))
    },
    matches_error: no_answer,
    explain: |case| {
        Explanation::new(
            format!(
                "{} cannot be executed: its program is for another processor, or a script without its first line",
                case.who()
            ),
            [
                "a program: build it for the nodes' processor; copied from your machine into the image, it may be for yours",
                "a script: let it begin with `#!/bin/sh`, or name the interpreter in `command`",
            ],
        )
    },
};
