//! Jekyll sites.

use crate::site::{STAGE, Site, below, in_stage, own_not_found, refused};
use windlass_plugin_sdk::{
    App, File, Found, Refusal, StageExt, StepExt,
    read::{self, Node},
    ruby::Lock,
    run, stage,
    versions::{self, Asked, Chain, Grammar, Runtime},
};

/// Folder of Bundler's downloads.
const CACHE: &str = "/usr/local/bundle/cache";

/// Returns the plan of a Jekyll site. `None` means that nothing says that the site is Jekyll's.
///
/// # Errors
/// A file cannot be read, or a version or a folder that it names cannot be.
pub(crate) fn site(app: &App<'_>) -> Found {
    let Some(config_file) = app.read("_config.yml")? else { return Ok(None) };
    let gemfile = app.read("Gemfile")?;
    let has_files = looks_like_jekyll(app);
    let gem = gemfile.as_ref().and_then(|file| gem(file, has_files));
    if gem.is_none() && (gemfile.is_some() || !has_files) {
        return Ok(None);
    }
    let config = read::yaml(&config_file)?;
    let folder = match config.get("destination") {
        Some(node) => {
            let source = format!("{}:{} destination", config_file.path, node.line);
            below(node.want_text(&config_file.path, "destination")?, &source)?
        }
        None => "_site".to_owned(),
    };
    let own = gemfile.as_ref().and_then(asked);
    let lock = Lock::of(app, "Gemfile.lock")?;
    let ruby = Chain::of(app, Runtime::Ruby)
        .first(versions::file(app, ".ruby-version", Grammar::Ruby)?)
        .then(own)
        .then(lock.as_ref().and_then(|lock| lock.asked("Gemfile.lock")))
        .then(Some(runs(lock.as_ref())))
        .choose()?;
    let mut build = stage(STAGE, format!("ruby:{}-slim", ruby.version))
        .packages(&["build-essential", "git"])
        .env("JEKYLL_ENV", "production");
    let site = Site {
        folder: in_stage(&folder),
        is_built: true,
        has_index: true,
        not_found: own_not_found(app),
        ..Site::default()
    };
    let mut detection = site.plan(app);
    detection.tool("ruby", &ruby);
    if let (Some(file), Some(line)) = (&gemfile, gem) {
        let source = format!("{}:{line}", file.path);
        detection.decide("framework", "Jekyll", source.clone());
        detection.because(format!("{source}: Jekyll"));
        let needs_tree = file.text.lines().any(|line| {
            let line = line.trim();
            line == "gemspec"
                || line.starts_with("gemspec ")
                || line.contains("path:")
                || line.contains("eval_gemfile")
        });
        let mut files = vec!["Gemfile"];
        files.extend(["Gemfile.lock", ".ruby-version"].into_iter().filter(|name| app.has(name)));
        build = if needs_tree { build.copy(&["."], "./") } else { build.copy(&files, "./") };
        build = build.step(run(&["bundle", "install"]).cached(&[CACHE]));
        if !needs_tree {
            build = build.copy(&["."], "./");
        }
        build = build.run(&["bundle", "exec", "jekyll", "build"]);
    } else {
        detection.decide("framework", "Jekyll", config_file.path.clone());
        detection.because(format!("{}: Jekyll without a Gemfile", config_file.path));
        detection.warn(
            format!(
                "{}: no Gemfile names Jekyll's version, so the newest is used",
                config_file.path
            ),
            "commit a Gemfile with `gem \"jekyll\"` and the site's plugins",
        );
        let gems = gems(&config, &config_file.path)?;
        let mut install = vec!["gem", "install", "--no-document", "jekyll"];
        install.extend(gems.iter().map(String::as_str));
        build = build.run(&install).copy(&["."], "./").run(&["jekyll", "build"]);
    }
    detection.image.stages = vec![build];
    Ok(Some(detection))
}

/// Returns the line of the Gemfile that names Jekyll, GitHub's collection of it, a theme or plugin of it, or, where the
/// tree has files of Jekyll, the gem of a theme that is developed in place.
fn gem(file: &File, has_files: bool) -> Option<usize> {
    let found = file.lines().find(|(_, line)| {
        let line = line.trim();
        if has_files && (line == "gemspec" || line.starts_with("gemspec ")) {
            return true;
        }
        let rest = line.strip_prefix("gem").map(str::trim_start);
        let rest = rest.map(|rest| rest.trim_start_matches('(').trim_start());
        let name = rest.and_then(|rest| rest.strip_prefix(['"', '\'']));
        let name = name.and_then(|rest| rest.split(['"', '\'']).next()).unwrap_or_default();
        matches!(name, "jekyll" | "github-pages")
            || name.starts_with("jekyll-")
            || name.ends_with("-jekyll")
    });
    found.map(|(line, _)| line)
}

/// Returns the releases of Ruby that run a Jekyll of any age: since 3.4, Ruby lacks gems that Jekyll loads without
/// naming them, and since 3.2 a method that Liquid 4.0.3 calls.
fn runs(lock: Option<&Lock>) -> Asked {
    let is_old = lock.is_some_and(|lock| lock.exact.contains("liquid 4.0.3"));
    let (text, source) = if is_old {
        ("< 3.2", "Gemfile.lock: liquid 4.0.3, which newer Ruby does not run")
    } else {
        ("< 3.4", "Jekyll, some of whose gems newer Ruby lacks")
    };
    Asked { text: text.to_owned(), source: source.to_owned(), grammar: Grammar::Ruby }
}

/// Returns the version of Ruby that the Gemfile asks for: `ruby "3.2.2"`, `ruby "~> 3.1"`.
fn asked(file: &File) -> Option<Asked> {
    file.lines().find_map(|(line, text)| {
        let rest = text.trim().strip_prefix("ruby")?.trim_start();
        let rest = rest.trim_start_matches('(').trim_start();
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        let (version, _) = rest.strip_prefix(quote)?.split_once(quote)?;
        let source = format!("{}:{line} ruby", file.path);
        Some(Asked { text: version.to_owned(), source, grammar: Grammar::Ruby })
    })
}

/// Returns whether files of the app are Jekyll's: `_config.yml` is other tools' name, too.
fn looks_like_jekyll(app: &App<'_>) -> bool {
    let folders = ["_posts", "_layouts", "_includes", "_sass", "_data"];
    folders.iter().any(|folder| app.has_dir(folder)) || app.has("index.md")
}

/// Returns the gems of themes and plugins that the configuration names.
fn gems(config: &Node, path: &str) -> Result<Vec<String>, Refusal> {
    let mut gems = Vec::new();
    let named = ["theme", "plugins", "gems"].into_iter().filter_map(|key| config.get(key));
    for node in named.flat_map(|node| std::iter::once(node).chain(node.list())) {
        let Some(name) = node.text() else { continue };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.starts_with('-') || !name.bytes().all(is_name) {
            return Err(refused(
                format!("{path}:{}: `{name}` is no name of a gem", node.line),
                "write the gem's name, such as `jekyll-feed`",
            ));
        }
        gems.push(name.to_owned());
    }
    if config.get("remote_theme").is_some() {
        gems.push("jekyll-remote-theme".to_owned());
    }
    // Jekyll's default theme is no dependency of Jekyll.
    if config.get("theme").is_none() && config.get("remote_theme").is_none() {
        gems.push("minima".to_owned());
    }
    gems.sort();
    gems.dedup();
    Ok(gems)
}
