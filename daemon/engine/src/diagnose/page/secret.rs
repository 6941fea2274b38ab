//! Pages: a secret of the project is not there, or does not open; or all are too large.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const SECRET_MISSING: &Page = &Page {
    code: "secret-missing",
    title: "The project has no secret of this name",
    stages: &[Stage::Detect, Stage::Clone, Stage::Release],
    means: "The job, `windlass.toml` or a release names a secret that the project does not have. What serves is as it was.",
    noticed: "Secrets are opened where they are used: the login of `source.credential` before the clone, `secrets` and `build.secrets` before the build, those of a release when it is applied.",
    causes: &[
        Origin {
            cause: "Nobody put the secret yet",
            evidence: "The list does not have the name.",
            fix: "Put it. The value comes from standard input, and no later command shows it.",
            lines: Lines::Shell(&[
                "windlass secret list shop",
                "printf %s \"$TOKEN\" | windlass secret put shop api-token",
            ]),
        },
        Origin {
            cause: "The name has a typing error",
            evidence: "The list has nearly the same name.",
            fix: "Correct it. On the left stands the variable, on the right the secret.",
            lines: Lines::App(&["[secrets]", "API_TOKEN = \"api-token\""]),
        },
        Origin {
            cause: "It belongs to another project",
            evidence: "`windlass secret list` of another project has it. Secrets are never shared.",
            fix: "Put it for this project too.",
            lines: Lines::Shell(&["printf %s \"$TOKEN\" | windlass secret put shop api-token"]),
        },
        Origin {
            cause: "It was deleted, and an earlier release needs it",
            evidence: "The job is a rollback, and `what` names a version.",
            fix: "Roll back to a release that does not need it, or put the secret and deploy the commit again.",
            lines: Lines::Shell(&["windlass releases shop/web"]),
        },
    ],
    related: &["secret-sealed", "repository-denied", "spec-invalid"],
};

pub(crate) const SECRET_SEALED: &Page = &Page {
    code: "secret-sealed",
    title: "A secret does not open",
    stages: &[Stage::Detect, Stage::Clone, Stage::Release],
    means: "The secret is stored, and the daemon's key does not open it. Each secret is sealed with the file `key` of the daemon's `data` folder. What serves is as it was.",
    noticed: "Opening the seal failed; it proves that the content was changed or the key is another one.",
    causes: &[
        Origin {
            cause: "The journal was restored without its key",
            evidence: "All secrets fail, since the daemon was moved or restored.",
            fix: "Operator: stop the daemon, restore `key` from the same backup, and start it.",
            lines: Lines::Shell(&[
                "systemctl stop windlassd",
                "install -m 0600 -o windlass -g windlass /backup/key /var/lib/windlass/key",
                "systemctl start windlassd",
            ]),
        },
        Origin {
            cause: "The key is lost",
            evidence: "No backup has a `key` that opens any secret.",
            fix: "Put every secret again. The old values cannot be recovered.",
            lines: Lines::Shell(&[
                "windlass secret list shop",
                "printf %s \"$TOKEN\" | windlass secret put shop api-token",
            ]),
        },
        Origin {
            cause: "The stored secret is damaged",
            evidence: "One secret fails, and all others open.",
            fix: "Put this one again, and check the disk.",
            lines: Lines::Shell(&["printf %s \"$TOKEN\" | windlass secret put shop api-token"]),
        },
    ],
    related: &["secret-missing"],
};

pub(crate) const SECRETS_TOO_LARGE: &Page = &Page {
    code: "secrets-too-large",
    title: "The secrets of a job are too large together",
    stages: &[Stage::Detect, Stage::Release],
    means: "The job, or `windlass.toml`, names secrets of more than 1 MiB together. All output of a job is searched for its secrets, in every usual spelling, and the memory for that grows with them. `windlass status` and `windlass logs` search for all secrets of the project. What serves is as it was.",
    noticed: "Secrets are opened before the build. A value that several names share counts once.",
    causes: &[
        Origin {
            cause: "Files that are no secrets were put as secrets",
            evidence: "The list has certificates of authorities, configuration or data.",
            fix: "Commit them, or bring them with the image, and name the secrets alone.",
            lines: Lines::Shell(&["windlass secret list shop"]),
        },
        Origin {
            cause: "The app names secrets that it does not need",
            evidence: "`[secrets]` or `[build] secrets` has more names than the app reads.",
            fix: "Remove the others, and delete what no app of the project needs.",
            lines: Lines::App(&["[secrets]", "API_TOKEN = \"api-token\""]),
        },
    ],
    related: &["secret-missing", "spec-invalid"],
};
