//! The search for the project that is deployed.

use windlass_plugin_sdk::{
    App, Candidate, Refusal,
    dotnet::{Kind, Project, above},
    score, within,
};

/// Number of projects that are read.
const MOST: usize = 100;

/// Project, what it is, and the nearest `Directory.Build.props`.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) project: Project,
    pub(crate) kind: Kind,
    pub(crate) shared: Option<Project>,
    pub(crate) why: String,
}

/// Returns the project of the app's folder that serves, else the only one below it. `None` means that there is no
/// project at all.
///
/// # Errors
/// No project is a program that runs here, or nothing says which one of several is meant.
pub(crate) fn choose(app: &App<'_>) -> Result<Option<Chosen>, Refusal> {
    let files = app.glob(&["**/*.csproj", "**/*.fsproj", "**/*.vbproj"], 500);
    let built = |file: &&String| !file.split('/').any(|part| matches!(part, "bin" | "obj"));
    let mut all = Vec::new();
    for file in files.iter().filter(built).take(MOST) {
        let Some(project) = Project::read(app, &within(app.folder, file))? else { continue };
        let shared = match above(app, project.folder(), "Directory.Build.props") {
            Some(path) => Project::read(app, &path)?,
            None => None,
        };
        let kind = project.kind(shared.as_ref());
        all.push((project, kind, shared));
    }
    if all.is_empty() {
        return Ok(None);
    }
    for (wanted, rule) in [
        (Kind::Web, "the only project of Microsoft.NET.Sdk.Web"),
        (Kind::Worker, "the only project of Microsoft.NET.Sdk.Worker"),
        (Kind::Browser, "the only project of Microsoft.NET.Sdk.BlazorWebAssembly"),
        (Kind::Program, "the only project with OutputType Exe"),
    ] {
        let of_kind: Vec<usize> = places(&all, |(_, kind, _)| *kind == wanted);
        let here = |place: &&usize| {
            all.get(**place).is_some_and(|(project, _, _)| project.folder() == app.folder)
        };
        let nearest: Vec<usize> = of_kind.iter().filter(here).copied().collect();
        let (place, why) = match (nearest.as_slice(), of_kind.as_slice()) {
            ([place], _) => (*place, "in the app's folder"),
            (_, [place]) => (*place, rule),
            (_, []) => continue,
            _ => return Err(several(app, &all, &of_kind)),
        };
        let (project, kind, shared) = all.swap_remove(place);
        let why = format!("{}: {why}", project.path);
        return Ok(Some(Chosen { project, kind, shared, why }));
    }
    Err(none(app, &all))
}

type Read = (Project, Kind, Option<Project>);

fn places(all: &[Read], rule: impl Fn(&Read) -> bool) -> Vec<usize> {
    let found = all.iter().enumerate().filter(|(_, one)| rule(one));
    found.map(|(place, _)| place).collect()
}

fn several(app: &App<'_>, all: &[Read], places: &[usize]) -> Refusal {
    let found = places.iter().filter_map(|place| all.get(*place)).map(|(project, _, _)| project);
    let names: Vec<&str> = found.clone().take(10).map(|project| project.path.as_str()).collect();
    let candidates = found.map(|project| Candidate {
        folder: project.folder().into(),
        language: "dotnet".into(),
        name: project.stem().into(),
    });
    let reason = format!("several projects are programs: {}", names.join(", "));
    app.refused("dotnet", score::FRAMEWORK, reason, "name the folder of one by --directory")
        .with_candidates(candidates.collect())
}

fn none(app: &App<'_>, all: &[Read]) -> Refusal {
    let of = |wanted: Kind| all.iter().find(|(_, kind, _)| *kind == wanted);
    if let Some((project, _, _)) = of(Kind::Foreign) {
        return app.refused(
            "dotnet",
            score::STARTED,
            format!("{}: runs on Windows or on a phone only", project.path),
            "target a framework such as `net8.0` with Microsoft.NET.Sdk.Web",
        );
    }
    let first = all.first().map_or("", |(project, _, _)| project.path.as_str());
    app.refused(
        "dotnet",
        score::TOOLS,
        format!("{first}: no project is a program"),
        "a library cannot be deployed; set `Sdk=\"Microsoft.NET.Sdk.Web\"` or `<OutputType>Exe</OutputType>`",
    )
}
