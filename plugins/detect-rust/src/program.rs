//! The search for the package and the program that is deployed.

use windlass_plugin_sdk::{
    App, Candidate, Refusal,
    rust::{Manifest, Program},
    score,
    workspace::{Workspace, cargo},
};

/// Dependencies of programs that serve.
const SERVERS: [&str; 14] = [
    "axum",
    "actix-web",
    "rocket",
    "warp",
    "tide",
    "hyper",
    "poem",
    "salvo",
    "tonic",
    "ntex",
    "gotham",
    "tiny_http",
    "loco-rs",
    "pavex",
];

/// Names of programs that are the server where several are there.
const NAMES: [&str; 5] = ["server", "web", "app", "api", "backend"];

/// Folders and names of packages that help, and are not deployed.
const HELPERS: [&str; 7] = ["xtask", "examples", "example", "benches", "fuzz", "tools", "tests"];

/// Number of programs that a refusal names.
const MOST_NAMED: usize = 10;

/// Package, its program, and the reason for both.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) package: Manifest,
    pub(crate) program: Program,
    /// All programs of the package: a Procfile may name another one.
    pub(crate) programs: Vec<Program>,
    pub(crate) why: String,
    pub(crate) score: u8,
    pub(crate) is_server: bool,
}

/// Returns the program of the app's own package, else that of the workspace's member that serves.
///
/// # Errors
/// There is no program, or nothing says which one of several is meant.
pub(crate) fn choose(
    app: &App<'_>,
    manifest: Manifest,
    workspace: Option<&Workspace>,
) -> Result<Target, Refusal> {
    let programs = manifest.programs(app);
    if !programs.is_empty() {
        return pick(app, manifest, programs, score::STARTED, None);
    }
    match workspace.filter(|workspace| workspace.root == app.folder) {
        Some(workspace) => member(app, &manifest, workspace),
        None => Err(no_program(app, &manifest)),
    }
}

fn no_program(app: &App<'_>, manifest: &Manifest) -> Refusal {
    let package = manifest.name().unwrap_or("the workspace");
    app.refused(
        "rust",
        score::TOOLS,
        format!("{}: `{package}` has no program", manifest.path),
        "a library cannot be deployed; add src/main.rs, or name the app's folder by --directory",
    )
}

/// Returns the program of one of the workspace's members.
fn member(app: &App<'_>, root: &Manifest, workspace: &Workspace) -> Result<Target, Refusal> {
    let mut found = Vec::new();
    for member in &workspace.members {
        let Some(manifest) = Manifest::read(app, &member.folder)? else { continue };
        let programs = manifest.programs(app);
        if !programs.is_empty() {
            found.push((manifest, programs));
        }
    }
    let named = cargo::default_members(app, workspace)?;
    let line = root.line(&["workspace", "default-members"]);
    let of_default = |(manifest, _): &(Manifest, Vec<Program>)| named.contains(&manifest.folder);
    let serves = |(manifest, _): &(Manifest, Vec<Program>)| server(manifest).is_some();
    let rules = [
        (only(&found, of_default), format!("{}:{line} default-members", root.path)),
        (only(&found, serves), "the only package with a server's dependency".to_owned()),
        (only(&found, |_| true), "the only package with a program".to_owned()),
        (
            only(&found, |(manifest, _)| !is_helper(manifest)),
            "the only package with a program, but for tools".to_owned(),
        ),
    ];
    if let Some((index, why)) =
        rules.into_iter().find_map(|(index, why)| index.map(|index| (index, why)))
    {
        let (manifest, programs) = found.swap_remove(index);
        return pick(app, manifest, programs, score::INFERRED, Some(why));
    }
    if found.is_empty() {
        return Err(no_program(app, root));
    }
    let names: Vec<&str> =
        found.iter().take(MOST_NAMED).filter_map(|(manifest, _)| manifest.name()).collect();
    let reason = format!("{}: several packages have a program: {}", root.path, names.join(", "));
    let candidates = found.iter().map(|(manifest, _)| Candidate {
        folder: manifest.folder.clone(),
        language: "rust".into(),
        name: manifest.name().unwrap_or_default().into(),
    });
    let hint = "name one by --directory, or by `default-members` in Cargo.toml";
    Err(app.refused("rust", score::INFERRED, reason, hint).with_candidates(candidates.collect()))
}

/// Returns the place of the only element for which the rule holds.
fn only<T>(all: &[T], rule: impl Fn(&T) -> bool) -> Option<usize> {
    let mut places = all.iter().enumerate().filter(|(_, one)| rule(one)).map(|(place, _)| place);
    let first = places.next()?;
    places.next().is_none().then_some(first)
}

fn is_helper(manifest: &Manifest) -> bool {
    let mut parts = manifest.folder.split('/').chain(manifest.name());
    parts.any(|part| HELPERS.contains(&part))
}

/// Returns the dependency that says that a package serves.
pub(crate) fn server(manifest: &Manifest) -> Option<&'static str> {
    SERVERS.into_iter().find(|name| manifest.depends_on(name))
}

fn pick(
    app: &App<'_>,
    package: Manifest,
    programs: Vec<Program>,
    score: u8,
    why: Option<String>,
) -> Result<Target, Refusal> {
    let named = |name: &str| programs.iter().position(|program| program.name == name);
    let default = package.root.at(&["package", "default-run"]);
    let default = default.and_then(|node| Some((node.text()?, node.line)));
    let package_name = package.name().unwrap_or_default();
    let (place, rule) = if let Some((name, line)) = default {
        let place = named(name).ok_or_else(|| {
            app.refused(
                "rust",
                score,
                format!(
                    "{}:{line}: `default-run` names `{name}`, which is no program",
                    package.path
                ),
                "name one of the package's programs",
            )
        })?;
        (place, format!("{}:{line} default-run", package.path))
    } else if programs.len() == 1 {
        (0, format!("{}: the only program", package.path))
    } else if let Some(place) = named(package_name) {
        (place, format!("{}: the program named as its package", package.path))
    } else if let Some((place, name)) =
        NAMES.into_iter().find_map(|name| Some((named(name)?, name)))
    {
        (place, format!("{}: the program named `{name}`", package.path))
    } else {
        let names: Vec<&str> =
            programs.iter().take(MOST_NAMED).map(|program| program.name.as_str()).collect();
        return Err(app.refused(
            "rust",
            score,
            format!("{}: several programs: {}", package.path, names.join(", ")),
            "name one under [package]: `default-run = \"NAME\"`",
        ));
    };
    let Some(program) = programs.get(place).cloned() else {
        return Err(no_program(app, &package));
    };
    let all = programs.iter().map(|program| program.name.as_str()).chain([package_name]);
    if let Some(name) = all.into_iter().find(|name| !is_plain(name)) {
        return Err(app.refused(
            "rust",
            score,
            format!("{}: `{name}` is no name of a package or a program", package.path),
            "use letters, digits, `-` and `_`",
        ));
    }
    let why = why.map_or_else(|| rule.clone(), |why| format!("{}: {why}", package.path));
    let is_server = server(&package).is_some();
    Ok(Target { package, program, programs, why, score, is_server })
}

/// Returns whether a name stands in a shell's line as itself.
pub(crate) fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain)
}
