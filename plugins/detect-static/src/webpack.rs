//! Sites of webpack without a framework: `html-webpack-plugin` writes the `index.html`.

use crate::site::below;
use windlass_plugin_sdk::{App, Refusal, js::Package};

/// Names of webpack's configuration, as projects split it.
const CONFIGS: &[&str] = &[
    "webpack.config.js",
    "webpack.config.cjs",
    "webpack.config.mjs",
    "webpack.config.ts",
    "webpack.prod.js",
    "webpack.common.js",
    "config/webpack.prod.js",
    "config/webpack.common.js",
];

/// Returns the folder that webpack writes, and who says so. `None` means that webpack makes no site.
///
/// # Errors
/// The configuration names a folder outside of the app's folder.
pub(crate) fn output(
    app: &App<'_>,
    package: &Package,
) -> Result<Option<(String, String)>, Refusal> {
    let has = |name: &str| package.any_dependency(name).is_some();
    if !has("webpack") || !has("html-webpack-plugin") {
        return Ok(None);
    }
    for config in CONFIGS {
        let Some(file) = app.read(config)? else { continue };
        for (line, text) in file.lines() {
            if let Some(folder) = folder(text) {
                let source = format!("{}:{line} output.path", file.path);
                return Ok(Some((below(folder, &source)?, source)));
            }
        }
    }
    let source = package.source(&["devDependencies", "html-webpack-plugin"]);
    Ok(Some(("dist".to_owned(), format!("{source}: webpack's default"))))
}

/// Returns the folder of a line such as `path: path.resolve(__dirname, "build"),`.
fn folder(line: &str) -> Option<&str> {
    let line = line.trim().strip_prefix("path:")?;
    let (_, rest) = line.split_once("__dirname")?;
    let rest = rest.trim_start().trim_start_matches(',').trim_start();
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\'' | '`'))?;
    let (folder, _) = rest.strip_prefix(quote)?.split_once(quote)?;
    // Of several arguments the others are not known here, and a path with `..` is for a configuration below.
    Some(folder.trim_start_matches("../")).filter(|folder| !folder.contains('$'))
}

#[cfg(test)]
mod tests {
    use super::folder;

    #[test]
    fn the_folder_is_read_from_the_forms_that_projects_write() {
        for (line, expected) in [
            ("    path: path.resolve(__dirname, \"build\"),", Some("build")),
            ("path: path.join(__dirname, '../dist'),", Some("dist")),
            ("path: __dirname, 'x'", Some("x")),
            ("path: resolve(__dirname, `${out}`)", None),
            ("publicPath: '/x'", None),
            ("path: path.resolve(__dirname", None),
        ] {
            assert_eq!(folder(line), expected, "{line}");
        }
    }
}
