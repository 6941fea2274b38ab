//! The app crashes (WL-K8S-020).

use crate::problem::{
    Debounce, Explanation, Problem, Symptom, backing_off_unseen, ended, no_answer,
    probing::{await_warning, may_be_killed, was_killed},
};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 20,
    code: "app-crashes",
    title: "The app crashes",
    symptom: "a container ended with an error, again and again; or it waits with CrashLoopBackOff, and nothing shows how it ended",
    debounce: Debounce::Times(2),
    symptoms: |snapshot| {
        // A kill of a container that a liveness probe may kill is taken for that probe's doing.
        let mut symptoms = ended(snapshot, |_, pod, _, end| {
            end.exit != 0 && !(pod.has_liveness && was_killed(end.exit))
        });
        await_warning(&mut symptoms, |symptom: &Symptom| {
            symptom.exit.is_some_and(was_killed) || may_be_killed(snapshot, symptom)
        });
        symptoms.extend(backing_off_unseen(snapshot, |container| !container.init));
        symptoms
    },
    matches_error: no_answer,
    explain: |case| {
        let app = case.app();
        let how = match case.finding.exit {
            Some(exit) => format!("exits with code {exit}"),
            None => "ends, again and again".to_owned(),
        };
        let again = format!(
            "the log of `{app}` is above; run the image on your machine with the same variables to see it again"
        );
        Explanation::new(
            format!("{} starts and {how}", case.who()),
            ["the last log lines say why: fix that and submit again", &again],
        )
        .look(format!(
            "kubectl --namespace {} logs {} --previous",
            case.namespace(),
            case.pod()
        ))
    },
};
