//! Pages of what can happen in any stage.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const ROLLBACK_FAILED: &Page = &Page {
    code: "way-back-failed",
    title: "The release failed, and the previous one could not be put back",
    stages: &[Stage::Release, Stage::Hooks],
    means: "This is the one failure after which the app may not serve. `what` has both reasons: why the release failed, then why the previous one could not be put back.",
    noticed: "A step of the rollback failed: the cluster refused it, did not answer for 10 minutes, or the previous release did not become healthy.",
    causes: &[
        Origin {
            cause: "The cluster does not answer",
            evidence: "The second reason of `what` speaks of the cluster.",
            fix: "Wait until it answers, see what serves, then roll back.",
            lines: Lines::Shell(&["windlass status shop/web", "windlass rollback shop/web"]),
        },
        Origin {
            cause: "The previous release does not run any more",
            evidence: "The second reason names a pod of the previous release. Its image, a secret or a database schema that it needs has changed.",
            fix: "Roll back to a release that runs with the database as it is, or mend the new one and submit it.",
            lines: Lines::Shell(&[
                "windlass releases shop/web",
                "windlass rollback shop/web --to COMMIT",
            ]),
        },
        Origin {
            cause: "The cluster has no room for it",
            evidence: "The second reason speaks of room, a quota or a taint.",
            fix: "Make room, then roll back.",
            lines: Lines::Shell(&["kubectl describe nodes | grep -A8 'Allocated resources'"]),
        },
        Origin {
            cause: "The daemon's rights were changed meanwhile",
            evidence: "The second reason reads `the cluster forbids it`.",
            fix: "Operator: apply the rights again, then roll back.",
            lines: Lines::Shell(&[
                "kubectl apply --filename deploy/rbac/deployer.yaml --filename deploy/rbac/namespaces.yaml",
            ]),
        },
    ],
    related: &["cluster-unreachable", "app-crashes", "not-ready-in-time", "hook-failed"],
};

pub(crate) const STOPPED: &Page = &Page {
    code: "stopped",
    title: "The job was stopped",
    stages: &[],
    means: "Somebody or something asked the job to stop. It is no failure. What served before serves again.",
    noticed: "The request is in the job's journal; `what` says by whom.",
    causes: &[
        Origin {
            cause: "A newer job of the app took its place",
            evidence: "`what` reads `superseded by job …`.",
            fix: "Nothing. Watch the newer job.",
            lines: Lines::Shell(&["windlass watch JOB"]),
        },
        Origin {
            cause: "A person or a program cancelled it",
            evidence: "`what` reads `cancelled by …`.",
            fix: "Submit again, if it was not meant.",
            lines: Lines::Shell(&[
                "windlass submit shop/web --repository https://git.example/shop/web.git",
            ]),
        },
        Origin {
            cause: "A person aborted the release",
            evidence: "`what` reads `aborted by …`, with the reason if one was given.",
            fix: "Mend what the reason says, then submit again.",
            lines: Lines::Shell(&["windlass show JOB --events"]),
        },
        Origin {
            cause: "Nobody approved it in time",
            evidence: "`what` reads `not approved within …`.",
            fix: "Submit again, and approve it; or give its steps more time.",
            lines: Lines::App(&[
                "[strategy]",
                "kind = \"canary\"",
                "gates = [50]",
                "gate-seconds = 1209600",
            ]),
        },
        Origin {
            cause: "It was not built within the limit of its request",
            evidence: "`what` names a limit in seconds.",
            fix: "Give it more time than its limit, which is an hour where none is set; or find the stage that takes so long.",
            lines: Lines::Shell(&[
                "windlass show JOB --events",
                "windlass submit shop/web --repository https://git.example/shop/web.git --timeout 7200",
            ]),
        },
    ],
    related: &["tests-hang", "way-back-failed"],
};

pub(crate) const INTERNAL_ERROR: &Page = &Page {
    code: "internal-error",
    title: "Windlass itself failed",
    stages: &[],
    means: "A defect of Windlass ended this job. Other jobs go on, and what served before serves again.",
    noticed: "The job's code panicked; the daemon caught that. Its log names the place.",
    causes: &[
        Origin {
            cause: "The commit or the cluster has something that Windlass does not expect",
            evidence: "The same commit fails in the same stage each time.",
            fix: "Report it with `why`, the stage and the daemon's log of that time. Values of secrets are not in the log.",
            lines: Lines::Shell(&[
                "windlass show JOB --events",
                "journalctl --unit windlassd --since -10min",
            ]),
        },
        Origin {
            cause: "The defect depends on chance",
            evidence: "The same commit succeeds the next time.",
            fix: "Submit again, and report it all the same.",
            lines: Lines::None,
        },
        Origin {
            cause: "The machine is at fault",
            evidence: "Other programs of the machine fail too, with memory or disk errors in its log.",
            fix: "Check memory and disks.",
            lines: Lines::Shell(&["journalctl --dmesg --priority err"]),
        },
    ],
    related: &["unrecognised", "clone-failed"],
};

pub(crate) const UNRECOGNISED: &Page = &Page {
    code: "unrecognised",
    title: "The failure has no code of its own",
    stages: &[],
    means: "The job failed with a reason that Windlass has no page for. `what` is the reason as the failing part gave it.",
    noticed: "No rule of the diagnosis recognised the failure.",
    causes: &[
        Origin {
            cause: "The daemon is newer than the client",
            evidence: "`windlass --version` is older than `windlassd --version`.",
            fix: "Upgrade the client, and ask it again.",
            lines: Lines::Shell(&["windlass --version", "windlassd --version"]),
        },
        Origin {
            cause: "The daemon lost the right to write to the job's journal",
            evidence: "`what` speaks of the journal, and the daemon's log of its store.",
            fix: "Operator: see that one daemon uses the `data` folder, and that its disk has room.",
            lines: Lines::Shell(&[
                "df -h /var/lib/windlass",
                "journalctl --unit windlassd --since -10min",
            ]),
        },
        Origin {
            cause: "The failure is new to Windlass",
            evidence: "Both are of the same version, and the daemon's log shows no trouble of its own.",
            fix: "Report it with `what` and the stage.",
            lines: Lines::Shell(&["windlass show JOB --events"]),
        },
    ],
    related: &["internal-error"],
};
