//! The program crashes in native code (WL-K8S-019).

use crate::problem::{Debounce, Explanation, Problem, ended, no_answer};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 19,
    code: "native-crash",
    title: "The program crashes in native code",
    symptom: "a container ended with exit code 132, 134 or 139",
    debounce: Debounce::Times(2),
    symptoms: |snapshot| ended(snapshot, |_, _, _, end| matches!(end.exit, 132 | 134 | 139)),
    matches_error: no_answer,
    explain: |case| {
        let how = match case.finding.exit {
            Some(132) => "executed an instruction that this processor does not know (SIGILL)",
            Some(134) => "gave itself up (SIGABRT)",
            _ => "touched memory that is not its own (SIGSEGV)",
        };
        Explanation::new(
            format!("{} {how}", case.who()),
            [
                "a native library may be built for another processor, or for another libc (Alpine's musl): build in the same base image as it runs in",
                "run the image on your machine with the same variables to see it again",
            ],
        )
    },
};
