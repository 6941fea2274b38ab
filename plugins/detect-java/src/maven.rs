//! Builds of Maven: one project, or one module of a reactor.

use crate::{
    kinds::{self, Kind},
    output::{Boot, Built, Output},
    spring, version,
};
use windlass_plugin_sdk::{
    App, Candidate, EntryKind, Refusal, Step, StepExt, assets, copy,
    jvm::{distribution, pom::Chain, release},
    procfile::Line,
    run, score,
    versions::Chosen,
    workspace::{
        Workspace,
        folders::{common, join, parent, within},
        maven::above,
    },
};

/// Folder of Maven's downloads.
const CACHE: &str = "/root/.m2";

/// Plans the build of the app's folder. `None` means that it has no pom.xml.
///
/// # Errors
/// Nothing says what runs, or several modules do.
pub(crate) fn build(app: &App<'_>, web: Option<&Line>) -> Result<Option<Built>, Refusal> {
    let Some(own) = Chain::read(app, app.folder)? else { return Ok(None) };
    let workspace = above(app)?;
    let named = web.and_then(named_module);
    let (chain, mut kind) = match (&named, &workspace) {
        (Some(module), _) => {
            let folder = join(app.folder, module).unwrap_or_default();
            let Some(chain) = Chain::read(app, &folder)? else {
                return Err(app.refused(
                    "java",
                    score::STARTED,
                    format!("Procfile: `web` names `{module}/target/`, which has no pom.xml"),
                    "correct the path in the Procfile",
                ));
            };
            let output = Output::Named { folder: "target" };
            let evidence = "Procfile: `web` names a file of target/, which is kept".to_owned();
            (chain, Kind { output, evidence, score: score::STARTED })
        }
        (None, Some(workspace)) if workspace.root == app.folder => select(app, workspace)?,
        _ => match kinds::of(app, &own)? {
            Some(kind) => (own, kind),
            None => return Err(nothing(app, &own)),
        },
    };
    let folder = chain.project().map(|pom| parent(&pom.path).to_owned()).unwrap_or_default();
    if let (Output::Boot(boot), Some(workspace)) = (&mut kind.output, &workspace) {
        of_modules(app, workspace, &folder, boot)?;
    }
    let (root, reactor) = match workspace {
        Some(workspace) => (workspace.root.clone(), Some(workspace.manifest)),
        None => {
            let folders = chain.0.iter().map(|pom| parent(&pom.path));
            (folders.fold(folder.clone(), |root, above| common(&root, above)), None)
        }
    };
    let module = within(&root, &folder).unwrap_or_default().to_owned();
    let java = version::chosen(app, asked(&chain))?;
    let tool = tool(app, &root)?;
    let is_wrapped = tool.0 == "maven-wrapper";
    let mut evidence = vec![kind.evidence];
    let selected: Vec<String> = match reactor {
        _ if module.is_empty() => Vec::new(),
        Some(_) => vec!["-pl".into(), module.clone(), "-am".into()],
        // Its parent is above it, and does not list it: Maven finds no such module there.
        None => vec!["-f".into(), format!("{module}/pom.xml")],
    };
    let steps = steps(app, &root, &selected, &chain, &kind.output, is_wrapped, &mut evidence);
    if let Some(manifest) = reactor {
        evidence.push(format!("{manifest}: modules, built with those that the app needs"));
    }
    let is_kotlin = chain.plugin("kotlin-maven-plugin").is_some();
    let base = if is_wrapped {
        format!("eclipse-temurin:{}-jdk", java.version)
    } else {
        format!("maven:3-eclipse-temurin-{}", java.version)
    };
    Ok(Some(Built {
        language: if is_kotlin { "kotlin" } else { "java" },
        score: kind.score,
        context: root,
        folder: module,
        java,
        tool,
        base,
        packages: if is_wrapped { &["curl", "unzip"] } else { &[] },
        steps,
        output: kind.output,
        evidence,
        candidates: Vec::new(),
    }))
}

/// Returns the one module of a reactor that runs.
fn select(app: &App<'_>, workspace: &Workspace) -> Result<(Chain, Kind), Refusal> {
    let mut found: Vec<(Chain, Kind)> = Vec::new();
    let mut first = None;
    for member in &workspace.members {
        let Some(chain) = Chain::read(app, &member.folder)? else { continue };
        match kinds::of(app, &chain) {
            Ok(Some(kind)) => found.push((chain, kind)),
            Ok(None) => {}
            Err(refusal) => first = first.or(Some(refusal)),
        }
    }
    // Inferred main classes are those of tools, where a module names its own.
    let best = found.iter().map(|(_, kind)| kind.score).max();
    found.retain(|(_, kind)| Some(kind.score) == best);
    if found.len() > 1 {
        let candidate = |(chain, _): &(Chain, Kind)| {
            let pom = chain.project()?;
            let is_kotlin = chain.plugin("kotlin-maven-plugin").is_some();
            Some(Candidate {
                folder: parent(&pom.path).to_owned(),
                language: if is_kotlin { "kotlin" } else { "java" }.into(),
                name: pom.artifact.clone(),
            })
        };
        let candidates: Vec<Candidate> = found.iter().filter_map(candidate).collect();
        return Err(several(app, &workspace.manifest, best.unwrap_or_default(), candidates));
    }
    match (found.pop(), first) {
        (Some(found), _) => Ok(found),
        (None, Some(refusal)) => Err(refusal),
        (None, None) => Err(app.refused(
            "java",
            score::INFERRED,
            format!("{}: no module builds a program", workspace.manifest),
            "name `mainClass` in the manifest of one module's maven-jar-plugin",
        )),
    }
}

/// Adds the starters that come by the modules that a program needs.
fn of_modules(
    app: &App<'_>,
    workspace: &Workspace,
    folder: &str,
    boot: &mut Boot,
) -> Result<(), Refusal> {
    for member in workspace.closure(folder) {
        if boot.web.is_some() && boot.actuator.is_some() {
            break;
        }
        let Some(chain) = Chain::read(app, &member.folder)? else { continue };
        let find = |fits: &dyn Fn(&str) -> bool| {
            let found = chain.dependency(|one| one.scope != "test" && fits(&one.artifact));
            found.map(|(source, _)| source)
        };
        boot.web = boot.web.take().or_else(|| find(&spring::serves));
        let actuator = |name: &str| name == "spring-boot-starter-actuator";
        boot.actuator = boot.actuator.take().or_else(|| find(&actuator));
    }
    Ok(())
}

/// Refuses a build of which several projects run.
pub(crate) fn several(
    app: &App<'_>,
    manifest: &str,
    score: u8,
    candidates: Vec<Candidate>,
) -> Refusal {
    let names: Vec<&str> = candidates.iter().map(|one| one.name.as_str()).collect();
    let first = candidates.first().map(|one| one.folder.clone()).unwrap_or_default();
    app.refused(
        "java",
        score,
        format!("{manifest}: several projects are programs: {}", names.join(", ")),
        format!("name the folder of one in `source.directory`: `--directory {first}`"),
    )
    .with_candidates(candidates)
}

fn nothing(app: &App<'_>, chain: &Chain) -> Refusal {
    let path = chain.project().map(|pom| pom.path.clone()).unwrap_or_default();
    app.refused(
        "java",
        score::INFERRED,
        format!("{path}: nothing says which class is the main one"),
        "name `mainClass` in the manifest of maven-jar-plugin, or use Spring Boot's plugin",
    )
}

/// Returns the module whose `target` a command names: `""` for the root's own.
fn named_module(line: &Line) -> Option<String> {
    let words = line.command.iter().flat_map(|word| word.split_whitespace());
    let mut before = words.filter_map(|word| word.split_once("target/").map(|(before, _)| before));
    let before = before.find(|before| before.is_empty() || before.ends_with('/'))?;
    Some(before.trim_start_matches("./").trim_end_matches('/').to_owned())
}

/// Returns the release of Java that the poms ask for, and its place.
fn asked(chain: &Chain) -> Option<(String, String)> {
    let properties = [
        "maven.compiler.release",
        "java.version",
        "maven.compiler.target",
        "maven.compiler.source",
        "kotlin.compiler.jvmTarget",
        // Micronaut's parent gives it to the compiler.
        "release.version",
        "jdk.version",
    ];
    for name in properties {
        if let Some((value, source)) = chain.property(name)
            && let Some(release) = release(&value)
        {
            return Some((release, source));
        }
    }
    for (artifact, settings) in [
        ("maven-compiler-plugin", &["release", "target", "source"][..]),
        ("kotlin-maven-plugin", &["jvmTarget"][..]),
        ("maven-toolchains-plugin", &["version"][..]),
    ] {
        for (path, plugin) in chain.plugins(artifact) {
            for name in settings {
                if let Some((line, value)) = plugin.setting(name)
                    && let Some(release) = release(&chain.resolve(value))
                {
                    return Some((release, format!("{path}:{line} {name}")));
                }
            }
        }
    }
    None
}

/// Returns Maven's name for the test runner, with its version: the wrapper's, where there is one.
fn tool(app: &App<'_>, root: &str) -> Result<(&'static str, Chosen), Refusal> {
    let chosen = |version: &str, source: String, is_default| Chosen {
        version: version.to_owned(),
        source,
        ended: None,
        is_default,
    };
    let path = join(root, ".mvn/wrapper/maven-wrapper.properties").unwrap_or_default();
    let has_script = app.has_repo(&join(root, "mvnw").unwrap_or_default());
    if let Some(file) = app.read_repo(&path)?.filter(|_| has_script) {
        let (line, version) = distribution(&file.text).unwrap_or((1, "3".into()));
        return Ok(("maven-wrapper", chosen(&version, format!("{path}:{line}"), false)));
    }
    Ok(("maven", chosen("3", "default".into(), true)))
}

/// Returns the steps that build a module, and adds what explains them. `selected`: the arguments that name it.
fn steps(
    app: &App<'_>,
    root: &str,
    selected: &[String],
    chain: &Chain,
    output: &Output,
    is_wrapped: bool,
    evidence: &mut Vec<String>,
) -> Vec<Step> {
    let maven = |arguments: &[&str]| {
        // Git may have lost the script's mode.
        let program: &[&str] = if is_wrapped { &["sh", "./mvnw"] } else { &["mvn"] };
        run(&[program, &["-B", "-ntp"], arguments].concat()).cached(&[CACHE])
    };
    let is_alone = selected.is_empty() && chain.0.len() == 1;
    let needs_tree = chain.0.iter().find(|pom| pom.needs_tree);
    let has_modules = chain.project().is_some_and(|pom| !pom.modules.is_empty());
    let mut steps = Vec::new();
    if let Some(pom) = needs_tree {
        evidence.push(format!("{}: jars of the tree are there before Maven runs", pom.path));
    } else if is_alone && !has_modules {
        let settings = join(root, ".mvn").unwrap_or_default();
        let entry = app.repo.stat(&settings).ok().flatten();
        if entry.is_some_and(|entry| entry.kind == EntryKind::Dir) {
            steps.push(copy(&[".mvn"], ".mvn/"));
        }
        let sources: &[&str] = if is_wrapped { &["mvnw", "pom.xml"] } else { &["pom.xml"] };
        steps.push(copy(sources, "./"));
        steps.push(maven(&["dependency:go-offline"]));
    }
    steps.push(copy(&["."], "."));
    steps.push(assets());
    let mut arguments = vec!["-DskipTests"];
    arguments.extend(selected.iter().map(String::as_str));
    arguments.push("package");
    if matches!(output, Output::Classpath { has_dependencies: true, .. }) {
        arguments.extend([
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            "-DoutputDirectory=target/lib",
        ]);
    }
    steps.push(maven(&arguments));
    steps
}
