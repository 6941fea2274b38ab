//! Diagnosis of a migration that failed: what is known of the data.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::{
    clock::utc, contraction::Contraction, diagnosis::Diagnosis, job::Release,
    runtime::MigrationPhase,
};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    if let Cause::Contracted { release, contraction } = &failure.cause {
        return Some(contracted(failure, release, contraction));
    }
    let Cause::Migration {
        release,
        phase,
        contracts,
        message: _,
        output,
        backup_ms,
        never_ran,
        judged,
    } = &failure.cause
    else {
        return None;
    };
    let data = match (phase, backup_ms) {
        (MigrationPhase::Plan | MigrationPhase::Backup, _) => "nothing was migrated".to_owned(),
        _ if *never_ran => format!("nothing was migrated: `{phase}` did not run"),
        (MigrationPhase::Expand | MigrationPhase::Contract, Some(at_ms)) => format!(
            "`{phase}` may be half done, and is not undone by itself; the backup of the data is of {}",
            utc(*at_ms)
        ),
        (MigrationPhase::Expand | MigrationPhase::Contract, None) => {
            format!("`{phase}` may be half done, and is not undone by itself; there is no backup")
        }
    };
    let serves = if *contracts {
        format!("release {} serves as it did", release.id)
    } else {
        "no request comes to the new version".to_owned()
    };
    let again = if *contracts {
        format!("`windlass contract {}`", release.app)
    } else {
        "submit again".to_owned()
    };
    let mut fixes = judged.as_ref().map_or_else(Vec::new, |judged| judged.fixes.clone());
    fixes.push(match phase {
        _ if *never_ran && judged.is_some() => format!("once that is mended, {again}"),
        _ if *never_ran => {
            format!("see what the Job waited for, and whether that hangs; then {again}")
        }
        MigrationPhase::Plan => format!("mend what it says; then {again}"),
        MigrationPhase::Backup => {
            format!("let the backup succeed; then {again}: nothing is migrated without it")
        }
        MigrationPhase::Expand => {
            format!("see in the database what was done, mend it or the command, then {again}: the command runs again")
        }
        MigrationPhase::Contract => {
            format!("see in the database what was done before you roll back, and mend it; then {again}, or release a command that is mended")
        }
    });
    let diagnosis = Diagnosis {
        code: Code::MigrationFailed.into(),
        subject: format!("migration of {}, {phase}", release.app),
        what: failure.cause.to_string(),
        why: format!("{serves}; {data}"),
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

/// Diagnoses a rollback to a release that does not work with the data any more.
fn contracted(failure: &Failure, release: &Release, contraction: &Contraction) -> Diagnosis {
    Diagnosis {
        code: Code::DataContracted.into(),
        subject: format!("rollback of {} to {}", release.app, release.id),
        what: failure.cause.to_string(),
        why: format!(
            "`contract` of release {} ran at {}: it took out of the data what only earlier releases work with",
            contraction.release,
            utc(contraction.at_ms)
        ),
        fixes: vec![
            format!("roll back to release {} or a later one", contraction.release),
            "deploy a commit that works with the data as it is".to_owned(),
        ],
        command: Some(format!("windlass releases {}", release.app)),
        ..Diagnosis::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{job::Stage, samples};

    fn diagnosis(phase: MigrationPhase, backup_ms: Option<u64>) -> Diagnosis {
        let cause = Cause::Migration {
            release: Box::new(samples::release()),
            phase,
            contracts: phase == MigrationPhase::Contract,
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
        let late = diagnosis(MigrationPhase::Contract, None);
        assert!(late.why.contains("serves as it did; `contract` may be half done"), "{}", late.why);
        assert!(late.fixes[0].contains("windlass contract shop/web"), "{:?}", late.fixes);
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
            contracts: false,
            message: "denied: Job api-migrate-expand-13 has had the lock `shop-db` for 60 min"
                .into(),
            output: Vec::new(),
            backup_ms: None,
            never_ran: true,
            judged: None,
        };
        let found = known(&Failure { at: Stage::Release, cause }).unwrap();
        assert!(found.why.contains("nothing was migrated: `expand` did not run"), "{}", found.why);
        let fix = "see what the Job waited for, and whether that hangs; then submit again";
        assert_eq!(found.fixes, [fix]);
    }

    #[test]
    fn a_job_that_cannot_run_has_the_words_of_its_pod() {
        let judged = Diagnosis {
            reference: "WL-K8S-014".into(),
            why: "there is no `./manage`".into(),
            fixes: vec!["name a program of the image".into()],
            ..Diagnosis::default()
        };
        for phase in [MigrationPhase::Plan, MigrationPhase::Expand] {
            let cause = Cause::Migration {
                release: Box::new(samples::release()),
                phase,
                contracts: false,
                message: "the command is not in the image".into(),
                output: Vec::new(),
                backup_ms: None,
                never_ran: true,
                judged: Some(Box::new(judged.clone())),
            };
            let found = known(&Failure { at: Stage::Release, cause }).unwrap();
            assert_eq!((&*found.code, &*found.reference), ("migration-failed", "WL-K8S-014"));
            assert!(found.why.contains("there is no `./manage`; no request"), "{}", found.why);
            assert!(found.why.contains("nothing was migrated"), "{}", found.why);
            let fixes = ["name a program of the image", "once that is mended, submit again"];
            assert_eq!(found.fixes, fixes);
        }
    }
}
