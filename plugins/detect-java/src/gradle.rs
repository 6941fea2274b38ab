//! Builds of Gradle: one project, or one of several.

use crate::{
    conventions::{Applied, applied},
    inferred::main_class,
    maven::several,
    output::{Boot, Built, Output},
    spring, version,
};
use std::collections::BTreeSet;
use windlass_plugin_sdk::{
    App, Candidate, EntryKind, Refusal, StepExt, assets, copy,
    jvm::{
        distribution,
        gradle::{self, Catalog, Plugin, Script},
    },
    procfile::Line,
    run, score,
    versions::Chosen,
    workspace::{
        Workspace,
        folders::{join, within},
        gradle::above,
    },
};

/// Folder of Gradle's downloads.
const CACHE: &str = "/root/.gradle";

/// Program of a project, and the task that builds it.
struct Kind {
    task: &'static str,
    output: Output,
    evidence: String,
    score: u8,
    is_kotlin: bool,
}

/// Build of Gradle: its root, and what counts for all of its projects.
struct Root {
    folder: String,
    catalog: Catalog,
    script: Option<Script>,
    settings: Option<Script>,
}

impl Root {
    /// Returns the plugins that the root's script applies to other projects, in `subprojects` or `allprojects`.
    fn inherited(&self, name: &str) -> Vec<Plugin> {
        let Some(script) = self.script.as_ref().filter(|_| !name.is_empty()) else {
            return Vec::new();
        };
        if !script.text.contains("subprojects") && !script.text.contains("allprojects") {
            return Vec::new();
        }
        let lines = script.lines().filter(|(_, text)| text.trim().starts_with("apply"));
        let lines: BTreeSet<usize> = lines.map(|(line, _)| line).collect();
        let mut plugins = script.plugins(&self.catalog);
        plugins.retain(|plugin| lines.contains(&plugin.line));
        plugins
    }
}

/// Returns whether the app's folder has a script of Gradle's.
pub(crate) fn is_here(app: &App<'_>) -> bool {
    let names = ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"];
    names.iter().any(|name| app.has(name))
}

/// Plans the build of the app's folder. `None` means that it has no script of Gradle's.
///
/// # Errors
/// Nothing says what runs, or several projects do.
pub(crate) fn build(app: &App<'_>, web: Option<&Line>) -> Result<Option<Built>, Refusal> {
    if !is_here(app) {
        return Ok(None);
    }
    let workspace = above(app)?.filter(|workspace| workspace.member(app.folder).is_some());
    let folder = workspace.as_ref().map_or(app.folder, |workspace| workspace.root.as_str());
    let root = Root {
        folder: folder.to_owned(),
        catalog: Catalog::read(app, folder)?,
        script: gradle::build(app, folder)?,
        settings: gradle::settings(app, folder)?,
    };
    let mut projects: Vec<(String, String)> = vec![(app.folder.to_owned(), String::new())];
    if let Some(workspace) = &workspace {
        let is_root = workspace.root == app.folder;
        let members = workspace.members.iter().filter(|one| is_root || one.folder == app.folder);
        projects = members.map(|one| (one.folder.clone(), one.name.clone())).collect();
    }
    let mut found = Vec::new();
    let mut first = None;
    for (folder, name) in projects {
        let name = if name == ":" { String::new() } else { name };
        // A root of several projects has its settings for them all, and no sources.
        let has_sources = is_dir(app, &folder, "src");
        if workspace.is_some() && !has_sources {
            continue;
        }
        match kind(app, &root, &folder, &name, web) {
            Ok(Some(kind)) => found.push((folder, name, kind)),
            Ok(None) => {}
            // Another project may be the program.
            Err(refusal) => first = first.or(Some(refusal)),
        }
    }
    let best = found.iter().map(|(_, _, kind)| kind.score).max();
    found.retain(|(_, _, kind)| Some(kind.score) == best);
    if found.len() > 1 {
        let candidate = |(folder, name, kind): &(String, String, Kind)| Candidate {
            folder: folder.clone(),
            language: if kind.is_kotlin { "kotlin" } else { "java" }.into(),
            name: if name.is_empty() { ":".into() } else { name.clone() },
        };
        let manifest = workspace.map(|workspace| workspace.manifest).unwrap_or_default();
        let candidates = found.iter().map(candidate).collect();
        return Err(several(app, &manifest, best.unwrap_or_default(), candidates));
    }
    let Some((folder, name, mut kind)) = found.pop() else {
        return Err(first.unwrap_or_else(|| nothing(app, &root)));
    };
    if let Output::Boot(boot) = &mut kind.output {
        of_projects(app, &root, workspace.as_ref(), &folder, boot)?;
    }
    let own = gradle::build(app, &folder)?;
    let asked = match &own {
        Some(script) => {
            let Applied { scripts, .. } = applied(app, &root.folder, script, &root.catalog)?;
            script.release().or_else(|| scripts.iter().find_map(Script::release))
        }
        None => None,
    };
    let asked = asked.or_else(|| root.script.as_ref()?.release());
    let mut java = version::chosen(app, asked)?;
    if java.is_default {
        older_for_wrapper(app, &root.folder, &mut java)?;
    }
    let mut evidence = vec![kind.evidence];
    let tool = tool(app, &root.folder, &java, &mut evidence)?;
    let is_wrapped = tool.0 == "gradle-wrapper";
    // Git may have lost the script's mode.
    let program: &[&str] = if is_wrapped { &["sh", "./gradlew"] } else { &["gradle"] };
    let task = format!("{name}:{}", kind.task);
    let task = if name.is_empty() { kind.task } else { task.as_str() };
    let command = [program, &["--no-daemon", task, "-x", "test"]].concat();
    let base = if is_wrapped {
        format!("eclipse-temurin:{}-jdk", java.version)
    } else {
        format!("gradle:{}-jdk{}", tool.1.version, java.version)
    };
    Ok(Some(Built {
        language: if kind.is_kotlin { "kotlin" } else { "java" },
        score: kind.score,
        folder: within(&root.folder, &folder).unwrap_or_default().to_owned(),
        context: root.folder,
        java,
        tool,
        base,
        packages: &[],
        steps: vec![copy(&["."], "."), assets(), run(&command).cached(&[CACHE])],
        output: kind.output,
        evidence,
        candidates: Vec::new(),
    }))
}

/// Returns the program that a project builds. `None` means that it builds none.
fn kind(
    app: &App<'_>,
    root: &Root,
    folder: &str,
    name: &str,
    web: Option<&Line>,
) -> Result<Option<Kind>, Refusal> {
    let inherited = root.inherited(name);
    let script = match (gradle::build(app, folder)?, &root.script) {
        (Some(script), _) => script,
        // The root's script may say all about a project.
        (None, Some(script)) if !inherited.is_empty() => {
            Script { path: script.path.clone(), text: String::new() }
        }
        _ => return Ok(None),
    };
    let Applied { mut plugins, .. } = applied(app, &root.folder, &script, &root.catalog)?;
    plugins.extend(inherited.iter().cloned());
    let has = |ids: &[&str]| plugins.iter().find(|plugin| ids.contains(&plugin.id.as_str()));
    let is_kotlin = has(&["org.jetbrains.kotlin.jvm", "kotlin", "io.ktor.plugin"]).is_some()
        || is_dir(app, folder, "src/main/kotlin");
    let kind = |task, output, plugin: &Plugin, score| {
        let from = root.script.as_ref().filter(|_| inherited.contains(plugin)).unwrap_or(&script);
        let evidence = format!("{}:{} {}", from.path, plugin.line, plugin.id);
        Ok(Some(Kind { task, output, evidence, score, is_kotlin }))
    };
    let shadow =
        ["com.gradleup.shadow", "com.github.johnrengelman.shadow", "io.github.goooler.shadow"];
    let keeps_classifier = !script.text.contains("archiveClassifier");
    let all = if keeps_classifier { "build/libs/*-all.jar" } else { "build/libs/*.jar" };
    let jar = |pattern| Output::Jar { pattern, options: Vec::new() };
    if let Some(plugin) = has(&["org.springframework.boot"])
        && !keeps_no_boot_jar(&script)
        // Libraries inherit the plugin too.
        && (!inherited.contains(plugin) || main_class(app, folder).is_some())
    {
        let output = match web.filter(|line| names_build(line)) {
            Some(_) => Output::Named { folder: "build" },
            None => Output::Boot(boot(app, root, &script, plugin, folder)?),
        };
        return kind("bootJar", output, plugin, score::FRAMEWORK);
    }
    if let Some(plugin) = has(&["io.quarkus"]) {
        let health = script.text.contains("quarkus-smallrye-health");
        let output = Output::Quarkus { folder: "build/quarkus-app", health };
        return kind("quarkusBuild", output, plugin, score::FRAMEWORK);
    }
    if let Some(plugin) = has(&["io.ktor.plugin"]) {
        return kind("buildFatJar", jar("build/libs/*-all.jar"), plugin, score::FRAMEWORK);
    }
    let micronaut = has(&["io.micronaut.application", "io.micronaut.minimal.application"]);
    let application = has(&["application"]);
    if let Some(plugin) = has(&shadow)
        && (micronaut.or(application).is_some() || script.text.contains("Main-Class"))
    {
        let options = micronaut.map(|_| "-Dmicronaut.server.port=$PORT".to_owned());
        let options = options.into_iter().collect();
        return kind("shadowJar", Output::Jar { pattern: all, options }, plugin, score::STARTED);
    }
    if let Some(plugin) = micronaut.or(application) {
        let named = script.quoted_after("applicationName").map(|(_, name)| name);
        let own = name.rsplit(':').next().filter(|own| !own.is_empty()).map(str::to_owned);
        let project = || root.settings.as_ref()?.quoted_after("rootProject.name");
        let named = named.or(own).or_else(|| project().map(|(_, name)| name));
        // Gradle names a project by its folder, which is `/app` in the build.
        let named = named.unwrap_or_else(|| "app".into());
        let output = match web.filter(|line| names_build(line)) {
            Some(_) => Output::Named { folder: "build" },
            None => Output::Installed { folder: format!("build/install/{named}"), script: named },
        };
        let score = if micronaut.is_some() { score::FRAMEWORK } else { score::STARTED };
        return kind("installDist", output, plugin, score);
    }
    // Only the plugin `application` has this block: another plugin applied it.
    if let Some((line, _)) = script.lines().find(|(_, text)| is_application(text)) {
        let named = root.settings.as_ref().and_then(|it| it.quoted_after("rootProject.name"));
        let own = name.rsplit(':').next().filter(|own| !own.is_empty()).map(str::to_owned);
        let named = own.or_else(|| named.map(|(_, name)| name)).unwrap_or_else(|| "app".into());
        let plugin = Plugin { line, id: "application".into(), version: None };
        let output = match web.filter(|line| names_build(line)) {
            Some(_) => Output::Named { folder: "build" },
            None => Output::Installed { folder: format!("build/install/{named}"), script: named },
        };
        return kind("installDist", output, &plugin, score::STARTED);
    }
    if let Some((line, _)) = script.lines().find(|(_, text)| text.contains("Main-Class")) {
        let plugin = Plugin { line, id: "Main-Class".into(), version: None };
        let output = match web.filter(|line| names_build(line)) {
            Some(_) => Output::Named { folder: "build" },
            None => jar("build/libs/*.jar"),
        };
        return kind("jar", output, &plugin, score::STARTED);
    }
    if let Some(plugin) = has(&["war"]) {
        return Err(app.refused(
            "java",
            score::STARTED,
            format!("{}:{}: a war needs a servlet container", script.path, plugin.line),
            "use Spring Boot's plugin, or commit a Dockerfile that has the container",
        ));
    }
    Ok(None)
}

/// Returns whether a script turns off the task that builds Spring Boot's jar, as libraries do.
fn keeps_no_boot_jar(script: &Script) -> bool {
    let text: String = script.text.split_whitespace().collect();
    [
        "bootJar{enabled=false",
        "bootJar\"){enabled=false",
        "BootJar>{enabled=false",
        "bootJar.enabled=false",
    ]
    .iter()
    .any(|off| text.contains(off))
}

fn boot(
    app: &App<'_>,
    root: &Root,
    script: &Script,
    plugin: &Plugin,
    folder: &str,
) -> Result<Boot, Refusal> {
    let scripts = [Some(script), root.script.as_ref(), root.settings.as_ref()];
    let scripts = || scripts.iter().copied().flatten();
    let elsewhere = || {
        scripts().find_map(|script| {
            let named = script.plugins(&root.catalog);
            let mut named = named.into_iter().filter(|one| one.id == plugin.id);
            let line = "org.springframework.boot";
            let beside = || {
                // Also where it is applied to others only.
                let (_, text) = script
                    .lines()
                    .find(|(_, text)| text.contains(line) && text.contains("version"))?;
                let (_, rest) = text.split_once("version")?;
                gradle::quoted(rest).next().map(str::to_owned)
            };
            let classpath = || {
                let (_, text) = script.text.split_once("spring-boot-gradle-plugin:")?;
                text.split(['"', '\'']).next().map(str::to_owned)
            };
            named.find_map(|one| one.version).or_else(beside).or_else(classpath)
        })
    };
    let version = plugin.version.clone().or_else(elsewhere);
    let find = |fits: &dyn Fn(&str) -> bool| scripts().find_map(|script| place_of(script, fits));
    Ok(Boot {
        pattern: "build/libs/*.jar",
        version: version.and_then(|version| spring::version(&version)),
        is_war: false,
        web: find(&spring::serves),
        actuator: find(&|word: &str| word.ends_with("starter-actuator")),
        reads_port: spring::reads_port(app, folder)?,
    })
}

/// Returns the place of a script's first word that fits.
fn place_of(script: &Script, fits: &dyn Fn(&str) -> bool) -> Option<String> {
    let (line, _) = script.lines().find(|(_, text)| {
        // Aliases of a catalog have dots where names have dashes.
        let text = text.replace('.', "-");
        text.split(['"', '\'', '(', ')', ' ', ':']).any(fits)
    })?;
    Some(format!("{}:{line}", script.path))
}

/// Adds the starters that come by the build's own plugins, by the projects that a program needs, and by aliases of
/// the catalog whose names do not say it.
fn of_projects(
    app: &App<'_>,
    root: &Root,
    workspace: Option<&Workspace>,
    folder: &str,
    boot: &mut Boot,
) -> Result<(), Refusal> {
    if boot.web.is_some() && boot.actuator.is_some() {
        return Ok(());
    }
    let mut scripts = Vec::new();
    if let Some(own) = gradle::build(app, folder)? {
        scripts.extend(applied(app, &root.folder, &own, &root.catalog)?.scripts);
        scripts.push(own);
    }
    for member in workspace.iter().flat_map(|workspace| workspace.closure(folder)) {
        scripts.extend(gradle::build(app, &member.folder)?);
    }
    let catalog = join(&root.folder, "gradle/libs.versions.toml").unwrap_or_default();
    let catalog = app.read_repo(&catalog)?.map(|file| file.text).unwrap_or_default();
    let find = |fits: &dyn Fn(&str) -> bool| {
        let named = |line: &str| {
            let (alias, rest) = line.split_once('=')?;
            let is_it = rest.split(['"', '\'', ':']).any(fits);
            is_it.then(|| format!("libs-{}", alias.trim().replace(['_', '.'], "-")))
        };
        let aliases: Vec<String> = catalog.lines().filter_map(named).collect();
        let fits = |word: &str| fits(word) || aliases.iter().any(|alias| alias == word);
        scripts.iter().find_map(|script| place_of(script, &fits))
    };
    boot.web = boot.web.take().or_else(|| find(&spring::serves));
    let actuator = |word: &str| word.ends_with("starter-actuator");
    boot.actuator = boot.actuator.take().or_else(|| find(&actuator));
    Ok(())
}

/// Returns Gradle's name for the test runner, with its version: the wrapper's, where there is one.
fn tool(
    app: &App<'_>,
    root: &str,
    java: &Chosen,
    evidence: &mut Vec<String>,
) -> Result<(&'static str, Chosen), Refusal> {
    let chosen = |version: String, source: String, is_default| Chosen {
        version,
        source,
        ended: None,
        is_default,
    };
    let at = |name: &str| join(root, name).unwrap_or_default();
    let path = at("gradle/wrapper/gradle-wrapper.properties");
    let has_script = app.has_repo(&at("gradlew"));
    if let Some(file) = app.read_repo(&path)?.filter(|_| has_script) {
        if app.has_repo(&at("gradle/wrapper/gradle-wrapper.jar")) {
            let (line, version) = distribution(&file.text).unwrap_or((1, "wrapper".into()));
            return Ok(("gradle-wrapper", chosen(version, format!("{path}:{line}"), false)));
        }
        evidence.push(format!("{path}: its jar is missing, so the image's Gradle builds"));
    }
    // Gradle 8 runs on Java 23 and older.
    let release: u32 = java.version.parse().unwrap_or_default();
    let version = if release > 23 { "9" } else { "8" };
    Ok(("gradle", chosen(version.into(), "default".into(), true)))
}

/// Takes an older default where the wrapper's Gradle does not run on it.
fn older_for_wrapper(app: &App<'_>, root: &str, java: &mut Chosen) -> Result<(), Refusal> {
    let path = join(root, "gradle/wrapper/gradle-wrapper.properties").unwrap_or_default();
    let file = app.read_repo(&path)?;
    let Some((line, version)) = file.and_then(|file| distribution(&file.text)) else {
        return Ok(());
    };
    let number = |release: &str| release.parse::<u32>().unwrap_or_default();
    let older = version::of_gradle(&version);
    if let Some(older) = older.filter(|older| number(older) < number(&java.version)) {
        older.clone_into(&mut java.version);
        java.source = format!("{path}:{line} Gradle {version} runs on no newer one");
        java.is_default = false;
    }
    Ok(())
}

fn is_application(text: &str) -> bool {
    text.strip_prefix("application").is_some_and(|rest| rest.trim_start().starts_with('{'))
}

fn names_build(line: &Line) -> bool {
    line.command.iter().any(|word| word.contains("build/"))
}

fn is_dir(app: &App<'_>, folder: &str, name: &str) -> bool {
    let path = join(folder, name).unwrap_or_default();
    app.repo.stat(&path).ok().flatten().is_some_and(|entry| entry.kind == EntryKind::Dir)
}

fn nothing(app: &App<'_>, root: &Root) -> Refusal {
    let script = root.script.as_ref().or(root.settings.as_ref());
    let path = script.map_or("build.gradle", |script| &script.path);
    app.refused(
        "java",
        score::INFERRED,
        format!("{path}: nothing says which class is the main one"),
        "apply the plugin `application`, and name `mainClass`",
    )
}
