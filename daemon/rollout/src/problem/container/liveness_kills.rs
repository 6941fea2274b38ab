//! The liveness probe ends an app that is only slow (WL-K8S-018).

use crate::problem::{
    Debounce, Explanation, Problem, ended, no_answer,
    probing::{COUNTED, failures, once_told, probe, was_killed, with_probe},
};
use crate::snapshot::{Container, Pod, Snapshot, Terminated};

/// The probe as its warnings name it.
const LIVENESS: &str = "Liveness probe";

fn by_signal(end: &Terminated) -> bool {
    was_killed(end.exit) && end.reason != "OOMKilled"
}

/// Whether the probe failed often enough to have had each run of a container ended. An app that is asked
/// to end may do so with an exit code of its own: only one of 128 and more is a signal.
fn when_asked(seen: &Snapshot, pod: &Pod, container: &Container, end: &Terminated) -> bool {
    let each = pod.liveness_failures.max(1);
    let enough = each.saturating_mul(container.ends()).clamp(each, COUNTED.max(each));
    end.exit < 128 && failures(seen, pod, LIVENESS) >= enough
}

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 18,
    code: "liveness-kills",
    title: "The liveness probe ends an app that is only slow",
    seen: "the kubelet warns of `Liveness probe failed`, and the container was killed, or it ended each time after as many failures as its probe allows; or it was killed by a signal, has a liveness probe, and nothing else is known to have done it",
    debounce: Debounce::Times(2),
    symptoms: |seen| {
        let told = ended(seen, |seen, pod, container, end| {
            by_signal(end) && probe(seen, pod, LIVENESS).is_some()
                || when_asked(seen, pod, container, end)
        });
        // Nothing else kills a container that has started and is not told of in its status.
        let mut untold = ended(seen, |seen, pod, _, end| {
            by_signal(end)
                && pod.has_liveness
                && probe(seen, pod, LIVENESS).is_none()
                && failures(seen, pod, "Startup probe") < COUNTED
        });
        once_told(&mut untold, |_| true);
        let told = told.into_iter().map(|symptom| with_probe(seen, symptom, LIVENESS));
        told.chain(untold).collect()
    },
    matches_error: no_answer,
    explain: |case| {
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
        Explanation::new(
            format!(
                "{} did not answer its liveness probe and was killed, again and again",
                case.who()
            ),
            [&longer, &path, &off],
        )
    },
};
