//! Page: a hook of the operator fails.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const HOOK_FAILED: &Page = &Page {
    code: "hook-failed",
    title: "A hook failed, and its policy ends the job",
    stages: &[Stage::Hooks],
    means: "A hook of the operator, such as a migration of the database, did not succeed. `why` says what serves now: a hook before traffic leaves the previous release; after the release, the policy decides whether the previous one is put back.",
    noticed: "The hook's plugin reported a failure, or gave no answer, or did not end within its limits: 50 batches of actions, 2 hours in all. The pod of a hook's Job is judged as pods of the app are: with such a verdict the page of its own code stands beside this one.",
    causes: &[
        Origin {
            cause: "The command of the hook failed",
            evidence: "`what` reads `exited with …`, and the lines below `why` are the end of what it printed.",
            fix: "Mend what it says, then submit again. A Job of the same job is never run twice.",
            lines: Lines::Shell(&["windlass show JOB --events"]),
        },
        Origin {
            cause: "The hook's Job could not run",
            evidence: "`why` has the words of a problem of Kubernetes, and a reference such as `WL-K8S-028` stands beside the code.",
            fix: "Follow `fix 1`, and the page of that reference.",
            lines: Lines::Shell(&["windlass explain WL-K8S-028"]),
        },
        Origin {
            cause: "The app's settings of the hook are wrong",
            evidence: "The message names a setting, or a command that the image does not have.",
            fix: "Correct them. The operator's guide names the hook's settings.",
            lines: Lines::App(&["[hooks.migrate]", "command = [\"./manage\", \"migrate\"]"]),
        },
        Origin {
            cause: "The hook wants something that it was not granted",
            evidence: "The message reads `denied`, or names a host or an action.",
            fix: "Operator: grant it, by the plugin's digest.",
            lines: Lines::Daemon(&[
                "[[plugins]]",
                "path = \"/usr/lib/windlass/plugins/hook-job.wasm\"",
                "digest = \"sha256:…\"",
                "[plugins.grant]",
                "actions = [\"run-job\"]",
            ]),
        },
        Origin {
            cause: "The daemon ended while a command ran that may run only once",
            evidence: "The message says that it is not done a second time.",
            fix: "See whether the command did its work, then submit again.",
            lines: Lines::None,
        },
        Origin {
            cause: "The hook does not matter for this app",
            evidence: "The app works without it.",
            fix: "Operator: let it only warn.",
            lines: Lines::Daemon(&[
                "[[hooks]]",
                "# the other keys stay",
                "name = \"announce\"",
                "plugin = \"hook-http\"",
                "policy = \"warn\"",
            ]),
        },
    ],
    related: &["job-failed", "no-room-on-nodes", "way-back-failed", "plugin-failed"],
};
