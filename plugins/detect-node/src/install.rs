//! Install by npm, and the apps that npm cannot install.

use serde_json::Value;
use windlass_plugin_sdk::{Error, leads_out, unsupported};

/// Lock files of npm. npm reads the first where both are there.
const LOCKS: [&str; 2] = ["npm-shrinkwrap.json", "package-lock.json"];

/// Lock files of other managers. Npm would install versions that no lock file names.
const FOREIGN: [(&str, &str); 4] =
    [("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun"), ("bun.lockb", "bun")];

/// Kinds of dependencies that npm does not know (EUNSUPPORTEDPROTOCOL).
const PROTOCOLS: [&str; 5] = ["workspace:", "catalog:", "portal:", "patch:", "link:"];

/// The parts of package.json that name dependencies to install.
const SECTIONS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// Scripts that `npm ci` and `npm install` run: they may read any file.
const SCRIPTS: [&str; 5] = ["preinstall", "install", "postinstall", "prepublish", "prepare"];

/// Files that an install reads beside package.json and the lock file. Prisma's client is made of its
/// schema while it is installed.
const READ: [&str; 2] = [".npmrc", "prisma/schema.prisma"];

const HINT: &str = "commit a Dockerfile that installs with the app's own manager, or have npm lock \
                    the versions (`npm install --package-lock-only`)";

/// The install step, and the files that it needs.
#[derive(Debug)]
pub(crate) struct Install {
    /// Files that are copied before the step. Empty means that the step may read any file.
    pub(crate) sources: Vec<&'static str>,
    pub(crate) command: [&'static str; 2],
    pub(crate) evidence: Vec<String>,
}

impl Install {
    /// Plans the step. `has` returns whether a file is there.
    ///
    /// # Errors
    /// Names what npm cannot install.
    pub(crate) fn plan(manifest: &Value, has: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let lock = LOCKS.into_iter().find(|lock| has(lock));
        let foreign = FOREIGN.into_iter().find(|(lock, _)| has(lock));
        let named = manifest["packageManager"].as_str();
        let is_npm = named.map(|named| named.split('@').next() == Some("npm"));
        let mut evidence = Vec::new();
        match (lock, foreign) {
            (None, Some((file, _))) if is_npm == Some(true) => {
                evidence.push(format!("{file}: not read, packageManager is npm"));
            }
            (None, Some((file, manager))) => {
                let message = format!("{file}: {manager}'s lock file, and npm alone is known here");
                return Err(unsupported(message, HINT));
            }
            (Some(lock), Some((file, _))) => {
                evidence.push(format!("{file}: not read, {lock} says the versions"));
            }
            _ => {}
        }
        if let (Some(named), Some(false)) = (named, is_npm) {
            let message =
                format!("package.json: packageManager is `{named}`, and npm alone is known here");
            return Err(unsupported(message, HINT));
        }
        if let Some(lock) = lock {
            evidence.push(format!("{lock}: exact versions"));
        }
        let command = ["npm", if lock.is_some() { "ci" } else { "install" }];
        let mut sources = vec!["package.json"];
        sources.extend(lock);
        if let Some(why) = beside(manifest, has)? {
            evidence.push(format!("{why}: all files are there before the install"));
            sources.clear();
        }
        Ok(Self { sources, command, evidence })
    }
}

/// Names the reason for an install to read more than package.json and the lock file.
fn beside(manifest: &Value, has: impl Fn(&str) -> bool) -> Result<Option<String>, Error> {
    let mut found = None;
    for section in SECTIONS {
        for (name, spec) in manifest[section].as_object().into_iter().flatten() {
            let Some(spec) = spec.as_str() else { continue };
            let entry = format!("package.json: {section}: {name} is `{spec}`");
            if PROTOCOLS.iter().any(|protocol| spec.starts_with(protocol)) {
                return Err(unsupported(format!("{entry}, which npm does not know"), HINT));
            }
            let path = spec.strip_prefix("file:");
            // `~1.2` is a range, and `~/x` a path.
            let bare = || spec.starts_with(['.', '/']) || spec.starts_with("~/");
            let Some(path) = path.or_else(|| bare().then_some(spec)) else { continue };
            if leads_out(path) {
                let hint = "name the folder that holds both in `source.directory`";
                return Err(unsupported(format!("{entry}, outside of the app's folder"), hint));
            }
            found = found.or(Some(entry));
        }
    }
    let script = || SCRIPTS.iter().find(|name| manifest["scripts"][**name].is_string());
    Ok(found
        .or_else(|| script().map(|name| format!("package.json: scripts.{name}")))
        .or_else(|| manifest.get("workspaces").map(|_| "package.json: workspaces".to_owned()))
        .or_else(|| READ.into_iter().find(|file| has(file)).map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(manifest: &Value, files: &[&str]) -> Result<Install, String> {
        Install::plan(manifest, |path| files.contains(&path)).map_err(|error| error.message)
    }

    #[test]
    fn npm_installs_what_its_own_locks_say() {
        let of = |files: &[&str]| {
            let install = plan(&json!({ "dependencies": { "a": "^1.0.0" } }), files).unwrap();
            (install.sources, install.command)
        };
        assert_eq!(of(&[]), (vec!["package.json"], ["npm", "install"]));
        let locked = (vec!["package.json", "package-lock.json"], ["npm", "ci"]);
        assert_eq!(of(&["package-lock.json"]), locked);
        let shrunk = (vec!["package.json", "npm-shrinkwrap.json"], ["npm", "ci"]);
        assert_eq!(of(&["package-lock.json", "npm-shrinkwrap.json"]), shrunk);
        // Of two lock files npm reads one. The evidence names the other.
        let both = plan(&json!({}), &["package-lock.json", "yarn.lock"]).unwrap();
        assert_eq!(both.evidence[0], "yarn.lock: not read, package-lock.json says the versions");
    }

    #[test]
    fn locks_and_kinds_of_other_managers_are_refused_by_name() {
        for file in ["pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"] {
            let error = plan(&json!({}), &[file]).unwrap_err();
            assert!(error.starts_with(&format!("{file}: ")), "{error}");
        }
        for manager in ["pnpm@9.15.9", "yarn@4.1.0+sha256.abc", "bun"] {
            let manifest = json!({ "packageManager": manager });
            let error = plan(&manifest, &["package-lock.json"]).unwrap_err();
            assert!(error.contains(manager), "{error}");
        }
        let pnpm = json!({ "packageManager": "pnpm@9.15.9" });
        let error = plan(&pnpm, &["pnpm-lock.yaml"]).unwrap_err();
        assert!(error.starts_with("pnpm-lock.yaml: "), "the file is named: {error}");
        let npm = json!({ "packageManager": "npm@10.9.0" });
        assert!(plan(&npm, &[]).is_ok());
        let left_over = plan(&npm, &["yarn.lock"]).unwrap();
        assert_eq!(left_over.evidence, ["yarn.lock: not read, packageManager is npm"]);
        for spec in ["workspace:*", "catalog:", "portal:../x", "link:./x"] {
            let manifest = json!({ "devDependencies": { "@shop/money": spec } });
            let error = plan(&manifest, &[]).unwrap_err();
            assert!(error.contains("@shop/money") && error.contains(spec), "{error}");
        }
        let manifest = json!({ "dependencies": { "money": "file:../money" } });
        assert!(plan(&manifest, &[]).unwrap_err().contains("outside"));
    }

    #[test]
    fn what_an_install_reads_is_there_before() {
        for manifest in [
            json!({ "dependencies": { "money": "file:./money" } }),
            json!({ "dependencies": { "money": "./money" } }),
            json!({ "scripts": { "postinstall": "patch-package" } }),
            json!({ "workspaces": ["packages/*"] }),
        ] {
            assert!(plan(&manifest, &[]).unwrap().sources.is_empty(), "{manifest}");
        }
        for file in [".npmrc", "prisma/schema.prisma"] {
            assert!(plan(&json!({}), &[file]).unwrap().sources.is_empty(), "{file}");
        }
        let ranges = json!({ "a": "~1.2.0", "b": "user/repository", "c": "https://x/y.tgz" });
        let manifest = json!({ "scripts": { "start": "node a.js" }, "dependencies": ranges });
        assert_eq!(plan(&manifest, &["README.md"]).unwrap().sources, ["package.json"]);
    }
}
