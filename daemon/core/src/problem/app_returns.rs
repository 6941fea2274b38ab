//! The app ends at once, without an error (kubernetes 21).

use super::{
    Patience, Problem, Words, ended, no_answer,
    probing::{may_be_killed, once_told},
};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 21,
    code: "app-returns",
    title: "The app ends at once, without an error",
    seen: "a container ended with exit code 0, again and again",
    patience: Patience::Times(2),
    signs: |seen| {
        let mut signs = ended(seen, |_, _, container, end| !container.init && end.exit == 0);
        once_told(&mut signs, |sign| may_be_killed(seen, sign));
        signs
    },
    answers: no_answer,
    words: |case| {
        let once = format!(
            "if it is to run once, or now and then, give it a `{}`",
            match case.process() {
                Some(process) if process.name != crate::runtime::WEB => case.field("schedule"),
                _ => "schedule` under `[processes.NAME]".to_owned(),
            }
        );
        Words::new(
            format!("{} ends at once, without an error", case.who()),
            ["start it in the foreground: a server must not return", &once],
        )
    },
};
