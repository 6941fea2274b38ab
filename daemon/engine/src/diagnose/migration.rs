//! Diagnosis of a migration that failed: what is known of the data.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::{clock::utc, diagnosis::Diagnosis, runtime::MigrationPhase};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let Cause::Migration { release, phase, output, backup_ms, never_ran, judged, .. } =
        &failure.cause
    else {
        return None;
    };
    let data = match (phase, backup_ms) {
        (MigrationPhase::Plan | MigrationPhase::Backup, _) => "nothing was migrated".to_owned(),
        _ if *never_ran => format!("nothing was migrated: `{phase}` did not run"),
        (MigrationPhase::Expand, Some(at_ms)) => format!(
            "`expand` may be half done, and is not undone by itself; the backup of the data is of {}",
            utc(*at_ms)
        ),
        (MigrationPhase::Expand, None) => {
            "`expand` may be half done, and is not undone by itself; there is no backup".to_owned()
        }
    };
    let mut fixes = judged.as_ref().map_or_else(Vec::new, |judged| judged.fixes.clone());
    fixes.push(match phase {
        _ if *never_ran => "see whether that Job hangs; then submit again".to_owned(),
        MigrationPhase::Plan => "mend what it says; then submit again".to_owned(),
        MigrationPhase::Backup => {
            "let the backup succeed; then submit again: nothing is migrated without it".to_owned()
        }
        MigrationPhase::Expand => {
            "see in the database what was done, mend it or the command, then submit again: the command runs again"
                .to_owned()
        }
    });
    let diagnosis = Diagnosis {
        code: Code::MigrationFailed.into(),
        subject: format!("migration of {}, {phase}", release.app),
        what: failure.cause.to_string(),
        why: format!("no request comes to the new version; {data}"),
        fixes,
        evidence: output.clone(),
        ..Diagnosis::default()
    };
    Some(match judged {
        None => diagnosis,
        // Its Job could not run: the verdict is that on a pod of the app.
        Some(judged) => Diagnosis {
            reference: judged.reference.clone(),
            why: format!("{}; {}", judged.why, diagnosis.why),
            command: judged.command.clone(),
            evidence: judged.evidence.clone(),
            ..diagnosis
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{job::Stage, samples};

    fn diagnosis(phase: MigrationPhase, backup_ms: Option<u64>) -> Diagnosis {
        let cause = Cause::Migration {
            release: Box::new(samples::release()),
            phase,
            message: "exited with 1".into(),
            output: vec!["relation \"orders\" does not exist".into()],
            backup_ms,
            never_ran: false,
            judged: None,
        };
        known(&Failure { at: Stage::Release, cause }).unwrap()
    }

    #[test]
    fn what_is_known_of_the_data_is_said() {
        let half = diagnosis(MigrationPhase::Expand, Some(1_764_093_182_000));
        assert_eq!(half.code, "migration-failed");
        assert!(half.what.contains("expand exited with 1"), "{}", half.what);
        for part in ["may be half done", "not undone by itself", "2025-11-25 17:53:02 UTC"] {
            assert!(half.why.contains(part), "{part}: {}", half.why);
        }
        assert_eq!(half.evidence, ["relation \"orders\" does not exist"]);
        let without = diagnosis(MigrationPhase::Expand, None);
        assert!(without.why.contains("there is no backup"), "{}", without.why);
        let backup = diagnosis(MigrationPhase::Backup, None);
        assert!(backup.why.contains("nothing was migrated"), "{}", backup.why);
    }

    /// Nobody has to look for half of a change that was never begun.
    #[test]
    fn a_command_whose_turn_never_came_has_changed_nothing() {
        let cause = Cause::Migration {
            release: Box::new(samples::release()),
            phase: MigrationPhase::Expand,
            message: "denied: Job api-migrate-expand-13 has had the lock `shop-db` for 60 min"
                .into(),
            output: Vec::new(),
            backup_ms: None,
            never_ran: true,
            judged: None,
        };
        let found = known(&Failure { at: Stage::Release, cause }).unwrap();
        assert!(found.why.contains("nothing was migrated: `expand` did not run"), "{}", found.why);
        assert_eq!(found.fixes, ["see whether that Job hangs; then submit again"]);
    }

    #[test]
    fn a_job_that_cannot_run_has_the_words_of_its_pod() {
        let judged = Diagnosis {
            reference: "WL-K8S-014".into(),
            why: "there is no `./manage`".into(),
            fixes: vec!["name a program of the image".into()],
            ..Diagnosis::default()
        };
        let cause = Cause::Migration {
            release: Box::new(samples::release()),
            phase: MigrationPhase::Plan,
            message: "the command is not in the image".into(),
            output: Vec::new(),
            backup_ms: None,
            never_ran: false,
            judged: Some(Box::new(judged)),
        };
        let found = known(&Failure { at: Stage::Release, cause }).unwrap();
        assert_eq!((&*found.code, &*found.reference), ("migration-failed", "WL-K8S-014"));
        assert!(found.why.contains("there is no `./manage`; no request"), "{}", found.why);
        assert_eq!(found.fixes.first().map(String::as_str), Some("name a program of the image"));
    }
}
