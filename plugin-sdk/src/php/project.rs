//! PHP project: composer.json and its lock.

use crate::{
    App, BuildSecret, Refusal,
    read::{self, Node},
    versions::{self, Asked, Chain, Chosen, Grammar, Runtime, prefer, resolve},
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
    /// A locked package that takes no release of PHP that has images: its name and constraint. The install must not
    /// ask for it.
    pub outdated: Option<String>,
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
        let file = versions::file(app, ".php-version", Grammar::Composer)?;
        let choose = |platform: Option<Asked>, required: Option<Asked>| {
            let chain = Chain::of(app, Runtime::Php).first(platform).first(required);
            chain.first(file.clone()).choose()
        };
        let required = asked(&["require", "php"]);
        let mut chosen = choose(asked(&["config", "platform", "php"]), required.clone());
        // The platform is what the lock was made for: a newer PHP that is allowed runs it.
        if chosen.as_ref().is_ok_and(is_old) && required.is_some() {
            let newer = choose(None, required.clone());
            chosen = if newer.as_ref().is_ok_and(|newer| !is_old(newer)) { newer } else { chosen };
        }
        let mut outdated = None;
        if let (Ok(first), Some(lock)) = (&chosen, &lock) {
            (chosen, outdated) = for_all(first.clone(), required, lock);
        }
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
        Ok(Self { composer, lock, secrets, outdated, whole, chosen })
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

/// Oldest release of PHP that the base has images of.
pub const OLDEST: (u32, u32) = (8, 2);

fn is_old(chosen: &Chosen) -> bool {
    let mut numbers = chosen.version.split('.').map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(u32::MAX), numbers.next().unwrap_or(u32::MAX));
    version < OLDEST
}

/// Locked packages whose constraints narrow the choice, at most.
const NARROWED: usize = 8;

/// Returns the newest release that the locked packages take too, which Composer asks for in the install. A package
/// that takes none leaves the oldest one with images, and its name.
fn for_all(
    first: Chosen,
    required: Option<Asked>,
    lock: &Node,
) -> (Result<Chosen, Refusal>, Option<String>) {
    // What is not a range of composer.json is the user's word.
    let Some(asked) = required.filter(|asked| asked.source == first.source) else {
        return (Ok(first), None);
    };
    let all = |text: &str, more: &str| Asked { text: format!("{text} & {more}"), ..asked.clone() };
    let packages = lock.get("packages").map(Node::list).unwrap_or_default();
    let constraints: Vec<(&str, &str)> = packages
        .iter()
        .filter_map(|package| {
            let constraint = package.at(&["require", "php"]).and_then(Node::text)?;
            Some((package.get("name").and_then(Node::text).unwrap_or_default(), constraint))
        })
        .collect();
    let resolved = |asked: &Asked| resolve(Runtime::Php, asked, prefer(Runtime::Php).as_deref());
    let mut text = asked.text.clone();
    let mut chosen = first.clone();
    for _ in 0..NARROWED {
        let cycle = chosen.version.split('.').take(2).collect::<Vec<_>>().join(".");
        let refuses = |constraint: &str| {
            // What is not read is left to Composer.
            resolved(&Asked { text: constraint.to_owned(), ..asked.clone() }).is_ok()
                && resolved(&all(constraint, &format!("{cycle}.*"))).is_err()
        };
        let Some((name, constraint)) = constraints.iter().find(|(_, one)| refuses(one)) else {
            return (Ok(chosen), None);
        };
        match resolved(&all(&text, constraint)) {
            Ok(narrower) if !is_old(&narrower) => {
                text = format!("{text} & {constraint}");
                chosen = narrower;
            }
            _ => {
                let oldest = all(&asked.text, &format!("{}.{}.*", OLDEST.0, OLDEST.1));
                let oldest = resolved(&oldest).unwrap_or(first);
                return (Ok(oldest), Some(format!("{name}: php {constraint}")));
            }
        }
    }
    (Ok(chosen), None)
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
