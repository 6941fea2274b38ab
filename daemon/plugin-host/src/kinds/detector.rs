//! Detectors: what is in the tree, and how to build it.

use super::{
    Guest, OutputError,
    invoke::{Call, DetectRequest, Return},
};
use crate::{
    bindings::detector_next::exports::windlass::plugin::detector, host::State, listing::relative,
    text::sanitize, tree::TreeHandle,
};
use windlass_model::{
    app,
    job::Stage,
    recipe::{
        Advice, Assets, BuildSecret, BuildStage, BuildStep, Candidate, Choice, FoundProcess,
        ImagePlan, ProcessKind, Recipe, Refusal, StaticSite,
    },
    spec::is_variable,
};

/// Most stages of a plan, and most of its assets.
const MOST_STAGES: usize = 16;
const MOST_ASSET_STAGES: usize = 8;
/// Most of each list of an answer.
const MOST_PROCESSES: usize = 50;
const MOST_CANDIDATES: usize = 200;
const MOST_DECISIONS: usize = 50;
const MOST_WARNINGS: usize = 20;
const MOST_SECRETS: usize = 20;
/// Most characters of a process's name: as many as a spec allows.
const LONGEST_NAME: usize = 11;
/// Most bytes of one argument of a process.
const LONGEST_ARGUMENT: usize = 4096;

/// Call of `detect`.
pub(crate) struct Detect {
    /// Tree of the whole repository.
    pub(crate) repo: TreeHandle,
    /// Tree of the app's folder.
    pub(crate) app_tree: TreeHandle,
    pub(crate) request: DetectRequest,
}

/// A detector's answer, checked.
pub(crate) enum Found {
    NotMine,
    Recipe(Box<Recipe>),
    Refusal(Box<Refusal>),
}

impl Guest for Detect {
    const CALL: &'static str = "detect";
    const STAGE: Stage = Stage::Detect;
    type Output = detector::Answer;

    fn into_call(self, state: &mut State) -> wasmtime::Result<Call> {
        let Self { repo, app_tree, request } = self;
        Ok(Call::Detect { repo: state.lend(repo)?, app_tree: state.lend(app_tree)?, request })
    }

    fn output(_: &mut State, returned: Return) -> Result<Self::Output, OutputError> {
        match returned {
            Return::Answer(answer) => Ok(*answer),
            _ => Err(OutputError::UnexpectedReply),
        }
    }
}

/// Checks an answer about the app in a folder of the repository. The error names what no answer can hold.
pub(crate) fn answer(plugin: &str, app: &str, answer: detector::Answer) -> Result<Found, String> {
    match answer {
        detector::Answer::NotMine => Ok(Found::NotMine),
        detector::Answer::Plan(found) => {
            recipe(plugin, app, found).map(|recipe| Found::Recipe(Box::new(recipe)))
        }
        detector::Answer::Refused(refused) => {
            refusal(plugin, refused).map(|refusal| Found::Refusal(Box::new(refusal)))
        }
    }
}

fn recipe(plugin: &str, app: &str, found: detector::Detection) -> Result<Recipe, String> {
    let context = found.context;
    if app != context && relative(app, &context).is_none() {
        return Err(format!(
            "its context `{}` is neither the app's folder `{}` nor one above it",
            sanitize(&context),
            sanitize(app)
        ));
    }
    within("stages", found.image.stages.len(), MOST_STAGES)?;
    let bad = found.build_secrets.iter().find(|secret| !is_variable(&secret.variable));
    if let Some(secret) = bad {
        let name = sanitize(&secret.variable);
        return Err(format!("its build secret `{name}` is no name of a variable"));
    }
    let mut warnings: Vec<_> = found.warnings.into_iter().map(advice).collect();
    let mut notes = Vec::new();
    cut("warnings", &mut warnings, MOST_WARNINGS, &mut notes);
    let mut decisions: Vec<_> = found.decisions.into_iter().map(choice).collect();
    cut("decisions", &mut decisions, MOST_DECISIONS, &mut notes);
    let mut build_secrets: Vec<_> = found.build_secrets.into_iter().map(secret).collect();
    cut("build secrets", &mut build_secrets, MOST_SECRETS, &mut notes);
    let mut candidates: Vec<_> = found.candidates.into_iter().map(candidate).collect();
    cut("folders of apps", &mut candidates, MOST_CANDIDATES, &mut notes);
    let mut processes = processes(found.processes, &mut notes);
    cut("processes", &mut processes, MOST_PROCESSES, &mut notes);
    warnings.extend(notes);
    let mut evidence: Vec<_> = found.evidence.iter().map(|line| sanitize(line)).collect();
    for Choice { subject, value, source } in &decisions {
        // `.nvmrc:1` is not `.nvmrc:12`, and many things are by `default`.
        let is_there = |line: &String| {
            let rest = line.strip_prefix(&**source);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        };
        let names_a_file = source.contains(':');
        if !names_a_file || !evidence.iter().any(is_there) {
            evidence.push(format!("{source}: {subject} {value}"));
        }
    }
    Ok(Recipe {
        detector: plugin.into(),
        language: sanitize(&found.language),
        score: found.score.min(100),
        context,
        toolchains: found.toolchains.iter().map(toolchain).collect(),
        evidence,
        decisions,
        warnings,
        image: image(found.image),
        serves: found.serves.map(site),
        processes,
        candidates,
        build_secrets,
        assets: found.assets.map(assets).transpose()?,
    })
}

fn refusal(plugin: &str, refused: detector::Refusal) -> Result<Refusal, String> {
    let mut candidates: Vec<_> = refused.candidates.into_iter().map(candidate).collect();
    let mut notes = Vec::new();
    cut("folders of apps", &mut candidates, MOST_CANDIDATES, &mut notes);
    let evidence = refused.evidence.iter().map(|line| sanitize(line));
    let language = sanitize(&refused.language);
    Ok(Refusal {
        detector: plugin.into(),
        // A component of 0.1.0 has the name of its language.
        language: if language.is_empty() { plugin.into() } else { language },
        score: refused.score.min(100),
        reason: sanitize(&refused.reason),
        hint: sanitize(&refused.hint),
        evidence: evidence.chain(notes.into_iter().map(|advice| advice.message)).collect(),
        candidates,
        assets: refused.assets.map(assets).transpose()?,
    })
}

/// Refuses a list that is too long to be shortened.
fn within(what: &str, count: usize, most: usize) -> Result<(), String> {
    if count <= most {
        return Ok(());
    }
    Err(format!("its answer has {count} {what}; {most} are allowed"))
}

/// Shortens a list, and tells so.
fn cut<T>(what: &str, list: &mut Vec<T>, most: usize, notes: &mut Vec<Advice>) {
    if list.len() > most {
        notes.push(Advice {
            message: format!("{} {what} were found; the first {most} are kept", list.len()),
            fix: "none is needed, unless one of the others is wanted".into(),
        });
        list.truncate(most);
    }
}

fn advice(warning: detector::Warning) -> Advice {
    Advice { message: sanitize(&warning.message), fix: sanitize(&warning.fix) }
}

fn choice(decision: detector::Decision) -> Choice {
    Choice {
        subject: sanitize(&decision.subject),
        value: sanitize(&decision.value),
        source: sanitize(&decision.source),
    }
}

fn secret(secret: detector::BuildSecret) -> BuildSecret {
    let source = sanitize(&secret.source);
    BuildSecret { variable: secret.variable, source, required: secret.required }
}

fn candidate(candidate: detector::Candidate) -> Candidate {
    Candidate {
        folder: sanitize(&candidate.folder),
        language: sanitize(&candidate.language),
        name: sanitize(&candidate.name),
    }
}

fn toolchain(tool: &detector::Toolchain) -> String {
    match &tool.version {
        Some(version) => sanitize(&format!("{} {version}", tool.name)),
        None => sanitize(&tool.name),
    }
}

fn site(site: detector::StaticSite) -> StaticSite {
    let detector::StaticSite { stage, folder, fallback, not_found, immutable } = site;
    StaticSite { stage, folder, fallback, not_found, immutable }
}

fn assets(assets: detector::Assets) -> Result<Assets, String> {
    within("stages of assets", assets.stages.len(), MOST_ASSET_STAGES)?;
    Ok(Assets {
        stages: assets.stages.into_iter().map(stage).collect(),
        output: assets.output,
        source: sanitize(&assets.source),
    })
}

fn image(image: detector::ImagePlan) -> ImagePlan {
    ImagePlan {
        stages: image.stages.into_iter().map(stage).collect(),
        test_in: image.test_in,
        start: image.start,
        port: image.port.filter(|port| *port != 0),
        health: image.health,
        env: image.env,
        user: image.user,
    }
}

fn stage(stage: detector::Stage) -> BuildStage {
    BuildStage {
        name: stage.name,
        base: stage.base,
        workdir: stage.workdir,
        env: stage.env,
        packages: stage.packages,
        steps: stage.steps.into_iter().map(step).collect(),
        why: stage.why,
    }
}

fn step(step: detector::Step) -> BuildStep {
    match step {
        detector::Step::Copy(copy) => {
            let detector::CopyFiles { from, sources, dest, owned, why } = copy;
            BuildStep::Copy { from, sources, dest, owned, why }
        }
        detector::Step::Run(run) => {
            let detector::RunCommand { command: argv, caches, secrets, why } = run;
            BuildStep::Run { argv, caches, secrets, why }
        }
        detector::Step::Assets => BuildStep::Assets,
    }
}

/// Returns the processes that a spec can have. Each of the others becomes a warning.
fn processes(found: Vec<detector::Process>, notes: &mut Vec<Advice>) -> Vec<FoundProcess> {
    let mut kept: Vec<FoundProcess> = Vec::new();
    for process in found {
        let source = sanitize(&process.source);
        let name = process.name.to_ascii_lowercase().replace(['_', '.'], "-");
        let fault = if name.chars().count() > LONGEST_NAME {
            Some(format!("has a name of more than {LONGEST_NAME} characters"))
        } else if app::label("", &name, LONGEST_NAME).is_err() {
            Some("has a name that no process can have".into())
        } else if kept.iter().any(|other| other.name == name) {
            Some(format!("has the same name as another, `{name}`"))
        } else if !is_command(&process.command) {
            Some("has no command that can be run".into())
        } else {
            None
        };
        if let Some(fault) = fault {
            notes.push(Advice {
                message: format!(
                    "{source}: process `{}` {fault} and is not started",
                    sanitize(&process.name)
                ),
                fix: "to start it, add `[processes.NAME]` with `command = [...]` to windlass.toml"
                    .into(),
            });
            continue;
        }
        let kind = match process.kind {
            detector::ProcessKind::Web => ProcessKind::Web,
            detector::ProcessKind::Worker => ProcessKind::Worker,
            detector::ProcessKind::Release => ProcessKind::Release,
            detector::ProcessKind::Schedule => ProcessKind::Schedule,
        };
        let schedule = process.schedule.as_deref().map(sanitize);
        kept.push(FoundProcess { name, command: process.command, kind, schedule, source });
    }
    kept
}

/// Returns whether a command can stand in a container's spec.
fn is_command(command: &[String]) -> bool {
    let fits = |arg: &String| arg.len() <= LONGEST_ARGUMENT && !arg.chars().any(char::is_control);
    command.first().is_some_and(|first| !first.is_empty()) && command.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(context: &str) -> detector::Detection {
        detector::Detection {
            language: "node".into(),
            score: 80,
            context: context.into(),
            toolchains: vec![],
            evidence: vec!["package.json:3: scripts.start".into()],
            decisions: vec![],
            warnings: vec![],
            image: detector::ImagePlan {
                stages: vec![],
                test_in: None,
                start: vec![],
                port: Some(0),
                health: None,
                env: vec![],
                user: 10001,
            },
            serves: None,
            processes: vec![],
            candidates: vec![],
            build_secrets: vec![],
            assets: None,
            attrs: vec![],
        }
    }

    fn planned(app: &str, found: detector::Detection) -> Result<Recipe, String> {
        match answer("node", app, detector::Answer::Plan(found))? {
            Found::Recipe(recipe) => Ok(*recipe),
            Found::NotMine | Found::Refusal(_) => panic!("a plan"),
        }
    }

    fn process(name: &str) -> detector::Process {
        detector::Process {
            name: name.into(),
            command: vec!["bin/run".into()],
            kind: detector::ProcessKind::Worker,
            schedule: None,
            source: "Procfile:3".into(),
        }
    }

    #[test]
    fn a_context_is_the_apps_folder_or_one_above_it() {
        for good in ["apps/web", "apps", ""] {
            assert_eq!(planned("apps/web", detection(good)).unwrap().context, good);
        }
        for bad in ["ap", "apps/web/src", "apps/", "..", "/", "other"] {
            let error = planned("apps/web", detection(bad)).unwrap_err();
            assert!(error.contains(&format!("`{bad}`")), "{error}");
        }
        planned("", detection("apps")).unwrap_err();
    }

    #[test]
    fn each_decision_is_evidence_once() {
        let decision = |subject: &str, value: &str, source: &str| detector::Decision {
            subject: subject.into(),
            value: value.into(),
            source: source.into(),
        };
        let decisions = vec![
            decision("node", "22", ".nvmrc:1"),
            decision("start", "node a.js", "package.json:3: scripts.start"),
            decision("pnpm", "9", "default"),
            decision("go", "1.26", "default"),
            decision("bun", "1", "package.json"),
        ];
        let recipe = planned("", detector::Detection { decisions, ..detection("") }).unwrap();
        assert_eq!(
            recipe.evidence,
            [
                "package.json:3: scripts.start",
                ".nvmrc:1: node 22",
                "default: pnpm 9",
                "default: go 1.26",
                "package.json: bun 1",
            ]
        );
        assert_eq!(recipe.image.port, None, "no app listens at 0");
    }

    #[test]
    fn a_process_that_no_spec_can_have_is_a_warning() {
        let processes = ["Worker_1", "sidekiq-default", "worker-1", "1st"].map(process).into();
        let recipe = planned("", detector::Detection { processes, ..detection("") }).unwrap();
        let names: Vec<_> = recipe.processes.iter().map(|process| &*process.name).collect();
        assert_eq!(names, ["worker-1"]);
        let warned: Vec<_> = recipe.warnings.iter().map(|warning| &*warning.message).collect();
        assert_eq!(
            warned[0],
            "Procfile:3: process `sidekiq-default` has a name of more than 11 characters and is not started"
        );
        assert!(warned[1].contains("the same name") && warned[2].contains("`1st`"), "{warned:?}");
    }

    #[test]
    fn what_is_too_much_is_told() {
        let stage = detector::Stage {
            name: "a".into(),
            base: "b".into(),
            workdir: None,
            env: vec![],
            packages: vec![],
            steps: vec![],
            why: None,
        };
        let mut many = detection("");
        many.image.stages = vec![stage; 17];
        assert!(planned("", many).unwrap_err().contains("17 stages; 16 are allowed"));
        let candidate =
            detector::Candidate { folder: "a".into(), language: "go".into(), name: String::new() };
        let candidates = vec![candidate; 201];
        let recipe = planned("", detector::Detection { candidates, ..detection("") }).unwrap();
        assert_eq!(recipe.candidates.len(), 200);
        assert!(recipe.warnings[0].message.starts_with("201 folders of apps"));
    }

    #[test]
    fn a_refusal_without_a_language_is_of_the_plugins_own() {
        let refused = detector::Refusal {
            language: String::new(),
            score: 120,
            reason: "no\nstart".into(),
            hint: "add one".into(),
            evidence: vec![],
            candidates: vec![],
            assets: None,
            attrs: vec![],
        };
        let Ok(Found::Refusal(refusal)) = answer("go", "", detector::Answer::Refused(refused))
        else {
            panic!("a refusal")
        };
        assert_eq!((&*refusal.language, refusal.score), ("go", 100));
        assert_eq!(refusal.reason, "no\\nstart");
    }
}
