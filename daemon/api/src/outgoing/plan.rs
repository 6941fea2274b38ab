//! Messages of a plan: what a job would build and change, and the answers of all detectors.

use windlass_engine::{
    pipeline::{Decision, DetectorAnswer, DryRun},
    ports::{ChangeVerb, ObjectChange},
};
use windlass_model::recipe::{Advice, Candidate, Choice, FoundProcess};
use windlass_proto::v1;

/// Returns the message for a dry run.
pub(crate) fn plan(planned: DryRun) -> v1::PlanResponse {
    let Decision { recipe, answers, deciders, spec, .. } = planned.decision;
    let recipe = recipe.unwrap_or_default();
    v1::PlanResponse {
        language: recipe.language,
        detector: recipe.detector,
        evidence: recipe.evidence,
        dockerfile: planned.dockerfile,
        spec_json: serde_json::to_string(&spec).unwrap_or_default(),
        manifests: planned.manifests,
        changes: planned.changes.into_iter().map(change).collect(),
        decided_by: deciders.into_iter().map(|(path, who)| (path, who.into())).collect(),
        answers: answers.into_iter().map(answer).collect(),
        decisions: recipe.decisions.into_iter().map(choice).collect(),
        candidates: recipe.candidates.into_iter().map(candidate).collect(),
        processes: recipe.processes.into_iter().map(process).collect(),
        warnings: recipe.warnings.into_iter().map(advice).collect(),
        strategies: planned.strategies,
        steps: planned.steps,
        rollback_steps: planned.rollback,
    }
}

fn answer(answer: DetectorAnswer) -> v1::DetectorAnswer {
    let (refusal, hint) = answer.refusal.unwrap_or_default();
    v1::DetectorAnswer {
        detector: answer.detector,
        language: answer.language,
        score: answer.score.into(),
        chosen: answer.chosen,
        evidence: answer.evidence,
        refusal,
        hint,
    }
}

fn choice(Choice { subject, value, source }: Choice) -> v1::Choice {
    v1::Choice { subject, value, source }
}

fn candidate(Candidate { folder, language, name }: Candidate) -> v1::Candidate {
    v1::Candidate { folder, language, name }
}

fn process(process: FoundProcess) -> v1::FoundProcess {
    v1::FoundProcess {
        name: process.name,
        command: process.command,
        kind: process.kind.to_string(),
        schedule: process.schedule.unwrap_or_default(),
        source: process.source,
    }
}

fn advice(Advice { message, fix }: Advice) -> v1::Advice {
    v1::Advice { message, fix }
}

/// Returns the message for a change of an object in a cluster.
pub(crate) fn change((cluster, change): (String, ObjectChange)) -> v1::ObjectChange {
    let verb = match change.verb {
        ChangeVerb::Create => v1::ChangeVerb::Create,
        ChangeVerb::Update => v1::ChangeVerb::Update,
        ChangeVerb::Keep => v1::ChangeVerb::Keep,
        ChangeVerb::Delete => v1::ChangeVerb::Delete,
    };
    let ObjectChange { object, lines, .. } = change;
    v1::ObjectChange { object, verb: verb.into(), lines, cluster }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use windlass_engine::ports::Dockerfile;
    use windlass_model::{
        recipe::{ProcessKind, Recipe},
        spec::Spec,
    };

    #[test]
    fn a_plan_has_all_answers_and_what_the_chosen_one_found() {
        let text = |text: &str| text.to_owned();
        let found = FoundProcess {
            name: text("worker"),
            command: vec![text("bin/work")],
            kind: ProcessKind::Worker,
            schedule: None,
            source: text("Procfile:2"),
        };
        let (folder, language, name) = (text("apps/web"), text("node"), text("web"));
        let recipe = Recipe {
            detector: text("go"),
            processes: vec![found],
            candidates: vec![Candidate { folder, language, name }],
            ..Recipe::default()
        };
        let refused = DetectorAnswer {
            detector: text("node"),
            score: 20,
            refusal: Some((text("no start"), text("add one"))),
            ..DetectorAnswer::default()
        };
        let chosen =
            DetectorAnswer { detector: text("go"), chosen: true, ..DetectorAnswer::default() };
        let decision = Decision {
            spec: Spec::default(),
            recipe: Some(recipe),
            languages: vec![],
            answers: vec![chosen, refused],
            dockerfile: Dockerfile::Text(String::new()),
            manifests: vec![],
            deciders: BTreeMap::from([(text("port"), "job")]),
            version: String::new(),
        };
        let (dockerfile, manifests, changes) = (text("FROM x"), vec![], vec![]);
        let steps = vec![text("apply web"), text("wait until web is healthy")];
        let rollback = vec![text("apply web of before")];
        let strategies = vec![text("web: rolling")];
        let dry_run =
            DryRun { decision, dockerfile, manifests, changes, strategies, steps, rollback };
        let plan = plan(dry_run);
        assert_eq!(plan.strategies, ["web: rolling"]);
        assert_eq!(plan.steps, ["apply web", "wait until web is healthy"]);
        assert_eq!(plan.rollback_steps, ["apply web of before"]);
        assert!(plan.answers[0].chosen && plan.answers[0].refusal.is_empty());
        let refused = &plan.answers[1];
        assert_eq!((refused.score, &*refused.refusal, &*refused.hint), (20, "no start", "add one"));
        assert_eq!(plan.processes[0].kind, "worker");
        assert_eq!(plan.candidates[0].folder, "apps/web");
        assert_eq!(plan.decided_by["port"], "job");
    }
}
