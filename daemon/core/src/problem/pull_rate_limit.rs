//! The registry allows no more pulls for now (kubernetes 6).

use super::{PULL, Patience, Problem, Words, has, no_answer, status, waiting};

pub(super) const PROBLEM: &Problem = &Problem {
    number: 6,
    code: "pull-rate-limit",
    title: "The registry allows no more pulls for now",
    seen: "a container waits with ErrImagePull or ImagePullBackOff, and the message says `toomanyrequests` or 429",
    patience: Patience::Likely(60),
    signs: |seen| {
        waiting(seen, PULL, |text| {
            has(text, &["toomanyrequests", "too many requests"]) || status(text, &["429"])
        })
    },
    answers: no_answer,
    words: |case| {
        Words::new(
            format!("the registry has let the node pull too often, and {} waits", case.image()),
            [
                "log in: set a login for this host under `[[registries]]` in the daemon's configuration; limits of users are higher than those of addresses",
                "or let the nodes pull through a mirror",
            ],
        )
    },
};
