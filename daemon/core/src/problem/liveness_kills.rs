//! The liveness probe ends an app that is only slow (kubernetes 18).

use super::{
    Patience, Problem, Words, ended, no_answer,
    probing::{COUNTED, LATE, failures, probe, was_killed, with_probe},
};
use crate::snapshot::Terminated;

fn by_signal(end: &Terminated) -> bool {
    was_killed(end.exit) && end.reason != "OOMKilled"
}

pub(super) const PROBLEM: &Problem = &Problem {
    number: 18,
    code: "liveness-kills",
    title: "The liveness probe ends an app that is only slow",
    seen: "the kubelet warns of `Liveness probe failed`, and the container was killed; or it was killed by a signal, has a liveness probe, and nothing else is known to have done it",
    patience: Patience::Times(2),
    signs: |seen| {
        let told = ended(seen, |seen, pod, _, end| {
            by_signal(end) && probe(seen, pod, "Liveness probe").is_some()
        });
        // Nothing else kills a container that has started and is not told of in its status.
        let mut untold = ended(seen, |seen, pod, _, end| {
            by_signal(end)
                && pod.has_liveness
                && probe(seen, pod, "Liveness probe").is_none()
                && failures(seen, pod, "Startup probe") < COUNTED
        });
        untold.retain(|sign| sign.times >= 2);
        for sign in &mut untold {
            sign.patience = Some(LATE);
        }
        let told = told.into_iter().map(|sign| with_probe(seen, sign, "Liveness probe"));
        told.chain(untold).collect()
    },
    answers: no_answer,
    words: |case| {
        let longer = format!(
            "give it more time: `{}` and `{}`",
            case.field("probes.liveness.timeout-seconds"),
            case.field("probes.liveness.failures")
        );
        let path = format!(
            "let `{}` be a path that needs no database and no other service",
            case.field("probes.liveness.http")
        );
        let off = format!("or leave it out: `{} = true`", case.field("probes.liveness.off"));
        Words::new(
            format!(
                "{} did not answer its liveness probe and was killed, again and again",
                case.who()
            ),
            [&longer, &path, &off],
        )
    },
};
