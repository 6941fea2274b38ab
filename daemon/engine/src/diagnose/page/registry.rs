//! Pages: no login at a registry, or no answer.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const REGISTRY_DENIED: &Page = &Page {
    code: "registry-denied",
    title: "The registry refuses the builder's login",
    stages: &[Stage::Push, Stage::Build],
    means: "The builder may not push the image, or may not pull a base image. `where` is the registry's host. What serves is as it was.",
    noticed: "The registry answered 401 or 403, or that the authorization failed.",
    causes: &[
        Origin {
            cause: "The daemon has no login for this host",
            evidence: "`where` is a host that no `[[registries]]` names, with its port.",
            fix: "Operator: add it, then restart the daemon.",
            lines: Lines::Daemon(&[
                "[[registries]]",
                "host = \"registry.example.com\"",
                "username = \"windlass\"",
                "password-file = \"/etc/windlass/registry-password\"",
            ]),
        },
        Origin {
            cause: "The account may not push to this repository",
            evidence: "It pulls, and the failure is in stage push.",
            fix: "Grant the account the right to push, in the registry's settings. Some registries want the repository to be created first.",
            lines: Lines::None,
        },
        Origin {
            cause: "The password has expired or was changed",
            evidence: "Earlier jobs could push.",
            fix: "Operator: write the new password into its file. It is read at each login.",
            lines: Lines::Shell(&[
                "install -m 0640 -o root -g windlass password /etc/windlass/registry-password",
            ]),
        },
        Origin {
            cause: "The base image does not exist",
            evidence: "The failure is in stage build, and `where` is a public registry. Many answer so where there is no such image.",
            fix: "Check the name after `FROM`.",
            lines: Lines::Dockerfile(&["FROM docker.io/library/node:22-slim"]),
        },
    ],
    related: &["registry-login-failed", "base-image-not-found", "pull-unauthorized"],
};

pub(crate) const REGISTRY_UNAVAILABLE: &Page = &Page {
    code: "registry-unavailable",
    title: "The registry does not answer the builder",
    stages: &[Stage::Push, Stage::Build],
    means: "The builder could not push the image, or could not pull a base image, and tried for half a minute. `where` is the registry's host. What serves is as it was.",
    noticed: "The connection was refused or broke, or the registry answered with a status from 500 on.",
    causes: &[
        Origin {
            cause: "The registry is down or starts again",
            evidence: "Other jobs end so too, and `why` says that the connection was refused, or has a status such as 503.",
            fix: "Operator: see that the registry runs, and its log. Then submit again.",
            lines: Lines::Shell(&["curl -i https://registry.example.com/v2/"]),
        },
        Origin {
            cause: "The builder has no way to the registry",
            evidence: "The daemon's machine reaches the host, and `why` has a timeout.",
            fix: "Operator: try it from the builder's machine. A proxy is set in the environment of buildkitd.",
            lines: Lines::Shell(&["systemctl edit buildkitd"]),
        },
    ],
    related: &["registry-denied", "registry-unreachable", "builder-unreachable"],
};

pub(crate) const REGISTRY_LOGIN_FAILED: &Page = &Page {
    code: "registry-login-failed",
    title: "A plugin could not log in at the registry",
    stages: &[Stage::Push, Stage::Build, Stage::Release],
    means: "The operator gave this registry to a registry-auth plugin, and the plugin brought no login. In stage release the login is for the pull secret of the nodes. What serves is as it was.",
    noticed: "The plugin answered with an error, or reached a limit.",
    causes: &[
        Origin {
            cause: "Its keys have expired or lack a right",
            evidence: "`why` has the words of the cloud's API, such as `ExpiredToken` or `AccessDenied`.",
            fix: "Operator: renew the file of the plugin's secret. It is read each time.",
            lines: Lines::Daemon(&[
                "[[registries]]",
                "host = \"123456789012.dkr.ecr.eu-central-1.amazonaws.com\"",
                "plugin = \"registry-ecr\"",
                "secrets = { aws = \"/etc/windlass/aws.json\" }",
            ]),
        },
        Origin {
            cause: "The plugin may not reach the host that it asks",
            evidence: "`why` says that a host is not granted; the calls of the job show it.",
            fix: "Operator: grant it the host, by its digest.",
            lines: Lines::Shell(&[
                "windlass show JOB --plugins",
                "windlass plugin inspect registry-ecr",
            ]),
        },
        Origin {
            cause: "The host that the plugin asks does not answer",
            evidence: "`why` speaks of a timeout or of a name that does not resolve.",
            fix: "Wait, or open the way from the daemon's machine to that host.",
            lines: Lines::None,
        },
        Origin {
            cause: "Region, account or another setting is wrong",
            evidence: "No job ever logged in at this registry.",
            fix: "Operator: correct the settings of the registry.",
            lines: Lines::Daemon(&[
                "[[registries]]",
                "host = \"123456789012.dkr.ecr.eu-central-1.amazonaws.com\"",
                "plugin = \"registry-ecr\"",
                "settings = { role-arn = \"arn:aws:iam::123456789012:role/push\" }",
            ]),
        },
    ],
    related: &["registry-denied", "own-registry-failed", "plugin-failed", "pull-denied"],
};

pub(crate) const OWN_REGISTRY_FAILED: &Page = &Page {
    code: "own-registry-failed",
    title: "A registry of the project's own cannot be used",
    stages: &[Stage::Push, Stage::Detect, Stage::Build, Stage::Test, Stage::Release],
    means: "The project brought the registry in `where` by `windlass registry put`, and it refused the login, did not answer, or is not allowed. In stage release it is the one that nodes pull from. It is for the project to mend, and nobody is paged for it. What serves is as it was.",
    noticed: "The registry answered 401 or 403 to a login of the project's own, or did not answer; its plugin brought no login; or the rules of `[own-registries]`, which are looked at with each use, forbid it.",
    causes: &[
        Origin {
            cause: "The password or token has expired, or was replaced",
            evidence: "`why` has 401 or 403, and jobs before this one pushed.",
            fix: "Put the registry with a login that is valid: it replaces all that was put for the host. The login is tried before it is stored.",
            lines: Lines::Shell(&[
                "windlass registry test PROJECT HOST",
                "windlass registry put PROJECT HOST --images HOST/PATH --push-user USER --push-password-file FILE",
            ]),
        },
        Origin {
            cause: "The account may not push to this repository",
            evidence: "It pulls, and the failure is in stage push.",
            fix: "Grant the account the right to push, in the registry's settings. Some registries want the repository to be created first.",
            lines: Lines::None,
        },
        Origin {
            cause: "The registry does not answer",
            evidence: "`why` says that the connection was refused, that a name does not resolve, or has a status such as 503.",
            fix: "See that the registry runs, and that the builder and the nodes reach it. Then submit again.",
            lines: Lines::Shell(&["windlass registry test PROJECT HOST"]),
        },
        Origin {
            cause: "The operator does not allow it any more",
            evidence: "`why` names a key of `own-registries`, or an address that is not of the public internet.",
            fix: "Ask the operator, or put another registry. Without one of its own the project's images go to the operator's.",
            lines: Lines::Shell(&["windlass registry remove PROJECT HOST"]),
        },
        Origin {
            cause: "The operator has a login for the same host now",
            evidence: "`why` says that the registry is the operator's and one of the project too.",
            fix: "Remove that of the project, or have the operator remove the host from the configuration: which login is meant is not guessed.",
            lines: Lines::Shell(&["windlass registry remove PROJECT HOST"]),
        },
    ],
    related: &["registry-login-failed", "pull-unauthorized", "registry-unreachable"],
};
