//! PHP project: composer.json and its lock.

use crate::{
    App, BuildSecret, Refusal,
    read::{self, Node},
    versions::{self, Asked, Chain, Chosen, Grammar, Runtime},
};

/// Registries that everybody may read.
const PUBLIC: [&str; 4] =
    ["packagist.org", "asset-packagist.org", "wpackagist.org", "packages.drupal.org"];

/// PHP project in an app's folder.
pub struct Project {
    /// composer.json. `None` means that the app has no packages.
    pub composer: Option<Node>,
    /// composer.lock. `None` means that versions are those of the day.
    pub lock: Option<Node>,
    /// Login of a private registry.
    pub secrets: Vec<BuildSecret>,
    /// Line that has the whole tree copied before the install. `None` means that manifests will do.
    pub whole: Option<String>,
    chosen: Result<Chosen, Refusal>,
}

impl Project {
    /// Reads the project. Without a composer.json it has no packages.
    ///
    /// # Errors
    /// Names file and line of what cannot be read, or a lock that is out of step.
    pub fn read(app: &App<'_>) -> Result<Self, Refusal> {
        let composer = app.read("composer.json")?.map(|file| read::json(&file)).transpose()?;
        let lock = match &composer {
            Some(_) => app.read_large("composer.lock", 16 << 20)?,
            None => None,
        };
        let lock = lock.map(|file| read::json(&file)).transpose()?;
        if let (Some(composer), Some(lock)) = (&composer, &lock) {
            check(composer, lock)?;
        }
        let asked = |path: &[&str]| {
            let node = composer.as_ref()?.at(path)?;
            let source = format!("composer.json:{} {}", node.line, path.join("."));
            Some(Asked { text: node.scalar()?, source, grammar: Grammar::Composer })
        };
        let chosen = Chain::of(app, Runtime::Php)
            .first(asked(&["config", "platform", "php"]))
            .first(asked(&["require", "php"]))
            .first(versions::file(app, ".php-version", Grammar::Composer)?)
            .choose();
        let mut secrets = Vec::new();
        let mut whole = None;
        let repositories = composer.as_ref().and_then(|root| root.get("repositories"));
        let list = repositories.map(Node::list).unwrap_or_default().iter();
        let map = repositories.map(Node::map).unwrap_or_default().iter().map(|(_, node)| node);
        for repository in list.chain(map) {
            let kind = repository.get("type").and_then(Node::text).unwrap_or_default();
            let url = repository.get("url").and_then(Node::text).unwrap_or_default();
            let source = format!("composer.json:{} repositories", repository.line);
            if matches!(kind, "path" | "artifact") {
                if crate::leads_out(url) {
                    let reason = format!("{source}: `{url}` is outside of the app's folder");
                    let hint = "name the folder that holds both in `source.directory`";
                    return Err(Refusal::new(reason, hint).of("php", 80));
                }
                whole = whole.or(Some(source));
            } else if kind == "composer"
                && secrets.is_empty()
                && !PUBLIC.iter().any(|host| url.contains(host))
            {
                let variable = "COMPOSER_AUTH".to_owned();
                secrets.push(BuildSecret { variable, source, required: false });
            }
        }
        // Composer fails where a folder of a class map is missing.
        let mapped = composer.as_ref().and_then(|root| root.at(&["autoload", "classmap"]));
        let mapped = mapped.map(|node| format!("composer.json:{} autoload.classmap", node.line));
        // Patches of packages are files of the tree, which the plugin for them applies in the install.
        let patched = composer.as_ref().and_then(|root| {
            let extra = root.get("extra")?;
            extra.get("patches").or_else(|| extra.get("patches-file"))
        });
        let patched = patched.map(|node| format!("composer.json:{} extra.patches", node.line));
        let whole = whole.or(mapped).or(patched);
        Ok(Self { composer, lock, secrets, whole, chosen })
    }

    /// Returns where a package that production needs is required. `None` means nowhere.
    #[must_use]
    pub fn names(&self, package: &str) -> Option<String> {
        let node = self.composer.as_ref()?.at(&["require", package])?;
        Some(format!("composer.json:{}", node.line))
    }

    /// Returns whether there are packages for development.
    #[must_use]
    pub fn has_development(&self) -> bool {
        let required = self.composer.as_ref().and_then(|root| root.get("require-dev"));
        required.is_some_and(|required| !required.map().is_empty())
    }

    /// Returns the version of PHP: its first two parts, which the base has tags for.
    ///
    /// # Errors
    /// Names file and line of what is no version.
    pub fn version(&self) -> Result<Chosen, Refusal> {
        let mut chosen = self.chosen.clone()?;
        chosen.version = chosen.version.split('.').take(2).collect::<Vec<_>>().join(".");
        Ok(chosen)
    }
}

/// Refuses a lock that lacks a package of composer.json.
fn check(composer: &Node, lock: &Node) -> Result<(), Refusal> {
    let packages = lock.get("packages").map(Node::list).unwrap_or_default();
    let locked: Vec<&str> =
        packages.iter().filter_map(|package| package.get("name").and_then(Node::text)).collect();
    let required = composer.get("require").map(Node::map).unwrap_or_default();
    // `php`, `ext-gd` and `composer-runtime-api` are of the platform. A package may be provided by another.
    let replaced = |name: &str| {
        packages.iter().any(|package| {
            ["replace", "provide"].iter().any(|key| package.at(&[key, name]).is_some())
        })
    };
    let missing = required.iter().find(|(name, _)| {
        name.contains('/')
            && !locked.iter().any(|locked| locked.eq_ignore_ascii_case(name))
            && !replaced(name)
    });
    match missing {
        None => Ok(()),
        Some((name, node)) => {
            let reason = format!(
                "composer.lock is out of step with composer.json:{}: it has no `{name}`",
                node.line
            );
            let hint = "run `composer update --lock` and commit composer.lock";
            Err(Refusal::new(reason, hint).of("php", 80))
        }
    }
}
