//! The liveness probe ends an app that is only slow (WL-K8S-018).

use crate::problem::{
    Debounce, Explanation, Problem, ended, no_answer,
    probing::{COUNTED, await_warning, failures, is_known_killed, probe, was_killed, with_probe},
};
use crate::snapshot::{Container, Pod, Snapshot, Terminated};

/// Name of the probe in its warnings.
const LIVENESS: &str = "Liveness probe";

fn by_signal(end: &Terminated) -> bool {
    was_killed(end.exit) && end.reason != "OOMKilled"
}

/// Returns whether the kubelet ended a container for its probe, or the probe failed often enough to have had each
/// run ended. An app that is asked to end may do so with an exit code of its own: only one of 128 and more is a
/// signal.
fn when_asked(snapshot: &Snapshot, pod: &Pod, container: &Container, end: &Terminated) -> bool {
    let each = pod.liveness_failures.max(1);
    let all = each.saturating_mul(container.ends()).clamp(each, COUNTED.max(each));
    // A busy node's kubelet drops warnings. Half of them do where the run was as long as a kill takes.
    let was_long = pod.liveness_seconds > 0 && end.seconds >= pod.liveness_seconds;
    let enough = if was_long { each.max(all / 2) } else { all };
    let is_known = is_known_killed(snapshot, pod, container, "liveness probe");
    end.exit < 128 && (is_known || failures(snapshot, pod, LIVENESS) >= enough)
}

pub(crate) const PROBLEM: &Problem = &Problem {
    number: 18,
    code: "liveness-kills",
    title: "The liveness probe ends an app that is only slow",
    symptom: "the kubelet warns of `Liveness probe failed`, and the container was killed, or the kubelet said that it kills it for the probe; or it ended each time after as many failures as its probe allows (half of them are enough after a run that was long enough for a kill); or it was killed by a signal, has a liveness probe, and nothing else is known to have done it",
    debounce: Debounce::Times(2),
    symptoms: |snapshot| {
        let warned = ended(snapshot, |snapshot, pod, container, end| {
            by_signal(end) && probe(snapshot, pod, LIVENESS).is_some()
                || when_asked(snapshot, pod, container, end)
        });
        // Nothing else kills a container that has started without a trace in its status.
        let mut unwarned = ended(snapshot, |snapshot, pod, _, end| {
            by_signal(end)
                && pod.has_liveness
                && probe(snapshot, pod, LIVENESS).is_none()
                && failures(snapshot, pod, "Startup probe") < COUNTED
        });
        await_warning(&mut unwarned, |_| true);
        let warned = warned.into_iter().map(|symptom| with_probe(snapshot, symptom, LIVENESS));
        warned.chain(unwarned).collect()
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
