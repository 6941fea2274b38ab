//! Node within a stage of another language, whose own tool calls it: Webpacker, Vite Ruby, Encore.

use super::{Package, assets::scripts, install, manager, node_version};
use crate::{App, BuildSecret, Refusal, Stage, Step, copy_from, workspace};

/// Node, and the packages of a package.json, for a stage that has the app's tree.
#[derive(Clone, Debug, Default)]
pub struct Brought {
    /// Stages to copy from.
    pub stages: Vec<Stage>,
    /// Steps after the tree.
    pub steps: Vec<Step>,
    /// Scripts of package.json that build, each as argv.
    pub scripts: Vec<Vec<String>>,
    /// Variables of the commands that call Node.
    pub env: Vec<(String, String)>,
    /// Secrets that the install wants.
    pub secrets: Vec<BuildSecret>,
}

/// Plans how Node comes into a stage. `None` means that there is no package.json, or that the install needs files above
/// the app's folder.
///
/// # Errors
/// Dependencies that cannot be installed.
pub fn brought(app: &App<'_>) -> Result<Option<Brought>, Refusal> {
    let Some(package) = Package::read(app)? else { return Ok(None) };
    let workspace = workspace::js::above(app)?;
    let manager = manager(app, &package, workspace.as_ref())?;
    let node = node_version(app, &package)?;
    let install = install(app, &package, &manager, workspace.as_ref())?;
    if install.context != app.folder {
        return Ok(None);
    }
    let scripts = scripts(&package).into_iter().map(|name| (install.run)(name)).collect();
    let mut stages = install.stages;
    stages.push(Stage {
        name: "node".into(),
        base: format!("node:{}-slim", node.version),
        workdir: None,
        env: install.env.clone(),
        packages: Vec::new(),
        steps: install.setup,
        why: Some("Node and its package manager, for the assets".into()),
    });
    // Yarn of Node's image lies below /opt.
    let folders = ["/usr/local/", "/opt/"].map(|folder| copy_from("node", folder, folder));
    let steps = folders.into_iter().chain([install.install]).collect();
    let mut env = install.env;
    let has_options = env.iter().any(|(name, _)| name == "NODE_OPTIONS");
    let is_new = major(&node.version).is_some_and(|major| major >= 17);
    if is_new && !has_options && is_of_old_webpack(&package) {
        env.push(("NODE_OPTIONS".into(), "--openssl-legacy-provider".into()));
    }
    Ok(Some(Brought { stages, steps, scripts, env, secrets: install.secrets }))
}

/// Returns whether Webpack 4 bundles: it hashes by MD4, which OpenSSL 3 of Node 17 and newer has no more.
fn is_of_old_webpack(package: &Package) -> bool {
    [("webpack", 5), ("@rails/webpacker", 6), ("laravel-mix", 6), ("@symfony/webpack-encore", 1)]
        .into_iter()
        .any(|(name, first)| {
            package.any_dependency(name).and_then(major).is_some_and(|major| major < first)
        })
}

/// Returns the first number of a version or a range.
fn major(version: &str) -> Option<u32> {
    let digits = version.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::brought;
    use crate::tree;

    #[test]
    fn node_comes_with_its_packages_and_options_of_old_bundlers() {
        let files = tree! { "package.json" => "{ \"dependencies\": { \"webpack\": \"^4.46\" } }" };
        let plan = |files: &crate::testing::Files| {
            files.run(&[], |app| brought(app).unwrap().map(|one| (one.stages, one.steps, one.env)))
        };
        let (stages, steps, env) = plan(&files.wish("node", "22")).unwrap();
        assert_eq!(stages.last().unwrap().base, "node:22-slim");
        assert_eq!(steps.len(), 3);
        assert_eq!(env.len(), 1);
        assert!(plan(&tree! { "package.json" => "{}" }).unwrap().2.is_empty());
        assert!(plan(&tree! { "Gemfile" => "" }).is_none());
    }
}
