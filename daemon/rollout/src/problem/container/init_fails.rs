//! A container that prepares the pod fails (WL-K8S-022).

use crate::problem::{Debounce, Explanation, Problem, backing_off_unseen, ended, no_answer};

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 22,
    code: "init-fails",
    title: "A container that prepares the pod fails",
    symptom: "an init container ended with an error, or waits with CrashLoopBackOff; or a sidecar ended",
    debounce: Debounce::Times(2),
    symptoms: |snapshot| {
        let mut symptoms = ended(snapshot, |_, _, container, end| {
            container.init && (end.exit != 0 || container.sidecar || container.is_backed_off())
        });
        symptoms.extend(backing_off_unseen(snapshot, |container| container.init));
        symptoms
    },
    matches_error: no_answer,
    explain: |case| {
        let look = format!(
            "kubectl --namespace {} logs {} --all-containers --previous",
            case.namespace(),
            case.pod()
        );
        if case.finding.exit == Some(0) {
            return Explanation::new(
                "a container that runs beside the app ends without an error, again and again",
                [
                    "start it in the foreground: an init container with `restartPolicy: Always` must not return",
                    "if it is to run once, before the others, remove its `restartPolicy`",
                ],
            )
            .look(look);
        }
        let how = match case.finding.exit {
            Some(exit) => format!("exits with code {exit}"),
            None => "ends, again and again".to_owned(),
        };
        Explanation::new(
            format!("a container that prepares the pod {how}"),
            [
                "its last log lines say why: fix that and submit again",
                "what it waits for may not be there: a database, a migration, a name that does not resolve",
            ],
        )
        .look(look)
    },
};
