//! The command is not in the image (WL-K8S-014).

use crate::problem::{
    Debounce, Explanation, Problem, Symptom, has, no_answer, start_errors, waiting,
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 14,
    code: "command-not-found",
    title: "The command is not in the image",
    symptom: "a container does not start, and the message says `not found in $PATH` or `no such file or directory`",
    debounce: Debounce::Times(2),
    symptoms: |snapshot| {
        let is_missing =
            |text: &str| has(text, &["not found in $path", "no such file or directory"]);
        let mut symptoms = start_errors(snapshot, is_missing);
        let unmade = waiting(snapshot, &["RunContainerError", "CreateContainerError"], is_missing);
        // Such a container does not end, so that its ends cannot be counted.
        symptoms.extend(
            unmade
                .into_iter()
                .map(|symptom| Symptom { debounce: Some(Debounce::After(20)), ..symptom }),
        );
        symptoms
    },
    matches_error: no_answer,
    explain: |case| {
        let command = case.process().map(|process| process.command.join(" ")).unwrap_or_default();
        let what = match &*command {
            "" => "the image's own command does not exist in the image".to_owned(),
            command => format!("the command `{command}` does not exist in the image"),
        };
        let field = case.field("command");
        let first = format!(
            "set `{field}` to a program that is in the image, by its full path or one in its $PATH"
        );
        Explanation::new(
            what,
            [
                &first,
                "a script needs a shebang line that names a program in the image, without a carriage return at its end",
            ],
        )
    },
};
