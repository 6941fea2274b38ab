//! Tests of detectors that disagree, of those that refuse, and of what a plan takes from the others.

use crate::{
    dry_run::planned,
    failed, job, run,
    world::{Fault, World, hook, recipe, refusal},
};
use std::path::{Path, PathBuf};
use windlass_engine::ports::Detections;
use windlass_model::{
    error::PluginError,
    event::Event,
    hook::{HookPhase, Policy},
    job::{Job, Source},
    outcome::Outcome,
    recipe::{
        Advice, Assets, BuildSecret, BuildStage, BuildStep, Candidate, Choice, FoundProcess,
        ImagePlan, ProcessKind, Recipe, Refusal, StaticSite,
    },
    spec::{BuildSpec, Spec},
};

fn where_both_refuse() -> World {
    let world = World::new().running("old").with(Fault::DetectorRefuses("go"));
    world.with(Fault::DetectorRefuses("other"))
}

fn with_build(build: BuildSpec) -> Job {
    Job { spec: Spec { build, ..Spec::default() }, ..job() }
}

fn with_recipe(name: &str) -> Job {
    with_build(BuildSpec { recipe: Some(name.into()), ..BuildSpec::default() })
}

fn of(recipes: Vec<Recipe>, refusals: Vec<Refusal>) -> Detections {
    Detections { recipes, refusals, failures: vec![] }
}

fn trap(name: &str) -> PluginError {
    PluginError {
        plugin: name.into(),
        call: "detect".into(),
        message: "trapped: it gave up (a panic)".into(),
        hint: None,
    }
}

/// Returns message and fix of each warning whose message holds a text.
fn warnings(world: &World, text: &str) -> Vec<(String, String)> {
    let warning = |event: Event| match event {
        Event::Warning { message, fix, .. } => Some((message, fix)),
        _ => None,
    };
    let all = world.past().into_iter().filter_map(warning);
    all.filter(|(message, _)| message.contains(text)).collect()
}

/// Returns value and evidence of a decision that was recorded.
fn decided(world: &World, wanted: &str) -> (String, Vec<String>) {
    let found = world.past().into_iter().find_map(|event| match event {
        Event::Decided { subject, value, evidence, .. } if subject == wanted => {
            Some((value, evidence))
        }
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no decision about {wanted}"))
}

async fn dockerfile(world: &World, job: &Job) -> String {
    let outcome = run(world, job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    world.builder.last().0.unwrap()
}

/// A stray `package.json` is normal in a repository of another language: no warning.
#[tokio::test(start_paused = true)]
async fn a_plan_beats_any_refusal() {
    let low = Recipe { score: 20, ..recipe("go") };
    let high = Refusal { score: 90, ..refusal("other") };
    let world = World::new().running("old").detecting(of(vec![low], vec![high]));
    let text = dockerfile(&world, &job()).await;
    assert!(text.starts_with("# go app, found by `go`"), "{text}");
    assert!(warnings(&world, "").is_empty());
    let (_, evidence) = decided(&world, "language");
    let line = "`other` could plan no build: nothing to start for other";
    assert!(evidence.contains(&line.to_owned()), "{evidence:?}");
    let plan = planned(&world, &job()).await.unwrap();
    let answers: Vec<_> =
        plan.decision.answers.iter().map(|one| (&*one.detector, one.score, one.chosen)).collect();
    assert_eq!(answers, [("go", 20, true), ("other", 90, false)]);
    let why = plan.decision.answers[1].refusal.clone().unwrap();
    assert_eq!(why, ("nothing to start for other".into(), "add one for other".into()));
}

/// The first of the best wins, and those that lose are recorded.
#[tokio::test(start_paused = true)]
async fn the_best_score_wins_and_ties_go_by_the_operators_order() {
    let scored = |name: &str, score| Recipe { score, ..recipe(name) };
    let answers = of(vec![scored("go", 60), scored("other", 80), scored("third", 80)], vec![]);
    let world = World::new().detecting(answers);
    let text = dockerfile(&world, &job()).await;
    assert!(text.contains("found by `other`"), "{text}");
    let (_, evidence) = decided(&world, "language");
    assert!(evidence.iter().any(|line| line.contains("`third` plans a build too (score 80)")));
    let order: Vec<_> = planned(&world, &job()).await.unwrap().decision.answers;
    let order: Vec<_> = order.into_iter().map(|answer| answer.detector).collect();
    assert_eq!(order, ["other", "third", "go"]);
}

/// A base image may have moved meanwhile: it need not be the image that was tested.
#[tokio::test(start_paused = true)]
async fn what_is_built_again_for_a_second_push_is_tested_again() {
    let world = World::new().running("old").with(Fault::RegistryAway);
    assert!(matches!(run(&world, &job()).await, Outcome::Succeeded(_)));
    let is_tested =
        |event: &Event| matches!(event, Event::Log { line, .. } if line.contains("tested"));
    assert_eq!(world.past().iter().filter(|event| is_tested(event)).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_ordered_nearest_first_and_name_candidates() {
    let candidate = |folder: &str, name: &str| Candidate {
        folder: folder.into(),
        language: "node".into(),
        name: name.into(),
    };
    let near = Refusal {
        score: 80,
        candidates: vec![candidate("apps/web", "web"), candidate("apps/api", "")],
        ..refusal("other")
    };
    let far =
        Refusal { score: 20, candidates: vec![candidate("apps/web", "web")], ..refusal("go") };
    let world = World::new().running("old").detecting(of(vec![], vec![far, near]));
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!((&*diagnosis.code, &*diagnosis.subject), ("plugin-failed", "other, go"));
    assert_eq!(diagnosis.what, "nothing to start for other");
    assert_eq!(
        diagnosis.why,
        "other (other): nothing to start for other\ngo (go): nothing to start for go"
    );
    assert_eq!(
        diagnosis.fixes,
        [
            "add one for other",
            "--directory apps/web   # node, \"web\"",
            "--directory apps/api   # node, \"\"",
            "or commit a Dockerfile to go on without",
        ]
    );
    assert_eq!(world.serves().as_deref(), Some("old"));
}

#[tokio::test(start_paused = true)]
async fn a_named_recipe_asks_that_detector_alone_and_its_reason_is_the_error() {
    let world = World::new().with(Fault::DetectorRefuses("other"));
    assert!(matches!(run(&world, &with_recipe("go")).await, Outcome::Succeeded(_)));
    let named: Vec<_> = world.asked().into_iter().map(|request| request.named).collect();
    assert_eq!(named, [Some("go".to_owned())]);
    let world = World::new().with(Fault::DetectorRefuses("other"));
    let diagnosis = failed(run(&world, &with_recipe("other")).await);
    assert_eq!((&*diagnosis.code, &*diagnosis.subject), ("plugin-failed", "other"));
    assert_eq!(diagnosis.what, "nothing to start for other");
    assert_eq!(diagnosis.fixes[0], "add one for other");
    let diagnosis = failed(run(&World::new(), &with_recipe("odd")).await);
    assert_eq!(diagnosis.code, "recipe-not-found");
    assert!(diagnosis.what.contains("go, other"), "{diagnosis}");
    let not_its_own = World::new().detecting(of(vec![recipe("go")], vec![]));
    let diagnosis = failed(run(&not_its_own, &with_recipe("other")).await);
    assert_eq!(diagnosis.code, "recipe-not-found");
    let trapped = Detections { failures: vec![trap("other")], ..of(vec![recipe("go")], vec![]) };
    let diagnosis = failed(run(&World::new().detecting(trapped), &with_recipe("other")).await);
    assert_eq!(diagnosis.code, "plugin-failed");
    assert!(diagnosis.why.contains("trapped"), "{diagnosis}");
}

#[tokio::test(start_paused = true)]
async fn the_users_versions_reach_the_detectors() {
    let versions = [("node".to_owned(), "20".to_owned())].into();
    let world = World::new();
    run(&world, &with_build(BuildSpec { versions, ..BuildSpec::default() })).await;
    assert_eq!(world.asked()[0].versions["node"], "20");
}

#[tokio::test(start_paused = true)]
async fn a_trap_beside_a_plan_is_a_warning() {
    let answers = Detections { failures: vec![trap("other")], ..of(vec![recipe("go")], vec![]) };
    let world = World::new().detecting(answers);
    dockerfile(&world, &job()).await;
    let warned = warnings(&world, "gave no answer");
    let [(message, fix)] = &*warned else { panic!("{warned:?}") };
    assert!(message.contains("`other`") && message.contains("trapped"), "{message}");
    assert!(fix.contains("as `go` plans it"), "{fix}");
    let plan = planned(&world, &job()).await.unwrap().decision.recipe.unwrap();
    assert!(plan.warnings.iter().any(|one| one.message.contains("gave no answer")), "{plan:?}");
    let alone = Detections { failures: vec![trap("other")], ..Detections::default() };
    let diagnosis = failed(run(&World::new().detecting(alone), &job()).await);
    assert_eq!((&*diagnosis.code, &*diagnosis.subject), ("plugin-failed", "other"));
    let answers = Detections { failures: vec![trap("other")], ..of(vec![], vec![refusal("go")]) };
    let world = World::new().detecting(answers);
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!(diagnosis.subject, "go", "a reason is worth more than a trap");
    assert_eq!(warnings(&world, "gave no answer").len(), 1);
}

/// A refusal still shows the language: that language's test runner reads the tests.
#[tokio::test(start_paused = true)]
async fn with_a_dockerfile_refusals_end_nothing() {
    let world = where_both_refuse();
    let mut job = job();
    job.spec.build.dockerfile = Some("Dockerfile".into());
    job.spec.test.command = vec!["make".into(), "test".into()];
    assert!(matches!(run(&world, &job).await, Outcome::Succeeded(_)));
    assert!(warnings(&world, "").is_empty());
    assert!(world.past().iter().any(|event| matches!(event, Event::Tested(_))));
    let plan = planned(&world, &job).await.unwrap();
    assert_eq!(plan.decision.languages, ["go", "other"]);
    assert!(plan.decision.answers.iter().all(|answer| !answer.chosen));
}

#[tokio::test(start_paused = true)]
async fn decisions_and_warnings_of_the_plan_are_recorded_with_their_origin() {
    let plan = Recipe {
        decisions: vec![Choice {
            subject: "go".into(),
            value: "1.25".into(),
            source: "go.mod:3 go".into(),
        }],
        warnings: vec![Advice { message: "go 1.20 has ended".into(), fix: "take 1.27".into() }],
        ..recipe("go")
    };
    let world = World::new().detecting(of(vec![plan], vec![]));
    let text = dockerfile(&world, &job()).await;
    assert!(text.contains("\n# go 1.25: go.mod:3 go\n"), "{text}");
    assert_eq!(decided(&world, "go"), ("1.25".into(), vec!["go.mod:3 go".into()]));
    assert_eq!(warnings(&world, "has ended")[0].1, "take 1.27");
}

#[tokio::test(start_paused = true)]
async fn assets_of_the_loser_become_a_stage_of_the_winner() {
    let image = ImagePlan {
        stages: vec![BuildStage {
            name: "build".into(),
            base: "ruby:3.4-slim".into(),
            steps: vec![BuildStep::copy(None, &["."], "./"), BuildStep::Assets],
            ..BuildStage::default()
        }],
        start: vec!["puma".into()],
        user: 10001,
        ..ImagePlan::default()
    };
    let rails = Recipe { score: 90, image, ..recipe("ruby") };
    let assets = Assets {
        stages: vec![BuildStage {
            name: "build".into(),
            base: "node:22-slim".into(),
            steps: vec![BuildStep::run(&["npm", "run", "build"])],
            ..BuildStage::default()
        }],
        output: "/app".into(),
        source: "package.json:4 scripts.build".into(),
    };
    let node = Refusal { score: 20, assets: Some(assets), ..refusal("node") };
    let world = World::new().detecting(of(vec![rails.clone()], vec![node.clone()]));
    let expected = r#"# ruby app, found by `ruby`

FROM node:22-slim AS assets-build
WORKDIR /app
RUN ["npm", "run", "build"]

FROM ruby:3.4-slim AS build
WORKDIR /app
COPY . ./
# package.json:4 scripts.build
COPY --from=assets-build /app ./
USER 10001
CMD ["puma"]
"#;
    assert_eq!(dockerfile(&world, &job()).await, expected);
    let (_, evidence) = decided(&world, "language");
    assert!(evidence.iter().any(|line| line.ends_with("assets, built by `node`")), "{evidence:?}");
    // Who names the detector of the app still gets the files that the app serves.
    let rails = Recipe { detector: "go".into(), ..rails };
    let world = World::new().detecting(of(vec![rails], vec![node]));
    let text = dockerfile(&world, &with_recipe("go")).await;
    assert!(text.contains("COPY --from=assets-build /app ./"), "{text}");
    let named: Vec<_> = world.asked().into_iter().map(|request| request.named).collect();
    assert_eq!(named, [Some("go".to_owned()), None]);
}

/// Returns a recipe whose install wants `PASSWORD`.
fn wanting(required: bool) -> Recipe {
    let mut wanting = recipe("go");
    wanting.image.stages[0].steps = vec![BuildStep::Run {
        argv: vec!["npm".into(), "ci".into()],
        caches: vec![],
        secrets: vec!["PASSWORD".into()],
        why: None,
    }];
    let (variable, source) = ("PASSWORD".into(), ".npmrc:2".into());
    wanting.build_secrets = vec![BuildSecret { variable, source, required }];
    wanting
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_the_install_wants_is_mounted_or_told() {
    let world = || World::new().detecting(of(vec![wanting(true)], vec![]));
    let secrets = vec!["password".into()];
    let given = with_build(BuildSpec { secrets, ..BuildSpec::default() });
    let text = dockerfile(&world(), &given).await;
    let line = "\nRUN --mount=type=secret,id=password,env=PASSWORD [\"npm\", \"ci\"]\n";
    assert!(text.contains(line), "{text}");
    let diagnosis = failed(run(&world(), &job()).await);
    assert_eq!((&*diagnosis.code, &*diagnosis.subject), ("spec-invalid", "build.secrets"));
    assert!(diagnosis.why.contains("is wanted by .npmrc:2"), "{diagnosis}");
    let optional = World::new().detecting(of(vec![wanting(false)], vec![]));
    let text = dockerfile(&optional, &job()).await;
    assert!(text.contains("\nRUN [\"npm\", \"ci\"]\n"), "{text}");
    assert!(warnings(&optional, "PASSWORD")[0].1.contains("windlass secret put shop password"));
}

fn process(name: &str, kind: ProcessKind, schedule: Option<&str>) -> FoundProcess {
    FoundProcess {
        name: name.into(),
        command: vec!["bin/rails".into(), name.into()],
        kind,
        schedule: schedule.map(str::to_owned),
        source: "Procfile:2".into(),
    }
}

fn with_processes(processes: Vec<FoundProcess>) -> World {
    World::new().detecting(of(vec![Recipe { processes, ..recipe("go") }], vec![]))
}

#[tokio::test(start_paused = true)]
async fn workers_of_a_procfile_become_processes_and_windlass_toml_overrides_them_by_name() {
    use ProcessKind::{Schedule, Worker};
    let world = with_processes(vec![
        process("worker", Worker, None),
        process("mailer", Worker, None),
        process("quiet", Worker, None),
        process("nightly", Schedule, Some("0 3 * * *")),
        process("odd", Schedule, Some("whenever")),
    ]);
    let text = "[processes.mailer]\ncommand = [\"own\"]\n[processes.quiet]\noff = true";
    let job = Job { spec: Spec::from_toml(text).unwrap(), ..job() };
    let Outcome::Succeeded(release) = run(&world, &job).await else { panic!("not released") };
    let processes: Vec<_> = release.runtime.processes.iter().map(|one| &*one.name).collect();
    assert_eq!(processes, ["web", "mailer", "nightly", "worker"]);
    let command = |name: &str| release.runtime.process(name).unwrap().command.join(" ");
    assert_eq!((&*command("worker"), &*command("mailer")), ("bin/rails worker", "own"));
    let warned = warnings(&world, "`odd` is not started");
    assert!(warned[0].1.contains("[processes.odd]"), "{warned:?}");
    let deciders = planned(&world, &job).await.unwrap().decision.deciders;
    assert_eq!(deciders["processes.worker.command"], "detection");
    assert_eq!(deciders["processes.mailer.command"], "job");
}

#[tokio::test(start_paused = true)]
async fn release_goes_to_the_only_hook_before_traffic() {
    let migrate = || hook(HookPhase::BeforeTraffic, Policy::RollBack);
    let declared = || with_processes(vec![process("release", ProcessKind::Release, None)]);
    let world = declared().with_hooks(vec![migrate()]);
    let Outcome::Succeeded(release) = run(&world, &job()).await else { panic!("not released") };
    let settings = &release.hooks[&migrate().name];
    assert_eq!(settings, "{\"command\":[\"bin/rails\",\"release\"]}");
    assert_eq!(release.runtime.processes.len(), 1, "it is no process that stays");
    let nobody = declared();
    run(&nobody, &job()).await;
    let plan = planned(&nobody, &job()).await.unwrap().decision.recipe.unwrap();
    assert!(plan.warnings[0].message.contains("`release` is not run"), "{:?}", plan.warnings);
    let warned = warnings(&nobody, "`release` is not run");
    assert!(warned[0].0.starts_with("Procfile:2: ") && warned.len() == 1, "{warned:?}");
    let mut other = migrate();
    other.name = "other".into();
    let several = declared().with_hooks(vec![migrate(), other]);
    run(&several, &job()).await;
    assert!(warnings(&several, "several hooks could take it").len() == 1);
    let mut notifies = migrate();
    notifies.name = "notify".into();
    notifies.settings = "{\"url\":\"https://hooks.example.com/\"}".into();
    let alone = declared().with_hooks(vec![notifies.clone()]);
    run(&alone, &job()).await;
    assert_eq!(warnings(&alone, "`release` is not run").len(), 1, "it only notifies");
    let beside = declared().with_hooks(vec![notifies, migrate()]);
    let Outcome::Succeeded(release) = run(&beside, &job()).await else { panic!("not released") };
    assert!(release.hooks.contains_key(&migrate().name), "{:?}", release.hooks);
    let mut busy = migrate();
    busy.settings = "{\"command\":[\"own\"]}".into();
    let taken = declared().with_hooks(vec![busy]);
    run(&taken, &job()).await;
    assert_eq!(warnings(&taken, "`release` is not run").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_recipe_is_built_in_its_context() {
    let in_folder = |directory: &str| {
        let mut job = job();
        let Source::Commit(commit) = &mut job.source else { panic!("a job of a commit") };
        commit.directory = directory.into();
        job
    };
    let at = |context: &str| Recipe { context: context.into(), ..recipe("go") };
    for (directory, context, expected) in [
        ("apps/web", "", Some("/nowhere")),
        ("apps/web", "apps", Some("/nowhere/apps")),
        ("./apps/web/", "apps/web", None),
        (".", "", None),
    ] {
        let world = World::new().detecting(of(vec![at(context)], vec![]));
        dockerfile(&world, &in_folder(directory)).await;
        let folder: Option<PathBuf> = world.builder.last().1;
        assert_eq!(folder.as_deref(), expected.map(Path::new), "{directory} {context}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_folder_of_files_is_served_at_the_port_of_the_hosts_server() {
    let site = StaticSite { folder: "public".into(), ..StaticSite::default() };
    let image = ImagePlan { user: 10001, ..ImagePlan::default() };
    let pages = Recipe { serves: Some(site), image, ..recipe("static") };
    let world = World::new().detecting(of(vec![pages], vec![]));
    let Outcome::Succeeded(release) = run(&world, &job()).await else { panic!("not released") };
    assert_eq!(release.runtime.web().unwrap().port, Some(8080));
    assert!(world.builder.last().0.unwrap().contains("\nCOPY public/ /srv\n"));
}
