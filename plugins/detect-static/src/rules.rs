//! Rules of other hosts (redirects, headers) that the host's server does not read.

use windlass_plugin_sdk::{App, Detection, Refusal, read};

/// Warns of each file whose rules are not applied.
///
/// # Errors
/// A file of rules cannot be read.
pub(crate) fn warn(app: &App<'_>, detection: &mut Detection) -> Result<(), Refusal> {
    let has_fallback = detection.serves.as_ref().is_some_and(|site| site.fallback.is_some());
    for file in ["_redirects", "public/_redirects", "static/_redirects"] {
        let Some(file) = app.read(file)? else { continue };
        // The usual line of single-page apps is what the fallback does.
        let mut rules = file.text.lines().map(str::trim);
        let is_other = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            let is_fallback =
                matches!(words.as_slice(), ["/*", "/index.html" | "/", "200" | "200!"]);
            !line.is_empty() && !line.starts_with('#') && !(has_fallback && is_fallback)
        };
        if rules.any(is_other) {
            ignored(detection, &file.path, "redirects");
        }
    }
    for file in ["_headers", "public/_headers", "static/_headers"] {
        if app.has(file) {
            ignored(detection, &app.at(file), "headers");
        }
    }
    for (name, part) in [
        ("vercel.json", None),
        ("firebase.json", Some("hosting")),
        ("static.json", None),
        ("staticwebapp.config.json", None),
    ] {
        let Some(file) = app.read(name)? else { continue };
        // A file of another host that cannot be read is no reason to refuse a site.
        let Ok(node) = read::jsonc(&file) else { continue };
        let node = part.map_or(Some(&node), |part| node.get(part));
        let keys = ["redirects", "rewrites", "routes", "headers", "navigationFallback"];
        let key = keys.into_iter().find(|key| node.is_some_and(|node| node.get(key).is_some()));
        if let Some(key) =
            key.filter(|key| !(has_fallback && matches!(*key, "rewrites" | "navigationFallback")))
        {
            ignored(detection, &file.path, key);
        }
    }
    if let Some(file) = app.read("netlify.toml")?
        && let Ok(node) = read::toml(&file)
        && let Some(key) = ["redirects", "headers"].into_iter().find(|key| node.get(key).is_some())
        && !(has_fallback && key == "redirects")
    {
        ignored(detection, &file.path, key);
    }
    Ok(())
}

fn ignored(detection: &mut Detection, file: &str, what: &str) {
    detection.warn(
        format!("{file}: its {what} are not applied"),
        "commit a Dockerfile with a server of your own, if the site needs them",
    );
}
