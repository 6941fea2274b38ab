//! .NET programs: published with the SDK, run on the runtime's image.

use choose::Chosen;
use sdk::{Sdk, sdk};
use windlass_plugin_sdk::{
    App, BuildSecret, Detection, Found, PORT, Refusal, StageExt, StaticSite, StepExt, assets, copy,
    copy_from, detector,
    dotnet::{self, Kind, Project, SHARED, above, closure},
    procfile::{self, Line},
    run, score, stage, within,
};

mod choose;
mod sdk;

/// Folder of packages that outlive a build.
const PACKAGES: &str = "/root/.nuget/packages";

/// User of the host's file server.
const SERVER_USER: u32 = 101;

/// Properties that make something else of a program than a library for `dotnet`.
const NATIVE: [&str; 4] = ["PublishAot", "PublishSingleFile", "PublishTrimmed", "SelfContained"];

/// Detects a program of .NET.
pub fn detect(app: &App<'_>) -> Found {
    let Some(chosen) = choose::choose(app)? else { return Ok(None) };
    let Chosen { project, kind, shared, why } = chosen;
    let version = dotnet::version(app, &project, shared.as_ref())?;
    let projects = closure(app, &project)?;
    let files = shared_files(app, &projects);
    let context = context(app, &projects, &files);
    let Sdk { tag, source } = sdk(app, &project, &version)?;

    let band = match kind {
        Kind::Web => score::FRAMEWORK,
        Kind::Worker => score::STARTED,
        Kind::Browser => score::STATIC,
        _ => score::INFERRED,
    };
    let mut detection = Detection::new("dotnet", band);
    detection.context.clone_from(&context);
    detection.tool("dotnet", &version);
    detection.decide("sdk", &tag, source);
    detection.decide("manager", "nuget", &project.path);
    detection.because(why);

    let at = |path: &str| relative(path, &context).to_owned();
    let program = at(&project.path);
    let secrets = secrets(app, &files)?;
    let wanted: Vec<&str> = secrets.iter().map(|secret| secret.variable.as_str()).collect();
    let images = images(&version.version);
    let mut build = stage("build", format!("{images}/sdk:{tag}"))
        .env("DOTNET_CLI_TELEMETRY_OPTOUT", "1")
        .env("DOTNET_NOLOGO", "1");
    if projects.iter().any(|project| project.calls_npm) {
        build = build.packages(&["nodejs", "npm"]);
        detection.because(format!("{}: a project calls npm", project.path));
    }
    if let Some(path) = importing(app, &projects, &files)? {
        detection
            .because(format!("{path}: imports other files, so all are there before the restore"));
        build = build.step(copy(&["."], "."));
    }
    let mut is_locked = false;
    for (folder, mut names) in manifests(&projects, &files) {
        let lock = within(&folder, "packages.lock.json");
        if app.has_repo(&lock) && projects.iter().any(|project| project.folder() == folder) {
            is_locked |= folder == project.folder();
            names.push(lock);
        }
        let names: Vec<String> = names.iter().map(|name| at(name)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let folder = at(&folder);
        let dest = if folder.is_empty() { "./".to_owned() } else { format!("./{folder}/") };
        build = build.step(copy(&names, &dest));
    }
    let native = native(&project, shared.as_ref());
    let mut restore = vec!["dotnet", "restore", program.as_str()];
    if is_locked {
        restore.push("--locked-mode");
    }
    restore.extend(&native);
    let framework = framework(&project, shared.as_ref(), &version.version);
    let mut publish =
        vec!["dotnet", "publish", program.as_str(), "-c", "Release", "-o", "/out", "--no-restore"];
    if let Some(framework) = &framework {
        publish.extend(["-f", framework.as_str()]);
    }
    publish.extend(&native);
    build = build
        .step(run(&restore).cached(&[PACKAGES]).secrets(&wanted))
        .step(copy(&["."], "."))
        .step(assets())
        .step(run(&publish).cached(&[PACKAGES]));
    detection.build_secrets = secrets;

    if kind == Kind::Browser {
        detection.image.stages = vec![build];
        detection.image.user = SERVER_USER;
        detection.image.health = Some("/".to_owned());
        detection.serves = Some(StaticSite {
            stage: Some("build".to_owned()),
            folder: "/out/wwwroot".to_owned(),
            fallback: Some("index.html".to_owned()),
            not_found: None,
            immutable: Vec::new(),
        });
        return Ok(Some(detection));
    }
    let runtime = if kind == Kind::Web { "aspnet" } else { "runtime" };
    let serve = stage("run", format!("{images}/{runtime}:{}", version.version))
        .step(copy_from("build", "/out/", "/app/"));
    let library = format!("/app/{}.dll", project.assembly());
    if library.contains(['\'', '\n', '\r']) {
        return Err(app.refused(
            "dotnet",
            band,
            format!("{}: AssemblyName `{library}` cannot be started", project.path),
            "name the assembly by letters, digits, `.` and `-`",
        ));
    }
    if kind == Kind::Web {
        detection.image.port = Some(PORT);
        let line = format!("ASPNETCORE_URLS=http://0.0.0.0:$PORT exec dotnet '{library}'");
        detection.image.start = vec!["sh".into(), "-c".into(), line];
    } else {
        detection.image.port = None;
        detection.image.start = vec!["dotnet".into(), library];
    }
    detection.decide("start", "dotnet", format!("{}: its assembly", project.path));
    detection.image.stages = vec![build, serve];
    detection.image.test_in = Some("build".into());
    let mut lines = procfile::read(app)?;
    lines.retain(|line| {
        let foreign = foreign(line);
        if let Some(foreign) = foreign {
            let (line, name) = (line.line, &line.name);
            detection.because(format!(
                "Procfile:{line}: `{name}` names `{foreign}`, which the image does not have"
            ));
        }
        foreign.is_none()
    });
    procfile::apply(lines, &mut detection);
    Ok(Some(detection))
}

/// Returns what a line names that the image does not have: folders of a buildpack and of MSBuild, or the SDK.
fn foreign(line: &Line) -> Option<&'static str> {
    const FOREIGN: [&str; 6] =
        ["heroku_output", "bin/publish", "bin/Release", "bin/Debug", "dotnet run", "dotnet watch"];
    let command = line.command.join(" ");
    FOREIGN.into_iter().find(|foreign| command.contains(foreign))
}

/// Returns the registry and folder of a release's images.
fn images(version: &str) -> &'static str {
    if dotnet::number(version) < (3, 1) {
        "mcr.microsoft.com/dotnet/core"
    } else {
        "mcr.microsoft.com/dotnet"
    }
}

/// Returns the files that MSBuild and NuGet read above the projects, sorted.
fn shared_files(app: &App<'_>, projects: &[Project]) -> Vec<String> {
    let each = projects
        .iter()
        .flat_map(|project| SHARED.iter().filter_map(|name| above(app, project.folder(), name)));
    let mut files: Vec<String> = each.collect();
    files.sort();
    files.dedup();
    files
}

/// Returns the file that imports another one, which only MSBuild can find.
fn importing(
    app: &App<'_>,
    projects: &[Project],
    files: &[String],
) -> Result<Option<String>, Refusal> {
    if let Some(project) = projects.iter().find(|project| project.imports) {
        return Ok(Some(project.path.clone()));
    }
    for path in files.iter().filter(|path| path.ends_with(".props") || path.ends_with(".targets")) {
        if Project::read(app, path)?.is_some_and(|file| file.imports) {
            return Ok(Some(path.clone()));
        }
    }
    Ok(None)
}

/// Returns the folder that holds the app's folder, all projects, and all files that they share.
fn context(app: &App<'_>, projects: &[Project], files: &[String]) -> String {
    let folder_of =
        |path: &String| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let folders = projects.iter().map(|project| project.folder().to_owned());
    let folders = folders.chain(files.iter().map(folder_of));
    folders.fold(app.folder.to_owned(), |context, folder| {
        let same = context.split('/').zip(folder.split('/')).take_while(|(a, b)| a == b);
        same.map(|(part, _)| part).collect::<Vec<_>>().join("/")
    })
}

/// Returns the files that a restore reads, by folder.
fn manifests(projects: &[Project], files: &[String]) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<&String> = projects.iter().map(|project| &project.path).chain(files).collect();
    all.sort();
    let mut folders: Vec<(String, Vec<String>)> = Vec::new();
    for path in all {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        match folders.iter_mut().find(|(known, _)| known == folder) {
            Some((_, paths)) => paths.push(path.clone()),
            None => folders.push((folder.to_owned(), vec![path.clone()])),
        }
    }
    folders
}

/// Returns the flags that keep a program one that `dotnet` starts.
fn native(project: &Project, shared: Option<&Project>) -> Vec<&'static str> {
    let is_set = |name: &str| project.is(name) || shared.is_some_and(|shared| shared.is(name));
    let flags = ["-p:PublishAot=false", "-p:PublishSingleFile=false", "-p:PublishTrimmed=false"];
    let flags = flags.into_iter().chain(["-p:SelfContained=false"]);
    NATIVE.into_iter().zip(flags).filter(|(name, _)| is_set(name)).map(|(_, flag)| flag).collect()
}

/// Returns the framework that is published where a project targets several.
fn framework(project: &Project, shared: Option<&Project>, version: &str) -> Option<String> {
    let all = project.frameworks(shared);
    if all.len() < 2 {
        return None;
    }
    let of_version =
        |(name, _): &(String, String)| dotnet::release(name).as_deref() == Some(version);
    all.into_iter().find(of_version).map(|(name, _)| name)
}

/// Returns the variables that NuGet's settings name: `%TOKEN%`.
fn secrets(app: &App<'_>, files: &[String]) -> Result<Vec<BuildSecret>, Refusal> {
    let mut secrets: Vec<BuildSecret> = Vec::new();
    for path in files.iter().filter(|path| path.to_ascii_lowercase().ends_with("nuget.config")) {
        let Some(file) = app.read_repo(path)? else { continue };
        for (line, text) in file.lines() {
            for variable in text.split('%').skip(1).step_by(2) {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let known = secrets.iter().any(|secret| secret.variable == variable);
                if !variable.is_empty() && variable.chars().all(is_name) && !known {
                    secrets.push(BuildSecret {
                        variable: variable.to_owned(),
                        source: format!("{path}:{line}"),
                        required: text.contains("Password") || text.contains("ApiKey"),
                    });
                }
            }
        }
    }
    Ok(secrets)
}

/// Returns a path of the repository as one of a folder that holds it.
fn relative<'a>(path: &'a str, folder: &str) -> &'a str {
    path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/')
}

detector!(detect, language = "dotnet");

#[cfg(test)]
mod tests;
