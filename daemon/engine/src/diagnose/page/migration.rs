//! Page: a migration of the app's data fails.

use super::{Lines, Origin, Page};
use windlass_model::job::Stage;

pub(crate) const MIGRATION_FAILED: &Page = &Page {
    code: "migration-failed",
    title: "A migration of the app's data failed",
    stages: &[Stage::Release],
    means: "A command of `[migrate]` did not succeed, so that no request comes to the new version: the version before serves as it did. `why` says what is known of the data: nothing is migrated before the backup succeeds, and what `expand` did is never undone by itself. Where the command surely did not begin, `why` says that it did not run. A backup is restored by you alone.",
    noticed: "The command ran as a Job of the new image and exited with another code than 0, did not end within `migrate.timeout-seconds`, lost its node, or could not run: its pod is judged as pods of the app are.",
    causes: &[
        Origin {
            cause: "A statement failed",
            evidence: "The lines below `why`, the end of what the command printed, have an error of the database.",
            fix: "Mend the migration, then push. Where it is not one transaction, see in the database what was done before.",
            lines: Lines::Shell(&["windlass show JOB --events"]),
        },
        Origin {
            cause: "A statement waited too long for a lock",
            evidence: "The lines name `lock timeout`, or `55P03`: the version that serves, or a report, holds the table.",
            fix: "Submit again at a quieter time, or let the command be tried again by itself.",
            lines: Lines::App(&[
                "[migrate]",
                "expand = [\"./manage\", \"migrate\"]",
                "retry-lock-timeouts = true",
            ]),
        },
        Origin {
            cause: "A statement takes long",
            evidence: "The lines name `statement timeout`, or `what` says that the time was up.",
            fix: "Change the data in smaller parts, or give it more time.",
            lines: Lines::App(&[
                "[migrate]",
                "expand = [\"./manage\", \"migrate\"]",
                "statement-timeout-seconds = 3600",
                "timeout-seconds = 7200",
            ]),
        },
        Origin {
            cause: "The backup failed",
            evidence: "`subject` ends with `backup`. Nothing was migrated.",
            fix: "See whether the image has the program, and the Job the room and the rights: it has the app's environment and secrets, and none of its volumes.",
            lines: Lines::None,
        },
        Origin {
            cause: "The Job could not run",
            evidence: "`why` has the words of a problem of Kubernetes, and a reference such as `WL-K8S-028` stands beside the code.",
            fix: "Follow `fix 1`, and the page of that reference.",
            lines: Lines::Shell(&["windlass explain WL-K8S-028"]),
        },
        Origin {
            cause: "The node of its pod was emptied or lost",
            evidence: "`what` says that its pod was taken from its node. `expand` and `contract` are not run again by themselves then: they may be half done.",
            fix: "See in the database what was done, then submit again. Drain nodes while no migration runs.",
            lines: Lines::Shell(&["kubectl --namespace shop--production get jobs"]),
        },
        Origin {
            cause: "Another app had the lock all the while",
            evidence: "`what` names a Job that has the lock of `migrate.lock`.",
            fix: "See whether that Job hangs, then submit again.",
            lines: Lines::Shell(&["kubectl --namespace shop--production get jobs"]),
        },
    ],
    related: &["hook-failed", "job-failed", "no-room-on-nodes"],
};

pub(crate) const DATA_CONTRACTED: &Page = &Page {
    code: "data-contracted",
    title: "The data does not hold any more what a rollback's release works with",
    stages: &[Stage::Release],
    means: "`contract` of a later release ran: it took out of the data what only releases before it work with. A rollback to one of these would serve errors, so it is refused, and what serves is not touched.",
    noticed: "The journal has the release whose `contract` ran last in each cluster. Releases of the same image as that one, and later ones, come back as always.",
    causes: &[
        Origin {
            cause: "Somebody approved a contraction since that release served",
            evidence: "The list of jobs has a contraction that succeeded, with the name of whoever approved it.",
            fix: "Roll back to a later release, or deploy a commit that works with the data as it is.",
            lines: Lines::Shell(&[
                "windlass releases shop/web",
                "windlass rollback shop/web --to RELEASE",
            ]),
        },
        Origin {
            cause: "The data was restored from a backup since",
            evidence: "You restored it by yourself: Windlass never does.",
            fix: "Deploy the commit of the earlier release again. Its `expand` ran for the data of before, and runs again where its image or environment is another one.",
            lines: Lines::Shell(&[
                "windlass submit shop/web --repository https://git.example/shop/web.git --revision COMMIT",
            ]),
        },
    ],
    related: &["migration-failed", "way-back-failed"],
};
