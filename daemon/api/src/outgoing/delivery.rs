//! Messages of forge hooks, and of what forges reported.

use super::{app::app, time::timestamp};
use windlass_engine::ports::store::HookRecord;
use windlass_model::delivery::{Change, Delivery, Verdict, VerdictOutcome};
use windlass_proto::v1;
use windlass_service::CreatedHook;

/// Returns the message for a hook. `base` is the address under which forges reach `listen.hooks`. `None` means that
/// the operator has not named it: the hook has a path alone.
pub(crate) fn hook(record: HookRecord, base: Option<&str>) -> v1::Hook {
    let path = format!("/hooks/{}", record.id);
    let url = base.map(|base| format!("{}{path}", base.trim_end_matches('/')));
    v1::Hook {
        id: record.id,
        project: record.project,
        repository: record.repository,
        path,
        url: url.unwrap_or_default(),
        created: Some(timestamp(record.created_ms)),
        by: record.by,
        seen: record.seen_ms.map(timestamp),
        previous_until: record.previous_until_ms.map(timestamp),
    }
}

/// Returns the message for a hook with its new secret.
pub(crate) fn created_hook(created: CreatedHook, base: Option<&str>) -> v1::CreatedHook {
    let CreatedHook { record, secret, steps } = created;
    v1::CreatedHook { hook: Some(hook(record, base)), secret, steps }
}

/// Returns the message for a delivery. Its body is not stored, and has no field.
pub(crate) fn delivery(delivery: Delivery) -> v1::Delivery {
    let report = delivery.report;
    v1::Delivery {
        id: delivery.id,
        hook: delivery.hook,
        project: delivery.project,
        repository: delivery.repository,
        event: report.event,
        forge_id: report.forge_id,
        sender: report.sender,
        subjects: subjects(report.change),
        at: Some(timestamp(delivery.at_ms)),
        verdicts: delivery.verdicts.into_iter().map(verdict).collect(),
    }
}

fn subjects(change: Change) -> Vec<String> {
    match change {
        Change::Refs(moves) => moves.into_iter().map(|moved| moved.name).collect(),
        Change::Pull(moved) => vec![format!("pull/{}", moved.number)],
        Change::Ping | Change::Ignored(_) => Vec::new(),
    }
}

/// Returns the message for a verdict.
pub(crate) fn verdict(verdict: Verdict) -> v1::DeliveryVerdict {
    let message = v1::DeliveryVerdict {
        subject: verdict.subject,
        trigger: verdict.trigger,
        outcome: verdict.outcome.word().into(),
        sentence: verdict.sentence,
        ..v1::DeliveryVerdict::default()
    };
    match verdict.outcome {
        VerdictOutcome::Job { id, app: of, commit } => {
            v1::DeliveryVerdict { job: id, app: Some(app(&of)), commit, ..message }
        }
        VerdictOutcome::Already { job } => v1::DeliveryVerdict { job, ..message },
        VerdictOutcome::Nothing => message,
        VerdictOutcome::Failed { code, fix } => v1::DeliveryVerdict { code, fix, ..message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{
        app::App,
        delivery::{PullAction, PullMove, RefMove, Report},
    };

    fn record() -> HookRecord {
        HookRecord {
            id: "abcdefghijklmnopqrstuvwxyz".into(),
            project: "shop".into(),
            repository: "web".into(),
            created_ms: 2_000,
            by: "ada".into(),
            previous_until_ms: None,
            seen_ms: Some(3_000),
            repository_id: Some("17".into()),
        }
    }

    #[test]
    fn a_hook_has_an_address_only_where_the_operator_has_named_one() {
        let path = "/hooks/abcdefghijklmnopqrstuvwxyz";
        for (base, url) in [
            (None, String::new()),
            (Some("https://hooks.example.com"), format!("https://hooks.example.com{path}")),
            (Some("https://a.example/wl/"), format!("https://a.example/wl{path}")),
        ] {
            let hook = hook(record(), base);
            assert_eq!((&*hook.path, hook.url), (path, url));
            assert_eq!(hook.seen.map(|at| at.seconds), Some(3));
            assert_eq!(hook.previous_until, None);
        }
        let steps = vec!["one".to_owned()];
        let created = CreatedHook { record: record(), secret: "s".into(), steps };
        let created = created_hook(created, None);
        assert_eq!((&*created.secret, created.steps.len()), ("s", 1));
        assert_eq!(created.hook.map(|hook| hook.repository), Some("web".into()));
    }

    #[test]
    fn a_delivery_names_its_refs_and_its_pull_request() {
        let moved = |name: &str| RefMove {
            name: name.into(),
            before: None,
            after: None,
            summary: String::new(),
            skips_checks: false,
        };
        let pull = PullMove {
            number: 7,
            action: PullAction::Opened,
            head: "a".repeat(40),
            into: "main".into(),
            draft: false,
            fork: false,
            title: "Mend it".into(),
        };
        let refs = vec![moved("refs/heads/main"), moved("refs/tags/v1")];
        for (change, expected) in [
            (Change::Refs(refs), vec!["refs/heads/main", "refs/tags/v1"]),
            (Change::Pull(pull), vec!["pull/7"]),
            (Change::Ping, vec![]),
            (Change::Ignored("a star".into()), vec![]),
        ] {
            let report = Report {
                event: "push".into(),
                forge_id: "1".into(),
                repository_id: "17".into(),
                repository_name: "acme/shop".into(),
                sender: "ada".into(),
                change,
            };
            let stored = Delivery {
                id: "0197".into(),
                hook: "h".into(),
                project: "shop".into(),
                repository: "web".into(),
                report,
                body_sha256: String::new(),
                at_ms: 1_000,
                verdicts: vec![],
            };
            let shown = delivery(stored);
            assert_eq!(shown.subjects, expected);
            assert_eq!((&*shown.event, &*shown.sender), ("push", "ada"));
        }
    }

    #[test]
    fn each_outcome_has_its_word_and_its_own_fields() {
        let app = App::new("shop", "web", "").unwrap();
        let job = VerdictOutcome::Job { id: "j1".into(), app, commit: "c1".into() };
        let failed = VerdictOutcome::Failed { code: "no-access".into(), fix: "put it".into() };
        for (outcome, expected) in [
            (job, ["job", "j1", "c1", "", ""]),
            (VerdictOutcome::Already { job: "j0".into() }, ["already", "j0", "", "", ""]),
            (VerdictOutcome::Nothing, ["nothing", "", "", "", ""]),
            (failed, ["failed", "", "", "no-access", "put it"]),
        ] {
            let has_app = expected[0] == "job";
            let (subject, trigger, sentence) = ("refs/heads/main", "production", "because");
            let shown = verdict(Verdict {
                subject: subject.into(),
                trigger: trigger.into(),
                outcome,
                sentence: sentence.into(),
            });
            let fields = [&shown.outcome, &shown.job, &shown.commit, &shown.code, &shown.fix];
            assert_eq!(fields, expected);
            assert_eq!(shown.app.is_some(), has_app);
            assert_eq!(
                [&shown.subject, &shown.trigger, &shown.sentence],
                [subject, trigger, sentence]
            );
        }
    }
}
