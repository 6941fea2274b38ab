//! The app ends at once, without an error (WL-K8S-021).

use crate::problem::{
    Debounce, Explanation, Problem, ended, no_answer,
    probing::{await_warning, may_be_killed},
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 21,
    code: "app-returns",
    title: "The app ends at once, without an error",
    symptom: "a container ended with exit code 0, again and again",
    debounce: Debounce::Times(2),
    symptoms: |snapshot| {
        let mut symptoms = ended(snapshot, |_, _, container, end| !container.init && end.exit == 0);
        await_warning(&mut symptoms, |symptom| may_be_killed(snapshot, symptom));
        symptoms
    },
    matches_error: no_answer,
    explain: |case| {
        let once = format!(
            "if it is to run once, or now and then, give it a `{}`",
            match case.process() {
                Some(process) if process.name != windlass_model::runtime::WEB =>
                    case.field("schedule"),
                _ => "schedule` under `[processes.NAME]".to_owned(),
            }
        );
        Explanation::new(
            format!("{} ends at once, without an error", case.who()),
            ["start it in the foreground: a server must not return", &once],
        )
    },
};
