//! Frameworks whose build is static, and those whose build is no site.

use super::output::{Framework, Output, client, first, folder, of, pages};
use crate::{
    App, Refusal,
    js::{Package, config},
};

type Found = Result<Option<Framework>, Refusal>;

pub(super) fn site(app: &App<'_>, package: &Package) -> Found {
    if let Some(found) = generator(app, package)? {
        return Ok(Some(found));
    }
    if package.any_dependency("react-scripts").is_some() {
        let output = client("build", &["/static/"]);
        return Ok(of(package, "react-scripts", "Create React App", output));
    }
    // An app that was ejected has the parts of react-scripts, and its scripts.
    if package.any_dependency("react-dev-utils").is_some() && app.has("scripts/build.js") {
        let output = client("build", &["/static/"]);
        return Ok(of(package, "react-dev-utils", "Create React App", output));
    }
    if package.any_dependency("@vue/cli-service").is_some() {
        let out = option(app, &["vue.config"], "outputDir")?;
        let output = client(out.unwrap_or_else(|| "dist".into()), &[]);
        return Ok(of(package, "@vue/cli-service", "Vue CLI", output));
    }
    if package.any_dependency("vite").is_some() {
        let root = option(app, &["vite.config"], "root")?;
        let page = match &root {
            Some(root) => format!("{root}/index.html"),
            None => "index.html".to_owned(),
        };
        // Without a page Vite builds a library.
        if app.has(&page) {
            // Vite reads the folder from its root, and a root below often writes beside itself.
            let said = first(app, &["vite.config"])?;
            let said = said.as_ref().and_then(|file| config::text(file, "outDir"));
            let out = said.map_or("dist", |(_, text)| text);
            // A folder outside of the app's stays as it is written, for a refusal that names it.
            let joined = crate::join(root.as_deref().unwrap_or_default(), out);
            let out = joined.unwrap_or_else(|| out.to_owned());
            return Ok(of(package, "vite", "Vite", client(out, &["/assets/"])));
        }
    }
    let others = [
        ("parcel", "Parcel", "dist"),
        ("parcel-bundler", "Parcel", "dist"),
        ("ember-cli", "Ember", "dist"),
        ("preact-cli", "Preact", "build"),
    ];
    Ok(others
        .into_iter()
        .find_map(|(dependency, name, folder)| of(package, dependency, name, client(folder, &[]))))
}

/// Generators of pages.
fn generator(app: &App<'_>, package: &Package) -> Found {
    let plain = [
        ("gatsby", "Gatsby", "public", "/static/"),
        ("@docusaurus/core", "Docusaurus", "build", "/assets/"),
        ("hexo", "Hexo", "public", ""),
    ];
    for (dependency, name, folder, immutable) in plain {
        if package.any_dependency(dependency).is_some() {
            let immutable: Vec<&str> =
                Some(immutable).filter(|path| !path.is_empty()).into_iter().collect();
            return Ok(of(package, dependency, name, pages(folder, &immutable)));
        }
    }
    if package.any_dependency("@11ty/eleventy").is_some() {
        let out = option(app, &[".eleventy", "eleventy.config"], "output")?;
        let output = pages(out.unwrap_or_else(|| "_site".into()), &[]);
        return Ok(of(package, "@11ty/eleventy", "Eleventy", output));
    }
    for (dependency, name, hidden) in
        [("vitepress", "VitePress", ".vitepress"), ("vuepress", "VuePress", ".vuepress")]
    {
        if package.any_dependency(dependency).is_none() {
            continue;
        }
        // The folder of the pages stands behind the command.
        let command = format!("{dependency} build");
        let scripts = ["build", "docs:build"].into_iter().filter_map(|name| package.script(name));
        let said =
            scripts.filter_map(|line| line.split_once(command.as_str())).map(|(_, rest)| rest);
        let root = said.filter_map(|rest| rest.split_whitespace().next()).find_map(folder);
        let root = root.filter(|root| !root.starts_with('-'));
        let out = match root {
            Some(root) => format!("{root}/{hidden}/dist"),
            None if app.has_dir(&format!("docs/{hidden}")) && !app.has_dir(hidden) => {
                format!("docs/{hidden}/dist")
            }
            None => format!("{hidden}/dist"),
        };
        return Ok(of(package, dependency, name, pages(out, &["/assets/"])));
    }
    Ok(None)
}

/// Programs for a desktop or a phone.
pub(super) fn no_server(_: &App<'_>, package: &Package) -> Found {
    let kinds = [
        ("electron", "Electron"),
        ("expo", "Expo"),
        ("react-native", "React Native"),
        ("nativescript", "NativeScript"),
        ("@tauri-apps/cli", "Tauri"),
    ];
    Ok(kinds.into_iter().find_map(|(dependency, name)| of(package, dependency, name, Output::None)))
}

fn option(app: &App<'_>, stems: &[&str], key: &str) -> Result<Option<String>, Refusal> {
    let file = first(app, stems)?;
    Ok(file.as_ref().and_then(|file| config::text(file, key)).and_then(|(_, text)| folder(text)))
}
