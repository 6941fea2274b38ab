//! A hook failed, and its policy is not to go on.

use super::Diagnosis;
use crate::{
    hook::Moment,
    run::{Cause, Failure},
};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let Cause::Hook { hook, plugin, moment, message, turn_back } = &failure.cause else {
        return None;
    };
    let stands = match (moment, turn_back) {
        (Moment::BeforeTraffic, _) => "nothing was released",
        (_, true) => "what ran before is put back",
        (_, false) => "the new release serves, since the hook's policy is to stop",
    };
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default();
    Some(Diagnosis {
        code: "hook-failed".into(),
        subject: format!("hook {hook} ({plugin}), {moment}"),
        what: format!("hook `{hook}` failed: {first}"),
        why: stands.into(),
        fixes: vec![
            format!("mend what it says; then submit again ({stands})"),
            format!("or give `{hook}` the policy `warn` in the daemon's configuration"),
        ],
        evidence: lines.map(str::to_owned).collect(),
        ..Diagnosis::default()
    })
}
