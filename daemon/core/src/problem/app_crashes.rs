//! The app crashes (kubernetes 20).

use super::{
    Patience, Problem, Words, ended, no_answer,
    probing::{LATE, was_killed},
};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 20,
    code: "app-crashes",
    title: "The app crashes",
    seen: "a container ended with an error, again and again",
    patience: Patience::Times(2),
    signs: |seen| {
        // Of one that a liveness probe may kill, it is taken for that probe's doing.
        let mut signs = ended(seen, |_, pod, _, end| {
            end.exit != 0 && !(pod.has_liveness && was_killed(end.exit))
        });
        signs.retain(|sign| !sign.exit.is_some_and(was_killed) || sign.times >= 2);
        for sign in signs.iter_mut().filter(|sign| sign.exit.is_some_and(was_killed)) {
            sign.patience = Some(LATE);
        }
        signs
    },
    answers: no_answer,
    words: |case| {
        let (exit, app) = (case.finding.exit.unwrap_or_default(), case.app());
        let again = format!(
            "the log of `{app}` is above; run the image on your machine with the same variables to see it again"
        );
        Words::new(
            format!("{} starts and exits with code {exit}", case.who()),
            ["the last log lines say why: fix that and submit again", &again],
        )
        .look(format!(
            "kubectl --namespace {} logs {} --previous",
            case.namespace(),
            case.pod()
        ))
    },
};
