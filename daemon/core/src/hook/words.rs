//! Hooks in words, for people.

use super::{Action, ActionResult, Hook, HookPhase, Policy};
use std::fmt;

impl fmt::Display for HookPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeTraffic => "before traffic",
            Self::AfterRelease => "after the release",
            Self::AfterFailure => "after a failure",
            Self::AfterRollback => "after a rollback",
        })
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warn => "warn",
            Self::Stop => "stop",
            Self::RollBack => "roll back",
        })
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, plugin, phase, policy, .. } = self;
        write!(f, "hook {name} (`{plugin}`) {phase}; if it fails: {policy}")
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PodExec { command, .. } => write!(f, "run in a pod: {}", command.join(" ")),
            Self::RunJob { command, .. } => write!(f, "run as a Job: {}", command.join(" ")),
            Self::Wait { ms } => write!(f, "wait {ms} ms"),
        }
    }
}

impl fmt::Display for ActionResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { code, .. } => write!(f, "exited with {code}"),
            Self::Waited => f.write_str("waited"),
            Self::Denied(why) => write!(f, "denied: {why}"),
            Self::TimedOut => f.write_str("did not end in time"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Hopeless(diagnosis) => {
                write!(f, "failed: {} ({})", diagnosis.what, diagnosis.code)
            }
        }
    }
}
