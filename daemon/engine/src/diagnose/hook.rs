//! Diagnosis of a hook that failed, with a policy that is not to go on.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_model::hook::HookPhase;

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let Cause::Hook { hook, plugin, phase, message, roll_back, place, judged } = &failure.cause
    else {
        return None;
    };
    let effect = match (phase, roll_back) {
        (HookPhase::BeforeTraffic, _) => format!("nothing was released{place}"),
        (_, true) => "what ran before is put back".to_owned(),
        (_, false) => {
            format!("the new release serves{place}, since the hook's policy is to stop")
        }
    };
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default();
    let diagnosis = Diagnosis {
        code: Code::HookFailed.into(),
        subject: format!("hook {hook} ({plugin}), {phase}{place}"),
        what: format!("hook `{hook}` failed: {first}"),
        why: effect.clone(),
        fixes: vec![
            format!("mend what it says; then submit again ({effect})"),
            format!("or give `{hook}` the policy `warn` in the daemon's configuration"),
        ],
        evidence: lines.map(str::to_owned).collect(),
        ..Diagnosis::default()
    };
    Some(match judged {
        Some(judged) => with_verdict(hook, diagnosis, judged),
        None => diagnosis,
    })
}

/// Returns the diagnosis with the verdict on the pod of the hook's Job, as on one of the app's own pods.
fn with_verdict(hook: &str, of_hook: Diagnosis, judged: &Diagnosis) -> Diagnosis {
    let mut fixes = judged.fixes.clone();
    fixes.extend(of_hook.fixes);
    Diagnosis {
        reference: judged.reference.clone(),
        subject: format!("{}: {}", of_hook.subject, judged.subject),
        what: format!("hook `{hook}` failed: {}", judged.what),
        why: format!("{}; {}", judged.why, of_hook.why),
        fixes,
        command: judged.command.clone(),
        evidence: judged.evidence.clone(),
        ..of_hook
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::job::Stage;

    #[test]
    fn a_job_that_could_not_run_has_the_words_of_its_pod() {
        let judged = Diagnosis {
            code: "no-room-on-nodes".into(),
            reference: "WL-K8S-028".into(),
            subject: "pod app-migrate-1".into(),
            what: "no node has room".into(),
            why: "1 Insufficient cpu".into(),
            fixes: vec!["lower `resources.cpu`".into()],
            command: Some("kubectl describe nodes".into()),
            evidence: vec!["event: FailedScheduling".into()],
            ..Diagnosis::default()
        };
        let cause = Cause::Hook {
            hook: "migrate".into(),
            plugin: "hook-job".into(),
            phase: HookPhase::BeforeTraffic,
            message: "the Job could not be run: no node has room".into(),
            roll_back: true,
            place: String::new(),
            judged: Some(Box::new(judged)),
        };
        let diagnosis = known(&Failure { at: Stage::Hooks, cause }).unwrap();
        assert_eq!((&*diagnosis.code, &*diagnosis.reference), ("hook-failed", "WL-K8S-028"));
        let text = diagnosis.to_string();
        for part in [
            "hook `migrate` failed",
            "pod app-migrate-1",
            "1 Insufficient cpu; nothing was released",
            "fix 1:     lower `resources.cpu`",
            "| event: FailedScheduling",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
