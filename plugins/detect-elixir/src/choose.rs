//! The project that is released: the app's own, or one of an umbrella.

use windlass_plugin_sdk::{App, Candidate, Refusal, elixir::Mix, join, score, within};

/// Project, name of its release, folders, and the score by what it serves with.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// Project whose dependencies and settings count.
    pub(crate) mix: Mix,
    /// Folder that `mix` runs in, from the repository's root.
    pub(crate) workdir: String,
    /// Folder that the build needs.
    pub(crate) context: String,
    pub(crate) release: String,
    /// mix.exs names the release. mix knows no other by name: it makes the app's own without one.
    pub(crate) is_named: bool,
    pub(crate) score: u8,
    pub(crate) why: String,
    /// Reason to copy the whole tree before dependencies are fetched. `None` means that mix.exs has them all.
    pub(crate) needs_tree: Option<String>,
}

/// Returns the project that is released. `None` means that there is no `mix.exs`.
///
/// # Errors
/// The project starts no application, or nothing says which one of several is meant.
pub(crate) fn choose(app: &App<'_>) -> Result<Option<Chosen>, Refusal> {
    let Some(mix) = Mix::read(app, app.folder)? else { return Ok(None) };
    if let Some(apps) = &mix.apps_path {
        return umbrella(app, &mix, apps).map(Some);
    }
    single(app, mix, None).map(Some)
}

fn single(app: &App<'_>, mix: Mix, rule: Option<String>) -> Result<Chosen, Refusal> {
    let path = mix.path.clone();
    let (score, why) = band(app, &mix)?;
    let release = release(app, &mix, score)?;
    let mut context = mix.folder.clone();
    let mut needs_tree = None;
    if mix.is_part
        && let Some((above, _)) = mix
            .folder
            .rsplit_once("/apps/")
            .or_else(|| mix.folder.starts_with("apps/").then_some(("", "")))
    {
        context = above.to_owned();
        needs_tree = Some(format!("{path}: a part of an umbrella"));
    }
    for (named, line) in &mix.paths {
        let Some(at) = join(&mix.folder, named) else {
            return Err(app.refused(
                "elixir",
                score,
                format!("{path}:{line}: `{named}` is outside of the repository"),
                "commit that project too, or name a version of it",
            ));
        };
        if !app.has_repo(&within(&at, "mix.exs")) {
            return Err(app.refused(
                "elixir",
                score,
                format!("{path}:{line}: `{named}` has no mix.exs"),
                "commit that folder, or correct the path",
            ));
        }
        let same = context.split('/').zip(at.split('/')).take_while(|(a, b)| a == b);
        context = same.map(|(part, _)| part).collect::<Vec<_>>().join("/");
        needs_tree = Some(format!("{path}:{line}: a dependency of the repository"));
    }
    let why = rule.unwrap_or(why);
    Ok(Chosen {
        workdir: mix.folder.clone(),
        context,
        is_named: !mix.releases.is_empty(),
        release,
        score,
        why,
        needs_tree,
        mix,
    })
}

/// Returns the score of a project, and the reason.
fn band(app: &App<'_>, mix: &Mix) -> Result<(u8, String), Refusal> {
    let path = &mix.path;
    if mix.depends_on("phoenix") {
        return Ok((score::FRAMEWORK, format!("{path}: Phoenix")));
    }
    for server in ["bandit", "plug_cowboy", "cowboy", "plug", "raxx", "elli"] {
        if mix.depends_on(server) && mix.is_started {
            return Ok((score::STARTED, format!("{path}: {server}")));
        }
    }
    if mix.is_started {
        return Ok((score::INFERRED, format!("{path}: `mod:` starts an application")));
    }
    Err(app.refused(
        "elixir",
        score::TOOLS,
        format!("{path}: the project starts no application"),
        "a library cannot be deployed; name a module under `mod:` in `application`",
    ))
}

/// Returns the name of the release: the only one of mix.exs, else the app's.
fn release(app: &App<'_>, mix: &Mix, score: u8) -> Result<String, Refusal> {
    let named = match (mix.releases.as_slice(), &mix.app) {
        ([name], _) => name,
        ([], Some(name)) if !name.is_empty() => name,
        ([], _) => {
            return Err(app.refused(
                "elixir",
                score,
                format!("{}: `app:` is not written as a name", mix.path),
                "write `app: :name` in `project`",
            ));
        }
        (several, own) => match several.iter().find(|name| own.as_ref() == Some(*name)) {
            Some(name) => name,
            None => {
                return Err(app.refused(
                    "elixir",
                    score,
                    format!("{}: several releases: {}", mix.path, several.join(", ")),
                    "name the one to deploy as the app, or commit a Dockerfile",
                ));
            }
        },
    };
    Ok(named.clone())
}

fn umbrella(app: &App<'_>, root: &Mix, apps: &str) -> Result<Chosen, Refusal> {
    let apps = join(&root.folder, apps).ok_or_else(|| {
        app.refused(
            "elixir",
            score::INFERRED,
            format!("{}: `apps_path` is outside of the repository", root.path),
            "name a folder of the repository",
        )
    })?;
    let mut parts = Vec::new();
    let mut entries = app.repo.read_dir(&apps, 500).unwrap_or_default();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    for entry in entries {
        // Of an entry of a folder the path is its name.
        if let Some(mix) = Mix::read(app, &within(&apps, &entry.path))? {
            parts.push(mix);
        }
    }
    let serves: Vec<&Mix> = parts.iter().filter(|mix| mix.depends_on("phoenix")).collect();
    let starts: Vec<&Mix> = parts.iter().filter(|mix| mix.is_started).collect();
    if let [name] = root.releases.as_slice() {
        // The release holds all apps that it names; the one that serves has the settings.
        let mut mix =
            serves.first().or(starts.first()).map_or_else(|| root.clone(), |mix| (*mix).clone());
        let score = if serves.is_empty() { score::STARTED } else { score::FRAMEWORK };
        mix.requirement = mix.requirement.or_else(|| root.requirement.clone());
        mix.dependencies =
            parts.iter().chain([root]).flat_map(|mix| mix.dependencies.clone()).collect();
        mix.aliases.clone_from(&root.aliases);
        return Ok(Chosen {
            mix,
            workdir: root.folder.clone(),
            context: root.folder.clone(),
            release: name.clone(),
            is_named: true,
            score,
            why: format!("{}: the umbrella's release", root.path),
            needs_tree: Some(format!("{}: an umbrella", root.path)),
        });
    }
    let one = match (serves.as_slice(), starts.as_slice()) {
        ([one], _) | ([], [one]) => (*one).clone(),
        _ => {
            let found = if serves.is_empty() { &starts } else { &serves };
            let candidates = found.iter().map(|mix| Candidate {
                folder: mix.folder.clone(),
                language: "elixir".into(),
                name: mix.app.clone().unwrap_or_default(),
            });
            return Err(app
                .refused(
                    "elixir",
                    score::FRAMEWORK,
                    format!("{}: an umbrella, and nothing says which app is released", root.path),
                    "name one under `releases:` in mix.exs, or the app's folder by --directory",
                )
                .with_candidates(candidates.collect()));
        }
    };
    let why = format!("{}: the umbrella's only app that serves", one.path);
    let mut chosen = single(app, one, Some(why))?;
    chosen.context.clone_from(&root.folder);
    chosen.needs_tree = Some(format!("{}: an umbrella", root.path));
    Ok(chosen)
}
