//! Frameworks whose build is a server.

use super::output::{Framework, Output, bundle, client, first, folder, of, pages, server, words};
use crate::{
    App, Refusal, commands,
    js::{Package, config},
    score,
};

type Found = Result<Option<Framework>, Refusal>;

pub(super) fn next(app: &App<'_>, package: &Package) -> Found {
    let Some(source) = package.dependency_source("next") else { return Ok(None) };
    let file = first(app, &["next.config"])?;
    let output = file.as_ref().and_then(|file| config::text(file, "output"));
    let at = |line: usize| {
        let path = file.as_ref().map_or("", |file| file.path.as_str());
        format!("{path}:{line} output")
    };
    let found = match output {
        Some((line, "standalone")) => {
            let mut copies = vec![
                ("/app/.next/standalone".to_owned(), "./".to_owned()),
                ("/app/.next/static".to_owned(), "./.next/static".to_owned()),
            ];
            if app.has_dir("public") {
                copies.push(("/app/public".to_owned(), "./public".to_owned()));
            }
            let start = words(&["node", "server.js"]);
            let output = Output::Server { start, copies, needs_modules: false };
            Framework { name: "Next", output, source: at(line) }
        }
        Some((line, "export")) => {
            let output = pages("out", &["/_next/static/"]);
            Framework { name: "Next", output, source: at(line) }
        }
        _ => {
            let output = server(&["node", "node_modules/next/dist/bin/next", "start"]);
            Framework { name: "Next", output, source }
        }
    };
    Ok(Some(found))
}

pub(super) fn nuxt(app: &App<'_>, package: &Package) -> Found {
    let file = first(app, &["nuxt.config"])?;
    let target = file.as_ref().and_then(|file| config::text(file, "target"));
    let is_static = matches!(target, Some((_, "static")));
    for dependency in ["nuxt", "nuxt3", "nuxt-edge"] {
        let Some(range) = package.any_dependency(dependency) else { continue };
        let range = range.trim_start_matches(['^', '~', '=', 'v', '>', ' ']);
        let second = range.starts_with("2.") || range == "2" || dependency == "nuxt-edge";
        let generates = ["build", "generate"]
            .into_iter()
            .filter(|name| *name == "build" || package.script("build").is_none())
            .find(|name| package.script(name).is_some_and(|line| line.contains("nuxt generate")));
        let generates = generates.or((second && is_static).then_some("generate"));
        let output = match (second, generates) {
            (true, Some(_)) => pages("dist", &["/_nuxt/"]),
            (true, None) => server(&["node", "node_modules/nuxt/bin/nuxt.js", "start"]),
            (false, Some(_)) => pages(".output/public", &["/_nuxt/"]),
            (false, None) => bundle(".output", &["node", ".output/server/index.mjs"]),
        };
        return Ok(of(package, dependency, "Nuxt", output));
    }
    Ok(None)
}

pub(super) fn remix(app: &App<'_>, package: &Package) -> Found {
    let is_client = |stems: &[&str]| -> Result<Option<String>, Refusal> {
        let Some(file) = first(app, stems)? else { return Ok(None) };
        let line = config::word(&file, "ssr", "false");
        Ok(line.map(|line| format!("{}:{line} ssr", file.path)))
    };
    let kinds = [
        ("Remix", "@remix-run/react", "@remix-run/serve", "dist/cli.js", "vite.config"),
        (
            "React Router",
            "@react-router/node",
            "@react-router/serve",
            "bin.js",
            "react-router.config",
        ),
        (
            "React Router",
            "@react-router/dev",
            "@react-router/serve",
            "bin.js",
            "react-router.config",
        ),
    ];
    for (name, dependency, serve, file, stem) in kinds {
        if package.any_dependency(dependency).is_none() {
            continue;
        }
        if let Some(source) = is_client(&[stem])? {
            let output = client("build/client", &["/assets/"]);
            return Ok(Some(Framework { name, output, source }));
        }
        if package.any_dependency(serve).is_none() {
            // A server of the app's own: `scripts.start` has it.
            return Ok(of(package, dependency, name, server(&[])));
        }
        let vite = name == "React Router" || package.any_dependency("vite").is_some();
        let entry = if vite { "build/server/index.js" } else { "build/index.js" };
        let program = format!("node_modules/{serve}/{file}");
        return Ok(of(package, serve, name, server(&["node", &program, entry])));
    }
    Ok(None)
}

pub(super) fn svelte_kit(app: &App<'_>, package: &Package) -> Found {
    let Some(source) = package.dependency_source("@sveltejs/kit") else { return Ok(None) };
    let file = first(app, &["svelte.config", "vite.config"])?;
    let text = file.as_ref().map(|file| file.text.as_str()).unwrap_or_default();
    let adapters = [
        "@sveltejs/adapter-node",
        "@sveltejs/adapter-static",
        "@sveltejs/adapter-auto",
        "@sveltejs/adapter-vercel",
        "@sveltejs/adapter-netlify",
        "@sveltejs/adapter-cloudflare",
    ];
    let there = adapters.into_iter().filter(|name| package.any_dependency(name).is_some());
    let installed: Vec<&str> = there.collect();
    // The configuration decides among those that are installed.
    let named = installed.iter().find(|name| text.contains(**name));
    let adapter = named.or(installed.first()).copied();
    let option = |key: &str| file.as_ref().and_then(|file| config::text(file, key));
    let at = |name: &str| package.dependency_source(name).unwrap_or_else(|| source.clone());
    let (output, source) = match adapter {
        Some(name @ "@sveltejs/adapter-node") => {
            let out = option("out").and_then(|(_, text)| folder(text));
            (server(&["node", out.as_deref().unwrap_or("build")]), at(name))
        }
        Some(name @ "@sveltejs/adapter-static") => {
            let folder = option("pages").and_then(|(_, text)| folder(text));
            let fallback = option("fallback").map(|(_, text)| text.to_owned());
            let output = Output::Static {
                folder: folder.unwrap_or_else(|| "build".into()),
                fallback,
                not_found: None,
                immutable: words(&["/_app/immutable/"]),
            };
            (output, at(name))
        }
        name => {
            let source = name.map_or_else(|| source.clone(), at);
            let reason = format!("{source}: SvelteKit builds no server with this adapter");
            let hint = "add @sveltejs/adapter-node to package.json and svelte.config.js";
            return Err(Refusal::new(reason, hint).of("node", score::STARTED));
        }
    };
    Ok(Some(Framework { name: "SvelteKit", output, source }))
}

pub(super) fn astro(app: &App<'_>, package: &Package) -> Found {
    let Some(source) = package.dependency_source("astro") else { return Ok(None) };
    let file = first(app, &["astro.config"])?;
    let option = |key: &str| file.as_ref().and_then(|file| config::text(file, key));
    let out = option("outDir").and_then(|(_, text)| folder(text)).unwrap_or_else(|| "dist".into());
    let asks = matches!(option("output"), Some((_, "server" | "hybrid")));
    let configured = file.as_ref().is_some_and(|file| file.text.contains("@astrojs/node"));
    let adapter = package.dependency_source("@astrojs/node").filter(|_| configured);
    let output = match &adapter {
        Some(_) if matches!(option("mode"), Some((_, "middleware"))) => server(&[]),
        Some(_) => server(&["node", &format!("./{out}/server/entry.mjs")]),
        None if asks => {
            let line = option("output").map_or(1, |(line, _)| line);
            let path = file.as_ref().map_or("astro.config.mjs", |file| file.path.as_str());
            let reason = format!("{path}:{line}: Astro renders on a server, without @astrojs/node");
            let hint = "run `npx astro add node` and commit";
            return Err(Refusal::new(reason, hint).of("node", score::STARTED));
        }
        None => pages(out, &["/_astro/"]),
    };
    Ok(Some(Framework { name: "Astro", output, source: adapter.unwrap_or(source) }))
}

/// Frameworks on Nitro.
pub(super) fn nitro(_: &App<'_>, package: &Package) -> Found {
    let kinds = [
        ("@tanstack/react-start", "TanStack Start", ".output"),
        ("@tanstack/solid-start", "TanStack Start", ".output"),
        ("@tanstack/start", "TanStack Start", ".output"),
        ("@solidjs/start", "SolidStart", ".output"),
        ("@analogjs/platform", "Analog", "dist/analog"),
        ("nitropack", "Nitro", ".output"),
        ("nitro", "Nitro", ".output"),
    ];
    Ok(kinds.into_iter().find_map(|(dependency, name, folder)| {
        let entry = format!("{folder}/server/index.mjs");
        of(package, dependency, name, bundle(folder, &["node", &entry]))
    }))
}

/// AdonisJS 5 and later compile into a folder with the app's own layout.
pub(super) fn adonis(app: &App<'_>, package: &Package) -> Found {
    if !["adonisrc.ts", ".adonisrc.json"].iter().any(|file| app.has(file)) {
        return Ok(None);
    }
    let entry = ["bin/server", "server"].into_iter().find(|stem| app.has(&format!("{stem}.ts")));
    Ok(entry.and_then(|stem| {
        let file = format!("build/{stem}.js");
        of(package, "@adonisjs/core", "AdonisJS", server(&["node", &file]))
    }))
}

pub(super) fn nest(_: &App<'_>, package: &Package) -> Found {
    let said = package.script("start:prod").filter(|line| commands::is_development(line).is_none());
    let start = said.and_then(|line| commands::plain(commands::env_prefix(line).1));
    let start = start.filter(|argv| argv.first().is_some_and(|program| program == "node"));
    let output = match start {
        Some(start) => Output::Server { start, copies: Vec::new(), needs_modules: true },
        None => server(&["node", "dist/main"]),
    };
    Ok(of(package, "@nestjs/core", "NestJS", output))
}
