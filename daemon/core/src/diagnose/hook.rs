//! A hook failed, and its policy is not to go on.

use super::Diagnosis;
use crate::{
    hook::Moment,
    run::{Cause, Failure},
};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let Cause::Hook { hook, plugin, moment, message, turn_back, place } = &failure.cause else {
        return None;
    };
    let stands = match (moment, turn_back) {
        (Moment::BeforeTraffic, _) => format!("nothing was released{place}"),
        (_, true) => "what ran before is put back".to_owned(),
        (_, false) => {
            format!("the new release serves{place}, since the hook's policy is to stop")
        }
    };
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default();
    Some(Diagnosis {
        code: "hook-failed".into(),
        subject: format!("hook {hook} ({plugin}), {moment}{place}"),
        what: format!("hook `{hook}` failed: {first}"),
        why: stands.clone(),
        fixes: vec![
            format!("mend what it says; then submit again ({stands})"),
            format!("or give `{hook}` the policy `warn` in the daemon's configuration"),
        ],
        evidence: lines.map(str::to_owned).collect(),
        ..Diagnosis::default()
    })
}
