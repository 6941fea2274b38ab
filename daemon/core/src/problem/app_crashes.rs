//! The app crashes (kubernetes 20).

use super::{Patience, Problem, Sign, Words, ended, no_answer};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 20,
    code: "app-crashes",
    title: "The app crashes",
    seen: "a container ended with an error, again and again",
    patience: Patience::Times(2),
    signs: |seen| {
        let mut signs = ended(seen, |_, _, _, end| end.exit != 0);
        // Killed by somebody (128 + SIGKILL or SIGTERM): who it was is told in a warning, which comes
        // a moment after the end.
        let killed = |sign: &Sign| matches!(sign.exit, Some(137 | 143));
        signs.retain(|sign| !killed(sign) || sign.times >= 2);
        for sign in signs.iter_mut().filter(|sign| killed(sign)) {
            sign.patience = Some(Patience::After(5));
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
